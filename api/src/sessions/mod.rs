//! Logging in: villagers by WeChat, staff by password and second factor; one session a device.

mod devices;
mod enrol;
mod login;
mod open;
mod refresh;
mod staff;
mod wechat;

use sea_orm::Value;
use uuid::Uuid;

pub use enrol::{NewStaff, enrol, hashed};
pub use open::{Device, Kind, Session, open};
pub use wechat::WeChat;

use crate::identity::Bearer;
use crate::kernel::clock::{DAY_MS, Instant};
use crate::kernel::db::{self, Db, Tx};
use crate::kernel::problem::Outcome;
use crate::kernel::routes::Routes;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(login::create_session)
        .service(refresh::refresh_session)
        .service(staff::create_staff_session)
        .service(enrol::enrol_staff)
        .service(enrol::enrol_self)
        .service(enrol::change_password)
        .service(devices::end_current_session)
        .service(devices::list_devices)
        .service(devices::end_device)
        .service(devices::end_devices);
}

/// Which sessions end.
#[derive(Clone, Copy, Debug)]
pub enum Ended {
    Session(Bearer),
    /// All of an account.
    Account(Uuid),
    /// All of all accounts of a person.
    Person(Uuid),
}

/// Ends sessions; their tokens are out with the next request. Returns how many ended.
pub async fn end(tx: &Tx, which: Ended, because: &str, now: Instant) -> Outcome<u64> {
    let (whose, account, session) = match which {
        Ended::Session(bearer) => ("account = $3 AND id = $4", bearer.account, bearer.session),
        Ended::Account(account) => ("account = $3 AND id <> $4", account, Uuid::nil()),
        Ended::Person(person) => (
            "account IN (SELECT id FROM accounts WHERE person = $3) AND id <> $4",
            person,
            Uuid::nil(),
        ),
    };
    let sql = format!(
        "UPDATE sessions SET ended_at = $1, ended_because = $2 WHERE ended_at IS NULL AND {whose}"
    );
    let values: [Value; 4] = [now.0.into(), because.into(), account.into(), session.into()];
    Ok(db::run(tx, &sql, values).await?)
}

/// Takes a person's WeChat logins away; their accounts are over, and what staff log in with stays.
pub async fn forget_wechat(tx: &Tx, person: Uuid, now: Instant) -> Outcome<()> {
    let accounts = "SELECT a.id FROM accounts a WHERE a.person = $1 \
                    AND NOT EXISTS (SELECT 1 FROM staff_logins l WHERE l.account = a.id)";
    let sql = format!("DELETE FROM wechat_logins WHERE account IN ({accounts})");
    db::run(tx, &sql, [person.into()]).await?;
    let sql = format!("UPDATE accounts SET status = 'disabled' WHERE id IN ({accounts})");
    db::run(tx, &sql, [person.into()]).await?;
    end(tx, Ended::Person(person), "unbound", now).await?;
    Ok(())
}

/// Forgets sessions that ended or expired a month ago, refresh tokens used a week ago, and failed
/// logins of yesterday. A token older than that is unknown, which refuses it as well.
pub async fn sweep(db: &Db, now: Instant) -> Outcome<()> {
    let month_ago = now.0 - 30 * DAY_MS;
    db.write(async |tx| {
        let sql = "DELETE FROM refresh_tokens WHERE used_at < $1";
        db::run(tx, sql, [(now.0 - 7 * DAY_MS).into()]).await?;
        let sql = "DELETE FROM refresh_tokens WHERE (account, session) IN \
                   (SELECT account, id FROM sessions WHERE expires_at < $1)";
        db::run(tx, sql, [month_ago.into()]).await?;
        let sql = "DELETE FROM sessions WHERE expires_at < $1";
        db::run(tx, sql, [month_ago.into()]).await?;
        let sql = "DELETE FROM staff_failures WHERE last_at < $1";
        db::run(tx, sql, [(now.0 - DAY_MS).into()]).await?;
        Ok(())
    })
    .await
}
