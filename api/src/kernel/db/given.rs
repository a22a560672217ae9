//! Rows that a statement brings with it, to be joined like a table: the same text however many there are.

use sea_orm::{ConnectionTrait, DbBackend, Value};

use super::Column;

/// A table of given rows: what stands in FROM, and its parameters.
pub struct Given {
    pub table: String,
    pub values: Vec<Value>,
}

/// The rows of `columns`, which hold no NULL, as a table named `alias`; parameters begin with `$from`.
pub fn given(on: &impl ConnectionTrait, from: usize, alias: &str, columns: &[Column]) -> Given {
    let names: Vec<_> = columns.iter().map(Column::name).collect();
    if on.get_database_backend() == DbBackend::Postgres {
        let arrays: Vec<_> = columns.iter().map(|column| column.array(column.name())).collect();
        let types = arrays.iter().enumerate().map(|(at, (ty, ..))| format!("${}::{ty}", from + at));
        let types: Vec<_> = types.collect();
        let table = format!("UNNEST({}) AS {alias} ({})", types.join(", "), names.join(", "));
        return Given { table, values: arrays.into_iter().map(|(.., array)| array).collect() };
    }
    let named = names.iter().enumerate().map(|(at, name)| format!("column{} AS {name}", at + 1));
    let named: Vec<_> = named.collect();
    let rows = columns.first().map_or(0, Column::len);
    let (mut place, mut values, mut tuples) = (from, Vec::new(), Vec::with_capacity(rows));
    for row in 0..rows {
        let places: Vec<_> = (place..place + columns.len()).map(|at| format!("${at}")).collect();
        place += columns.len();
        values.extend(columns.iter().map(|column| column.value(row)));
        tuples.push(format!("({})", places.join(", ")));
    }
    let rows = match tuples.is_empty() {
        true => format!("SELECT {} WHERE FALSE", vec!["NULL"; columns.len()].join(", ")),
        false => format!("VALUES {}", tuples.join(", ")),
    };
    let named = match tuples.is_empty() {
        true => names.iter().map(|name| format!("NULL AS {name}")).collect::<Vec<_>>().join(", "),
        false => named.join(", "),
    };
    Given { table: format!("(SELECT {named} FROM ({rows})) AS {alias}"), values }
}
