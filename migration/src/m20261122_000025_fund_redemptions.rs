//! Which funding source paid for the goods of a redemption, what one is worth, and for which quarter's
//! budget: fixed when they are held, as the price is.

use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement};
use sea_orm_migration::prelude::DeriveMigrationName;
use sea_orm_migration::{MigrationTrait, SchemaManager};

use crate::quarters::Quarter;

const UP: &str = r"
ALTER TABLE redemptions ADD COLUMN funding {code} NOT NULL DEFAULT ''

ALTER TABLE redemptions ADD COLUMN value_fen BIGINT NOT NULL DEFAULT 0 CONSTRAINT redemptions_value_range CHECK (value_fen >= 0)

ALTER TABLE redemptions ADD COLUMN budget_quarter {code} NOT NULL DEFAULT ''

UPDATE redemptions SET funding = (SELECT p.funding FROM prizes p WHERE p.village = redemptions.village AND p.id = redemptions.prize), value_fen = (SELECT p.value_fen FROM prizes p WHERE p.village = redemptions.village AND p.id = redemptions.prize)

CREATE INDEX redemptions_by_budget ON redemptions (village, budget_quarter)
";

const DOWN: &str = r"
DROP INDEX redemptions_by_budget

ALTER TABLE redemptions DROP COLUMN budget_quarter

ALTER TABLE redemptions DROP COLUMN value_fen

ALTER TABLE redemptions DROP COLUMN funding
";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(FromQueryResult)]
struct Since {
    counts_from: i64,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, UP).await?;
        let database = manager.get_connection();
        let backend = database.get_database_backend();
        let sql = "SELECT DISTINCT counts_from FROM redemptions";
        let all = Since::find_by_statement(Statement::from_string(backend, sql));
        for Since { counts_from } in all.all(database).await? {
            let sql = "UPDATE redemptions SET budget_quarter = $2 WHERE counts_from = $1";
            let values = [counts_from.into(), Quarter::of(counts_from).name().into()];
            let statement = Statement::from_sql_and_values(backend, sql, values);
            database.execute_raw(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, DOWN).await
    }
}
