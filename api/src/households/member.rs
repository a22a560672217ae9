//! `POST …/households/{household}/members`: somebody is born, marries in or comes to live here.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use chrono::NaiveDate;
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::file::{MEMBERS_MAX, changed, open, present};
use super::head::unfit;
use super::read::Household;
use super::{Notice, tell};
use crate::app::App;
use crate::http::path_id;
use crate::identity::{Official, Registers, initials, is_birthday, is_concerned};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::Village;
use crate::kernel::text::readable;

/// Somebody who belongs to the household from now on.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewHouseholdMember)]
pub struct Joining {
    /// The person, made by the client, UUIDv7; one who is known already keeps their id.
    #[validate(custom(function = "uuid_v7"))]
    pub person: Uuid,
    #[validate(length(min = 1, max = 50))]
    #[schema(min_length = 1, max_length = 50, example = "张小宝")]
    pub name: String,
    /// The day of birth, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String, format = Date, example = "2024-08-01")]
    pub born_on: Option<NaiveDate>,
}

/// Add a member to a household
#[utoipa::path(tag = "households", operation_id = "households_add_member", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id")),
    request_body = Joining, responses((status = 201, body = Household)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state already_bound \
        invalid_field"))))]
#[post("/v1/villages/{village}/households/{household}/members")]
async fn add_member(
    keeper: Official<Registers>,
    request: HttpRequest,
    member: Command<Joining>,
    app: Data<App>,
) -> Outcome<Answer<Household>> {
    let id = path_id(&request, "household")?;
    let done = member.once(&app, keeper.village.as_str(), keeper.account, async |tx| {
        add(tx, &keeper, id, &member.body, app.clock.now()).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

async fn add(
    tx: &Tx,
    by: &Official<Registers>,
    id: Uuid,
    new: &Joining,
    now: Instant,
) -> Outcome<Household> {
    let village = &by.village;
    open(tx, by, id, now).await?;
    let name = readable(&new.name).ok_or_else(|| unfit("/name", "not readable"))?;
    if new.born_on.is_some_and(|day| !is_birthday(day, now.day())) {
        return Err(unfit("/born_on", "not a birthday of anybody alive").into());
    }
    if present(tx, village, id).await?.len() >= MEMBERS_MAX {
        return Err(unfit("/person", "30 members at most").into());
    }
    let born_on = new.born_on.map(|day| day.to_string());
    let sql = "INSERT INTO persons (id, name, born_on, created_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT DO NOTHING";
    let values: [Value; 4] =
        [new.person.into(), name.clone().into(), born_on.clone().into(), now.0.into()];
    if db::run(tx, sql, values).await? == 0 {
        may_come(tx, village, new.person, now).await?;
    }
    bind(tx, village, id, new.person, now).await?;
    let sql = "INSERT INTO members (village, household, person, name, initials, is_head, born_on) \
               VALUES ($1, $2, $3, $4, $5, FALSE, $6) ON CONFLICT (village, household, person) \
               DO UPDATE SET name = excluded.name, initials = excluded.initials, \
                 born_on = COALESCE(excluded.born_on, members.born_on), left_at = NULL, \
                 left_because = NULL";
    let sounds = initials(&name);
    let values: [Value; 6] =
        [village.into(), id.into(), new.person.into(), name.into(), sounds.into(), born_on.into()];
    db::run(tx, sql, values).await?;
    // Nobody writes themselves or their kin into a household.
    if is_concerned(tx, village, by.person, id).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    let notice = Notice {
        recipient: id,
        kind: "member_added",
        subject: new.person,
        detail: "户内登记了新成员；如有疑问，请联系镇管理员".to_owned(),
    };
    tell(tx, village, now, &[notice]).await?;
    let detail = serde_json::json!({ "person": new.person });
    changed(tx, by, id, "household.add_member", detail, now).await
}

/// Whether a person who is known already may be written into a household of this village: one who
/// belonged to one here before. Whoever logs in, or serves, elsewhere asks for it themselves.
///
/// # Errors
/// `not_found` for one whom this village never knew, `already_bound` for one who belongs elsewhere.
async fn may_come(tx: &Tx, village: &Village, person: Uuid, now: Instant) -> Outcome<()> {
    let sql = "SELECT COUNT(*) FROM members WHERE village = $1 AND person = $2";
    if db::number(tx, sql, [village.into(), person.into()]).await? > 0 {
        let sql = "SELECT COUNT(*) FROM bindings WHERE person = $1 AND village <> $2 \
                   AND ended_at IS NULL";
        return match db::number(tx, sql, [person.into(), village.into()]).await? {
            0 => Ok(()),
            _ => Err(Code::AlreadyBound.into()),
        };
    }
    let sql = "SELECT COUNT(*) FROM persons p WHERE p.id = $1 AND p.name <> '' \
               AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.person = p.id) \
               AND NOT EXISTS (SELECT 1 FROM bindings b WHERE b.person = p.id AND b.ended_at IS NULL) \
               AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.person = p.id \
                 AND (g.ends_at IS NULL OR g.ends_at > $2))";
    match db::number(tx, sql, [person.into(), now.0.into()]).await? {
        0 => Err(Code::AlreadyBound.into()),
        _ => Ok(()),
    }
}

/// Binds a person to a household; whoever belongs to one that has ended leaves it for this.
///
/// # Errors
/// `already_bound` if the person belongs to an active household.
async fn bind(tx: &Tx, village: &Village, id: Uuid, person: Uuid, now: Instant) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Bound {
        village: String,
        household: Uuid,
        status: String,
    }
    // The person's row, so that two villages that bind the same person follow one another.
    let sql = format!("SELECT id FROM persons WHERE id = $1{}", db::exclusively(tx));
    db::run(tx, &sql, [person.into()]).await?;
    let sql = "SELECT b.village, b.household, h.status FROM bindings b \
               JOIN households h ON h.village = b.village AND h.id = b.household \
               WHERE b.person = $1 AND b.ended_at IS NULL";
    if let Some(bound) = db::one::<Bound>(tx, sql, [person.into()]).await? {
        if bound.status == "active" {
            return Err(Code::AlreadyBound.into());
        }
        let old = bound.village.parse::<Village>();
        let old = old.map_err(|_| Problem::fault(format!("village {}", bound.village)))?;
        leave(tx, &old, bound.household, person, "moved", now).await?;
    }
    bind_to(tx, village, id, person, now).await
}

/// Binds a person who is bound to no household.
pub async fn bind_to(
    tx: &Tx,
    village: &Village,
    id: Uuid,
    person: Uuid,
    now: Instant,
) -> Outcome<()> {
    let sql = "INSERT INTO bindings (person, village, household, bound_at) \
               VALUES ($1, $2, $3, $4) ON CONFLICT (person, village, household) \
               DO UPDATE SET bound_at = excluded.bound_at, ended_at = NULL";
    let values: [Value; 4] = [person.into(), village.into(), id.into(), now.0.into()];
    db::run(tx, sql, values).await?;
    Ok(())
}

/// A person belongs to a household no longer. The row stays: whoever belonged to it keeps out of its
/// matters.
pub async fn leave(
    tx: &Tx,
    village: &Village,
    id: Uuid,
    person: Uuid,
    because: &str,
    now: Instant,
) -> Outcome<()> {
    let sql = "UPDATE members SET left_at = $4, left_because = $5 \
               WHERE village = $1 AND household = $2 AND person = $3 AND left_at IS NULL";
    let key: [Value; 3] = [village.into(), id.into(), person.into()];
    let values = key.clone().into_iter().chain([now.0.into(), because.into()]);
    db::run(tx, sql, values).await?;
    let sql = "UPDATE bindings SET ended_at = $4 \
               WHERE village = $1 AND household = $2 AND person = $3 AND ended_at IS NULL";
    db::run(tx, sql, key.into_iter().chain([now.0.into()])).await?;
    Ok(())
}
