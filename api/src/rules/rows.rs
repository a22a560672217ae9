//! Rules as they are stored: made from a catalogue, or from a framework and what a village changes of it.

use entity::rule::Model as Row;
use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;
use uuid::Uuid;

use super::catalogue::{Catalogue, ChainName, Chains, Item, builtin};
use super::draft::{Draft, ItemChange, NewItem};
use super::{Direction, GlobalCaps, Source, text_of};
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::problem::{Outcome, Problem};

/// A published set as others stand on it.
pub struct Frame {
    pub id: Uuid,
    pub region: String,
    pub effective_on: String,
    pub caps: GlobalCaps,
    pub chains: Chains,
    /// In the catalogue's order.
    pub rows: Vec<Row>,
}

/// The published set of this id.
///
/// # Errors
/// A fault if there is none.
pub async fn frame(on: &impl ConnectionTrait, id: Uuid) -> Outcome<Frame> {
    let sql = "SELECT * FROM rule_sets WHERE id = $1";
    let set = db::one::<entity::rule_set::Model>(on, sql, [id.into()]).await?;
    let set = set.ok_or_else(|| Problem::fault(format!("rule set {id} is gone")))?;
    let sql = "SELECT * FROM rules WHERE rule_set = $1 ORDER BY position";
    let rows = db::all::<Row>(on, sql, [id.into()]).await?;
    let caps = caps_of(&set);
    let odd = |error: serde_json::Error| Problem::fault(format!("rule set {id}: {error}"));
    // A set that was brought before chains were kept has those that come with Jifen.
    let chains = match &set.chains {
        Some(chains) => serde_json::from_str(chains).map_err(odd)?,
        None => builtin().map_err(odd)?.review_chains,
    };
    Ok(Frame { id, region: set.region, effective_on: set.effective_on, caps, chains, rows })
}

/// What a stored set says for all items together.
pub fn caps_of(set: &entity::rule_set::Model) -> GlobalCaps {
    GlobalCaps {
        month_bonus_max: set.month_bonus_max,
        month_deduction_max: set.month_deduction_max,
        entry_max: set.entry_max,
    }
}

/// The caps of a village's draft: its own, or those of the framework.
pub fn caps_with(frame: &Frame, draft: &Draft) -> GlobalCaps {
    draft.global_caps.as_ref().map_or(frame.caps, |caps| GlobalCaps {
        month_bonus_max: caps.household_month_bonus_max,
        month_deduction_max: caps.household_month_deduction_max.abs(),
        entry_max: caps.single_entry_abs_max,
    })
}

/// The rules of a catalogue, as the set `id`.
pub fn of_catalogue(id: Uuid, catalogue: &Catalogue) -> Outcome<Vec<Row>> {
    let row = |(position, item): (i64, &Item)| {
        Ok(Row {
            rule_set: id,
            key: item.key.clone(),
            category: text_of(&item.category),
            name_zh: item.name_zh.clone(),
            name_en: item.name_en.clone(),
            direction: text_of(&item.direction),
            points_min: item.points_min,
            points_max: item.points_max,
            default_points: item.default_points,
            unit: item.unit.clone(),
            counted_per: text_of(&item.counted_per),
            evidence: json(&item.evidence)?,
            cap_period: text_of(&item.cap.period),
            cap_times: item.cap.max_times,
            cap_points: item.cap.max_points,
            source: text_of(&item.source),
            chain: json(&catalogue.review_chains.get(item.review_chain))?,
            claim_within_days: item.claim_within_days,
            dedupe: item.dedupe.clone(),
            requires_hearing: item.requires_hearing,
            warn_first: item.warn_first,
            remediation_days: item.remediation_days,
            refund_on_remediation: item.refund_on_remediation,
            veto: item.veto.clone(),
            sensitive: item.sensitive,
            level_points: json(&item.level_points)?,
            basis: item.basis.clone(),
            note: item.note.clone(),
            publicly_itemised: item.publicly_itemised,
            enabled: item.default_enabled,
            position,
        })
    };
    (1..).zip(&catalogue.items).map(row).collect()
}

