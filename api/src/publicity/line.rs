//! A line of a list as the ledger has it: taking points of it back, and what becomes of it.

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::cycle::confirmation;
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::ledger::{self, Account, Journal, journal_id};
use crate::kernel::period::{Period, Week};
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::Village;
use crate::{changes, households, rankings, scoring, statistics};

/// Who takes points back, and the id of the decision: at most one reversal each.
#[derive(Clone, Copy)]
pub struct Cause {
    pub by: Uuid,
    pub reference: Uuid,
}

/// The contested line as it stands in the ledger.
#[derive(Clone, FromQueryResult)]
pub struct Contested {
    pub kind: String,
    pub household: Uuid,
    pub member: Option<Uuid>,
    pub rule_set: Uuid,
    pub rule: String,
    pub category: String,
    pub event: Option<String>,
    pub occurred_on: String,
    pub week: String,
    pub times: i64,
    /// Awarded, less what was taken back.
    pub points: i64,
    /// Given back by lines of their own, because the household put it right.
    pub remedied: i64,
    pub list_status: String,
    /// Since when it is available; absent while it is pending.
    pub confirmed_at: Option<i64>,
}

impl Contested {
    /// What can still be taken back, with the line's sign.
    pub fn left(&self) -> i64 {
        self.points + self.remedied
    }

    /// Whether so much can be taken back: some of what is left, with its sign. A reversal is not reversed.
    pub fn covers(&self, points: i64) -> bool {
        let left = self.left();
        let fits = points != 0 && points.signum() == left.signum() && points.abs() <= left.abs();
        fits && self.kind != "reversal"
    }
}

/// The line of this id, with what was taken back of it or made good.
///
/// # Errors
/// `not_found` if it is not on a sheet yet.
pub async fn contested(tx: &Tx, village: &Village, line: Uuid) -> Outcome<Contested> {
    let sql = "SELECT l.kind, l.household, l.member, l.rule_set, l.rule, l.category, l.event, \
                 l.occurred_on, l.week, l.times, COALESCE(t.status, '') AS list_status, \
                 p.confirmed_at, \
                 l.awarded + COALESCE((SELECT CAST(SUM(r.awarded) AS BIGINT) FROM score_lines r \
                   WHERE r.village = l.village AND r.reverses = l.id), 0) AS points, \
                 COALESCE((SELECT CAST(SUM(r.awarded + COALESCE((SELECT SUM(x.awarded) \
                     FROM score_lines x WHERE x.village = r.village AND x.reverses = r.id), 0)) AS BIGINT) \
                   FROM score_lines r \
                   WHERE r.village = l.village AND r.remedies = l.id), 0) AS remedied \
               FROM score_lines l \
               LEFT JOIN public_list_lines p ON p.village = l.village AND p.line = l.id \
               LEFT JOIN public_lists t ON t.village = p.village AND t.month = p.month \
               WHERE l.village = $1 AND l.id = $2";
    let values: [Value; 2] = [village.into(), line.into()];
    Ok(db::one(tx, sql, values).await?.ok_or(Code::NotFound)?)
}

/// Takes points of a line back, by a journal against its week's: from what is pending, or, once the line
/// is confirmed, from what is available, which can fall below 0. The line is held by the caller and was
/// read since.
///
/// # Errors
/// `reversal_exceeds_line` if less of it is left.
pub async fn reverse(
    tx: &Tx,
    village: &Village,
    cause: Cause,
    id: Uuid,
    line: &Contested,
    points: i64,
    now: Instant,
) -> Outcome<()> {
    if !line.covers(points) {
        return Err(Code::ReversalExceedsLine.into());
    }
    let household = line.household;
    let from = match line.confirmed_at {
        None => Account::Pending(household),
        Some(_) => Account::Available(household),
    };
    let reference = cause.reference.to_string();
    let mut journal = Journal::transfer("reversal", reference, from, Account::Issued, points);
    journal.reverses = scored(tx, village, household, &line.week).await?;
    ledger::post(tx, village, Some(cause.by), now, &[journal]).await?;
    let week = week_of_reversal(tx, village, line).await?;
    insert_reversal(tx, village, cause.reference, (id, line), points, week, now).await?;
    rankings::rebuild(tx, village, week).await?;
    statistics::keep(tx, village, week, now).await
}

/// Where a reversal stands: in the week it corrects while that week's board is not final, afterwards in the
/// open one, for a final board never changes (2.9). A board whose line is not confirmed is not final.
pub async fn week_of_reversal(tx: &Tx, village: &Village, line: &Contested) -> Outcome<Week> {
    let week = week_of(line)?;
    let confirmed = line.confirmed_at.is_some();
    if confirmed && rankings::is_final_in(tx, village, Period::Week(week)).await? {
        return Ok(scoring::open_sheet(tx, village).await?.week);
    }
    Ok(week)
}

