//! What a village's score lines came to in each period: kept whenever lines are written, so that figures
//! of a place are added up from a row per village, however many lines there are.
//!
//! A row holds from its `since` until the next one of its period: the instant at which a sheet closed, or at
//! which a line was taken back. What was known at an instant is the last row until then.

use sea_orm::Value;

use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::period::{Period, Week};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::rules::Category;

/// SQL of each category, named by its word, as a list.
pub fn each(sql: impl Fn(&'static str) -> String) -> String {
    Category::ALL.map(|category| sql(category.as_str())).join(", ")
}

/// Brings the totals of a week's periods up to date, after its lines were written at `at` and standings were
/// rebuilt from them. The caller has the village alone, or the head of its chain.
///
/// A change that arrives after a later one is known since that one.
pub async fn keep(tx: &Tx, village: &Village, week: Week, at: Instant) -> Outcome<()> {
    let mut values: Vec<Value> = vec![village.into(), week.to_string().into(), at.0.into()];
    let mut periods = Vec::new();
    for period in week.periods().into_iter().chain([Period::All]) {
        let (first, last) = period.weeks();
        let from = values.len() + 1;
        periods.push(format!("(${from}, ${}, ${})", from + 1, from + 2));
        values.extend([period.to_string(), first.to_string(), last.to_string()].map(Value::from));
    }
    let sql = format!(
        "INSERT INTO period_totals (village, period, since, households, {words}) \
         WITH p (period, week_from, week_to) AS (VALUES {}), \
         fresh AS (SELECT {sums} FROM category_standings WHERE village = $1 AND period = $2), \
         was AS (SELECT * FROM period_totals WHERE village = $1 AND period = $2 \
           ORDER BY since DESC LIMIT 1), \
         {DOUBTFUL} \
         SELECT $1, p.period, CASE WHEN l.since > $3 THEN l.since ELSE $3 END, {HOUSEHOLDS}, {now} \
         FROM p CROSS JOIN fresh LEFT JOIN was ON was.village = $1 \
         LEFT JOIN period_totals l ON l.village = $1 AND l.period = p.period \
           AND l.since = (SELECT MAX(x.since) FROM period_totals x \
             WHERE x.village = $1 AND x.period = p.period) \
         WHERE true ON CONFLICT (village, period, since) DO UPDATE SET \
         households = excluded.households, {replaced}",
        periods.join(", "),
        words = each(str::to_owned),
        sums = each(|word| format!(
            "COALESCE(SUM(CASE WHEN category = '{word}' THEN points END), 0) AS {word}"
        )),
        now =
            each(|word| format!("COALESCE(l.{word}, 0) + fresh.{word} - COALESCE(was.{word}, 0)")),
        replaced = each(|word| format!("{word} = excluded.{word}")),
    );
    db::run(tx, &sql, values).await?;
    Ok(())
}

/// Households of which a line was taken back in another year. Standings of a year and of all time count such
/// a line by the year that it ranks in, or as the year was left (`rankings/standings.rs`); figures count what
/// lies in the weeks of the period.
const DOUBTFUL: &str = "doubtful AS (SELECT DISTINCT r.household FROM score_lines r \
    JOIN score_lines l ON l.village = r.village AND l.id = r.reverses \
    WHERE r.village = $1 AND r.reverses IS NOT NULL \
    AND SUBSTR(r.week, 1, 4) <> SUBSTR(l.week, 1, 4))";

/// SQL: the households with a bonus in period `p` that was not taken back in it: from standings, but for the
/// doubtful.
const HOUSEHOLDS: &str = "(SELECT COUNT(*) FROM standings s WHERE s.village = $1 \
      AND s.period = p.period AND s.categories > 0 \
      AND s.household NOT IN (SELECT household FROM doubtful)) \
    + (SELECT COUNT(DISTINCT b.household) FROM doubtful d JOIN score_lines b ON b.village = $1 \
      AND b.household = d.household AND b.week BETWEEN p.week_from AND p.week_to \
      WHERE b.kind <> 'reversal' AND b.remedies IS NULL AND b.awarded > COALESCE(( \
        SELECT -SUM(r.awarded) FROM score_lines r WHERE r.village = b.village \
        AND r.reverses = b.id AND r.week BETWEEN p.week_from AND p.week_to), 0))";
