//! Which of several processes does what one is enough for: a row with a holder, a term, and an epoch
//! that rises with every change of hands.
//!
//! A lease saves work, it does not make work safe: a process that was stopped in mid-work goes on after
//! its term without knowing. So whoever works under a lease asks, within each transaction, whether its
//! epoch is still the last one (fencing), and what it writes has unique keys besides.

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::clock::Instant;
use super::db::{self, Db, Tx};
use super::problem::Outcome;

/// Milliseconds after which a lease that nobody renewed may be taken by another.
pub const TERM_MS: i64 = 15_000;

/// A lease that this process may ask for.
pub struct Lease {
    name: &'static str,
    /// This process; another one after a restart.
    holder: Uuid,
}

/// The lease as it was taken. It is lost when another took it since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    name: &'static str,
    epoch: i64,
    /// When it was taken or renewed last.
    since: Instant,
}

#[derive(FromQueryResult)]
struct Row {
    epoch: i64,
}

impl Lease {
    pub fn new(name: &'static str) -> Self {
        Self { name, holder: Uuid::now_v7() }
    }

    /// Takes the lease if it is free, its term is over, or it is ours already, which renews it.
    pub async fn take(&self, db: &Db, now: Instant) -> Outcome<Option<Held>> {
        let sql = "INSERT INTO leases (name, holder, epoch, until) VALUES ($1, $2, 1, $3) \
                   ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until, \
                     epoch = leases.epoch \
                       + CASE WHEN leases.holder = excluded.holder THEN 0 ELSE 1 END \
                   WHERE leases.holder = excluded.holder OR leases.until <= $4";
        let until = now.0 + TERM_MS;
        let row = db.write(async |tx| {
            let values: [Value; 4] =
                [self.name.into(), self.holder.into(), until.into(), now.0.into()];
            db::run(tx, sql, values).await?;
            let sql = "SELECT epoch FROM leases WHERE name = $1 AND holder = $2";
            Ok(db::one::<Row>(tx, sql, [self.name.into(), self.holder.into()]).await?)
        });
        let held = |row: Row| Held { name: self.name, epoch: row.epoch, since: now };
        Ok(row.await?.map(held))
    }

    /// Lets another take it at once.
    pub async fn release(&self, db: &Db) -> Outcome<()> {
        let sql = "UPDATE leases SET until = 0 WHERE name = $1 AND holder = $2";
        db.write(async |tx| {
            db::run(tx, sql, [self.name.into(), self.holder.into()]).await?;
            Ok(())
        })
        .await
    }
}

impl Held {
    /// Whether half of the term is over: time to renew it.
    pub fn is_old(&self, now: Instant) -> bool {
        now.0 - self.since.0 > TERM_MS / 2
    }

    /// Whether nobody has taken it since, as this transaction sees it.
    pub async fn is_ours(&self, tx: &Tx) -> Outcome<bool> {
        let sql = "SELECT epoch FROM leases WHERE name = $1";
        Ok(db::number(tx, sql, [self.name.into()]).await? == self.epoch)
    }
}
