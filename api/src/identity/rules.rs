//! Who may appoint whom to what, for how long: pure functions.

use chrono::{Datelike, Months, NaiveDate};
use uuid::Uuid;

use super::{Caller, Role};
use crate::kernel::clock::Instant;
use crate::kernel::problem::{Code, Refusal};
use crate::kernel::region::{Level, RegionCode};

/// A committee's term is at most as long as a village committee's (村民委员会组织法: five years).
const TERM_MONTHS_MAX: u32 = 60;
/// Days are written with four digits.
const YEAR_MAX: i32 = 2199;

/// When a grant holds: from `starts_at`, until before `ends_at` if it has an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    pub starts_at: Instant,
    pub ends_at: Option<Instant>,
}

/// The level of region that a role is for.
fn level(role: Role) -> Level {
    match role {
        Role::County => Level::County,
        Role::Township => Level::Township,
        Role::Panel | Role::Committee | Role::Clerk => Level::Village,
        Role::GridWorker => Level::Grid,
    }
}

/// Only a township or county appoints and dismisses, and nobody above themself.
///
/// # Errors
/// `role_required` for one who is neither, `role_above_own`.
pub fn may_govern(by: &Caller, role: Role, region: &RegionCode) -> Result<(), Refusal> {
    let held = [Role::County, Role::Township].into_iter();
    let own = held.filter(|role| by.has(*role, region.as_str())).map(Role::rank).max();
    match own {
        None => Err(Code::RoleRequired.into()),
        Some(own) if role.rank() > own => Err(Code::RoleAboveOwn.into()),
        Some(_) => Ok(()),
    }
}

/// Whether `by` may give `person` a role in a region.
///
/// # Errors
/// `conflict_of_interest` for oneself, those of [`may_govern`], `invalid_field` if the role is for
/// another level of region.
pub fn may_appoint(
    by: &Caller,
    person: Uuid,
    role: Role,
    region: &RegionCode,
) -> Result<(), Refusal> {
    if by.person == person {
        return Err(Code::ConflictOfInterest.into());
    }
    may_govern(by, role, region)?;
    if level(role) != region.level() {
        let detail = format!("{} is for a {}", role.as_str(), level(role).as_str());
        return Err(Refusal::from(Code::InvalidField).at("/role", "level", detail));
    }
    Ok(())
}

/// The term of a grant: from now or a later day, until before a later day if at all.
///
/// # Errors
/// `invalid_field`.
pub fn term(
    starts_on: Option<NaiveDate>,
    ends_on: Option<NaiveDate>,
    now: Instant,
) -> Result<Term, Refusal> {
    let odd = |pointer, what| Refusal::from(Code::InvalidField).at(pointer, "range", what);
    let first = starts_on.unwrap_or_else(|| now.day());
    if first < now.day() || first.year() > YEAR_MAX {
        return Err(odd("/starts_on", "today or later, before 2200"));
    }
    if ends_on.is_some_and(|end| end <= first || end.year() > YEAR_MAX) {
        return Err(odd("/ends_on", "after the first day, before 2200"));
    }
    let starts_at = Instant::at_midnight(first).max(now);
    Ok(Term { starts_at, ends_at: ends_on.map(Instant::at_midnight) })
}

/// The term of a committee, which may have begun before it is recorded; its seats hold from now on.
///
/// # Errors
/// `invalid_field` if it is over, or longer than five years.
pub fn committee_term(
    starts_on: NaiveDate,
    ends_on: NaiveDate,
    now: Instant,
) -> Result<Term, Refusal> {
    let odd = |pointer, what| Refusal::from(Code::InvalidField).at(pointer, "range", what);
    if starts_on.year() > YEAR_MAX || ends_on.year() > YEAR_MAX {
        return Err(odd("/starts_on", "before 2200"));
    }
    if ends_on <= starts_on || ends_on <= now.day() {
        return Err(odd("/ends_on", "after the first day and after today"));
    }
    if starts_on.checked_add_months(Months::new(TERM_MONTHS_MAX)).is_none_or(|last| ends_on > last)
    {
        return Err(odd("/ends_on", "at most five years after the first day"));
    }
    let ends_at = Some(Instant::at_midnight(ends_on));
    Ok(Term { starts_at: Instant::at_midnight(starts_on).max(now), ends_at })
}

/// Whose near relatives may not have this role: the supervising body must be no kin of its own
/// members, nor of those it watches.
pub fn kept_apart_from(role: Role) -> &'static [Role] {
    match role {
        Role::Committee => &[Role::Committee, Role::Panel, Role::Clerk],
        Role::Panel | Role::Clerk => &[Role::Committee],
        Role::GridWorker | Role::Township | Role::County => &[],
    }
}

