//! The last row of each of many groups, found by its key however many rows a group has.

use sea_orm::{ConnectionTrait, DbBackend};

/// SQL: joins `table` as `alias`, to each row before it the one with the largest `order` for which
/// `condition` holds; `x` is the table in it. Rows without one are left out.
///
/// PostgreSQL would read the whole table for an ordinary join of a few hundred; SQLite knows no other.
pub fn join_last(
    on: &impl ConnectionTrait,
    table: &str,
    alias: &str,
    condition: &str,
    order: &str,
) -> String {
    let last = |what: &str| {
        format!("(SELECT {what} FROM {table} x WHERE {condition} ORDER BY {order} DESC LIMIT 1)")
    };
    match on.get_database_backend() {
        DbBackend::Postgres => format!("JOIN LATERAL {} {alias} ON TRUE", last("*")),
        _ => format!("JOIN {table} {alias} ON {alias}.rowid = {}", last("x.rowid")),
    }
}
