//! `GET /v1/villages/{village}/policy`: when a village redeems, and how long things last.

use actix_web::get;
use actix_web::web::Data;
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::VillageRow;
use crate::app::App;
use crate::identity::Neighbour;
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::Village;

/// When a village redeems, and how long things last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub mode: Mode,
    /// Weeks of publicity (公示).
    #[validate(range(min = 1, max = 4))]
    #[schema(minimum = 1, maximum = 4, example = 1)]
    pub publicity_weeks: i64,
    /// Weeks in which points can be redeemed.
    #[validate(range(min = 1, max = 4))]
    #[schema(minimum = 1, maximum = 4, example = 2)]
    pub window_weeks: i64,
    /// A household spends at most this many points in a window.
    #[validate(range(min = 1, max = 100_000))]
    #[schema(minimum = 1, maximum = 100_000, example = 200)]
    pub window_points_max: i64,
    /// What a point is worth in the shop, in fen; 0 if it has no price.
    #[validate(range(min = 0, max = 100_000))]
    #[schema(minimum = 0, maximum = 100_000, example = 100)]
    pub point_value_fen: i64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mode: Mode::Quarterly,
            publicity_weeks: 1,
            window_weeks: 2,
            window_points_max: 200,
            point_value_fen: 100,
        }
    }
}

/// How often points can be spent (一季一兑换 is the normal case).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Quarterly,
    Monthly,
    AlwaysOpen,
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quarterly => "quarterly",
            Self::Monthly => "monthly",
            Self::AlwaysOpen => "always_open",
        }
    }

    pub fn of(row: &VillageRow) -> Self {
        Self::parse(&row.mode)
    }

    fn parse(text: &str) -> Self {
        match text {
            "monthly" => Self::Monthly,
            "always_open" => Self::AlwaysOpen,
            _ => Self::Quarterly,
        }
    }
}

/// The policy that a village has, and the one that waits for the next quarter.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct VillagePolicy {
    pub village: Village,
    pub mode: Mode,
    /// 1–4 weeks of publicity.
    #[schema(example = 1)]
    pub publicity_weeks: i64,
    /// 1–4 weeks of redemption.
    #[schema(example = 2)]
    pub window_weeks: i64,
    /// A household spends at most this many points in a window.
    #[schema(example = 200)]
    pub window_points_max: i64,
    /// What a point is worth in the shop, in fen.
    #[schema(example = 100)]
    pub point_value_fen: i64,
    /// Rises with every change and when a change takes effect; the ETag.
    #[schema(example = 3)]
    pub version: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<NextPolicy>,
}

/// A policy that waits for the first week of the next quarter.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct NextPolicy {
    pub starts_at: Instant,
    pub mode: Mode,
    #[schema(example = 2)]
    pub publicity_weeks: i64,
    #[schema(example = 3)]
    pub window_weeks: i64,
    #[schema(example = 300)]
    pub window_points_max: i64,
    #[schema(example = 100)]
    pub point_value_fen: i64,
}

/// The village's policy, and what it becomes next quarter
#[utoipa::path(tag = "policy", operation_id = "policy_show", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    responses((status = 200, body = VillagePolicy)))]
#[get("/v1/villages/{village}/policy")]
async fn show_policy(caller: Neighbour, app: Data<App>) -> Outcome<Answer<VillagePolicy>> {
    let policy = load(app.db.read(), &caller.village).await?;
    let version = policy.version;
    Ok(Answer::ok(policy).version(version))
}

/// The policy of a village that takes part.
///
/// # Errors
/// `not_found` if it does not.
pub async fn load(on: &impl ConnectionTrait, village: &Village) -> Outcome<VillagePolicy> {
    let row = super::village(on, village).await?;
    let sql = "SELECT * FROM next_policies WHERE village = $1";
    let next = db::one::<entity::next_policy::Model>(on, sql, [village.into()]).await?;
    let next = next.map(|next| NextPolicy {
        starts_at: Instant(next.starts_at),
        mode: Mode::parse(&next.mode),
        publicity_weeks: next.publicity_weeks,
        window_weeks: next.window_weeks,
        window_points_max: next.window_points_max,
        point_value_fen: next.point_value_fen,
    });
    let code = row.village.parse();
    Ok(VillagePolicy {
        village: code.map_err(|_| Problem::fault(format!("village {}", row.village)))?,
        mode: Mode::of(&row),
        publicity_weeks: row.publicity_weeks,
        window_weeks: row.window_weeks,
        window_points_max: row.window_points_max,
        point_value_fen: row.point_value_fen,
        version: row.policy_version,
        next,
    })
}
