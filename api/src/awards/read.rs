//! `GET /v1/villages/{village}/awards`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::App;
use crate::http::{Query, path_part, private_json, public_json};
use crate::identity::{KeepsShop, Reader, Serves};
use crate::kernel::cache::Ready;
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::Village;
use crate::kernel::text::shown;
use crate::kernel::year::Year;
use crate::redemption::pickup_code;
use crate::regions;

/// What an award is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AwardKind {
    /// For a place in the year's ranking (名次奖).
    RankAward,
    /// A share of a dividend (分红).
    Dividend,
}

impl AwardKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::RankAward => "rank_award",
            Self::Dividend => "dividend",
        }
    }
}

/// Something that a household gets for its year, for 0 points.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Award {
    /// For the household itself and those who serve the village.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<Uuid>,
    pub year: Year,
    pub kind: AwardKind,
    /// Its place in the order of awards.
    #[schema(example = 4)]
    pub place: i64,
    /// Its rank in the year's ranking; for the household itself and those who serve the village.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 4)]
    pub rank: Option<i64>,
    /// For the household itself and those who serve the village.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub household: Option<Uuid>,
    /// The head's name, masked for the public and where the household has not consented; absent where the
    /// household keeps it to itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "董*")]
    pub name: Option<String>,
    #[schema(example = "rank.mattress")]
    pub item: String,
    #[schema(example = "床垫(年度第1~4名)")]
    pub name_zh: String,
    #[schema(example = "Mattress, year rank 1-4")]
    pub name_en: String,
    /// What it is worth, in fen; of a dividend the share itself.
    #[schema(example = 40_000)]
    pub value_fen: i64,
    #[schema(example = "village_collective")]
    pub funding: String,
    /// `granted`, `collected` or `lapsed`.
    #[schema(example = "granted")]
    pub status: String,
    pub granted_at: Instant,
    /// When it lapses if nobody collects it.
    pub lapses_at: Instant,
    /// When it was collected or lapsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub closed_at: Option<Instant>,
    /// Six digits to show at the counter; only for the household while it can be collected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "048213")]
    pub pickup_code: Option<String>,
    /// What the caller can do with it: `collect`.
    #[serde(default)]
    #[schema(example = json!(["collect"]))]
    pub allowed_actions: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub struct AwardPage {
    pub items: Vec<Award>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AwardQuery {
    /// Only of this year.
    #[param(nullable = false, inline)]
    year: Option<Year>,
    /// Only of this kind.
    #[param(nullable = false, inline)]
    kind: Option<AwardKind>,
    /// Only this household's: one's own, or any for those who serve the village.
    #[param(nullable = false)]
    household: Option<Uuid>,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

type Key = (String, String, i64);

/// The village's awards, newest year first, in order of places; names as the reader may see them
#[utoipa::path(tag = "awards", operation_id = "awards_list", security((), ("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), AwardQuery),
    responses((status = 200, body = AwardPage)),
    extensions(("x-codes" = json!("other_household invalid_cursor"))))]
#[get("/v1/villages/{village}/awards")]
async fn list_awards(
    reader: Reader,
    request: HttpRequest,
    query: Query<AwardQuery>,
    app: Data<App>,
) -> Outcome<HttpResponse> {
    let village: Village = path_part(&request, "village")?;
    let AwardQuery { year, kind, household, cursor, limit } = query.0;
    let sees_all = reader.has_office::<Serves>(&village.region());
    if household.is_some() && !sees_all && household != reader.household_in(&village) {
        return Err(Code::OtherHousehold.into());
    }
    regions::village(app.db.read(), &village).await?;
    let filter = format!("awards {village} {year:?} {kind:?} {household:?}");
    let start: Start<Key> = Start::parse(cursor.as_deref(), limit, &filter)?;
    let rows = rows(&app, &village, year, kind, household, &start).await?;
    let page = start.page(rows, &filter, |row| (row.year.clone(), row.kind.clone(), row.place));
    let items = page.items.into_iter().map(|row| seen(&app, &reader, &village, row));
    let body = AwardPage { items: items.collect::<Outcome<_>>()?, next_cursor: page.next_cursor };
    if reader.is_neighbour(&village) {
        return Ok(private_json(&body));
    }
    let bytes = serde_json::to_vec(&body).map_err(|error| Problem::fault(error.to_string()))?;
    Ok(public_json(&request, &Ready::of(bytes)))
}

