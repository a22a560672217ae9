//! `GET /v1/villages/{village}/claims`: the village's claims by whatever one looks for them by.

use actix_web::get;
use actix_web::web::Data;
use chrono::NaiveDate;
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::read::{Claim, shown};
use crate::app::App;
use crate::households::may_read;
use crate::http::Query;
use crate::identity::Neighbour;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::period::Week;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::{Level, RegionCode, Village};
use crate::rules::{Category, Source};

/// Where a claim stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimStatus {
    Submitted,
    InReview,
    /// Sent back to be put right.
    Returned,
    Approved,
    /// On a closed sheet, not yet through publicity.
    Scored,
    /// Through publicity: its points can be spent.
    Confirmed,
    Rejected,
    Withdrawn,
    /// Sent back and not put right in time.
    Lapsed,
    /// Struck by an objection before it was confirmed.
    Overturned,
    /// Taken back after it was confirmed.
    Reversed,
}

impl ClaimStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::InReview => "in_review",
            Self::Returned => "returned",
            Self::Approved => "approved",
            Self::Scored => "scored",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Lapsed => "lapsed",
            Self::Overturned => "overturned",
            Self::Reversed => "reversed",
        }
    }
}

/// Whose filing is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Filer {
    /// The caller's own.
    Me,
}

#[derive(Serialize, ToSchema)]
pub struct ClaimPage {
    pub items: Vec<Claim>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

/// All of them may be combined; what is absent does not narrow.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClaimQuery {
    /// Only claims in this state.
    #[param(inline, nullable = false, example = "submitted")]
    status: Option<ClaimStatus>,
    /// Only for rules of this category.
    #[param(nullable = false, example = "living_environment")]
    category: Option<Category>,
    /// Only for the rule of this key, in any version.
    #[param(nullable = false, example = "env.courtyard_beautify")]
    rule: Option<String>,
    /// Only those that began so.
    #[param(nullable = false, example = "inspection")]
    source: Option<Source>,
    /// Only those on this week's sheet: approved in it.
    #[param(nullable = false, example = "2024-W35")]
    week: Option<Week>,
    /// Only of households that lived in this grid of the village when it was filed.
    #[param(nullable = false, example = "460205100201001")]
    grid: Option<RegionCode>,
    /// Only this household's claims; one's own for a villager.
    #[param(nullable = false)]
    household: Option<Uuid>,
    /// Only deeds of this person, where the rule counts per member.
    #[param(nullable = false)]
    member: Option<Uuid>,
    /// `me`: only what the caller filed.
    #[param(inline, nullable = false, example = "me")]
    filed_by: Option<Filer>,
    /// Only deeds of this day or later.
    #[param(nullable = false, value_type = Option<String>, format = Date, example = "2024-08-01")]
    occurred_from: Option<NaiveDate>,
    /// Only deeds of this day or earlier.
    #[param(nullable = false, value_type = Option<String>, format = Date, example = "2024-08-31")]
    occurred_to: Option<NaiveDate>,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// Claims of the village, newest first; a villager sees the own household's
#[utoipa::path(tag = "claims", operation_id = "claims_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), ClaimQuery),
    responses((status = 200, body = ClaimPage)),
    extensions(("x-codes" = json!("other_household role_required invalid_cursor"))))]
#[get("/v1/villages/{village}/claims")]
async fn list_claims(
    caller: Neighbour,
    query: Query<ClaimQuery>,
    app: Data<App>,
) -> Outcome<Answer<ClaimPage>> {
    let query = query.0;
    let household = visible(&caller, query.household)?;
    refuse_foreign(&caller.village, query.grid.as_ref())?;
    let wanted = wanted(&caller, &query, household);
    let filter = format!("claims {} {wanted:?}", caller.village);
    let start = Start::parse(query.cursor.as_deref(), query.limit, &filter)?;
    let rows = rows(&app, &caller.village, wanted, &start).await?;
    let page = start.page(rows, &filter, |row| row.id);
    let items = shown(&app, app.db.read(), &caller, page.items).await?;
    Ok(Answer::ok(ClaimPage { items, next_cursor: page.next_cursor }))
}

/// The household to filter by: officials may see all, a villager the own one.
fn visible(caller: &Neighbour, asked: Option<Uuid>) -> Outcome<Option<Uuid>> {
    // No household has the nil id: only an official may read it.
    if may_read(caller, Uuid::nil()).is_ok() {
        return Ok(asked);
    }
    let own = caller.own_household()?;
    may_read(caller, asked.unwrap_or(own))?;
    Ok(Some(own))
}

/// No other region's code narrows a village's list: whether it exists is not even looked up.
fn refuse_foreign(village: &Village, grid: Option<&RegionCode>) -> Outcome<()> {
    let own = |grid: &RegionCode| {
        grid.level() == Level::Grid && grid.as_str().starts_with(village.as_str())
    };
    match grid.is_none_or(own) {
        true => Ok(()),
        false => {
            Err(Refusal::from(Code::InvalidQuery).because("`grid` is none of the village").into())
        }
    }
}

/// What narrows the list: a column, how it is compared, and with what.
type Wanted = Vec<(&'static str, &'static str, Value)>;

fn wanted(caller: &Neighbour, query: &ClaimQuery, household: Option<Uuid>) -> Wanted {
    let day = |day: Option<NaiveDate>| day.map(|day| day.to_string().into());
    let asked: [(_, _, Option<Value>); 11] = [
        ("status", "=", query.status.map(|it| it.as_str().into())),
        ("category", "=", query.category.map(|it| it.word().into())),
        ("rule", "=", query.rule.clone().map(Value::from)),
        ("source", "=", query.source.map(|it| it.as_str().into())),
        ("week", "=", query.week.map(|it| it.to_string().into())),
        ("grid", "=", query.grid.as_ref().map(|it| it.as_str().into())),
        ("household", "=", household.map(Value::from)),
        ("member", "=", query.member.map(Value::from)),
        ("filed_by", "=", query.filed_by.map(|Filer::Me| caller.person.into())),
        ("occurred_on", ">=", day(query.occurred_from)),
        ("occurred_on", "<=", day(query.occurred_to)),
    ];
    asked.into_iter().filter_map(|(column, is, value)| Some((column, is, value?))).collect()
}

async fn rows(
    app: &App,
    village: &Village,
    wanted: Wanted,
    start: &Start<Uuid>,
) -> Outcome<Vec<entity::claim::Model>> {
    let mut sql = "SELECT * FROM claims WHERE village = $1 AND id < $2".to_owned();
    let mut values: Vec<Value> = vec![village.into(), start.after.unwrap_or(Uuid::max()).into()];
    for (column, is, value) in wanted {
        values.push(value);
        sql += &format!(" AND {column} {is} ${}", values.len());
    }
    values.push(start.fetch().into());
    sql += &format!(" ORDER BY id DESC LIMIT ${}", values.len());
    Ok(db::all(app.db.read(), &sql, values).await?)
}
