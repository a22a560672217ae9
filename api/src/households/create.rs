//! `POST /v1/villages/{village}/households`, and the bulk form that imports and demos use.

use std::collections::BTreeSet;

use actix_web::post;
use actix_web::web::Data;
use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::consents;
use super::persons::{self, Entrant, Facts};
use super::read::{Household, load};
use crate::app::App;
use crate::calendar;
use crate::changes;
use crate::identity::{Governs, Official, Private};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::{Level, RegionCode, Village};

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
    /// How the household agreed to take part, if it has; an official records paper only.
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

#[derive(Clone, Default, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// The person, made by the client, UUIDv7. One who is known by the ID number keeps their own.
    #[validate(custom(function = "uuid_v7"))]
    pub person: Uuid,
    #[validate(length(min = 1, max = 50))]
    #[schema(min_length = 1, max_length = 50, example = "张守勤")]
    pub name: String,
    /// Exactly one member is the head (户主).
    pub is_head: bool,
    /// A mainland mobile number; kept as a digest and masked, never shown.
    #[serde(default, skip_serializing)]
    #[schema(value_type = Option<String>, nullable = false, write_only, max_length = 40,
        example = "+86 138 0013 8000")]
    pub phone: Option<Private>,
    /// A resident's ID number of 18 or 15 characters; kept as a digest, never shown. Tells the birthday.
    #[serde(default, skip_serializing)]
    #[schema(value_type = Option<String>, nullable = false, write_only, max_length = 40,
        example = "11010519491231002X")]
    pub id_number: Option<Private>,
    /// Below 14 years a member is never named in public.
    #[serde(default, skip_serializing)]
    #[schema(value_type = Option<String>, format = Date, nullable = false, write_only,
        example = "1949-12-31")]
    pub born_on: Option<NaiveDate>,
}

/// Open a household's file
#[utoipa::path(tag = "households", operation_id = "households_create", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewHousehold, responses((status = 201, body = Household)),
    extensions(("x-codes" = json!("role_required invalid_field id_taken already_bound"))))]
