//! Rankings (排名): who earned most in a week, month, quarter or year, or since the beginning, in all or in
//! one category. Spending never lowers a rank.

mod board;
mod decide;
mod decider;
mod extend;
mod groups;
mod kept;
mod neighbours;
mod object;
mod order;
mod show;
mod source;
mod standings;
mod waiting;
mod year;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

pub use kept::{Compared, compare_kept};
pub use show::at_hand_first;
pub use standings::{BY_CATEGORY, rebuild, rebuild_year, span};
pub use waiting::waiting_for;
pub use year::{
    FIRST_END, FIRST_LAPSE, FIRST_PUBLICATION, YearRanking, end_publicity, lapse, publish,
    year_ranking,
};

use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::period::{Period, Week};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::kernel::routes::Routes;
use crate::kernel::year::Year;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(show::show_board)
        .service(neighbours::show_rank)
        .service(object::object_to_ranking)
        .service(object::list_ranking_objections)
        .service(decide::decide_ranking_objection)
        .service(extend::extend_ranking);
}

/// A household's place in a published ranking.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Ranked {
    pub rank: i64,
    pub household: Uuid,
    /// Earned in the year.
    pub points: i64,
    /// Whether its file was still open at the instant that was asked for.
    pub active: bool,
}

/// Everybody in a village's ranking of a year as last published, in order of rank; `at` is when their
/// files are looked at.
pub async fn ranked(
    on: &impl ConnectionTrait,
    village: &Village,
    year: Year,
    at: Instant,
) -> Outcome<Vec<Ranked>> {
    let sql = "SELECT f.rank, f.household, f.points, \
                 (h.status = 'active' OR h.ended_at >= $3) AS active \
               FROM year_rankings y JOIN final_standings f ON f.village = y.village \
                 AND f.year = y.year AND f.revision = y.revision \
               JOIN households h ON h.village = f.village AND h.id = f.household \
               WHERE y.village = $1 AND y.year = $2 ORDER BY f.rank";
    let values: [Value; 3] = [village.into(), year.into(), at.0.into()];
    Ok(db::all(on, sql, values).await?)
}

/// Whether a village's own board of a period can change no more: every list of the period is closed and
/// every objection to it has its first decision.
pub async fn is_final_in(
    on: &impl ConnectionTrait,
    village: &Village,
    period: Period,
) -> Outcome<bool> {
    board::is_final(on, village.region().bounds(), period).await
}

/// The year in whose ranking a reversal counts that takes back points of the week `of` and is posted in
/// the week `posted` of another year: the earlier one, until its ranking is final.
pub async fn year_of_reversal(
    on: &impl ConnectionTrait,
    village: &Village,
    of: Week,
    posted: Week,
) -> Outcome<Option<Period>> {
    let year = of.month().year;
    if posted.month().year == year {
        return Ok(None);
    }
    let sql = "SELECT COUNT(*) FROM year_rankings \
               WHERE village = $1 AND year = $2 AND status = 'final'";
    let values: [Value; 2] = [village.into(), year.to_string().into()];
    let is_final = db::number(on, sql, values).await? > 0;
    Ok((!is_final).then_some(Period::Year(year)))
}
