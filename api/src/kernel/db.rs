//! The database: one connection pool, one way to write, and every difference between SQLite and
//! PostgreSQL.

use std::time::Duration;

use rand::Rng;
use sea_orm::sea_query::ArrayType;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, FromQueryResult, RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait, Value,
};
use uuid::Uuid;

use super::problem::{Outcome, Problem};

/// A write in progress: everything in it happens, or nothing.
pub type Tx = DatabaseTransaction;

const TRIES: u32 = 5;

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
                Err(Problem::Database(error)) if tries < TRIES && asks_for_retry(&error) => {
                    let jitter = rand::rng().random_range(1..=20);
                    tokio::time::sleep(Duration::from_millis(u64::from(tries * jitter))).await;
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn attempt<T>(&self, work: &impl AsyncFn(&Tx) -> Outcome<T>) -> Outcome<T> {
        // Ignored by PostgreSQL. A deferred transaction that writes after reading can fail on
        // SQLite however long it waits.
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let tx = self.write.begin_with_options(immediate).await?;
        let done = work(&tx).await;
        match done {
            Ok(value) => {
                tx.commit().await?;
                Ok(value)
            }
            Err(problem) => {
                tx.rollback().await?;
                Err(problem)
            }
        }
    }
}

fn options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(0)
        .acquire_timeout(Duration::from_secs(10))
        .sqlx_logging(false);
    options
}

fn sqlite(mut options: ConnectOptions) -> ConnectOptions {
    options.map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
    });
    options
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

/// Whether the same request may succeed a little later.
pub fn is_passing(error: &DbErr) -> bool {
    asks_for_retry(error) || matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_))
}

fn statement(on: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Statement {
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

/// What a SELECT ends in to keep a row unchanged by others until the transaction ends.
///
/// Empty on SQLite, where the whole write transaction is exclusive already.
pub fn exclusively(on: &impl ConnectionTrait) -> &'static str {
    match on.get_database_backend() {
        DbBackend::Postgres => " FOR UPDATE",
        _ => "",
    }
}

/// As [`exclusively`], but together with others who only want the row to stay as it is.
pub fn shared(on: &impl ConnectionTrait) -> &'static str {
    match on.get_database_backend() {
        DbBackend::Postgres => " FOR SHARE",
        _ => "",
    }
}

/// Takes the lock named `name` until the transaction ends, or says `false` at once.
///
/// Always `true` on SQLite: its one writer has waited already.
pub async fn try_lock(tx: &Tx, name: &str) -> Result<bool, DbErr> {
    if tx.get_database_backend() != DbBackend::Postgres {
        return Ok(true);
    }
    let sql = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS taken";
    let row = tx.query_one_raw(statement(tx, sql, vec![name.into()])).await?;
    row.map_or(Ok(false), |row| row.try_get("", "taken"))
}

