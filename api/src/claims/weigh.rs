//! Whether claims may be filed: one path for one of them and for many, in whatever order they came.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::facts::{self, Earlier, HouseholdRow, SAME_DEED, SAME_ID};
use super::pictures::{self, Pictures};
use super::rules::{Admitted, Deed, Shown, admit, filed_at, one_spelling};
use super::submit::NewClaim;
use crate::app::App;
use crate::identity::{Caller, Role};
use crate::kernel::clock::Instant;
use crate::kernel::db::Tx;
use crate::kernel::derive::{derived, hex};
use crate::kernel::period::Week;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::readable;
use crate::rules::{Book, Rule, Source};
use crate::scoring;

/// One in so many imported claims is drawn for the panel.
const SAMPLED: u32 = 20;

/// By whom, where and how claims are filed.
pub struct Filing<'a> {
    pub app: &'a App,
    pub filer: &'a Caller,
    pub village: &'a Village,
    /// The source of a list from outside, which needs neither evidence nor consent; else the rule's.
    pub list: Option<Source>,
    /// Whether a photo may be named before it is uploaded.
    pub early_photos: bool,
}

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

/// What filing depends on, read under the locks that keep it so.
pub struct Facts {
    pub now: Instant,
    /// The open week, where claims can be approved at once.
    pub week: Option<Week>,
    pub households: BTreeMap<Uuid, HouseholdRow>,
    pub books: BTreeMap<NaiveDate, Arc<Book>>,
    members: BTreeMap<(Uuid, Uuid), bool>,
    concerned: BTreeSet<Uuid>,
}

impl Facts {
    async fn read(tx: &Tx, filing: &Filing<'_>, claims: &[NewClaim]) -> Outcome<Self> {
        let Filing { app, filer, village, .. } = *filing;
        let days = claims.iter().map(|claim| claim.occurred_on).collect();
        let books = facts::books(app, tx, village, days).await?;
        let rule = |claim: &NewClaim| books.get(&claim.occurred_on)?.rule(&claim.rule);
        let week = match claims.iter().filter_map(rule).any(is_sampled) {
            // The sheet before everything else, as in a review, and before the clock.
            true => Some(scoring::open_sheet(tx, village).await?.week),
            false => None,
        };
        let now = app.clock.now();
        if week.is_some_and(|week| now >= week.ends_at()) {
            // The week ended since this request was let in; the next try finds it settled.
            return Err(Refusal { retry_after: Some(1), ..Code::Busy.into() }.into());
        }
        let named = claims.iter().map(|claim| claim.household).collect();
        let households = facts::households(tx, village, filer, named).await?;
        let members = facts::members(tx, village, claims).await?;
        let concerned = facts::concerned(tx, village, filer).await?;
        Ok(Self { now, week, households, books, members, concerned })
    }

    /// The rule of a claim, if one was in force on its day.
    pub fn rule(&self, claim: &NewClaim) -> Option<&Rule> {
        self.books.get(&claim.occurred_on)?.rule(&claim.rule)
    }

    fn admit(&self, filing: &Filing<'_>, claim: &NewClaim) -> Result<Admitted, Refusal> {
        let household = self.households.get(&claim.household).ok_or(Code::NotFound)?;
        let of_household = |person: Uuid| self.members.get(&(claim.household, person));
        if claim.member.is_some_and(|person| of_household(person).is_none()) {
            return Err(Code::NotFound.into());
        }
        if household.status != "active" {
            return Err(Code::HouseholdNotActive.into());
        }
        let rule = self.rule(claim).ok_or(Code::RuleNotInForce)?;
        let mut excused = false;
        if filing.list.is_none() {
            self.may_file(filing, household, rule.source, claim.late_reason.is_some())?;
            excused = self.excuses(filing, claim)?;
            self.consented(filing, claim, rule.source)?;
        }
        let at = filed_at(claim.device_at, self.now);
        let event = claim.event.as_deref().and_then(readable);
        let evidence = match filing.list {
            None => Some(shown(claim)?),
            Some(_) => None,
        };
        admit(rule, &deed(claim, event.as_deref(), evidence, at, excused), self.now)
    }

