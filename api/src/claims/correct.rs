//! `PUT /v1/villages/{village}/claims/{claim}`: a claim put right before anybody has reviewed it, or
//! after it was returned for that.

use std::collections::BTreeSet;

use actix_web::web::Data;
use actix_web::{HttpRequest, put};
use chrono::NaiveDate;
use sea_orm::{SqlErr, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::admission::{deed, shown};
use super::facts::{self, Earlier, SAME_DEED, Sent};
use super::pictures::{self, Pictures, Shown};
use super::read::{Claim, load, may_withdraw};
use super::rules::{Admitted, admit, filed_at};
use super::submit::{Evidence, NewClaim};
use super::weigh::{again_if_outrun, alike};
use crate::app::App;
use crate::changes;
use crate::households::{Notice, may_read, tell};
use crate::http::{if_match, path_id};
use crate::identity::Neighbour;
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Body};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::readable;
use crate::rules::Rule;

type Row = entity::claim::Model;

/// What is claimed instead. What is absent is not claimed; household and rule stay.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimCorrection {
    /// Whose deed it was, where the rule counts per member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub member: Option<Uuid>,
    #[validate(range(min = 1, max = 1000))]
    #[schema(minimum = 1, maximum = 1000, example = 1)]
    pub count: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = -1000, max = 1000))]
    #[schema(nullable = false, minimum = -1000, maximum = 1000, example = 3)]
    pub points_each: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 40))]
    #[schema(nullable = false, min_length = 1, max_length = 40, example = "county")]
    pub level: Option<String>,
    /// The day of the deed, village time, not after the claim was filed.
    #[schema(value_type = String, format = Date, example = "2024-09-23")]
    pub occurred_on: NaiveDate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 100))]
    #[schema(nullable = false, min_length = 1, max_length = 100, example = "9月24日集中清扫")]
    pub event: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 500))]
    #[schema(nullable = false, max_length = 500, example = "门前种了三角梅")]
    pub note: Option<String>,
    #[serde(default)]
    #[validate(nested, length(max = 9))]
    #[schema(max_items = 9)]
    pub evidence: Vec<Evidence>,
}

/// Put a claim right
#[utoipa::path(tag = "claims", operation_id = "claims_put", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("claim" = Uuid, Path, description = "The claim's id"),
        ("If-Match" = String, Header, description = "The claim's ETag, as it was read", example = "\"1\"")),
    request_body = ClaimCorrection, responses((status = 200, body = Claim)),
    extensions(("x-codes" = json!("other_household role_required wrong_state rule_not_in_force \
        claim_too_late claim_in_future evidence_missing member_required event_required outside_range \
        duplicate_claim household_not_active precondition_required precondition_failed \
        invalid_field"))))]
#[put("/v1/villages/{village}/claims/{claim}")]
async fn put_claim(
    caller: Neighbour,
    request: HttpRequest,
    correction: Body<ClaimCorrection>,
    app: Data<App>,
) -> Outcome<Answer<Claim>> {
    let id = path_id(&request, "claim")?;
    let done = again_if_outrun(async || {
        let done = app.db.write(async |tx| {
            correct(&app, tx, &caller, &request, id, &correction.0).await?;
            load(&app, tx, &caller, id).await
        });
        done.await
    });
    let claim = done.await?;
    let version = claim.version;
    Ok(Answer::ok(claim).version(version))
}

/// Whoever filed a claim puts it right, or the household that it claims for.
///
/// # Errors
/// `role_required`; `wrong_state` once somebody has reviewed it.
pub fn may_correct(caller: &Neighbour, row: &Row) -> Result<(), Refusal> {
    if !may_withdraw(caller, row.household, row.filed_by, &row.source, row.points) {
        return Err(Code::RoleRequired.into());
    }
    match row.status.as_str() {
        // What is given back is what was taken, and what a household was told of does not change under
        // its hands: a deduction is withdrawn and proposed anew.
        _ if row.remedies.is_some() || row.points < 0 => Err(Refusal::wrong_state(&row.status)),
        "submitted" | "returned" => Ok(()),
        other => Err(Refusal::wrong_state(other)),
    }
}