/// A column of rows to insert: its name and one value for every row.
pub enum Column {
    Uuid(&'static str, Vec<Uuid>),
    Number(&'static str, Vec<i64>),
    Text(&'static str, Vec<String>),
    Flag(&'static str, Vec<bool>),
    MaybeUuid(&'static str, Vec<Option<Uuid>>),
    MaybeNumber(&'static str, Vec<Option<i64>>),
    MaybeText(&'static str, Vec<Option<String>>),
}

impl Column {
    fn name(&self) -> &'static str {
        match self {
            Self::Uuid(name, _) | Self::Number(name, _) | Self::Text(name, _) => name,
            Self::MaybeUuid(name, _) | Self::MaybeNumber(name, _) => name,
            Self::MaybeText(name, _) | Self::Flag(name, _) => name,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Uuid(_, rows) => rows.len(),
            Self::Number(_, rows) => rows.len(),
            Self::Text(_, rows) => rows.len(),
            Self::Flag(_, rows) => rows.len(),
            Self::MaybeUuid(_, rows) => rows.len(),
            Self::MaybeNumber(_, rows) => rows.len(),
            Self::MaybeText(_, rows) => rows.len(),
        }
    }

    fn value(&self, row: usize) -> Value {
        match self {
            Self::Uuid(_, rows) => rows.get(row).copied().into(),
            Self::Number(_, rows) => rows.get(row).copied().into(),
            Self::Text(_, rows) => rows.get(row).cloned().into(),
            Self::Flag(_, rows) => rows.get(row).copied().into(),
            Self::MaybeUuid(_, rows) => rows.get(row).copied().flatten().into(),
            Self::MaybeNumber(_, rows) => rows.get(row).copied().flatten().into(),
            Self::MaybeText(_, rows) => rows.get(row).cloned().flatten().into(),
        }
    }

    /// The array parameter for PostgreSQL and how its elements become the column's values.
    ///
    /// The driver's arrays hold no NULL, so columns that may be empty travel as text, where the unit
    /// separator stands for NULL.
    fn array(&self, name: &str) -> (&'static str, String, Value) {
        const NULL: &str = "\u{1f}";
        let array = |ty, values| Value::Array(ty, Some(Box::new(values)));
        let values = (0..self.len()).map(|row| self.value(row));
        let text = |value: Value| -> Value {
            match value {
                Value::Uuid(Some(id)) => id.to_string().into(),
                Value::BigInt(Some(number)) => number.to_string().into(),
                Value::String(Some(text)) => text.into(),
                _ => NULL.into(),
            }
        };
        let maybe = |ty: &str| format!("NULLIF({name}, U&'\\001F')::{ty}");
        match self {
            Self::Uuid(..) => ("uuid[]", name.to_owned(), array(ArrayType::Uuid, values.collect())),
            Self::Number(..) => {
                ("bigint[]", name.to_owned(), array(ArrayType::BigInt, values.collect()))
            }
            Self::Text(..) => {
                ("text[]", name.to_owned(), array(ArrayType::String, values.collect()))
            }
            Self::Flag(..) => {
                ("boolean[]", name.to_owned(), array(ArrayType::Bool, values.collect()))
            }
            Self::MaybeUuid(..) => {
                ("text[]", maybe("uuid"), array(ArrayType::String, values.map(text).collect()))
            }
            Self::MaybeNumber(..) => {
                ("text[]", maybe("bigint"), array(ArrayType::String, values.map(text).collect()))
            }
            Self::MaybeText(..) => {
                ("text[]", maybe("text"), array(ArrayType::String, values.map(text).collect()))
            }
        }
    }
}

/// Inserts many rows: one statement on PostgreSQL, few on SQLite. `on_conflict` is appended as it is,
/// e.g. `ON CONFLICT DO NOTHING`. Returns the number of rows written.
///
/// # Errors
/// A fault if the columns differ in length.
pub async fn bulk_insert(
    tx: &Tx,
    table: &str,
    columns: &[Column],
    on_conflict: &str,
) -> Outcome<u64> {
    let rows = columns.first().map_or(0, Column::len);
    if columns.iter().any(|column| column.len() != rows) {
        return Err(Problem::fault(format!("columns of {table} differ in length")));
    }
    if rows == 0 {
        return Ok(0);
    }
    let names: Vec<_> = columns.iter().map(Column::name).collect();
    let names = names.join(", ");
    if tx.get_database_backend() == DbBackend::Postgres {
        let arrays: Vec<_> = columns.iter().map(|column| column.array(column.name())).collect();
        let unnest: Vec<_> =
            arrays.iter().enumerate().map(|(at, (ty, ..))| format!("${}::{ty}", at + 1)).collect();
        let select: Vec<_> = arrays.iter().map(|(_, expression, _)| expression.as_str()).collect();
        // "WHERE true" keeps ON CONFLICT from being read as a join condition.
        let sql = format!(
            "INSERT INTO {table} ({names}) SELECT {} FROM UNNEST({}) AS rows({names}) WHERE true {on_conflict}",
            select.join(", "),
            unnest.join(", "),
        );
        return Ok(run(tx, &sql, arrays.into_iter().map(|(.., array)| array)).await?);
    }
    let mut written = 0;
    // SQLite takes 32,766 parameters in a statement.
    let chunk = (32_000 / columns.len()).min(500);
    for from in (0..rows).step_by(chunk) {
        let to = rows.min(from + chunk);
        let mut values = Vec::with_capacity((to - from) * columns.len());
        let mut tuples = Vec::with_capacity(to - from);
        for row in from..to {
            let first = values.len() + 1;
            values.extend(columns.iter().map(|column| column.value(row)));
            let parameters: Vec<_> = (first..=values.len()).map(|at| format!("${at}")).collect();
            tuples.push(format!("({})", parameters.join(", ")));
        }
        let tuples = tuples.join(", ");
        let sql = format!("INSERT INTO {table} ({names}) VALUES {tuples} {on_conflict}");
        written += run(tx, &sql, values).await?;
    }
    Ok(written)
}
