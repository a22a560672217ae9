//! What must agree about what boards are ordered from.

use sea_orm::{ConnectionTrait, FromQueryResult};

use super::{Check, Odd, describe};
use crate::kernel::db;
use crate::kernel::period::{Period, Week};
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::Village;
use crate::rankings::{BY_CATEGORY, span};

/// Two sides that have the same rows: kept ones with `side` 1, recomputed ones with 0.
macro_rules! both_sides {
    ($thing:literal, $kept:literal, $recomputed:literal, $key:literal) => {
        concat!(
            "SELECT village, ",
            $thing,
            " AS thing, household AS id, CAST(SUM(side * points) AS BIGINT) AS kept, \
              CAST(SUM((1 - side) * points) AS BIGINT) AS recomputed FROM (",
            $kept,
            " UNION ALL ",
            $recomputed,
            ") AS both_sides GROUP BY ",
            $key,
            " HAVING COUNT(*) <> 2 OR MIN(points) <> MAX(points) \
              OR MIN(deductions) <> MAX(deductions) OR MIN(categories) <> MAX(categories) \
              OR MIN(reached_at) <> MAX(reached_at)"
        )
    };
}

pub const CHECKS: &[Check] = &[
    Check {
        name: "a standing is the sum of its categories",
        sql: both_sides!(
            "period",
            "SELECT 1 AS side, village, period, household, points, deductions, categories, \
              reached_at FROM standings",
            "SELECT 0, village, period, household, SUM(points), SUM(deductions), \
              SUM(categories), MAX(reached_at) FROM category_standings \
              WHERE period NOT LIKE 'to-%' GROUP BY village, period, household",
            "village, period, household"
        ),
    },
    Check {
        name: "a standing of all time is the sum of the years",
        sql: both_sides!(
            "category",
            "SELECT 1 AS side, village, category, household, points, deductions, categories, \
              reached_at FROM category_standings WHERE period = 'all'",
            "SELECT 0, village, category, household, SUM(points), SUM(deductions), \
              MAX(categories), MAX(reached_at) FROM category_standings \
              WHERE LENGTH(period) = 4 GROUP BY village, category, household",
            "village, category, household"
        ),
    },
    Check {
        name: "what was earned until a year is the sum of the years",
        sql: both_sides!(
            "period",
            "SELECT 1 AS side, village, period, category, household, points, deductions, \
              categories, reached_at FROM category_standings WHERE period LIKE 'to-%'",
            "SELECT 0, c.village, y.period, c.category, c.household, SUM(c.points), \
              SUM(c.deductions), MAX(c.categories), MAX(c.reached_at) FROM category_standings c \
              JOIN (SELECT DISTINCT village, period FROM category_standings \
                WHERE period LIKE 'to-%') y ON y.village = c.village \
                AND c.period <= SUBSTR(y.period, 4) \
              WHERE LENGTH(c.period) = 4 GROUP BY c.village, y.period, c.category, c.household",
            "village, period, category, household"
        ),
    },
];

/// The first standing in a category that is not what the lines of its period make it, as [`describe`]
/// tells it, and how many periods of villages were looked at before.
pub async fn first_odd(on: &impl ConnectionTrait) -> Outcome<(usize, Option<String>)> {
    let columns = "village, category, household, points, deductions, categories, reached_at";
    let sql = format!(
        "SELECT village, category AS thing, household AS id, \
         CAST(SUM(side * points) AS BIGINT) AS kept, \
         CAST(SUM((1 - side) * points) AS BIGINT) AS recomputed FROM ( \
           SELECT 1 AS side, {columns} FROM category_standings WHERE village = $1 AND period = $2 \
           UNION ALL SELECT 0 AS side, {columns} FROM ({BY_CATEGORY}) AS fresh \
         ) AS both_sides GROUP BY village, category, household \
         HAVING COUNT(*) <> 2 OR MIN(points) <> MAX(points) OR MIN(deductions) <> MAX(deductions) \
         OR MIN(categories) <> MAX(categories) OR MIN(reached_at) <> MAX(reached_at) \
         ORDER BY household, category LIMIT 1"
    );
    let mut checks = 0;
    for (village, period) in periods(on).await? {
        if let Some(odd) = db::one::<Odd>(on, &sql, span(&village, period, "")).await? {
            let what = format!("a standing of {period} is recomputed from its lines");
            return Ok((checks, Some(describe(&what, &odd))));
        }
        checks += 1;
    }
    Ok((checks, None))
}

/// Every board there is or should be: the periods of all closed weeks.
async fn periods(on: &impl ConnectionTrait) -> Outcome<Vec<(Village, Period)>> {
    #[derive(FromQueryResult)]
    struct Row {
        village: String,
        week: String,
    }
    let sql =
        "SELECT village, week FROM score_sheets WHERE status = 'closed' ORDER BY village, week";
    let mut all = Vec::new();
    for Row { village, week } in db::all::<Row>(on, sql, []).await? {
        let odd = || Problem::fault(format!("sheet {village} {week}"));
        let parsed = village.parse::<Village>().map_err(|_| odd())?;
        let week = week.parse::<Week>().map_err(|_| odd())?;
        all.extend(week.periods().map(|period| (parsed.clone(), period)));
    }
    all.sort();
    all.dedup();
    Ok(all)
}