    /// A household claims for itself; a grid worker files for the households of the grid, and the
    /// committee what is too late; inspections are the grid worker's, the committee's own items the
    /// committee's and the panel's, lists from outside the township's.
    fn may_file(
        &self,
        filing: &Filing<'_>,
        household: &HouseholdRow,
        source: Source,
        late: bool,
    ) -> Result<(), Refusal> {
        let (filer, here) = (filing.filer, filing.village.as_str());
        let own = filer.household_in(filing.village) == Some(household.id);
        let worker = filer.has(Role::GridWorker, &household.grid);
        let committee = filer.has(Role::Committee, here);
        let panel = filer.has(Role::Panel, here);
        let township = filer.has(Role::Township, here);
        let allowed = match source {
            Source::Claim => own || worker || (late && committee),
            Source::Inspection => worker,
            Source::Committee => committee || panel,
            Source::Import => township,
        };
        if !allowed {
            let known = own || worker || committee || panel || township;
            let code = if known { Code::RoleRequired } else { Code::OtherHousehold };
            return Err(code.into());
        }
        if source != Source::Claim && self.concerned.contains(&household.id) {
            return Err(Code::ConflictOfInterest.into());
        }
        Ok(())
    }

    /// Whether the claim is admitted though it is too late: by the committee, with a reason.
    fn excuses(&self, filing: &Filing<'_>, claim: &NewClaim) -> Result<bool, Refusal> {
        let Some(reason) = &claim.late_reason else { return Ok(false) };
        if !filing.filer.has(Role::Committee, filing.village.as_str()) {
            return Err(Code::RoleRequired.into());
        }
        if self.concerned.contains(&claim.household) {
            return Err(Code::ConflictOfInterest.into());
        }
        match readable(reason) {
            Some(_) => Ok(true),
            None => {
                Err(Refusal::from(Code::ReasonRequired).at("/late_reason", "required", "unreadable"))
            }
        }
    }

    /// Whoever files for another household has asked somebody of it.
    fn consented(
        &self,
        filing: &Filing<'_>,
        claim: &NewClaim,
        source: Source,
    ) -> Result<(), Refusal> {
        let own = filing.filer.household_in(filing.village) == Some(claim.household);
        match &claim.consent {
            Some(consent) => match self.members.get(&(claim.household, consent.by)) {
                Some(true) => Ok(()),
                _ => Err(Code::NotFound.into()),
            },
            None if source == Source::Claim && !own => {
                Err(Refusal::from(Code::ConsentMissing).at("/consent", "required", ""))
            }
            None => Ok(()),
        }
    }
}

/// The deed that a claim tells.
pub fn deed<'a>(
    claim: &'a NewClaim,
    event: Option<&'a str>,
    evidence: Option<Vec<Shown<'a>>>,
    filed_at: Instant,
    excused: bool,
) -> Deed<'a> {
    Deed {
        household: claim.household,
        member: claim.member,
        count: claim.count,
        points_each: claim.points_each,
        level: claim.level.as_deref(),
        occurred_on: claim.occurred_on,
        event,
        evidence,
        filed_at,
        excused,
    }
}

/// The evidence of a claim, each piece of which says something.
///
/// # Errors
/// `invalid_field` for an empty piece, or a photo named twice.
pub fn shown(claim: &NewClaim) -> Result<Vec<Shown<'_>>, Refusal> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::with_capacity(claim.evidence.len());
    for (at, it) in claim.evidence.iter().enumerate() {
        let refuse = |pointer: String, code: &str, why: &str| {
            Err(Refusal::from(Code::InvalidField).at(&pointer, code, why))
        };
        if it.photo.is_none() && it.reference.is_none() {
            return refuse(format!("/evidence/{at}"), "required", "a reference or a photo");
        }
        if it.photo.is_some_and(|photo| !seen.insert(photo)) {
            return refuse(format!("/evidence/{at}/photo"), "repeated", "the same photo twice");
        }
        let told = it.reference.as_deref().and_then(readable).is_some();
        all.push(Shown { kind: &it.kind, told, photo: it.photo });
    }
    Ok(all)
}

fn is_sampled(rule: &Rule) -> bool {
    let first = rule.chain.first();
    rule.source == Source::Import && first.is_some_and(|step| step.step == "sample")
}

/// Whether an imported claim is drawn for the panel: nobody without the secret can know, and it is the
/// same however often one asks.
fn is_drawn(app: &App, claim: Uuid) -> bool {
    let [a, b, c, d, ..] = derived(app.config.secrets.identity(), "sample", claim.as_bytes());
    u32::from_be_bytes([a, b, c, d]).is_multiple_of(SAMPLED)
}

/// The digest of what a claim says.
fn content(claim: &NewClaim) -> String {
    hex(&Sha256::digest(serde_json::to_vec(claim).unwrap_or_default()))
}

