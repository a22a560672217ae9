//! `/v1/regions/{region}/prizes`: the catalogue of a township, which its villages' shops choose from.

use actix_web::web::Data;
use actix_web::{HttpRequest, get, post, put};
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::{Validate, ValidationError};

use crate::app::App;
use crate::http::{Query, if_match, path_part};
use crate::identity::{Governs, Overseer};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Body, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::page::Start;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::{Level, RegionCode};
use crate::kernel::text::readable;

pub type CatalogueRow = entity::catalogue_prize::Model;

/// What a prize is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrizeKind {
    Goods,
    Service,
}

impl PrizeKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Goods => "goods",
            Self::Service => "service",
        }
    }
}

/// What a township says about a prize.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrizeText {
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "洗衣液(2kg)")]
    pub name_zh: String,
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "Laundry liquid")]
    pub name_en: String,
    pub kind: PrizeKind,
    /// What one is worth, in fen.
    #[validate(range(min = 0, max = 100_000_000))]
    #[schema(minimum = 0, maximum = 100_000_000, example = 2000)]
    pub value_fen: i64,
    /// What villages are advised to ask for one, in points.
    #[validate(range(min = 1, max = 100_000))]
    #[schema(minimum = 1, maximum = 100_000, example = 20)]
    pub points: i64,
    /// Whether villages may offer it. Once it is not, none does any more.
    pub active: bool,
}

/// A prize for the catalogue.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCataloguePrize {
    /// Small letters, digits, `_` and a dot.
    #[validate(length(min = 3, max = 60), custom(function = "key"))]
    #[schema(
        min_length = 3,
        max_length = 60,
        pattern = "^[a-z0-9_]+\\.[a-z0-9_]+$",
        example = "goods.rice_cooker"
    )]
    pub key: String,
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "电饭煲")]
    pub name_zh: String,
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "Rice cooker")]
    pub name_en: String,
    pub kind: PrizeKind,
    /// What one is worth, in fen.
    #[validate(range(min = 0, max = 100_000_000))]
    #[schema(minimum = 0, maximum = 100_000_000, example = 15_000)]
    pub value_fen: i64,
    /// What villages are advised to ask for one, in points.
    #[validate(range(min = 1, max = 100_000))]
    #[schema(minimum = 1, maximum = 100_000, example = 150)]
    pub points: i64,
}

fn key(text: &str) -> Result<(), ValidationError> {
    let word = |word: &str| {
        let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        !word.is_empty() && word.bytes().all(fits)
    };
    match text.split_once('.') {
        Some((kind, name)) if word(kind) && word(name) => Ok(()),
        _ => Err(ValidationError::new("key")),
    }
}

/// A prize of a township's catalogue.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CataloguePrize {
    #[schema(example = "goods.laundry_liquid")]
    pub key: String,
    #[schema(example = "洗衣液(2kg)")]
    pub name_zh: String,
    #[schema(example = "Laundry liquid")]
    pub name_en: String,
    /// `goods` or `service`.
    #[schema(example = "goods")]
    pub kind: String,
    /// What one is worth, in fen.
    #[schema(example = 2000)]
    pub value_fen: i64,
    /// What villages are advised to ask for one.
    #[schema(example = 20)]
    pub points: i64,
    /// Whether villages may offer it.
    pub active: bool,
    /// The ETag.
    #[schema(example = 1)]
    pub version: i64,
}

