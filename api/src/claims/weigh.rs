//! What claims come to together: one path for one of them and for many, in whatever order they came.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::admission::{Facts, Terms, is_sampled};
use super::facts::{self, Earlier, SAME_DEED, SAME_ID, Sent};
use super::pictures::{self, Pictures};
use super::rules::{Admitted, filed_at, one_spelling};
use super::submit::NewClaim;
use super::warn::warned;
use crate::app::App;
use crate::kernel::db::Tx;
use crate::kernel::derive::{derived, hex};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::{Place, Village};
use crate::kernel::text::readable;

/// One in so many imported claims is drawn for the panel.
const SAMPLED: u32 = 20;

/// A claim that may be filed, and what came to light about it.
#[derive(Clone, Debug)]
pub struct Filed {
    pub admitted: Admitted,
    /// Another member's claim for the same rule and event, or day.
    pub possible_duplicate: Option<Uuid>,
    pub shown: pictures::Shown,
    /// Imported and not drawn for the panel.
    pub approved: bool,
    /// The same for the same content.
    pub content: String,
}

/// What claims come to, in their order, and what that was judged by.
pub struct Weighed {
    pub filed: Vec<Result<Filed, Refusal>>,
    pub facts: Facts,
}

/// Whether an imported claim is drawn for the panel: nobody without the secret can know, and it is the
/// same however often one asks.
fn is_drawn(app: &App, deed: &str) -> bool {
    let [a, b, c, d, ..] = derived(app.config.secrets.identity(), "sample", deed.as_bytes());
    u32::from_be_bytes([a, b, c, d]).is_multiple_of(SAMPLED)
}

/// The digest of what a claim says.
fn content(claim: &NewClaim) -> String {
    hex(&Sha256::digest(serde_json::to_vec(claim).unwrap_or_default()))
}

/// Weighs claims in order of when they count as filed, then of id, so that a batch comes to the same
/// in whatever order it was sent.
pub async fn weigh(tx: &Tx, terms: &Terms<'_>, sent: &[Sent<'_>]) -> Outcome<Weighed> {
    let facts = Facts::read(tx, terms, sent).await?;
    let mut admitted: Vec<_> = sent.iter().map(|it| Some(facts.admit(terms, it))).collect();
    refuse_unwarned(tx, &facts, sent, &mut admitted).await?;
    let pictures = pictures(tx, sent).await?;
    let keyed = |(it, admitted): (&Sent<'_>, &Option<Result<Admitted, Refusal>>)| {
        let dedupe = admitted.as_ref()?.as_ref().ok()?.dedupe.clone();
        Some((it.village.to_string(), dedupe))
    };
    let dedupes = sent.iter().zip(&admitted).filter_map(keyed).collect();
    let earlier = facts::earlier(tx, sent, &dedupes).await?;
    let mut seen = Seen::new(earlier, pictures);
    let mut turns: Vec<_> = sent
        .iter()
        .enumerate()
        .map(|(at, Sent { claim, .. })| {
            (filed_at(claim.device_at, facts.now), claim.id, content(claim), at)
        })
        .collect();
    turns.sort();
    let mut filed: Vec<_> = sent.iter().map(|_| Err(Code::NotFound.into())).collect();
    for (_, _, content, at) in turns {
        let found = sent.get(at).zip(admitted.get_mut(at).and_then(Option::take));
        let (Some((it, admitted)), Some(slot)) = (found, filed.get_mut(at)) else { continue };
        let sampled = facts.week(it.village).is_some() && facts.rule(it).is_some_and(is_sampled);
        let one = seen.look(terms, it, content, admitted);
        // Drawn by the deed: another id for it draws the same.
        *slot = one.map(|filed| Filed {
            approved: sampled && !is_drawn(terms.app, &filed.admitted.dedupe),
            ..filed
        });
    }
    Ok(Weighed { filed, facts })
}

