//! Everything that the database holds, to see that a refused request wrote nothing anywhere.

use std::collections::BTreeMap;

use api::kernel::db;
use sea_orm::FromQueryResult;

use crate::support::World;

/// One query over all tables.
pub struct Tables<'a> {
    world: &'a World,
    sql: String,
}

/// The content of each table, or a digest of it.
pub struct Contents(BTreeMap<String, String>);

#[derive(FromQueryResult)]
struct Column {
    table_name: String,
    column_name: String,
}

#[derive(FromQueryResult)]
struct Content {
    name: String,
    content: String,
}

impl<'a> Tables<'a> {
    pub async fn of(world: &'a World) -> Self {
        // Who does the calendar's work is written by the ticker, whatever was asked.
        let sql = if world.is_postgres() {
            "SELECT CAST(table_name AS TEXT) AS table_name, CAST(column_name AS TEXT) AS column_name \
             FROM information_schema.columns WHERE table_schema = 'public' \
               AND table_name <> 'leases' \
               AND table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = 'public')"
        } else {
            "SELECT m.name AS table_name, c.name AS column_name \
             FROM sqlite_master m, pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'leases'"
        };
        let rows = db::all::<Column>(world.app.db.read(), sql, []).await.expect("the columns");
        let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for Column { table_name, column_name } in rows {
            columns.entry(table_name).or_default().push(column_name);
        }
        assert!(columns.len() > 20, "{} tables", columns.len());
        let content = |(table, columns): (&String, &Vec<String>)| {
            let whole = if world.is_postgres() {
                "md5(COALESCE(string_agg(CAST(t AS TEXT), ';' ORDER BY CAST(t AS TEXT)), ''))"
                    .to_owned()
            } else {
                let quoted: Vec<_> = columns.iter().map(|it| format!("quote(\"{it}\")")).collect();
                format!("COALESCE(group_concat({}, ';'), '')", quoted.join("||"))
            };
            format!("SELECT '{table}' AS name, {whole} AS content FROM \"{table}\" AS t")
        };
        let parts: Vec<_> = columns.iter().map(content).collect();
        Self { world, sql: parts.join(" UNION ALL ") }
    }

    pub async fn contents(&self) -> Contents {
        let on = self.world.app.db.read();
        let rows = db::all::<Content>(on, &self.sql, []).await.expect("the content");
        Contents(rows.into_iter().map(|row| (row.name, row.content)).collect())
    }
}

impl Contents {
    /// The tables that are not as they were.
    pub fn changed(&self, later: &Self) -> Vec<String> {
        let differs = |(name, content): &(&String, &String)| later.0.get(*name) != Some(*content);
        self.0.iter().filter(differs).map(|(name, _)| name.clone()).collect()
    }
}
