//! The database: one connection pool, one way to write, and every difference between SQLite and
//! PostgreSQL.

mod bulk;
mod connect;
mod given;
mod last;
mod locks;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::Rng;
use sea_orm::sqlx;
use sea_orm::{
    AccessMode, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, FromQueryResult, IsolationLevel, RuntimeErr, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait, Value,
};
use uuid::Uuid;

pub use bulk::{Column, bulk_insert};
use connect::{options, sqlite};
pub use given::{Given, given};
pub use last::join_last;
pub use locks::{
    exclusively, exclusively_of, lock, lock_all, shared, shared_of, try_lock, try_locks,
    wait_briefly,
};

use super::problem::{Code, Outcome, Problem, Refusal};

/// A write in progress: everything in it happens, or nothing.
pub type Tx = DatabaseTransaction;

const TRIES: u32 = 5;

/// How many statements and transactions requests have begun in this process.
static BEGUN: AtomicU64 = AtomicU64::new(0);

tokio::task_local! {
    /// Set within a request: what the ticker does meanwhile is not counted.
    static COUNTED: ();
}

/// Counts what `work` asks the database.
pub async fn counted<F: Future>(work: F) -> F::Output {
    COUNTED.scope((), work).await
}

/// How many statements and transactions requests have begun in this process: what it rises by while a
/// list is read must not depend on how long the list is.
pub fn statements() -> u64 {
    BEGUN.load(Ordering::Relaxed)
}

fn count() {
    if COUNTED.try_get().is_ok() {
        BEGUN.fetch_add(1, Ordering::Relaxed);
    }
}

/// The two pools: on SQLite reads never wait for the one writer, on PostgreSQL they are the same.
#[derive(Clone)]
pub struct Db {
    read: DatabaseConnection,
    write: DatabaseConnection,
}

impl Db {
    /// Connects to `sqlite://path` or `postgres://…`.
    pub async fn connect(url: &str, connections: u32) -> Result<Self, DbErr> {
        if !url.starts_with("sqlite:") {
            let pool = Database::connect(options(url, connections)).await?;
            return Ok(Self { read: pool.clone(), write: pool });
        }
        // One writer: SQLite has one anyway, and waiting here is fair where SQLITE_BUSY is not.
        let write = Database::connect(sqlite(options(url, 1))).await?;
        let read = Database::connect(sqlite(options(url, connections))).await?;
        Ok(Self { read, write })
    }

    /// Closes both pools; of an SQLite file the last one writes the journal back, so that the file alone
    /// is the database.
    pub async fn close(self) -> Result<(), DbErr> {
        self.read.close().await?;
        self.write.close().await
    }

    /// For statements outside a transaction: reads, and the migrator.
    pub fn read(&self) -> &DatabaseConnection {
        &self.read
    }

    /// The connection that may change the schema.
    pub fn schema(&self) -> &DatabaseConnection {
        &self.write
    }

    pub fn backend(&self) -> DbBackend {
        self.read.get_database_backend()
    }

