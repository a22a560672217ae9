//! What may be claimed: pure functions of plain values.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use crate::kernel::clock::Instant;
use crate::kernel::period::Week;
use crate::kernel::problem::{Code, Refusal};
use crate::rules::{CountedPer, Rule, Source};

/// How long what a phone recorded without a network counts as filed when it was recorded.
const DEVICE_DAYS: i64 = 7;

/// The deed as the claim tells it.
#[derive(Clone, Debug)]
pub struct Deed<'a> {
    pub household: Uuid,
    pub member: Option<Uuid>,
    pub count: i64,
    /// Points for each count, if the rule leaves a choice.
    pub points_each: Option<i64>,
    /// Which of the rule's levels granted it.
    pub level: Option<&'a str>,
    pub occurred_on: NaiveDate,
    pub event: Option<&'a str>,
    /// What shows it; `None` on a list from outside, which is evidence by itself.
    pub evidence: Option<Vec<Shown<'a>>>,
    /// When it counts as filed: see [`filed_at`].
    pub filed_at: Instant,
    /// Whether somebody who may do so admits it though it is too late.
    pub excused: bool,
}

/// A piece of evidence.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    pub kind: &'a str,
    /// Says readably where it is kept.
    pub told: bool,
    pub photo: Option<Uuid>,
}

/// A deed that may be claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Signed points for the whole claim.
    pub points: i64,
    /// Equal for two claims of the same deed.
    pub dedupe: String,
    /// Admitted after its term.
    pub late: bool,
}

/// When a claim counts as filed that a device recorded at `device_at` and the server received: then,
/// if that was in the last seven days. A clock that runs ahead, or was set back, counts for nothing.
pub fn filed_at(device_at: Option<Instant>, received: Instant) -> Instant {
    let earliest = received.plus_days(-DEVICE_DAYS);
    device_at.filter(|at| (earliest..=received).contains(at)).unwrap_or(received)
}

/// Whether `rule` rewards this deed when it is claimed at `now`.
///
/// # Errors
/// `rule_not_in_force`, `claim_in_future`, `claim_too_late`, `member_required`, `event_required`,
/// `evidence_missing`, `outside_range`, or `invalid_field` for an unknown level.
pub fn admit(rule: &Rule, deed: &Deed<'_>, now: Instant) -> Result<Admitted, Refusal> {
    if !rule.enabled {
        let why = format!("{} is switched off in this village", rule.key);
        return Err(Refusal::from(Code::RuleNotInForce).because(why));
    }
    if deed.occurred_on > now.day() {
        return Err(Code::ClaimInFuture.into());
    }
    let age_days = (deed.filed_at.day() - deed.occurred_on).num_days();
    let late = rule.claim_within_days.is_some_and(|days| age_days > days);
    if late && !deed.excused {
        let days = rule.claim_within_days.unwrap_or_default();
        let why = format!("{} is claimed within {days} days", rule.key);
        return Err(Refusal::from(Code::ClaimTooLate).because(why));
    }
    let missing: Vec<_> = match &deed.evidence {
        Some(shown) => rule.evidence.iter().filter(|kind| !shows(kind, shown)).collect(),
        None => Vec::new(),
    };
    if !missing.is_empty() {
        let refusal = Refusal::from(Code::EvidenceMissing);
        return Err(missing
            .into_iter()
            .fold(refusal, |it, kind| it.at("/evidence", "required", kind)));
    }
    Ok(Admitted { points: points(rule, deed)?, dedupe: dedupe(rule, deed)?, late })
}