impl From<CatalogueRow> for CataloguePrize {
    fn from(row: CatalogueRow) -> Self {
        Self {
            key: row.key,
            name_zh: row.name_zh,
            name_en: row.name_en,
            kind: row.kind,
            value_fen: row.value_fen,
            points: row.points,
            active: row.active,
            version: row.version,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct CataloguePrizePage {
    pub items: Vec<CataloguePrize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CatalogueQuery {
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// The township of a region's code: its own, or that of the village or grid.
fn township(region: &RegionCode) -> Outcome<RegionCode> {
    let mut region = region.clone();
    loop {
        match (region.level(), region.parent()) {
            (Level::Township, _) => return Ok(region),
            (Level::Village | Level::Grid, Some(parent)) => region = parent,
            _ => return Err(Code::NotFound.into()),
        }
    }
}

/// The catalogue of a township, by key; of a village, that of its township
#[utoipa::path(tag = "redemption", operation_id = "catalogue_list",
    params(("region" = RegionCode, Path, description = "Code of a township, or of a village in it"),
        CatalogueQuery),
    responses((status = 200, body = CataloguePrizePage)),
    extensions(("x-codes" = json!("invalid_cursor"))))]
#[get("/v1/regions/{region}/prizes")]
async fn list_catalogue(
    request: HttpRequest,
    query: Query<CatalogueQuery>,
    app: Data<App>,
) -> Outcome<Answer<CataloguePrizePage>> {
    let region = township(&path_part(&request, "region")?)?;
    let CatalogueQuery { cursor, limit } = query.0;
    let filter = format!("catalogue {region}");
    let start = Start::<String>::parse(cursor.as_deref(), limit, &filter)?;
    let sql = "SELECT * FROM catalogue_prizes WHERE region = $1 AND key > $2 ORDER BY key LIMIT $3";
    let after = start.after.clone().unwrap_or_default();
    let values: [Value; 3] = [(&region).into(), after.into(), start.fetch().into()];
    let rows = db::all::<CatalogueRow>(app.db.read(), sql, values).await?;
    let page = start.page(rows, &filter, |row| row.key.clone());
    let items = page.items.into_iter().map(CataloguePrize::from).collect();
    Ok(Answer::ok(CataloguePrizePage { items, next_cursor: page.next_cursor }))
}

/// Add a prize to a township's catalogue
#[utoipa::path(tag = "redemption", operation_id = "catalogue_add", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of a township")),
    request_body = NewCataloguePrize, responses((status = 201, body = CataloguePrize)),
    extensions(("x-codes" = json!("role_required id_taken invalid_field"))))]
#[post("/v1/regions/{region}/prizes")]
async fn add_to_catalogue(
    officer: Overseer<Governs>,
    new: Command<NewCataloguePrize>,
    app: Data<App>,
) -> Outcome<Answer<CataloguePrize>> {
    let region = &officer.region;
    let done = new.once(&app, region.as_str(), officer.caller.account, async |tx| {
        own_catalogue(region)?;
        let new = &new.body;
        let text = PrizeText {
            name_zh: new.name_zh.clone(),
            name_en: new.name_en.clone(),
            kind: new.kind,
            value_fen: new.value_fen,
            points: new.points,
            active: true,
        };
        let sql = "INSERT INTO catalogue_prizes (name_zh, name_en, kind, value_fen, points, \
                   active, region, key, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1) \
                   ON CONFLICT DO NOTHING";
        if db::run(tx, sql, values(&text, region, &new.key)?).await? == 0 {
            return Err(Code::IdTaken.into());
        }
        record(tx, &officer, "catalogue.add", &new.key, &text, app.clock.now()).await
    });
    Ok(done.await?.created())
}

/// Change a prize of a township's catalogue; villages keep their own prices
#[utoipa::path(tag = "redemption", operation_id = "catalogue_put", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of a township"),
        ("key" = String, Path, description = "The prize's key", example = "goods.laundry_liquid"),
        ("If-Match" = String, Header, description = "The ETag of the prize that was read",
            example = "\"1\"")),
    request_body = PrizeText, responses((status = 200, body = CataloguePrize)),
    extensions(("x-codes" = json!("role_required invalid_field precondition_required \
        precondition_failed"))))]
