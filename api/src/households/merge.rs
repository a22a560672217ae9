//! `POST …/households/{household}/merge` (并户): a household becomes part of another.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::file::{
    End, File, MEMBERS_MAX, all_of, changed, end, lock, open, present, unbind_all, without_holds,
};
use super::head::unfit;
use super::read::Household;
use super::split::move_member;
use super::{Notice, tell};
use crate::app::App;
use crate::http::path_id;
use crate::identity::{Governs, Official, is_concerned};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::ledger::{self, Account, Journal};
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;
use crate::{publicity, reversals};

/// Which household goes on.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMerge {
    /// Another active household of the village.
    pub into: Uuid,
}

/// Merge a household into another, which keeps its head and its rank; the answer is the merged file
#[utoipa::path(tag = "households", operation_id = "households_merge", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household that ends")),
    request_body = NewMerge, responses((status = 200, body = Household)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state open_holds \
        open_reversals household_not_active invalid_field"))))]
#[post("/v1/villages/{village}/households/{household}/merge")]
async fn merge_household(
    officer: Official<Governs>,
    request: HttpRequest,
    merge: Command<NewMerge>,
    app: Data<App>,
) -> Outcome<Answer<Household>> {
    let id = path_id(&request, "household")?;
    let done = merge.once(&app, officer.village.as_str(), officer.account, async |tx| {
        unite(tx, &officer, id, merge.body.into, app.clock.now()).await
    });
    let done = done.await?;
    app.cache.refresh();
    Ok(done)
}

async fn unite(
    tx: &Tx,
    by: &Official<Governs>,
    id: Uuid,
    into: Uuid,
    now: Instant,
) -> Outcome<Household> {
    let village = &by.village;
    open(tx, by, id, now).await?;
    survivor(tx, by, id, into).await?;
    let moving = present(tx, village, id).await?;
    if moving.len() + present(tx, village, into).await?.len() > MEMBERS_MAX {
        return Err(unfit("/into", "30 members at most").into());
    }
    let points = all_of(tx, village, id).await?;
    without_holds(tx, village, into).await?;
    for member in &moving {
        move_member(tx, village, id, into, member.person, "merged", now).await?;
    }
    unbind_all(tx, village, id, now).await?;
    publicity::hand_over(tx, village, (id, into), now).await?;
    reversals::hand_over(tx, village, (id, into), now).await?;
    let because = format!("merged into {into}");
    let merged =
        End { status: "merged", because: &because, successor: Some(into), spend_until: None };
    end(tx, village, id, merged, now).await?;
    // Whatever was merged into this one before goes on to the survivor too.
    let sql = "UPDATE households SET successor = $3 WHERE village = $1 AND successor = $2";
    db::run(tx, sql, [village.into(), id.into(), into.into()]).await?;
    if points != 0 {
        let (from, to) = (Account::Available(id), Account::Available(into));
        let journal = Journal::transfer("transfer", format!("merge {id}"), from, to, points);
        ledger::post(tx, village, Some(by.person), now, &[journal]).await?;
    }
    let detail = "另一户已并入本户，其可用积分一并转入".to_owned();
    let notice = Notice { recipient: into, kind: "household_merged", subject: id, detail };
    tell(tx, village, now, &[notice]).await?;
    let detail = serde_json::json!({ "into": into, "points": points });
    changed(tx, by, into, "household.take_in", detail.clone(), now).await?;
    changed(tx, by, id, "household.merge", detail, now).await
}

/// The household that goes on.
///
/// # Errors
/// `invalid_field` for the same household; `not_found`; `conflict_of_interest`; `household_not_active`.
async fn survivor(tx: &Tx, by: &Official<Governs>, id: Uuid, into: Uuid) -> Outcome<File> {
    if into == id {
        return Err(unfit("/into", "another household").into());
    }
    let file = lock(tx, &by.village, into).await?;
    if is_concerned(tx, &by.village, by.person, into).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    if file.status != "active" {
        return Err(Code::HouseholdNotActive.into());
    }
    Ok(file)
}
