//! `POST /v1/villages/{village}/claims` and `…/claims/batch`: one path for one claim and for many.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actix_web::post;
use actix_web::web::Data;
use chrono::NaiveDate;
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::read::{Claim, load};
use super::rules::{Admitted, Deed, admit, first_step};
use crate::app::App;
use crate::identity::{Caller, Files, Neighbour, Official, Role};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::readable;
use crate::rules::{Book, Rule, Source, book, set_in_force};

/// A deed for which points are claimed.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClaim {
    /// Made by the client, UUIDv7.
    pub id: Uuid,
    /// The household that earns; one's own, unless one files for another as an official.
    pub household: Uuid,
    /// The rule's key.
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "env.courtyard_beautify")]
    pub rule: String,
    /// Whose deed it was, where the rule counts per member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub member: Option<Uuid>,
    /// How often: times, persons, dogs … as the rule's unit says.
    #[validate(range(min = 1, max = 1000))]
    #[schema(minimum = 1, maximum = 1000, example = 1)]
    pub count: i64,
    /// Points for each count, where the rule leaves a choice; else the rule's usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = -1000, max = 1000))]
    #[schema(nullable = false, minimum = -1000, maximum = 1000, example = 3)]
    pub points_each: Option<i64>,
    /// The day of the deed, village time.
    #[schema(value_type = String, format = Date, example = "2024-09-24")]
    pub occurred_on: NaiveDate,
    /// The event, ticket, certificate or suggestion it is about, where the rule needs one.
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

/// Something that shows the deed.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// One of the kinds that the rule asks for.
    #[validate(length(min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40, example = "photo_before_after")]
    pub kind: String,
    /// Where it is kept: a photo's id, a sheet's number, two witnesses' names.
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "签到表 2024-09-24")]
    pub reference: String,
}

/// File a claim
#[utoipa::path(tag = "claims", operation_id = "claims_submit", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewClaim, responses((status = 201, body = Claim)),
    extensions(("x-codes" = json!("other_household role_required rule_not_in_force claim_too_late \
        claim_in_future evidence_missing member_required event_required outside_range id_taken \
        duplicate_claim household_not_active invalid_field"))))]
#[post("/v1/villages/{village}/claims")]
async fn submit_claim(
    filer: Neighbour,
    claim: Command<NewClaim>,
    app: Data<App>,
) -> Outcome<Answer<Claim>> {
    let done = claim.once(&app, filer.village.as_str(), filer.account, async |tx| {
        let claims = std::slice::from_ref(&claim.body);
        let filed = submit_all(&app, tx, &filer, &filer.village, claims, None).await?;
        filed.into_iter().try_for_each(|result| result.map(|_| ()))?;
        load(&app, tx, &filer, claim.body.id).await
    });
    Ok(done.await?.created())
}

/// Many claims at once.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClaims {
    #[validate(nested, length(min = 1, max = 200))]
    #[schema(min_items = 1, max_items = 200)]
    pub claims: Vec<NewClaim>,
}

/// What became of each claim of a batch, in its order.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct BatchResult {
    pub results: Vec<ClaimResult>,
}

/// What became of one element.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct ClaimResult {
    pub id: Uuid,
    /// `applied`, `duplicate` or `rejected`.
    #[schema(example = "applied")]
    pub result: String,
    /// Why it was not applied: a code of the problem table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "claim_too_late")]
    pub code: Option<String>,
}

/// File up to 200 claims; each has its own result
#[utoipa::path(tag = "claims", operation_id = "claims_submit_batch", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewClaims, responses((status = 200, body = BatchResult)),
    extensions(("x-codes" = json!("role_required invalid_field"))))]
#[post("/v1/villages/{village}/claims/batch")]
async fn submit_claims(
    filer: Official<Files>,
    batch: Command<NewClaims>,
    app: Data<App>,
) -> Outcome<Answer<BatchResult>> {
    let done = batch.once(&app, filer.village.as_str(), filer.account, async |tx| {
        let claims = &batch.body.claims;
        let filed = submit_all(&app, tx, &filer, &filer.village, claims, None).await?;
        let results = claims.iter().zip(filed).map(|(claim, filed)| result(claim.id, filed));
        Ok(BatchResult { results: results.collect() })
    });
    done.await
}