#[put("/v1/regions/{region}/prizes/{key}")]
async fn put_catalogue_prize(
    officer: Overseer<Governs>,
    request: HttpRequest,
    text: Body<PrizeText>,
    app: Data<App>,
) -> Outcome<Answer<CataloguePrize>> {
    let key: String = path_part(&request, "key")?;
    let changed = app
        .db
        .write(async |tx| change(tx, &officer, &request, &key, &text.0, app.clock.now()).await);
    let changed = changed.await?;
    let version = changed.version;
    Ok(Answer::ok(changed).version(version))
}

async fn change(
    tx: &Tx,
    officer: &Overseer<Governs>,
    request: &HttpRequest,
    key: &str,
    text: &PrizeText,
    now: Instant,
) -> Outcome<CataloguePrize> {
    let region = &officer.region;
    own_catalogue(region)?;
    db::lock(tx, &format!("catalogue {region}")).await?;
    let before = find(tx, region, key).await?.ok_or(Code::NotFound)?;
    if_match(request, before.version)?;
    let sql = "UPDATE catalogue_prizes SET name_zh = $1, name_en = $2, kind = $3, value_fen = $4, \
               points = $5, active = $6, version = version + 1 WHERE region = $7 AND key = $8";
    db::run(tx, sql, values(text, region, key)?).await?;
    if !text.active {
        // No village of the township goes on offering it; what is held can still be collected.
        let sql = "UPDATE prizes SET offered = FALSE, version = version + 1 \
                   WHERE village IN (SELECT village FROM villages \
                     WHERE village >= $1 AND village < $2) AND key = $3 AND offered";
        let [from, to] = region.bounds();
        db::run(tx, sql, [from, to, key.into()]).await?;
    }
    record(tx, officer, "catalogue.change", key, text, now).await
}

/// A township has a catalogue; other regions have none of their own.
fn own_catalogue(region: &RegionCode) -> Outcome<()> {
    if region.level() == Level::Township { Ok(()) } else { Err(Code::NotFound.into()) }
}

/// The prize of this key in a township's catalogue.
pub async fn find(
    on: &impl ConnectionTrait,
    region: &RegionCode,
    key: &str,
) -> Outcome<Option<CatalogueRow>> {
    let sql = "SELECT * FROM catalogue_prizes WHERE region = $1 AND key = $2";
    Ok(db::one(on, sql, [region.into(), key.into()]).await?)
}

/// Parameters 1 to 8 of a row.
fn values(text: &PrizeText, region: &RegionCode, key: &str) -> Outcome<[Value; 8]> {
    let name = |name: &str, pointer: &str| {
        let blank = || Refusal::from(Code::InvalidField).at(pointer, "blank", "nothing to read");
        readable(name).ok_or_else(blank)
    };
    Ok([
        name(&text.name_zh, "/name_zh")?.into(),
        name(&text.name_en, "/name_en")?.into(),
        text.kind.as_str().into(),
        text.value_fen.into(),
        text.points.into(),
        text.active.into(),
        region.into(),
        key.into(),
    ])
}

async fn record(
    tx: &Tx,
    officer: &Overseer<Governs>,
    action: &str,
    key: &str,
    text: &PrizeText,
    now: Instant,
) -> Outcome<CataloguePrize> {
    let act = Act {
        region: officer.region.as_str(),
        actor: Some(officer.caller.person),
        action,
        subject: key.to_owned(),
        detail: serde_json::json!(text),
    };
    audit::record(tx, now, act).await?;
    let row = find(tx, &officer.region, key).await?.ok_or(Code::NotFound)?;
    Ok(row.into())
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn a_key_is_two_words_and_a_dot() {
        for right in ["goods.soap", "service.haircut_2"] {
            assert!(key(right).is_ok(), "{right}");
        }
        for wrong in
            ["goods", "goods.", ".soap", "Goods.soap", "goods.soap.x", "goods.肥皂", "a b.c"]
        {
            assert!(key(wrong).is_err(), "{wrong}");
        }
    }
}
