//! `GET …/households/{household}/summary`: a year of a family: its points by month and category, its honours
//! and awards.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{may_read, read};
use crate::app::App;
use crate::awards::{self, YearAward};
use crate::honours::{self, YearHonour};
use crate::http::{Query, path_id};
use crate::identity::Neighbour;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::period::{Month, Period, Week};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::labels::label;
use crate::rules::Category;

/// Awarded points, net of what was taken back of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PointSum)]
pub struct Sum {
    /// `bonus` + `deduction`.
    #[schema(example = 7)]
    pub points: i64,
    /// Of rules that give points.
    #[schema(example = 10)]
    pub bonus: i64,
    /// Of rules that take points: 0 or below.
    #[schema(example = -3)]
    pub deduction: i64,
    /// Entries, reversals not counted.
    #[schema(example = 4)]
    pub lines: i64,
}

impl Sum {
    fn add(&mut self, row: &Row) {
        self.points += row.bonus + row.deduction;
        self.bonus += row.bonus;
        self.deduction += row.deduction;
        self.lines += row.lines;
    }
}

/// One category's sum within a month.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CategorySum {
    pub category: Category,
    pub sum: Sum,
}

/// One month: the weeks whose Thursday lies in it, as on its public list.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MonthSum {
    pub month: Month,
    pub sum: Sum,
    /// All eight, in the order of the reports; 0 where nothing was done.
    pub categories: Vec<CategorySum>,
}

/// One category's sum of the year.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CategoryTotal {
    pub category: Category,
    #[schema(example = "人居环境整治")]
    pub name_zh: &'static str,
    #[schema(example = "Living environment")]
    pub name_en: &'static str,
    pub sum: Sum,
}

/// A household's year, as scored until now. The months add up to the categories and both to the year; honours
/// and awards cost no points and stand beside them.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Summary {
    #[schema(example = 2024)]
    pub year: i32,
    pub sum: Sum,
    /// All eight, in the order of the reports.
    pub categories: Vec<CategoryTotal>,
    /// All twelve.
    pub months: Vec<MonthSum>,
    /// For the year and its months, those in force, by plaque.
    pub honours: Vec<YearHonour>,
    /// For the year: rank awards, then shares of dividends.
    pub awards: Vec<YearAward>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SummaryQuery {
    /// The year; the present one if absent.
    #[param(nullable = false, minimum = 2000, maximum = 2199, example = 2024)]
    year: Option<i32>,
}

/// A household's year by month and category, with its honours and awards
#[utoipa::path(tag = "households", operation_id = "households_show_summary", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id"), SummaryQuery),
    responses((status = 200, body = Summary)), extensions(("x-codes" = json!("other_household"))))]
#[get("/v1/villages/{village}/households/{household}/summary")]
async fn show_summary(
    caller: Neighbour,
    request: HttpRequest,
    query: Query<SummaryQuery>,
    app: Data<App>,
) -> Outcome<Answer<Summary>> {
    let id = path_id(&request, "household")?;
    read::load(app.db.read(), &caller.village, id).await?;
    may_read(&caller, id)?;
    let this_year = Week::of(app.clock.now()).month().year;
    let year = year(query.0.year.unwrap_or(this_year))?;
    let rows = rows(&app, &caller.village, id, year).await?;
    let summary = summary(year, &rows)?;
    let (on, village) = (app.db.read(), &caller.village);
    Ok(Answer::ok(Summary {
        honours: honours::of_household(on, village, id, year).await?,
        awards: awards::of_household(on, village, id, year).await?,
        ..summary
    }))
}

fn year(year: i32) -> Outcome<i32> {
    if (2000..2200).contains(&year) {
        return Ok(year);
    }
    Err(Refusal::from(Code::InvalidQuery).because("`year` is 2000 to 2199").into())
}

/// What a week brought in a category.
#[derive(Debug, FromQueryResult)]
struct Row {
    week: String,
    category: String,
    bonus: i64,
    deduction: i64,
    lines: i64,
}

/// Of which side a line is. A reversal stands under the rule of what it takes back; an adjustment has no
/// rule, only a sign.
const BONUS: &str = "CASE WHEN u.direction IS NULL THEN (l.awarded > 0) = (l.kind <> 'reversal') \
    ELSE u.direction = 'bonus' END";

