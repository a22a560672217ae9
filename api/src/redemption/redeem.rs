//! `POST /v1/villages/{village}/redemptions`: what a family wants for its points.

use actix_web::post;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::read::Redemption;
use super::together;
use crate::app::App;
use crate::identity::Neighbour;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;

/// Points for a prize.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRedemption {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// The prize's key.
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "goods.laundry_liquid")]
    pub prize: String,
    #[validate(range(min = 1, max = 100))]
    #[schema(minimum = 1, maximum = 100, example = 1)]
    pub quantity: i64,
    /// The price that the family saw and agrees to, in points for all of them: the prize's `points` times
    /// `quantity`. Any other price than the present one, also a lower one, is refused with `price_changed`,
    /// whose `points` is the present price.
    ///
    /// It has to be sent. A phone with a weak signal shows a list of prizes from days ago, and sends its
    /// order when it has a signal again: without this the family would pay a price that it never saw. Were it
    /// optional, the client that forgets it would be the one that shows old prices; as it is, an integrator
    /// finds out with the first order. It is asked for the sum, which stands on the button and, as `points`,
    /// in the answer, so that a wrong `quantity` is found as well. A repeated request is not compared again:
    /// its Idempotency-Key gives the first answer.
    #[validate(range(min = 1, max = 10_000_000))]
    #[schema(minimum = 1, maximum = 10_000_000, example = 20)]
    pub points: i64,
    /// Only for a clerk, or the worker of the household's grid, who helps a family without a phone: the
    /// code on its paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 40))]
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 40,
        example = "JF-7KQM-2WXA-P9FD-LC4H"
    )]
    pub household_code: Option<String>,
    /// With the household's code: the member who came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bearer: Option<Uuid>,
}

/// Redeem points for a prize; for one's own household the answer has the pickup code
#[utoipa::path(tag = "redemption", operation_id = "redemptions_create", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewRedemption, responses((status = 201, body = Redemption)),
    extensions(("x-codes" = json!("role_required conflict_of_interest window_closed \
        insufficient_points prize_not_offered sold_out price_changed household_limit \
        household_not_active too_many_tries id_taken invalid_field"))))]
#[post("/v1/villages/{village}/redemptions")]
async fn redeem_prize(
    caller: Neighbour,
    new: Command<NewRedemption>,
    app: Data<App>,
) -> Outcome<Answer<Redemption>> {
    Ok(together::redeem(&app, caller, new).await?.created())
}

/// For whom a redemption is, and who asks.
pub struct For {
    pub household: Uuid,
    pub person: Uuid,
    /// The member who came, where an official asks.
    pub bearer: Option<Uuid>,
}