async fn find(tx: &Tx, village: &Village, id: Uuid, lock: &str) -> Outcome<Row> {
    let sql = format!("SELECT * FROM claims WHERE village = $1 AND id = $2{lock}");
    Ok(db::one(tx, &sql, [village.into(), id.into()]).await?.ok_or(Code::NotFound)?)
}

/// The claim as it would have been filed.
fn as_filed(row: &Row, new: &ClaimCorrection) -> NewClaim {
    let ClaimCorrection { member, count, points_each, level, .. } = new.clone();
    let ClaimCorrection { occurred_on, event, note, evidence, .. } = new.clone();
    NewClaim {
        id: row.id,
        household: row.household,
        rule: row.rule.clone(),
        member,
        count,
        points_each,
        level,
        occurred_on,
        event: event.as_deref().and_then(readable),
        note,
        evidence,
        device_at: row.device_at.map(Instant),
        late_reason: row.late_reason.clone(),
        consent: None,
    }
}

async fn correct(
    app: &App,
    tx: &Tx,
    caller: &Neighbour,
    request: &HttpRequest,
    id: Uuid,
    new: &ClaimCorrection,
) -> Outcome<()> {
    let village = &caller.village;
    let before = find(tx, village, id, "").await?;
    may_read(caller, before.household)?;
    may_correct(caller, &before)?;
    let claim = as_filed(&before, new);
    // Locks in the order of every filing: household, pictures, claim.
    let sent = [Sent { filer: &caller.caller, village, claim: &claim }];
    let [of] = sent.map(|it| it.household());
    let households = facts::households(tx, &BTreeSet::from([of.clone()])).await?;
    let household = households.get(&of).ok_or(Code::NotFound)?;
    if household.status != "active" {
        return Err(Code::HouseholdNotActive.into());
    }
    let photos: Vec<_> = pictures::named(&claim.evidence).collect();
    let pictures = Pictures::read(tx, village, &photos, Some(id)).await?;
    let row = find(tx, village, id, db::exclusively(tx)).await?;
    may_correct(caller, &row)?;
    if_match(request, row.version)?;
    let members = facts::members(tx, &sent).await?;
    if claim.member.is_some_and(|person| !members.contains_key(&(of.clone(), person))) {
        return Err(Code::NotFound.into());
    }
    let days = BTreeSet::from([(village, claim.occurred_on)]);
    let books = facts::books(app, tx, &days).await?;
    let book = books.into_values().next().ok_or(Code::RuleNotInForce)?;
    let rule = book.rule(&claim.rule).ok_or(Code::RuleNotInForce)?;
    let admitted = admitted(&row, &claim, rule)?;
    let dedupes = BTreeSet::from([(village.to_string(), admitted.dedupe.clone())]);
    let earlier = facts::earlier(tx, &sent, &dedupes).await?;
    let possible = others(&earlier, &claim)?;
    let odd = |_| Problem::fault(format!("claim {id}: its evidence"));
    let named: Vec<Evidence> = serde_json::from_str(&row.evidence).map_err(odd)?;
    let kept: BTreeSet<_> = pictures::named(&named).collect();
    let shown = pictures.shown(caller.person, &claim, false, &kept)?;
    let now = app.clock.now();
    let put = Put { row: &row, claim: &claim, admitted, rule, possible, shown };
    put.write(tx, village).await?;
    put.tell(tx, caller, now).await
}

/// Admits the corrected deed as if it had been told so when it was filed.
fn admitted(row: &Row, claim: &NewClaim, rule: &Rule) -> Result<Admitted, Refusal> {
    let received = Instant(row.submitted_at);
    let at = filed_at(row.device_at.map(Instant), received);
    let pieces = shown(claim)?;
    // A list from outside is evidence by itself.
    let evidence = (row.source != "import").then_some(pieces);
    // The committee admitted this deed of this day.
    let excused = row.late_reason.is_some() && claim.occurred_on.to_string() == row.occurred_on;
    admit(rule, &deed(claim, claim.event.as_deref(), evidence, at, excused), received)
}

