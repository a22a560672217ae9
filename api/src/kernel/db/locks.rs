//! What a transaction keeps others from: rows and names, on PostgreSQL; on SQLite it is alone anyway.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult, Value};

use super::{Column, Given, Tx, all, given, statement};

/// What a SELECT ends in to keep a row unchanged by others until the transaction ends.
///
/// Empty on SQLite, where the whole write transaction is exclusive already.
pub fn exclusively(on: &impl ConnectionTrait) -> &'static str {
    match on.get_database_backend() {
        // The keys stay as they are, so that rows which refer to this one can still be written.
        DbBackend::Postgres => " FOR NO KEY UPDATE",
        _ => "",
    }
}

/// As [`exclusively`], in a join, for the rows of one alias only.
pub fn exclusively_of(on: &impl ConnectionTrait, alias: &str) -> String {
    match on.get_database_backend() {
        DbBackend::Postgres => format!(" FOR NO KEY UPDATE OF {alias}"),
        _ => String::new(),
    }
}

/// As [`exclusively`], but together with others who only want the row to stay as it is.
pub fn shared(on: &impl ConnectionTrait) -> &'static str {
    match on.get_database_backend() {
        DbBackend::Postgres => " FOR SHARE",
        _ => "",
    }
}

/// As [`shared`], in a join, for the rows of one alias only.
pub fn shared_of(on: &impl ConnectionTrait, alias: &str) -> String {
    match on.get_database_backend() {
        DbBackend::Postgres => format!(" FOR SHARE OF {alias}"),
        _ => String::new(),
    }
}

/// Has this transaction fail rather than wait long for what another one holds; on SQLite it holds all
/// there is to wait for.
pub async fn wait_briefly(tx: &Tx) -> Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared("SET LOCAL lock_timeout = '200ms'").await?;
    }
    Ok(())
}

/// Takes the lock named `name` until the transaction ends, after whoever has it now.
pub async fn lock(tx: &Tx, name: &str) -> Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        tx.execute_raw(statement(tx, sql, vec![name.into()])).await?;
    }
    Ok(())
}

/// Takes the locks of these names in their order until the transaction ends, in one statement.
pub async fn lock_all(tx: &Tx, names: &BTreeSet<String>) -> Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres && !names.is_empty() {
        let rows: Vec<_> = (1..=names.len()).map(|at| format!("(${at}, {at})")).collect();
        let sql = format!(
            "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) \
             FROM (SELECT name FROM (VALUES {}) AS v (name, place) ORDER BY place) AS names",
            rows.join(", ")
        );
        tx.execute_raw(statement(tx, &sql, names.iter().map(Value::from).collect())).await?;
    }
    Ok(())
}

/// Takes those of the locks of these names that nobody else has, until the transaction ends; says which.
///
/// All on SQLite: its one writer has waited already.
pub async fn try_locks(tx: &Tx, names: &BTreeSet<String>) -> Result<BTreeSet<String>, DbErr> {
    #[derive(FromQueryResult)]
    struct Row {
        name: String,
    }
    if tx.get_database_backend() != DbBackend::Postgres {
        return Ok(names.clone());
    }
    let Given { table, values } =
        given(tx, 1, "given", &[Column::Text("name", names.iter().cloned().collect())]);
    let sql = format!(
        "SELECT name FROM {table} WHERE pg_try_advisory_xact_lock(hashtextextended(name, 0))"
    );
    let rows = all::<Row>(tx, &sql, values).await?;
    Ok(rows.into_iter().map(|row| row.name).collect())
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
