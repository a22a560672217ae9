//! Closing a village's week: one transaction, set-based, the same result however late it runs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use super::rules::{Approved, Award, Earlier, Taken, award, counts_from};
use super::{find_open, watch};
use crate::adjustments::{self, Scored};
use crate::app::App;
use crate::changes;
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::ledger::{self, Account, Journal};
use crate::kernel::period::Week;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::Village;
use crate::rules::book;

/// A claim as the close reads it.
#[derive(FromQueryResult)]
pub struct ClaimRow {
    id: Uuid,
    household: Uuid,
    member: Option<Uuid>,
    rule_set: Uuid,
    rule: String,
    category: String,
    event: Option<String>,
    occurred_on: String,
    approved_at: i64,
    count: i64,
    points: i64,
    remedies: Option<Uuid>,
}

/// Closes the village's open sheet of `week`: applies caps, writes score lines, posts them to
/// *pending* with one journal per household, and opens the next week's sheet.
///
/// The caller holds the village's lock and has found the week over; instants written are nominal, so
/// that a late run writes the same rows.
pub async fn close_sheet(app: &App, tx: &Tx, village: &Village, week: Week) -> Outcome<()> {
    if find_open(tx, village, db::exclusively(tx)).await?.week != week {
        return Err(Problem::fault(format!("{week} is not the open week of {village}")));
    }
    let sql = "SELECT id, household, member, rule_set, rule, category, event, occurred_on, \
               approved_at, count, points, remedies FROM claims \
               WHERE village = $1 AND week = $2 AND status = 'approved' ORDER BY id";
    let values: [Value; 2] = [village.into(), week.to_string().into()];
    let rows = db::all::<ClaimRow>(tx, sql, values.clone()).await?;
    let approved = approved(app, tx, &rows).await?;
    let earlier = earlier(tx, village, &approved).await?;
    let taken = taken(tx, village, &approved).await?;
    watch::draw(tx, village, week, app.config.secrets.identity(), &approved).await?;
    watch::flag_bulk(tx, village, week).await?;
    let awards: BTreeMap<_, _> =
        award(approved, &earlier, &taken).into_iter().map(|it| (it.id, it)).collect();
    insert_lines(tx, village, week, &rows, &awards).await?;
    let adjusted = adjustments::score(tx, village, week).await?;
    let journals = journals(week, &rows, &awards, &adjusted);
    ledger::post(tx, village, None, week.ends_at(), &journals).await?;
    let changed = changes::next(tx, village).await?;
    let sql = "UPDATE claims SET status = 'scored', version = version + 1, changed = $3 \
               WHERE village = $1 AND week = $2 AND status = 'approved'";
    db::run(tx, sql, values.into_iter().chain([changed.into()])).await?;
    turn_the_page(tx, village, week, &awards, &adjusted).await
}

/// The claims with the caps of their rules' versions.
pub async fn approved(
    app: &App,
    on: &impl ConnectionTrait,
    rows: &[ClaimRow],
) -> Outcome<Vec<Approved>> {
    let mut books = BTreeMap::new();
    for set in rows.iter().map(|row| row.rule_set).collect::<BTreeSet<_>>() {
        books.insert(set, book(&app.rule_books, on, set).await?);
    }
    let one = |row: &ClaimRow| {
        let book = books.get(&row.rule_set)?;
        let rule = book.rule(&row.rule)?;
        Some(Approved {
            id: row.id,
            household: row.household,
            member: row.member,
            rule: row.rule.clone(),
            event: row.event.clone(),
            occurred_on: row.occurred_on.parse().ok()?,
            approved_at: Instant(row.approved_at),
            times: row.count,
            points: row.points,
            cap: rule.cap,
            counted_per: rule.counted_per,
            caps: book.caps,
            remedies: row.remedies,
        })
    };
    let all = rows
        .iter()
        .map(|row| one(row).ok_or_else(|| Problem::fault(format!("claim {} has no rule", row.id))));
    all.collect()
}

