//! `GET /v1/me`: all that a front end needs to draw its first screen.

use actix_web::get;
use actix_web::web::Data;
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{inbox, settle_own};
use crate::app::App;
use crate::calendar::{self, Calendar};
use crate::identity::{Caller, Role};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::{RegionCode, Village};
use crate::{bindings, claims, publicity, rankings, redemption, regions};

/// The person who is logged in.
#[derive(Serialize, ToSchema)]
pub struct Me {
    pub person: Uuid,
    /// Absent until the account is bound to somebody whom the village knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "张守勤")]
    pub name: Option<String>,
    /// The phone that WeChat vouched for or the roster names, masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "138****8000")]
    pub phone: Option<String>,
    /// The household, if the person belongs to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub home: Option<MyHome>,
    /// What the person is trusted with now.
    pub grants: Vec<MyGrant>,
    /// Where the person lives or serves, each with its calendar; at most ten.
    pub villages: Vec<MyVillage>,
    pub waiting: WaitingForMe,
    pub now: Instant,
}

/// The household somebody belongs to.
#[derive(Serialize, ToSchema)]
pub struct MyHome {
    pub village: Village,
    pub household: Uuid,
    /// The number on the door or paper.
    #[schema(example = 17)]
    pub number: i64,
    /// `active`, or how the file ended.
    #[schema(example = "active")]
    pub status: String,
    pub is_head: bool,
    /// Points that may be spent when the window is open.
    #[schema(example = 34)]
    pub spendable: i64,
}

/// A role and where it holds.
#[derive(Serialize, ToSchema)]
pub struct MyGrant {
    pub role: Role,
    /// The role's name in Chinese.
    #[schema(example = "网格员")]
    pub label_zh: &'static str,
    /// The role's name in English.
    #[schema(example = "grid worker")]
    pub label_en: &'static str,
    pub region: RegionCode,
    #[schema(example = "第1网格")]
    pub region_name: String,
}

/// A village and where it stands in its cycle.
#[derive(Serialize, ToSchema)]
pub struct MyVillage {
    pub code: Village,
    #[schema(example = "梅西村")]
    pub name: String,
    pub calendar: Calendar,
}

/// How much waits for this person: the badges of the first screen.
#[derive(Default, Serialize, ToSchema)]
pub struct WaitingForMe {
    /// Inbox items not yet read, at most 100.
    #[schema(example = 2)]
    pub inbox: i64,
    /// Claims to review.
    #[schema(example = 5)]
    pub reviews: i64,
    /// Objections and appeals to decide that lie with the person's committee, township or county now.
    #[schema(example = 1)]
    pub objections: i64,
    /// Objections to years' rankings to decide: the township's, after seven days also the county's.
    #[schema(example = 1)]
    pub ranking_objections: i64,
    /// People who ask to be bound to a household of the person's grids.
    #[schema(example = 1)]
    pub binding_requests: i64,
    /// Prizes to hand over, in the villages whose shop the person keeps.
    #[schema(example = 3)]
    pub collections: i64,
    /// The household's own prizes that wait to be collected.
    #[schema(example = 1)]
    pub own_redemptions: i64,
}

/// Who am I, what may I do, and what waits for me
#[utoipa::path(tag = "me", operation_id = "me_show", security(("bearer" = [])),
    responses((status = 200, body = Me)))]
#[get("/v1/me")]
async fn show_me(caller: Caller, app: Data<App>) -> Outcome<Answer<Me>> {
    settle_own(&app, &caller).await?;
    Ok(Answer::ok(Me {
        person: caller.person,
        name: Some(caller.name.clone()).filter(|name| !name.is_empty()),
        phone: phone(&app, &caller).await?,
        home: home(&app, &caller).await?,
        grants: grants(&app, &caller).await?,
        villages: villages(&app, &caller).await?,
        waiting: waiting(&app, &caller).await?,
        now: app.clock.now(),
    }))
}

async fn phone(app: &App, caller: &Caller) -> Outcome<Option<String>> {
    #[derive(FromQueryResult)]
    struct Row {
        phone_masked: Option<String>,
    }
    let sql = "SELECT phone_masked FROM persons WHERE id = $1";
    let row = db::one::<Row>(app.db.read(), sql, [caller.person.into()]).await?;
    Ok(row.and_then(|row| row.phone_masked))
}

async fn home(app: &App, caller: &Caller) -> Outcome<Option<MyHome>> {
    #[derive(FromQueryResult)]
    struct Row {
        number: i64,
        status: String,
        is_head: bool,
        spendable: i64,
    }
    let Some(home) = &caller.home else { return Ok(None) };
    let sql = "SELECT h.number, h.status, COALESCE(m.is_head, FALSE) AS is_head, \
                 CAST(COALESCE(b.points - b.held - b.frozen, 0) AS BIGINT) AS spendable \
               FROM households h \
               LEFT JOIN members m ON m.village = h.village AND m.household = h.id \
                 AND m.person = $3 \
               LEFT JOIN balances b ON b.village = h.village AND b.household = h.id \
                 AND b.account = 'available' WHERE h.village = $1 AND h.id = $2";
    let values: [Value; 3] = [(&home.village).into(), home.household.into(), caller.person.into()];
    let row = db::one::<Row>(app.db.read(), sql, values).await?.ok_or(Code::NotFound)?;
    Ok(Some(MyHome {
        village: home.village.clone(),
        household: home.household,
        number: row.number,
        status: row.status,
        is_head: row.is_head,
        spendable: row.spendable.max(0),
    }))
}

async fn grants(app: &App, caller: &Caller) -> Outcome<Vec<MyGrant>> {
    let mut grants = Vec::with_capacity(caller.grants.len());
    for grant in &caller.grants {
        let (label_zh, label_en) = grant.role.labels();
        let region_name = regions::find(app.db.read(), &grant.region).await?.name;
        let (role, region) = (grant.role, grant.region.clone());
        grants.push(MyGrant { role, label_zh, label_en, region, region_name });
    }
    Ok(grants)
}

async fn villages(app: &App, caller: &Caller) -> Outcome<Vec<MyVillage>> {
    let mut villages = Vec::new();
    for code in caller.villages() {
        let name = regions::find(app.db.read(), &code.region()).await?.name;
        match calendar::calendar_of(app, &code).await {
            Ok(calendar) => villages.push(MyVillage { code, name, calendar }),
            // Appointed before the village was switched on.
            Err(problem) if problem.refusal().code == Code::NotFound => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(villages)
}

async fn waiting(app: &App, caller: &Caller) -> Outcome<WaitingForMe> {
    let mut waiting = WaitingForMe {
        inbox: inbox::unseen(app, caller).await?,
        reviews: claims::waiting_for(app, caller).await?,
        objections: publicity::waiting_for(app, caller).await?,
        ranking_objections: rankings::waiting_for(app, caller).await?,
        ..WaitingForMe::default()
    };
    for village in caller.villages() {
        let here = village.as_str();
        if caller.has(Role::Clerk, here) {
            waiting.collections += redemption::held_in(app, &village, None).await?;
        }
        waiting.binding_requests += bindings::waiting_for(app, caller, &village).await?;
    }
    if let Some(home) = &caller.home {
        let own = redemption::held_in(app, &home.village, Some(home.household)).await?;
        waiting.own_redemptions = own;
    }
    Ok(waiting)
}
