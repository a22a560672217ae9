//! The photos that claims name: whose they are, that nobody shows the same picture for two deeds, and
//! those that arrive after the claim.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::facts::{live, places};
use super::rules::one_spelling;
use super::submit::{Evidence, NewClaim};
use crate::changes;
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::photos::{self, Known};

/// A live claim that shows a picture.
#[derive(Clone, FromQueryResult)]
struct Use {
    pixels: String,
    claim: Uuid,
    rule: String,
    event: Option<String>,
}

/// The photos that claims name, and where their pictures are shown already.
#[derive(Default)]
pub struct Pictures {
    known: BTreeMap<Uuid, Known>,
    uses: BTreeMap<String, Vec<Use>>,
}

/// What a claim shows.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    pub photos: Vec<Uuid>,
    /// Named before they were uploaded.
    pub awaited: Vec<Uuid>,
}

/// The photos that evidence names.
pub fn named(evidence: &[Evidence]) -> impl Iterator<Item = Uuid> {
    evidence.iter().filter_map(|it| it.photo)
}

impl Pictures {
    /// Reads what is known of these photos, and keeps others from showing the same pictures until the
    /// transaction ends. `except` is a claim that is being corrected: what it showed does not count.
    pub async fn read(
        tx: &Tx,
        village: &Village,
        ids: &[Uuid],
        except: Option<Uuid>,
    ) -> Outcome<Self> {
        let mut known = photos::known(tx, village, ids).await?;
        let coming = ids.iter().filter(|id| !known.contains_key(id));
        let coming: Vec<_> = coming.copied().collect();
        if !coming.is_empty() {
            // An upload that is at work sees that a claim waits for it, or is seen itself.
            let names = coming.iter().map(|id| arrival(village, *id)).collect();
            db::lock_all(tx, &names).await?;
            known.extend(photos::known(tx, village, &coming).await?);
        }
        let pixels: BTreeSet<_> = known.values().map(|it| it.pixels.clone()).collect();
        let uses = uses(tx, village, &pixels, except).await?;
        Ok(Self { known, uses })
    }

    /// What a claim shows with this evidence, if it may. With `early`, a photo may be named before it
    /// is uploaded; `kept` are those that the claim named before it was corrected.
    ///
    /// # Errors
    /// `not_found` for a photo that is unknown or somebody else's, `invalid_field` for the same picture
    /// twice, `duplicate_claim` for one that another claim shows, unless both are for the same rule and
    /// event: a group photo.
    pub fn shown(
        &self,
        person: Uuid,
        claim: &NewClaim,
        early: bool,
        kept: &BTreeSet<Uuid>,
    ) -> Result<Shown, Refusal> {
        let mut shown = Shown::default();
        let mut seen = BTreeSet::new();
        for (at, photo) in claim.evidence.iter().enumerate() {
            let Some(photo) = photo.photo else { continue };
            let Some(known) = self.known.get(&photo) else {
                if early || kept.contains(&photo) {
                    shown.awaited.push(photo);
                    continue;
                }
                return Err(Code::NotFound.into());
            };
            if known.uploaded_by != person && !kept.contains(&photo) {
                return Err(Code::NotFound.into());
            }
            if !seen.insert(known.pixels.as_str()) {
                let pointer = format!("/evidence/{at}/photo");
                let refusal = Refusal::from(Code::InvalidField);
                return Err(refusal.at(&pointer, "repeated", "the same picture twice"));
            }
            if let Some(first) = self.elsewhere(&known.pixels, claim) {
                return Err(Refusal::from(Code::DuplicateClaim).existing(first));
            }
            shown.photos.push(photo);
        }
        Ok(shown)
    }

    fn elsewhere(&self, pixels: &str, claim: &NewClaim) -> Option<Uuid> {
        let (rule, event) = (claim.rule.as_str(), claim.event.as_deref());
        let uses = self.uses.get(pixels).into_iter().flatten();
        uses.filter(|it| !one_event(it, rule, event)).map(|it| it.claim).next()
    }

