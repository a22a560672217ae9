//! `POST …/households/{household}/move-out` (迁出): a household leaves the village and spends what it
//! has in the term it is given.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::file::{End, changed, end, open, unbind_all};
use super::forward::settle_ended;
use super::read::Household;
use super::{Notice, tell};
use crate::app::App;
use crate::calendar::{Rhythm, Shop, shop};
use crate::http::path_id;
use crate::identity::{Governs, Official};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::regions::VillageRow;

/// Days in which a household that moved out may spend, whether the shop's window is open or not.
pub const TERM_DAYS: i64 = 30;

/// Why, for the file and the audit.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMoveOut {
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "全家迁往县城")]
    pub reason: String,
}

/// Record that a household moved out; it may spend in the next window or 30 days, whichever is later
#[utoipa::path(tag = "households", operation_id = "households_move_out", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id")),
    request_body = NewMoveOut, responses((status = 200, body = Household)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state reason_required \
        invalid_field"))))]
#[post("/v1/villages/{village}/households/{household}/move-out")]
async fn move_out_household(
    officer: Official<Governs>,
    request: HttpRequest,
    move_out: Command<NewMoveOut>,
    app: Data<App>,
) -> Outcome<Answer<Household>> {
    let id = path_id(&request, "household")?;
    let done = move_out.once(&app, officer.village.as_str(), officer.account, async |tx| {
        move_out_of(tx, &officer, id, &move_out.body, app.clock.now()).await
    });
    let done = done.await?;
    app.cache.refresh();
    Ok(done)
}

async fn move_out_of(
    tx: &Tx,
    by: &Official<Governs>,
    id: Uuid,
    new: &NewMoveOut,
    now: Instant,
) -> Outcome<Household> {
    open(tx, by, id, now).await?;
    let because = required(&new.reason, "/reason")?;
    let until = spend_until(&by.policy, now);
    let (status, spend_until) = ("moved_out", Some(until));
    let moved = End { status, because: &because, successor: None, spend_until };
    end(tx, &by.village, id, moved, now).await?;
    let detail = format!("本户已迁出，可用积分请在{}前兑换，逾期作废", until.day());
    let notice = Notice { recipient: id, kind: "household_moved_out", subject: id, detail };
    tell(tx, &by.village, now, &[notice]).await?;
    let detail = serde_json::json!({ "reason": because, "spend_until": until });
    changed(tx, by, id, "household.move_out", detail, now).await
}

/// The end of the present or next window, or 30 days, whichever is later.
fn spend_until(policy: &VillageRow, now: Instant) -> Instant {
    let shop = shop(&Rhythm::of(policy), now);
    let window_ends = match shop {
        Shop::Open { closes_at, .. } => closes_at,
        Shop::Closed { opens_at } => Some(opens_at.plus_days(7 * policy.window_weeks)),
    };
    let term_ends = now.plus_days(TERM_DAYS);
    window_ends.map_or(term_ends, |ends| ends.max(term_ends))
}

/// When the first term of a household that moved out ends.
pub const FIRST_TERM: &str = "SELECT MIN(spend_until) FROM households \
    WHERE village = $1 AND spend_until IS NOT NULL";

/// Ends the terms that are over at `at`, the nominal instant: what was not spent expires, and the
/// members act for the household no longer.
pub async fn expire_moved_out(tx: &Tx, village: &Village, at: Instant) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    let sql = "SELECT id FROM households WHERE village = $1 AND spend_until <= $2 ORDER BY id";
    let key: [Value; 2] = [village.into(), at.0.into()];
    for Row { id } in db::all::<Row>(tx, sql, key.clone()).await? {
        unbind_all(tx, village, id, at).await?;
    }
    let sql = "UPDATE households SET spend_until = NULL, version = version + 1 \
               WHERE village = $1 AND spend_until <= $2";
    db::run(tx, sql, key).await?;
    settle_ended(tx, village, &format!("term {at}"), at).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(mode: &str) -> VillageRow {
        VillageRow {
            village: "460205100201".to_owned(),
            mode: mode.to_owned(),
            publicity_weeks: 1,
            window_weeks: 2,
            window_points_max: 200,
            starts_at: 0,
            next_due_at: 0,
            version: 1,
            point_value_fen: 100,
            policy_version: 1,
            policy_since: 0,
            kept_opened_at: None,
            kept_closes_at: None,
        }
    }

    #[test]
    fn the_term_is_the_next_window_or_thirty_days_whichever_is_later() {
        let at = |text: &str| Instant::parse(text).expect("an instant");
        let until = |mode: &str, now: &str| spend_until(&policy(mode), at(now)).to_string();
        // Before the window of 7 October, in it, and on its last days.
        assert_eq!(
            until("quarterly", "2024-08-21T09:00:00+08:00"),
            "2024-10-21T00:00:00.000+08:00"
        );
        assert_eq!(
            until("quarterly", "2024-10-20T09:00:00+08:00"),
            "2024-11-19T09:00:00.000+08:00"
        );
        assert_eq!(
            until("quarterly", "2024-10-21T00:00:00+08:00"),
            "2025-01-20T00:00:00.000+08:00"
        );
        assert_eq!(
            until("always_open", "2024-08-21T09:00:00+08:00"),
            "2024-09-20T09:00:00.000+08:00"
        );
    }
}
