//! `POST /v1/villages/{village}/households`, and the bulk form that imports and demos use.

use std::collections::BTreeSet;

use actix_web::post;
use actix_web::web::Data;
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::read::{Household, load};
use crate::app::App;
use crate::calendar;
use crate::identity::{Governs, Official};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::{Level, RegionCode, Village};
use crate::kernel::text::readable;

/// A household's new file.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHousehold {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// The number on the household's door or paper, unique in the village.
    #[validate(range(min = 1, max = 999_999))]
    #[schema(minimum = 1, maximum = 999_999, example = 17)]
    pub number: i64,
    /// The grid it belongs to.
    pub grid: RegionCode,
    /// How the household agreed to take part, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub consent: Option<Consent>,
    #[validate(nested, length(min = 1, max = 30))]
    #[schema(min_items = 1, max_items = 30)]
    pub members: Vec<NewMember>,
}

/// How a household agreed to take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// On a signed sheet of paper.
    Paper,
    /// In the app, by a member's account.
    Account,
}

impl Consent {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Account => "account",
        }
    }
}

#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// The person, made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub person: Uuid,
    #[validate(length(min = 1, max = 50))]
    #[schema(min_length = 1, max_length = 50, example = "张守勤")]
    pub name: String,
    /// Exactly one member is the head (户主).
    pub is_head: bool,
}

/// Open a household's file
#[utoipa::path(tag = "households", operation_id = "households_create", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewHousehold, responses((status = 201, body = Household)),
    extensions(("x-codes" = json!("role_required invalid_field id_taken"))))]
#[post("/v1/villages/{village}/households")]
async fn create_household(
    officer: Official<Governs>,
    household: Command<NewHousehold>,
    app: Data<App>,
) -> Outcome<Answer<Household>> {
    let village = &officer.village;
    let done = household.once(&app, village.as_str(), officer.account, async |tx| {
        let now = app.clock.now();
        create_all(tx, village, Some(officer.person), std::slice::from_ref(&household.body), now)
            .await?;
        load(tx, village, household.body.id).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

/// Opens the files of many households: all or none.
///
/// # Errors
/// `invalid_field` names the household that lacks a single head, a readable name or a grid of this
/// village; `id_taken` if an id or number is already used.
pub async fn create_all(
    tx: &Tx,
    village: &Village,
    by: Option<Uuid>,
    households: &[NewHousehold],
    now: Instant,
) -> Outcome<()> {
    for household in households {
        check(village, household)?;
    }
    known_grids(tx, village, households).await?;
    let registered = |it: &NewHousehold| it.consent.map(|consent| consent.as_str().to_owned());
    let activated = |it: &NewHousehold| (it.consent == Some(Consent::Account)).then_some(now.0);
    let count = households.len();
    let columns = [
        Column::Text("village", vec![village.to_string(); count]),
        Column::Uuid("id", households.iter().map(|it| it.id).collect()),
        Column::Number("number", households.iter().map(|it| it.number).collect()),
        Column::Text("grid", households.iter().map(|it| it.grid.to_string()).collect()),
        Column::Text("status", vec!["active".to_owned(); count]),
        Column::MaybeText("registered_by", households.iter().map(registered).collect()),
        Column::MaybeNumber(
            "registered_at",
            households.iter().map(|it| it.consent.map(|_| now.0)).collect(),
        ),
        Column::MaybeNumber("activated_at", households.iter().map(activated).collect()),
        Column::Number("created_at", vec![now.0; count]),
        Column::Number("version", vec![1; count]),
    ];
    let written = db::bulk_insert(tx, "households", &columns, "ON CONFLICT DO NOTHING").await?;
    if written != count as u64 {
        return Err(Code::IdTaken.into());
    }
    create_members(tx, village, households, now).await?;
    calendar::touch(tx, village, now).await?;
    let act = Act {
        region: village.as_str(),
        actor: by,
        action: "household.create",
        subject: format!("{count} households"),
        detail: serde_json::json!({ "first": households.first().map(|it| it.id) }),
    };
    audit::record(tx, now, act).await
}

fn check(village: &Village, household: &NewHousehold) -> Result<(), Refusal> {
    let odd = |pointer: &str, detail: String| {
        Err(Refusal::from(Code::InvalidField).at(pointer, "invalid", detail))
    };
    let number = household.number;
    let grid = &household.grid;
    if grid.level() != Level::Grid || !village.region().contains(grid.as_str()) {
        return odd("/grid", format!("household {number}: not a grid of this village"));
    }
    if household.members.iter().filter(|member| member.is_head).count() != 1 {
        return odd("/members", format!("household {number}: exactly one member is the head"));
    }
    if household.members.iter().any(|member| readable(&member.name).is_none()) {
        return odd("/members", format!("household {number}: a name is not readable"));
    }
    Ok(())
}

/// Every grid must be one that the village has.
async fn known_grids(tx: &Tx, village: &Village, households: &[NewHousehold]) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        code: String,
    }
    let sql = "SELECT code FROM regions WHERE parent = $1";
    let rows = db::all::<Row>(tx, sql, [village.into()]).await?;
    let known: BTreeSet<_> = rows.into_iter().map(|row| row.code).collect();
    match households.iter().find(|household| !known.contains(household.grid.as_str())) {
        None => Ok(()),
        Some(household) => {
            let detail = format!("household {}: no such grid", household.number);
            Err(Refusal::from(Code::InvalidField).at("/grid", "unknown", detail).into())
        }
    }
}

async fn create_members(
    tx: &Tx,
    village: &Village,
    households: &[NewHousehold],
    now: Instant,
) -> Outcome<()> {
    let members: Vec<_> = households
        .iter()
        .flat_map(|household| household.members.iter().map(|member| (household.id, member)))
        .collect();
    let count = members.len();
    let names: Vec<_> =
        members.iter().map(|(_, it)| readable(&it.name).unwrap_or_default()).collect();
    let persons: Vec<_> = members.iter().map(|(_, it)| it.person).collect();
    let columns = [
        Column::Uuid("id", persons.clone()),
        Column::Text("name", names.clone()),
        Column::Number("created_at", vec![now.0; count]),
    ];
    if db::bulk_insert(tx, "persons", &columns, "ON CONFLICT DO NOTHING").await? != count as u64 {
        return Err(Refusal::from(Code::IdTaken).because("a person's id is in use").into());
    }
    let columns = [
        Column::Uuid("person", persons.clone()),
        Column::Text("village", vec![village.to_string(); count]),
        Column::Uuid("household", members.iter().map(|(household, _)| *household).collect()),
        Column::Number("bound_at", vec![now.0; count]),
    ];
    db::bulk_insert(tx, "bindings", &columns, "").await?;
    let columns = [
        Column::Text("village", vec![village.to_string(); count]),
        Column::Uuid("household", members.iter().map(|(household, _)| *household).collect()),
        Column::Uuid("person", persons),
        Column::Text("name", names),
        Column::Flag("is_head", members.iter().map(|(_, it)| it.is_head).collect()),
    ];
    db::bulk_insert(tx, "members", &columns, "").await?;
    Ok(())
}