/// The whole set that a draft makes of its framework: the framework's rules as the village changes them,
/// and its own at the end of their category.
pub fn of_draft(id: Uuid, frame: &Frame, draft: &Draft) -> Outcome<Vec<Row>> {
    let mut rows = Vec::with_capacity(frame.rows.len() + draft.new_items.len());
    for row in &frame.rows {
        let change = draft.changes.iter().find(|change| change.key == row.key);
        let row = Row { rule_set: id, ..row.clone() };
        rows.push(match change {
            Some(change) => changed(row, change)?,
            None => row,
        });
    }
    for item in &draft.new_items {
        let row = added(id, &frame.chains, item)?;
        let last = rows.iter().rposition(|other| other.category == row.category);
        rows.insert(last.map_or(rows.len(), |last| last + 1), row);
    }
    for (position, row) in (1..).zip(&mut rows) {
        row.position = position;
    }
    Ok(rows)
}

fn changed(row: Row, change: &ItemChange) -> Outcome<Row> {
    let mut evidence = evidence_of(&row);
    for kind in &change.evidence_added {
        if !evidence.contains(kind) {
            evidence.push(kind.clone());
        }
    }
    let cap = change.cap;
    Ok(Row {
        default_points: change.default_points.unwrap_or(row.default_points),
        points_min: change.points_min.unwrap_or(row.points_min),
        points_max: change.points_max.unwrap_or(row.points_max),
        evidence: json(&evidence)?,
        cap_period: cap.map_or(row.cap_period, |cap| text_of(&cap.period)),
        cap_times: cap.map_or(row.cap_times, |cap| cap.max_times),
        cap_points: cap.map_or(row.cap_points, |cap| cap.max_points),
        enabled: change.enabled.unwrap_or(row.enabled),
        ..row
    })
}

fn added(id: Uuid, chains: &Chains, item: &NewItem) -> Outcome<Row> {
    let deduction = item.direction == Direction::Deduction;
    let chain = match (deduction, item.source) {
        (true, _) => ChainName::Deduct,
        (false, Source::Inspection) => ChainName::Grid,
        (false, Source::Committee) => ChainName::Committee,
        (false, Source::Claim | Source::Import) => ChainName::Std,
    };
    let dedupe = item.dedupe.as_deref().unwrap_or("household+rule+occurred_on");
    Ok(Row {
        rule_set: id,
        key: item.key.clone(),
        category: text_of(&item.category),
        name_zh: item.name_zh.clone(),
        name_en: item.name_en.clone(),
        direction: text_of(&item.direction),
        points_min: item.points_min,
        points_max: item.points_max,
        default_points: item.default_points,
        unit: item.unit.clone(),
        counted_per: text_of(&item.counted_per),
        evidence: json(&item.evidence)?,
        cap_period: text_of(&item.cap.period),
        cap_times: item.cap.max_times,
        cap_points: item.cap.max_points,
        source: text_of(&item.source),
        chain: json(&chains.get(chain))?,
        claim_within_days: item.claim_within_days,
        dedupe: dedupe.to_owned(),
        requires_hearing: deduction,
        warn_first: deduction,
        remediation_days: item.remediation_days,
        refund_on_remediation: deduction && item.remediation_days.is_some(),
        veto: None,
        sensitive: false,
        level_points: "[]".to_owned(),
        basis: Some("village".to_owned()),
        note: item.note.clone(),
        publicly_itemised: !deduction,
        enabled: true,
        position: 0,
    })
}

/// The kinds of evidence that a stored rule asks for.
pub fn evidence_of(row: &Row) -> Vec<String> {
    serde_json::from_str(&row.evidence).unwrap_or_default()
}

fn json(value: &impl Serialize) -> Outcome<String> {
    serde_json::to_string(value).map_err(|error| Problem::fault(error.to_string()))
}

