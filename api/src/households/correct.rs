//! `PUT …/households/{household}` and `…/members/{person}`: a number, name, phone or birthday put right.

use actix_web::web::Data;
use actix_web::{HttpRequest, put};
use chrono::NaiveDate;
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::create::NewMember;
use super::file::{File, changed, has_account, open, present};
use super::persons::{Facts, Odd};
use super::read::Household;
use super::{Notice, tell};
use crate::app::App;
use crate::http::{if_match, path_id};
use crate::identity::{Governs, Official, Private, initials};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Body};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;

/// What stands on the cover of a file.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HouseholdCover {
    /// The number on the household's door or paper, unique in the village.
    #[validate(range(min = 1, max = 999_999))]
    #[schema(minimum = 1, maximum = 999_999, example = 17)]
    pub number: i64,
}

/// Change a household's number
#[utoipa::path(tag = "households", operation_id = "households_put", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id"),
        ("If-Match" = String, Header, description = "The file's ETag, as it was read", example = "\"1\"")),
    request_body = HouseholdCover, responses((status = 200, body = Household)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state id_taken \
        precondition_required precondition_failed invalid_field"))))]
#[put("/v1/villages/{village}/households/{household}")]
async fn put_household(
    officer: Official<Governs>,
    request: HttpRequest,
    cover: Body<HouseholdCover>,
    app: Data<App>,
) -> Outcome<Answer<Household>> {
    let id = path_id(&request, "household")?;
    let done = app.db.write(async |tx| {
        let now = app.clock.now();
        let file = open(tx, &officer, id, now).await?;
        if_match(&request, file.version)?;
        renumber(tx, &officer, &file, cover.0.number, now).await
    });
    answer(&app, done.await?)
}

async fn renumber(
    tx: &Tx,
    by: &Official<Governs>,
    file: &File,
    number: i64,
    now: Instant,
) -> Outcome<Household> {
    let taken = "SELECT COUNT(*) FROM households WHERE village = $1 AND number = $2 AND id <> $3";
    let values: [Value; 3] = [(&by.village).into(), number.into(), file.id.into()];
    if db::number(tx, taken, values).await? > 0 {
        return Err(Refusal::from(Code::IdTaken).because("the number is in use").into());
    }
    let sql = "UPDATE households SET number = $3 WHERE village = $1 AND id = $2";
    let values: [Value; 3] = [(&by.village).into(), file.id.into(), number.into()];
    db::run(tx, sql, values).await?;
    let detail = serde_json::json!({ "from": file.number, "to": number });
    changed(tx, by, file.id, "household.renumber", detail, now).await
}

/// What is known of a member. What is absent stays as it is.
#[derive(Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberFacts {
    #[validate(length(min = 1, max = 50))]
    #[schema(min_length = 1, max_length = 50, example = "张守勤")]
    pub name: String,
    /// A mainland mobile number, by which its owner is found at their first login; kept as a digest.
    #[serde(default)]
    #[schema(value_type = Option<String>, nullable = false, write_only, max_length = 40,
        example = "+86 138 0013 8000")]
    pub phone: Option<Private>,
    #[serde(default)]
    #[schema(nullable = false, value_type = String, format = Date, example = "1958-03-02")]
    pub born_on: Option<NaiveDate>,
}

/// Put right what is known of a member
#[utoipa::path(tag = "households", operation_id = "households_put_member",
    security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id"),
        ("person" = Uuid, Path, description = "The member"),
        ("If-Match" = String, Header, description = "The file's ETag, as it was read", example = "\"1\"")),
    request_body = MemberFacts, responses((status = 200, body = Household)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state already_bound \
        precondition_required precondition_failed invalid_field"))))]
#[put("/v1/villages/{village}/households/{household}/members/{person}")]
async fn put_member(
    officer: Official<Governs>,
    request: HttpRequest,
    facts: Body<MemberFacts>,
    app: Data<App>,
) -> Outcome<Answer<Household>> {
    let (id, person) = (path_id(&request, "household")?, path_id(&request, "person")?);
    let done = app.db.write(async |tx| {
        let now = app.clock.now();
        let file = open(tx, &officer, id, now).await?;
        if_match(&request, file.version)?;
        let secret = app.config.secrets.identity();
        put_right(tx, &officer, &file, person, &facts.0, secret, now).await
    });
    answer(&app, done.await?)
}

async fn put_right(
    tx: &Tx,
    by: &Official<Governs>,
    file: &File,
    person: Uuid,
    sent: &MemberFacts,
    secret: &[u8],
    now: Instant,
) -> Outcome<Household> {
    let village = &by.village;
    if !present(tx, village, file.id).await?.iter().any(|member| member.person == person) {
        return Err(Code::NotFound.into());
    }
    let MemberFacts { name, phone, born_on } = sent.clone();
    let told = NewMember { person, name, phone, born_on, ..NewMember::default() };
    let facts = Facts::of(&told, secret, now.day()).map_err(|odd| unfit(&odd))?;
    if told.phone.is_some() && has_account(tx, person).await? {
        // Whoever logs in changes their phone themselves: nobody takes a login over by a new number.
        return Err(Code::AlreadyBound.into());
    }
    let born_on = facts.born_on.map(|day| day.to_string());
    let sql = "UPDATE members SET name = $4, initials = $5, born_on = COALESCE($6, born_on) \
               WHERE village = $1 AND household = $2 AND person = $3";
    let values: [Value; 6] = [
        village.into(),
        file.id.into(),
        person.into(),
        facts.name.as_str().into(),
        initials(&facts.name).into(),
        born_on.clone().into(),
    ];
    db::run(tx, sql, values).await?;
    let (digest, masked) = facts.phone.clone().unzip();
    let sql = "UPDATE persons SET name = $2, born_on = COALESCE($3, born_on), \
                 phone_digest = COALESCE($4, phone_digest), \
                 phone_masked = COALESCE($5, phone_masked) WHERE id = $1";
    let values: [Value; 5] =
        [person.into(), facts.name.into(), born_on.into(), digest.into(), masked.into()];
    db::run(tx, sql, values).await?;
    let notice = Notice {
        recipient: file.id,
        kind: "member_changed",
        subject: person,
        detail: "户内成员的登记信息有更改；如有疑问，请联系镇管理员".to_owned(),
    };
    tell(tx, village, now, &[notice]).await?;
    let detail = serde_json::json!({ "person": person, "phone": told.phone.is_some() });
    changed(tx, by, file.id, "household.put_member", detail, now).await
}

fn unfit(odd: &[Odd]) -> Refusal {
    odd.iter().fold(Refusal::from(Code::InvalidField), |refusal, odd| {
        refusal.at(&format!("/{}", odd.field), odd.code, odd.detail)
    })
}

fn answer(app: &App, household: Household) -> Outcome<Answer<Household>> {
    app.cache.refresh();
    let version = household.version;
    Ok(Answer::ok(household).version(version))
}