/// Whether evidence of this kind is there: photos as photos, before and after as two of them, all else
/// as a photo or as a word on where it is kept.
fn shows(kind: &str, shown: &[Shown<'_>]) -> bool {
    let of_kind = shown.iter().filter(|it| it.kind == kind);
    match kind {
        // The system's own records and imported lists are evidence that nobody hands in.
        "system" | "import" => true,
        "photo" => of_kind.clone().any(|it| it.photo.is_some()),
        "photo_before_after" => {
            of_kind.filter_map(|it| it.photo).collect::<BTreeSet<_>>().len() > 1
        }
        _ => of_kind.clone().any(|it| it.photo.is_some() || it.told),
    }
}

fn points(rule: &Rule, deed: &Deed<'_>) -> Result<i64, Refusal> {
    let refuse =
        |why: String| Err(Refusal::from(Code::OutsideRange).at("/points_each", "range", why));
    let each = match deed.level {
        None => deed.points_each.unwrap_or(rule.default_points),
        Some(level) => {
            let known = rule.level_points.iter().find(|it| it.level == level);
            let known = known.ok_or_else(|| {
                let known: Vec<_> = rule.level_points.iter().map(|it| it.level.as_str()).collect();
                let known = format!("one of [{}]", known.join(", "));
                Refusal::from(Code::InvalidField).at("/level", "unknown", known)
            })?;
            if deed.points_each.is_some_and(|each| each != known.points) {
                return refuse(format!("{} for this level", known.points));
            }
            known.points
        }
    };
    if !(rule.points_min..=rule.points_max).contains(&each) {
        return refuse(format!("{} to {} for each", rule.points_min, rule.points_max));
    }
    let points = each.checked_mul(deed.count);
    points.ok_or_else(|| Refusal::from(Code::OutsideRange).at("/count", "range", "too many"))
}

/// The rule and the parts that the rule's `dedupe` names. An inspection scores a household once in an
/// ISO week, whatever day the round came by.
fn dedupe(rule: &Rule, deed: &Deed<'_>) -> Result<String, Refusal> {
    let member = || {
        let member = deed.member.map(|member| member.to_string());
        member.ok_or_else(|| Refusal::from(Code::MemberRequired).at("/member", "required", ""))
    };
    if rule.counted_per == CountedPer::Member {
        member()?;
    }
    let mut key = rule.key.clone();
    for part in rule.dedupe.split('+') {
        let value = match part {
            "rule" => continue,
            "household" => deed.household.to_string(),
            "member" => member()?,
            "occurred_on" if rule.source == Source::Inspection => {
                Week::of_day(deed.occurred_on).to_string()
            }
            "occurred_on" => deed.occurred_on.to_string(),
            // event, ticket, certificate_no, suggestion_id, ballot, elder: what the claim is about
            _ => deed
                .event
                .map(one_spelling)
                .ok_or_else(|| Refusal::from(Code::EventRequired).at("/event", "required", part))?,
        };
        key = format!("{key}|{value}");
    }
    Ok(key)
}

/// The same number or name in full width, in capitals or with other spaces is the same.
pub fn one_spelling(text: &str) -> String {
    let narrow: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    narrow.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Direction, builtin};

    /// A rule as the import would store it.
    fn rule(key: &str) -> Rule {
        let catalogue = builtin().expect("the catalogue");
        let item = catalogue.items.iter().find(|item| item.key == key).expect("an item").clone();
        Rule {
            rule_set: Uuid::nil(),
            key: item.key,
            category: String::new(),
            name_zh: item.name_zh,
            name_en: item.name_en,
            direction: item.direction,
            points_min: item.points_min,
            points_max: item.points_max,
            default_points: item.default_points,
            unit: item.unit,
            counted_per: item.counted_per,
            evidence: item.evidence,
            cap: item.cap,
            source: item.source,
            chain: catalogue.review_chains.get(item.review_chain).to_vec(),
            claim_within_days: item.claim_within_days,
            dedupe: item.dedupe,
            requires_hearing: item.requires_hearing,
            warn_first: item.warn_first,
            remediation_days: item.remediation_days,
            refund_on_remediation: item.refund_on_remediation,
            level_points: item.level_points,
            note: item.note,
            publicly_itemised: item.publicly_itemised,
            enabled: item.default_enabled,
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn noon(text: &str) -> Instant {
        Instant(Instant::at_midnight(day(text)).0 + 12 * 3_600_000)
    }

    fn deed() -> Deed<'static> {
        Deed {
            household: Uuid::from_u128(1),
            member: Some(Uuid::from_u128(2)),
            count: 1,
            points_each: None,
            level: None,
            occurred_on: day("2024-08-20"),
            event: Some("8月大扫除"),
            evidence: Some(vec![told("sign_in_sheet"), photo("photo", 1)]),
            filed_at: noon("2024-08-21"),
            excused: false,
        }
    }

    fn told(kind: &str) -> Shown<'_> {
        Shown { kind, told: true, photo: None }
    }

    fn photo(kind: &str, id: u128) -> Shown<'_> {
        Shown { kind, told: false, photo: Some(Uuid::from_u128(id)) }
    }

    /// Filed and received at noon of a day.
    fn filed(rule: &Rule, deed: &Deed<'_>, at: &str) -> Result<Admitted, Refusal> {
        admit(rule, &Deed { filed_at: noon(at), ..deed.clone() }, noon(at))
    }

    fn refused(rule: &Rule, deed: &Deed<'_>, at: &str) -> Code {
        filed(rule, deed, at).expect_err("a refusal").code
    }

    #[test]
    fn a_deed_is_admitted_until_the_last_day_of_its_term() {
        let rule = rule("env.cleanup_day");
        assert_eq!(filed(&rule, &deed(), "2024-09-19").expect("admitted").points, 2);
        assert_eq!(refused(&rule, &deed(), "2024-09-20"), Code::ClaimTooLate);
        assert_eq!(refused(&rule, &deed(), "2024-08-19"), Code::ClaimInFuture);
    }

    #[test]
    fn member_event_and_evidence_are_asked_for_where_the_rule_needs_them() {
        let rule = rule("env.cleanup_day");
        let at = "2024-08-21";
        assert_eq!(refused(&rule, &Deed { member: None, ..deed() }, at), Code::MemberRequired);
        assert_eq!(refused(&rule, &Deed { event: None, ..deed() }, at), Code::EventRequired);
        let evidence = Some(vec![photo("photo", 1)]);
        assert_eq!(refused(&rule, &Deed { evidence, ..deed() }, at), Code::EvidenceMissing);
        // What only says where a photo is kept is no photo.
        let evidence = Some(vec![told("sign_in_sheet"), told("photo")]);
        assert_eq!(refused(&rule, &Deed { evidence, ..deed() }, at), Code::EvidenceMissing);
        assert!(filed(&rule, &Deed { evidence: None, ..deed() }, at).is_ok());
    }

    #[test]
    fn before_and_after_are_two_different_photos() {
        let rule = rule("env.courtyard_beautify");
        let with = |photos: &[u128]| {
            let shown = photos.iter().map(|id| photo("photo_before_after", *id)).collect();
            filed(&rule, &Deed { evidence: Some(shown), ..deed() }, "2024-08-21").is_ok()
        };
        assert!(with(&[1, 2]) && with(&[1, 2, 3]));
        assert!(!with(&[]) && !with(&[1]) && !with(&[1, 1]));
    }

    #[test]
    fn a_term_is_judged_by_when_a_device_recorded_it_in_the_last_seven_days() {
        let received = noon("2024-09-22");
        let days = |days: i64| received.plus_days(-days);
        assert_eq!(filed_at(None, received), received);
        assert_eq!(filed_at(Some(days(7)), received), days(7));
        assert_eq!(filed_at(Some(Instant(days(7).0 - 1)), received), received);
        assert_eq!(filed_at(Some(days(-1)), received), received);
        let rule = rule("env.cleanup_day");
        let recorded = Deed { filed_at: noon("2024-09-19"), ..deed() };
        assert!(admit(&rule, &recorded, received).is_ok_and(|it| !it.late));
        let late = Deed { filed_at: received, excused: true, ..deed() };
        assert!(admit(&rule, &late, received).is_ok_and(|it| it.late));
    }

    #[test]
    fn a_level_has_exactly_its_points() {
        let rule = rule("fam.model_family");
        let at = |level, points_each| {
            let evidence = Some(vec![told("certificate")]);
            let deed = Deed { level, points_each, evidence, ..deed() };
            filed(&rule, &deed, "2024-08-21").map(|it| it.points).map_err(|it| it.code)
        };
        assert_eq!(at(Some("county"), None), Ok(15));
        assert_eq!(at(Some("county"), Some(15)), Ok(15));
        assert_eq!(at(Some("county"), Some(20)), Err(Code::OutsideRange));
        assert_eq!(at(Some("planet"), None), Err(Code::InvalidField));
        assert_eq!(at(None, None), Ok(10));
    }

    #[test]
    fn an_inspection_is_one_deed_a_week_and_a_number_the_same_in_any_spelling() {
        let weekly = rule("env.courtyard_weekly");
        let key = |on: &str| {
            let deed = Deed { occurred_on: day(on), evidence: None, ..deed() };
            filed(&weekly, &deed, "2024-09-01").expect("admitted").dedupe
        };
        assert_eq!(key("2024-08-19"), key("2024-08-25"));
        assert_ne!(key("2024-08-25"), key("2024-08-26"));
        let dog = rule("law.dog");
        let key = |event| {
            let deed = Deed { event: Some(event), evidence: None, ..deed() };
            filed(&dog, &deed, "2024-08-21").expect("admitted").dedupe
        };
        assert_eq!(key("QX-１２ ３"), key("qx-123"));
    }

    /// Every rule of the catalogue can be claimed, and what it asks for is asked for.
    #[test]
    fn a_full_deed_is_admitted_by_every_rule_and_each_part_that_it_needs_is_asked_for() {
        for item in builtin().expect("the catalogue").items {
            let mut rule = rule(&item.key);
            rule.enabled = true;
            let mut shown: Vec<_> = rule.evidence.iter().map(|kind| photo(kind, 1)).collect();
            shown.extend(rule.evidence.iter().map(|kind| photo(kind, 2)));
            let full = Deed { evidence: Some(shown), ..deed() };
            let admitted = filed(&rule, &full, "2024-08-21").expect("admitted");
            assert_eq!(admitted.points, rule.default_points, "{}", rule.key);
            let named = |part: &str| rule.dedupe.split('+').any(|it| it == part);
            let of_member = named("member") || rule.counted_per == CountedPer::Member;
            let nobody = filed(&rule, &Deed { member: None, ..full.clone() }, "2024-08-21");
            assert_eq!(nobody.is_err(), of_member, "{}", rule.key);
            let own = ["rule", "household", "member", "occurred_on"];
            let of_event = rule.dedupe.split('+').any(|it| !own.contains(&it));
            let nothing = filed(&rule, &Deed { event: None, ..full.clone() }, "2024-08-21");
            assert_eq!(nothing.is_err(), of_event, "{}", rule.key);
            let bare = filed(&rule, &Deed { evidence: Some(Vec::new()), ..full }, "2024-08-21");
            let handed_in = |kind: &String| !matches!(kind.as_str(), "system" | "import");
            assert_eq!(bare.is_err(), rule.evidence.iter().any(handed_in), "{}", rule.key);
        }
    }

    #[test]
    fn points_stay_inside_the_rules_range() {
        let rule = rule("pub.donate");
        let evidence = Some(vec![told("certificate")]);
        let deed = Deed { evidence, points_each: Some(11), ..deed() };
        assert_eq!(refused(&rule, &deed, "2024-08-21"), Code::OutsideRange);
        let deed = Deed { points_each: Some(10), ..deed };
        assert_eq!(filed(&rule, &deed, "2024-08-21").expect("admitted").points, 10);
        assert_eq!(rule.direction, Direction::Bonus);
    }

    #[test]
    fn the_same_member_and_event_is_the_same_deed_on_any_day() {
        let rule = rule("env.cleanup_day");
        let later = Deed { occurred_on: day("2024-08-21"), ..deed() };
        let now = "2024-08-22";
        assert_eq!(filed(&rule, &deed(), now), filed(&rule, &later, now));
        let other = Deed { member: Some(Uuid::from_u128(3)), ..deed() };
        assert_ne!(filed(&rule, &deed(), now), filed(&rule, &other, now));
    }
}
