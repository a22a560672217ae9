//! `GET …/households/{household}/consents`.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::may_read;
use super::read::load;
use crate::app::App;
use crate::http::{Query, path_id};
use crate::identity::Neighbour;
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

/// A household's consent, given or withdrawn; never changed afterwards.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct ConsentRecord {
    pub id: Uuid,
    /// `given` or `withdrawn`.
    #[schema(example = "given")]
    pub act: String,
    /// `paper` or `account`.
    #[schema(example = "paper")]
    pub form: String,
    #[schema(example = "1")]
    pub text_version: String,
    /// SHA-256 of the text, in hex.
    pub text_digest: String,
    /// The member who signed.
    pub person: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub explained_by: Option<Uuid>,
    pub recorded_by: Uuid,
    pub at: Instant,
}

#[derive(Serialize, ToSchema)]
pub struct ConsentPage {
    pub items: Vec<ConsentRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ConsentQuery {
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// A household's consents, the first ones first
#[utoipa::path(tag = "households", operation_id = "households_list_consents",
    security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id"), ConsentQuery),
    responses((status = 200, body = ConsentPage)),
    extensions(("x-codes" = json!("other_household invalid_cursor"))))]
#[get("/v1/villages/{village}/households/{household}/consents")]
async fn list_consents(
    caller: Neighbour,
    request: HttpRequest,
    query: Query<ConsentQuery>,
    app: Data<App>,
) -> Outcome<Answer<ConsentPage>> {
    let id = path_id(&request, "household")?;
    load(app.db.read(), &caller.village, id).await?;
    may_read(&caller, id)?;
    let filter = format!("consents {} {id}", caller.village);
    let start = Start::<(i64, Uuid)>::parse(query.0.cursor.as_deref(), query.0.limit, &filter)?;
    let rows = records(&app, &caller.village, id, &start).await?;
    let page = start.page(rows, &filter, |it| (it.at.0, it.id));
    Ok(Answer::ok(ConsentPage { items: page.items, next_cursor: page.next_cursor }))
}

async fn records(
    app: &App,
    village: &Village,
    household: Uuid,
    start: &Start<(i64, Uuid)>,
) -> Outcome<Vec<ConsentRecord>> {
    let (at, id) = start.after.unwrap_or((i64::MIN, Uuid::nil()));
    let values: [Value; 5] =
        [village.into(), household.into(), at.into(), id.into(), start.fetch().into()];
    let sql = "SELECT * FROM consents WHERE village = $1 AND household = $2 \
               AND (at > $3 OR (at = $3 AND id > $4)) ORDER BY at, id LIMIT $5";
    let rows = db::all::<entity::consent::Model>(app.db.read(), sql, values).await?;
    let record = |row: entity::consent::Model| ConsentRecord {
        id: row.id,
        act: row.act,
        form: row.form,
        text_version: row.text_version,
        text_digest: row.text_digest,
        person: row.person,
        explained_by: row.explained_by,
        recorded_by: row.recorded_by,
        at: Instant(row.at),
    };
    Ok(rows.into_iter().map(record).collect())
}