/// What earlier sheets awarded, for [`lines`].
pub const EARLIER: &str = "SELECT l.household, l.member, l.rule, l.event, l.occurred_on, l.times, \
      l.awarded, CAST(CASE WHEN u.direction = 'deduction' THEN 1 ELSE 0 END AS BIGINT) AS deduction \
    FROM score_lines l JOIN rules u ON u.rule_set = l.rule_set AND u.key = l.rule";

/// What earlier sheets awarded to the same households, as far back as this week's caps look.
async fn earlier(tx: &Tx, village: &Village, claims: &[Approved]) -> Outcome<Vec<Earlier>> {
    let looks = claims.iter().map(|claim| counts_from(claim.cap.period, claim.occurred_on));
    // `None`, a cap without an end, is the least of all.
    let Some(from) = looks.min() else { return Ok(Vec::new()) };
    let from = from.map_or(String::new(), |day| day.to_string());
    // The households of this week by a join: a county's list of ids is too long for parameters.
    let sql = format!(
        "{EARLIER} WHERE l.village = $1 AND l.occurred_on >= $2 \
         AND l.household IN (SELECT household FROM claims \
           WHERE village = $1 AND week = $3 AND status = 'approved')"
    );
    let week = claims.iter().map(|claim| Week::of(claim.approved_at)).min();
    let week = week.map_or(String::new(), |week| week.to_string());
    let values: [Value; 3] = [village.into(), from.into(), week.into()];
    lines(tx, &sql, values).await
}

/// The lines of a query that begins with [`EARLIER`].
pub async fn lines(
    on: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Outcome<Vec<Earlier>> {
    #[derive(FromQueryResult)]
    struct Row {
        household: Uuid,
        member: Option<Uuid>,
        rule: String,
        event: Option<String>,
        occurred_on: String,
        /// 0 or 1.
        deduction: i64,
        times: i64,
        awarded: i64,
    }
    let line = |row: Row| {
        let occurred_on = row.occurred_on.parse();
        Ok(Earlier {
            household: row.household,
            member: row.member,
            rule: row.rule,
            event: row.event,
            occurred_on: occurred_on
                .map_err(|_| Problem::fault(format!("day {}", row.occurred_on)))?,
            deduction: row.deduction == 1,
            times: row.times,
            awarded: row.awarded,
        })
    };
    db::all::<Row>(on, sql, values).await?.into_iter().map(line).collect()
}

/// What the deductions that were put right have taken on earlier sheets, less what was reversed.
async fn taken(tx: &Tx, village: &Village, claims: &[Approved]) -> Outcome<HashMap<Uuid, Taken>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        times: i64,
        points: i64,
    }
    let weeks: BTreeSet<_> = claims
        .iter()
        .filter(|claim| claim.remedies.is_some())
        .map(|claim| Week::of(claim.approved_at).to_string())
        .collect();
    let Some(week) = weeks.first() else { return Ok(HashMap::new()) };
    let sql = "SELECT l.id, l.times, l.awarded + COALESCE((SELECT CAST(SUM(r.awarded) AS BIGINT) \
                 FROM score_lines r WHERE r.village = l.village AND r.reverses = l.id), 0) AS points \
               FROM claims c JOIN score_lines l ON l.village = c.village AND l.id = c.remedies \
               WHERE c.village = $1 AND c.week = $2 AND c.status = 'approved'";
    let values: [Value; 2] = [village.into(), week.as_str().into()];
    let rows = db::all::<Row>(tx, sql, values).await?;
    let one = |row: Row| (row.id, Taken { times: row.times, points: row.points });
    Ok(rows.into_iter().map(one).collect())
}

