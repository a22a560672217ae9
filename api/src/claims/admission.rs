//! Whether a claim may be filed by this person, for this household, with what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use uuid::Uuid;

use super::facts::{self, HouseholdRow, Sent};
use super::rules::{Admitted, Deed, Shown, admit, filed_at};
use super::submit::NewClaim;
use crate::app::App;
use crate::identity::{Caller, Role};
use crate::kernel::clock::Instant;
use crate::kernel::db::Tx;
use crate::kernel::period::Week;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::{Place, Village};
use crate::kernel::text::readable;
use crate::rules::{Book, Rule, Source};
use crate::scoring;

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

impl<'a> Filing<'a> {
    pub fn terms(&self) -> Terms<'a> {
        Terms { app: self.app, list: self.list, early_photos: self.early_photos }
    }

    pub fn sent(&self, claims: &'a [NewClaim]) -> Vec<Sent<'a>> {
        let (filer, village) = (self.filer, self.village);
        claims.iter().map(|claim| Sent { filer, village, claim }).collect()
    }
}

/// How claims are filed, whoever files them; see [`Filing`].
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    pub app: &'a App,
    pub list: Option<Source>,
    pub early_photos: bool,
}

/// What filing depends on, read under the locks that keep it so.
pub struct Facts {
    pub now: Instant,
    /// The open weeks of villages where claims can be approved at once.
    weeks: BTreeMap<String, Week>,
    households: BTreeMap<Place, HouseholdRow>,
    books: BTreeMap<(String, NaiveDate), Arc<Book>>,
    members: BTreeMap<(Place, Uuid), bool>,
    concerned: BTreeSet<(Uuid, Place)>,
}

impl Facts {
    pub async fn read(tx: &Tx, terms: &Terms<'_>, sent: &[Sent<'_>]) -> Outcome<Self> {
        let days = sent.iter().map(|it| (it.village, it.claim.occurred_on)).collect();
        let books = facts::books(terms.app, tx, &days).await?;
        let rule = |it: &Sent<'_>| {
            books.get(&(it.village.to_string(), it.claim.occurred_on))?.rule(&it.claim.rule)
        };
        let sampled = sent.iter().filter(|it| rule(it).is_some_and(is_sampled));
        let sampled: BTreeSet<_> = sampled.map(|it| it.village).collect();
        let mut weeks = BTreeMap::new();
        // The sheet before everything else, as in a review, and before the clock. One, or none: lists
        // from outside are a village's.
        for village in sampled {
            weeks.insert(village.to_string(), scoring::open_sheet(tx, village).await?.week);
        }
        let now = terms.app.clock.now();
        if weeks.values().any(|week| now >= week.ends_at()) {
            // The week ended since this request was let in; the next try finds it settled.
            return Err(Refusal { retry_after: Some(1), ..Code::Busy.into() }.into());
        }
        let households = facts::households(tx, &sent.iter().map(Sent::household).collect()).await?;
        let members = facts::members(tx, sent).await?;
        let concerned = facts::concerned(tx, sent).await?;
        Ok(Self { now, weeks, households, books, members, concerned })
    }

    /// The open week, where a claim can be approved at once.
    pub fn week(&self, village: &Village) -> Option<Week> {
        self.weeks.get(village.as_str()).copied()
    }

    pub fn household(&self, sent: &Sent<'_>) -> Option<&HouseholdRow> {
        self.households.get(&sent.household())
    }

    /// The rules in force on the day of the deed.
    pub fn book(&self, sent: &Sent<'_>) -> Option<&Arc<Book>> {
        self.books.get(&(sent.village.to_string(), sent.claim.occurred_on))
    }

    /// The rule of a claim, if one was in force on its day.
    pub fn rule(&self, sent: &Sent<'_>) -> Option<&Rule> {
        self.book(sent)?.rule(&sent.claim.rule)
    }

    fn concerns(&self, sent: &Sent<'_>) -> bool {
        self.concerned.contains(&(sent.filer.person, sent.household()))
    }

    /// # Errors
    /// Those of [`admit`]; `not_found`, `household_not_active`, `role_required`, `other_household`,
    /// `conflict_of_interest`, `reason_required`, `consent_missing` or `invalid_field`.
    pub fn admit(&self, terms: &Terms<'_>, sent: &Sent<'_>) -> Result<Admitted, Refusal> {
        let claim = sent.claim;
        let household = self.household(sent).ok_or(Code::NotFound)?;
        let of_household = |person: Uuid| self.members.get(&(sent.household(), person));
        if claim.member.is_some_and(|person| of_household(person).is_none()) {
            return Err(Code::NotFound.into());
        }
        if household.status != "active" {
            return Err(Code::HouseholdNotActive.into());
        }
        let rule = self.rule(sent).ok_or(Code::RuleNotInForce)?;
        let mut excused = false;
        if terms.list.is_none() {
            self.may_file(sent, household, rule.source)?;
            excused = self.excuses(sent)?;
            self.consented(sent, rule.source)?;
        }
        let at = filed_at(claim.device_at, self.now);
        let event = claim.event.as_deref().and_then(readable);
        let evidence = match terms.list {
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
        sent: &Sent<'_>,
        household: &HouseholdRow,
        source: Source,
    ) -> Result<(), Refusal> {
        let (filer, here, own) = (sent.filer, sent.village.as_str(), sent.is_own());
        let late = sent.claim.late_reason.is_some();
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
        if source != Source::Claim && self.concerns(sent) {
            return Err(Code::ConflictOfInterest.into());
        }
        Ok(())
    }

    /// Whether the claim is admitted though it is too late: by the committee, with a reason.
    fn excuses(&self, sent: &Sent<'_>) -> Result<bool, Refusal> {
        let Some(reason) = &sent.claim.late_reason else { return Ok(false) };
        if !sent.filer.has(Role::Committee, sent.village.as_str()) {
            return Err(Code::RoleRequired.into());
        }
        if self.concerns(sent) {
            return Err(Code::ConflictOfInterest.into());
        }
        match readable(reason) {
            Some(_) => Ok(true),
            None => Err(Refusal::from(Code::ReasonRequired).at(
                "/late_reason",
                "required",
                "unreadable",
            )),
        }
    }

    /// Whoever files for another household has asked somebody of it.
    fn consented(&self, sent: &Sent<'_>, source: Source) -> Result<(), Refusal> {
        match &sent.claim.consent {
            Some(consent) => match self.members.get(&(sent.household(), consent.by)) {
                Some(true) => Ok(()),
                _ => Err(Code::NotFound.into()),
            },
            None if source == Source::Claim && !sent.is_own() => {
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

/// Whether claims for this rule are approved at once, but for a sample.
pub fn is_sampled(rule: &Rule) -> bool {
    let first = rule.chain.first();
    rule.source == Source::Import && first.is_some_and(|step| step.step == "sample")
}
