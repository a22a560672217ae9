//! A year's ranking (一年一排名): published when its last list is closed and every objection of its months
//! has its first decision, for seven days, or longer if the township has it so; then final, and as it is for ever.
//!
//! What is published is a copy. An objection to it that is upheld, and what was corrected meanwhile, makes
//! a new revision of the copy; the earlier ones stay.

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use crate::households::{Notice, eligible, tell, tell_households};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::ledger::journal_id;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::Village;
use crate::kernel::year::Year;
use crate::{awards, register};

/// Days for which a year's ranking is in publicity.
pub const PUBLICITY_DAYS: i64 = 7;
/// Days after which an objection to a ranking goes from the township to the county.
pub const ESCALATION_DAYS: i64 = 7;
/// Days after which an objection that nobody decided lapses.
pub const LAPSE_DAYS: i64 = 14;

/// Years of village `$1` that are to be published, and since when: their December's list is closed like
/// all others of theirs, and nobody waits for a first decision on a line of them.
macro_rules! complete {
    () => {
        "SELECT year, CASE WHEN decided > closed THEN decided ELSE closed END AS at FROM ( \
         SELECT SUBSTR(p.month, 1, 4) AS year, \
           (SELECT MAX(l.closes_at) FROM public_lists l WHERE l.village = $1 \
             AND l.month >= SUBSTR(p.month, 1, 4) AND l.month <= p.month) AS closed, \
           COALESCE((SELECT MAX(COALESCE(o.decided_at, o.lapsed_at)) FROM objections o WHERE o.village = $1 \
             AND o.month >= SUBSTR(p.month, 1, 4) AND o.month <= p.month), 0) AS decided \
         FROM public_lists p WHERE p.village = $1 AND p.month LIKE '%-12' \
         AND NOT EXISTS (SELECT 1 FROM year_rankings y WHERE y.village = $1 \
           AND y.year = SUBSTR(p.month, 1, 4)) \
         AND NOT EXISTS (SELECT 1 FROM public_lists l WHERE l.village = $1 \
           AND l.month >= SUBSTR(p.month, 1, 4) AND l.month <= p.month AND l.status <> 'closed') \
         AND NOT EXISTS (SELECT 1 FROM objections o WHERE o.village = $1 \
           AND o.month >= SUBSTR(p.month, 1, 4) AND o.month <= p.month \
           AND o.status IN ('filed', 'investigating'))) AS complete"
    };
}

/// When the first year of a village that is not published yet is to be.
pub const FIRST_PUBLICATION: &str =
    concat!("SELECT MIN(at) FROM (", complete!(), ") AS publications");

/// SQL: when the publicity of a year's ranking ends.
macro_rules! ends {
    () => {
        "COALESCE(extended_until, published_at + 7 * 86400000)"
    };
}

/// When the publicity of a village's first published ranking ends, known since it began.
pub const FIRST_END: &str = concat!(
    "SELECT MIN(",
    ends!(),
    ") FROM year_rankings WHERE village = $1 AND status = 'published' AND NOT publicity_ended"
);

/// When the first objection to a ranking lapses that nobody has decided.
pub const FIRST_LAPSE: &str = "SELECT MIN(filed_at) + 14 * 86400000 FROM ranking_objections \
    WHERE village = $1 AND status = 'filed'";

/// A year's ranking, once it is published.
#[derive(Clone, Debug, FromQueryResult)]
pub struct YearRanking {
    pub year: String,
    pub status: String,
    pub publicity_ended: bool,
    pub revision: i64,
    pub published_at: i64,
    pub final_at: Option<i64>,
    pub extended_until: Option<i64>,
    pub extension_reason: Option<String>,
}

impl YearRanking {
    pub fn is_final(&self) -> bool {
        self.status == "final"
    }

    /// Until when objections to it are taken: [`PUBLICITY_DAYS`], or longer if the township said so.
    pub fn ends_at(&self) -> Instant {
        let seven = Instant(self.published_at).plus_days(PUBLICITY_DAYS);
        self.extended_until.map_or(seven, Instant)
    }

    /// Whether objections to it are taken.
    pub fn is_open(&self, now: Instant) -> bool {
        !self.publicity_ended && now < self.ends_at()
    }
}

