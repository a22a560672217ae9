//! `POST …/claims/{claim}/remediation`: a deduction put right in time is given back (整改返还).

use std::sync::LazyLock;

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::decisions::locked;
use super::read::{Claim, load};
use super::verdict::remedied_until;
use crate::app::App;
use crate::changes;
use crate::households::may_read;
use crate::http::path_id;
use crate::identity::{Files, Neighbour};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::rules::{Approvals, Step, StepRole, book};

/// A committee member who did not propose it looks at what was put right.
pub static REMEDY_CHAIN: LazyLock<Vec<Step>> = LazyLock::new(|| {
    let approval = Step {
        step: "approval".to_owned(),
        role: StepRole::Committee,
        scope: "village".to_owned(),
        approvals: Approvals::Number(1),
    };
    vec![approval]
});

/// How a deduction was put right.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRemediation {
    /// Of the claim that gives the points back; made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "长凳已修好，验收人李桂香")]
    pub note: String,
}

/// Say that a deduction was put right
#[utoipa::path(tag = "claims", operation_id = "claims_remedy", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("claim" = Uuid, Path, description = "The deduction's id")),
    request_body = NewRemediation, responses((status = 201, body = Claim)),
    extensions(("x-codes" = json!("other_household role_required wrong_state claim_too_late \
        duplicate_claim id_taken reason_required invalid_field"))))]
#[post("/v1/villages/{village}/claims/{claim}/remediation")]
async fn remedy_claim(
    caller: Neighbour,
    request: HttpRequest,
    remediation: Command<NewRemediation>,
    app: Data<App>,
) -> Outcome<Answer<Claim>> {
    let id = path_id(&request, "claim")?;
    let done = remediation.once(&app, caller.village.as_str(), caller.account, async |tx| {
        remedy(&app, tx, &caller, id, &remediation.body).await?;
        load(&app, tx, &caller, remediation.body.id).await
    });
    Ok(done.await?.created())
}

async fn remedy(app: &App, tx: &Tx, by: &Neighbour, id: Uuid, new: &NewRemediation) -> Outcome<()> {
    let village = &by.village;
    let now = app.clock.now();
    let claim = locked(tx, village, &[id]).await?.remove(&id).ok_or(Code::NotFound)?;
    may_read(by, claim.household)?;
    let own = by.household_in(village) == Some(claim.household);
    if !own && !by.serves::<Files>() {
        return Err(Code::RoleRequired.into());
    }
    let approved_at = claim.approved_at.map(Instant).filter(|_| claim.points < 0);
    let decided = matches!(claim.status.as_str(), "approved" | "scored" | "confirmed");
    let approved_at =
        approved_at.filter(|_| decided).ok_or_else(|| Refusal::wrong_state(&claim.status))?;
    let book = book(&app.rule_books, tx, claim.rule_set).await?;
    let rule = book.rule(&claim.rule);
    let rule = rule.ok_or_else(|| Problem::fault(format!("rule {} is gone", claim.rule)))?;
    let until = remedied_until(rule, approved_at).ok_or_else(|| {
        let why = format!("{} gives nothing back", rule.key);
        Refusal::wrong_state(&claim.status).because(why)
    })?;
    if now >= until {
        let last = until.day().pred_opt().unwrap_or_default();
        return Err(Refusal::from(Code::ClaimTooLate).because(format!("until {last}")).into());
    }
    let note = required(&new.note, "/note")?;
    insert(tx, by, &claim, new.id, (&note, !own), now).await
}

/// A claim against the deduction: for the same deed under the same rules, with the sign turned.
async fn insert(
    tx: &Tx,
    by: &Neighbour,
    claim: &entity::claim::Model,
    id: Uuid,
    (note, on_behalf): (&str, bool),
    now: Instant,
) -> Outcome<()> {
    let village = &by.village;
    let dedupe = format!("remedy|{}", claim.id);
    let sql = "SELECT COUNT(*) FROM claims WHERE village = $1 AND id = $2";
    if db::number(tx, sql, [village.into(), id.into()]).await? > 0 {
        return Err(Code::IdTaken.into());
    }
    let sql = "INSERT INTO claims (village, id, household, grid, member, rule_set, rule, category, \
                 source, count, points, occurred_on, event, note, evidence, filed_by, on_behalf, \
                 submitted_at, status, step, dedupe, version, round, step_since, remedies, \
                 field_grid, changed) \
               SELECT village, $3, household, grid, member, rule_set, rule, category, \
                 'committee', count, -points, occurred_on, event, $4, '[]', $5, $6, \
                 $7, 'submitted', 0, $8, 1, 1, $7, id, grid, $9 \
               FROM claims WHERE village = $1 AND id = $2 ON CONFLICT DO NOTHING";
    let changed = changes::next(tx, village).await?;
    let values: [Value; 9] = [
        village.into(),
        claim.id.into(),
        id.into(),
        note.into(),
        by.person.into(),
        on_behalf.into(),
        now.0.into(),
        dedupe.into(),
        changed.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::DuplicateClaim.into());
    }
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "claim.remedy",
        subject: id.to_string(),
        detail: serde_json::json!({ "deduction": claim.id }),
    };
    audit::record(tx, now, act).await
}