/// The line that takes `points` of another back; its id is the digest of the decision's.
pub async fn insert_reversal(
    tx: &Tx,
    village: &Village,
    reference: Uuid,
    (id, line): (Uuid, &Contested),
    points: i64,
    week: Week,
    at: Instant,
) -> Outcome<()> {
    // A deed that was wholly taken back no longer counts against the cap of later sheets.
    let times = if points == line.points { -line.times } else { 0 };
    let ranks_in = rankings::year_of_reversal(tx, village, week_of(line)?, week).await?;
    let sql = "INSERT INTO score_lines (village, id, kind, week, household, member, reverses, \
               rule_set, rule, category, event, occurred_on, approved_at, times, claimed, awarded, \
               ranks_in) VALUES ($1, $2, 'reversal', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
               $14, $14, $15)";
    let values: [Value; 15] = [
        village.into(),
        journal_id(village, "reversal", &reference.to_string()).into(),
        week.to_string().into(),
        line.household.into(),
        line.member.into(),
        id.into(),
        line.rule_set.into(),
        line.rule.as_str().into(),
        line.category.as_str().into(),
        line.event.clone().into(),
        line.occurred_on.as_str().into(),
        at.0.into(),
        times.into(),
        (-points).into(),
        ranks_in.map(|year| year.to_string()).into(),
    ];
    db::run(tx, sql, values).await?;
    match ranks_in {
        Some(Period::Year(year)) => rankings::rebuild_year(tx, village, year).await,
        _ => Ok(()),
    }
}

fn week_of(line: &Contested) -> Outcome<Week> {
    line.week.parse().map_err(|_| Problem::fault(format!("week {}", line.week)))
}

/// The journal of the household's week; there is none when its lines came to 0 together.
pub async fn scored(
    tx: &Tx,
    village: &Village,
    household: Uuid,
    week: &str,
) -> Outcome<Option<Uuid>> {
    let id = journal_id(village, "score", &format!("{week}:{household}"));
    let sql = "SELECT COUNT(*) FROM journals WHERE village = $1 AND id = $2";
    let found = db::number(tx, sql, [village.into(), id.into()]).await?;
    Ok((found > 0).then_some(id))
}

/// Writes the line's new state, and confirms what is left of it when its list has closed without it.
pub async fn settle_line(
    tx: &Tx,
    village: &Village,
    id: Uuid,
    line: &Contested,
    reversed: i64,
    status: &str,
    now: Instant,
) -> Outcome<()> {
    let left = line.points - reversed;
    let confirms = line.confirmed_at.is_none()
        && line.list_status == "closed"
        && matches!(status, "upheld" | "adjusted");
    let confirmed_at = line.confirmed_at.or(confirms.then_some(now.0));
    if confirms && left != 0 {
        let journal = confirmation(id.to_string(), line.household, left);
        ledger::post(tx, village, None, now, &[journal]).await?;
    }
    let sql = "UPDATE public_list_lines SET status = $3, confirmed_at = $4 \
               WHERE village = $1 AND line = $2";
    let values: [Value; 4] = [village.into(), id.into(), status.into(), confirmed_at.into()];
    db::run(tx, sql, values).await?;
    let (before, claim) = match (status, line.confirmed_at) {
        ("struck", None) => ("scored", "overturned"),
        ("struck", Some(_)) => ("confirmed", "reversed"),
        _ if confirms => ("scored", "confirmed"),
        _ => return Ok(()),
    };
    let changed = changes::next(tx, village).await?;
    let sql = "UPDATE claims SET status = $3, version = version + 1, changed = $4 \
               WHERE village = $1 AND id = $2 AND status = $5";
    let values: [Value; 5] =
        [village.into(), id.into(), claim.into(), changed.into(), before.into()];
    db::run(tx, sql, values).await?;
    Ok(())
}

/// Keeps a scored line and its list as they are until the transaction ends: the list shared, so that it
/// cannot close meanwhile, and the line for us alone. A line whose month is not over is on no list yet.
///
/// # Errors
/// `list_not_open` once its list is closed.
pub async fn hold_line(tx: &Tx, village: &Village, line: Uuid, now: Instant) -> Outcome<()> {
    let sql = format!(
        "SELECT closes_at AS number FROM public_lists WHERE village = $1 AND month = (SELECT month \
           FROM public_list_lines WHERE village = $1 AND line = $2){}",
        db::shared(tx)
    );
    let key = || -> [Value; 2] { [village.into(), line.into()] };
    let closes_at = db::number(tx, &sql, key()).await?;
    if closes_at != 0 && now.0 >= closes_at {
        return Err(Code::ListNotOpen.into());
    }
    lock_line(tx, village, line).await
}

/// Keeps a line as it is on its list until the transaction ends.
pub async fn lock_line(tx: &Tx, village: &Village, line: Uuid) -> Outcome<()> {
    let sql = format!(
        "SELECT number FROM public_list_lines WHERE village = $1 AND line = $2{}",
        db::exclusively(tx)
    );
    db::number(tx, &sql, [village.into(), line.into()]).await?;
    Ok(())
}

/// Strikes a whole line that its own household disowns, before it is confirmed; the line is held.
///
/// # Errors
/// `list_not_open` once its list is closed.
pub async fn strike(tx: &Tx, village: &Village, by: Uuid, id: Uuid, now: Instant) -> Outcome<()> {
    let line = contested(tx, village, id).await?;
    if line.list_status == "closed" {
        return Err(Code::ListNotOpen.into());
    }
    if line.points != 0 {
        let cause = Cause { by, reference: id };
        reverse(tx, village, cause, id, &line, line.points, now).await?;
    }
    settle_line(tx, village, id, &line, line.points, "struck", now).await?;
    households::settle_ended(tx, village, &id.to_string(), now).await
}
