//! Who decides at a step now: the office that the step names, or, where too few may act or nothing was
//! done for a fortnight, the one above (2.5, 2.6). A village of one clan is the normal case.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Days;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::hearing::REPLY_DAYS;
use super::officials::{Given, Of, concerned, given, grants};
use super::verdict::Votes;
use crate::identity::{Caller, Grant, Role};
use crate::kernel::clock::Instant;
use crate::kernel::problem::Outcome;
use crate::kernel::region::RegionCode;
use crate::rules::{Step, StepRole};

/// After so many days without a decision a step goes one level up, and after as many again another.
pub const STALE_DAYS: i64 = 14;

/// How far from the household an office reaches that may decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Whoever holds it over the household's grid.
    Grid,
    /// Whoever holds it over the village or, for a grid worker, in it.
    Village,
}

/// An office that decides a step, and how many of its holders must approve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    pub role: Role,
    reach: Reach,
    pub needed: i64,
    /// Holders who may act: not the filer, not concerned, not heard at an earlier step.
    pub able: i64,
}

/// The offices of a step from the one it names upwards. The last of them decides whatever happens.
fn ladder(step: &Step, committee: i64) -> Vec<(Role, Reach, i64)> {
    use Reach::{Grid, Village};
    let needed = step.approvals.needed(committee).max(1);
    let mut offices = match step.role {
        StepRole::GridWorker => vec![
            (Role::GridWorker, Grid, needed),
            (Role::GridWorker, Village, needed),
            (Role::Panel, Village, 1),
        ],
        StepRole::Panel => vec![(Role::Panel, Village, needed)],
        // Nobody answers for a household; that it was not heard is the committee's to decide.
        StepRole::Committee | StepRole::HouseholdHead => vec![(Role::Committee, Village, needed)],
        StepRole::Township => vec![(Role::Township, Village, needed)],
    };
    if step.role != StepRole::Township {
        offices.push((Role::Township, Village, 1));
    }
    offices.push((Role::County, Village, 1));
    offices
}

/// Where a claim stands.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    pub village: &'a str,
    pub claim: Uuid,
    pub household: Uuid,
    pub grid: &'a str,
    pub filed_by: Uuid,
    /// Index of the step it waits at.
    pub step: i64,
    /// Since when it waits there.
    pub since: Instant,
}

/// The officials of a region and what they may not decide.
#[derive(Default)]
pub struct Officials {
    grants: Vec<(Uuid, Grant)>,
    /// Person and household: a member, or kin of one.
    concerned: BTreeSet<(Uuid, Uuid)>,
    given: BTreeMap<Uuid, Vec<Given>>,
}

impl Officials {
    /// Reads who holds office over a region and in it, and what was decided, in three statements.
    pub async fn read(
        on: &impl ConnectionTrait,
        region: &RegionCode,
        of: Of<'_>,
        now: Instant,
    ) -> Outcome<Self> {
        let grants = grants(on, region, now).await?;
        let concerned = concerned(on, region).await?;
        Ok(Self { grants, concerned, given: given(on, region, of).await? })
    }

    fn may_act(&self, place: &Place<'_>, person: Uuid) -> bool {
        person != place.filed_by && !self.is_concerned(person, place.household)
    }

    /// Whether the person belongs to the household, or is kin of one who does.
    pub fn is_concerned(&self, person: Uuid, household: Uuid) -> bool {
        self.concerned.contains(&(person, household))
    }

    /// Whether the person has decided on the claim in its present round.
    pub fn has_decided(&self, claim: Uuid, person: Uuid) -> bool {
        self.given.get(&claim).is_some_and(|all| all.iter().any(|it| it.person == person))
    }

    fn able(&self, place: &Place<'_>, role: Role, reach: Reach) -> i64 {
        let given = self.given.get(&place.claim).map_or(&[][..], Vec::as_slice);
        let earlier =
            |person: Uuid| given.iter().any(|it| it.person == person && it.step != place.step);
        let holders: BTreeSet<_> = self
            .grants
            .iter()
            .filter(|(person, grant)| {
                holds(grant, role, reach, place)
                    && self.may_act(place, *person)
                    && !earlier(*person)
            })
            .map(|(person, _)| *person)
            .collect();
        i64::try_from(holders.len()).unwrap_or(i64::MAX)
    }