/// Nobody supervises a near relative, nor themself.
///
/// # Errors
/// `near_relatives`.
pub fn kept_apart(person: Uuid, near: &[Uuid], holders: &[Uuid]) -> Result<(), Refusal> {
    match holders.iter().any(|holder| *holder == person || near.contains(holder)) {
        true => Err(Code::NearRelatives.into()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Grant;
    use super::*;

    fn region(code: &str) -> RegionCode {
        code.parse().expect("a code")
    }

    fn official(role: Role, code: &str) -> Caller {
        Caller {
            account: Uuid::from_u128(1),
            session: Uuid::from_u128(1),
            person: Uuid::from_u128(1),
            name: "官".to_owned(),
            home: None,
            grants: vec![Grant { role, region: region(code) }],
        }
    }

    fn refused(by: &Caller, person: u128, role: Role, code: &str) -> Option<Code> {
        may_appoint(by, Uuid::from_u128(person), role, &region(code)).err().map(|it| it.code)
    }

    #[test]
    fn nobody_grants_above_themself_or_to_themself() {
        let county = official(Role::County, "460205");
        let township = official(Role::Township, "460205100");
        for (role, code) in [
            (Role::County, "460205"),
            (Role::Township, "460205100"),
            (Role::Panel, "460205100201"),
            (Role::GridWorker, "460205100201001"),
        ] {
            assert_eq!(refused(&county, 2, role, code), None);
            assert_eq!(refused(&county, 1, role, code), Some(Code::ConflictOfInterest));
        }
        assert_eq!(refused(&township, 2, Role::Township, "460205100"), None);
        assert_eq!(refused(&township, 2, Role::Committee, "460205100201"), None);
        assert_eq!(refused(&township, 2, Role::County, "460205100"), Some(Code::RoleAboveOwn));
        for by in [&township, &official(Role::Committee, "460205")] {
            assert_eq!(refused(by, 2, Role::Panel, "460205101201"), Some(Code::RoleRequired));
        }
    }

    #[test]
    fn a_role_is_for_one_level_of_region() {
        let county = official(Role::County, "46");
        let levels = ["4602", "460205", "460205100", "460205100201", "460205100201001"];
        for (role, fits) in [
            (Role::County, "460205"),
            (Role::Township, "460205100"),
            (Role::Panel, "460205100201"),
            (Role::Committee, "460205100201"),
            (Role::Clerk, "460205100201"),
            (Role::GridWorker, "460205100201001"),
        ] {
            for code in levels {
                let refused = refused(&county, 2, role, code);
                assert_eq!(
                    refused,
                    (code != fits).then_some(Code::InvalidField),
                    "{role:?} {code}"
                );
            }
        }
    }

    #[test]
    fn a_term_begins_now_or_later_and_ends_after_it_begins() {
        let now = Instant::parse("2024-08-21T09:30:00+08:00").expect("an instant");
        let day = |text: &str| text.parse::<NaiveDate>().ok();
        let midnight = |text| Instant::parse(text).expect("an instant");
        let from_now = Term { starts_at: now, ends_at: None };
        assert_eq!(term(None, None, now), Ok(from_now));
        assert_eq!(term(day("2024-08-21"), None, now), Ok(from_now));
        let later = term(day("2024-09-01"), day("2024-09-02"), now).expect("a term");
        assert_eq!(later.starts_at, midnight("2024-09-01T00:00:00+08:00"));
        assert_eq!(later.ends_at, Some(midnight("2024-09-02T00:00:00+08:00")));
        for (starts_on, ends_on) in [
            ("2024-08-20", "2024-09-01"),
            ("2024-08-21", "2024-08-21"),
            ("2024-08-22", "2024-08-21"),
            ("2200-01-01", "2200-01-02"),
        ] {
            assert!(term(day(starts_on), day(ends_on), now).is_err(), "{starts_on} {ends_on}");
        }
        let committee = |starts_on, ends_on| {
            committee_term(day(starts_on).expect("a day"), day(ends_on).expect("a day"), now)
        };
        assert_eq!(committee("2024-01-01", "2029-01-01").expect("a term").starts_at, now);
        assert!(committee("2024-01-01", "2029-01-02").is_err());
        assert!(committee("2020-01-01", "2024-08-21").is_err());
        assert!(committee("2024-10-01", "2024-09-01").is_err());
    }

    #[test]
    fn nobody_supervises_themself_or_a_near_relative() {
        let [person, relative, other] = [1, 2, 3].map(Uuid::from_u128);
        assert!(kept_apart(person, &[relative], &[other]).is_ok());
        assert!(kept_apart(person, &[relative], &[other, relative]).is_err());
        assert!(kept_apart(person, &[], &[person]).is_err());
    }
}
