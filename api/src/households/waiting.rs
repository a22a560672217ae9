//! Why points are not spendable yet: claims that are not scored, points that are not confirmed, and
//! confirmed ones that are held, in debt, or before a closed shop.

use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::doors::Doors;
use crate::app::App;
use crate::calendar::{Rhythm, windows};
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::period::Week;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::labels::{Label, label};
use crate::regions::VillageRow;

/// What points wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WaitingReason)]
pub enum Reason {
    /// Claimed, and in review.
    InReview,
    /// Claimed, and sent back to be put right.
    Returned,
    /// Approved; scored when its week closes.
    Approved,
    /// Scored; the month's list opens later.
    BeforePublicity,
    /// On the month's list, which takes objections.
    InPublicity,
    /// Under an objection that is not decided.
    Contested,
    /// Confirmed, and held for a prize.
    Held,
    /// Confirmed, and somebody proposed to take it back.
    UnderReversal,
    /// Confirmed, and the shop is closed.
    ShopClosed,
    /// Confirmed, of a month after those that the open window is for.
    NextWindow,
    /// Confirmed, and the household's file has ended.
    FileEnded,
    /// More was taken back than was left: later points pay it off first.
    Debt,
}

impl Reason {
    fn label(self) -> Label {
        let word = match self {
            Self::InReview => "in_review",
            Self::Returned => "returned",
            Self::Approved => "approved",
            Self::BeforePublicity => "before_publicity",
            Self::InPublicity => "in_publicity",
            Self::Contested => "contested",
            Self::Held => "held",
            Self::UnderReversal => "under_reversal",
            Self::ShopClosed => "shop_closed",
            Self::NextWindow => "next_window",
            Self::FileEnded => "file_ended",
            Self::Debt => "debt",
        };
        label("waiting_reason", word)
    }
}

/// The figure that waiting points are a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    Pending,
    Available,
}

/// Points that wait for the same thing.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Waiting {
    pub reason: Reason,
    #[schema(example = "公示中")]
    pub label_zh: &'static str,
    #[schema(example = "In publicity")]
    pub label_en: &'static str,
    /// Whole points; below 0 for deductions and debts. Of claims: what they ask for, before caps.
    #[schema(example = 5)]
    pub points: i64,
    /// The figure these points are a part of; absent for claims, which are in no figure until they are
    /// scored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub part_of: Option<Figure>,
    /// The redemption they are held for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub redemption: Option<Uuid>,
    /// When this wait ends, if nobody objects: the Monday of the scoring, the opening or the close of the
    /// list, the end of the hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub until: Option<Instant>,
    /// When the shop opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub opens_at: Option<Instant>,
}

impl Waiting {
    fn new(reason: Reason, points: i64, part_of: Option<Figure>) -> Self {
        let Label { zh: label_zh, en: label_en, .. } = reason.label();
        let (redemption, until, opens_at) = (None, None, None);
        Self { reason, label_zh, label_en, points, part_of, redemption, until, opens_at }
    }
}

/// Claims of the household that no sheet has scored, by what they wait for; bonus and deduction apart.
pub async fn unscored(app: &App, village: &Village, household: Uuid) -> Outcome<Vec<Waiting>> {
    #[derive(FromQueryResult)]
    struct Row {
        status: String,
        week: Option<String>,
        points: i64,
    }
    let sql = "SELECT CASE WHEN status = 'submitted' THEN 'in_review' ELSE status END AS status, \
                 week, CASE WHEN points < 0 THEN 1 ELSE 0 END AS sign, \
                 CAST(SUM(points) AS BIGINT) AS points \
               FROM claims WHERE village = $1 AND household = $2 \
                 AND status IN ('submitted', 'in_review', 'returned', 'approved') \
               GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3";
    let values: [Value; 2] = [village.into(), household.into()];
    let rows = db::all::<Row>(app.db.read(), sql, values).await?;
    let claims = rows.into_iter().map(|row| {
        let reason = match row.status.as_str() {
            "approved" => Reason::Approved,
            "returned" => Reason::Returned,
            _ => Reason::InReview,
        };
        let week = row.week.and_then(|week| week.parse::<Week>().ok());
        Waiting { until: week.map(Week::ends_at), ..Waiting::new(reason, row.points, None) }
    });
    Ok(claims.collect())
}

