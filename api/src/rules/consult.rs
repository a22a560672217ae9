//! `POST …/rule-sets/{set}/consultation`: the village reads the draft and says what it thinks.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::create::framework_on;
use super::import::future_quarter;
use super::store::{RuleSet, Status, draft_in, find_draft, shown};
use crate::app::App;
use crate::households::tell_households;
use crate::http::path_id;
use crate::identity::{Overseer, SetsRules};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::{RegionCode, Village};

/// How long the village reads a draft.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConsultation {
    /// Whole days after today.
    #[validate(range(min = 7, max = 60))]
    #[schema(minimum = 7, maximum = 60, example = 7)]
    pub days: i64,
}

/// Open the consultation on a draft: every household is told
#[utoipa::path(tag = "rules", operation_id = "rule_sets_consult", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of the village"),
        ("set" = Uuid, Path, description = "The rule set's id")),
    request_body = NewConsultation, responses((status = 201, body = RuleSet)),
    extensions(("x-codes" = json!("role_required wrong_state invalid_field framework_changed \
        rule_not_in_force"))))]
#[post("/v1/regions/{region}/rule-sets/{set}/consultation")]
async fn consult_rule_set(
    officer: Overseer<SetsRules>,
    request: HttpRequest,
    consultation: Command<NewConsultation>,
    app: Data<App>,
) -> Outcome<Answer<RuleSet>> {
    let id = path_id(&request, "set")?;
    let (region, caller) = (&officer.region, &officer.caller);
    let done = consultation.once(&app, region.as_str(), caller.account, async |tx| {
        open(tx, region, id, consultation.body.days, caller.person, app.clock.now()).await
    });
    Ok(done.await?.created())
}

async fn open(
    tx: &Tx,
    region: &RegionCode,
    id: Uuid,
    days: i64,
    by: Uuid,
    now: Instant,
) -> Outcome<RuleSet> {
    let (village, draft) = draft_in(tx, region, id, &[Status::Draft]).await?;
    still_stands(tx, &village, &draft, &draft.effective_on, now).await?;
    let until = Instant::at_midnight(now.day()).plus_days(days + 1);
    let sql = "UPDATE rule_drafts SET status = 'consulting', consulting_until = $3, \
               revision = revision + 1 WHERE village = $1 AND id = $2";
    let values: [Value; 3] = [region.into(), id.into(), until.0.into()];
    db::run(tx, sql, values).await?;
    let last = Instant(until.0 - 1).day();
    let detail = format!("新积分细则“{}”征求意见，至{last}止，请阅读并提出建议", draft.version);
    tell_households(tx, &village, now, "rule_set_consulting", id, &detail).await?;
    let act = Act {
        region: region.as_str(),
        actor: Some(by),
        action: "rule_set.consult",
        subject: id.to_string(),
        detail: serde_json::json!({ "until": until }),
    };
    audit::record(tx, now, act).await?;
    shown(find_draft(tx, region, id).await?.ok_or(Code::NotFound)?)
}

/// Whether the framework that holds on `day` is the one that the draft was written for.
///
/// # Errors
/// `framework_changed` if it is another, `invalid_field` if the day has passed.
pub async fn still_stands(
    tx: &Tx,
    village: &Village,
    draft: &entity::rule_draft::Model,
    day: &str,
    now: Instant,
) -> Outcome<()> {
    let framework = framework_on(tx, village, future_quarter(day, now)?).await?;
    match framework == draft.framework {
        true => Ok(()),
        false => Err(Refusal::from(Code::FrameworkChanged).existing(framework).into()),
    }
}
