//! `jifen verify`: every list that was sealed is still what was sealed, and the chain of journals still
//! goes through the head that was printed.

use sea_orm::{ConnectionTrait, FromQueryResult};

use super::lines::{gap, leaves, lines};
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

/// The first list that is not what its checkpoint says, or has none. With `trusted` the checkpoint must be
/// signed by one of these keys; without, each key is believed as its row names it, so that only the rest is
/// checked.
pub async fn first_odd(
    on: &impl ConnectionTrait,
    trusted: Option<&[Verifier]>,
) -> Outcome<Option<String>> {
    if let Some(what) = unsealed(on).await? {
        return Ok(Some(what));
    }
    let mut after = (String::new(), String::new());
    loop {
        let sql = "SELECT village, month, size, root, seed, chain_length, chain_head, vkey, text \
                   FROM list_checkpoints WHERE village > $1 OR (village = $1 AND month > $2) \
                   ORDER BY village, month LIMIT $3";
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let values = [after.0.as_str().into(), after.1.as_str().into(), limit.into()];
        let rows = db::all::<Row>(on, sql, values).await?;
        for row in &rows {
            if let Some(what) = odd(on, row, trusted).await? {
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

/// A list is sealed in the transaction that opens it, and one from before there were seals at the start of
/// the server.
async fn unsealed(on: &impl ConnectionTrait) -> Outcome<Option<String>> {
    #[derive(FromQueryResult)]
    struct Bare {
        village: String,
        month: String,
    }
    let sql = "SELECT l.village, l.month FROM public_lists l WHERE NOT EXISTS ( \
                 SELECT 1 FROM list_checkpoints c WHERE c.village = l.village \
                 AND c.month = l.month) ORDER BY l.village, l.month LIMIT 1";
    let bare = db::one::<Bare>(on, sql, []).await?;
    Ok(bare.map(|Bare { village, month }| format!("list {village} {month} has no checkpoint")))
}

async fn odd(
    on: &impl ConnectionTrait,
    row: &Row,
    trusted: Option<&[Verifier]>,
) -> Outcome<Option<String>> {
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
    if trusted.is_some_and(|keys| !keys.iter().any(|key| key.has_signed(text))) {
        return Ok(Some(format!("it is signed by a key that is not trusted: {vkey}")));
    }
    if !chain::contains(on, village, &head).await? {
        return Ok(Some(format!("the chain of journals has no link {chain_length} {chain_head}")));
    }
    // All of them, so that one more than was sealed is found too.
    let lines = lines(on, village, month, (i64::MIN, i64::MAX)).await?;
    if let Some(gap) = gap(on, village, month, &lines).await? {
        return Ok(Some(gap));
    }
    let recomputed = hex(&tree::root(&leaves(&lines, village, month, seed)));
    Ok((recomputed != *root).then(|| format!("kept root {root}, recomputed {recomputed}")))
}
