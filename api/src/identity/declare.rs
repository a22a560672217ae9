//! `POST /v1/villages/{village}/kin`: somebody says who their near relatives are.

use actix_web::post;
use actix_web::web::Data;
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::Neighbour;
use super::kin::{Kin, Relation, confirm, find, record};
use crate::app::App;
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;

/// A near relative to be declared.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKin {
    /// Oneself, or a member of one's household.
    pub person: Uuid,
    /// Somebody else whom the village knows.
    pub relative: Uuid,
    /// What the relative is to the person.
    pub relation: Relation,
}

/// Declare a near relative; one's own as an official counts at once
#[utoipa::path(tag = "kin", operation_id = "kin_declare", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewKin, responses((status = 201, body = Kin)),
    extensions(("x-codes" = json!("other_household role_required wrong_state invalid_field"))))]
#[post("/v1/villages/{village}/kin")]
async fn declare_kin(
    caller: Neighbour,
    kin: Command<NewKin>,
    app: Data<App>,
) -> Outcome<Answer<Kin>> {
    let done = kin.once(&app, caller.village.as_str(), caller.account, async |tx| {
        declare(tx, &caller, &kin.body, app.clock.now()).await
    });
    Ok(done.await?.created())
}

async fn declare(tx: &Tx, caller: &Neighbour, new: &NewKin, now: Instant) -> Outcome<Kin> {
    let village = &caller.village;
    if new.person == new.relative {
        let what = "nobody is their own relative";
        return Err(Refusal::from(Code::InvalidField).at("/relative", "invalid", what).into());
    }
    known(tx, village, [new.person, new.relative], now).await?;
    let official = caller.grants.iter().any(|grant| {
        grant.region.contains(village.as_str())
            || grant.region.as_str().starts_with(village.as_str())
    });
    let at_once = official && new.person == caller.person;
    if !at_once {
        member(tx, village, caller.own_household()?, new.person).await?;
    }
    insert(tx, caller, new, now).await?;
    let odd = || Problem::fault("kin that was declared is gone");
    let found = find(tx, village, new.person, new.relative).await?.ok_or_else(odd)?.kin;
    let relation = if found.person == new.person { new.relation } else { new.relation.turned() };
    if found.relation != relation {
        return Err(Refusal::wrong_state(found.relation.as_str()).into());
    }
    if at_once && !found.confirmed {
        confirm(tx, village, &found, caller.person, now).await?;
    }
    let kin = find(tx, village, new.person, new.relative).await?.ok_or_else(odd)?.kin;
    Ok(if kin.person == new.person { kin } else { kin.turned() })
}

/// # Errors
/// `not_found` unless both are members of households here or officials over or in the village.
async fn known(tx: &Tx, village: &Village, persons: [Uuid; 2], now: Instant) -> Outcome<()> {
    let sql = "SELECT COUNT(*) FROM (SELECT m.person FROM members m WHERE m.village = $1 \
                 AND m.person IN ($2, $3) AND m.left_at IS NULL \
               UNION SELECT g.person FROM grants g WHERE g.person IN ($2, $3) \
                 AND g.starts_at <= $4 AND (g.ends_at IS NULL OR g.ends_at > $4) \
                 AND (substr($1, 1, length(g.region)) = g.region \
                   OR substr(g.region, 1, length($1)) = $1)) AS known";
    let [person, relative] = persons;
    let values: [Value; 4] = [village.into(), person.into(), relative.into(), now.0.into()];
    match db::number(tx, sql, values).await? {
        2 => Ok(()),
        _ => Err(Code::NotFound.into()),
    }
}

/// # Errors
/// `other_household` for one who is no member.
async fn member(tx: &Tx, village: &Village, household: Uuid, person: Uuid) -> Outcome<()> {
    let sql = "SELECT COUNT(*) FROM members WHERE village = $1 AND household = $2 \
               AND person = $3 AND left_at IS NULL";
    let values: [Value; 3] = [village.into(), household.into(), person.into()];
    match db::number(tx, sql, values).await? {
        0 => Err(Code::OtherHousehold.into()),
        _ => Ok(()),
    }
}

/// Writes the relation with the lesser id first, so that the key holds in either order; does nothing
/// if it is there.
async fn insert(tx: &Tx, caller: &Neighbour, new: &NewKin, now: Instant) -> Outcome<()> {
    let NewKin { person, relative, relation } = *new;
    let (person, relative, relation) = match person < relative {
        true => (person, relative, relation),
        false => (relative, person, relation.turned()),
    };
    if find(tx, &caller.village, person, relative).await?.is_some() {
        return Ok(());
    }
    let values: [Value; 6] = [
        (&caller.village).into(),
        person.into(),
        relative.into(),
        relation.as_str().into(),
        caller.person.into(),
        now.0.into(),
    ];
    let sql = "INSERT INTO kin (village, person, relative, relation, declared_by, declared_at) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    if db::run(tx, sql, values).await? == 1 {
        record(tx, &caller.village, caller.person, "kin.declare", (person, relative), now).await?;
    }
    Ok(())
}
