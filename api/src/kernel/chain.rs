//! The chain of a village's journals: each link's hash covers the link before it and everything that a
//! journal and its postings say, so that what was once posted cannot be changed, dropped or swapped
//! without every later hash changing too.
//!
//! `hash = SHA-256(hash of the link before, in hex, and a line feed; then the journal's text)`. The text
//! holds only what SQLite and PostgreSQL keep alike and what a late run writes alike. Public lists print
//! the head, so that nobody can rewrite the whole chain either.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, FromQueryResult};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::clock::Instant;
use super::db::{self, Column, Tx};
use super::derive::hex;
use super::ledger::Journal;
use super::problem::{Outcome, Problem};
use super::region::Village;

/// What the first link of a village follows.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// So many links are read at once when a chain is recomputed.
const BATCH: i64 = 1_000;

/// How long a chain is, and the hash of its last link in lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Head {
    pub length: i64,
    pub hash: String,
}

/// A journal as its link covers it.
struct Linked<'a> {
    village: &'a str,
    sequence: i64,
    id: Uuid,
    kind: &'a str,
    reference: &'a str,
    actor: Option<Uuid>,
    reverses: Option<Uuid>,
    at: i64,
    /// Account, household, points.
    postings: Vec<(&'a str, Uuid, i64)>,
}

impl Linked<'_> {
    /// One line a field; the reference goes with its length, so that none can imitate the lines below.
    fn text(mut self) -> String {
        self.postings.sort();
        let maybe = |id: Option<Uuid>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let mut text = format!(
            "jifen-journal/1\n{}\n{}\n{}\n{} {}\n{} {}\n{}\n{}\n{}\n{}\n",
            self.village,
            self.sequence,
            self.id,
            self.kind.len(),
            self.kind,
            self.reference.len(),
            self.reference,
            maybe(self.actor),
            maybe(self.reverses),
            self.at,
            self.postings.len(),
        );
        for (account, household, points) in self.postings {
            text.push_str(&format!("{account} {household} {points}\n"));
        }
        text
    }

    fn after(self, previous: &str) -> String {
        hex(&Sha256::digest(format!("{previous}\n{}", self.text())))
    }
}

/// The end of a village's chain as it stands.
pub async fn head(on: &impl ConnectionTrait, village: &Village) -> Outcome<Head> {
    let sql = "SELECT length, hash FROM chain_heads WHERE village = $1";
    let found = db::one::<Head>(on, sql, [village.into()]).await?;
    Ok(found.unwrap_or_else(|| Head { length: 0, hash: GENESIS.to_owned() }))
}

/// Links journals that were just posted, in the order of their ids. The head is locked until the
/// transaction ends, after balances and stock.
pub(super) async fn append(
    tx: &Tx,
    village: &Village,
    actor: Option<Uuid>,
    at: Instant,
    journals: &[Journal],
) -> Outcome<()> {
    let sql = "INSERT INTO chain_heads (village, length, hash) VALUES ($1, 0, $2) \
               ON CONFLICT (village) DO UPDATE SET length = chain_heads.length \
               RETURNING length, hash";
    let head = db::one::<Head>(tx, sql, [village.into(), GENESIS.into()]).await?;
    let Head { mut length, mut hash } =
        head.ok_or_else(|| Problem::fault("a chain has no head"))?;
    let in_order: BTreeMap<_, _> = journals.iter().map(|it| (it.id(village), it)).collect();
    let (mut sequences, mut hashes) = (Vec::new(), Vec::new());
    for (id, journal) in &in_order {
        length += 1;
        let postings = journal.postings.iter().map(|(account, points)| {
            let (word, household) = account.key();
            (word, household, *points)
        });
        let linked = Linked {
            village: village.as_str(),
            sequence: length,
            id: *id,
            kind: journal.kind,
            reference: &journal.reference,
            actor,
            reverses: journal.reverses,
            at: at.0,
            postings: postings.collect(),
        };
        hash = linked.after(&hash);
        sequences.push(length);
        hashes.push(hash.clone());
    }
    let columns = [
        Column::Text("village", vec![village.to_string(); sequences.len()]),
        Column::Number("sequence", sequences),
        Column::Uuid("journal", in_order.into_keys().collect()),
        Column::Text("hash", hashes),
    ];
    db::bulk_insert(tx, "journal_links", &columns, "").await?;
    let sql = "UPDATE chain_heads SET length = $2, hash = $3 WHERE village = $1";
    db::run(tx, sql, [village.into(), length.into(), hash.into()]).await?;
    Ok(())
}

/// Whether the chain of a village once ended as `head` says, and still goes on from there.
pub async fn contains(on: &impl ConnectionTrait, village: &str, head: &Head) -> Outcome<bool> {
    if head.length == 0 {
        return Ok(head.hash == GENESIS);
    }
    let sql =
        "SELECT COUNT(*) FROM journal_links WHERE village = $1 AND sequence = $2 AND hash = $3";
    let values = [village.into(), head.length.into(), head.hash.as_str().into()];
    Ok(db::number(on, sql, values).await? == 1)
}

#[derive(FromQueryResult)]
struct LinkRow {
    sequence: i64,
    journal: Uuid,
    hash: String,
    kind: Option<String>,
    reference: Option<String>,
    actor: Option<Uuid>,
    reverses: Option<Uuid>,
    at: Option<i64>,
}

#[derive(FromQueryResult)]
struct PostingRow {
    journal: Uuid,
    account: String,
    household: Uuid,
    points: i64,
}

#[derive(FromQueryResult)]
struct ChainRow {
    village: String,
    length: i64,
    hash: String,
    journals: i64,
}