/// The published ranking of a village's year, if there is one.
pub async fn year_ranking(
    on: &impl ConnectionTrait,
    village: &Village,
    year: Year,
) -> Outcome<Option<YearRanking>> {
    let sql = "SELECT year, status, publicity_ended, revision, published_at, final_at, \
                 extended_until, extension_reason FROM year_rankings WHERE village = $1 AND year = $2";
    Ok(db::one(on, sql, [village.into(), year.into()]).await?)
}

/// Publishes every year of a village that is complete by `now`, each as of the instant at which it was.
/// Called by the calendar, and with every first decision on an objection, which may be the last.
///
/// The caller holds the village's lock.
pub async fn publish(tx: &Tx, village: &Village, now: Instant) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Complete {
        year: String,
        at: i64,
    }
    let sql = concat!(complete!(), " WHERE closed <= $2 AND decided <= $2 ORDER BY year");
    let values: [Value; 2] = [village.into(), now.0.into()];
    for Complete { year, at } in db::all::<Complete>(tx, sql, values).await? {
        let year: Year = year.parse().map_err(|_| Problem::fault(format!("year {year}")))?;
        let sql = "INSERT INTO year_rankings (village, year, status, publicity_ended, revision, \
                   published_at) VALUES ($1, $2, 'published', $3, 1, $4)";
        let values: [Value; 4] = [village.into(), year.into(), false.into(), at.into()];
        db::run(tx, sql, values).await?;
        copy(tx, village, year, 1).await?;
        let detail = format!(
            "{year}年度积分排名开始公示，为期{PUBLICITY_DAYS}天；有异议的，请在公示期内提出"
        );
        let subject = journal_id(village, "ranking", &year.to_string());
        tell_households(tx, village, Instant(at), "ranking_published", subject, &detail).await?;
    }
    Ok(())
}

/// Copies the standings of a year as they are now, in their order, as this revision.
async fn copy(tx: &Tx, village: &Village, year: Year, revision: i64) -> Outcome<()> {
    let sql = format!(
        "INSERT INTO final_standings (village, year, revision, rank, household, number, points, \
         deductions, categories, reached_at) \
         SELECT s.village, s.period, $3, ROW_NUMBER() OVER (ORDER BY s.points DESC, s.deductions, \
           s.categories DESC, s.reached_at, h.number), s.household, h.number, s.points, \
           s.deductions, s.categories, s.reached_at \
         FROM standings s JOIN households h ON h.village = s.village AND h.id = s.household \
         WHERE s.village = $1 AND s.period = $2 AND {}",
        eligible("$4")
    );
    let ends_at = year.period().ends_at().0;
    let values: [Value; 4] = [village.into(), year.into(), revision.into(), ends_at.into()];
    db::run(tx, &sql, values).await?;
    Ok(())
}

/// Makes a new revision of a published ranking if the points behind it have changed; whether they had.
pub async fn revise(tx: &Tx, village: &Village, ranking: &YearRanking) -> Outcome<bool> {
    let year: Year =
        ranking.year.parse().map_err(|_| Problem::fault(format!("year {}", ranking.year)))?;
    // The copy has the households that were eligible when the year ended, and no others.
    let sql = format!(
        "SELECT COUNT(*) FROM ( \
           SELECT s.household, s.points, s.deductions, s.categories, s.reached_at \
           FROM standings s JOIN households h ON h.village = s.village AND h.id = s.household \
           WHERE s.village = $1 AND s.period = $2 AND {} \
           EXCEPT SELECT household, points, deductions, categories, reached_at \
           FROM final_standings WHERE village = $1 AND year = $2 AND revision = $3) AS changed",
        eligible("$4")
    );
    let ends_at = year.period().ends_at().0;
    let values: [Value; 4] = [village.into(), year.into(), ranking.revision.into(), ends_at.into()];
    if db::number(tx, &sql, values).await? == 0 {
        return Ok(false);
    }
    copy(tx, village, year, ranking.revision + 1).await?;
    let sql = "UPDATE year_rankings SET revision = revision + 1 WHERE village = $1 AND year = $2";
    db::run(tx, sql, [village.into(), year.into()]).await?;
    Ok(true)
}

