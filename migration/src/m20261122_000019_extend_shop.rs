//! The shop, complete: a township's catalogue, what a village offers of it, budgets, people without a
//! phone, delivery to the door, and refunds.

use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement};
use sea_orm_migration::prelude::DeriveMigrationName;
use sea_orm_migration::{MigrationTrait, SchemaManager};

use crate::quarters::counts_from;

const UP: &str = r"
ALTER TABLE prizes ADD COLUMN offered BOOLEAN NOT NULL DEFAULT TRUE

ALTER TABLE prizes ADD COLUMN version BIGINT NOT NULL DEFAULT 1

CREATE TABLE catalogue_prizes (
    region {code} NOT NULL CONSTRAINT catalogue_prizes_region_fk REFERENCES regions (code),
    key {code} NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    kind {code} NOT NULL CONSTRAINT catalogue_prizes_kind_known CHECK (kind IN ('goods', 'service')),
    points BIGINT NOT NULL CONSTRAINT catalogue_prizes_points_range CHECK (points > 0),
    value_fen BIGINT NOT NULL CONSTRAINT catalogue_prizes_value_range CHECK (value_fen >= 0),
    active BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT catalogue_prizes_pk PRIMARY KEY (region, key)
)

CREATE TABLE budgets (
    village {code} NOT NULL CONSTRAINT budgets_village_fk REFERENCES villages (village),
    quarter {code} NOT NULL,
    funding {code} NOT NULL CONSTRAINT budgets_funding_known CHECK (funding IN ('village_collective', 'paired_enterprise', 'township_budget', 'donation', 'bank')),
    amount_fen BIGINT NOT NULL CONSTRAINT budgets_amount_range CHECK (amount_fen >= 0),
    version BIGINT NOT NULL,
    CONSTRAINT budgets_pk PRIMARY KEY (village, quarter, funding)
)

CREATE TABLE stock_moves_before AS SELECT * FROM stock_moves

DROP TABLE stock_moves

CREATE TABLE stock_moves (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    prize {uuid} NOT NULL,
    quantity BIGINT NOT NULL CONSTRAINT stock_moves_move CHECK (quantity <> 0),
    kind {code} NOT NULL CONSTRAINT stock_moves_kind_known CHECK (kind IN ('delivery', 'loss', 'hold', 'release', 'refund')),
    ref {code} NOT NULL,
    reason TEXT,
    actor {uuid},
    at BIGINT NOT NULL,
    CONSTRAINT stock_moves_pk PRIMARY KEY (village, id),
    CONSTRAINT stock_moves_meaning_unique UNIQUE (village, kind, ref),
    CONSTRAINT stock_moves_prize_fk FOREIGN KEY (village, prize) REFERENCES prizes (village, id)
)

INSERT INTO stock_moves (village, id, prize, quantity, kind, ref, reason, actor, at) SELECT village, id, prize, quantity, kind, ref, reason, actor, at FROM stock_moves_before

DROP TABLE stock_moves_before

CREATE INDEX stock_moves_by_prize ON stock_moves (village, prize, id)

{append_only:stock_moves}

ALTER TABLE redemptions RENAME COLUMN window_opened_at TO counts_from

ALTER TABLE redemptions ADD COLUMN refunded BIGINT NOT NULL DEFAULT 0 CONSTRAINT redemptions_refunded_covered CHECK (refunded BETWEEN 0 AND quantity)

ALTER TABLE redemptions ADD COLUMN proof {code} CONSTRAINT redemptions_proof_known CHECK (proof IN ('pickup_code', 'pin', 'witness'))

UPDATE redemptions SET proof = 'pickup_code' WHERE status = 'collected'

ALTER TABLE redemptions ADD COLUMN witness {uuid} CONSTRAINT redemptions_witness_is_another CHECK (witness IS NULL OR clerk IS NULL OR witness <> clerk)

ALTER TABLE redemptions ADD COLUMN witness_role {code}

ALTER TABLE redemptions ADD COLUMN witnessed_at BIGINT

ALTER TABLE redemptions ADD COLUMN carrier {uuid}

ALTER TABLE redemptions ADD COLUMN carried_at BIGINT

ALTER TABLE redemptions ADD COLUMN extended BOOLEAN NOT NULL DEFAULT FALSE

