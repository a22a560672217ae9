//! Where a board is read from: the standings, or, once a year's ranking is published, its frozen copy.

use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::kernel::db;
use crate::kernel::period::Period;
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::RegionCode;
use crate::rules::Category;

/// What the rows of a board are joined from.
pub struct Source {
    /// A table of standings; `$1` is the period, `$2` and `$3` the bounds of the region.
    pub standings: String,
    /// The number of household `h` with standing `s`, which decides last.
    pub number: &'static str,
}

/// Of a year every village's copy, if it is published, else its standings.
const OF_A_YEAR: &str = "(SELECT f.village, f.year AS period, f.household, f.points, \
      f.deductions, f.categories, f.reached_at, f.number \
    FROM year_rankings y JOIN final_standings f ON f.village = y.village AND f.year = y.year \
      AND f.revision = y.revision \
    WHERE y.year = $1 AND y.village >= $2 AND y.village < $3 \
    UNION ALL SELECT t.village, t.period, t.household, t.points, t.deductions, t.categories, \
      t.reached_at, n.number \
    FROM standings t JOIN households n ON n.village = t.village AND n.id = t.household \
    WHERE t.period = $1 AND t.village >= $2 AND t.village < $3 AND NOT EXISTS (SELECT 1 \
      FROM year_rankings y WHERE y.village = t.village AND y.year = t.period))";

/// Of one category, by its word. No line is added to a year whose ranking is final, so its rows stay too.
const OF_A_CATEGORY: &str = "(SELECT t.village, t.period, t.household, t.points, t.deductions, \
      t.categories, t.reached_at FROM category_standings t \
    WHERE t.period = $1 AND t.category = '{}' AND t.village >= $2 AND t.village < $3)";

/// The same of a year, with the numbers that its published copy has.
const OF_A_CATEGORYS_YEAR: &str = "(SELECT t.village, t.period, t.household, t.points, \
      t.deductions, t.categories, t.reached_at, COALESCE(f.number, n.number) AS number \
    FROM category_standings t JOIN households n ON n.village = t.village AND n.id = t.household \
    LEFT JOIN year_rankings y ON y.village = t.village AND y.year = t.period \
    LEFT JOIN final_standings f ON f.village = y.village AND f.year = y.year \
      AND f.revision = y.revision AND f.household = t.household \
    WHERE t.period = $1 AND t.category = '{}' AND t.village >= $2 AND t.village < $3)";

pub fn source(period: Period, category: Option<Category>) -> Source {
    let is_year = matches!(period, Period::Year(_));
    let number = if is_year { "s.number" } else { "h.number" };
    let of = |sql: &str, category: Category| sql.replace("{}", category.as_str());
    let standings = match (category, is_year) {
        (None, false) => "standings".to_owned(),
        (None, true) => OF_A_YEAR.to_owned(),
        (Some(category), false) => of(OF_A_CATEGORY, category),
        (Some(category), true) => of(OF_A_CATEGORYS_YEAR, category),
    };
    Source { standings, number }
}

/// The category of a query, if it names one.
///
/// # Errors
/// `invalid_field` if it is none of the eight.
pub fn category(word: Option<&str>) -> Outcome<Option<Category>> {
    let Some(word) = word else { return Ok(None) };
    let found = Category::ALL.into_iter().find(|category| category.as_str() == word);
    let unknown = || {
        let words = Category::ALL.map(Category::as_str).join(", ");
        Refusal::from(Code::InvalidField).at("/category", "unknown", format!("one of {words}"))
    };
    found.map(Some).ok_or_else(|| Problem::from(unknown()))
}

/// Where a year's ranking stands in a whole region: as the village that is least far.
pub async fn year_status(
    on: &impl ConnectionTrait,
    region: &RegionCode,
    period: Period,
) -> Outcome<&'static str> {
    #[derive(FromQueryResult)]
    struct Row {
        villages: i64,
        published: i64,
        finals: i64,
    }
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) AS villages, \
        CAST(COUNT(y.year) AS BIGINT) AS published, \
        CAST(COUNT(y.final_at) AS BIGINT) AS finals FROM villages v \
        LEFT JOIN year_rankings y ON y.village = v.village AND y.year = $1 \
        WHERE v.village >= $2 AND v.village < $3 AND v.starts_at < $4";
    let [from, to] = region.bounds();
    let values = [period.to_string().into(), from, to, period.ends_at().0.into()];
    let row = db::one::<Row>(on, sql, values).await?;
    Ok(match row {
        Some(row) if row.villages > 0 && row.finals == row.villages => "final",
        Some(row) if row.villages > 0 && row.published == row.villages => "published",
        _ => "provisional",
    })
}