/// Pending points, by what they wait for: together they are the household's pending points.
pub async fn unconfirmed(app: &App, village: &Village, household: Uuid) -> Outcome<Vec<Waiting>> {
    #[derive(FromQueryResult)]
    struct Row {
        week: Option<String>,
        status: Option<String>,
        closes_at: Option<i64>,
        points: i64,
    }
    let sql = "SELECT CASE WHEN p.line IS NULL THEN l.week END AS week, p.status, t.closes_at, \
                 CAST(SUM(l.awarded + COALESCE(r.awarded, 0)) AS BIGINT) AS points \
               FROM score_lines l \
               LEFT JOIN public_list_lines p ON p.village = l.village AND p.line = l.id \
               LEFT JOIN public_lists t ON t.village = p.village AND t.month = p.month \
               LEFT JOIN (SELECT reverses, CAST(SUM(awarded) AS BIGINT) AS awarded \
                 FROM score_lines WHERE village = $1 AND household = $2 \
                 AND reverses IS NOT NULL GROUP BY reverses) r ON r.reverses = l.id \
               WHERE l.village = $1 AND l.household = $2 AND l.kind <> 'reversal' \
                 AND p.confirmed_at IS NULL AND COALESCE(p.status, 'open') <> 'struck' \
               GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
    let values: [Value; 2] = [village.into(), household.into()];
    let rows = db::all::<Row>(app.db.read(), sql, values).await?;
    let waiting = rows.into_iter().filter(|row| row.points != 0).map(|row| {
        let week = row.week.and_then(|week| week.parse().ok());
        let (reason, until) = publicity(row.status.as_deref(), week, row.closes_at.map(Instant));
        Waiting { until, ..Waiting::new(reason, row.points, Some(Figure::Pending)) }
    });
    Ok(waiting.collect())
}

/// What an unconfirmed line waits for, by its state on its list, and until when.
pub fn publicity(
    status: Option<&str>,
    week: Option<Week>,
    closes_at: Option<Instant>,
) -> (Reason, Option<Instant>) {
    match status {
        Some("contested") => (Reason::Contested, None),
        Some(_) => (Reason::InPublicity, closes_at),
        None => {
            let opens_at = week.map(|week| week.month().last_week().ends_at());
            (Reason::BeforePublicity, opens_at)
        }
    }
}

/// Available points that are held, each with its redemption.
pub async fn held(app: &App, village: &Village, household: Uuid) -> Outcome<Vec<Waiting>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        points: i64,
        expires_at: i64,
    }
    let sql = "SELECT id, points, expires_at FROM redemptions \
               WHERE village = $1 AND household = $2 AND status = 'held' ORDER BY expires_at, id";
    let values: [Value; 2] = [village.into(), household.into()];
    let rows = db::all::<Row>(app.db.read(), sql, values).await?;
    let hold = |row: Row| Waiting {
        redemption: Some(row.id),
        until: Some(Instant(row.expires_at)),
        ..Waiting::new(Reason::Held, row.points, Some(Figure::Available))
    };
    Ok(rows.into_iter().map(hold).collect())
}

/// Available points that are frozen until reversals of them are decided; nothing if there are none.
pub fn under_reversal(points: i64) -> Option<Waiting> {
    let waiting = Waiting::new(Reason::UnderReversal, points, Some(Figure::Available));
    (points != 0).then_some(waiting)
}

/// Points of later months, which wait for the next window; nothing if there are none.
pub fn next_window(points: i64, policy: &VillageRow, now: Instant) -> Option<Waiting> {
    let windows = windows(&Rhythm::of(policy), now);
    let next = windows.iter().find(|window| window.opens_at > now).map(|it| it.opens_at);
    let waits = Waiting::new(Reason::NextWindow, points, Some(Figure::Available));
    (points > 0).then_some(Waiting { opens_at: next, ..waits })
}

/// Why `free` points, available and neither held nor frozen, cannot be spent at `now`; nothing if they
/// can.
pub fn unspendable(free: i64, doors: &Doors, now: Instant) -> Option<Waiting> {
    let waiting = |reason| Some(Waiting::new(reason, free, Some(Figure::Available)));
    match (free.signum(), doors.open_from(now)) {
        (0, _) => None,
        (-1, _) => waiting(Reason::Debt),
        (_, None) => waiting(Reason::FileEnded),
        (_, Some(opens_at)) if opens_at > now => {
            waiting(Reason::ShopClosed).map(|it| Waiting { opens_at: Some(opens_at), ..it })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_labels() {
        for reason in [Reason::InReview, Reason::Debt, Reason::ShopClosed, Reason::FileEnded] {
            let label = reason.label();
            assert_ne!((label.zh, label.en), (label.word, label.word));
        }
    }
}
