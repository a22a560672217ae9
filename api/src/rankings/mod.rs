//! Rankings (排名): who earned most in a week, month, quarter or year. Spending never lowers a rank.

mod board;
mod decide;
mod decider;
mod extend;
mod neighbours;
mod object;
mod order;
mod source;
mod waiting;
mod year;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub use waiting::waiting_for;
pub use year::{
    FIRST_END, FIRST_LAPSE, FIRST_PUBLICATION, YearRanking, end_publicity, lapse, publish,
    year_ranking,
};

use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::period::{Period, Week};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::kernel::year::Year;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(board::show_board)
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

/// A village's standings in a period from its score lines: `$1` is the village, `$2` the period, `$3`
/// and `$4` its first and last week. A category, and the moment of reaching the total, count only lines
/// of which something is left (`net`); what was taken back in a later period leaves this one as it was,
/// but for a year whose ranking was not final then (`ranks_in`): it is what its publicity is for. The
/// lines are the truth; [`rebuild`] and `jifen verify` share this one definition.
pub const STANDINGS: &str = "WITH counted AS ( \
      SELECT * FROM score_lines WHERE village = $1 AND week BETWEEN $3 AND $4 \
        AND (ranks_in IS NULL OR ranks_in = $2 OR LENGTH($2) <> 4) \
      UNION ALL SELECT * FROM score_lines WHERE village = $1 AND ranks_in = $2 \
        AND week NOT BETWEEN $3 AND $4) \
    SELECT village, $2 AS period, household, \
    CAST(SUM(awarded) AS BIGINT) AS points, \
    CAST(-SUM(CASE WHEN (awarded < 0) = (kind <> 'reversal' AND remedies IS NULL) THEN awarded ELSE 0 END) AS BIGINT) \
      AS deductions, \
    CAST(COUNT(DISTINCT CASE WHEN net > 0 THEN category END) AS BIGINT) AS categories, \
    CAST(COALESCE(MAX(CASE WHEN net <> 0 THEN approved_at END), 0) AS BIGINT) AS reached_at \
    FROM (SELECT l.*, CASE WHEN l.kind = 'reversal' OR l.remedies IS NOT NULL THEN 0 \
        ELSE l.awarded + COALESCE(r.awarded, 0) END AS net \
      FROM counted l LEFT JOIN (SELECT reverses, CAST(SUM(awarded) AS BIGINT) AS awarded \
        FROM counted WHERE reverses IS NOT NULL GROUP BY reverses) r ON r.reverses = l.id) AS lines \
    GROUP BY village, household";

/// The parameters of [`STANDINGS`].
pub fn span(village: &Village, period: Period) -> [Value; 4] {
    let (first, last) = period.weeks();
    let text = |value: &dyn std::fmt::Display| Value::from(value.to_string());
    [village.into(), text(&period), text(&first), text(&last)]
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

/// Brings the standings of a week, and of its month, quarter and year, up to date.
pub async fn rebuild(tx: &Tx, village: &Village, week: Week) -> Outcome<()> {
    for period in week.periods() {
        rebuild_period(tx, village, period).await?;
    }
    Ok(())
}

/// Brings the standings of one period up to date.
pub async fn rebuild_period(tx: &Tx, village: &Village, period: Period) -> Outcome<()> {
    let sql = format!(
        "INSERT INTO standings (village, period, household, points, deductions, categories, \
         reached_at) SELECT * FROM ({STANDINGS}) AS fresh WHERE true \
         ON CONFLICT (village, period, household) DO UPDATE SET points = excluded.points, \
         deductions = excluded.deductions, categories = excluded.categories, \
         reached_at = excluded.reached_at"
    );
    db::run(tx, &sql, span(village, period)).await?;
    Ok(())
}