/// Weighs claims in order of when they count as filed, then of id, so that a batch comes to the same
/// in whatever order it was sent.
pub async fn weigh(tx: &Tx, filing: &Filing<'_>, claims: &[NewClaim]) -> Outcome<Weighed> {
    let facts = Facts::read(tx, filing, claims).await?;
    let mut admitted: Vec<_> =
        claims.iter().map(|claim| Some(facts.admit(filing, claim))).collect();
    let photos: Vec<_> = claims.iter().flat_map(|it| pictures::named(&it.evidence)).collect();
    let pictures = Pictures::read(tx, filing.village, &photos, None).await?;
    let dedupes: Vec<_> =
        admitted.iter().flatten().flatten().map(|it: &Admitted| it.dedupe.as_str()).collect();
    let earlier = facts::earlier(tx, filing.village, claims, &dedupes).await?;
    let mut seen = Seen::new(earlier, pictures);
    let mut turns: Vec<_> = claims
        .iter()
        .enumerate()
        .map(|(at, claim)| (filed_at(claim.device_at, facts.now), claim.id, content(claim), at))
        .collect();
    turns.sort();
    let mut filed: Vec<_> = claims.iter().map(|_| Err(Code::NotFound.into())).collect();
    for (_, _, content, at) in turns {
        let found = claims.get(at).zip(admitted.get_mut(at).and_then(Option::take));
        let (Some((claim, admitted)), Some(slot)) = (found, filed.get_mut(at)) else { continue };
        let approved = facts.week.is_some()
            && facts.rule(claim).is_some_and(is_sampled)
            && !is_drawn(filing.app, claim.id);
        let one = seen.look(filing, claim, content, admitted);
        *slot = one.map(|filed| Filed { approved, ..filed });
    }
    Ok(Weighed { filed, facts })
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

/// What has been claimed so far, before and in this batch.
struct Seen {
    ids: BTreeMap<Uuid, Option<String>>,
    deeds: BTreeMap<String, Uuid>,
    alike: BTreeMap<Alike, Vec<(Uuid, Uuid)>>,
    pictures: Pictures,
}

impl Seen {
    fn new(earlier: Vec<Earlier>, pictures: Pictures) -> Self {
        let (ids, deeds) = (BTreeMap::new(), BTreeMap::new());
        let mut seen = Self { ids, deeds, alike: BTreeMap::new(), pictures };
        for row in earlier {
            match (row.found_as, row.member) {
                (SAME_ID, _) => {
                    seen.ids.insert(row.id, row.content);
                }
                (SAME_DEED, _) => {
                    seen.deeds.insert(row.dedupe, row.id);
                }
                (_, Some(member)) => {
                    let event = row.event.as_deref();
                    let key = alike(row.household, &row.rule, event, &row.occurred_on);
                    seen.alike.entry(key).or_default().push((row.id, member));
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
        filing: &Filing<'_>,
        claim: &NewClaim,
        content: String,
        admitted: Result<Admitted, Refusal>,
    ) -> Result<Filed, Refusal> {
        let known = self.ids.get(&claim.id);
        if known.is_some_and(|known| known.as_ref() == Some(&content)) {
            return Err(Refusal::from(Code::IdTaken).existing(claim.id));
        }
        let admitted = admitted?;
        if known.is_some() {
            return Err(Code::IdTaken.into());
        }
        if let Some(first) = self.deeds.get(&admitted.dedupe) {
            return Err(Refusal::from(Code::DuplicateClaim).existing(*first));
        }
        let (person, early) = (filing.filer.person, filing.early_photos);
        let shown = self.pictures.shown(person, claim, early, &BTreeSet::new())?;
        let possible_duplicate = claim.member.and_then(|member| self.others(claim, member));
        self.ids.insert(claim.id, Some(content.clone()));
        self.deeds.insert(admitted.dedupe.clone(), claim.id);
        self.pictures.show(claim, &shown);
        Ok(Filed { admitted, possible_duplicate, shown, approved: false, content })
    }

    /// The first claim of another member for the same event or day; remembers this one.
    fn others(&mut self, claim: &NewClaim, member: Uuid) -> Option<Uuid> {
        let event = claim.event.as_deref().and_then(readable);
        let day = claim.occurred_on.to_string();
        let alike = alike(claim.household, &claim.rule, event.as_deref(), &day);
        let all = self.alike.entry(alike).or_default();
        let others = all.iter().filter(|(_, whose)| *whose != member).map(|(id, _)| *id);
        let first = others.min();
        all.push((claim.id, member));
        first
    }
}
