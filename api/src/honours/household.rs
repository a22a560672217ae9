//! The honours of one household's year, for its summary.

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::criteria::item;
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::period::Period;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::Village;

/// An honour in force (荣誉), as a household's summary names it.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct YearHonour {
    pub id: Uuid,
    #[schema(example = "honour.clean_household")]
    pub item: String,
    #[schema(example = "文明卫生户")]
    pub name_zh: String,
    #[schema(example = "Civilised clean household")]
    pub name_en: String,
    /// The month or year it is for.
    #[schema(example = "2024-07")]
    pub period: Period,
    /// The number on its plaque.
    #[schema(example = 62)]
    pub plaque: i64,
    pub granted_at: Instant,
}

/// A household's honours of a year and its months that are in force, by plaque.
pub async fn of_household(
    on: &impl ConnectionTrait,
    village: &Village,
    household: Uuid,
    year: i32,
) -> Outcome<Vec<YearHonour>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        item: String,
        period: String,
        plaque: i64,
        decided_at: i64,
    }
    let sql = "SELECT id, item, period, plaque, decided_at FROM honours \
               WHERE village = $1 AND household = $2 AND SUBSTR(period, 1, 4) = $3 \
               AND status IN ('granted', 'withdrawing') ORDER BY plaque";
    let values: [Value; 3] = [village.into(), household.into(), year.to_string().into()];
    let named = |row: Row| -> Outcome<YearHonour> {
        let known = item(&row.item)?;
        let odd = || Problem::fault(format!("honour {}", row.id));
        Ok(YearHonour {
            period: row.period.parse().map_err(|_| odd())?,
            id: row.id,
            item: row.item,
            name_zh: known.name_zh,
            name_en: known.name_en,
            plaque: row.plaque,
            granted_at: Instant(row.decided_at),
        })
    };
    db::all::<Row>(on, sql, values).await?.into_iter().map(named).collect()
}