    /// The office that decides the claim at `step` now: the first from below whose holders suffice,
    /// and one higher for every [`STALE_DAYS`] that the step was left alone.
    pub fn seat(&self, place: &Place<'_>, step: &Step, now: Instant) -> Option<Seat> {
        if step.role == StepRole::HouseholdHead && now < reply_until(place.since) {
            return None;
        }
        let committee = self.size(place, Role::Committee);
        let offices: Vec<_> = ladder(step, committee)
            .into_iter()
            .map(|(role, reach, needed)| Seat {
                role,
                reach,
                needed,
                able: self.able(place, role, reach),
            })
            .collect();
        let top = offices.last().copied()?;
        let fit: Vec<_> = offices.into_iter().filter(|it| it.able >= it.needed).collect();
        let waited = (now.0 - place.since.0) / (STALE_DAYS * crate::kernel::clock::DAY_MS);
        let up = usize::try_from(waited).unwrap_or_default().min(fit.len().saturating_sub(1));
        Some(fit.get(up).copied().unwrap_or(top))
    }

    /// All who hold an office over the village, concerned or not.
    fn size(&self, place: &Place<'_>, role: Role) -> i64 {
        let holders: BTreeSet<_> = self
            .grants
            .iter()
            .filter(|(_, grant)| holds(grant, role, Reach::Village, place))
            .map(|(person, _)| *person)
            .collect();
        i64::try_from(holders.len()).unwrap_or(i64::MAX)
    }

    /// Whether the caller sits in this seat.
    pub fn sits(caller: &Caller, place: &Place<'_>, seat: &Seat) -> bool {
        caller.grants.iter().any(|grant| holds(grant, seat.role, seat.reach, place))
    }

    /// Whether the caller may decide the claim now.
    pub fn acts(&self, caller: &Caller, place: &Place<'_>, step: &Step, now: Instant) -> bool {
        self.may_act(place, caller.person)
            && !self.has_decided(place.claim, caller.person)
            && self.seat(place, step, now).is_some_and(|seat| Self::sits(caller, place, &seat))
    }

    /// The votes of a seat's holders at the claim's step so far.
    pub fn votes(&self, place: &Place<'_>, seat: &Seat) -> Votes {
        let given = self.given.get(&place.claim).map_or(&[][..], Vec::as_slice);
        let count = |approved: bool| {
            let here = given.iter().filter(|it| {
                // Of votes of before offices were written down, all are counted.
                let same = it.role == seat.role.as_str() || it.role.is_empty();
                it.step == place.step && same && it.approved == approved
            });
            i64::try_from(here.count()).unwrap_or(i64::MAX)
        };
        let (approvals, rejections) = (count(true), count(false));
        Votes { approvals, rejections, needed: seat.needed, able: seat.able }
    }
}

/// When a household that was told has had time to answer: the end of the seventh day after.
pub fn reply_until(told: Instant) -> Instant {
    Instant::at_midnight(told.day() + Days::new(REPLY_DAYS + 1))
}

