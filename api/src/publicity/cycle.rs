//! Opening a month's list when its last week closes, and closing it when its weeks of publicity end.

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use crate::changes;
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::ledger::{self, Account, Journal};
use crate::kernel::period::Month;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

/// Opens the public list of `month` with every line of its weeks; an empty month has an empty list.
pub async fn open_list(tx: &Tx, village: &Village, month: Month, weeks: i64) -> Outcome<()> {
    let opens = month.period().ends_at();
    let closes = opens.plus_days(7 * weeks);
    let sql = "INSERT INTO public_lists (village, month, status, opens_at, closes_at, line_count, \
               household_count, points) \
               SELECT $1, $2, 'open', $3, $4, CAST(COUNT(*) AS BIGINT), \
               CAST(COUNT(DISTINCT household) AS BIGINT), CAST(COALESCE(SUM(awarded), 0) AS BIGINT) \
               FROM score_lines WHERE village = $1 AND week BETWEEN $5 AND $6 \
               AND kind <> 'reversal'";
    let (first, last) = (month.first_week().to_string(), month.last_week().to_string());
    let key: [Value; 2] = [village.into(), month.to_string().into()];
    let span: [Value; 2] = [first.into(), last.into()];
    let instants: [Value; 2] = [opens.0.into(), closes.0.into()];
    db::run(tx, sql, key.clone().into_iter().chain(instants).chain(span.clone())).await?;
    let sql = "INSERT INTO public_list_lines (village, month, number, line, household, \
               household_number, status) \
               SELECT $1, $2, ROW_NUMBER() OVER (ORDER BY h.number, l.occurred_on, l.id), l.id, \
               l.household, DENSE_RANK() OVER (ORDER BY h.number), \
               CASE WHEN EXISTS (SELECT 1 FROM claims c WHERE c.village = l.village \
                 AND c.id = l.id AND c.status = 'overturned') THEN 'struck' ELSE 'open' END \
               FROM score_lines l \
               JOIN households h ON h.village = l.village AND h.id = l.household \
               WHERE l.village = $1 AND l.week BETWEEN $3 AND $4 AND l.kind <> 'reversal'";
    db::run(tx, sql, key.into_iter().chain(span)).await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Confirmed {
    household: Uuid,
    points: i64,
}

/// Closes the list of `month` at its nominal instant: every line without an open objection becomes
/// spendable, with one journal per household.
pub async fn close_list(tx: &Tx, village: &Village, month: Month, at: Instant) -> Outcome<()> {
    let key = || -> [Value; 2] { [village.into(), month.to_string().into()] };
    // Exclusive: an objection holds the list shared while it is filed.
    let sql = format!(
        "SELECT status FROM public_lists WHERE village = $1 AND month = $2{}",
        db::exclusively(tx)
    );
    db::run(tx, &sql, key()).await?;
    let sql = "SELECT p.household, \
               CAST(SUM(l.awarded + COALESCE(r.awarded, 0)) AS BIGINT) AS points \
               FROM public_list_lines p \
               JOIN score_lines l ON l.village = p.village AND l.id = p.line \
               LEFT JOIN (SELECT reverses, CAST(SUM(awarded) AS BIGINT) AS awarded FROM score_lines \
                 WHERE village = $1 AND reverses IS NOT NULL GROUP BY reverses) r \
               ON r.reverses = l.id \
               WHERE p.village = $1 AND p.month = $2 AND p.confirmed_at IS NULL \
               AND p.status IN ('open', 'upheld', 'adjusted') \
               GROUP BY p.household ORDER BY p.household";
    let confirmed = db::all::<Confirmed>(tx, sql, key()).await?;
    let journals: Vec<_> = confirmed
        .into_iter()
        .filter(|row| row.points != 0)
        .map(|row| confirmation(format!("{month}:{}", row.household), row.household, row.points))
        .collect();
    ledger::post(tx, village, None, at, &journals).await?;
    let at_values = || key().into_iter().chain([at.0.into()]);
    let sql = "UPDATE public_list_lines SET confirmed_at = $3 \
               WHERE village = $1 AND month = $2 AND confirmed_at IS NULL \
               AND status IN ('open', 'upheld', 'adjusted')";
    db::run(tx, sql, at_values()).await?;
    let changed = changes::next(tx, village).await?;
    let sql = "UPDATE claims SET status = 'confirmed', version = version + 1, changed = $4 \
               WHERE village = $1 AND status = 'scored' AND id IN (SELECT line \
               FROM public_list_lines WHERE village = $1 AND month = $2 AND confirmed_at = $3)";
    db::run(tx, sql, at_values().chain([changed.into()])).await?;
    let sql = "UPDATE public_lists SET status = 'closed' WHERE village = $1 AND month = $2";
    db::run(tx, sql, key()).await?;
    Ok(())
}

/// Pending points become available.
pub fn confirmation(reference: String, household: Uuid, points: i64) -> Journal {
    let (from, to) = (Account::Pending(household), Account::Available(household));
    Journal::transfer("confirm", reference, from, to, points)
}
