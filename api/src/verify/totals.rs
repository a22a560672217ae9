//! What must agree about the totals of periods, from which figures of places are added up: each row with
//! the lines that were known at its instant, and the last one with all there are.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, FromQueryResult};

use super::{Odd, describe};
use crate::kernel::db::{self, Column, Given};
use crate::kernel::period::{Period, Week};
use crate::kernel::problem::{Outcome, Problem};
use crate::rules::Category;

/// SQL: tables that both checks begin with, after `p (period, week_from, week_to)`: rows of totals by when
/// they must hold, as they are and the last of each period also as it is at the end of time, where one that
/// is missing has nothing; and lines by when they were known.
const BEGINS: &str = "ends AS (SELECT DISTINCT s.village, p.period FROM score_sheets s JOIN p \
      ON s.week BETWEEN p.week_from AND p.week_to WHERE s.status = 'closed'), \
    rows AS (SELECT t.since AS at, t.* FROM period_totals t \
      UNION ALL SELECT 9223372036854775807, t.* FROM period_totals t \
      WHERE NOT EXISTS (SELECT 1 FROM period_totals x WHERE x.village = t.village \
        AND x.period = t.period AND x.since > t.since)), \
    missing AS (SELECT e.village, e.period FROM ends e WHERE NOT EXISTS (SELECT 1 \
      FROM period_totals t WHERE t.village = e.village AND t.period = e.period)), \
    known AS (SELECT l.village, l.id, l.week, l.household, l.kind, l.remedies, l.reverses, \
        l.category, l.awarded, \
        CASE WHEN l.kind = 'reversal' THEN l.approved_at ELSE s.closes_at END AS at \
      FROM score_lines l JOIN score_sheets s ON s.village = l.village AND s.week = l.week)";

/// SQL: what rows say (`side` 1) beside the running sum of what came until then (`side` 0).
const RUNNING: &str = "SELECT village, thing, NULL AS id, CAST(kept AS BIGINT) AS kept, \
      CAST(recomputed AS BIGINT) AS recomputed FROM ( \
        SELECT village, thing, side, kept, SUM(change) OVER ( \
          PARTITION BY village, period, thing ORDER BY at, side) AS recomputed FROM both_sides \
      ) AS compared WHERE side = 1 AND kept <> recomputed ORDER BY 1, 2, 4, 5 LIMIT 1";

/// The first row that its lines do not make, as [`describe`] tells it, and how many checks held before.
pub async fn first_odd(on: &impl ConnectionTrait) -> Outcome<(usize, Option<String>)> {
    let Given { table, values } = periods(on).await?;
    let with = format!("WITH p AS (SELECT * FROM {table}), {BEGINS}");
    for (at, (name, both_sides)) in
        [("points of a period", points()), ("households of a period", HOUSEHOLDS.to_owned())]
            .into_iter()
            .enumerate()
    {
        let sql = format!("{with}, {both_sides} {RUNNING}");
        if let Some(odd) = db::one::<Odd>(on, &sql, values.clone()).await? {
            let what = format!("the {name} are what its lines come to");
            return Ok((at, Some(describe(&what, &odd))));
        }
    }
    Ok((2, None))
}

/// Points by category; a row says all eight.
fn points() -> String {
    let categories = Category::ALL.map(|it| format!("('{}')", it.as_str())).join(", ");
    let kept = Category::ALL.map(|it| format!("WHEN '{0}' THEN r.{0}", it.as_str())).join(" ");
    format!(
        "c (category) AS (VALUES {categories}), \
         sums AS (SELECT village, week, category, at, SUM(awarded) AS change FROM known \
           GROUP BY village, week, category, at), \
         both_sides AS ( \
           SELECT s.village, p.period, p.period || ' ' || s.category AS thing, s.at, 0 AS side, \
             0 AS kept, s.change FROM p JOIN sums s ON s.week BETWEEN p.week_from AND p.week_to \
           UNION ALL SELECT r.village, r.period, r.period || ' ' || c.category, r.at, 1, \
             CASE c.category {kept} END, 0 FROM rows r CROSS JOIN c \
           UNION ALL SELECT m.village, m.period, m.period || ' ' || c.category, \
             9223372036854775807, 1, 0, 0 FROM missing m CROSS JOIN c)"
    )
}

/// A household joins with its first line that has points and leaves when nothing is left of any.
const HOUSEHOLDS: &str = "taken AS (SELECT k.village, p.period, k.reverses, k.at, k.awarded, \
        SUM(k.awarded) OVER (PARTITION BY k.village, p.period, k.reverses ORDER BY k.at, k.id) \
          AS so_far \
      FROM p JOIN known k ON k.week BETWEEN p.week_from AND p.week_to \
      WHERE k.reverses IS NOT NULL), \
    bonus AS (SELECT village, id, week, household, at, awarded FROM known \
      WHERE kind <> 'reversal' AND remedies IS NULL AND awarded > 0), \
    joins AS (SELECT village, week, household, at, COUNT(*) AS lines FROM bonus \
      GROUP BY village, week, household, at), \
    steps AS ( \
      SELECT j.village, p.period, j.household, j.at, j.lines AS step FROM p \
      JOIN joins j ON j.week BETWEEN p.week_from AND p.week_to \
      UNION ALL SELECT b.village, t.period, b.household, t.at, -1 FROM taken t \
      JOIN p ON p.period = t.period JOIN bonus b ON b.village = t.village AND b.id = t.reverses \
        AND b.week BETWEEN p.week_from AND p.week_to \
      WHERE b.awarded + t.so_far <= 0 AND b.awarded + t.so_far - t.awarded > 0), \
    counts AS (SELECT village, period, household, at, SUM(SUM(step)) OVER ( \
        PARTITION BY village, period, household ORDER BY at) AS lines \
      FROM steps GROUP BY village, period, household, at), \
    turns AS (SELECT village, period, at, CASE WHEN lines > 0 THEN 1 ELSE 0 END \
        - CASE WHEN LAG(lines, 1, 0) OVER (PARTITION BY village, period, household ORDER BY at) > 0 \
          THEN 1 ELSE 0 END AS turn FROM counts), \
    both_sides AS ( \
      SELECT village, period, period AS thing, at, 0 AS side, 0 AS kept, turn AS change FROM turns \
      UNION ALL SELECT village, period, period, at, 1, households, 0 FROM rows \
      UNION ALL SELECT village, period, period, 9223372036854775807, 1, 0, 0 FROM missing)";

/// Every period that has a sheet, with its first and last week.
async fn periods(on: &impl ConnectionTrait) -> Outcome<Given> {
    #[derive(FromQueryResult)]
    struct Row {
        week: String,
    }
    let sql = "SELECT DISTINCT week FROM score_sheets";
    let mut all = BTreeSet::from([Period::All]);
    for Row { week } in db::all::<Row>(on, sql, []).await? {
        let parsed = week.parse::<Week>();
        all.extend(parsed.map_err(|_| Problem::fault(format!("sheet {week}")))?.periods());
    }
    let text = |get: fn(&Period) -> String| all.iter().map(get).collect();
    let columns = [
        Column::Text("period", text(ToString::to_string)),
        Column::Text("week_from", text(|period| period.weeks().0.to_string())),
        Column::Text("week_to", text(|period| period.weeks().1.to_string())),
    ];
    Ok(db::given(on, 1, "given", &columns))
}
