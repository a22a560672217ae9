//! Inserting many rows: columns go in as arrays on PostgreSQL, rows in few statements on SQLite.

use sea_orm::sea_query::ArrayType;
use sea_orm::{ConnectionTrait, DbBackend, Value};
use uuid::Uuid;

use super::{Tx, run};
use crate::kernel::problem::{Outcome, Problem};

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
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Uuid(name, _) | Self::Number(name, _) | Self::Text(name, _) => name,
            Self::MaybeUuid(name, _) | Self::MaybeNumber(name, _) => name,
            Self::MaybeText(name, _) | Self::Flag(name, _) => name,
        }
    }

    pub(super) fn len(&self) -> usize {
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

    pub(super) fn value(&self, row: usize) -> Value {
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
    pub(super) fn array(&self, name: &str) -> (&'static str, String, Value) {
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
    // Not `$1`: SQLite takes that for a name, and looks through all names for each of them.
    let tuple = format!("({})", vec!["?"; columns.len()].join(", "));
    for from in (0..rows).step_by(chunk) {
        let to = rows.min(from + chunk);
        let mut values = Vec::with_capacity((to - from) * columns.len());
        let mut tuples = Vec::with_capacity(to - from);
        for row in from..to {
            values.extend(columns.iter().map(|column| column.value(row)));
            tuples.push(tuple.as_str());
        }
        let tuples = tuples.join(", ");
        let sql = format!("INSERT INTO {table} ({names}) VALUES {tuples} {on_conflict}");
        written += run(tx, &sql, values).await?;
    }
    Ok(written)
}
