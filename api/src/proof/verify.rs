//! `jifen verify`: every list that was sealed is still what was sealed, and the chain of journals still
//! goes through the head that was printed.

use sea_orm::{ConnectionTrait, FromQueryResult};

use super::lines::{leaves, lines};
use super::note::{Checkpoint, Verifier};
use super::tree;
use crate::kernel::chain::{self, Head};
use crate::kernel::db;
use crate::kernel::derive::hex;
use crate::kernel::problem::Outcome;

#[derive(FromQueryResult)]
struct Row {
    village: String,
    month: String,
    size: i64,
    root: String,
    seed: String,
    chain_length: i64,
    chain_head: String,
    vkey: String,
    text: String,
}

/// So many checkpoints are read at once.
const BATCH: usize = 200;

/// The first list that is not what its checkpoint says.
pub async fn first_odd(on: &impl ConnectionTrait) -> Outcome<Option<String>> {
    let mut after = (String::new(), String::new());
    loop {
        let sql = "SELECT village, month, size, root, seed, chain_length, chain_head, vkey, text \
                   FROM list_checkpoints WHERE village > $1 OR (village = $1 AND month > $2) \
                   ORDER BY village, month LIMIT $3";
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let values = [after.0.as_str().into(), after.1.as_str().into(), limit.into()];
        let rows = db::all::<Row>(on, sql, values).await?;
        for row in &rows {
            if let Some(what) = odd(on, row).await? {
                let Row { village, month, .. } = row;
                return Ok(Some(format!("the checkpoint of list {village} {month}: {what}")));
            }
        }
        match rows.last() {
            Some(last) if rows.len() == BATCH => {
                after = (last.village.clone(), last.month.clone());
            }
            _ => return Ok(None),
        }
    }
}

async fn odd(on: &impl ConnectionTrait, row: &Row) -> Outcome<Option<String>> {
    let Row { village, month, size, root, seed, chain_length, chain_head, vkey, text } = row;
    let head = Head { length: *chain_length, hash: chain_head.clone() };
    let Some(said) = Checkpoint::of_note(text) else {
        return Ok(Some("its text is no checkpoint".to_owned()));
    };
    let same = said.village == *village && said.month == *month && hex(&said.root) == *root;
    if !same || said.chain != head || i64::try_from(said.size) != Ok(*size) {
        return Ok(Some("its text says something else than its row".to_owned()));
    }
    if !Verifier::parse(vkey).is_some_and(|key| key.has_signed(text)) {
        return Ok(Some("its signature is not valid".to_owned()));
    }
    if !chain::contains(on, village, &head).await? {
        return Ok(Some(format!("the chain of journals has no link {chain_length} {chain_head}")));
    }
    let lines = lines(on, village, month, (1, *size)).await?;
    let recomputed = hex(&tree::root(&leaves(&lines, village, month, seed)));
    Ok((recomputed != *root).then(|| format!("kept root {root}, recomputed {recomputed}")))
}