    /// Runs `work` in one transaction and commits it; tries again, at most five times in all, when
    /// the database asks for it (deadlock, serialisation failure, busy).
    pub async fn write<T>(&self, work: impl AsyncFn(&Tx) -> Outcome<T>) -> Outcome<T> {
        let mut tries = 1;
        loop {
            match self.attempt(&work).await {
                Err(Problem::Database(error))
                    if tries < TRIES && (asks_for_retry(&error) || is_broken(&error)) =>
                {
                    let jitter = rand::rng().random_range(1..=20);
                    tokio::time::sleep(Duration::from_millis(u64::from(tries * jitter))).await;
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// Runs `work`, which only reads, on the database as it is at one moment: what others write meanwhile
    /// is not seen.
    pub async fn snapshot<T>(&self, work: impl AsyncFn(&Tx) -> Outcome<T>) -> Outcome<T> {
        // A deferred transaction of SQLite sees one moment anyway.
        let (isolation, access) = match self.backend() {
            DbBackend::Postgres => {
                (Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly))
            }
            _ => (None, None),
        };
        let options = TransactionOptions {
            isolation_level: isolation,
            access_mode: access,
            sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
        };
        count();
        let tx = self.read.begin_with_options(options).await?;
        let done = work(&tx).await;
        // Nothing was written.
        let _ = tx.rollback().await;
        done
    }

    async fn attempt<T>(&self, work: &impl AsyncFn(&Tx) -> Outcome<T>) -> Outcome<T> {
        // Ignored by PostgreSQL. A deferred transaction that writes after reading can fail on
        // SQLite however long it waits.
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        count();
        let tx = self.write.begin_with_options(immediate).await?;
        let done = work(&tx).await;
        match done {
            Ok(value) => match tx.commit().await {
                Err(error) if is_broken(&error) => {
                    // Whether it took effect only the same key can tell, so it is not tried again here.
                    tracing::error!(cause = %error, "a commit was not answered");
                    Err(Refusal { retry_after: Some(1), ..Code::Busy.into() }.into())
                }
                done => done.map(|()| value).map_err(Problem::from),
            },
            Err(problem) => {
                // A broken connection cannot roll back: the server does when it is gone.
                let _ = tx.rollback().await;
                Err(problem)
            }
        }
    }
}

/// The SQLSTATE of PostgreSQL or the result code of SQLite.
fn state_of(error: &DbErr) -> Option<String> {
    let (DbErr::Conn(cause) | DbErr::Exec(cause) | DbErr::Query(cause)) = error else {
        return None;
    };
    let RuntimeErr::SqlxError(error) = cause else { return None };
    error.as_database_error()?.code().map(|code| code.into_owned())
}

/// Serialisation failure, deadlock, or one of SQLite's BUSY codes.
fn asks_for_retry(error: &DbErr) -> bool {
    let state = state_of(error);
    matches!(state.as_deref(), Some("40001" | "40P01" | "5" | "261" | "517"))
}

/// Whether the connection is gone, and with it what was not committed.
fn is_broken(error: &DbErr) -> bool {
    let (DbErr::Conn(cause) | DbErr::Exec(cause) | DbErr::Query(cause)) = error else {
        return false;
    };
    let lost =
        matches!(cause, RuntimeErr::SqlxError(error) if matches!(**error, sqlx::Error::Io(_)));
    lost || matches!(state_of(error).as_deref(), Some("25P03" | "57P01" | "57P02" | "57P03"))
}

/// Whether the same request may succeed a little later.
pub fn is_passing(error: &DbErr) -> bool {
    asks_for_retry(error)
        || is_broken(error)
        || matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_))
}

/// The id that a database was given when it was made.
pub async fn identity(on: &impl ConnectionTrait) -> Result<String, DbErr> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    let row = one::<Row>(on, "SELECT id FROM databases", []).await?;
    Ok(row.map(|row| row.id.to_string()).unwrap_or_default())
}

/// Every statement is made here, and counted.
fn statement(on: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Statement {
    count();
    Statement::from_sql_and_values(on.get_database_backend(), sql, values)
}

/// All rows of a query. Parameters are `$1`, `$2` … on both databases.
pub async fn all<T: FromQueryResult>(
    on: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<T>, DbErr> {
    let statement = statement(on, sql, values.into_iter().collect());
    T::find_by_statement(statement).all(on).await
}

/// The first row of a query, if there is one.
pub async fn one<T: FromQueryResult>(
    on: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<T>, DbErr> {
    let statement = statement(on, sql, values.into_iter().collect());
    T::find_by_statement(statement).one(on).await
}

/// The integer that a query of one row and one column yields; 0 when there is none.
pub async fn number(
    on: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<i64, DbErr> {
    let row = on.query_one_raw(statement(on, sql, values.into_iter().collect())).await?;
    match row {
        Some(row) => Ok(row.try_get_by_index::<Option<i64>>(0)?.unwrap_or_default()),
        None => Ok(0),
    }
}

/// Runs a statement; the number of rows it changed.
pub async fn run(
    on: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, DbErr> {
    let done = on.execute_raw(statement(on, sql, values.into_iter().collect())).await?;
    Ok(done.rows_affected())
}

/// Has statements planned anew, those behind foreign keys among them: after tables have grown within a
/// transaction, a plan that was kept from when they were small can read them whole for every row.
/// Nothing on SQLite, which always takes the index of a foreign key.
pub async fn forget_plans(tx: &Tx) -> Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared("DISCARD PLANS").await?;
    }
    Ok(())
}
