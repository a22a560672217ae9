//! `GET /v1/me/export`: what is held of a person, as one file (Personal Information Protection Law,
//! article 45). Of the household it holds what the person may read anyway.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::settle_own;
use crate::app::App;
use crate::identity::Caller;
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::problem::{Code, Outcome};

/// All that is held of a person.
#[derive(Serialize, ToSchema)]
pub struct Export {
    pub exported_at: Instant,
    pub person: ExportedPerson,
    pub grants: Vec<ExportedGrant>,
    pub households: Vec<ExportedMembership>,
    pub claims: Vec<ExportedClaim>,
    pub photos: Vec<ExportedPhoto>,
    pub entries: Vec<ExportedEntry>,
    pub redemptions: Vec<ExportedRedemption>,
    pub honours: Vec<ExportedHonour>,
    pub awards: Vec<ExportedAward>,
    pub objections: Vec<ExportedObjection>,
    pub suggestions: Vec<ExportedSuggestion>,
    pub inbox: Vec<ExportedNotice>,
    pub devices: Vec<ExportedDevice>,
}

/// The person's own row. Phone and ID number are kept as digests only, which name nobody.
#[derive(FromQueryResult, Serialize, ToSchema)]
pub struct ExportedPerson {
    pub person: Uuid,
    #[schema(example = "张守勤")]
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "1958-03-02")]
    pub born_on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "138****8000")]
    pub phone: Option<String>,
    pub has_id_number: bool,
    pub known_since: Instant,
}

#[derive(FromQueryResult, Serialize, ToSchema)]
pub struct ExportedGrant {
    #[schema(example = "grid_worker")]
    pub role: String,
    #[schema(example = "460205100201001")]
    pub region: String,
    pub starts_at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ends_at: Option<Instant>,
}

#[derive(FromQueryResult, Serialize, ToSchema)]
pub struct ExportedMembership {
    #[schema(example = "460205100201")]
    pub village: String,
    pub household: Uuid,
    #[schema(example = 17)]
    pub number: i64,
    pub is_head: bool,
    pub since: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub until: Option<Instant>,
}

/// A claim of the person's household that they filed or that is about them.
#[derive(FromQueryResult, Serialize, ToSchema)]
pub struct ExportedClaim {
    #[schema(example = "460205100201")]
    pub village: String,
    pub id: Uuid,
    #[schema(example = "env.courtyard_beautify")]
    pub rule: String,
    #[schema(example = 3)]
    pub points: i64,
    #[schema(example = "2024-09-24")]
    pub occurred_on: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "门前种了三角梅")]
    pub note: Option<String>,
    #[schema(example = "confirmed")]
    pub status: String,
    pub submitted_at: Instant,
}

/// A photo that the person uploaded; the picture itself is behind `…/photos/{photo}`.
#[derive(FromQueryResult, Serialize, ToSchema)]
pub struct ExportedPhoto {
    #[schema(example = "460205100201")]
    pub village: String,
    pub id: Uuid,
    #[schema(example = 2048)]
    pub width: i64,
    #[schema(example = 1536)]
    pub height: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub taken_at: Option<Instant>,
    /// Whether a claim uses it.
    pub used: bool,
    pub uploaded_at: Instant,
}

/// A score line of the person's household.
#[derive(FromQueryResult, Serialize, ToSchema)]
pub struct ExportedEntry {
    #[schema(example = "460205100201")]
    pub village: String,
    pub id: Uuid,
    #[schema(example = "env.courtyard_beautify")]
    pub rule: String,
    #[schema(example = "2024-W39")]
    pub week: String,
    #[schema(example = 3)]
    pub awarded: i64,
}

/// A redemption that the person asked for.
#[derive(FromQueryResult, Serialize, ToSchema)]
pub struct ExportedRedemption {
    #[schema(example = "460205100201")]
    pub village: String,
    pub id: Uuid,
    #[schema(example = 20)]
    pub points: i64,
    #[schema(example = "collected")]
    pub status: String,
    pub held_at: Instant,
}

