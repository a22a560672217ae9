//! One effect per key: the first answer is stored in the transaction of the effect and given again to
//! every retry, for 35 days; afterwards the client-made id of the thing still protects it.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::clock::Instant;
use super::db::{self, Column, Db, Given, Tx};
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

/// A key of somebody's, among others that take effect together.
pub struct Turn<'a> {
    pub key: &'a Key,
    pub scope: Scope<'a>,
}

impl Turn<'_> {
    fn name(&self) -> String {
        self.key.name(&self.scope)
    }
}

#[derive(FromQueryResult)]
struct Stored {
    digest: String,
    body: String,
}

impl Stored {
    fn answer<R: DeserializeOwned>(&self, key: &Key) -> Outcome<R> {
        if self.digest != key.digest {
            return Err(Code::IdempotencyKeyReused.into());
        }
        let body = serde_json::from_str(&self.body);
        body.map_err(|error| Problem::fault(format!("stored answer: {error}")))
    }
}

fn in_flight() -> Refusal {
    Refusal { retry_after: Some(1), ..Code::IdempotencyInFlight.into() }
}

fn stored_form<R: Serialize>(body: &R) -> Outcome<String> {
    let body = serde_json::to_string(body);
    body.map_err(|error| Problem::fault(format!("answer to store: {error}")))
}

/// As [`Key::once`] for many keys in one transaction: `effect` is told which of them are new, and says
/// what each of those came to. What it refuses must have written nothing.
///
/// # Errors
/// Of the whole group. Each key has its own of [`Key::once`].
pub async fn once_each<R: Serialize + DeserializeOwned>(
    tx: &Tx,
    turns: &[Turn<'_>],
    at: Instant,
    effect: impl AsyncFn(&[usize]) -> Outcome<Vec<Result<R, Refusal>>>,
) -> Outcome<Vec<Outcome<Done<R>>>> {
    let names: Vec<_> = turns.iter().map(Turn::name).collect();
    // A key that comes twice in one group has its first turn only.
    let mut free = db::try_locks(tx, &names.iter().cloned().collect()).await?;
    let known = stored_each(tx, turns).await?;
    let mut fresh = Vec::new();
    let mut outcomes: Vec<_> = turns.iter().map(|_| Err(in_flight().into())).collect();
    for ((place, turn), name) in turns.iter().enumerate().zip(&names) {
        if !free.remove(name) {
            continue;
        }
        let Some(outcome) = outcomes.get_mut(place) else { continue };
        match known.get(name) {
            Some(stored) => {
                let done = |body| Done { body, replayed: true };
                *outcome = stored.answer(turn.key).map(done);
            }
            None => fresh.push(place),
        }
    }
    let results = effect(&fresh).await?;
    store_each(tx, turns, at, &fresh, &results).await?;
    for (place, result) in fresh.into_iter().zip(results) {
        let Some(outcome) = outcomes.get_mut(place) else { continue };
        *outcome = result.map(|body| Done { body, replayed: false }).map_err(Problem::from);
    }
    Ok(outcomes)
}

async fn stored_each(tx: &Tx, turns: &[Turn<'_>]) -> Outcome<BTreeMap<String, Stored>> {
    #[derive(FromQueryResult)]
    struct Row {
        scope: String,
        account: Uuid,
        key: String,
        digest: String,
        body: String,
    }
    let columns = key_columns(turns.iter());
    let Given { table, values } = db::given(tx, 1, "given", &columns);
    let sql = format!(
        "SELECT k.scope, k.account, k.key, k.digest, k.body FROM idempotency_keys k \
         JOIN {table} ON given.scope = k.scope AND given.account = k.account \
           AND given.key = k.key"
    );
    let rows = db::all::<Row>(tx, &sql, values).await?;
    let named = |row: Row| {
        let name = format!("{}|{}|{}", row.scope, row.account, row.key);
        (name, Stored { digest: row.digest, body: row.body })
    };
    Ok(rows.into_iter().map(named).collect())
}

fn key_columns<'a>(turns: impl Iterator<Item = &'a Turn<'a>> + Clone) -> Vec<Column> {
    vec![
        Column::Text("scope", turns.clone().map(|it| it.scope.region.to_owned()).collect()),
        Column::Uuid("account", turns.clone().map(|it| it.scope.account).collect()),
        Column::Text("key", turns.map(|it| it.key.key.clone()).collect()),
    ]
}

async fn store_each<R: Serialize>(
    tx: &Tx,
    turns: &[Turn<'_>],
    at: Instant,
    fresh: &[usize],
    results: &[Result<R, Refusal>],
) -> Outcome<()> {
    let (mut taken, mut bodies) = (Vec::new(), Vec::new());
    for (place, result) in fresh.iter().zip(results) {
        if let (Some(turn), Ok(body)) = (turns.get(*place), result) {
            taken.push(turn);
            bodies.push(stored_form(body)?);
        }
    }
    let count = taken.len();
    let mut columns = key_columns(taken.iter().copied());
    columns.extend([
        Column::Text("digest", taken.iter().map(|it| it.key.digest.clone()).collect()),
        Column::Text("body", bodies),
        Column::Number("at", vec![at.0; count]),
    ]);
    db::bulk_insert(tx, "idempotency_keys", &columns, "").await?;
    Ok(())
}

impl Key {
    /// What its lock is called.
    fn name(&self, scope: &Scope<'_>) -> String {
        format!("{}|{}|{}", scope.region, scope.account, self.key)
    }

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
            if !db::try_lock(tx, &self.name(scope)).await? {
                return Err(in_flight().into());
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
        let stored = db::one::<Stored>(on, sql, values).await?;
        stored.map(|stored| stored.answer(self)).transpose()
    }

    async fn store<R: Serialize>(
        &self,
        tx: &Tx,
        scope: &Scope<'_>,
        at: Instant,
        body: &R,
    ) -> Outcome<()> {
        let body = stored_form(body)?;
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