    /// Remembers that a claim shows these photos from now on.
    pub fn show(&mut self, claim: &NewClaim, shown: &Shown) {
        for photo in &shown.photos {
            let Some(known) = self.known.get(photo) else { continue };
            let pixels = known.pixels.clone();
            let (rule, event) = (claim.rule.clone(), claim.event.clone());
            let used = Use { pixels: pixels.clone(), claim: claim.id, rule, event };
            self.uses.entry(pixels).or_default().push(used);
        }
    }
}

/// The lock on the arrival of a photo; 256 a village.
fn arrival(village: &Village, photo: Uuid) -> String {
    let [.., last] = photo.into_bytes();
    format!("arrival {village} {last:02x}")
}

fn one_event(used: &Use, rule: &str, event: Option<&str>) -> bool {
    let spelled = |event: Option<&str>| event.map(one_spelling).filter(|it| !it.is_empty());
    let event = spelled(event);
    used.rule == rule && event.is_some() && event == spelled(used.event.as_deref())
}

/// Where these pictures are shown by live claims, after taking the locks on them. Locks are shared by
/// pictures whose digests begin alike: 256 a village at most, so that a full batch does not use up
/// those of the database.
async fn uses(
    tx: &Tx,
    village: &Village,
    pixels: &BTreeSet<String>,
    except: Option<Uuid>,
) -> Outcome<BTreeMap<String, Vec<Use>>> {
    if pixels.is_empty() {
        return Ok(BTreeMap::new());
    }
    let begins = |pixels: &String| pixels.chars().take(2).collect::<String>();
    let names: BTreeSet<_> =
        pixels.iter().map(|it| format!("photo {village} {}", begins(it))).collect();
    db::lock_all(tx, &names).await?;
    let sql = format!(
        "SELECT p.pixels, c.id AS claim, c.rule, c.event FROM photos p \
         JOIN photo_uses u ON u.village = p.village AND u.photo = p.id \
         JOIN claims c ON c.village = u.village AND c.id = u.claim \
         WHERE p.village = $1 AND c.id <> $2 AND p.pixels IN ({}) AND {} ORDER BY c.id",
        places(3, pixels.len()),
        live()
    );
    let values: [Value; 2] = [village.into(), except.unwrap_or_default().into()];
    let values = values.into_iter().chain(pixels.iter().map(|it| it.as_str().into()));
    let mut uses = BTreeMap::<String, Vec<Use>>::new();
    for used in db::all::<Use>(tx, &sql, values).await? {
        uses.entry(used.pixels.clone()).or_default().push(used);
    }
    Ok(uses)
}

/// Writes which photos claims show, and for which they wait.
pub async fn write(
    tx: &Tx,
    village: &Village,
    person: Uuid,
    shown: &[(Uuid, &Shown)],
) -> Outcome<()> {
    let pairs = |of: fn(&Shown) -> &Vec<Uuid>| -> Vec<(Uuid, Uuid)> {
        let all = shown.iter().map(|(claim, it)| of(it).iter().map(|photo| (*claim, *photo)));
        all.flatten().collect()
    };
    photos::attach(tx, village, &pairs(|it| &it.photos)).await?;
    let awaited = pairs(|it| &it.awaited);
    let columns = [
        Column::Text("village", vec![village.to_string(); awaited.len()]),
        Column::Uuid("claim", awaited.iter().map(|(claim, _)| *claim).collect()),
        Column::Uuid("photo", awaited.iter().map(|(_, photo)| *photo).collect()),
        Column::Uuid("person", vec![person; awaited.len()]),
    ];
    db::bulk_insert(tx, "awaited_photos", &columns, "").await?;
    Ok(())
}

