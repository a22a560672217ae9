//! `POST /v1/regions/{region}/committees`: a body is elected, and its members have their roles.

use std::collections::BTreeSet;

use actix_web::post;
use actix_web::web::Data;
use chrono::NaiveDate;
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::committees::{Committee, CommitteeKind, Duty, load};
use super::give::{Seat, give};
use super::rules::{Term, committee_term};
use super::{Caller, Governs, Overseer};
use crate::app::App;
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::{Level, RegionCode};
use crate::kernel::text::readable;
use crate::regions;

/// A body to be recorded.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCommittee {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    pub kind: CommitteeKind,
    #[validate(length(min = 1, max = 50))]
    #[schema(min_length = 1, max_length = 50, example = "梅西村积分监督管理委员会")]
    pub name: String,
    /// The first day of the term; it may have begun already.
    #[schema(value_type = String, format = Date, example = "2024-09-01")]
    pub starts_on: NaiveDate,
    /// The day before which the term ends, at most five years later.
    #[schema(value_type = String, format = Date, example = "2029-09-01")]
    pub ends_on: NaiveDate,
    /// Exactly one of them is the chair.
    #[validate(nested, length(min = 1, max = 15))]
    #[schema(min_items = 1, max_items = 15)]
    pub members: Vec<NewSeat>,
}

/// Somebody who takes a seat.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSeat {
    /// Somebody who has an account.
    pub person: Uuid,
    pub duty: Duty,
}

/// Record a panel or supervising committee; its seats are the roles
#[utoipa::path(tag = "committees", operation_id = "committees_create", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of the village")),
    request_body = NewCommittee, responses((status = 201, body = Committee)),
    extensions(("x-codes" = json!("role_required role_above_own conflict_of_interest \
        near_relatives grant_exists id_taken invalid_field"))))]
#[post("/v1/regions/{region}/committees")]
async fn create_committee(
    officer: Overseer<Governs>,
    committee: Command<NewCommittee>,
    app: Data<App>,
) -> Outcome<Answer<Committee>> {
    let region = &officer.region;
    let done = committee.once(&app, region.as_str(), officer.caller.account, async |tx| {
        let now = app.clock.now();
        found(tx, &officer.caller, region, &committee.body, now).await?;
        load(tx, region, committee.body.id, now).await
    });
    Ok(done.await?.created())
}

async fn found(
    tx: &Tx,
    by: &Caller,
    region: &RegionCode,
    new: &NewCommittee,
    now: Instant,
) -> Outcome<()> {
    let name = check(region, new)?;
    let term = committee_term(new.starts_on, new.ends_on, now)?;
    regions::lock(tx, region).await?;
    let values: [Value; 8] = [
        region.into(),
        new.id.into(),
        new.kind.role().as_str().into(),
        name.into(),
        Instant::at_midnight(new.starts_on).0.into(),
        Instant::at_midnight(new.ends_on).0.into(),
        by.person.into(),
        now.0.into(),
    ];
    let sql = "INSERT INTO committees (region, id, kind, name, starts_at, ends_at, created_by, \
               created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::IdTaken.into());
    }
    // One after the other, so that each is held against those before.
    for member in &new.members {
        let place = Place { region, committee: new.id, kind: new.kind, term };
        take(tx, by, &place, member, now).await?;
    }
    let act = Act {
        region: region.as_str(),
        actor: Some(by.person),
        action: "committee.create",
        subject: new.id.to_string(),
        detail: serde_json::json!({ "kind": new.kind, "members": new.members }),
    };
    audit::record(tx, now, act).await
}

/// The committee's readable name, if it is one of a village, with one chair and nobody twice.
fn check(region: &RegionCode, new: &NewCommittee) -> Result<String, Refusal> {
    let odd = |pointer: &str, what: &str| {
        Err(Refusal::from(Code::InvalidField).at(pointer, "invalid", what))
    };
    if region.level() != Level::Village {
        return odd("/kind", "only a village has one");
    }
    let persons: BTreeSet<_> = new.members.iter().map(|member| member.person).collect();
    if persons.len() != new.members.len() {
        return odd("/members", "somebody is named twice");
    }
    if new.members.iter().filter(|member| member.duty == Duty::Chair).count() != 1 {
        return odd("/members", "exactly one member is the chair");
    }
    match readable(&new.name) {
        Some(name) => Ok(name),
        None => odd("/name", "not readable"),
    }
}

/// Where a seat is taken, and for how long.
pub struct Place<'a> {
    pub region: &'a RegionCode,
    pub committee: Uuid,
    pub kind: CommitteeKind,
    pub term: Term,
}

/// Gives somebody a seat, and with it the role.
///
/// # Errors
/// Those of [`give`].
pub async fn take(
    tx: &Tx,
    by: &Caller,
    place: &Place<'_>,
    member: &NewSeat,
    now: Instant,
) -> Outcome<()> {
    let seat = Seat {
        id: Uuid::now_v7(),
        person: member.person,
        role: place.kind.role(),
        region: place.region,
        kind: None,
        committee: Some(place.committee),
        term: place.term,
    };
    give(tx, by, &seat, now).await?;
    let values: [Value; 6] = [
        place.region.into(),
        place.committee.into(),
        member.person.into(),
        member.duty.as_str().into(),
        place.term.starts_at.0.into(),
        place.term.ends_at.map_or(i64::MAX, |at| at.0).into(),
    ];
    // Who left and is elected again has the same seat again.
    let sql = "INSERT INTO committee_members (region, committee, person, duty, starts_at, ends_at) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (region, committee, person) DO UPDATE \
               SET duty = excluded.duty, starts_at = excluded.starts_at, ends_at = excluded.ends_at";
    db::run(tx, sql, values).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_one_chair_a_name_and_nobody_twice() {
        let village: RegionCode = "460205100201".parse().expect("a code");
        let day = |text: &str| text.parse().expect("a day");
        let body = |name: &str, members: &[(u128, Duty)]| NewCommittee {
            id: Uuid::from_u128(9),
            kind: CommitteeKind::Panel,
            name: name.to_owned(),
            starts_on: day("2024-09-01"),
            ends_on: day("2027-09-01"),
            members: members
                .iter()
                .map(|(person, duty)| NewSeat { person: Uuid::from_u128(*person), duty: *duty })
                .collect(),
        };
        let good = body("评议小组", &[(1, Duty::Chair), (2, Duty::Member)]);
        assert!(check(&village, &good).is_ok());
        assert!(check(&"460205100".parse().expect("a code"), &good).is_err());
        for odd in [
            body("评议小组", &[(1, Duty::Member)]),
            body("评议小组", &[(1, Duty::Chair), (2, Duty::Chair)]),
            body("评议小组", &[(1, Duty::Chair), (1, Duty::Member)]),
            body("\u{200b}", &[(1, Duty::Chair)]),
        ] {
            assert!(check(&village, &odd).is_err());
        }
    }
}