/// An award, with whose it is now: of a household that was merged, the one that took it in.
#[derive(FromQueryResult)]
pub struct Row {
    pub id: Uuid,
    pub year: String,
    pub kind: String,
    pub place: i64,
    pub rank: i64,
    pub household: Uuid,
    pub claimant: Uuid,
    pub name: Option<String>,
    pub consented: Option<bool>,
    pub item: String,
    pub name_zh: String,
    pub name_en: String,
    pub value_fen: i64,
    pub funding: String,
    pub status: String,
    pub granted_at: i64,
    pub lapses_at: i64,
    pub closed_at: Option<i64>,
    pub wrong_codes: i64,
}

/// What [`Row`] is read by, up to its condition; `a` is the award, `h` its household.
pub const SELECT: &str = "SELECT a.id, a.year, a.kind, a.place, a.rank, a.household, \
    COALESCE(CASE WHEN h.status = 'merged' THEN h.successor END, a.household) AS claimant, \
    m.name, m.consented, a.item, a.name_zh, a.name_en, a.value_fen, a.funding, a.status, \
    a.granted_at, a.lapses_at, a.closed_at, a.wrong_codes \
    FROM awards a JOIN households h ON h.village = a.village AND h.id = a.household \
    LEFT JOIN shown_heads m ON m.village = a.village AND m.household = a.household";

async fn rows(
    app: &App,
    village: &Village,
    year: Option<Year>,
    kind: Option<AwardKind>,
    household: Option<Uuid>,
    start: &Start<Key>,
) -> Outcome<Vec<Row>> {
    // Years and kinds from the last to the first, so that rank awards stand before dividends.
    let (after_year, after_kind, after_place) =
        start.after.clone().unwrap_or_else(|| ("9999".to_owned(), String::new(), 0));
    let mut values: Vec<Value> = vec![
        village.into(),
        after_year.into(),
        after_kind.into(),
        after_place.into(),
        start.fetch().into(),
        year.map(|year| year.to_string()).unwrap_or_default().into(),
        kind.map_or("", AwardKind::as_str).into(),
    ];
    let mut only = "";
    if let Some(household) = household {
        values.push(household.into());
        only = "AND (a.household = $8 OR (h.status = 'merged' AND h.successor = $8))";
    }
    let sql = format!(
        "{SELECT} WHERE a.village = $1 AND (a.year < $2 OR (a.year = $2 AND (a.kind < $3 \
           OR (a.kind = $3 AND a.place > $4)))) \
         AND ($6 = '' OR a.year = $6) AND ($7 = '' OR a.kind = $7) {only} \
         ORDER BY a.year DESC, a.kind DESC, a.place LIMIT $5"
    );
    Ok(db::all(app.db.read(), &sql, values).await?)
}

/// The award of this id, in the village.
///
/// # Errors
/// `not_found`.
pub async fn row(on: &impl ConnectionTrait, village: &Village, id: Uuid) -> Outcome<Row> {
    let sql = format!("{SELECT} WHERE a.village = $1 AND a.id = $2");
    Ok(db::one::<Row>(on, &sql, [village.into(), id.into()]).await?.ok_or(Code::NotFound)?)
}

fn seen(app: &App, reader: &Reader, village: &Village, row: Row) -> Outcome<Award> {
    let own = reader.household_in(village) == Some(row.claimant);
    let official = reader.has_office::<Serves>(&village.region());
    let keeps_shop = reader.has_office::<KeepsShop>(&village.region());
    let (id, open) = (row.id, row.status == "granted");
    let name = row.name.as_deref();
    let consented = row.consented == Some(true);
    let name = name.map(|name| shown(name, consented, reader.is_neighbour(village)));
    let full = award(row)?;
    let code = (own && open).then(|| pickup_code(app.config.secrets.pickup(), village, id));
    let may = (keeps_shop && open && !own).then(|| "collect".to_owned());
    let known = own || official;
    Ok(Award {
        id: full.id.filter(|_| known),
        rank: full.rank.filter(|_| known),
        household: full.household.filter(|_| known),
        name,
        pickup_code: code,
        allowed_actions: may.into_iter().collect(),
        ..full
    })
}

/// An award as those see it who serve the village, without a name or a code.
pub fn award(row: Row) -> Outcome<Award> {
    let odd = || Problem::fault(format!("award {}", row.id));
    Ok(Award {
        year: row.year.parse().map_err(|_| odd())?,
        kind: serde_json::from_value(row.kind.as_str().into()).map_err(|_| odd())?,
        id: Some(row.id),
        place: row.place,
        rank: Some(row.rank),
        household: Some(row.household),
        name: None,
        item: row.item,
        name_zh: row.name_zh,
        name_en: row.name_en,
        value_fen: row.value_fen,
        funding: row.funding,
        status: row.status,
        granted_at: Instant(row.granted_at),
        lapses_at: Instant(row.lapses_at),
        closed_at: row.closed_at.map(Instant),
        pickup_code: None,
        allowed_actions: Vec::new(),
    })
}