async fn insert_lines(
    tx: &Tx,
    village: &Village,
    week: Week,
    rows: &[ClaimRow],
    awards: &BTreeMap<Uuid, Award>,
) -> Outcome<()> {
    let count = rows.len();
    let award = |row: &ClaimRow| awards.get(&row.id);
    let cut = |row: &ClaimRow| award(row)?.cut.map(|cut| cut.as_str().to_owned());
    let kind =
        |row: &ClaimRow| if row.remedies.is_some() { "adjustment" } else { "claim" }.to_owned();
    let text = |get: fn(&ClaimRow) -> &String| rows.iter().map(|row| get(row).clone()).collect();
    let columns = [
        Column::Text("village", vec![village.to_string(); count]),
        Column::Uuid("id", rows.iter().map(|row| row.id).collect()),
        Column::Text("kind", rows.iter().map(kind).collect()),
        Column::Text("week", vec![week.to_string(); count]),
        Column::Uuid("household", rows.iter().map(|row| row.household).collect()),
        Column::MaybeUuid("member", rows.iter().map(|row| row.member).collect()),
        Column::Uuid("rule_set", rows.iter().map(|row| row.rule_set).collect()),
        Column::Text("rule", text(|row| &row.rule)),
        Column::Text("category", text(|row| &row.category)),
        Column::MaybeText("event", rows.iter().map(|row| row.event.clone()).collect()),
        Column::Text("occurred_on", text(|row| &row.occurred_on)),
        Column::Number("approved_at", rows.iter().map(|row| row.approved_at).collect()),
        Column::Number(
            "times",
            rows.iter().map(|row| award(row).map_or(0, |it| it.times)).collect(),
        ),
        Column::Number("claimed", rows.iter().map(|row| row.points).collect()),
        Column::Number(
            "awarded",
            rows.iter().map(|row| award(row).map_or(0, |it| it.awarded)).collect(),
        ),
        Column::MaybeText("reason", rows.iter().map(cut).collect()),
        Column::MaybeUuid("remedies", rows.iter().map(|row| row.remedies).collect()),
    ];
    db::bulk_insert(tx, "score_lines", &columns, "").await?;
    Ok(())
}

/// One journal per household: what its lines of the week add up to.
fn journals(
    week: Week,
    rows: &[ClaimRow],
    awards: &BTreeMap<Uuid, Award>,
    adjusted: &[Scored],
) -> Vec<Journal> {
    let mut sums = BTreeMap::<Uuid, i64>::new();
    for row in rows {
        let awarded = awards.get(&row.id).map_or(0, |award| award.awarded);
        *sums.entry(row.household).or_default() += awarded;
    }
    for adjustment in adjusted {
        *sums.entry(adjustment.household).or_default() += adjustment.points;
    }
    let earned = sums.into_iter().filter(|(_, points)| *points != 0);
    earned
        .map(|(household, points)| {
            let reference = format!("{week}:{household}");
            Journal::transfer(
                "score",
                reference,
                Account::Issued,
                Account::Pending(household),
                points,
            )
        })
        .collect()
}

/// Closes this sheet for ever and opens the next week's.
async fn turn_the_page(
    tx: &Tx,
    village: &Village,
    week: Week,
    awards: &BTreeMap<Uuid, Award>,
    adjusted: &[Scored],
) -> Outcome<()> {
    let points: i64 = awards.values().map(|award| award.awarded).sum();
    let points = points + adjusted.iter().map(|it| it.points).sum::<i64>();
    let count = i64::try_from(awards.len() + adjusted.len()).unwrap_or(i64::MAX);
    let sql = "UPDATE score_sheets SET status = 'closed', line_count = $3, points = $4 \
               WHERE village = $1 AND week = $2";
    let values: [Value; 4] = [village.into(), week.to_string().into(), count.into(), points.into()];
    db::run(tx, sql, values).await?;
    let next = week.next();
    let sql = "INSERT INTO score_sheets (village, week, status, closes_at, line_count, points) \
               VALUES ($1, $2, 'open', $3, 0, 0)";
    let values: [Value; 3] = [village.into(), next.to_string().into(), next.ends_at().0.into()];
    db::run(tx, sql, values).await?;
    Ok(())
}
