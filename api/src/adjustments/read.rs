//! `GET …/adjustments` and `GET …/adjustments/{adjustment}`.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::terms;
use crate::app::App;
use crate::http::{Query, path_id};
use crate::identity::{Corrects, Neighbour, Watches, concerned_households};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::period::Week;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::Village;

/// Points that the committee gives or takes (调整).
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Adjustment {
    pub id: Uuid,
    pub household: Uuid,
    #[schema(example = "living_environment")]
    pub category: String,
    /// The rule that it corrects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "env.courtyard_model")]
    pub rule: Option<String>,
    /// The struck or reversed line that it makes good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub restores: Option<Uuid>,
    /// Given, or below 0 taken.
    #[schema(example = 5)]
    pub points: i64,
    #[schema(example = "上月漏记一次义务清扫")]
    pub reason: String,
    /// `proposed`, `approved`, `rejected`, `scored` or `lapsed`.
    #[schema(example = "proposed")]
    pub status: String,
    /// Who proposed it; for officials only, and absent where it follows from an appeal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub proposed_by: Option<Uuid>,
    pub proposed_at: Instant,
    /// If points are taken: until when the household is heard, and nothing is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub heard_until: Option<Instant>,
    /// Who decided; for officials only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_by: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_at: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "台账属实")]
    pub decided_reason: Option<String>,
    /// The week on whose sheet it goes, once it is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub week: Option<Week>,
    /// What this caller may do next: `decide`.
    pub allowed_actions: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub struct AdjustmentPage {
    pub items: Vec<Adjustment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AdjustmentQuery {
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// The village's adjustments, newest first: all for committee and above, a household's own for its members
#[utoipa::path(tag = "adjustments", operation_id = "adjustments_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), AdjustmentQuery),
    responses((status = 200, body = AdjustmentPage)),
    extensions(("x-codes" = json!("invalid_cursor"))))]
#[get("/v1/villages/{village}/adjustments")]
async fn list_adjustments(
    caller: Neighbour,
    query: Query<AdjustmentQuery>,
    app: Data<App>,
) -> Outcome<Answer<AdjustmentPage>> {
    let filter = format!("adjustments {} {}", caller.village, caller.person);
    let start = Start::parse(query.0.cursor.as_deref(), query.0.limit, &filter)?;
    let mut values: Vec<Value> = vec![
        (&caller.village).into(),
        start.after.unwrap_or(Uuid::max()).into(),
        start.fetch().into(),
    ];
    let own = match caller.serves::<Watches>() {
        true => "",
        false => {
            values.push(caller.household_in(&caller.village).unwrap_or_default().into());
            "AND household = $4"
        }
    };
    let sql = format!(
        "SELECT * FROM adjustments WHERE village = $1 AND id < $2 {own} ORDER BY id DESC LIMIT $3"
    );
    let rows = db::all::<entity::adjustment::Model>(app.db.read(), &sql, values).await?;
    let page = start.page(rows, &filter, |row| row.id);
    let eyes = Eyes::of(app.db.read(), &caller, app.clock.now()).await?;
    let items = page.items.into_iter().map(|row| eyes.see(row)).collect::<Outcome<_>>()?;
    Ok(Answer::ok(AdjustmentPage { items, next_cursor: page.next_cursor }))
}

/// One adjustment
#[utoipa::path(tag = "adjustments", operation_id = "adjustments_show", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("adjustment" = Uuid, Path, description = "The adjustment's id")),
    responses((status = 200, body = Adjustment)))]
#[get("/v1/villages/{village}/adjustments/{adjustment}")]
async fn show_adjustment(
    caller: Neighbour,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<Answer<Adjustment>> {
    let id = path_id(&request, "adjustment")?;
    Ok(Answer::ok(load(app.db.read(), &caller, id, app.clock.now()).await?))
}

/// An adjustment as the caller may see it.
///
/// # Errors
/// `not_found` if the village has none of this id, or it is of another household.
pub async fn load(
    on: &impl ConnectionTrait,
    caller: &Neighbour,
    id: Uuid,
    now: Instant,
) -> Outcome<Adjustment> {
    let found = row(on, &caller.village, id).await?;
    let own = caller.household_in(&caller.village) == Some(found.household);
    if !own && !caller.serves::<Watches>() {
        return Err(Code::NotFound.into());
    }
    Eyes::of(on, caller, now).await?.see(found)
}

/// An adjustment's row.
///
/// # Errors
/// `not_found` if the village has none of this id.
pub async fn row(
    on: &impl ConnectionTrait,
    village: &Village,
    id: Uuid,
) -> Outcome<entity::adjustment::Model> {
    let sql = "SELECT * FROM adjustments WHERE village = $1 AND id = $2";
    Ok(db::one(on, sql, [village.into(), id.into()]).await?.ok_or(Code::NotFound)?)
}

/// What of an adjustment a caller sees, and what they may do about it.
struct Eyes {
    person: Uuid,
    official: bool,
    decides: bool,
    /// Whose matters the caller keeps out of.
    concerned: Vec<Uuid>,
    now: Instant,
}

impl Eyes {
    async fn of(on: &impl ConnectionTrait, caller: &Neighbour, now: Instant) -> Outcome<Self> {
        Ok(Self {
            person: caller.person,
            official: caller.serves::<Watches>(),
            decides: caller.serves::<Corrects>(),
            concerned: concerned_households(on, &caller.village, caller.person).await?,
            now,
        })
    }

    fn see(&self, row: entity::adjustment::Model) -> Outcome<Adjustment> {
        let week = row.week.as_deref().map(str::parse).transpose();
        let second = row.proposed_by != Some(self.person);
        let apart = !self.concerned.contains(&row.household);
        let status = terms::status(&row, self.now).to_owned();
        let may_decide = status == "proposed" && self.decides && second && apart;
        Ok(Adjustment {
            heard_until: terms::heard_until(&row),
            week: week.map_err(|_| Problem::fault(format!("adjustment {}", row.id)))?,
            id: row.id,
            household: row.household,
            category: row.category,
            rule: row.rule,
            restores: row.restores,
            points: row.points,
            reason: row.reason,
            status,
            proposed_by: row.proposed_by.filter(|_| self.official),
            proposed_at: Instant(row.proposed_at),
            decided_by: row.decided_by.filter(|_| self.official),
            decided_at: row.decided_at.map(Instant),
            decided_reason: row.decided_reason,
            allowed_actions: may_decide.then(|| "decide".to_owned()).into_iter().collect(),
        })
    }
}
