//! Redeeming for a family without a phone: an official asks with the household's paper in hand, and
//! writes down which member came.

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::redeem::{For, NewRedemption};
use crate::app::App;
use crate::households::{Notice, household_by_code, tell};
use crate::identity::{HandsOver, KeepsShop, Neighbour, Role, is_concerned};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};

/// For whom a redemption is: the caller's own household, or the one whose code an official read.
///
/// # Errors
/// `role_required` for one who lives elsewhere or serves neither shop nor grid, `not_found` for a wrong
/// code, `too_many_tries`, `conflict_of_interest`, `invalid_field` if the bearer is of another family.
pub async fn whose(app: &App, tx: &Tx, caller: &Neighbour, new: &NewRedemption) -> Outcome<For> {
    let (code, bearer) = match (&new.household_code, new.bearer) {
        (None, None) => {
            return Ok(For {
                household: caller.own_household()?,
                person: caller.person,
                bearer: None,
            });
        }
        (Some(code), Some(bearer)) => (code, bearer),
        (Some(_), None) => return Err(lacking("/bearer").into()),
        (None, Some(_)) => return Err(lacking("/household_code").into()),
    };
    if !caller.serves::<HandsOver>() {
        return Err(Code::RoleRequired.into());
    }
    let village = &caller.village;
    let household = household_by_code(app, tx, village, caller.account, code).await?;
    let grid = grid_of(tx, caller, household).await?;
    if !caller.serves::<KeepsShop>() && !caller.has(Role::GridWorker, &grid) {
        return Err(Code::RoleRequired.into());
    }
    if is_concerned(tx, village, caller.person, household).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    let sql = "SELECT COUNT(*) FROM members WHERE village = $1 AND household = $2 AND person = $3 \
               AND left_at IS NULL";
    let values: [Value; 3] = [village.into(), household.into(), bearer.into()];
    if db::number(tx, sql, values).await? == 0 {
        let what = "a present member of the household";
        return Err(Refusal::from(Code::InvalidField).at("/bearer", "member", what).into());
    }
    Ok(For { household, person: caller.person, bearer: Some(bearer) })
}

fn lacking(pointer: &str) -> Refusal {
    let what = "household_code and bearer come together";
    Refusal::from(Code::InvalidField).at(pointer, "required", what)
}

async fn grid_of(tx: &Tx, caller: &Neighbour, household: Uuid) -> Outcome<String> {
    #[derive(FromQueryResult)]
    struct Row {
        grid: String,
    }
    let sql = "SELECT grid FROM households WHERE village = $1 AND id = $2";
    let values: [Value; 2] = [(&caller.village).into(), household.into()];
    Ok(db::one::<Row>(tx, sql, values).await?.ok_or(Code::NotFound)?.grid)
}

/// The family is told of whatever was asked for in its name.
pub async fn inform(
    tx: &Tx,
    by: &Neighbour,
    to: &For,
    new: &NewRedemption,
    what: (&str, i64),
    now: Instant,
) -> Outcome<()> {
    let (prize, points) = what;
    let office = if by.serves::<KeepsShop>() { "超市管理员" } else { "网格员" };
    let detail =
        format!("{office}{}凭户码为本户兑换{prize}×{}，占用{points}分", by.name, new.quantity);
    let notice =
        Notice { recipient: to.household, kind: "redemption_made", subject: new.id, detail };
    tell(tx, &by.village, now, &[notice]).await
}
