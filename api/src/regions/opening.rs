//! `POST /v1/regions/{region}/opening`: a village of the table begins to take part.

use actix_web::post;
use actix_web::web::Data;

use super::policy::{Policy, VillagePolicy, load};
use super::{lock, open_village};
use crate::app::App;
use crate::identity::{Governs, Overseer};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::{RegionCode, Village};

/// Switch a village on
#[utoipa::path(tag = "regions", operation_id = "regions_open", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of a village")),
    request_body = Policy, responses((status = 201, body = VillagePolicy)),
    extensions(("x-codes" = json!("role_required invalid_field wrong_state"))))]
#[post("/v1/regions/{region}/opening")]
async fn open_region(
    officer: Overseer<Governs>,
    policy: Command<Policy>,
    app: Data<App>,
) -> Outcome<Answer<VillagePolicy>> {
    let region = &officer.region;
    let done = policy.once(&app, region.as_str(), officer.caller.account, async |tx| {
        open(tx, &officer, policy.body, app.clock.now()).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

async fn open(
    tx: &Tx,
    officer: &Overseer<Governs>,
    policy: Policy,
    now: Instant,
) -> Outcome<VillagePolicy> {
    let village: Village = officer.region.as_str().parse().map_err(|_| {
        let what = "only a village is opened";
        Problem::from(Refusal::from(Code::InvalidField).because(what))
    })?;
    // Of two who open it at once the second one waits, and finds it open.
    lock(tx, &officer.region).await?;
    let sql = "SELECT COUNT(*) FROM villages WHERE village = $1";
    if db::number(tx, sql, [(&village).into()]).await? > 0 {
        return Err(Refusal::wrong_state("open").into());
    }
    open_village(tx, &village, policy, now).await?;
    let act = Act {
        region: village.as_str(),
        actor: Some(officer.caller.person),
        action: "village.open",
        subject: village.to_string(),
        detail: serde_json::json!(policy),
    };
    audit::record(tx, now, act).await?;
    load(tx, &village).await
}
