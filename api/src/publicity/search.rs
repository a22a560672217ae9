//! `GET …/objections` and `…/objections/{objection}`.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::bodies::Bodies;
use super::objection::{Objection, load, shown};
use super::objection_row::{ROWS, Row};
use super::rules::ObjectionStatus;
use crate::app::App;
use crate::http::{Query, path_id};
use crate::identity::{HearsObjections, Neighbour};
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::period::Month;
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;

#[derive(Serialize, ToSchema)]
pub struct ObjectionPage {
    pub items: Vec<Objection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

/// All of them may be combined; what is absent does not narrow.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ObjectionQuery {
    /// Only objections in this state.
    #[param(inline, nullable = false, example = "filed")]
    status: Option<ObjectionStatus>,
    /// Only to lines of this month's list.
    #[param(nullable = false, example = "2024-08")]
    month: Option<Month>,
    /// `true`: only the caller's own; a villager has no others.
    #[param(nullable = false, example = true)]
    mine: Option<bool>,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// The village's objections, newest first, for who decides them; and for anybody their own
#[utoipa::path(tag = "publicity", operation_id = "objections_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), ObjectionQuery),
    responses((status = 200, body = ObjectionPage)),
    extensions(("x-codes" = json!("role_required invalid_cursor"))))]
#[get("/v1/villages/{village}/objections")]
async fn list_objections(
    caller: Neighbour,
    query: Query<ObjectionQuery>,
    app: Data<App>,
) -> Outcome<Answer<ObjectionPage>> {
    let query = query.0;
    let mine = query.mine == Some(true);
    if !mine && !caller.serves::<HearsObjections>() {
        return Err(Code::RoleRequired.into());
    }
    let wanted: [(_, Option<Value>); 3] = [
        ("status", query.status.map(|it| it.as_str().into())),
        ("month", query.month.map(|it| it.to_string().into())),
        ("filed_by", mine.then(|| caller.person.into())),
    ];
    let filter = format!("objections {} {wanted:?}", caller.village);
    let start = Start::parse(query.cursor.as_deref(), query.limit, &filter)?;
    let rows = rows(&app, &caller.village, wanted, &start).await?;
    let page = start.page(rows, &filter, |row| row.id);
    let now = app.clock.now();
    let bodies = Bodies::read(app.db.read(), &caller.village, &page.items, now).await?;
    let items = page.items.into_iter().map(|row| shown(row, &caller, &bodies, now));
    let items = items.collect::<Outcome<_>>()?;
    Ok(Answer::ok(ObjectionPage { items, next_cursor: page.next_cursor }))
}

async fn rows(
    app: &App,
    village: &Village,
    wanted: [(&str, Option<Value>); 3],
    start: &Start<Uuid>,
) -> Outcome<Vec<Row>> {
    let mut sql = format!("{ROWS} WHERE o.village = $1 AND o.id < $2");
    let mut values: Vec<Value> = vec![village.into(), start.after.unwrap_or(Uuid::max()).into()];
    for (column, value) in wanted {
        let Some(value) = value else { continue };
        values.push(value);
        sql += &format!(" AND o.{column} = ${}", values.len());
    }
    values.push(start.fetch().into());
    sql += &format!(" ORDER BY o.id DESC LIMIT ${}", values.len());
    Ok(db::all(app.db.read(), &sql, values).await?)
}

/// An objection: for who decides it, who filed it, and, without who that was, the household of the line
#[utoipa::path(tag = "publicity", operation_id = "objections_show", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("objection" = Uuid, Path, description = "The objection's id")),
    responses((status = 200, body = Objection)))]
#[get("/v1/villages/{village}/objections/{objection}")]
async fn show_objection(
    caller: Neighbour,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<Answer<Objection>> {
    let id = path_id(&request, "objection")?;
    Ok(Answer::ok(load(app.db.read(), &caller, id, app.clock.now()).await?))
}
