//! Sealing a list: its root and checkpoint are made in the transaction that opens it, and never change.

use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::line;
use super::lines::{gap, leaves, lines};
use super::note::Checkpoint;
use super::tree;
use crate::app::App;
use crate::kernel::chain::{self, Head};
use crate::kernel::db::{self, Tx};
use crate::kernel::derive::hex;
use crate::kernel::period::Month;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::Village;

/// What a list was sealed with.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Sealed {
    /// How many lines the list had.
    pub size: i64,
    /// The root of its tree, 64 hex digits.
    pub root: String,
    /// What the salts follow from.
    pub(super) seed: String,
    /// How many journals the village had posted then.
    pub chain_length: i64,
    /// The hash of the last of them, 64 hex digits.
    pub chain_head: String,
    /// The key that signed, as it was then.
    pub vkey: String,
    /// The signed checkpoint.
    pub text: String,
}

/// What the list of a month was sealed with.
pub async fn sealed(
    on: &impl ConnectionTrait,
    village: &Village,
    month: Month,
) -> Outcome<Option<Sealed>> {
    let sql = "SELECT size, root, seed, chain_length, chain_head, vkey, text \
               FROM list_checkpoints WHERE village = $1 AND month = $2";
    let key: [Value; 2] = [village.into(), month.to_string().into()];
    Ok(db::one(on, sql, key).await?)
}

/// Seals the list of a month as it stands; a sealed list stays as it is.
///
/// # Errors
/// A fault without a key to sign with: production does not start without one. A fault too if the lines are
/// not those that the list was opened with: what is incomplete is not signed.
pub async fn seal_list(app: &App, tx: &Tx, village: &Village, month: Month) -> Outcome<()> {
    let signer = app.list_key.as_ref().ok_or_else(|| Problem::fault("LIST_KEY_FILE is not set"))?;
    let (here, name) = (village.as_str(), month.to_string());
    let seed = line::seed(app.config.secrets.identity(), here, &name);
    let lines = lines(tx, here, &name, (1, i64::MAX)).await?;
    if let Some(gap) = gap(tx, here, &name, &lines).await? {
        return Err(Problem::fault(format!("list {here} {name} is not sealed: {gap}")));
    }
    let root = tree::root(&leaves(&lines, here, &name, &seed));
    let Head { length, hash } = chain::head(tx, village).await?;
    let checkpoint = Checkpoint {
        village: here.to_owned(),
        month: name.clone(),
        size: lines.len() as u64,
        root,
        chain: Head { length, hash: hash.clone() },
    };
    let size = i64::try_from(lines.len()).unwrap_or(i64::MAX);
    let sql = "INSERT INTO list_checkpoints (village, month, size, root, seed, chain_length, \
               chain_head, vkey, text) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
               ON CONFLICT DO NOTHING";
    let values: [Value; 9] = [
        village.into(),
        name.into(),
        size.into(),
        hex(&root).into(),
        seed.into(),
        length.into(),
        hash.into(),
        signer.verifier.vkey().into(),
        signer.sign(&checkpoint.text()).into(),
    ];
    db::run(tx, sql, values).await?;
    Ok(())
}

/// Seals lists that were opened before there were seals; at the start of the server.
pub async fn seal_missing(app: &App) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        village: String,
        month: String,
    }
    let sql = "SELECT l.village, l.month FROM public_lists l WHERE NOT EXISTS ( \
                 SELECT 1 FROM list_checkpoints c WHERE c.village = l.village \
                 AND c.month = l.month) ORDER BY l.village, l.month";
    for Row { village, month } in db::all::<Row>(app.db.read(), sql, []).await? {
        let odd = || Problem::fault(format!("list {village} {month}"));
        let here: Village = village.parse().map_err(|_| odd())?;
        let month: Month = month.parse().map_err(|_| odd())?;
        app.db.write(async |tx| seal_list(app, tx, &here, month).await).await?;
    }
    Ok(())
}
