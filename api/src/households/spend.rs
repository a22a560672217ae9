//! Whether a household may spend its points now, and which of them: those of the window's own months, in
//! the window or, where they were confirmed only after it, in seven days of its own; and all in the term of one
//! that moved out.

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use super::move_out::TERM_DAYS;
use crate::calendar::{Rhythm, Season, Shop, missed, season, season_of, shop};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::period::Month;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::regions::VillageRow;

/// Days in which a household may spend points that were confirmed after their window.
const LATE_DAYS: i64 = 7;

/// What a household may spend by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spending {
    /// Since when its limits count.
    pub counts_from: Instant,
    /// Available points that wait for a later window, never below 0.
    pub waits: i64,
}

/// SQL: the confirmed points of household `$2` of village `$1` that are on lists of months after `$3`, less
/// those that an open reversal freezes: these are withheld already.
const LATER: &str = "SELECT CAST(COALESCE(SUM(l.awarded + COALESCE((SELECT SUM(r.awarded) \
      FROM score_lines r WHERE r.village = l.village AND r.reverses = l.id), 0) \
      - COALESCE((SELECT SUM(v.points) FROM reversals v WHERE v.village = l.village \
        AND v.line = l.id AND v.frozen_household = $2 AND v.points > 0 \
        AND v.status IN ('proposed', 'approved')), 0)), 0) AS BIGINT) \
    FROM public_list_lines p JOIN score_lines l ON l.village = p.village AND l.id = p.line \
    WHERE p.village = $1 AND p.household = $2 AND p.month > $3 AND p.confirmed_at IS NOT NULL";

/// A month after all others.
const NO_MONTH: &str = "9999";

fn after(season: Option<Season>) -> String {
    let last = season.and_then(|season| season.last_month);
    last.map_or_else(|| NO_MONTH.to_owned(), |month| month.to_string())
}

/// Whether a household may spend its points, its file kept so until the transaction ends.
///
/// # Errors
/// `household_not_active`, or `window_closed` with the instant at which the shop opens.
pub async fn may_spend(
    tx: &Tx,
    village: &Village,
    policy: &VillageRow,
    household: Uuid,
    now: Instant,
) -> Outcome<Spending> {
    #[derive(FromQueryResult)]
    struct Row {
        status: String,
        ended_at: Option<i64>,
        spend_until: Option<i64>,
        later: i64,
    }
    let rhythm = Rhythm::of(policy);
    let open = shop(&rhythm, now);
    let last_month = after(open_season(&rhythm, open));
    let sql = format!(
        "SELECT status, ended_at, spend_until, ({LATER}) AS later FROM households WHERE village = $1 AND id = $2{}",
        db::shared(tx)
    );
    let values: [Value; 3] = [village.into(), household.into(), last_month.into()];
    let row = db::one::<Row>(tx, &sql, values).await?.ok_or(Code::NotFound)?;
    let moved_at = Instant(row.ended_at.unwrap_or_default());
    let own_term = match (row.status.as_str(), row.spend_until) {
        ("active", _) => false,
        ("moved_out", Some(until)) if now.0 < until => now < moved_at.plus_days(TERM_DAYS),
        _ => return Err(Code::HouseholdNotActive.into()),
    };
    // By the policy alone: a list that hangs longer keeps its own points back, and no window shut.
    let opens_at = match open {
        Shop::Open { opened_at, .. } => {
            let waits = if own_term { 0 } else { row.later.max(0) };
            let counts_from = season(rhythm.mode, opened_at).counts_from();
            return Ok(Spending { counts_from, waits });
        }
        Shop::Closed { opens_at } => opens_at,
    };
    if own_term {
        return Ok(Spending { counts_from: moved_at, waits: 0 });
    }
    match late_term(tx, village, &rhythm, household, now).await? {
        Some(late) => Ok(late.spending),
        None => Err(Refusal { opens_at: Some(opens_at), ..Code::WindowClosed.into() }.into()),
    }
}

fn open_season(rhythm: &Rhythm, open: Shop) -> Option<Season> {
    match open {
        Shop::Open { opened_at, .. } => Some(season(rhythm.mode, opened_at)),
        Shop::Closed { .. } => None,
    }
}

/// Seven days of a household's own, because points were confirmed after their window: by a late decision,
/// or with a list that hung longer.
pub struct LateTerm {
    /// Exclusive.
    pub until: Instant,
    /// Of which window's months it is: points of later ones wait.
    pub season: Season,
    pub spending: Spending,
}

/// The household's own term, if it is in one; only asked while the shop is closed.
pub async fn late_term(
    on: &impl ConnectionTrait,
    village: &Village,
    rhythm: &Rhythm,
    household: Uuid,
    now: Instant,
) -> Outcome<Option<LateTerm>> {
    #[derive(FromQueryResult)]
    struct Row {
        month: String,
        confirmed_at: i64,
    }
    let sql = "SELECT p.month, CAST(MAX(p.confirmed_at) AS BIGINT) AS confirmed_at \
               FROM public_list_lines p \
               JOIN public_lists t ON t.village = p.village AND t.month = p.month \
               WHERE p.village = $1 AND p.household = $2 AND (p.confirmed_at > t.closes_at \
                   OR (p.confirmed_at = t.closes_at AND t.extended_from IS NOT NULL)) \
                 AND p.confirmed_at > $3 AND p.confirmed_at <= $4 \
               GROUP BY p.month ORDER BY p.month DESC";
    let since = now.plus_days(-LATE_DAYS);
    let values: [Value; 4] = [village.into(), household.into(), since.0.into(), now.0.into()];
    let rows = db::all::<Row>(on, sql, values).await?;
    let late = rows.iter().find_map(|row| {
        let (month, confirmed_at) = (row.month.parse::<Month>().ok()?, Instant(row.confirmed_at));
        missed(rhythm, month, confirmed_at).then_some((month, confirmed_at))
    });
    let Some((month, confirmed_at)) = late else { return Ok(None) };
    let season = season_of(rhythm.mode, month);
    let waits = later(on, village, household, Some(season)).await?;
    let spending = Spending { counts_from: season.counts_from(), waits };
    Ok(Some(LateTerm { until: confirmed_at.plus_days(LATE_DAYS), season, spending }))
}

async fn later(
    on: &impl ConnectionTrait,
    village: &Village,
    household: Uuid,
    season: Option<Season>,
) -> Outcome<i64> {
    let values: [Value; 3] = [village.into(), household.into(), after(season).into()];
    Ok(db::number(on, LATER, values).await?.max(0))
}

/// How a household's available points stand to the shop, for those who read.
#[derive(Default)]
pub struct Outlook {
    /// The end of a term of its own, if it is in one, and of which window's months that is.
    pub late: Option<(Instant, Season)>,
    /// Available points that wait for a later window.
    pub waits: i64,
}

/// What [`may_spend`] would count with at `now`.
pub async fn outlook(
    on: &impl ConnectionTrait,
    village: &Village,
    policy: &VillageRow,
    household: Uuid,
    now: Instant,
) -> Outcome<Outlook> {
    let rhythm = Rhythm::of(policy);
    if let Some(season) = open_season(&rhythm, shop(&rhythm, now)) {
        let waits = later(on, village, household, Some(season)).await?;
        return Ok(Outlook { late: None, waits });
    }
    let late = late_term(on, village, &rhythm, household, now).await?;
    let outlook =
        |it: LateTerm| Outlook { late: Some((it.until, it.season)), waits: it.spending.waits };
    Ok(late.map(outlook).unwrap_or_default())
}
