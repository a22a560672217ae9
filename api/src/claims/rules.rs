//! What may be claimed: pure functions of plain values.

use chrono::NaiveDate;
use uuid::Uuid;

use crate::kernel::clock::Instant;
use crate::kernel::problem::{Code, Refusal};
use crate::rules::{CountedPer, Rule};

/// The deed as the claim tells it.
#[derive(Clone, Debug)]
pub struct Deed<'a> {
    pub household: Uuid,
    pub member: Option<Uuid>,
    pub count: i64,
    /// Points for each count, if the rule leaves a choice.
    pub points_each: Option<i64>,
    pub occurred_on: NaiveDate,
    pub event: Option<&'a str>,
    pub evidence: Vec<&'a str>,
}

/// A deed that may be claimed.
#[derive(Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Signed points for the whole claim.
    pub points: i64,
    /// Equal for two claims of the same deed.
    pub dedupe: String,
}

/// Whether `rule` rewards this deed when it is claimed at `now`.
///
/// # Errors
/// `rule_not_in_force`, `claim_in_future`, `claim_too_late`, `member_required`, `event_required`,
/// `evidence_missing` or `outside_range`.
pub fn admit(rule: &Rule, deed: &Deed<'_>, now: Instant) -> Result<Admitted, Refusal> {
    if !rule.enabled {
        let why = format!("{} is switched off in this village", rule.key);
        return Err(Refusal::from(Code::RuleNotInForce).because(why));
    }
    let age_days = (now.day() - deed.occurred_on).num_days();
    if age_days < 0 {
        return Err(Code::ClaimInFuture.into());
    }
    if let Some(days) = rule.claim_within_days.filter(|days| age_days > *days) {
        let why = format!("{} is claimed within {days} days", rule.key);
        return Err(Refusal::from(Code::ClaimTooLate).because(why));
    }
    let missing = rule.evidence.iter().filter(|kind| {
        // The system's own records and imported lists are evidence that nobody hands in.
        !matches!(kind.as_str(), "system" | "import") && !deed.evidence.contains(&kind.as_str())
    });
    let missing: Vec<_> = missing.collect();
    if !missing.is_empty() {
        let refusal = Refusal::from(Code::EvidenceMissing);
        return Err(missing
            .into_iter()
            .fold(refusal, |it, kind| it.at("/evidence", "required", kind)));
    }
    Ok(Admitted { points: points(rule, deed)?, dedupe: dedupe(rule, deed)? })
}

fn points(rule: &Rule, deed: &Deed<'_>) -> Result<i64, Refusal> {
    let each = deed.points_each.unwrap_or(rule.default_points);
    if !(rule.points_min..=rule.points_max).contains(&each) {
        let why = format!("{} to {} for each", rule.points_min, rule.points_max);
        return Err(Refusal::from(Code::OutsideRange).at("/points_each", "range", why));
    }
    let points = each.checked_mul(deed.count);
    points.ok_or_else(|| Refusal::from(Code::OutsideRange).at("/count", "range", "too many"))
}

/// The rule and the parts that the rule's `dedupe` names.
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
            "occurred_on" => deed.occurred_on.to_string(),
            // event, ticket, certificate_no, suggestion_id, ballot, elder: what the claim is about
            _ => deed
                .event
                .map(str::to_owned)
                .ok_or_else(|| Refusal::from(Code::EventRequired).at("/event", "required", part))?,
        };
        key = format!("{key}|{value}");
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::period::Week;
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
            occurred_on: day("2024-08-20"),
            event: Some("8月大扫除"),
            evidence: vec!["sign_in_sheet", "photo"],
        }
    }

    fn refused(rule: &Rule, deed: &Deed<'_>, at: &str) -> Code {
        admit(rule, deed, noon(at)).expect_err("a refusal").code
    }

    #[test]
    fn a_deed_is_admitted_until_the_last_day_of_its_term() {
        let rule = rule("env.cleanup_day");
        assert_eq!(admit(&rule, &deed(), noon("2024-09-19")).expect("admitted").points, 2);
        assert_eq!(refused(&rule, &deed(), "2024-09-20"), Code::ClaimTooLate);
        assert_eq!(refused(&rule, &deed(), "2024-08-19"), Code::ClaimInFuture);
    }

    #[test]
    fn member_event_and_evidence_are_asked_for_where_the_rule_needs_them() {
        let rule = rule("env.cleanup_day");
        let at = "2024-08-21";
        assert_eq!(refused(&rule, &Deed { member: None, ..deed() }, at), Code::MemberRequired);
        assert_eq!(refused(&rule, &Deed { event: None, ..deed() }, at), Code::EventRequired);
        let evidence = vec!["photo"];
        assert_eq!(refused(&rule, &Deed { evidence, ..deed() }, at), Code::EvidenceMissing);
    }

    #[test]
    fn points_stay_inside_the_rules_range() {
        let rule = rule("pub.donate");
        let deed = Deed { evidence: vec!["certificate"], points_each: Some(11), ..deed() };
        assert_eq!(refused(&rule, &deed, "2024-08-21"), Code::OutsideRange);
        let deed = Deed { points_each: Some(10), ..deed };
        assert_eq!(admit(&rule, &deed, noon("2024-08-21")).expect("admitted").points, 10);
        assert_eq!(rule.direction, Direction::Bonus);
    }

    #[test]
    fn the_same_member_and_event_is_the_same_deed_on_any_day() {
        let rule = rule("env.cleanup_day");
        let later = Deed { occurred_on: day("2024-08-21"), ..deed() };
        let now = noon("2024-08-22");
        assert_eq!(admit(&rule, &deed(), now), admit(&rule, &later, now));
        let other = Deed { member: Some(Uuid::from_u128(3)), ..deed() };
        assert_ne!(admit(&rule, &deed(), now), admit(&rule, &other, now));
        assert_eq!(Week::of(now).to_string(), "2024-W34");
    }
}
