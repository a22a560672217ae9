//! Binding an account to the household its owner belongs to: by the phone that the roster names, or by a
//! request that a grid worker approves.

mod decide;
mod phone;
mod request;

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use crate::calendar;
use crate::changes;
use crate::households::{self, Notice};
use crate::identity::is_grown_up;
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;
use crate::kernel::routes::Routes;

pub use decide::waiting_for;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(phone::add_phone)
        .service(request::create_binding_request)
        .service(request::list_own_binding_requests)
        .service(decide::list_binding_requests)
        .service(decide::decide_binding_request);
}

/// An account, the person it stands for now, and whose it really is.
struct Bound {
    account: Uuid,
    /// The nameless person of the first login.
    from: Uuid,
    to: Uuid,
}

#[derive(FromQueryResult)]
struct HomeRow {
    village: String,
    household: Uuid,
    born_on: Option<String>,
}

/// SQL: whether person `p.id` could be somebody's by a mere phone or a colleague's word: whoever logs in
/// already, or holds or will hold an office at the instant `now`, a parameter, cannot.
fn is_free(now: &str) -> String {
    format!(
        "(NOT EXISTS (SELECT 1 FROM accounts a WHERE a.person = p.id AND a.status = 'active') \
          AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.person = p.id \
            AND (g.ends_at IS NULL OR g.ends_at > {now})))"
    )
}

/// Who is asked for must be free, and who asks must be nobody yet.
async fn both_free(tx: &Tx, bound: &Bound, now: Instant) -> Outcome<()> {
    let sql = format!("SELECT COUNT(*) FROM persons p WHERE p.id = $1 AND {}", is_free("$2"));
    let free = db::number(tx, &sql, [bound.to.into(), now.0.into()]).await? == 1;
    let known = "SELECT COUNT(*) FROM persons p WHERE p.id = $1 AND (p.name <> '' \
                 OR EXISTS (SELECT 1 FROM bindings b WHERE b.person = p.id AND b.ended_at IS NULL) \
                 OR EXISTS (SELECT 1 FROM grants g WHERE g.person = p.id \
                   AND (g.ends_at IS NULL OR g.ends_at > $2)))";
    let known = db::number(tx, known, [bound.from.into(), now.0.into()]).await? > 0;
    if free && !known { Ok(()) } else { Err(Code::AlreadyBound.into()) }
}

/// Makes the account the person's, and the household an active one.
///
/// # Errors
/// `already_bound` if the person logs in already or holds an office, or if the account is somebody's;
/// `guardian_needed` if the person is under 14.
async fn bind(tx: &Tx, bound: &Bound, by: Option<Uuid>, now: Instant) -> Outcome<()> {
    both_free(tx, bound, now).await?;
    let sql = "SELECT m.village, m.household, COALESCE(p.born_on, m.born_on) AS born_on \
               FROM bindings b JOIN persons p ON p.id = b.person \
               JOIN members m ON m.village = b.village AND m.household = b.household \
                 AND m.person = b.person \
               WHERE b.person = $1 AND b.ended_at IS NULL AND m.left_at IS NULL";
    let home = db::one::<HomeRow>(tx, sql, [bound.to.into()]).await?;
    let born_on = home.as_ref().and_then(|home| home.born_on.as_deref()?.parse().ok());
    if !is_grown_up(born_on, now.day()) {
        return Err(Code::GuardianNeeded.into());
    }
    let sql = "UPDATE accounts SET person = $2 WHERE id = $1 AND person = $3 \
               AND status = 'active'";
    let values: [Value; 3] = [bound.account.into(), bound.to.into(), bound.from.into()];
    if db::run(tx, sql, values).await? != 1 {
        return Err(Code::AlreadyBound.into());
    }
    // Whoever was forgotten comes back of their own will.
    let sql = "UPDATE persons SET erased_at = NULL WHERE id = $1";
    db::run(tx, sql, [bound.to.into()]).await?;
    let sql = "DELETE FROM persons WHERE id = $1 AND name = '' \
               AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.person = persons.id) \
               AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.person = persons.id)";
    db::run(tx, sql, [bound.from.into()]).await?;
    let region = home.as_ref().map_or(String::new(), |home| home.village.clone());
    let act = Act {
        region: &region,
        actor: by.or(Some(bound.to)),
        action: "account.bind",
        subject: bound.to.to_string(),
        detail: serde_json::json!({ "account": bound.account }),
    };
    audit::record(tx, now, act).await?;
    match home {
        Some(home) => settle_in(tx, &home, bound, now).await,
        None => Ok(()),
    }
}

/// The household has used the app now, and is told who can log in for it.
async fn settle_in(tx: &Tx, home: &HomeRow, bound: &Bound, now: Instant) -> Outcome<()> {
    let Ok(village) = home.village.parse::<Village>() else { return Ok(()) };
    calendar::touch(tx, &village, now).await?;
    let changed = changes::next(tx, &village).await?;
    let sql = "UPDATE households SET registered_by = 'account', version = version + 1, \
                 changed = $4, registered_at = COALESCE(registered_at, $3), \
                 activated_at = COALESCE(activated_at, $3) WHERE village = $1 AND id = $2";
    let values: [Value; 4] =
        [(&village).into(), home.household.into(), now.0.into(), changed.into()];
    db::run(tx, sql, values).await?;
    let notice = Notice {
        recipient: home.household,
        kind: "account_bound",
        subject: bound.to,
        detail: "本户有成员的微信已绑定；如非本人办理，请联系网格员".to_owned(),
    };
    households::tell(tx, &village, now, &[notice]).await
}
