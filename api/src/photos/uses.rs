//! What claims know of photos: whose they are, what they show, and which claims use them.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use crate::kernel::db::{self, Column, Tx};
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;

/// A photo, as a claim that wants to use it needs it.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Known {
    pub id: Uuid,
    /// The person.
    pub uploaded_by: Uuid,
    /// Hex SHA-256 of the upright pixels: the same for the same picture, however it was packed.
    pub pixels: String,
}

fn places(from: usize, count: usize) -> String {
    (from..from + count).map(|at| format!("${at}")).collect::<Vec<_>>().join(", ")
}

/// Photos of this village by id; unknown ids are missing from the map.
pub async fn known(
    on: &impl ConnectionTrait,
    village: &Village,
    ids: &[Uuid],
) -> Outcome<BTreeMap<Uuid, Known>> {
    let ids: BTreeSet<_> = ids.iter().copied().collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = format!(
        "SELECT id, uploaded_by, pixels FROM photos WHERE village = $1 AND id IN ({})",
        places(2, ids.len())
    );
    let values = std::iter::once(village.into()).chain(ids.into_iter().map(Value::from));
    let rows = db::all::<Known>(on, &sql, values).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// For each of these `pixels` that claims of the village use already, the first of them.
pub async fn first_uses(
    on: &impl ConnectionTrait,
    village: &Village,
    pixels: &[String],
) -> Outcome<BTreeMap<String, Uuid>> {
    #[derive(FromQueryResult)]
    struct Row {
        pixels: String,
        claim: Uuid,
    }
    let pixels: BTreeSet<_> = pixels.iter().collect();
    if pixels.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = format!(
        "SELECT p.pixels, u.claim FROM photos p \
         JOIN photo_uses u ON u.village = p.village AND u.photo = p.id \
         WHERE p.village = $1 AND p.pixels IN ({}) ORDER BY u.claim DESC",
        places(2, pixels.len())
    );
    let values = std::iter::once(village.into());
    let values = values.chain(pixels.into_iter().map(|it| Value::from(it.as_str())));
    let rows = db::all::<Row>(on, &sql, values).await?;
    // The last one into the map is the first claim.
    Ok(rows.into_iter().map(|row| (row.pixels, row.claim)).collect())
}

/// Says that claims use photos: pairs of claim and photo, each pair once.
///
/// # Errors
/// `not_found` if the village has not all of the photos.
pub async fn attach(tx: &Tx, village: &Village, uses: &[(Uuid, Uuid)]) -> Outcome<()> {
    let uses: BTreeSet<_> = uses.iter().copied().collect();
    let photos: BTreeSet<_> = uses.iter().map(|(_, photo)| *photo).collect();
    if photos.is_empty() {
        return Ok(());
    }
    // Also the lock that keeps the sweep from taking them away meanwhile.
    let sql = format!(
        "UPDATE photos SET used = TRUE WHERE village = $1 AND id IN ({})",
        places(2, photos.len())
    );
    let count = photos.len();
    let values = std::iter::once(village.into()).chain(photos.into_iter().map(Value::from));
    if db::run(tx, &sql, values).await? != count as u64 {
        return Err(Code::NotFound.into());
    }
    let columns = [
        Column::Text("village", vec![village.to_string(); uses.len()]),
        Column::Uuid("claim", uses.iter().map(|(claim, _)| *claim).collect()),
        Column::Uuid("photo", uses.iter().map(|(_, photo)| *photo).collect()),
    ];
    db::bulk_insert(tx, "photo_uses", &columns, "ON CONFLICT DO NOTHING").await?;
    Ok(())
}

/// Says that a claim uses no photos any more, before [`attach`] says which ones it uses instead. What
/// no other claim uses is unused again, and goes with the sweep.
pub async fn detach(tx: &Tx, village: &Village, claim: Uuid) -> Outcome<()> {
    let key = || -> [Value; 2] { [village.into(), claim.into()] };
    let sql = "UPDATE photos SET used = FALSE WHERE village = $1 \
               AND id IN (SELECT photo FROM photo_uses WHERE village = $1 AND claim = $2) \
               AND NOT EXISTS (SELECT 1 FROM photo_uses o WHERE o.village = photos.village \
                 AND o.photo = photos.id AND o.claim <> $2)";
    db::run(tx, sql, key()).await?;
    db::run(tx, "DELETE FROM photo_uses WHERE village = $1 AND claim = $2", key()).await?;
    Ok(())
}