#[post("/v1/villages/{village}/households")]
async fn create_household(
    officer: Official<Governs>,
    household: Command<NewHousehold>,
    app: Data<App>,
) -> Outcome<Answer<Household>> {
    let village = &officer.village;
    let secret = app.config.secrets.identity();
    let done = household.once(&app, village.as_str(), officer.account, async |tx| {
        let now = app.clock.now();
        let opening = Opening { village, by: Some(officer.person), secret, now };
        create_all(tx, &opening, std::slice::from_ref(&household.body)).await?;
        load(tx, village, household.body.id).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

/// Where, by whom and when files are opened.
pub struct Opening<'a> {
    pub village: &'a Village,
    /// The official; `None` for what loads demos and tests.
    pub by: Option<Uuid>,
    /// Makes digests of phones and ID numbers.
    pub secret: &'a [u8],
    pub now: Instant,
}

/// Opens the files of many households: all or none.
///
/// # Errors
/// `invalid_field` names what is wrong: not a single head, an unreadable name, phone or ID number, a
/// grid of another village; `id_taken` if an id or number is already used; `already_bound` if a person
/// belongs to an active household.
pub async fn create_all(
    tx: &Tx,
    opening: &Opening<'_>,
    households: &[NewHousehold],
) -> Outcome<()> {
    let checked = households.iter().map(|household| check(opening, household));
    let facts = checked.collect::<Result<Vec<_>, _>>()?;
    open_all(tx, opening, households, &facts).await
}

/// As [`create_all`], for households that are checked: `facts` has those of each member.
///
/// # Errors
/// As [`create_all`], but for what a household shows by itself.
pub async fn open_all(
    tx: &Tx,
    opening: &Opening<'_>,
    households: &[NewHousehold],
    facts: &[Vec<Facts>],
) -> Outcome<()> {
    let Opening { village, by, now, .. } = *opening;
    calendar::touch(tx, village, now).await?;
    let known = grids(tx, village).await?;
    if let Some(lost) = households.iter().find(|it| !known.contains(it.grid.as_str())) {
        let detail = format!("household {}: no such grid", lost.number);
        return Err(Refusal::from(Code::InvalidField).at("/grid", "unknown", detail).into());
    }
    let mut entrants = Vec::new();
    for (household, facts) in households.iter().zip(facts) {
        let members = household.members.iter().zip(facts).enumerate();
        entrants.extend(members.map(|(at, (it, facts))| Entrant::new(household.id, at, it, facts)));
    }
    persons::recognise(tx, &mut entrants).await?;
    write(tx, opening, households, facts).await?;
    persons::write(tx, village.as_str(), &entrants, now).await?;
    consents::sign_all(tx, opening, households, &entrants).await?;
    let act = Act {
        region: village.as_str(),
        actor: by,
        action: "household.create",
        subject: format!("{} households", households.len()),
        detail: serde_json::json!({ "first": households.first().map(|it| it.id) }),
    };
    audit::record(tx, now, act).await
}

async fn write(
    tx: &Tx,
    opening: &Opening<'_>,
    households: &[NewHousehold],
    facts: &[Vec<Facts>],
) -> Outcome<()> {
    let (now, today) = (opening.now, opening.now.day());
    let changed = changes::next(tx, opening.village).await?;
    let registered = |it: &NewHousehold| it.consent.map(|consent| consent.as_str().to_owned());
    let activated = |it: &NewHousehold| (it.consent == Some(Consent::Account)).then_some(now.0);
    let is_young = |(household, facts): (&NewHousehold, &Vec<Facts>)| {
        household
            .members
            .iter()
            .zip(facts)
            .any(|(it, facts)| it.is_head && !facts.is_grown_up(today))
    };
    let count = households.len();
    let columns = [
        Column::Text("village", vec![opening.village.to_string(); count]),
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
        Column::Number("changed", vec![changed; count]),
        Column::Flag("name_hidden", households.iter().zip(facts).map(is_young).collect()),
    ];
    let written = db::bulk_insert(tx, "households", &columns, "ON CONFLICT DO NOTHING").await?;
    if written != count as u64 {
        return Err(Code::IdTaken.into());
    }
    Ok(())
}

/// Checks one household by itself; the facts about its members.
fn check(opening: &Opening<'_>, household: &NewHousehold) -> Result<Vec<Facts>, Refusal> {
    let (village, today) = (opening.village, opening.now.day());
    let refuse = |pointer: &str, code: &str, detail: &str| {
        let detail = format!("household {}: {detail}", household.number);
        Refusal::from(Code::InvalidField).at(pointer, code, detail)
    };
    let grid = &household.grid;
    if grid.level() != Level::Grid || !village.region().contains(grid.as_str()) {
        return Err(refuse("/grid", "invalid", "not a grid of this village"));
    }
    if household.members.iter().filter(|member| member.is_head).count() != 1 {
        return Err(refuse("/members", "invalid", "exactly one member is the head"));
    }
    let mut numbers = BTreeSet::new();
    let mut known = Vec::new();
    for (at, member) in household.members.iter().enumerate() {
        let facts = Facts::of(member, opening.secret, today).map_err(|all| {
            all.iter().fold(Refusal::from(Code::InvalidField), |refusal, odd| {
                refusal.at(&format!("/members/{at}/{}", odd.field), odd.code, odd.detail)
            })
        })?;
        if facts.id_digest.as_ref().is_some_and(|digest| !numbers.insert(digest.clone())) {
            let pointer = format!("/members/{at}/id_number");
            return Err(refuse(&pointer, "repeated", "the same person twice"));
        }
        known.push(facts);
    }
    if household.consent.is_some() && !known.iter().any(|facts| facts.is_grown_up(today)) {
        return Err(refuse("/consent", "guardian", "no member is 14 or older"));
    }
    if household.consent == Some(Consent::Account) && opening.by.is_some() {
        return Err(refuse("/consent", "invalid", "only an account's owner consents in the app"));
    }
    Ok(known)
}

/// The codes of the village's grids.
pub async fn grids(on: &impl ConnectionTrait, village: &Village) -> Outcome<BTreeSet<String>> {
    #[derive(FromQueryResult)]
    struct Row {
        code: String,
    }
    let sql = "SELECT code FROM regions WHERE parent = $1";
    let rows = db::all::<Row>(on, sql, [village.into()]).await?;
    Ok(rows.into_iter().map(|row| row.code).collect())
}
