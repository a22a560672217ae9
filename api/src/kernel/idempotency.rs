//! One effect per key: the first answer is stored in the transaction of the effect and given again to
//! every retry, for 35 days; afterwards the client-made id of the thing still protects it.

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::clock::Instant;
use super::db::{self, Db, Tx};
use super::problem::{Code, Outcome, Problem, Refusal};

/// How long an answer is kept.
pub const KEPT_DAYS: i64 = 35;

/// A key and what it was sent with.
pub struct Key {
    /// 1–255 visible ASCII characters.
    pub key: String,
    /// Keyed digest of method, path, query and body, in hex.
    pub digest: String,
}

/// Whose keys these are: the village, region or `session`, and the account.
pub struct Scope<'a> {
    pub region: &'a str,
    pub account: Uuid,
}

/// An answer, and whether it was given before.
pub struct Done<R> {
    pub body: R,
    pub replayed: bool,
}

#[derive(FromQueryResult)]
struct Stored {
    digest: String,
    body: String,
}

impl Key {
    /// Runs `effect` in a transaction, or gives its stored answer again.
    ///
    /// # Errors
    /// `idempotency_in_flight` while the same key is being processed, `idempotency_key_reused` if it
    /// came with another request before.
    pub async fn once<R: Serialize + DeserializeOwned>(
        &self,
        db: &Db,
        scope: &Scope<'_>,
        at: Instant,
        effect: impl AsyncFn(&Tx) -> Outcome<R>,
    ) -> Outcome<Done<R>> {
        db.write(async |tx| {
            let name = format!("{}|{}|{}", scope.region, scope.account, self.key);
            if !db::try_lock(tx, &name).await? {
                let wait = Refusal { retry_after: Some(1), ..Code::IdempotencyInFlight.into() };
                return Err(wait.into());
            }
            if let Some(body) = self.stored(tx, scope).await? {
                return Ok(Done { body, replayed: true });
            }
            let body = effect(tx).await?;
            self.store(tx, scope, at, &body).await?;
            Ok(Done { body, replayed: false })
        })
        .await
    }

    /// The answer that was given to this key before.
    ///
    /// # Errors
    /// `idempotency_key_reused` if it came with another request.
    pub async fn stored<R: DeserializeOwned>(
        &self,
        on: &impl ConnectionTrait,
        scope: &Scope<'_>,
    ) -> Outcome<Option<R>> {
        let sql = "SELECT digest, body FROM idempotency_keys \
                   WHERE scope = $1 AND account = $2 AND key = $3";
        let values: [Value; 3] =
            [scope.region.into(), scope.account.into(), self.key.as_str().into()];
        let Some(stored) = db::one::<Stored>(on, sql, values).await? else { return Ok(None) };
        if stored.digest != self.digest {
            return Err(Code::IdempotencyKeyReused.into());
        }
        let body = serde_json::from_str(&stored.body);
        body.map(Some).map_err(|error| Problem::fault(format!("stored answer: {error}")))
    }

    async fn store<R: Serialize>(
        &self,
        tx: &Tx,
        scope: &Scope<'_>,
        at: Instant,
        body: &R,
    ) -> Outcome<()> {
        let body = serde_json::to_string(body)
            .map_err(|error| Problem::fault(format!("answer to store: {error}")))?;
        let sql = "INSERT INTO idempotency_keys (scope, account, key, digest, body, at) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let values: [Value; 6] = [
            scope.region.into(),
            scope.account.into(),
            self.key.as_str().into(),
            self.digest.as_str().into(),
            body.into(),
            at.0.into(),
        ];
        db::run(tx, sql, values).await?;
        Ok(())
    }
}

/// Forgets answers older than [`KEPT_DAYS`]; returns how many.
pub async fn sweep(db: &Db, now: Instant) -> Outcome<u64> {
    let before = now.plus_days(-KEPT_DAYS).0;
    db.write(async |tx| {
        Ok(db::run(tx, "DELETE FROM idempotency_keys WHERE at < $1", [before.into()]).await?)
    })
    .await
}

/// Forgets all answers that a person's accounts were given: they can hold what names them.
pub async fn forget(tx: &Tx, person: Uuid) -> Outcome<()> {
    let sql = "DELETE FROM idempotency_keys \
               WHERE account IN (SELECT id FROM accounts WHERE person = $1)";
    db::run(tx, sql, [person.into()]).await?;
    Ok(())
}

/// Forgets the answers of a scope that name an id: what was stored of somebody who is forgotten.
pub async fn forget_where(tx: &Tx, scope: &str, id: &str) -> Outcome<()> {
    let sql = "DELETE FROM idempotency_keys WHERE scope = $1 AND body LIKE $2";
    db::run(tx, sql, [scope.into(), format!("%{id}%").into()]).await?;
    Ok(())
}