/// Recomputes every chain, a batch at a time, and names the first link that does not fit.
pub async fn first_break(on: &impl ConnectionTrait) -> Outcome<Option<String>> {
    let sql = "SELECT v.village, COALESCE(h.length, 0) AS length, COALESCE(h.hash, '') AS hash, \
                 (SELECT CAST(COUNT(*) AS BIGINT) FROM journals j WHERE j.village = v.village) \
                   AS journals \
               FROM villages v LEFT JOIN chain_heads h ON h.village = v.village ORDER BY v.village";
    for chain in db::all::<ChainRow>(on, sql, []).await? {
        if let Some(broken) = break_of(on, &chain).await? {
            return Ok(Some(format!("the chain of journals: village {}, {broken}", chain.village)));
        }
    }
    Ok(None)
}

async fn break_of(on: &impl ConnectionTrait, chain: &ChainRow) -> Outcome<Option<String>> {
    let mut end = Head { length: 0, hash: GENESIS.to_owned() };
    loop {
        let links = links_after(on, &chain.village, end.length).await?;
        let last = links.last().map(|link| link.sequence);
        let mut postings = postings_of(on, &chain.village, end.length, last).await?;
        for link in &links {
            let Some(hash) = recomputed(&chain.village, &end, link, &mut postings) else {
                let odd = format!("link {} (journal {})", end.length + 1, link.journal);
                return Ok(Some(format!("{odd} is missing, or its journal is")));
            };
            if hash != link.hash {
                let odd = format!("link {} (journal {})", link.sequence, link.journal);
                return Ok(Some(format!("{odd}: kept {}, recomputed {hash}", link.hash)));
            }
            end = Head { length: link.sequence, hash };
        }
        if links.len() < usize::try_from(BATCH).unwrap_or_default() {
            break;
        }
    }
    let empty = chain.length == 0 && chain.hash.is_empty();
    if !empty && (chain.length, &chain.hash) != (end.length, &end.hash) || empty && end.length > 0 {
        return Ok(Some(format!("link {}: the head says {}", end.length, chain.length)));
    }
    let unlinked = format!("link {}: {} journals", end.length, chain.journals);
    Ok((chain.journals != end.length).then_some(unlinked))
}

/// What the next link's hash must be; nothing if another link is next, or its journal is gone.
fn recomputed(
    village: &str,
    end: &Head,
    link: &LinkRow,
    postings: &mut HashMap<Uuid, Vec<PostingRow>>,
) -> Option<String> {
    if link.sequence != end.length + 1 {
        return None;
    }
    let postings = postings.remove(&link.journal).unwrap_or_default();
    let linked = Linked {
        village,
        sequence: link.sequence,
        id: link.journal,
        kind: link.kind.as_deref()?,
        reference: link.reference.as_deref()?,
        actor: link.actor,
        reverses: link.reverses,
        at: link.at?,
        postings: postings
            .iter()
            .map(|it| (it.account.as_str(), it.household, it.points))
            .collect(),
    };
    Some(linked.after(&end.hash))
}

async fn links_after(
    on: &impl ConnectionTrait,
    village: &str,
    after: i64,
) -> Outcome<Vec<LinkRow>> {
    let sql = "SELECT l.sequence, l.journal, l.hash, j.kind, j.ref AS reference, j.actor, \
                 j.reverses, j.at FROM journal_links l \
               LEFT JOIN journals j ON j.village = l.village AND j.id = l.journal \
               WHERE l.village = $1 AND l.sequence > $2 ORDER BY l.sequence LIMIT $3";
    Ok(db::all(on, sql, [village.into(), after.into(), BATCH.into()]).await?)
}

async fn postings_of(
    on: &impl ConnectionTrait,
    village: &str,
    after: i64,
    last: Option<i64>,
) -> Outcome<HashMap<Uuid, Vec<PostingRow>>> {
    let sql = "SELECT p.journal, p.account, p.household, p.points FROM journal_links l \
               JOIN postings p ON p.village = l.village AND p.journal = l.journal \
               WHERE l.village = $1 AND l.sequence > $2 AND l.sequence <= $3";
    let values = [village.into(), after.into(), last.unwrap_or(after).into()];
    let mut found = HashMap::<_, Vec<_>>::new();
    for row in db::all::<PostingRow>(on, sql, values).await? {
        found.entry(row.journal).or_default().push(row);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linked(reference: &str) -> Linked<'_> {
        Linked {
            village: "460205100201",
            sequence: 1,
            id: Uuid::from_u128(7),
            kind: "score",
            reference,
            actor: None,
            reverses: None,
            at: 1_725_206_400_000,
            postings: vec![("pending", Uuid::from_u128(1), 5), ("issued", Uuid::nil(), -5)],
        }
    }

    /// The format is printed on boards: it never changes under this name.
    #[test]
    fn the_text_of_a_journal_stays_as_it_was() {
        let text = "jifen-journal/1\n460205100201\n1\n00000000-0000-0000-0000-000000000007\n5 score\n\
            3 2:1\n-\n-\n1725206400000\n2\nissued 00000000-0000-0000-0000-000000000000 -5\n\
            pending 00000000-0000-0000-0000-000000000001 5\n";
        assert_eq!(linked("2:1").text(), text);
        let expected = hex(&Sha256::digest(format!("{GENESIS}\n{text}")));
        assert_eq!(linked("2:1").after(GENESIS), expected);
    }

    #[test]
    fn a_reference_cannot_imitate_the_lines_below_it() {
        let mut other = linked("a");
        other.actor = Some(Uuid::from_u128(2));
        let imitation = format!("a\n{}", Uuid::from_u128(2));
        assert_ne!(other.text(), linked(&imitation).text());
    }
}
