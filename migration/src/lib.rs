//! The schema, one step a file. Each step goes up and down; every constraint has a name.
//!
//! Steps are SQL that both databases understand, with words replaced: `{code}` (text compared byte by
//! byte), `{uuid}`, `{random_uuid}`, `{now}` (milliseconds), `{month_of_sheet}`, `{append_only:table}` (triggers that refuse UPDATE and DELETE), `{refuse …}`,
//! and what takes the last two back where the table stays: `{changeable:table}`, `{let …}`.

pub use sea_orm_migration::{MigratorTrait, SchemaManager};

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::MigrationTrait;

mod m20261122_000001_create_people;
mod m20261122_000002_create_regions;
mod m20261122_000003_create_claims;
mod m20261122_000004_create_ledger;
mod m20261122_000005_create_cycle;
mod m20261122_000006_create_redemptions;
mod m20261122_000007_create_sessions;
mod m20261122_000008_extend_people;
mod m20261122_000009_create_grid_moves;
mod m20261122_000010_keep_windows;
mod m20261122_000011_create_photos;
mod m20261122_000012_create_rule_drafts;
mod m20261122_000013_extend_claims;
mod m20261122_000014_index_lists;
mod m20261122_000015_extend_reviews;
mod m20261122_000016_extend_objections;
mod m20261122_000017_create_reversals;
mod m20261122_000018_add_proofs;
mod m20261122_000019_extend_shop;
mod m20261122_000020_create_awards;
mod m20261122_000021_create_leases;
mod m20261122_000022_rank_reversals;
mod m20261122_000023_keep_withdrawals;
mod m20261122_000024_extend_rankings;
mod m20261122_000025_fund_redemptions;
mod m20261122_000026_rank_categories;
mod m20261122_000028_index_statistics;
mod m20261122_000030_keep_totals;
mod m20261122_000031_index_struck;
mod m20261122_000032_index_members;
mod m20261123_000033_index_weeks;
mod quarters;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_create_people::Migration),
            Box::new(m20261122_000002_create_regions::Migration),
            Box::new(m20261122_000003_create_claims::Migration),
            Box::new(m20261122_000004_create_ledger::Migration),
            Box::new(m20261122_000005_create_cycle::Migration),
            Box::new(m20261122_000006_create_redemptions::Migration),
            Box::new(m20261122_000007_create_sessions::Migration),
            Box::new(m20261122_000008_extend_people::Migration),
            Box::new(m20261122_000009_create_grid_moves::Migration),
            Box::new(m20261122_000010_keep_windows::Migration),
            Box::new(m20261122_000011_create_photos::Migration),
            Box::new(m20261122_000012_create_rule_drafts::Migration),
            Box::new(m20261122_000013_extend_claims::Migration),
            Box::new(m20261122_000014_index_lists::Migration),
            Box::new(m20261122_000015_extend_reviews::Migration),
            Box::new(m20261122_000016_extend_objections::Migration),
            Box::new(m20261122_000017_create_reversals::Migration),
            Box::new(m20261122_000018_add_proofs::Migration),
            Box::new(m20261122_000019_extend_shop::Migration),
            Box::new(m20261122_000020_create_awards::Migration),
            Box::new(m20261122_000021_create_leases::Migration),
            Box::new(m20261122_000022_rank_reversals::Migration),
            Box::new(m20261122_000023_keep_withdrawals::Migration),
            Box::new(m20261122_000024_extend_rankings::Migration),
            Box::new(m20261122_000025_fund_redemptions::Migration),
            Box::new(m20261122_000026_rank_categories::Migration),
            Box::new(m20261122_000028_index_statistics::Migration),
            Box::new(m20261122_000030_keep_totals::Migration),
            Box::new(m20261122_000031_index_struck::Migration),
            Box::new(m20261122_000032_index_members::Migration),
            Box::new(m20261123_000033_index_weeks::Migration),
        ]
    }
}

/// Runs statements separated by blank lines, in the dialect of the database.
pub(crate) async fn run(manager: &SchemaManager<'_>, script: &str) -> Result<(), DbErr> {
    let database = manager.get_connection();
    let postgres = database.get_database_backend() == DbBackend::Postgres;
    for statement in script.split("\n\n").map(str::trim).filter(|it| !it.is_empty()) {
        for sql in dialect(statement, postgres) {
            database.execute_unprepared(&sql).await?;
        }
    }
    Ok(())
}

fn dialect(statement: &str, postgres: bool) -> Vec<String> {
    if let Some(table) = statement.strip_prefix("{append_only:").and_then(|it| it.strip_suffix('}'))
    {
        return append_only(table, postgres);
    }
    if let Some(trigger) = statement.strip_prefix("{refuse ").and_then(|it| it.strip_suffix('}')) {
        return refuse(trigger, postgres);
    }
    if let Some(table) = statement.strip_prefix("{changeable:").and_then(|it| it.strip_suffix('}'))
    {
        return changeable(table, postgres);
    }
    if let Some(trigger) = statement.strip_prefix("{let ").and_then(|it| it.strip_suffix('}')) {
        return let_pass(trigger, postgres);
    }
    let (code, uuid, random) = match postgres {
        true => ("TEXT COLLATE \"C\"", "UUID", "gen_random_uuid()"),
        false => ("TEXT", "BLOB", "randomblob(16)"),
    };
    let now = match postgres {
        true => "CAST(EXTRACT(EPOCH FROM now()) * 1000 AS BIGINT)",
        false => "CAST(strftime('%s', 'now') AS BIGINT) * 1000",
    };
    // The Thursday of a sheet's week begins 316 800 s before it closes, told as if it were UTC.
    let month = match postgres {
        true => "to_char(to_timestamp(closes_at / 1000 - 316800) AT TIME ZONE 'UTC', 'YYYY-MM')",
        false => "strftime('%Y-%m', closes_at / 1000 - 316800, 'unixepoch')",
    };
    let statement = statement.replace("{month_of_sheet}", month);
    let statement = statement.replace("{code}", code).replace("{uuid}", uuid);
    vec![statement.replace("{random_uuid}", random).replace("{now}", now)]
}

