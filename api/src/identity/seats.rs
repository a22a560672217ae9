//! `POST …/committees/{committee}/members` and `…/members/{person}/departure`.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::committees::{Committee, Duty, load};
use super::end::{NewTermination, end};
use super::found::{NewSeat, Place, take};
use super::grants::GrantState;
use super::rules::Term;
use super::{Caller, Governs, Overseer};
use crate::app::App;
use crate::http::path_id;
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::RegionCode;
use crate::regions;

/// As many seats as a committee has at its founding, at most.
const SEATS_MAX: usize = 15;

/// Give somebody a seat for the rest of the term
#[utoipa::path(tag = "committees", operation_id = "committees_add_member",
    security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of the village"),
        ("committee" = Uuid, Path, description = "The committee's id")),
    request_body = NewSeat, responses((status = 201, body = Committee)),
    extensions(("x-codes" = json!("role_required role_above_own conflict_of_interest \
        near_relatives grant_exists wrong_state invalid_field id_taken"))))]
#[post("/v1/regions/{region}/committees/{committee}/members")]
async fn add_member(
    officer: Overseer<Governs>,
    request: HttpRequest,
    seat: Command<NewSeat>,
    app: Data<App>,
) -> Outcome<Answer<Committee>> {
    let id = path_id(&request, "committee")?;
    let region = &officer.region;
    let done = seat.once(&app, region.as_str(), officer.caller.account, async |tx| {
        let now = app.clock.now();
        let committee = locked(tx, region, id, now).await?;
        join(tx, &officer.caller, &committee, &seat.body, now).await?;
        load(tx, region, id, now).await
    });
    Ok(done.await?.created())
}

/// The committee, its seats kept as they are until the transaction ends.
async fn locked(tx: &Tx, region: &RegionCode, id: Uuid, now: Instant) -> Outcome<Committee> {
    let committee = load(tx, region, id, now).await?;
    regions::lock(tx, &committee.region).await?;
    load(tx, region, id, now).await
}

async fn join(
    tx: &Tx,
    by: &Caller,
    committee: &Committee,
    seat: &NewSeat,
    now: Instant,
) -> Outcome<()> {
    may_join(committee, seat.duty)?;
    let starts_at = Instant::at_midnight(committee.starts_on).max(now);
    let ends_at = Some(Instant::at_midnight(committee.ends_on));
    let place = Place {
        region: &committee.region,
        committee: committee.id,
        kind: committee.kind,
        term: Term { starts_at, ends_at },
    };
    take(tx, by, &place, seat, now).await
}

/// Whether a committee has a free seat of this duty.
///
/// # Errors
/// `wrong_state` after its term, `invalid_field` for a second chair or a sixteenth member.
fn may_join(committee: &Committee, duty: Duty) -> Result<(), Refusal> {
    if committee.state == GrantState::Ended {
        return Err(Refusal::wrong_state(committee.state.as_str()));
    }
    let seated: Vec<_> =
        committee.members.iter().filter(|it| it.state != GrantState::Ended).collect();
    if duty == Duty::Chair && seated.iter().any(|it| it.duty == Duty::Chair) {
        return Err(Refusal::from(Code::InvalidField).at("/duty", "taken", "there is a chair"));
    }
    if seated.len() >= SEATS_MAX {
        let full = format!("max {SEATS_MAX} members");
        return Err(Refusal::from(Code::InvalidField).at("/person", "length", full));
    }
    Ok(())
}

/// End somebody's seat, and with it the role
#[utoipa::path(tag = "committees", operation_id = "committees_end_member",
    security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of the village"),
        ("committee" = Uuid, Path, description = "The committee's id"),
        ("person" = Uuid, Path, description = "The member")),
    request_body = NewTermination, responses((status = 200, body = Committee)),
    extensions(("x-codes" = json!("role_required role_above_own wrong_state reason_required \
        invalid_field"))))]
#[post("/v1/regions/{region}/committees/{committee}/members/{person}/departure")]
async fn end_member(
    officer: Overseer<Governs>,
    request: HttpRequest,
    departure: Command<NewTermination>,
    app: Data<App>,
) -> Outcome<Answer<Committee>> {
    let (id, person) = (path_id(&request, "committee")?, path_id(&request, "person")?);
    let region = &officer.region;
    let done = departure.once(&app, region.as_str(), officer.caller.account, async |tx| {
        let now = app.clock.now();
        let committee = locked(tx, region, id, now).await?;
        let grant = seat(tx, &committee, person).await?;
        end(tx, &officer.caller, region, grant, &departure.body.reason, now).await?;
        load(tx, region, id, now).await
    });
    done.await
}

/// The latest grant that was this person's seat.
///
/// # Errors
/// `not_found` for one who never had a seat.
async fn seat(tx: &Tx, committee: &Committee, person: Uuid) -> Outcome<Uuid> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    let sql = "SELECT id FROM grants WHERE person = $1 AND region = $2 AND committee = $3 \
               ORDER BY starts_at DESC, id DESC LIMIT 1";
    let values: [Value; 3] = [person.into(), (&committee.region).into(), committee.id.into()];
    Ok(db::one::<Row>(tx, sql, values).await?.ok_or(Code::NotFound)?.id)
}