/// An honour of the person's household, also one that was proposed or withdrawn.
#[derive(FromQueryResult, Serialize, ToSchema)]
pub struct ExportedHonour {
    #[schema(example = "460205100201")]
    pub village: String,
    pub id: Uuid,
    #[schema(example = "honour.clean_household")]
    pub item: String,
    #[schema(example = "2024-07")]
    pub period: String,
    #[schema(example = "庭院整洁，连续四周检查优秀")]
    pub reason: String,
    #[schema(example = "granted")]
    pub status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 62)]
    pub plaque: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "庭院长期堆放杂物")]
    pub withdrawal_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub withdrawn_at: Option<Instant>,
}

/// A rank award of the person's household, or its share of a dividend.
#[derive(FromQueryResult, Serialize, ToSchema)]
pub struct ExportedAward {
    #[schema(example = "460205100201")]
    pub village: String,
    pub id: Uuid,
    #[schema(example = "2024")]
    pub year: String,
    #[schema(example = "rank_award")]
    pub kind: String,
    #[schema(example = 4)]
    pub rank: i64,
    #[schema(example = "床垫(年度第1~4名)")]
    pub name: String,
    /// In fen.
    #[schema(example = 40_000)]
    pub value_fen: i64,
    #[schema(example = "collected")]
    pub status: String,
    pub granted_at: Instant,
}

/// An objection that the person filed.
#[derive(FromQueryResult, Serialize, ToSchema)]
pub struct ExportedObjection {
    #[schema(example = "460205100201")]
    pub village: String,
    pub id: Uuid,
    #[schema(example = "2024-08")]
    pub month: String,
    #[schema(example = "不实")]
    pub reason: String,
    #[schema(example = "decided")]
    pub status: String,
    pub filed_at: Instant,
}

/// A suggestion that the person made.
#[derive(FromQueryResult, Serialize, ToSchema)]
pub struct ExportedSuggestion {
    #[schema(example = "460205100201")]
    pub village: String,
    pub id: Uuid,
    #[schema(example = "捐款捐物的分值可以高一些")]
    pub text: String,
    #[schema(example = "adopted")]
    pub status: String,
    pub made_at: Instant,
}

#[derive(FromQueryResult, Serialize, ToSchema)]
pub struct ExportedNotice {
    #[schema(example = "objection_decided")]
    pub kind: String,
    #[schema(example = "异议成立，该条已冲正")]
    pub detail: String,
    pub at: Instant,
}

#[derive(FromQueryResult, Serialize, ToSchema)]
pub struct ExportedDevice {
    #[schema(example = "wechat")]
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Redmi 9A")]
    pub name: Option<String>,
    pub logged_in_at: Instant,
    pub used_at: Instant,
}

/// All that is held of me, as one file
#[utoipa::path(tag = "me", operation_id = "me_export", security(("bearer" = [])),
    responses((status = 200, body = Export)))]
#[get("/v1/me/export")]
async fn export_me(caller: Caller, app: Data<App>) -> Outcome<HttpResponse> {
    let export = gather(&app, &caller).await?;
    let mut answer = HttpResponse::Ok();
    answer.insert_header(("Content-Disposition", "attachment; filename=\"jifen-export.json\""));
    answer.insert_header(("Cache-Control", "no-store"));
    Ok(answer.json(export))
}

const PERSON: &str = "SELECT id AS person, name, born_on, phone_masked AS phone, \
    id_digest IS NOT NULL AS has_id_number, created_at AS known_since FROM persons WHERE id = $1";
const GRANTS: &str =
    "SELECT role, region, starts_at, ends_at FROM grants WHERE person = $1 ORDER BY starts_at";
const HOUSEHOLDS: &str = "SELECT b.village, b.household, h.number, m.is_head, \
      b.bound_at AS since, b.ended_at AS until FROM bindings b \
    JOIN households h ON h.village = b.village AND h.id = b.household \
    JOIN members m ON m.village = b.village AND m.household = b.household \
      AND m.person = b.person WHERE b.person = $1 ORDER BY b.bound_at";
const DEVICES: &str = "SELECT s.kind, s.device_name AS name, s.created_at AS logged_in_at, \
      s.used_at FROM sessions s JOIN accounts a ON a.id = s.account \
    WHERE a.person = $1 ORDER BY s.id";
