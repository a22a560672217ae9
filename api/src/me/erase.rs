//! `DELETE /v1/me`: the person is forgotten, the ledger stays.
//!
//! What names somebody goes: name, phone, ID number, birthday, WeChat id, devices, notes, notices. What
//! remains is an id in the rows of the cycle, which then names nobody. Four eyes still compare it. Photos
//! that no claim uses go; those that show for what points were given stay, as the claims do.

use actix_web::delete;
use actix_web::web::Data;
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::calendar;
use crate::changes;
use crate::identity::{Caller, Leaver};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db::{self, Tx};
use crate::kernel::idempotency;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::photos;
use crate::sessions::{self, Ended};

/// When the person was forgotten.
#[derive(Serialize, ToSchema)]
pub struct Erased {
    pub erased_at: Instant,
}

/// Forget me
#[utoipa::path(tag = "me", operation_id = "me_erase", security(("bearer" = [])),
    responses((status = 200, body = Erased)),
    extensions(("x-codes" = json!("open_holds wrong_state"))))]
#[delete("/v1/me")]
async fn erase_me(leaver: Leaver, app: Data<App>) -> Outcome<Answer<Erased>> {
    let erased_at = match leaver {
        Leaver::Gone(erased_at) => erased_at,
        Leaver::Present(caller) => app.db.write(async |tx| erase(&app, tx, &caller).await).await?,
    };
    app.cache.refresh();
    Ok(Answer::ok(Erased { erased_at }))
}

#[derive(FromQueryResult)]
struct MembershipRow {
    village: String,
    household: Uuid,
    is_head: bool,
}

async fn erase(app: &App, tx: &Tx, caller: &Caller) -> Outcome<Instant> {
    let now = app.clock.now();
    let office = "SELECT COUNT(*) FROM grants WHERE person = $1 \
                  AND (ends_at IS NULL OR ends_at > $2)";
    if db::number(tx, office, [caller.person.into(), now.0.into()]).await? > 0 {
        // Whoever is trusted with something hands it over first.
        return Err(Refusal::wrong_state("in_office").into());
    }
    let sql = "SELECT village, household, is_head FROM members m WHERE m.person = $1 \
               AND EXISTS (SELECT 1 FROM bindings b WHERE b.person = $1 \
                 AND b.village = m.village AND b.household = m.household)";
    let memberships = db::all::<MembershipRow>(tx, sql, [caller.person.into()]).await?;
    for membership in &memberships {
        leave(tx, caller.person, membership, now).await?;
    }
    photos::forget(app, tx, caller.person).await?;
    forget_account_group(tx, caller.person, now).await?;
    sessions::end(tx, Ended::Person(caller.person), "erased", app.token_clock.now()).await?;
    let home = caller.home.as_ref().map_or("", |home| home.village.as_str());
    let act = Act {
        region: home,
        actor: Some(caller.person),
        action: "person.erase",
        subject: caller.person.to_string(),
        detail: serde_json::json!({}),
    };
    audit::record(tx, now, act).await?;
    Ok(now)
}

/// Forgets what the rows of a village name of the person.
async fn leave(tx: &Tx, person: Uuid, membership: &MembershipRow, now: Instant) -> Outcome<()> {
    let Ok(village) = membership.village.parse::<Village>() else { return Ok(()) };
    calendar::touch(tx, &village, now).await?;
    let key = || -> [Value; 2] { [(&village).into(), person.into()] };
    let present = "SELECT COUNT(*) FROM bindings WHERE village = $1 AND household = $2 \
                   AND person = $3 AND ended_at IS NULL";
    let of: [Value; 3] = [(&village).into(), membership.household.into(), person.into()];
    let is_present = db::number(tx, present, of).await? > 0;
    let held = "SELECT COUNT(*) FROM redemptions WHERE village = $1 AND household = $2 \
                AND status = 'held'";
    let held = db::number(tx, held, [(&village).into(), membership.household.into()]).await?;
    if is_present && held > 0 {
        return Err(Code::OpenHolds.into());
    }
    idempotency::forget_where(tx, village.as_str(), &person.to_string()).await?;
    for sql in [
        "UPDATE members SET name = '', initials = '', born_on = NULL \
         WHERE village = $1 AND person = $2",
        "DELETE FROM inbox_items WHERE village = $1 AND recipient = $2",
        "UPDATE suggestions SET text = '' WHERE village = $1 AND person = $2",
    ] {
        db::run(tx, sql, key()).await?;
    }
    // By household, which has an index; what an official wrote for others is no datum of theirs.
    let notes = "UPDATE claims SET note = NULL \
                 WHERE village = $1 AND filed_by = $2 AND household = $3";
    let [place, of] = key();
    db::run(tx, notes, [place, of, membership.household.into()]).await?;
    // The version rises in any case: nobody keeps the name under an old ETag.
    let changed = changes::next(tx, &village).await?;
    let sql = "UPDATE households SET name_hidden = (name_hidden OR $3), version = version + 1, \
                 changed = $4 WHERE village = $1 AND id = $2";
    let (household, is_head) = (membership.household, membership.is_head);
    let values: [Value; 4] = [(&village).into(), household.into(), is_head.into(), changed.into()];
    db::run(tx, sql, values).await?;
    Ok(())
}

/// Forgets what the person's accounts asked for before anybody knew them, in any village.
async fn forget_requests(tx: &Tx, person: Uuid) -> Outcome<()> {
    let own = "account IN (SELECT id FROM accounts WHERE person = $1)";
    let sql = format!("DELETE FROM binding_requests WHERE status = 'waiting' AND {own}");
    db::run(tx, &sql, [person.into()]).await?;
    let sql = format!("UPDATE binding_requests SET name = '' WHERE {own}");
    db::run(tx, &sql, [person.into()]).await?;
    Ok(())
}

async fn forget_account_group(tx: &Tx, person: Uuid, now: Instant) -> Outcome<()> {
    idempotency::forget(tx, person).await?;
    let accounts = "(SELECT id FROM accounts WHERE person = $1)";
    forget_requests(tx, person).await?;
    for sql in [
        format!("DELETE FROM wechat_logins WHERE account IN {accounts}"),
        format!("DELETE FROM staff_logins WHERE account IN {accounts}"),
        format!("UPDATE sessions SET device_name = NULL WHERE account IN {accounts}"),
        "UPDATE accounts SET status = 'disabled', persona = NULL WHERE person = $1".to_owned(),
    ] {
        db::run(tx, &sql, [person.into()]).await?;
    }
    let sql = "UPDATE persons SET name = '', born_on = NULL, phone_digest = NULL, \
                 phone_masked = NULL, id_digest = NULL, erased_at = $2 WHERE id = $1";
    db::run(tx, sql, [person.into(), now.0.into()]).await?;
    Ok(())
}
