//! `GET …/rule-sets/{set}/difference`: what one version changes of another, readable line by line.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::show::{Version, find};
use super::{GlobalCaps, Rule, set_at, text_of};
use crate::app::App;
use crate::http::{Query, path_id, path_part};
use crate::identity::Reader;
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::RegionCode;

/// One field of one item, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleDifference {
    /// The item's key; absent for what holds over all items.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "pub.donate")]
    pub item: Option<String>,
    /// The field; `item` where the whole item is new or gone.
    #[schema(example = "default_points")]
    pub field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "2")]
    pub from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "6")]
    pub to: Option<String>,
    #[schema(example = "捐款捐物：默认分值由2改为6")]
    pub text_zh: String,
    #[schema(example = "Donation of money or goods: usual points from 2 to 6")]
    pub text_en: String,
}

/// What a version changes of another, in the order of its items.
#[derive(Serialize, ToSchema)]
pub struct RuleSetDifference {
    /// The version it is compared with; absent if there was none before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from: Option<Uuid>,
    pub to: Uuid,
    pub items: Vec<RuleDifference>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DifferenceQuery {
    /// The version to compare with, of this region or one above; by default the one in force before it.
    #[param(nullable = false)]
    from: Option<Uuid>,
}

/// What a version changes of the one before it, or of another
#[utoipa::path(tag = "rules", operation_id = "rule_sets_compare", security((), ("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of the region whose set it is"),
        ("set" = Uuid, Path, description = "The rule set's id"), DifferenceQuery),
    responses((status = 200, body = RuleSetDifference)))]
#[get("/v1/regions/{region}/rule-sets/{set}/difference")]
async fn compare_rule_sets(
    reader: Reader,
    request: HttpRequest,
    query: Query<DifferenceQuery>,
    app: Data<App>,
) -> Outcome<Answer<RuleSetDifference>> {
    let region: RegionCode = path_part(&request, "region")?;
    let (id, now) = (path_id(&request, "set")?, app.clock.now());
    let to = find(app.db.read(), &region, id, &reader, now).await?;
    let from = other(&app, &region, &to, query.0.from, &reader, now).await?;
    let items = match &from {
        Some(from) => difference((&from.rules, &from.caps), (&to.rules, &to.caps)),
        None => difference((&[], &to.caps), (&to.rules, &to.caps)),
    };
    Ok(Answer::ok(RuleSetDifference { from: from.map(|from| from.set.id), to: id, items }))
}

/// The version that was asked for, or the one in force before `to`.
async fn other(
    app: &App,
    region: &RegionCode,
    to: &Version,
    from: Option<Uuid>,
    reader: &Reader,
    now: Instant,
) -> Outcome<Option<Version>> {
    let on = app.db.read();
    if let Some(id) = from {
        let mut place = Some(region.clone());
        // At most five levels.
        while let Some(here) = place {
            match find(on, &here, id, reader, now).await {
                Err(Problem::Refused(_)) => place = here.parent(),
                found => return found.map(Some),
            }
        }
        return Err(Code::NotFound.into());
    }
    let first: NaiveDate = to.set.effective_on.parse().unwrap_or_else(|_| now.day());
    let day_before = first.checked_sub_days(Days::new(1)).unwrap_or(first);
    match set_at(on, region, day_before.min(now.day())).await? {
        Some((id, place)) => find(on, &place, id, reader, now).await.map(Some),
        None => Ok(None),
    }
}

/// A set's rules and what holds over them.
type Side<'a> = (&'a [Rule], &'a GlobalCaps);

/// What `to` changes of `from`, in the order of `to`; what is gone comes last.
pub fn difference(from: Side<'_>, to: Side<'_>) -> Vec<RuleDifference> {
    let before: BTreeMap<_, _> = from.0.iter().map(|rule| (rule.key.as_str(), rule)).collect();
    let after: BTreeMap<_, _> = to.0.iter().map(|rule| (rule.key.as_str(), rule)).collect();
    let mut found = over_all(from.1, to.1);
    for rule in to.0 {
        match before.get(rule.key.as_str()) {
            Some(old) => found.extend(changes(old, rule)),
            None => found.push(whole(rule, true)),
        }
    }
    let gone = from.0.iter().filter(|rule| !after.contains_key(rule.key.as_str()));
    found.extend(gone.map(|rule| whole(rule, false)));
    found
}

