//! `POST …/households/{household}/split` (分户): some members open a file of their own.

use std::collections::BTreeSet;

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::file::{File, Present, changed, known_grid, open, present, without_holds};
use super::head::{Succession, may_head, pass_head, succession, unfit};
use super::member::{bind_to, leave};
use super::read::Household;
use crate::app::App;
use crate::changes;
use crate::http::path_id;
use crate::identity::{Governs, Official};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::ledger::{self, Account, Journal};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::{RegionCode, Village};

/// Who leaves with what.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSplit {
    /// The new household, made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// The new household's number, unique in the village.
    #[validate(range(min = 1, max = 999_999))]
    #[schema(minimum = 1, maximum = 999_999, example = 218)]
    pub number: i64,
    /// The new household's grid; without it, the old one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub grid: Option<RegionCode>,
    /// The members who leave, not all of them.
    #[validate(length(min = 1, max = 30))]
    #[schema(min_items = 1, max_items = 30)]
    pub members: Vec<Uuid>,
    /// The new household's head: one of those who leave, 14 or older.
    pub head: Uuid,
    /// The old household's head from now on; required if its head leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub new_head: Option<Uuid>,
    /// Of the old household's spendable points, how many go along.
    #[serde(default)]
    #[validate(range(min = 0, max = 1_000_000))]
    #[schema(minimum = 0, maximum = 1_000_000, example = 15)]
    pub points: i64,
}

/// Split a household; the answer is the new one's file
#[utoipa::path(tag = "households", operation_id = "households_split", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id")),
    request_body = NewSplit, responses((status = 201, body = Household)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state open_holds \
        insufficient_points id_taken invalid_field"))))]
#[post("/v1/villages/{village}/households/{household}/split")]
async fn split_household(
    officer: Official<Governs>,
    request: HttpRequest,
    split: Command<NewSplit>,
    app: Data<App>,
) -> Outcome<Answer<Household>> {
    let id = path_id(&request, "household")?;
    let done = split.once(&app, officer.village.as_str(), officer.account, async |tx| {
        divide(tx, &officer, id, &split.body, app.clock.now()).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

async fn divide(
    tx: &Tx,
    by: &Official<Governs>,
    id: Uuid,
    new: &NewSplit,
    now: Instant,
) -> Outcome<Household> {
    let village = &by.village;
    let file = open(tx, by, id, now).await?;
    if let Some(grid) = &new.grid {
        known_grid(tx, village, grid).await?;
    }
    let present = present(tx, village, id).await?;
    let leaving = leaving(&present, new, now)?;
    match succession(&present, &leaving, new.new_head, now.day())? {
        Succession::Stays => {}
        Succession::Passes(head) => pass_head(tx, village, id, head).await?,
        Succession::Ends => return Err(unfit("/members", "somebody stays").into()),
    }
    let available = without_holds(tx, village, id).await?;
    if new.points > available.max(0) {
        return Err(Code::InsufficientPoints.into());
    }
    open_file(tx, village, &file, new, now).await?;
    for person in &leaving {
        move_member(tx, village, id, new.id, *person, "split", now).await?;
    }
    pass_head(tx, village, new.id, new.head).await?;
    if new.points > 0 {
        let (from, to) = (Account::Available(id), Account::Available(new.id));
        let journal = Journal::transfer("transfer", new.id.to_string(), from, to, new.points);
        ledger::post(tx, village, Some(by.person), now, &[journal]).await?;
    }
    register(tx, village, new.id, now).await?;
    let detail = serde_json::json!({ "new": new.id, "members": leaving, "points": new.points });
    changed(tx, by, id, "household.split", detail, now).await?;
    changes::stamp_households(tx, village, &[new.id]).await?;
    super::read::load(tx, village, new.id).await
}

/// Those who leave: members of the household, each named once, with a head among them.
fn leaving(present: &[Present], new: &NewSplit, now: Instant) -> Result<BTreeSet<Uuid>, Refusal> {
    let leaving: BTreeSet<_> = new.members.iter().copied().collect();
    if leaving.len() != new.members.len() {
        return Err(unfit("/members", "each member once"));
    }
    if !leaving.iter().all(|person| present.iter().any(|it| it.person == *person)) {
        return Err(Code::NotFound.into());
    }
    if !leaving.contains(&new.head) {
        return Err(unfit("/head", "one of those who leave"));
    }
    let head = present.iter().find(|it| it.person == new.head);
    head.map_or(Ok(()), |head| may_head(head, now.day())).map_err(|why| unfit("/head", why))?;
    Ok(leaving)
}

/// The new file: without points, and without a consent until its own members give it.
async fn open_file(
    tx: &Tx,
    village: &Village,
    old: &File,
    new: &NewSplit,
    now: Instant,
) -> Outcome<()> {
    let grid = new.grid.as_ref().map_or(old.grid.as_str(), RegionCode::as_str);
    let sql = "INSERT INTO households (village, id, number, grid, status, created_at, version, \
                 name_hidden) \
               VALUES ($1, $2, $3, $4, 'active', $5, 1, $6) ON CONFLICT DO NOTHING";
    let values: [Value; 6] = [
        village.into(),
        new.id.into(),
        new.number.into(),
        grid.into(),
        now.0.into(),
        old.name_hidden.into(),
    ];
    match db::run(tx, sql, values).await? {
        1 => Ok(()),
        _ => Err(Code::IdTaken.into()),
    }
}

/// A household of which a member logs in is a registered and an active one (2.2).
async fn register(tx: &Tx, village: &Village, id: Uuid, now: Instant) -> Outcome<()> {
    let sql = "UPDATE households SET registered_by = 'account', registered_at = $3, \
                 activated_at = $3 WHERE village = $1 AND id = $2 AND EXISTS \
                 (SELECT 1 FROM bindings b JOIN accounts a ON a.person = b.person \
                  WHERE b.village = $1 AND b.household = $2 AND b.ended_at IS NULL \
                  AND a.status = 'active')";
    let values: [Value; 3] = [village.into(), id.into(), now.0.into()];
    db::run(tx, sql, values).await?;
    Ok(())
}

/// A member of one household becomes a member of another, not its head, and acts for it if they acted
/// for the first.
pub async fn move_member(
    tx: &Tx,
    village: &Village,
    from: Uuid,
    to: Uuid,
    person: Uuid,
    because: &str,
    now: Instant,
) -> Outcome<()> {
    let sql = "SELECT COUNT(*) FROM bindings \
               WHERE village = $1 AND household = $2 AND person = $3 AND ended_at IS NULL";
    let key: [Value; 3] = [village.into(), from.into(), person.into()];
    let bound = db::number(tx, sql, key.clone()).await? > 0;
    leave(tx, village, from, person, because, now).await?;
    let sql = "INSERT INTO members (village, household, person, name, is_head, initials, born_on) \
               SELECT village, $4, person, name, FALSE, initials, born_on FROM members \
               WHERE village = $1 AND household = $2 AND person = $3 \
               ON CONFLICT (village, household, person) \
               DO UPDATE SET name = excluded.name, left_at = NULL, left_because = NULL";
    db::run(tx, sql, key.into_iter().chain([to.into()])).await?;
    if bound {
        bind_to(tx, village, to, person, now).await?;
    }
    Ok(())
}
