//! What boards are ordered from: a household's points in a period, by category and in all, as rows that a
//! board reads by their key. Built from score lines whenever these change, a village at a time.

use sea_orm::Value;

use crate::kernel::db::{self, Tx};
use crate::kernel::period::{Period, Week};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

/// A village's standings in a period by category, from its score lines: `$1` is the village, `$2` the
/// period, `$3` and `$4` its first and last week, `$5` a week or a year to which a household must have a
/// line, or nothing. `categories` is 1 or 0: whether the household has points of this one. That, and the
/// moment of reaching the total, count only lines of which something is left (`net`); what was taken back
/// in a later period leaves this one as it was, but for a year whose ranking was not final then
/// (`ranks_in`): it is what its publicity is for. The lines are the truth; [`rebuild`] and `jifen verify`
/// share this one definition.
pub const BY_CATEGORY: &str = "WITH concerned AS (SELECT household FROM score_lines \
      WHERE village = $1 AND (week = $5 OR ranks_in = $5)), \
    counted AS ( \
      SELECT * FROM score_lines WHERE village = $1 AND week BETWEEN $3 AND $4 \
        AND (ranks_in IS NULL OR ranks_in = $2 OR LENGTH($2) <> 4) \
        AND ($5 = '' OR household IN (SELECT household FROM concerned)) \
      UNION ALL SELECT * FROM score_lines WHERE village = $1 AND ranks_in = $2 \
        AND week NOT BETWEEN $3 AND $4 \
        AND ($5 = '' OR household IN (SELECT household FROM concerned))) \
    SELECT village, $2 AS period, category, household, CAST(SUM(awarded) AS BIGINT) AS points, \
    CAST(-SUM(CASE WHEN (awarded < 0) = (kind <> 'reversal' AND remedies IS NULL) THEN awarded ELSE 0 END) AS BIGINT) \
      AS deductions, \
    CAST(MAX(CASE WHEN net > 0 THEN 1 ELSE 0 END) AS BIGINT) AS categories, \
    CAST(COALESCE(MAX(CASE WHEN net <> 0 THEN approved_at END), 0) AS BIGINT) AS reached_at \
    FROM (SELECT l.*, CASE WHEN l.kind = 'reversal' OR l.remedies IS NOT NULL THEN 0 \
        ELSE l.awarded + COALESCE(r.awarded, 0) END AS net \
      FROM counted l LEFT JOIN (SELECT reverses, CAST(SUM(awarded) AS BIGINT) AS awarded \
        FROM counted WHERE reverses IS NOT NULL GROUP BY reverses) r ON r.reverses = l.id) AS lines \
    GROUP BY village, category, household";

const COLUMNS: &str =
    "(village, period, category, household, points, deductions, categories, reached_at)";
const REPLACED: &str = "points = excluded.points, deductions = excluded.deductions, \
    categories = excluded.categories, reached_at = excluded.reached_at";

/// The parameters of [`BY_CATEGORY`] for households with a line in `concerned`, or all if it is empty.
pub fn span(village: &Village, period: Period, concerned: &str) -> [Value; 5] {
    let (first, last) = period.weeks();
    let text = |value: &dyn std::fmt::Display| Value::from(value.to_string());
    [village.into(), text(&period), text(&first), text(&last), concerned.into()]
}

/// Brings the standings of a week, of its month, quarter and year, and of all time up to date, after lines
/// of that week were written.
pub async fn rebuild(tx: &Tx, village: &Village, week: Week) -> Outcome<()> {
    build(tx, village, &week.periods(), week.month().year, &week.to_string()).await
}

/// Brings the standings of a year up to date, and of all time, after lines were written elsewhere that
/// rank in it.
pub async fn rebuild_year(tx: &Tx, village: &Village, year: i32) -> Outcome<()> {
    let period = Period::Year(year);
    build(tx, village, &[period], year, &period.to_string()).await
}