/// The pictures that claims name, by village; one, or none: claims with photos are not grouped.
async fn pictures(tx: &Tx, sent: &[Sent<'_>]) -> Outcome<BTreeMap<String, Pictures>> {
    let mut named = BTreeMap::<&Village, Vec<Uuid>>::new();
    for Sent { village, claim, .. } in sent {
        let photos: Vec<_> = pictures::named(&claim.evidence).collect();
        if !photos.is_empty() {
            named.entry(village).or_default().extend(photos);
        }
    }
    let mut pictures = BTreeMap::new();
    for (village, photos) in named {
        pictures.insert(village.to_string(), Pictures::read(tx, village, &photos, None).await?);
    }
    Ok(pictures)
}

/// Refuses deductions for what is only warned of the first time, where no warning came before.
async fn refuse_unwarned(
    tx: &Tx,
    facts: &Facts,
    sent: &[Sent<'_>],
    admitted: &mut [Option<Result<Admitted, Refusal>>],
) -> Outcome<()> {
    let warns = |it: &Sent<'_>| facts.rule(it).is_some_and(|rule| rule.warn_first);
    let needing = sent.iter().zip(admitted.iter_mut());
    let needing = needing.filter(|(it, slot)| matches!(slot, Some(Ok(_))) && warns(it));
    let mut by_village = BTreeMap::<&Village, (Vec<_>, Vec<_>)>::new();
    for (Sent { village, claim, .. }, slot) in needing {
        let (deeds, slots) = by_village.entry(village).or_default();
        deeds.push((claim.household, claim.rule.clone(), claim.occurred_on));
        slots.push(slot);
    }
    // One, or none: deductions are officials', and not grouped.
    for (village, (deeds, slots)) in by_village {
        for (slot, warned) in slots.into_iter().zip(warned(tx, village, &deeds).await?) {
            if !warned {
                *slot = Some(Err(Code::WarningNeeded.into()));
            }
        }
    }
    Ok(())
}

/// Does it again when another writer claimed the same deed between our look and our write: the next
/// look finds what is in the way.
pub async fn again_if_outrun<R>(attempt: impl AsyncFn() -> Outcome<R>) -> Outcome<R> {
    for _ in 0..2 {
        match attempt().await {
            Err(problem) if problem.refusal().code == Code::Busy => {}
            done => return done,
        }
    }
    attempt().await
}

/// What two members of a household would claim alike: household, rule, and the event or else the day.
type Alike = (Uuid, String, String);

pub fn alike(household: Uuid, rule: &str, event: Option<&str>, day: &str) -> Alike {
    (household, rule.to_owned(), event.map_or_else(|| day.to_owned(), one_spelling))
}

/// What has been claimed so far, before and in this batch, each in its village.
struct Seen {
    ids: BTreeMap<Place, Option<String>>,
    deeds: BTreeMap<(String, String), Uuid>,
    alike: BTreeMap<(String, Alike), Vec<(Uuid, Uuid)>>,
    pictures: BTreeMap<String, Pictures>,
}

impl Seen {
    fn new(earlier: Vec<Earlier>, pictures: BTreeMap<String, Pictures>) -> Self {
        let (ids, deeds) = (BTreeMap::new(), BTreeMap::new());
        let mut seen = Self { ids, deeds, alike: BTreeMap::new(), pictures };
        for row in earlier {
            match (row.found_as, row.member) {
                (SAME_ID, _) => {
                    seen.ids.insert((row.village, row.id), row.content);
                }
                (SAME_DEED, _) => {
                    seen.deeds.insert((row.village, row.dedupe), row.id);
                }
                (_, Some(member)) => {
                    let event = row.event.as_deref();
                    let key = alike(row.household, &row.rule, event, &row.occurred_on);
                    seen.alike.entry((row.village, key)).or_default().push((row.id, member));
                }
                _ => {}
            }
        }
        seen
    }

    /// # Errors
    /// `id_taken`, with `existing` if it is this very claim that is there already; `duplicate_claim`;
    /// those of admission and of [`Pictures::shown`].
    fn look(
        &mut self,
        terms: &Terms<'_>,
        sent: &Sent<'_>,
        content: String,
        admitted: Result<Admitted, Refusal>,
    ) -> Result<Filed, Refusal> {
        let Sent { filer, village, claim } = sent;
        let id = (village.to_string(), claim.id);
        let known = self.ids.get(&id);
        if known.is_some_and(|known| known.as_ref() == Some(&content)) {
            return Err(Refusal::from(Code::IdTaken).existing(claim.id));
        }
        let admitted = admitted?;
        if known.is_some() {
            return Err(Code::IdTaken.into());
        }
        let deed = (village.to_string(), admitted.dedupe.clone());
        if let Some(first) = self.deeds.get(&deed) {
            return Err(Refusal::from(Code::DuplicateClaim).existing(*first));
        }
        let pictures = self.pictures.entry(village.to_string()).or_default();
        let shown = pictures.shown(filer.person, claim, terms.early_photos, &BTreeSet::new())?;
        pictures.show(claim, &shown);
        let possible_duplicate = claim.member.and_then(|member| self.others(sent, member));
        self.ids.insert(id, Some(content.clone()));
        self.deeds.insert(deed, claim.id);
        Ok(Filed { admitted, possible_duplicate, shown, approved: false, content })
    }

    /// The first claim of another member for the same event or day; remembers this one.
    fn others(&mut self, sent: &Sent<'_>, member: Uuid) -> Option<Uuid> {
        let claim = sent.claim;
        let event = claim.event.as_deref().and_then(readable);
        let day = claim.occurred_on.to_string();
        let alike = alike(claim.household, &claim.rule, event.as_deref(), &day);
        let all = self.alike.entry((sent.village.to_string(), alike)).or_default();
        let others = all.iter().filter(|(_, whose)| *whose != member).map(|(id, _)| *id);
        let first = others.min();
        all.push((claim.id, member));
        first
    }
}