/// Forgets which photos a claim shows and for which it waits, before [`write`] says it anew.
pub async fn forget(tx: &Tx, village: &Village, claim: Uuid) -> Outcome<()> {
    photos::detach(tx, village, claim).await?;
    let sql = "DELETE FROM awaited_photos WHERE village = $1 AND claim = $2";
    db::run(tx, sql, [village.into(), claim.into()]).await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Waiting {
    id: Uuid,
    rule: String,
    event: Option<String>,
}

/// A photo was uploaded: the claims of its uploader that wait for it show it from now on. One whose
/// picture another claim shows already goes on waiting, and names that other one.
pub async fn photo_arrived(
    tx: &Tx,
    village: &Village,
    photo: Uuid,
    uploaded_by: Uuid,
) -> Outcome<()> {
    db::lock(tx, &arrival(village, photo)).await?;
    let key: [Value; 3] = [village.into(), photo.into(), uploaded_by.into()];
    let waits = "village = $1 AND photo = $2 AND person = $3";
    let sql = format!("SELECT COUNT(*) FROM awaited_photos WHERE {waits}");
    if db::number(tx, &sql, key.clone()).await? == 0 {
        return Ok(());
    }
    let mut pictures = Pictures::read(tx, village, &[photo], None).await?;
    let Some(pixels) = pictures.known.get(&photo).map(|it| it.pixels.clone()) else {
        return Ok(());
    };
    let sql = format!(
        "SELECT c.id, c.rule, c.event FROM claims c WHERE c.village = $1 AND c.id IN \
         (SELECT claim FROM awaited_photos WHERE {waits}) ORDER BY c.id{}",
        db::exclusively_of(tx, "c")
    );
    let (mut shows, mut refused) = (Vec::new(), Vec::new());
    for claim in db::all::<Waiting>(tx, &sql, key.clone()).await? {
        let uses = pictures.uses.entry(pixels.clone()).or_default();
        let event = claim.event.as_deref();
        match uses.iter().find(|used| !one_event(used, &claim.rule, event)) {
            Some(other) => refused.push((claim.id, other.claim)),
            None => {
                let Waiting { id, rule, event } = claim;
                uses.push(Use { pixels: pixels.clone(), claim: id, rule, event });
                shows.push(id);
            }
        }
    }
    arrive(tx, village, photo, &shows, &refused).await
}

async fn arrive(
    tx: &Tx,
    village: &Village,
    photo: Uuid,
    shows: &[Uuid],
    refused: &[(Uuid, Uuid)],
) -> Outcome<()> {
    let changed = changes::next(tx, village).await?;
    let uses: Vec<_> = shows.iter().map(|claim| (*claim, photo)).collect();
    photos::attach(tx, village, &uses).await?;
    let with = |claims: &[Uuid]| -> Vec<Value> { claims.iter().map(|id| (*id).into()).collect() };
    if !shows.is_empty() {
        let listed = places(3, shows.len());
        let sql = format!(
            "DELETE FROM awaited_photos WHERE village = $1 AND photo = $2 AND claim IN ({listed})"
        );
        let key: [Value; 2] = [village.into(), photo.into()];
        db::run(tx, &sql, key.into_iter().chain(with(shows))).await?;
        let sql = format!(
            "UPDATE claims SET photos_awaited = photos_awaited - 1, version = version + 1, \
               changed = $2 WHERE village = $1 AND id IN ({listed})"
        );
        let key: [Value; 2] = [village.into(), changed.into()];
        db::run(tx, &sql, key.into_iter().chain(with(shows))).await?;
    }
    // All of them meet the same picture, and so the same first claim.
    let Some((_, other)) = refused.first() else { return Ok(()) };
    let claims: Vec<_> = refused.iter().map(|(claim, _)| *claim).collect();
    let sql = format!(
        "UPDATE claims SET possible_duplicate = $3, version = version + 1, changed = $2 \
         WHERE village = $1 AND id IN ({})",
        places(4, claims.len())
    );
    let key: [Value; 3] = [village.into(), changed.into(), (*other).into()];
    db::run(tx, &sql, key.into_iter().chain(with(&claims))).await?;
    Ok(())
}
