//! `…/redemptions/{redemption}/delivery` and `…/return`: goods go to the door with the worker of the
//! household's grid, and come back if nobody was in.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::DELIVERY_DAYS;
use super::hold::{audit, held};
use super::read::{Redemption, load};
use crate::app::App;
use crate::calendar;
use crate::households::{Notice, tell};
use crate::http::path_id;
use crate::identity::{KeepsShop, Official, grid_workers, is_concerned};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;

/// Who takes the goods to the door.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDelivery {
    /// A worker of the household's grid.
    pub worker: Uuid,
}

/// Give the goods to the worker of the household's grid; the hold lasts seven days longer, once
#[utoipa::path(tag = "redemption", operation_id = "redemptions_deliver", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("redemption" = Uuid, Path, description = "The redemption's id")),
    request_body = NewDelivery, responses((status = 200, body = Redemption)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state invalid_field"))))]
#[post("/v1/villages/{village}/redemptions/{redemption}/delivery")]
async fn deliver_redemption(
    clerk: Official<KeepsShop>,
    request: HttpRequest,
    delivery: Command<NewDelivery>,
    app: Data<App>,
) -> Outcome<Answer<Redemption>> {
    let id = path_id(&request, "redemption")?;
    let done = delivery.once(&app, clerk.village.as_str(), clerk.account, async |tx| {
        deliver(tx, &clerk, id, delivery.body.worker, app.clock.now()).await?;
        load(tx, &clerk, id).await
    });
    done.await
}

async fn deliver(
    tx: &Tx,
    by: &Official<KeepsShop>,
    id: Uuid,
    worker: Uuid,
    now: Instant,
) -> Outcome<()> {
    let village = &by.village;
    calendar::settled(tx, village, now).await?;
    let found = held(tx, village, id).await?;
    found.at_the_counter()?;
    let workers = grid_workers(tx, village, now).await?;
    let name = workers.iter().find(|it| it.person == worker && it.region.as_str() == found.grid);
    let Some(name) = name.map(|it| it.name.clone()) else {
        let what = "a worker of the household's grid";
        return Err(Refusal::from(Code::InvalidField).at("/worker", "grid_worker", what).into());
    };
    // Goods pass from hand to hand: clerk, worker and household are three.
    let concerned = is_concerned(tx, village, by.person, found.household).await?
        || is_concerned(tx, village, worker, found.household).await?;
    if concerned || worker == by.person {
        return Err(Code::ConflictOfInterest.into());
    }
    let sql = "UPDATE redemptions SET carrier = $3, carried_at = $4, \
               expires_at = expires_at + CASE WHEN extended THEN 0 ELSE $5 END, \
               extended = TRUE, version = version + 1 \
               WHERE village = $1 AND id = $2 AND status = 'held' AND carrier IS NULL";
    let longer = DELIVERY_DAYS * 24 * 60 * 60 * 1000;
    let values: [Value; 5] =
        [village.into(), id.into(), worker.into(), now.0.into(), longer.into()];
    db::run(tx, sql, values).await?;
    let detail = serde_json::json!({ "worker": worker });
    audit(tx, village, by.person, "redemption.deliver", id, detail, now).await?;
    let what = format!("{}×{}", found.prize_name, found.quantity);
    let household = format!("{what}已交网格员{name}送货上门，请备好取货码或户密码");
    let notices = [
        Notice {
            recipient: found.household,
            kind: "redemption_on_delivery",
            subject: id,
            detail: household,
        },
        Notice {
            recipient: worker,
            kind: "redemption_to_deliver",
            subject: id,
            detail: format!("请将{what}送到户，并核对取货码或户密码"),
        },
    ];
    tell(tx, village, now, &notices).await
}

/// Nothing needs to be said.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReturn {}

/// Take back goods that could not be delivered; they wait at the counter until the hold expires
#[utoipa::path(tag = "redemption", operation_id = "redemptions_take_back", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("redemption" = Uuid, Path, description = "The redemption's id")),
    request_body = NewReturn, responses((status = 200, body = Redemption)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state"))))]
#[post("/v1/villages/{village}/redemptions/{redemption}/return")]
async fn take_back_redemption(
    clerk: Official<KeepsShop>,
    request: HttpRequest,
    back: Command<NewReturn>,
    app: Data<App>,
) -> Outcome<Answer<Redemption>> {
    let id = path_id(&request, "redemption")?;
    let done = back.once(&app, clerk.village.as_str(), clerk.account, async |tx| {
        take_back(tx, &clerk, id, app.clock.now()).await?;
        load(tx, &clerk, id).await
    });
    done.await
}

async fn take_back(tx: &Tx, by: &Official<KeepsShop>, id: Uuid, now: Instant) -> Outcome<()> {
    let village = &by.village;
    calendar::settled(tx, village, now).await?;
    let found = held(tx, village, id).await?;
    let carrier = match (found.status.as_str(), found.carrier) {
        ("held", Some(carrier)) => carrier,
        (status, _) => return Err(Refusal::wrong_state(status).into()),
    };
    let concerned = is_concerned(tx, village, by.person, found.household).await?;
    if concerned || carrier == by.person {
        return Err(Code::ConflictOfInterest.into());
    }
    // The hold keeps its longer term: what is due is never brought forward.
    let sql = "UPDATE redemptions SET carrier = NULL, carried_at = NULL, version = version + 1 \
               WHERE village = $1 AND id = $2 AND status = 'held'";
    db::run(tx, sql, [village.into(), id.into()]).await?;
    let detail = serde_json::json!({ "worker": carrier });
    audit(tx, village, by.person, "redemption.take_back", id, detail, now).await?;
    let detail = format!("{}未能送达，已退回超市，请到店领取", found.prize_name);
    let kind = "redemption_returned";
    tell(tx, village, now, &[Notice { recipient: found.household, kind, subject: id, detail }])
        .await
}