const CLAIMS: &str = "SELECT village, id, rule, points, occurred_on, note, status, submitted_at \
    FROM claims WHERE village = $1 AND household = $2 AND (filed_by = $3 OR member = $3) \
    ORDER BY id";
const PHOTOS: &str = "SELECT village, id, width, height, taken_at, used, uploaded_at FROM photos \
    WHERE uploaded_by = $1 ORDER BY uploaded_at, id";
// The household's, whoever of it earned them: $3 only has to be there.
const ENTRIES: &str = "SELECT village, id, rule, week, awarded FROM score_lines \
    WHERE village = $1 AND household = $2 AND $3 = $3 ORDER BY id";
const REDEMPTIONS: &str = "SELECT village, id, points, status, held_at FROM redemptions \
    WHERE village = $1 AND household = $2 AND filed_by = $3 ORDER BY id";
// As with entries: what the household was given, whoever of it earned it.
const HONOURS: &str = "SELECT village, id, item, period, reason, status, plaque, decided_at, \
      withdrawal_reason, withdrawn_at FROM honours \
    WHERE village = $1 AND household = $2 AND $3 = $3 ORDER BY id";
const AWARDS: &str = "SELECT village, id, year, kind, rank, name_zh AS name, value_fen, status, \
      granted_at FROM awards \
    WHERE village = $1 AND household = $2 AND $3 = $3 ORDER BY year, kind, place";
const OBJECTIONS: &str = "SELECT village, id, month, reason, status, filed_at FROM objections \
    WHERE village = $1 AND filer_household = $2 AND filed_by = $3 ORDER BY id";
const SUGGESTIONS: &str = "SELECT village, id, text, status, created_at AS made_at \
    FROM suggestions WHERE village = $1 AND household = $2 AND person = $3 ORDER BY id";
const NOTICES: &str = "SELECT kind, detail, at FROM inbox_items \
    WHERE village = $1 AND recipient IN ($2, $3) ORDER BY id";

async fn gather(app: &App, caller: &Caller) -> Outcome<Export> {
    settle_own(app, caller).await?;
    let own = db::one(app.db.read(), PERSON, [caller.person.into()]).await?;
    let households: Vec<ExportedMembership> = of_person(app, caller, HOUSEHOLDS).await?;
    // What a household earned and was told after somebody left is not theirs.
    let present = || households.iter().filter(|of| of.until.is_none());
    Ok(Export {
        exported_at: app.clock.now(),
        person: own.ok_or(Code::NotFound)?,
        grants: of_person(app, caller, GRANTS).await?,
        claims: of_households(app, caller, households.iter(), CLAIMS).await?,
        photos: of_person(app, caller, PHOTOS).await?,
        entries: of_households(app, caller, present(), ENTRIES).await?,
        redemptions: of_households(app, caller, households.iter(), REDEMPTIONS).await?,
        honours: of_households(app, caller, present(), HONOURS).await?,
        awards: of_households(app, caller, present(), AWARDS).await?,
        objections: of_households(app, caller, households.iter(), OBJECTIONS).await?,
        suggestions: of_households(app, caller, households.iter(), SUGGESTIONS).await?,
        inbox: of_households(app, caller, present(), NOTICES).await?,
        devices: of_person(app, caller, DEVICES).await?,
        households,
    })
}

async fn of_person<T: FromQueryResult>(app: &App, caller: &Caller, sql: &str) -> Outcome<Vec<T>> {
    Ok(db::all(app.db.read(), sql, [caller.person.into()]).await?)
}

/// Rows of the village group, household by household: each query stays on one shard.
async fn of_households<T: FromQueryResult>(
    app: &App,
    caller: &Caller,
    households: impl Iterator<Item = &ExportedMembership>,
    sql: &str,
) -> Outcome<Vec<T>> {
    let mut rows = Vec::new();
    for of in households {
        let values: [Value; 3] =
            [of.village.as_str().into(), of.household.into(), caller.person.into()];
        rows.extend(db::all::<T>(app.db.read(), sql, values).await?);
    }
    Ok(rows)
}