fn holds(grant: &Grant, role: Role, reach: Reach, place: &Place<'_>) -> bool {
    let inside = reach == Reach::Village && grant.region.as_str().starts_with(place.village);
    let over = match reach {
        Reach::Grid => grant.region.contains(place.grid),
        Reach::Village => grant.region.contains(place.village),
    };
    grant.role == role && (over || inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Approvals;

    const VILLAGE: &str = "460205100201";
    const GRID: &str = "460205100201001";
    const FILER: Uuid = Uuid::from_u128(900);

    fn officials(holders: &[(u128, Role, &str)], concerned: &[u128]) -> Officials {
        let grant = |(person, role, region): &(u128, Role, &str)| {
            let region = region.parse().expect("a region");
            (Uuid::from_u128(*person), Grant { role: *role, region })
        };
        let household = |person: &u128| (Uuid::from_u128(*person), Uuid::nil());
        Officials {
            grants: holders.iter().map(grant).collect(),
            concerned: concerned.iter().map(household).collect(),
            given: BTreeMap::new(),
        }
    }

    fn place() -> Place<'static> {
        Place {
            village: VILLAGE,
            claim: Uuid::max(),
            household: Uuid::nil(),
            grid: GRID,
            filed_by: FILER,
            step: 0,
            since: Instant(0),
        }
    }

    fn step(role: StepRole, approvals: Approvals) -> Step {
        Step { step: "step".to_owned(), role, scope: "village".to_owned(), approvals }
    }

    fn seat(officials: &Officials, step: &Step, days: i64) -> (Role, i64) {
        let seat = officials.seat(&place(), step, Instant(0).plus_days(days)).expect("a seat");
        (seat.role, seat.needed)
    }

    const ABOVE: [(u128, Role, &str); 2] =
        [(50, Role::Township, "460205100"), (60, Role::County, "460205")];

    #[test]
    fn a_fortnight_without_a_decision_goes_one_level_up() {
        let holders = [(1, Role::Panel, VILLAGE), ABOVE[0], ABOVE[1]];
        let officials = officials(&holders, &[]);
        let panel = step(StepRole::Panel, Approvals::Number(1));
        assert_eq!(seat(&officials, &panel, 13), (Role::Panel, 1));
        assert_eq!(seat(&officials, &panel, 14), (Role::Township, 1));
        assert_eq!(seat(&officials, &panel, 28), (Role::County, 1));
        assert_eq!(seat(&officials, &panel, 300), (Role::County, 1));
    }

    #[test]
    fn kin_who_keep_out_do_not_lower_the_majority() {
        let seats = |count: u128| -> Vec<_> {
            (1..=count).map(|it| (it, Role::Committee, VILLAGE)).chain(ABOVE).collect()
        };
        let vote = step(StepRole::Committee, Approvals::Majority);
        assert_eq!(seat(&officials(&seats(3), &[]), &vote, 0), (Role::Committee, 3));
        assert_eq!(seat(&officials(&seats(3), &[1]), &vote, 0), (Role::Township, 1));
        assert_eq!(seat(&officials(&seats(6), &[1, 2]), &vote, 0), (Role::Committee, 4));
        assert_eq!(seat(&officials(&seats(6), &[1, 2, 3]), &vote, 0), (Role::Township, 1));
        let clan = officials(&seats(3), &[1, 50]);
        assert_eq!(seat(&clan, &vote, 0), (Role::County, 1));
    }

    #[test]
    fn the_grids_only_worker_is_relieved_by_another_of_the_village_then_by_the_panel() {
        let precheck = step(StepRole::GridWorker, Approvals::Number(1));
        let own = (900, Role::GridWorker, GRID);
        let other = (901, Role::GridWorker, "460205100201002");
        let panel = (1, Role::Panel, VILLAGE);
        let both = officials(&[own, other, panel], &[]);
        let found = both.seat(&place(), &precheck, Instant(0)).expect("a seat");
        assert_eq!((found.role, found.reach), (Role::GridWorker, Reach::Village));
        let alone = officials(&[own, panel, ABOVE[0]], &[]);
        assert_eq!(seat(&alone, &precheck, 0), (Role::Panel, 1));
        assert_eq!(seat(&officials(&[own, ABOVE[0]], &[]), &precheck, 0), (Role::Township, 1));
    }

    #[test]
    fn with_nobody_left_the_highest_office_decides() {
        let nobody = officials(&[], &[]);
        assert_eq!(seat(&nobody, &step(StepRole::Panel, Approvals::Number(1)), 0).0, Role::County);
    }

    #[test]
    fn a_household_has_seven_whole_days_to_answer() {
        let hearing = step(StepRole::HouseholdHead, Approvals::Number(0));
        let officials = officials(&[(1, Role::Committee, VILLAGE)], &[]);
        let until = reply_until(place().since);
        assert_eq!(officials.seat(&place(), &hearing, Instant(until.0 - 1)), None);
        let seat = officials.seat(&place(), &hearing, until).expect("a seat");
        assert_eq!(seat.role, Role::Committee);
    }
}