fn over_all(from: &GlobalCaps, to: &GlobalCaps) -> Vec<RuleDifference> {
    let all = ("所有条目", "All items");
    let pairs = [
        (
            (
                "household_month_bonus_max",
                "每户每月加分上限",
                "bonus points of a household a month",
            ),
            from.month_bonus_max,
            to.month_bonus_max,
        ),
        (
            (
                "household_month_deduction_max",
                "每户每月扣分上限",
                "deducted points of a household a month",
            ),
            from.month_deduction_max,
            to.month_deduction_max,
        ),
        (
            ("single_entry_abs_max", "单笔上限", "points of a single line"),
            from.entry_max,
            to.entry_max,
        ),
    ];
    let changed = pairs.into_iter().filter(|(_, from, to)| from != to);
    let line = |(field, from, to): (Field, i64, i64)| {
        line(None, all, field, [from.to_string(), to.to_string()])
    };
    changed.map(line).collect()
}

/// A field's name in JSON, in Chinese and in English.
type Field = (&'static str, &'static str, &'static str);

fn changes(from: &Rule, to: &Rule) -> Vec<RuleDifference> {
    let mut found = Vec::new();
    for ((field, before), (_, after)) in fields(from).into_iter().zip(fields(to)) {
        if before != after {
            let names = (to.name_zh.as_str(), to.name_en.as_str());
            found.push(line(Some(&to.key), names, field, [before, after]));
        }
    }
    found
}

/// What a rule says, field by field, as text.
fn fields(rule: &Rule) -> Vec<(Field, String)> {
    let days = |days: Option<i64>| days.map(|days| days.to_string()).unwrap_or_default();
    let chain: Vec<_> =
        rule.chain.iter().map(|step| format!("{} ({})", step.step, step.approvals)).collect();
    let level = |it: &super::LevelPoints| format!("{} {}", it.level, it.points);
    let levels: Vec<_> = rule.level_points.iter().map(level).collect();
    vec![
        (("name_zh", "名称", "Chinese name"), rule.name_zh.clone()),
        (("name_en", "英文名称", "English name"), rule.name_en.clone()),
        (("category", "类别", "category"), rule.category.clone()),
        (("direction", "加扣分", "direction"), text_of(&rule.direction)),
        (("points_min", "最低分值", "fewest points"), rule.points_min.to_string()),
        (("points_max", "最高分值", "most points"), rule.points_max.to_string()),
        (("default_points", "默认分值", "usual points"), rule.default_points.to_string()),
        (("level_points", "分级分值", "points by level"), levels.join(", ")),
        (("unit", "计分单位", "unit"), rule.unit.clone()),
        (("counted_per", "计算对象", "counted per"), text_of(&rule.counted_per)),
        (("evidence", "佐证", "evidence"), rule.evidence.join(", ")),
        (("cap_period", "上限周期", "period of the cap"), text_of(&rule.cap.period)),
        (("cap_times", "次数上限", "times at most"), rule.cap.max_times.to_string()),
        (("cap_points", "分数上限", "points at most"), rule.cap.max_points.to_string()),
        (("source", "来源", "source"), text_of(&rule.source)),
        (("review_chain", "审核流程", "review chain"), chain.join(", ")),
        (("claim_within_days", "申报期限（天）", "days to claim"), days(rule.claim_within_days)),
        (("dedupe", "同一件事的认定", "what makes it the same deed"), rule.dedupe.clone()),
        (("requires_hearing", "须听取意见", "hearing"), rule.requires_hearing.to_string()),
        (("warn_first", "先行提醒", "warning first"), rule.warn_first.to_string()),
        (
            ("remediation_days", "整改期限（天）", "days to put it right"),
            days(rule.remediation_days),
        ),
        (("publicly_itemised", "逐条公示", "named in public"), rule.publicly_itemised.to_string()),
        (("note", "说明", "note"), rule.note.clone().unwrap_or_default()),
        (("enabled", "启用", "switched on"), rule.enabled.to_string()),
    ]
}

fn line(
    item: Option<&str>,
    (name_zh, name_en): (&str, &str),
    (field, zh, en): Field,
    [from, to]: [String; 2],
) -> RuleDifference {
    let [from_zh, to_zh] = [&from, &to].map(|value| match value.as_str() {
        "" => "无".to_owned(),
        "true" => "是".to_owned(),
        "false" => "否".to_owned(),
        "month" => "每月".to_owned(),
        "quarter" => "每季".to_owned(),
        "half_year" => "每半年".to_owned(),
        "year" => "每年".to_owned(),
        "event" => "每次活动".to_owned(),
        "lifetime_member" => "每人终身".to_owned(),
        value => value.to_owned(),
    });
    let [from_en, to_en] = [&from, &to].map(|value| match value.as_str() {
        "" => "none",
        "true" => "yes",
        "false" => "no",
        value => value,
    });
    RuleDifference {
        item: item.map(str::to_owned),
        field: field.to_owned(),
        text_zh: format!("{name_zh}：{zh}由{from_zh}改为{to_zh}"),
        text_en: format!("{name_en}: {en} from {from_en} to {to_en}"),
        from: Some(from).filter(|value| !value.is_empty()),
        to: Some(to).filter(|value| !value.is_empty()),
    }
}

/// An item that is new, or gone.
fn whole(rule: &Rule, new: bool) -> RuleDifference {
    let key = || Some(rule.key.clone());
    let points = rule.default_points;
    RuleDifference {
        item: key(),
        field: "item".to_owned(),
        from: key().filter(|_| !new),
        to: key().filter(|_| new),
        text_zh: match new {
            true => format!("新增条目“{}”，默认{points}分", rule.name_zh),
            false => format!("取消条目“{}”", rule.name_zh),
        },
        text_en: match new {
            true => format!("New: {}, usually {points} points", rule.name_en),
            false => format!("Gone: {}", rule.name_en),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::builtin;
    use super::super::rows::of_catalogue;
    use super::*;
    use proptest::prelude::*;

    const CAPS: GlobalCaps =
        GlobalCaps { month_bonus_max: 60, month_deduction_max: 40, entry_max: 100 };

    fn rules() -> Vec<Rule> {
        let rows = of_catalogue(Uuid::from_u128(1), &builtin().expect("the catalogue"));
        let rules = rows.expect("rows").into_iter().map(Rule::try_from);
        rules.collect::<Outcome<_>>().expect("rules")
    }

    #[test]
    fn every_change_is_a_readable_line() {
        let (from, mut to) = (rules(), rules());
        to.retain(|rule| rule.key != "pat.merit");
        for rule in &mut to {
            match rule.key.as_str() {
                "pub.donate" => rule.default_points = 6,
                "pub.blood" => rule.enabled = false,
                "env.cleanup_day" => rule.cap.max_times = 3,
                "law.dog" => rule.key = "law.cat".to_owned(),
                _ => {}
            }
        }
        let found = difference((&from, &CAPS), (&to, &GlobalCaps { entry_max: 50, ..CAPS }));
        let texts: Vec<_> = found.iter().map(|it| it.text_zh.as_str()).collect();
        assert_eq!(
            texts,
            [
                "所有条目：单笔上限由100改为50",
                "参加集中环境整治或义务清扫：次数上限由4改为3",
                "新增条目“依法登记养犬并接种”，默认1分",
                "捐款捐物：默认分值由2改为6",
                "无偿献血：启用由是改为否",
                "取消条目“部队立功喜报”",
                "取消条目“依法登记养犬并接种”",
            ]
        );
        assert_eq!(found[3].text_en, "Donation of money or goods: usual points from 2 to 6");
        assert_eq!(found[3].item.as_deref(), Some("pub.donate"));
        assert_eq!(found[3].from.as_deref().zip(found[3].to.as_deref()), Some(("2", "6")));
    }

    proptest! {
        /// Nothing differs from itself, and each changed field is one line whichever way one reads it.
        #[test]
        fn a_difference_reads_the_same_both_ways(at in 0_usize..66, points in -50_i64..50, times in 1_i64..9) {
            let (from, mut to) = (rules(), rules());
            prop_assert_eq!(difference((&from, &CAPS), (&to, &CAPS)), []);
            to[at].default_points = points;
            to[at].cap.max_times = times;
            let there = difference((&from, &CAPS), (&to, &CAPS));
            let back = difference((&to, &CAPS), (&from, &CAPS));
            let changed = usize::from(points != from[at].default_points)
                + usize::from(times != from[at].cap.max_times);
            prop_assert_eq!(there.len(), changed);
            for (there, back) in there.iter().zip(&back) {
                prop_assert_eq!((&there.from, &there.to), (&back.to, &back.from));
            }
        }
    }
}
