//! `GET /v1/villages/{village}/rankings/{period}/households/{household}`: my rank and my neighbours.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::board::status;
use super::order::{DecidedBy, Standing, decided_by, order};
use super::source::{Source, category, source};
use crate::app::App;
use crate::households::{eligible, may_read};
use crate::http::{Query, path_id, path_part};
use crate::identity::Neighbour;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::period::Period;
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;
use crate::kernel::text::shown;
use crate::rules::Category;

/// A household's rank in its village.
#[derive(Serialize, ToSchema)]
pub struct HouseholdRank {
    pub period: Period,
    /// Ranked by points of this category alone; absent: of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub category: Option<Category>,
    /// As of the village's board: `provisional`, `published` or `final`.
    #[schema(example = "final")]
    pub status: String,
    #[schema(example = 4)]
    pub rank: usize,
    /// How many households are ranked.
    #[schema(example = 202)]
    pub of: usize,
    #[schema(example = 39)]
    pub points: i64,
    /// The rule that put the household before the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ahead_by: Option<DecidedBy>,
    /// The rule that put it behind the one before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub behind_by: Option<DecidedBy>,
    /// Up to two households on either side.
    pub neighbours: Vec<RankedNeighbour>,
}

#[derive(Serialize, ToSchema)]
pub struct RankedNeighbour {
    #[schema(example = 3)]
    pub rank: usize,
    /// The head's name, masked where the household has not consented; absent where the household keeps it to itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "李*")]
    pub name: Option<String>,
    #[schema(example = 40)]
    pub points: i64,
}

#[derive(FromQueryResult)]
struct Row {
    household: Uuid,
    name: Option<String>,
    consented: Option<bool>,
    points: i64,
    deductions: i64,
    categories: i64,
    reached_at: i64,
    number: i64,
}

impl Row {
    fn standing(&self) -> Standing {
        let Self { points, deductions, categories, reached_at, number, .. } = *self;
        Standing { points, deductions, categories, reached_at, number }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RankQuery {
    /// Only points of this category; households without any entry in it are not ranked.
    #[param(nullable = false, required = false, value_type = Category)]
    category: Option<String>,
}

/// A household's rank, its neighbours, and what decided
#[utoipa::path(tag = "rankings", operation_id = "rankings_show_household",
    security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("period" = Period, Path, description = "Week, month, quarter, year, or `all` since the beginning"),
        ("household" = Uuid, Path, description = "The household's id"), RankQuery),
    responses((status = 200, body = HouseholdRank)),
    extensions(("x-codes" = json!("other_household invalid_field"))))]
#[get("/v1/villages/{village}/rankings/{period}/households/{household}")]
async fn show_rank(
    caller: Neighbour,
    request: HttpRequest,
    query: Query<RankQuery>,
    app: Data<App>,
) -> Outcome<Answer<HouseholdRank>> {
    let period: Period = path_part(&request, "period")?;
    let household = path_id(&request, "household")?;
    let category = category(query.0.category.as_deref())?;
    let rows = rows(&app, &caller.village, period, category).await?;
    let at = rows.iter().position(|row| row.household == household).ok_or(Code::NotFound)?;
    may_read(&caller, household)?;
    let status = status(&app, &caller.village.region(), period).await?;
    let rank = rank((period, category), status, &rows, at).ok_or(Code::NotFound)?;
    Ok(Answer::ok(rank))
}

async fn rows(
    app: &App,
    village: &Village,
    period: Period,
    category: Option<Category>,
) -> Outcome<Vec<Row>> {
    let Source { standings, number } = source(period, category);
    let sql = format!(
        "SELECT s.household, m.name, m.consented, s.points, s.deductions, s.categories, \
           s.reached_at, {number} AS number \
         FROM {standings} s JOIN households h ON h.village = s.village AND h.id = s.household \
         LEFT JOIN shown_heads m ON m.village = s.village AND m.household = s.household \
         WHERE s.period = $1 AND s.village >= $2 AND s.village < $3 AND {}",
        eligible("$4")
    );
    let [from, to] = village.region().bounds();
    let values: [Value; 4] = [period.to_string().into(), from, to, period.ends_at().0.into()];
    let mut rows = db::all::<Row>(app.db.read(), &sql, values).await?;
    rows.sort_by(|a, b| order(&a.standing(), &b.standing()));
    Ok(rows)
}

fn rank(
    (period, category): (Period, Option<Category>),
    status: &str,
    rows: &[Row],
    at: usize,
) -> Option<HouseholdRank> {
    let own = rows.get(at)?;
    let before = at.checked_sub(1).and_then(|at| rows.get(at));
    let after = rows.get(at + 1);
    let around = at.saturating_sub(2)..rows.len().min(at + 3);
    let neighbour = |index: usize| {
        let row = rows.get(index).filter(|_| index != at)?;
        let name = row.name.as_deref();
        let name = name.map(|name| shown(name, row.consented == Some(true), true));
        Some(RankedNeighbour { rank: index + 1, name, points: row.points })
    };
    Some(HouseholdRank {
        period,
        category,
        status: status.to_owned(),
        rank: at + 1,
        of: rows.len(),
        points: own.points,
        ahead_by: after.map(|after| decided_by(&own.standing(), &after.standing())),
        behind_by: before.map(|before| decided_by(&before.standing(), &own.standing())),
        neighbours: around.filter_map(neighbour).collect(),
    })
}