/// Ends the publicity of the rankings whose days are over at `at`: final at once, or with the last decision
/// on an objection that still waits.
pub async fn end_publicity(tx: &Tx, village: &Village, at: Instant) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        year: String,
    }
    let due = concat!(
        "village = $1 AND status = 'published' AND NOT publicity_ended AND ",
        ends!(),
        " <= $2"
    );
    let values = || -> [Value; 2] { [village.into(), at.0.into()] };
    let sql = format!("SELECT year FROM year_rankings WHERE {due} ORDER BY year");
    let years = db::all::<Row>(tx, &sql, values()).await?;
    let sql = format!("UPDATE year_rankings SET publicity_ended = $3 WHERE {due}");
    db::run(tx, &sql, values().into_iter().chain([true.into()])).await?;
    for Row { year } in years {
        let year: Year = year.parse().map_err(|_| Problem::fault(format!("year {year}")))?;
        finish(tx, village, year, at).await?;
    }
    Ok(())
}

/// Makes a ranking final whose publicity is over, if no objection to it waits; and gives its awards.
pub async fn finish(tx: &Tx, village: &Village, year: Year, at: Instant) -> Outcome<()> {
    let Some(ranking) = year_ranking(tx, village, year).await? else { return Ok(()) };
    let sql = "SELECT COUNT(*) FROM ranking_objections \
               WHERE village = $1 AND year = $2 AND status = 'filed'";
    let open = db::number(tx, sql, [village.into(), year.into()]).await?;
    if !ranking.publicity_ended || ranking.is_final() || open > 0 {
        return Ok(());
    }
    // What was corrected in these days counts; what comes later, in its own week.
    revise(tx, village, &ranking).await?;
    let sql = "UPDATE year_rankings SET status = 'final', final_at = $3 \
               WHERE village = $1 AND year = $2";
    db::run(tx, sql, [village.into(), year.into(), at.0.into()]).await?;
    awards::grant(tx, village, year, at).await
}

/// Ends what nobody decided in [`LAPSE_DAYS`]: the ranking stands, and the auditor is told.
pub async fn lapse(tx: &Tx, village: &Village, at: Instant) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        year: String,
        filed_by: Uuid,
    }
    let due = "village = $1 AND status = 'filed' AND filed_at <= $2";
    let values = || -> [Value; 2] { [village.into(), at.plus_days(-LAPSE_DAYS).0.into()] };
    let sql = format!("SELECT id, year, filed_by FROM ranking_objections WHERE {due} ORDER BY id");
    let rows = db::all::<Row>(tx, &sql, values()).await?;
    let sql = format!("UPDATE ranking_objections SET status = 'lapsed' WHERE {due}");
    db::run(tx, &sql, values()).await?;
    let entry = |row: &Row| register::Entry {
        kind: register::Kind::RankingObjectionLapsed,
        subject: row.id.to_string(),
        person: None,
        note: format!("{}年度排名异议{LAPSE_DAYS}天无人决定，排名维持", row.year),
    };
    register::enter(tx, village, at, &rows.iter().map(entry).collect::<Vec<_>>()).await?;
    let notice = |row: &Row| Notice {
        recipient: row.filed_by,
        kind: "ranking_objection_lapsed",
        subject: row.id,
        detail: format!("您对{}年度排名的异议逾期未作决定，排名维持；此事已记入监督台账", row.year),
    };
    tell(tx, village, at, &rows.iter().map(notice).collect::<Vec<_>>()).await?;
    let mut years: Vec<_> = rows.into_iter().map(|row| row.year).collect();
    years.sort();
    years.dedup();
    for year in years {
        let year: Year = year.parse().map_err(|_| Problem::fault(format!("year {year}")))?;
        finish(tx, village, year, at).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn the_first_limits_are_as_late_as_every_other() {
        assert!(FIRST_END.contains(&format!("+ {PUBLICITY_DAYS} * {DAY_MS})")));
        assert!(FIRST_LAPSE.contains(&format!("+ {LAPSE_DAYS} * {DAY_MS} ")));
    }
}