fn result(id: Uuid, filed: Result<Admitted, Refusal>) -> ClaimResult {
    let code = filed.err().map(|refusal| refusal.code);
    let word = match code {
        None => "applied",
        Some(Code::DuplicateClaim | Code::IdTaken) => "duplicate",
        Some(_) => "rejected",
    };
    ClaimResult { id, result: word.to_owned(), code: code.map(|code| code.as_str().to_owned()) }
}

/// A household as filing needs it.
#[derive(FromQueryResult)]
struct HouseholdRow {
    id: Uuid,
    grid: String,
    status: String,
    other_workers: i64,
}

/// Files claims of one village: what each came to, in their order. What is refused leaves no row.
///
/// `import` stands for the source of a list from outside; else the filer's role decides.
pub async fn submit_all(
    app: &App,
    tx: &Tx,
    filer: &Caller,
    village: &Village,
    claims: &[NewClaim],
    import: Option<Source>,
) -> Outcome<Vec<Result<Admitted, Refusal>>> {
    let now = app.clock.now();
    let households = households(tx, village, filer, claims).await?;
    let members = members(tx, village, claims).await?;
    let books = books(app, tx, village, claims).await?;
    let mut filed = Vec::with_capacity(claims.len());
    for claim in claims {
        let household = households.get(&claim.household);
        let book = books.get(&claim.occurred_on);
        let member = claim.member.is_none_or(|person| members.contains(&(claim.household, person)));
        let admitted = match (household, member) {
            (Some(household), true) => one(filer, village, household, book, claim, import, now),
            _ => Err(Code::NotFound.into()),
        };
        filed.push(admitted);
    }
    refuse_duplicates(tx, village, claims, &mut filed).await?;
    let accepted: Vec<_> = claims
        .iter()
        .zip(&filed)
        .filter_map(|(claim, admitted)| {
            let household = households.get(&claim.household)?;
            let book = books.get(&claim.occurred_on)?;
            Some((claim, admitted.as_ref().ok()?, household, book))
        })
        .collect();
    insert(tx, filer, village, &accepted, import, now).await?;
    if let Some((first, ..)) = accepted.first() {
        let act = Act {
            region: village.as_str(),
            actor: Some(filer.person),
            action: "claim.submit",
            subject: first.id.to_string(),
            detail: serde_json::json!({ "claims": accepted.len() }),
        };
        audit::record(tx, now, act).await?;
    }
    Ok(filed)
}

fn one(
    filer: &Caller,
    village: &Village,
    household: &HouseholdRow,
    book: Option<&Arc<Book>>,
    claim: &NewClaim,
    import: Option<Source>,
    now: Instant,
) -> Result<Admitted, Refusal> {
    if household.status != "active" {
        return Err(Code::HouseholdNotActive.into());
    }
    let rule = book.and_then(|book| book.rule(&claim.rule)).ok_or(Code::RuleNotInForce)?;
    if import.is_none() {
        may_file(filer, village, household, rule.source)?;
    }
    let evidence = claim.evidence.iter().filter(|it| readable(&it.reference).is_some());
    let deed = Deed {
        household: household.id,
        member: claim.member,
        count: claim.count,
        points_each: claim.points_each,
        occurred_on: claim.occurred_on,
        event: claim.event.as_deref(),
        evidence: evidence.map(|it| it.kind.as_str()).collect(),
    };
    admit(rule, &deed, now)
}

