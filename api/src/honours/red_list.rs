//! `GET /v1/regions/{region}/honours`: the red list (红榜) of any level.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::criteria::item;
use crate::app::App;
use crate::http::{Query, path_part, private_json, public_json};
use crate::identity::Reader;
use crate::kernel::cache::Ready;
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::period::Period;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::{RegionCode, Village};
use crate::kernel::text::shown;
use crate::regions;

/// An honour in force, as the public sees it.
#[derive(Serialize, ToSchema)]
pub struct PublicHonour {
    pub village: Village,
    /// The number on the plaque, counted in the village.
    #[schema(example = 62)]
    pub plaque: i64,
    #[schema(example = "honour.civilised_family")]
    pub item: String,
    #[schema(example = "文明家庭")]
    pub name_zh: String,
    #[schema(example = "Civilised family")]
    pub name_en: String,
    #[schema(example = "2024")]
    pub period: Period,
    /// The head's name, masked for the public and where the household has not consented; absent where the
    /// household keeps it to itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "张*")]
    pub name: Option<String>,
    pub granted_at: Instant,
}

#[derive(Serialize, ToSchema)]
pub struct PublicHonourPage {
    pub items: Vec<PublicHonour>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PublicHonourQuery {
    /// Only this honour of the catalogue.
    #[param(nullable = false, max_length = 60, example = "honour.civilised_family")]
    item: Option<String>,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

#[derive(FromQueryResult)]
struct Row {
    village: String,
    plaque: i64,
    item: String,
    period: String,
    name: Option<String>,
    consented: Option<bool>,
    granted_at: i64,
}

/// Honours in force in a region, village by village in order of plaques
#[utoipa::path(tag = "honours", operation_id = "honours_list_red", security((), ("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of a region of any level"),
        PublicHonourQuery),
    responses((status = 200, body = PublicHonourPage)),
    extensions(("x-codes" = json!("invalid_cursor"))))]
#[get("/v1/regions/{region}/honours")]
async fn list_red_list(
    reader: Reader,
    request: HttpRequest,
    query: Query<PublicHonourQuery>,
    app: Data<App>,
) -> Outcome<HttpResponse> {
    let region: RegionCode = path_part(&request, "region")?;
    let PublicHonourQuery { item, cursor, limit } = query.0;
    regions::find(app.db.read(), &region).await?;
    let filter = format!("red list {region} {item:?}");
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let rows = rows(&app, &region, item, &start).await?;
    let page = start.page(rows, &filter, |row| (row.village.clone(), row.plaque));
    let items = page.items.into_iter().map(|row| seen(&reader, row)).collect::<Outcome<_>>()?;
    let body = PublicHonourPage { items, next_cursor: page.next_cursor };
    if reader.person().is_some() {
        return Ok(private_json(&body));
    }
    let bytes = serde_json::to_vec(&body).map_err(|error| Problem::fault(error.to_string()))?;
    Ok(public_json(&request, &Ready::of(bytes)))
}

async fn rows(
    app: &App,
    region: &RegionCode,
    item: Option<String>,
    start: &Start<(String, i64)>,
) -> Outcome<Vec<Row>> {
    // Along the index of plaques, so that a county is read no slower than a village. A grid has honours
    // of households that live in it.
    let sql = "SELECT o.village, o.plaque, o.item, o.period, m.name, m.consented, \
                 o.decided_at AS granted_at \
               FROM honours o JOIN households h ON h.village = o.village AND h.id = o.household \
               LEFT JOIN shown_heads m ON m.village = o.village AND m.household = o.household \
               WHERE o.village >= $1 AND o.village < $2 AND o.plaque IS NOT NULL \
               AND o.status IN ('granted', 'withdrawing') AND h.status = 'active' \
               AND h.grid >= $7 AND h.grid < $8 AND ($3 = '' OR o.item = $3) \
               AND (o.village > $4 OR (o.village = $4 AND o.plaque > $5)) \
               ORDER BY o.village, o.plaque LIMIT $6";
    let village: RegionCode =
        region.village().map_or_else(|| region.clone(), |village| village.region());
    let [from, to] = village.bounds();
    let (after_village, after_plaque) = start.after.clone().unwrap_or_default();
    let values: [Value; 6] = [
        from,
        to,
        item.unwrap_or_default().into(),
        after_village.into(),
        after_plaque.into(),
        start.fetch().into(),
    ];
    Ok(db::all(app.db.read(), sql, values.into_iter().chain(region.bounds())).await?)
}

fn seen(reader: &Reader, row: Row) -> Outcome<PublicHonour> {
    let odd = || Problem::fault(format!("honour {} {}", row.village, row.plaque));
    let village: Village = row.village.parse().map_err(|_| odd())?;
    let known = item(&row.item)?;
    let consented = row.consented == Some(true);
    let name = row.name.as_deref();
    Ok(PublicHonour {
        name: name.map(|name| shown(name, consented, reader.is_neighbour(&village))),
        plaque: row.plaque,
        item: row.item,
        name_zh: known.name_zh,
        name_en: known.name_en,
        period: row.period.parse().map_err(|_| odd())?,
        granted_at: Instant(row.granted_at),
        village,
    })
}
