//! `PUT /v1/villages/{village}/policy`: a change waits for the next quarter, and then starts.

use actix_web::web::Data;
use actix_web::{HttpRequest, put};
use sea_orm::Value;

use super::VillageRow;
use super::policy::{Policy, VillagePolicy, load};
use crate::app::App;
use crate::calendar::{self, Rhythm, Shop, shop};
use crate::http::if_match;
use crate::identity::{Governs, Official};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Body};
use crate::kernel::db::{self, Tx};
use crate::kernel::period::Week;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

/// Change the policy from the next quarter on
#[utoipa::path(tag = "policy", operation_id = "policy_put", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("If-Match" = String, Header, description = "The ETag of the policy that was read",
            example = "\"3\"")),
    request_body = Policy, responses((status = 200, body = VillagePolicy)),
    extensions(("x-codes" = json!("role_required invalid_field precondition_required \
        precondition_failed"))))]
#[put("/v1/villages/{village}/policy")]
async fn put_policy(
    officer: Official<Governs>,
    request: HttpRequest,
    policy: Body<Policy>,
    app: Data<App>,
) -> Outcome<Answer<VillagePolicy>> {
    let changed = app.db.write(async |tx| {
        let now = app.clock.now();
        calendar::touch(tx, &officer.village, now).await?;
        if_match(&request, load(tx, &officer.village).await?.version)?;
        wait(tx, &officer.village, &policy.0, now).await?;
        let act = Act {
            region: officer.village.as_str(),
            actor: Some(officer.person),
            action: "policy.change",
            subject: officer.village.to_string(),
            detail: serde_json::json!({ "starts_at": next_quarter(now), "policy": policy.0 }),
        };
        audit::record(tx, now, act).await?;
        load(tx, &officer.village).await
    });
    let changed = changed.await?;
    app.cache.refresh();
    let version = changed.version;
    Ok(Answer::ok(changed).version(version))
}

/// The Monday that begins the first week of the next quarter.
fn next_quarter(now: Instant) -> Instant {
    Week::of(now).month().last_of_quarter().period().ends_at()
}

/// Writes the policy that waits, in the place of any that waited before.
async fn wait(tx: &Tx, village: &Village, policy: &Policy, now: Instant) -> Outcome<()> {
    let values: [Value; 7] = [
        village.into(),
        next_quarter(now).0.into(),
        policy.mode.as_str().into(),
        policy.publicity_weeks.into(),
        policy.window_weeks.into(),
        policy.window_points_max.into(),
        policy.point_value_fen.into(),
    ];
    let sql = "INSERT INTO next_policies (village, starts_at, mode, publicity_weeks, \
               window_weeks, window_points_max, point_value_fen) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (village) DO UPDATE SET \
               starts_at = excluded.starts_at, mode = excluded.mode, \
               publicity_weeks = excluded.publicity_weeks, \
               window_weeks = excluded.window_weeks, \
               window_points_max = excluded.window_points_max, \
               point_value_fen = excluded.point_value_fen";
    db::run(tx, sql, values).await?;
    let sql = "UPDATE villages SET policy_version = policy_version + 1 WHERE village = $1";
    db::run(tx, sql, [village.into()]).await?;
    Ok(())
}

/// When the policy that waits starts, if one does: always a Monday that begins a quarter, so also the
/// instant at which a sheet closes.
pub const FIRST_START: &str = "SELECT starts_at FROM next_policies WHERE village = $1";

/// The policy that waited is the village's from `at` on.
pub async fn start_policy(tx: &Tx, village: &Village, at: Instant) -> Outcome<()> {
    let part = |column: &str| {
        format!("{column} = (SELECT n.{column} FROM next_policies n WHERE n.village = $1)")
    };
    let columns =
        ["mode", "publicity_weeks", "window_weeks", "window_points_max", "point_value_fen"];
    let kept = open_window(&super::village(tx, village).await?, at);
    let sql = format!(
        "UPDATE villages SET policy_version = policy_version + 1, policy_since = $2, \
         kept_opened_at = $3, kept_closes_at = $4, {} WHERE village = $1",
        columns.map(part).join(", ")
    );
    let values: [Value; 4] = [
        village.into(),
        at.0.into(),
        kept.map(|(opened_at, _)| opened_at.0).into(),
        kept.map(|(_, closes_at)| closes_at.0).into(),
    ];
    db::run(tx, &sql, values).await?;
    let sql = "DELETE FROM next_policies WHERE village = $1";
    db::run(tx, sql, [village.into()]).await?;
    let act = Act {
        region: village.as_str(),
        actor: None,
        action: "policy.start",
        subject: village.to_string(),
        detail: serde_json::Value::Null,
    };
    audit::record(tx, at, act).await
}

/// The window that is open when another policy starts, if it closes by itself.
fn open_window(policy: &VillageRow, at: Instant) -> Option<(Instant, Instant)> {
    match shop(&Rhythm::of(policy), at) {
        Shop::Open { opened_at, closes_at: Some(closes_at) } if opened_at < at => {
            Some((opened_at, closes_at))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The third quarter of 2024 ends with W39; 30 December 2024 belongs to 2025 already.
    #[test]
    fn a_change_waits_for_the_monday_that_begins_the_next_quarter() {
        for (now, starts) in [
            ("2024-07-01T00:00:00+08:00", "2024-09-30T00:00:00+08:00"),
            ("2024-09-29T23:59:59.999+08:00", "2024-09-30T00:00:00+08:00"),
            ("2024-09-30T00:00:00+08:00", "2024-12-30T00:00:00+08:00"),
            ("2024-12-30T00:00:00+08:00", "2025-03-31T00:00:00+08:00"),
        ] {
            let at = |text| Instant::parse(text).expect("an instant");
            assert_eq!(next_quarter(at(now)), at(starts), "{now}");
        }
    }
}