/// The head of a set that is published.
pub struct NewSet<'a> {
    pub id: Uuid,
    pub region: &'a str,
    pub version: &'a str,
    pub effective_on: String,
    pub caps: GlobalCaps,
    pub chains: &'a Chains,
    /// The set that a village's stands on.
    pub framework: Option<Uuid>,
    pub by: Option<Uuid>,
    pub at: i64,
}

/// Writes a published set and its rules; `false` if the region has this version, or one for this day.
pub async fn insert(tx: &Tx, set: &NewSet<'_>, rows: &[Row]) -> Outcome<bool> {
    let sql = "INSERT INTO rule_sets (id, region, version, status, effective_on, month_bonus_max, \
               month_deduction_max, entry_max, created_by, created_at, framework, chains) \
               VALUES ($1, $2, $3, 'published', $4, $5, $6, $7, $8, $9, $10, $11) \
               ON CONFLICT DO NOTHING";
    let values: [Value; 11] = [
        set.id.into(),
        set.region.into(),
        set.version.into(),
        set.effective_on.as_str().into(),
        set.caps.month_bonus_max.into(),
        set.caps.month_deduction_max.into(),
        set.caps.entry_max.into(),
        set.by.into(),
        set.at.into(),
        set.framework.into(),
        json(set.chains)?.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Ok(false);
    }
    db::bulk_insert(tx, "rules", &columns(rows), "").await?;
    Ok(true)
}

fn columns(rows: &[Row]) -> [Column; 31] {
    let text = |get: fn(&Row) -> &String| rows.iter().map(|row| get(row).clone()).collect();
    let number = |get: fn(&Row) -> i64| rows.iter().map(get).collect();
    let flag = |get: fn(&Row) -> bool| rows.iter().map(get).collect();
    let maybe = |get: fn(&Row) -> Option<i64>| rows.iter().map(get).collect();
    let words = |get: fn(&Row) -> &Option<String>| rows.iter().map(|it| get(it).clone()).collect();
    [
        Column::Uuid("rule_set", rows.iter().map(|row| row.rule_set).collect()),
        Column::Text("key", text(|it| &it.key)),
        Column::Text("category", text(|it| &it.category)),
        Column::Text("name_zh", text(|it| &it.name_zh)),
        Column::Text("name_en", text(|it| &it.name_en)),
        Column::Text("direction", text(|it| &it.direction)),
        Column::Number("points_min", number(|it| it.points_min)),
        Column::Number("points_max", number(|it| it.points_max)),
        Column::Number("default_points", number(|it| it.default_points)),
        Column::Text("unit", text(|it| &it.unit)),
        Column::Text("counted_per", text(|it| &it.counted_per)),
        Column::Text("evidence", text(|it| &it.evidence)),
        Column::Text("cap_period", text(|it| &it.cap_period)),
        Column::Number("cap_times", number(|it| it.cap_times)),
        Column::Number("cap_points", number(|it| it.cap_points)),
        Column::Text("source", text(|it| &it.source)),
        Column::Text("chain", text(|it| &it.chain)),
        Column::MaybeNumber("claim_within_days", maybe(|it| it.claim_within_days)),
        Column::Text("dedupe", text(|it| &it.dedupe)),
        Column::Flag("requires_hearing", flag(|it| it.requires_hearing)),
        Column::Flag("warn_first", flag(|it| it.warn_first)),
        Column::MaybeNumber("remediation_days", maybe(|it| it.remediation_days)),
        Column::Flag("refund_on_remediation", flag(|it| it.refund_on_remediation)),
        Column::MaybeText("veto", words(|it| &it.veto)),
        Column::Flag("sensitive", flag(|it| it.sensitive)),
        Column::Text("level_points", text(|it| &it.level_points)),
        Column::MaybeText("basis", words(|it| &it.basis)),
        Column::MaybeText("note", words(|it| &it.note)),
        Column::Flag("publicly_itemised", flag(|it| it.publicly_itemised)),
        Column::Flag("enabled", flag(|it| it.enabled)),
        Column::Number("position", number(|it| it.position)),
    ]
}
