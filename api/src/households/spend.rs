//! Whether a household may spend its points now, and which of them: those of the window's own months, in
//! the window or, where they were confirmed only after it, in seven days of its own; and all in the term of one
//! that moved out.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use super::move_out::TERM_DAYS;
use crate::calendar::{Rhythm, Season, Shop, missed, season, season_of, shop};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Column, Given, Tx};
use crate::kernel::period::Month;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::{Place, Village};
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

/// A household that wants to spend, and the policy of its village.
#[derive(Clone, Copy)]
pub struct Spender<'a> {
    pub village: &'a Village,
    pub policy: &'a VillageRow,
    pub household: Uuid,
}

impl Spender<'_> {
    pub fn place(&self) -> Place {
        (self.village.to_string(), self.household)
    }

    /// Whether the shop of its village is open to everybody: then what it may spend is known from its file.
    pub fn finds_open(&self, now: Instant) -> bool {
        matches!(shop(&Rhythm::of(self.policy), now), Shop::Open { .. })
    }
}

#[derive(FromQueryResult)]
struct File {
    village: String,
    id: Uuid,
    status: String,
    ended_at: Option<i64>,
    spend_until: Option<i64>,
    later: i64,
}

/// Whether households may spend their points, in their order; their files are kept so until the transaction
/// ends.
///
/// # Errors
/// Of each: `not_found`, `household_not_active`, or `window_closed` with the instant at which the shop opens.
pub async fn may_spend(
    tx: &Tx,
    spenders: &[Spender<'_>],
    now: Instant,
) -> Outcome<Vec<Result<Spending, Refusal>>> {
    let files = files(tx, spenders, now).await?;
    let mut all = Vec::with_capacity(spenders.len());
    for spender in spenders {
        let spending = match files.get(&spender.place()) {
            Some(file) => in_shop(file, spender.policy, now),
            None => Err(Code::NotFound.into()),
        };
        all.push(match spending {
            // Asked one by one, but only while a shop is closed, when there is no rush.
            Err(Refusal { code: Code::WindowClosed, opens_at, .. }) => {
                let (village, rhythm) = (spender.village, Rhythm::of(spender.policy));
                let late = late_term(tx, village, &rhythm, spender.household, now).await?;
                late.map(|late| late.spending)
                    .ok_or_else(|| Refusal { opens_at, ..Code::WindowClosed.into() })
            }
            spending => spending,
        });
    }
    Ok(all)
}

async fn files(tx: &Tx, spenders: &[Spender<'_>], now: Instant) -> Outcome<BTreeMap<Place, File>> {
    let mut wanted = BTreeMap::new();
    for spender in spenders {
        let rhythm = Rhythm::of(spender.policy);
        wanted.insert(spender.place(), after(open_season(&rhythm, shop(&rhythm, now))));
    }
    let columns = [
        Column::Text("village", wanted.keys().map(|(village, _)| village.clone()).collect()),
        Column::Uuid("household", wanted.keys().map(|(_, household)| *household).collect()),
        Column::Text("month", wanted.into_values().collect()),
    ];
    let Given { table, values } = db::given(tx, 1, "given", &columns);
    let later = LATER.replace("$1", "given.village").replace("$2", "given.household");
    let later = later.replace("$3", "given.month");
    let sql = format!(
        "SELECT h.village, h.id, h.status, h.ended_at, h.spend_until, ({later}) AS later \
         FROM households h JOIN {table} \
           ON h.village = given.village AND h.id = given.household \
         ORDER BY h.village, h.id{}",
        db::shared_of(tx, "h")
    );
    let files = db::all::<File>(tx, &sql, values).await?;
    Ok(files.into_iter().map(|file| ((file.village.clone(), file.id), file)).collect())
}

/// # Errors
/// `household_not_active`; `window_closed` while neither the shop is open nor the household moved out.
fn in_shop(file: &File, policy: &VillageRow, now: Instant) -> Result<Spending, Refusal> {
    let rhythm = Rhythm::of(policy);
    let moved_at = Instant(file.ended_at.unwrap_or_default());
    let own_term = match (file.status.as_str(), file.spend_until) {
        ("active", _) => false,
        ("moved_out", Some(until)) if now.0 < until => now < moved_at.plus_days(TERM_DAYS),
        _ => return Err(Code::HouseholdNotActive.into()),
    };
    // By the policy alone: a list that hangs longer keeps its own points back, and no window shut.
    match shop(&rhythm, now) {
        Shop::Open { opened_at, .. } => {
            let waits = if own_term { 0 } else { file.later.max(0) };
            let counts_from = season(rhythm.mode, opened_at).counts_from();
            Ok(Spending { counts_from, waits })
        }
        Shop::Closed { .. } if own_term => Ok(Spending { counts_from: moved_at, waits: 0 }),
        Shop::Closed { opens_at } => {
            Err(Refusal { opens_at: Some(opens_at), ..Code::WindowClosed.into() })
        }
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
