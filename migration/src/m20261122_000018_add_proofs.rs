//! The chain of each village's journals, and the signed checkpoints of its public lists.
//!
//! What was posted before is linked here, in order of time and id, with the text that links had when
//! this step was written.

use std::collections::HashMap;

use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement, Value};
use sea_orm_migration::SchemaManager;
use sha2::{Digest, Sha256};

const UP: &str = r"
CREATE TABLE journal_links (
    village {code} NOT NULL,
    sequence BIGINT NOT NULL,
    journal {uuid} NOT NULL,
    hash {code} NOT NULL,
    CONSTRAINT journal_links_pk PRIMARY KEY (village, sequence),
    CONSTRAINT journal_links_journal_unique UNIQUE (village, journal),
    CONSTRAINT journal_links_journal_fk FOREIGN KEY (village, journal) REFERENCES journals (village, id)
)

{append_only:journal_links}

CREATE TABLE chain_heads (
    village {code} NOT NULL CONSTRAINT chain_heads_pk PRIMARY KEY CONSTRAINT chain_heads_village_fk REFERENCES villages (village),
    length BIGINT NOT NULL,
    hash {code} NOT NULL
)

{refuse chain_heads_grow | UPDATE ON chain_heads | NEW.length < OLD.length}

CREATE TABLE list_checkpoints (
    village {code} NOT NULL,
    month {code} NOT NULL,
    size BIGINT NOT NULL,
    root {code} NOT NULL,
    seed {code} NOT NULL,
    chain_length BIGINT NOT NULL,
    chain_head {code} NOT NULL,
    vkey TEXT NOT NULL,
    text TEXT NOT NULL,
    CONSTRAINT list_checkpoints_pk PRIMARY KEY (village, month),
    CONSTRAINT list_checkpoints_list_fk FOREIGN KEY (village, month) REFERENCES public_lists (village, month)
)

{append_only:list_checkpoints}
";

#[derive(sea_orm_migration::prelude::DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl sea_orm_migration::MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, UP).await?;
        let database = manager.get_connection();
        let villages = "SELECT DISTINCT village FROM journals ORDER BY village";
        for VillageRow { village } in rows(database, villages, vec![]).await? {
            link(database, &village).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = ["list_checkpoints", "chain_heads", "journal_links"];
        crate::drop_tables(manager, &tables, &["chain_heads_grow"]).await
    }
}

/// So many journals are linked at once.
const BATCH: usize = 500;

#[derive(FromQueryResult)]
struct VillageRow {
    village: String,
}

#[derive(FromQueryResult)]
struct JournalRow {
    id: Uuid,
    kind: String,
    reference: String,
    actor: Option<Uuid>,
    reverses: Option<Uuid>,
    at: i64,
}

#[derive(FromQueryResult)]
struct PostingRow {
    journal: Uuid,
    account: String,
    household: Uuid,
    points: i64,
}

async fn rows<T: FromQueryResult>(
    database: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<T>, DbErr> {
    let backend = database.get_database_backend();
    T::find_by_statement(Statement::from_sql_and_values(backend, sql, values)).all(database).await
}

/// Links a village's journals from the oldest to the newest.
async fn link(database: &impl ConnectionTrait, village: &str) -> Result<(), DbErr> {
    let (mut length, mut hash) = (0_i64, "0".repeat(64));
    let mut last = (i64::MIN, Uuid::nil());
    loop {
        let sql = "SELECT id, kind, ref AS reference, actor, reverses, at FROM journals \
                   WHERE village = $1 AND (at > $2 OR (at = $2 AND id > $3)) \
                   ORDER BY at, id LIMIT $4";
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let values = vec![village.into(), last.0.into(), last.1.into(), limit.into()];
        let batch = rows::<JournalRow>(database, sql, values).await?;
        let Some(end) = batch.last() else { break };
        last = (end.at, end.id);
        let mut postings = postings(database, village, &batch).await?;
        let mut values = Vec::<Value>::new();
        let mut tuples = Vec::new();
        for journal in &batch {
            length += 1;
            let text = text(village, length, journal, postings.remove(&journal.id));
            let digest = Sha256::digest(format!("{hash}\n{text}"));
            hash = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            let at = values.len();
            tuples.push(format!("(${}, ${}, ${}, ${})", at + 1, at + 2, at + 3, at + 4));
            values.extend([village.into(), length.into(), journal.id.into(), (&hash).into()]);
        }
        let sql = format!(
            "INSERT INTO journal_links (village, sequence, journal, hash) VALUES {}",
            tuples.join(", ")
        );
        run(database, &sql, values).await?;
    }
    let sql = "INSERT INTO chain_heads (village, length, hash) VALUES ($1, $2, $3)";
    run(database, sql, vec![village.into(), length.into(), hash.into()]).await
}

async fn run(database: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<(), DbErr> {
    let backend = database.get_database_backend();
    database.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    Ok(())
}

async fn postings(
    database: &impl ConnectionTrait,
    village: &str,
    batch: &[JournalRow],
) -> Result<HashMap<Uuid, Vec<PostingRow>>, DbErr> {
    let marks: Vec<_> = (2..batch.len() + 2).map(|at| format!("${at}")).collect();
    let sql = format!(
        "SELECT journal, account, household, points FROM postings \
         WHERE village = $1 AND journal IN ({})",
        marks.join(", ")
    );
    let ids = batch.iter().map(|journal| journal.id.into());
    let values = std::iter::once(village.into()).chain(ids).collect();
    let mut found = HashMap::<_, Vec<_>>::new();
    for row in rows::<PostingRow>(database, &sql, values).await? {
        found.entry(row.journal).or_default().push(row);
    }
    Ok(found)
}

/// What a link covers besides the link before it.
fn text(
    village: &str,
    sequence: i64,
    journal: &JournalRow,
    postings: Option<Vec<PostingRow>>,
) -> String {
    let mut postings = postings.unwrap_or_default();
    postings.sort_by(|a, b| (&a.account, a.household).cmp(&(&b.account, b.household)));
    let maybe = |id: Option<Uuid>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let JournalRow { id, kind, reference, actor, reverses, at } = journal;
    let mut text = format!(
        "jifen-journal/1\n{village}\n{sequence}\n{id}\n{} {kind}\n{} {reference}\n{}\n{}\n{at}\n{}\n",
        kind.len(),
        reference.len(),
        maybe(*actor),
        maybe(*reverses),
        postings.len(),
    );
    for posting in postings {
        text.push_str(&format!("{} {} {}\n", posting.account, posting.household, posting.points));
    }
    text
}
