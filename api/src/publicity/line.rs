//! A line of a list as the ledger has it: taking points of it back, and what becomes of it.

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::cycle::confirmation;
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::ledger::{self, Account, Journal, journal_id};
use crate::kernel::period::Week;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::Village;
use crate::{changes, households, rankings};

/// Who takes points back, and the id of the decision: at most one reversal each.
#[derive(Clone, Copy)]
pub struct Cause {
    pub by: Uuid,
    pub reference: Uuid,
}

/// The contested line as it stands in the ledger.
#[derive(FromQueryResult)]
pub struct Contested {
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
}

/// The line of this id, with what was taken back of it or made good.
///
/// # Errors
/// `not_found` if it is not on a sheet yet.
pub async fn contested(tx: &Tx, village: &Village, line: Uuid) -> Outcome<Contested> {
    let sql = "SELECT l.household, l.member, l.rule_set, l.rule, l.category, l.event, \
                 l.occurred_on, l.week, l.times, COALESCE(t.status, '') AS list_status, \
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

/// Takes points of a line back: a journal against the week's, and a line of its own in the same week,
/// because the board of that week is not final while the objection was open.
pub async fn reverse(
    tx: &Tx,
    village: &Village,
    cause: Cause,
    id: Uuid,
    line: &Contested,
    points: i64,
    now: Instant,
) -> Outcome<()> {
    let household = line.household;
    let (from, to) = (Account::Pending(household), Account::Issued);
    let mut journal = Journal::transfer("reversal", cause.reference.to_string(), from, to, points);
    journal.reverses = scored(tx, village, household, &line.week).await?;
    let reversal = journal.id(village);
    ledger::post(tx, village, Some(cause.by), now, &[journal]).await?;
    // A deed that was wholly taken back no longer counts against the cap of later sheets.
    let times = if points == line.points { -line.times } else { 0 };
    let sql = "INSERT INTO score_lines (village, id, kind, week, household, member, reverses, \
               rule_set, rule, category, event, occurred_on, approved_at, times, claimed, awarded) \
               VALUES ($1, $2, 'reversal', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)";
    let values: [Value; 14] = [
        village.into(),
        reversal.into(),
        line.week.as_str().into(),
        household.into(),
        line.member.into(),
        id.into(),
        line.rule_set.into(),
        line.rule.as_str().into(),
        line.category.as_str().into(),
        line.event.clone().into(),
        line.occurred_on.as_str().into(),
        now.0.into(),
        times.into(),
        (-points).into(),
    ];
    db::run(tx, sql, values).await?;
    let week = line.week.parse::<Week>();
    let week = week.map_err(|_| Problem::fault(format!("week {}", line.week)))?;
    rankings::rebuild(tx, village, week).await
}

/// The journal of the household's week; there is none when its lines came to 0 together.
async fn scored(tx: &Tx, village: &Village, household: Uuid, week: &str) -> Outcome<Option<Uuid>> {
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
    let confirms = line.list_status == "closed" && matches!(status, "upheld" | "adjusted");
    let confirmed_at = confirms.then_some(now.0);
    if confirms && left != 0 {
        let journal = confirmation(id.to_string(), line.household, left);
        ledger::post(tx, village, None, now, &[journal]).await?;
    }
    let sql = "UPDATE public_list_lines SET status = $3, confirmed_at = $4 \
               WHERE village = $1 AND line = $2";
    let values: [Value; 4] = [village.into(), id.into(), status.into(), confirmed_at.into()];
    db::run(tx, sql, values).await?;
    let claim = match status {
        "struck" => "overturned",
        _ if confirms => "confirmed",
        _ => return Ok(()),
    };
    let changed = changes::next(tx, village).await?;
    let sql = "UPDATE claims SET status = $3, version = version + 1, changed = $4 \
               WHERE village = $1 AND id = $2 AND status = 'scored'";
    db::run(tx, sql, [village.into(), id.into(), claim.into(), changed.into()]).await?;
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
    let sql = format!(
        "SELECT number FROM public_list_lines WHERE village = $1 AND line = $2{}",
        db::exclusively(tx)
    );
    db::number(tx, &sql, key()).await?;
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