async fn rows(app: &App, village: &Village, household: Uuid, year: i32) -> Outcome<Vec<Row>> {
    let sql = format!(
        "SELECT l.week, l.category, \
           CAST(SUM(CASE WHEN {BONUS} THEN l.awarded ELSE 0 END) AS BIGINT) AS bonus, \
           CAST(SUM(CASE WHEN {BONUS} THEN 0 ELSE l.awarded END) AS BIGINT) AS deduction, \
           CAST(SUM(CASE WHEN l.kind = 'reversal' THEN 0 ELSE 1 END) AS BIGINT) AS lines \
         FROM score_lines l LEFT JOIN rules u ON u.rule_set = l.rule_set AND u.key = l.rule \
         WHERE l.village = $1 AND l.household = $2 AND l.week BETWEEN $3 AND $4 \
         GROUP BY l.week, l.category ORDER BY l.week, l.category"
    );
    let (first, last) = Period::Year(year).weeks();
    let weeks = [first.to_string().into(), last.to_string().into()];
    let key: [Value; 2] = [village.into(), household.into()];
    Ok(db::all(app.db.read(), &sql, key.into_iter().chain(weeks)).await?)
}

/// Folds weeks into months, and months into the year.
fn summary(year: i32, rows: &[Row]) -> Outcome<Summary> {
    let odd = |row: &Row| Problem::fault(format!("{} {}", row.week, row.category));
    let categories = Category::ALL.map(|category| {
        let sum = Sum::default();
        let names = label("category", category.as_str());
        CategoryTotal { category, name_zh: names.zh, name_en: names.en, sum }
    });
    let month = |month| MonthSum {
        month: Month { year, month },
        sum: Sum::default(),
        categories: Category::ALL
            .map(|it| CategorySum { category: it, sum: Sum::default() })
            .into(),
    };
    let months = (1..=12).map(month).collect();
    let (honours, awards) = (Vec::new(), Vec::new());
    let categories = categories.into();
    let mut all = Summary { year, sum: Sum::default(), categories, months, honours, awards };
    for row in rows {
        let week: Week = row.week.parse().map_err(|_| odd(row))?;
        let month = all.months.iter_mut().find(|it| it.month == week.month());
        let month = month.ok_or_else(|| odd(row))?;
        let place = Category::ALL.iter().position(|it| it.as_str() == row.category);
        let place = place.ok_or_else(|| odd(row))?;
        all.sum.add(row);
        month.sum.add(row);
        month.categories.iter_mut().skip(place).take(1).for_each(|it| it.sum.add(row));
        all.categories.iter_mut().skip(place).take(1).for_each(|it| it.sum.add(row));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_monday_of_2024_belongs_to_2025() {
        assert_eq!(Period::Year(2024).weeks().1.to_string(), "2024-W52");
        let week: Week = "2025-W01".parse().expect("a week");
        assert_eq!(week.month(), Month { year: 2025, month: 1 });
    }

    proptest! {
        #[test]
        fn months_and_categories_both_add_up_to_the_year(
            rows in proptest::collection::vec((0_u8..52, 0_usize..8, 0_i64..50, -50_i64..=0), 0..60),
        ) {
            let (first, _) = Period::Year(2026).weeks();
            let row = |(weeks, category, bonus, deduction): (u8, usize, i64, i64)| {
                let week = (0..weeks).fold(first, |week, _| week.next()).to_string();
                let category = Category::ALL[category].word();
                Row { week, category, bonus, deduction, lines: 1 }
            };
            let rows: Vec<_> = rows.into_iter().map(row).collect();
            let all = summary(2026, &rows).expect("a summary");
            let months: i64 = all.months.iter().map(|it| it.sum.points).sum();
            let categories: i64 = all.categories.iter().map(|it| it.sum.points).sum();
            let cells = all.months.iter().flat_map(|it| &it.categories).map(|it| it.sum.points);
            prop_assert_eq!(months, all.sum.points);
            prop_assert_eq!(categories, all.sum.points);
            prop_assert_eq!(cells.sum::<i64>(), all.sum.points);
            prop_assert_eq!(all.sum.bonus + all.sum.deduction, all.sum.points);
            prop_assert_eq!(all.sum.lines, i64::try_from(rows.len()).expect("a count"));
        }
    }
}