/// Builds anew what concerns the households with a line in `concerned`: theirs are the only rows that can
/// have changed.
async fn build(
    tx: &Tx,
    village: &Village,
    periods: &[Period],
    year: i32,
    concerned: &str,
) -> Outcome<()> {
    let sql = format!(
        "INSERT INTO category_standings {COLUMNS} SELECT * FROM ({BY_CATEGORY}) AS fresh \
         WHERE true ON CONFLICT (village, period, category, household) DO UPDATE SET {REPLACED}"
    );
    for period in periods {
        db::run(tx, &sql, span(village, *period, concerned)).await?;
    }
    add_years(tx, village, year, concerned).await?;
    total(tx, village, periods, concerned).await
}

/// All time, from the years' rows: what had been earned until last year is kept as a row of its own
/// (`to-2023`), so that a close adds one year to it however many there were. A category counts if one of
/// the years counts it, as that year was left; the total was reached when the last year's was that changed
/// it. What of an earlier year is corrected goes through the years since.
async fn add_years(tx: &Tx, village: &Village, year: i32, concerned: &str) -> Outcome<()> {
    let sql = "SELECT CAST(SUBSTR(MAX(week), 1, 4) AS BIGINT) FROM score_sheets WHERE village = $1";
    let open = db::number(tx, sql, [village.into()]).await?;
    let present = i32::try_from(open).unwrap_or(year).max(year);
    let to = |year: i32| format!("to-{year:04}");
    for past in year.min(present - 1)..present {
        // The years before this one are only made if they are not there yet.
        let concerned = if past >= year { concerned } else { "" };
        merge(tx, village, &to(past), [&to(past - 1), &format!("{past:04}")], concerned).await?;
    }
    let parts = [&to(present - 1), &format!("{present:04}")];
    merge(tx, village, "all", parts, concerned).await
}

/// Adds two periods to one: of all households if there are no rows of it yet.
async fn merge(
    tx: &Tx,
    village: &Village,
    period: &str,
    parts: [&String; 2],
    concerned: &str,
) -> Outcome<()> {
    let sql = format!(
        "INSERT INTO category_standings {COLUMNS} \
         SELECT village, CAST($2 AS TEXT), category, household, CAST(SUM(points) AS BIGINT), \
           CAST(SUM(deductions) AS BIGINT), MAX(categories), MAX(reached_at) \
         FROM category_standings WHERE village = $1 AND period IN ($3, $4) \
         AND (household IN (SELECT household FROM score_lines WHERE village = $1 \
             AND (week = $5 OR ranks_in = $5)) \
           OR NOT EXISTS (SELECT 1 FROM category_standings WHERE village = $1 AND period = $2)) \
         GROUP BY village, category, household \
         ON CONFLICT (village, period, category, household) DO UPDATE SET {REPLACED}"
    );
    let [before, year] = parts;
    let values: [Value; 5] =
        [village.into(), period.into(), before.into(), year.into(), concerned.into()];
    db::run(tx, &sql, values).await?;
    Ok(())
}

/// The standings in all categories together, of these periods and of all time.
async fn total(tx: &Tx, village: &Village, periods: &[Period], concerned: &str) -> Outcome<()> {
    // A planner makes no join of what stands behind an OR: it reads the households once and keeps them, also
    // where it has not been told yet how many rows a first close has written.
    let places: Vec<_> = (4..).take(periods.len()).map(|at| format!(", ${at}")).collect();
    let sql = format!(
        "INSERT INTO standings (village, period, household, points, deductions, categories, \
           reached_at) \
         SELECT village, period, household, CAST(SUM(points) AS BIGINT), \
           CAST(SUM(deductions) AS BIGINT), CAST(SUM(categories) AS BIGINT), MAX(reached_at) \
         FROM category_standings WHERE village = $1 AND period IN ($3{}) \
         AND ($2 = '' OR household IN (SELECT household FROM score_lines WHERE village = $1 \
           AND (week = $2 OR ranks_in = $2))) \
         GROUP BY village, period, household \
         ON CONFLICT (village, period, household) DO UPDATE SET {REPLACED}",
        places.concat()
    );
    let values: [Value; 3] = [village.into(), concerned.into(), Period::All.to_string().into()];
    let periods = periods.iter().map(|period| Value::from(period.to_string()));
    db::run(tx, &sql, values.into_iter().chain(periods)).await?;
    Ok(())
}
