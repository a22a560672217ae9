//! `GET /v1/villages/{village}/award-scheme/{year}`: what goes to which places of a year's ranking.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::catalogue::builtin;
use crate::app::App;
use crate::http::path_part;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::kernel::year::Year;
use crate::regions;

/// What goes to a range of places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AwardItem {
    /// A key of the village's own, or of the catalogue.
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "rank.mattress")]
    pub item: String,
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "床垫(年度第1~4名)")]
    pub name_zh: String,
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "Mattress, year rank 1-4")]
    pub name_en: String,
    #[validate(range(min = 1, max = 1000))]
    #[schema(minimum = 1, maximum = 1000, example = 1)]
    pub rank_from: i64,
    #[validate(range(min = 1, max = 1000))]
    #[schema(minimum = 1, maximum = 1000, example = 4)]
    pub rank_to: i64,
    /// What one is worth, in fen.
    #[validate(range(min = 0, max = 100_000_000))]
    #[schema(minimum = 0, maximum = 100_000_000, example = 40_000)]
    pub value_fen: i64,
    /// Who pays for it.
    #[validate(length(min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40, example = "village_collective")]
    pub funding: String,
}

/// What a village awards for a year.
#[derive(Serialize, ToSchema)]
pub struct AwardScheme {
    pub village: Village,
    pub year: Year,
    /// Whether the village has set it, or it became fixed with the final ranking; else it is the
    /// catalogue's.
    pub fixed: bool,
    /// Rises with every change, 0 while it is the catalogue's; the ETag.
    #[schema(example = 1)]
    pub version: i64,
    /// In order of places, which leave out households that get no award.
    pub items: Vec<AwardItem>,
}

/// What goes to which places of a year's ranking
#[utoipa::path(tag = "awards", operation_id = "award_schemes_show",
    params(("village" = Village, Path, description = "Code of the village"),
        ("year" = Year, Path, description = "The year")),
    responses((status = 200, body = AwardScheme)))]
#[get("/v1/villages/{village}/award-scheme/{year}")]
async fn show_scheme(request: HttpRequest, app: Data<App>) -> Outcome<Answer<AwardScheme>> {
    let village: Village = path_part(&request, "village")?;
    let year = path_part(&request, "year")?;
    regions::village(app.db.read(), &village).await?;
    let scheme = load(app.db.read(), &village, year).await?;
    let version = scheme.version;
    Ok(Answer::ok(scheme).version(version))
}

/// The scheme of a village's year: its own, or the catalogue's.
pub async fn load(
    on: &impl ConnectionTrait,
    village: &Village,
    year: Year,
) -> Outcome<AwardScheme> {
    let key = || -> [Value; 2] { [village.into(), year.into()] };
    let sql = "SELECT version FROM award_schemes WHERE village = $1 AND year = $2";
    let version = db::number(on, sql, key()).await?;
    let sql = "SELECT * FROM award_items WHERE village = $1 AND year = $2 ORDER BY rank_from";
    let rows = db::all::<entity::award_item::Model>(on, sql, key()).await?;
    let own = |row: entity::award_item::Model| AwardItem {
        item: row.item,
        name_zh: row.name_zh,
        name_en: row.name_en,
        rank_from: row.rank_from,
        rank_to: row.rank_to,
        value_fen: row.value_fen,
        funding: row.funding,
    };
    let items = match version {
        0 => of_the_catalogue()?,
        _ => rows.into_iter().map(own).collect(),
    };
    Ok(AwardScheme { village: village.clone(), year, fixed: version > 0, version, items })
}

fn of_the_catalogue() -> Outcome<Vec<AwardItem>> {
    let item = |it: super::CatalogueAward| {
        Some(AwardItem {
            item: it.key,
            name_zh: it.name_zh,
            name_en: it.name_en,
            rank_from: it.rank_from?,
            rank_to: it.rank_to?,
            value_fen: it.unit_value_yuan.unwrap_or_default() * 100,
            funding: it.funding,
        })
    };
    Ok(builtin("rank_award")?.into_iter().filter_map(item).collect())
}
