//! What one household was awarded for a year, for its summary.

use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::read::{AwardKind, Row, SELECT, award};
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

/// A rank award (名次奖) or a share of a dividend (分红), as a household's summary names it.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct YearAward {
    pub id: Uuid,
    pub kind: AwardKind,
    /// The household's rank in the year's ranking.
    #[schema(example = 4)]
    pub rank: i64,
    #[schema(example = "rank.mattress")]
    pub item: String,
    #[schema(example = "床垫(年度第1~4名)")]
    pub name_zh: String,
    #[schema(example = "Mattress, year rank 1-4")]
    pub name_en: String,
    /// What it is worth, in fen; of a dividend the share itself.
    #[schema(example = 40_000)]
    pub value_fen: i64,
    /// `granted`, `collected` or `lapsed`.
    #[schema(example = "granted")]
    pub status: String,
    /// When it lapses if nobody collects it.
    pub lapses_at: Instant,
}

/// What a household, or one that it took in, was awarded for a year: rank awards, then dividends.
pub async fn of_household(
    on: &impl ConnectionTrait,
    village: &Village,
    household: Uuid,
    year: i32,
) -> Outcome<Vec<YearAward>> {
    let sql = format!(
        "{SELECT} WHERE a.village = $1 AND a.year = $2 \
         AND (a.household = $3 OR (h.status = 'merged' AND h.successor = $3)) \
         ORDER BY a.kind DESC, a.place"
    );
    let values: [Value; 3] = [village.into(), year.to_string().into(), household.into()];
    let brief = |row: Row| -> Outcome<YearAward> {
        let (id, rank) = (row.id, row.rank);
        let full = award(row)?;
        Ok(YearAward {
            id,
            kind: full.kind,
            rank,
            item: full.item,
            name_zh: full.name_zh,
            name_en: full.name_en,
            value_fen: full.value_fen,
            status: full.status,
            lapses_at: full.lapses_at,
        })
    };
    db::all::<Row>(on, &sql, values).await?.into_iter().map(brief).collect()
}
