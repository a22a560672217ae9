//! Whether a claim may be filed by this person, for this household, with what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use uuid::Uuid;

use super::facts::{self, HouseholdRow};
use super::rules::{Admitted, Deed, Shown, admit, filed_at};
use super::submit::NewClaim;
use crate::app::App;
use crate::identity::{Caller, Role};
use crate::kernel::clock::Instant;
use crate::kernel::db::Tx;
use crate::kernel::period::Week;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
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
    pub async fn read(tx: &Tx, filing: &Filing<'_>, claims: &[NewClaim]) -> Outcome<Self> {
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
        let households = facts::households(tx, village, named).await?;
        let members = facts::members(tx, village, claims).await?;
        let concerned = facts::concerned(tx, village, filer).await?;
        Ok(Self { now, week, households, books, members, concerned })
    }

    /// The rule of a claim, if one was in force on its day.
    pub fn rule(&self, claim: &NewClaim) -> Option<&Rule> {
        self.books.get(&claim.occurred_on)?.rule(&claim.rule)
    }

    /// # Errors
    /// Those of [`admit`]; `not_found`, `household_not_active`, `role_required`, `other_household`,
    /// `conflict_of_interest`, `reason_required`, `consent_missing` or `invalid_field`.
    pub fn admit(&self, filing: &Filing<'_>, claim: &NewClaim) -> Result<Admitted, Refusal> {
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
            None => Err(Refusal::from(Code::ReasonRequired).at(
                "/late_reason",
                "required",
                "unreadable",
            )),
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

/// Whether claims for this rule are approved at once, but for a sample.
pub fn is_sampled(rule: &Rule) -> bool {
    let first = rule.chain.first();
    rule.source == Source::Import && first.is_some_and(|step| step.step == "sample")
}