/// A household claims for itself; a grid worker files for the households of the grid; inspections are
/// the grid worker's, the committee's own items the committee's and the panel's.
fn may_file(
    filer: &Caller,
    village: &Village,
    household: &HouseholdRow,
    source: Source,
) -> Result<(), Refusal> {
    let own = filer.household_in(village) == Some(household.id);
    let worker = filer.has(Role::GridWorker, &household.grid);
    let here = village.as_str();
    let committee = filer.has(Role::Committee, here) || filer.has(Role::Panel, here);
    let allowed = match source {
        Source::Claim => own || worker,
        Source::Inspection => worker && !own,
        Source::Committee => committee && !own,
        Source::Import => filer.has(Role::Township, here),
    };
    match (allowed, own || worker || committee) {
        (true, _) => Ok(()),
        (false, true) => Err(Code::RoleRequired.into()),
        (false, false) => Err(Code::OtherHousehold.into()),
    }
}

fn places(from: usize, count: usize) -> String {
    (from..from + count).map(|at| format!("${at}")).collect::<Vec<_>>().join(", ")
}

async fn households(
    tx: &Tx,
    village: &Village,
    filer: &Caller,
    claims: &[NewClaim],
) -> Outcome<BTreeMap<Uuid, HouseholdRow>> {
    let ids: BTreeSet<_> = claims.iter().map(|claim| claim.household).collect();
    let sql = format!(
        "SELECT h.id, h.grid, h.status, (SELECT COUNT(*) FROM grants g \
         WHERE g.role = 'grid_worker' AND g.region = h.grid AND g.person <> $2) AS other_workers \
         FROM households h WHERE h.village = $1 AND h.id IN ({})",
        places(3, ids.len())
    );
    let values = [village.into(), filer.person.into()].into_iter();
    let rows = db::all::<HouseholdRow>(tx, &sql, values.chain(ids.into_iter().map(Value::from)));
    Ok(rows.await?.into_iter().map(|row| (row.id, row)).collect())
}

async fn members(
    tx: &Tx,
    village: &Village,
    claims: &[NewClaim],
) -> Outcome<BTreeSet<(Uuid, Uuid)>> {
    #[derive(FromQueryResult)]
    struct Row {
        household: Uuid,
        person: Uuid,
    }
    let named = claims.iter().filter(|claim| claim.member.is_some());
    let ids: BTreeSet<_> = named.map(|claim| claim.household).collect();
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let sql = format!(
        "SELECT household, person FROM members WHERE village = $1 AND household IN ({})",
        places(2, ids.len())
    );
    let values = std::iter::once(village.into()).chain(ids.into_iter().map(Value::from));
    let rows = db::all::<Row>(tx, &sql, values).await?;
    Ok(rows.into_iter().map(|row| (row.household, row.person)).collect())
}

/// The rules in force on each day on which a deed was done.
async fn books(
    app: &App,
    tx: &Tx,
    village: &Village,
    claims: &[NewClaim],
) -> Outcome<BTreeMap<NaiveDate, Arc<Book>>> {
    let mut books = BTreeMap::new();
    for day in claims.iter().map(|claim| claim.occurred_on).collect::<BTreeSet<_>>() {
        match set_in_force(tx, village, day).await {
            Ok(set) => {
                books.insert(day, book(&app.rule_books, tx, set).await?);
            }
            Err(Problem::Refused(_)) => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(books)
}

/// Refuses what has been claimed before, in the database or earlier in the same batch.
async fn refuse_duplicates(
    tx: &Tx,
    village: &Village,
    claims: &[NewClaim],
    filed: &mut [Result<Admitted, Refusal>],
) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        dedupe: String,
        live: i64,
    }
    let keys: Vec<Value> =
        filed.iter().flatten().map(|admitted| admitted.dedupe.as_str().into()).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let ids: Vec<Value> = claims.iter().map(|claim| claim.id.into()).collect();
    let sql = format!(
        "SELECT id, dedupe, CAST(1 AS BIGINT) AS live FROM claims WHERE village = $1 AND dedupe IN ({}) \
         AND status NOT IN ('rejected', 'withdrawn', 'lapsed', 'overturned', 'reversed') \
         UNION ALL SELECT id, dedupe, CAST(0 AS BIGINT) AS live FROM claims WHERE village = $1 AND id IN ({})",
        places(2, keys.len()),
        places(2 + keys.len(), ids.len()),
    );
    let values = std::iter::once(village.into()).chain(keys).chain(ids);
    let rows = db::all::<Row>(tx, &sql, values).await?;
    let mut deeds = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for row in rows {
        if row.live == 1 {
            deeds.insert(row.dedupe, row.id);
        } else {
            taken.insert(row.id);
        }
    }
    for (claim, slot) in claims.iter().zip(filed) {
        let Ok(admitted) = slot else { continue };
        if !taken.insert(claim.id) {
            *slot = Err(Code::IdTaken.into());
        } else if let Some(first) = deeds.get(&admitted.dedupe) {
            *slot = Err(Refusal::from(Code::DuplicateClaim).existing(*first));
        } else {
            deeds.insert(admitted.dedupe.clone(), claim.id);
        }
    }
    Ok(())
}