/// History is added to, never changed: the database itself refuses.
fn append_only(table: &str, postgres: bool) -> Vec<String> {
    let trigger = format!("{table}_append_only");
    if postgres {
        let body = "BEGIN RAISE EXCEPTION 'append_only: %', TG_TABLE_NAME; END";
        return vec![
            format!(
                "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"
            ),
            format!(
                "CREATE TRIGGER {trigger} BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} \
                 FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            ),
        ];
    }
    ["UPDATE", "DELETE"]
        .map(|verb| {
            format!(
                "CREATE TRIGGER {trigger}_{} BEFORE {verb} ON {table} \
                 BEGIN SELECT RAISE(ABORT, 'append_only: {table}'); END",
                verb.to_lowercase()
            )
        })
        .to_vec()
}

/// `{refuse NAME | EVENT ON TABLE | CONDITION}`: refuses a row when the condition on NEW (and OLD)
/// holds. Conditions that read other tables are written as sub-selects.
fn refuse(trigger: &str, postgres: bool) -> Vec<String> {
    let parts: Vec<_> = trigger.splitn(3, " | ").map(str::trim).collect();
    let [name, event, condition] = parts.as_slice() else { return Vec::new() };
    if postgres {
        return vec![
            format!(
                "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF {condition} THEN RAISE EXCEPTION '{name}'; END IF; RETURN NEW; END $$"
            ),
            format!("CREATE TRIGGER {name} BEFORE {event} FOR EACH ROW EXECUTE FUNCTION {name}()"),
        ];
    }
    vec![format!(
        "CREATE TRIGGER {name} BEFORE {event} FOR EACH ROW WHEN {condition} \
         BEGIN SELECT RAISE(ABORT, '{name}'); END"
    )]
}

/// `{changeable:table}`: takes [`append_only`] back, where the table itself stays.
fn changeable(table: &str, postgres: bool) -> Vec<String> {
    if postgres {
        return vec![format!("DROP TRIGGER {table}_append_only ON {table}")];
    }
    ["update", "delete"].map(|verb| format!("DROP TRIGGER {table}_append_only_{verb}")).to_vec()
}

/// `{let NAME | TABLE}`: takes [`refuse`] back.
fn let_pass(trigger: &str, postgres: bool) -> Vec<String> {
    let Some((name, table)) = trigger.split_once(" | ") else { return Vec::new() };
    if postgres {
        return vec![format!("DROP TRIGGER {name} ON {table}"), format!("DROP FUNCTION {name}()")];
    }
    vec![format!("DROP TRIGGER {name}")]
}

/// Drops tables in the given order, and on PostgreSQL the functions of their triggers.
pub(crate) async fn drop_tables(
    manager: &SchemaManager<'_>,
    tables: &[&str],
    functions: &[&str],
) -> Result<(), DbErr> {
    let database = manager.get_connection();
    for table in tables {
        database.execute_unprepared(&format!("DROP TABLE {table}")).await?;
    }
    if database.get_database_backend() == DbBackend::Postgres {
        for function in functions {
            database.execute_unprepared(&format!("DROP FUNCTION IF EXISTS {function}()")).await?;
        }
    }
    Ok(())
}

/// A step from its two scripts; what only creates tables goes down by dropping them.
macro_rules! step {
    (up: $up:expr, down: $down:expr) => {
        #[derive(sea_orm_migration::prelude::DeriveMigrationName)]
        pub struct Migration;

        #[async_trait::async_trait]
        impl sea_orm_migration::MigrationTrait for Migration {
            async fn up(
                &self,
                manager: &sea_orm_migration::SchemaManager,
            ) -> Result<(), sea_orm::DbErr> {
                crate::run(manager, $up).await
            }

            async fn down(
                &self,
                manager: &sea_orm_migration::SchemaManager,
            ) -> Result<(), sea_orm::DbErr> {
                crate::run(manager, $down).await
            }
        }
    };
    (up: $up:expr, tables: [$($table:literal),* $(,)?], functions: [$($function:literal),* $(,)?]) => {
        #[derive(sea_orm_migration::prelude::DeriveMigrationName)]
        pub struct Migration;

        #[async_trait::async_trait]
        impl sea_orm_migration::MigrationTrait for Migration {
            async fn up(
                &self,
                manager: &sea_orm_migration::SchemaManager,
            ) -> Result<(), sea_orm::DbErr> {
                crate::run(manager, $up).await
            }

            async fn down(
                &self,
                manager: &sea_orm_migration::SchemaManager,
            ) -> Result<(), sea_orm::DbErr> {
                crate::drop_tables(manager, &[$($table),*], &[$($function),*]).await
            }
        }
    };
}
pub(crate) use step;