CREATE TABLE refunds (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    redemption {uuid} NOT NULL,
    quantity BIGINT NOT NULL CONSTRAINT refunds_quantity_range CHECK (quantity > 0),
    points BIGINT NOT NULL CONSTRAINT refunds_points_range CHECK (points > 0),
    reason TEXT NOT NULL,
    restocked BOOLEAN NOT NULL,
    person {uuid} NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT refunds_pk PRIMARY KEY (village, id),
    CONSTRAINT refunds_redemption_fk FOREIGN KEY (village, redemption) REFERENCES redemptions (village, id)
)

CREATE INDEX refunds_by_redemption ON refunds (village, redemption)

CREATE INDEX refunds_by_time ON refunds (village, at)

{append_only:refunds}

{refuse refunds_four_eyes | INSERT ON refunds | EXISTS (SELECT 1 FROM redemptions r WHERE r.village = NEW.village AND r.id = NEW.redemption AND (r.clerk = NEW.person OR r.clerk IS NULL))}

CREATE TABLE household_pins (
    village {code} NOT NULL,
    household {uuid} NOT NULL,
    digest {code} NOT NULL,
    wrong BIGINT NOT NULL CONSTRAINT household_pins_wrong_range CHECK (wrong BETWEEN 0 AND 5),
    set_by {uuid} NOT NULL,
    set_at BIGINT NOT NULL,
    CONSTRAINT household_pins_pk PRIMARY KEY (village, household),
    CONSTRAINT household_pins_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id)
)
";

const DOWN: &str = r"
DROP TABLE household_pins

{let refunds_four_eyes | refunds}

DROP TABLE refunds

ALTER TABLE redemptions DROP COLUMN extended

ALTER TABLE redemptions DROP COLUMN carried_at

ALTER TABLE redemptions DROP COLUMN carrier

ALTER TABLE redemptions DROP COLUMN witnessed_at

ALTER TABLE redemptions DROP COLUMN witness_role

ALTER TABLE redemptions DROP COLUMN witness

ALTER TABLE redemptions DROP COLUMN proof

ALTER TABLE redemptions DROP COLUMN refunded

ALTER TABLE redemptions RENAME COLUMN counts_from TO window_opened_at

CREATE TABLE stock_moves_after AS SELECT * FROM stock_moves

DROP TABLE stock_moves

CREATE TABLE stock_moves (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    prize {uuid} NOT NULL,
    quantity BIGINT NOT NULL CONSTRAINT stock_moves_move CHECK (quantity <> 0),
    kind {code} NOT NULL CONSTRAINT stock_moves_kind_known CHECK (kind IN ('delivery', 'loss', 'hold', 'release')),
    ref {code} NOT NULL,
    reason TEXT,
    actor {uuid},
    at BIGINT NOT NULL,
    CONSTRAINT stock_moves_pk PRIMARY KEY (village, id),
    CONSTRAINT stock_moves_meaning_unique UNIQUE (village, kind, ref),
    CONSTRAINT stock_moves_prize_fk FOREIGN KEY (village, prize) REFERENCES prizes (village, id)
)

INSERT INTO stock_moves (village, id, prize, quantity, kind, ref, reason, actor, at) SELECT village, id, prize, quantity, CASE WHEN kind = 'refund' THEN 'release' ELSE kind END, ref, reason, actor, at FROM stock_moves_after

DROP TABLE stock_moves_after

CREATE INDEX stock_moves_by_prize ON stock_moves (village, prize, id)

{append_only:stock_moves}

DROP TABLE budgets

DROP TABLE catalogue_prizes

ALTER TABLE prizes DROP COLUMN version

ALTER TABLE prizes DROP COLUMN offered
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
        convert(manager.get_connection()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, DOWN).await
    }
}

/// Limits counted since their window opened; now they count by quarter, so that what a household took in
/// a window that is still open goes on counting. The term of one that moved out began when it moved, and
/// stays.
async fn convert(database: &impl ConnectionTrait) -> Result<(), DbErr> {
    let backend = database.get_database_backend();
    let sql = "SELECT DISTINCT counts_from FROM redemptions";
    let all = Since::find_by_statement(Statement::from_string(backend, sql));
    for Since { counts_from: opened_at } in all.all(database).await? {
        let sql = "UPDATE redemptions SET counts_from = $2 WHERE counts_from = $1 \
                   AND NOT EXISTS (SELECT 1 FROM households h WHERE h.village = redemptions.village \
                     AND h.id = redemptions.household AND h.ended_at = redemptions.counts_from)";
        let values = [opened_at.into(), counts_from(opened_at).into()];
        database.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    }
    Ok(())
}