type Accepted<'a> = (&'a NewClaim, &'a Admitted, &'a HouseholdRow, &'a Arc<Book>);

async fn insert(
    tx: &Tx,
    filer: &Caller,
    village: &Village,
    accepted: &[Accepted<'_>],
    import: Option<Source>,
    now: Instant,
) -> Outcome<()> {
    let count = accepted.len();
    let own = filer.household_in(village);
    let rule = |(claim, _, _, book): &Accepted<'_>| book.rule(&claim.rule).cloned();
    let rules: Vec<_> = accepted.iter().filter_map(rule).collect();
    let first = |(rule, it): (&Rule, &Accepted<'_>)| {
        let worker = filer.has(Role::GridWorker, &it.2.grid);
        let step = first_step(&rule.chain, worker, it.2.other_workers > 0);
        i64::try_from(step).unwrap_or_default()
    };
    let evidence = |claim: &NewClaim| serde_json::to_string(&claim.evidence).unwrap_or_default();
    let note = |claim: &NewClaim| claim.note.as_deref().and_then(readable);
    let claims: Vec<_> = accepted.iter().map(|(claim, ..)| *claim).collect();
    let source = |rule: &Rule| import.unwrap_or(rule.source).as_str().to_owned();
    let columns = [
        Column::Text("village", vec![village.to_string(); count]),
        Column::Uuid("id", claims.iter().map(|it| it.id).collect()),
        Column::Uuid("household", claims.iter().map(|it| it.household).collect()),
        Column::Text("grid", accepted.iter().map(|it| it.2.grid.clone()).collect()),
        Column::MaybeUuid("member", claims.iter().map(|it| it.member).collect()),
        Column::Uuid("rule_set", accepted.iter().map(|it| it.3.id).collect()),
        Column::Text("rule", claims.iter().map(|it| it.rule.clone()).collect()),
        Column::Text("category", rules.iter().map(|it| it.category.clone()).collect()),
        Column::Text("source", rules.iter().map(source).collect()),
        Column::Number("count", claims.iter().map(|it| it.count).collect()),
        Column::Number("points", accepted.iter().map(|it| it.1.points).collect()),
        Column::Text("occurred_on", claims.iter().map(|it| it.occurred_on.to_string()).collect()),
        Column::MaybeText("event", claims.iter().map(|it| it.event.clone()).collect()),
        Column::MaybeText("note", claims.iter().map(|it| note(it)).collect()),
        Column::Text("evidence", claims.iter().map(|it| evidence(it)).collect()),
        Column::Uuid("filed_by", vec![filer.person; count]),
        Column::Flag("on_behalf", claims.iter().map(|it| own != Some(it.household)).collect()),
        Column::Number("submitted_at", vec![now.0; count]),
        Column::Text("status", vec!["submitted".to_owned(); count]),
        Column::Number("step", rules.iter().zip(accepted).map(first).collect()),
        Column::Text("dedupe", accepted.iter().map(|it| it.1.dedupe.clone()).collect()),
        Column::Number("version", vec![1; count]),
    ];
    let written = db::bulk_insert(tx, "claims", &columns, "ON CONFLICT DO NOTHING").await?;
    if written != count as u64 {
        // Another writer claimed the same deed between our look and our write.
        return Err(Code::DuplicateClaim.into());
    }
    Ok(())
}