/// The claim of another member for the same event or day.
///
/// # Errors
/// `duplicate_claim` if another claim stands for the same deed.
fn others(earlier: &[Earlier], claim: &NewClaim) -> Result<Option<Uuid>, Refusal> {
    let rest = earlier.iter().filter(|it| it.id != claim.id);
    if let Some(first) = rest.clone().find(|it| it.found_as == SAME_DEED) {
        return Err(Refusal::from(Code::DuplicateClaim).existing(first.id));
    }
    let day = claim.occurred_on.to_string();
    let this = alike(claim.household, &claim.rule, claim.event.as_deref(), &day);
    let others = rest.filter(|it| {
        let that = alike(it.household, &it.rule, it.event.as_deref(), &it.occurred_on);
        claim.member.is_some() && it.member.is_some() && it.member != claim.member && that == this
    });
    Ok(others.map(|it| it.id).min())
}

/// A correction that may be written.
struct Put<'a> {
    row: &'a Row,
    claim: &'a NewClaim,
    admitted: Admitted,
    rule: &'a Rule,
    possible: Option<Uuid>,
    shown: Shown,
}

impl Put<'_> {
    /// # Errors
    /// `busy` if another writer was faster with the same deed.
    async fn write(&self, tx: &Tx, village: &Village) -> Outcome<()> {
        let Self { row, claim, admitted, rule, possible, shown } = self;
        let changed = changes::next(tx, village).await?;
        // Another day's rules may have a shorter chain.
        let last = i64::try_from(rule.chain.len()).unwrap_or(i64::MAX) - 1;
        let sql = "UPDATE claims SET member = $3, rule_set = $4, category = $5, count = $6, \
                     points = $7, level = $8, occurred_on = $9, event = $10, note = $11, \
                     evidence = $12, photos_awaited = $13, possible_duplicate = $14, dedupe = $15, \
                     step = $16, changed = $17, version = version + 1 \
                   WHERE village = $1 AND id = $2";
        let values: [Value; 17] = [
            village.into(),
            row.id.into(),
            claim.member.into(),
            rule.rule_set.into(),
            rule.category.as_str().into(),
            claim.count.into(),
            admitted.points.into(),
            claim.level.clone().into(),
            claim.occurred_on.to_string().into(),
            claim.event.clone().into(),
            claim.note.as_deref().and_then(readable).into(),
            serde_json::to_string(&claim.evidence).unwrap_or_default().into(),
            i64::try_from(shown.awaited.len()).unwrap_or(0).into(),
            (*possible).into(),
            admitted.dedupe.as_str().into(),
            row.step.min(last.max(0)).into(),
            changed.into(),
        ];
        match db::run(tx, sql, values).await {
            Ok(_) => {}
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
                return Err(Refusal { retry_after: Some(1), ..Code::Busy.into() }.into());
            }
            Err(error) => return Err(error.into()),
        }
        pictures::forget(tx, village, row.id).await?;
        pictures::write(tx, village, row.filed_by, &[(row.id, shown)]).await
    }

    /// The audit row, and word to the household if somebody else put its claim right.
    async fn tell(&self, tx: &Tx, caller: &Neighbour, now: Instant) -> Outcome<()> {
        let village = &caller.village;
        let act = Act {
            region: village.as_str(),
            actor: Some(caller.person),
            action: "claim.correct",
            subject: self.row.id.to_string(),
            detail: serde_json::json!({
                "points": { "from": self.row.points, "to": self.admitted.points },
                "occurred_on": { "from": self.row.occurred_on, "to": self.claim.occurred_on },
            }),
        };
        audit::record(tx, now, act).await?;
        if caller.household_in(village) == Some(self.row.household) {
            return Ok(());
        }
        let detail = format!("{}：为本户的申报有更正", self.rule.name_zh);
        let (recipient, subject) = (self.row.household, self.row.id);
        let notice = Notice { recipient, kind: "claim_corrected", subject, detail };
        tell(tx, village, now, &[notice]).await
    }
}
