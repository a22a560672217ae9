//! `POST …/households/{household}/consents`: a household agrees to take part, or takes that back.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::consent_list::ConsentRecord;
use super::create::{Consent, NewHousehold, Opening};
use super::persons::Entrant;
use super::read::{Household, load};
use super::{Notice, consent_text, tell};
use crate::app::App;
use crate::calendar;
use crate::changes;
use crate::http::path_id;
use crate::identity::{Governs, Neighbour, Role, is_concerned, is_grown_up, serves_there};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentAct {
    Given,
    Withdrawn,
}

impl ConsentAct {
    fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What somebody signed for the household.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConsent {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    pub act: ConsentAct,
    pub form: Consent,
    /// As `/v1/consent-text` has it.
    #[validate(length(min = 1, max = 20))]
    #[schema(min_length = 1, max_length = 20, example = "1")]
    pub text_version: String,
    /// As `/v1/consent-text` has it.
    #[validate(length(equal = 64))]
    #[schema(min_length = 64, max_length = 64)]
    pub text_digest: String,
    /// The member who signed, 14 or older.
    pub person: Uuid,
    /// The official who explained the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub explained_by: Option<Uuid>,
}

/// Agree to take part, or take that back: members in the app, officials from paper
#[utoipa::path(tag = "households", operation_id = "households_record_consent",
    security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id")),
    request_body = NewConsent, responses((status = 201, body = ConsentRecord)),
    extensions(("x-codes" = json!("other_household role_required conflict_of_interest \
        household_not_active id_taken invalid_field consent_text_changed"))))]
#[post("/v1/villages/{village}/households/{household}/consents")]
async fn record_consent(
    caller: Neighbour,
    request: HttpRequest,
    consent: Command<NewConsent>,
    app: Data<App>,
) -> Outcome<Answer<ConsentRecord>> {
    let household = path_id(&request, "household")?;
    let done = consent.once(&app, caller.village.as_str(), caller.account, async |tx| {
        let now = app.clock.now();
        calendar::touch(tx, &caller.village, now).await?;
        let household = load(tx, &caller.village, household).await?;
        may_record(tx, &caller, &household, &consent.body).await?;
        consent_text::in_force(&consent.body.text_version, &consent.body.text_digest)?;
        record(tx, &caller, &household, &consent.body, now).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

/// In the app members sign for themselves; paper is taken by the worker of the household's grid or by
/// who governs the village, from others than their own.
async fn may_record(
    tx: &Tx,
    caller: &Neighbour,
    household: &Household,
    consent: &NewConsent,
) -> Outcome<()> {
    if consent.form == Consent::Account {
        let own = caller.household_in(&caller.village) == Some(household.id);
        let oneself = own && consent.person == caller.person;
        return if oneself { Ok(()) } else { Err(Code::OtherHousehold.into()) };
    }
    let works = caller.has(Role::GridWorker, household.grid.as_str());
    if !works && !caller.serves::<Governs>() {
        return Err(Code::RoleRequired.into());
    }
    if is_concerned(tx, &caller.village, caller.person, household.id).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    Ok(())
}

async fn record(
    tx: &Tx,
    caller: &Neighbour,
    household: &Household,
    consent: &NewConsent,
    now: Instant,
) -> Outcome<ConsentRecord> {
    let village = &caller.village;
    let may_be_named = signer(tx, village, household.id, consent.person, now).await?;
    if let Some(person) = consent.explained_by
        && !serves_there(tx, village, person).await?
    {
        return Err(Code::NotFound.into());
    }
    if consent.act == ConsentAct::Given && household.status != "active" {
        return Err(Code::HouseholdNotActive.into());
    }
    let columns = columns(village, &[(household.id, consent, caller.person)], now);
    if db::bulk_insert(tx, "consents", &columns, "ON CONFLICT DO NOTHING").await? == 0 {
        return Err(Code::IdTaken.into());
    }
    take_effect(tx, village, household.id, consent, may_be_named, now).await?;
    let (kind, detail) = match consent.act {
        ConsentAct::Given => ("consent_given", "本户已同意参加积分制"),
        ConsentAct::Withdrawn => ("consent_withdrawn", "本户已撤回同意，公示和排名不再显示姓名"),
    };
    let (recipient, subject) = (household.id, consent.id);
    tell(tx, village, now, &[Notice { recipient, kind, subject, detail: detail.to_owned() }])
        .await?;
    let act = Act {
        region: village.as_str(),
        actor: Some(caller.person),
        action: "household.consent",
        subject: household.id.to_string(),
        detail: serde_json::json!({ "consent": consent.id, "act": consent.act }),
    };
    audit::record(tx, now, act).await?;
    Ok(ConsentRecord {
        id: consent.id,
        act: consent.act.as_str().to_owned(),
        form: consent.form.as_str().to_owned(),
        text_version: consent.text_version.clone(),
        text_digest: consent.text_digest.clone(),
        person: consent.person,
        explained_by: consent.explained_by,
        recorded_by: caller.person,
        at: now,
    })
}

/// Whether the household's head may be named, after checking who signed.
///
/// # Errors
/// `not_found` if no such member lives there, `invalid_field` for one younger than 14.
async fn signer(
    tx: &Tx,
    village: &Village,
    household: Uuid,
    person: Uuid,
    now: Instant,
) -> Outcome<bool> {
    #[derive(FromQueryResult)]
    struct Row {
        person: Uuid,
        is_head: bool,
        born_on: Option<String>,
    }
    let sql = "SELECT m.person, m.is_head, COALESCE(p.born_on, m.born_on) AS born_on \
               FROM members m JOIN persons p ON p.id = m.person \
               WHERE m.village = $1 AND m.household = $2 AND m.left_at IS NULL";
    let members = db::all::<Row>(tx, sql, [village.into(), household.into()]).await?;
    let grown_up = |row: &Row| {
        let born_on = row.born_on.as_deref().and_then(|day| day.parse().ok());
        is_grown_up(born_on, now.day())
    };
    let signer = members.iter().find(|row| row.person == person).ok_or(Code::NotFound)?;
    if !grown_up(signer) {
        let refusal = Refusal::from(Code::InvalidField);
        return Err(refusal.at("/person", "guardian", "younger than 14: a guardian signs").into());
    }
    // What the head took back only the head gives again.
    let may_speak = signer.is_head || !head_withdrew(tx, village, household).await?;
    Ok(may_speak && members.iter().all(|row| !row.is_head || grown_up(row)))
}

/// Whether the present head's last word on being named was no.
async fn head_withdrew(tx: &Tx, village: &Village, household: Uuid) -> Outcome<bool> {
    let sql = "SELECT COUNT(*) FROM (SELECT c.act FROM consents c JOIN members m \
                 ON m.village = c.village AND m.household = c.household AND m.person = c.person \
               WHERE c.village = $1 AND c.household = $2 AND m.is_head \
               ORDER BY c.at DESC, c.id DESC LIMIT 1) AS last WHERE last.act = 'withdrawn'";
    Ok(db::number(tx, sql, [village.into(), household.into()]).await? > 0)
}

/// The household counts as registered, and its head is named, or neither. Whoever uses the app stays
/// registered: what they do there they do in their own name.
async fn take_effect(
    tx: &Tx,
    village: &Village,
    household: Uuid,
    consent: &NewConsent,
    may_be_named: bool,
    now: Instant,
) -> Outcome<()> {
    let changed = changes::next(tx, village).await?;
    if consent.act == ConsentAct::Given {
        let sql = "UPDATE households SET registered_by = COALESCE(registered_by, $3), \
                   registered_at = COALESCE(registered_at, $4), name_hidden = $5, \
                   version = version + 1, changed = $6 WHERE village = $1 AND id = $2";
        let values: [Value; 6] = [
            village.into(),
            household.into(),
            consent.form.as_str().into(),
            now.0.into(),
            (!may_be_named).into(),
            changed.into(),
        ];
        db::run(tx, sql, values).await?;
        return Ok(());
    }
    let sql = "UPDATE households SET name_hidden = TRUE, version = version + 1, changed = $3, \
               registered_at = CASE WHEN registered_by = 'account' THEN registered_at END, \
               registered_by = CASE WHEN registered_by = 'account' THEN registered_by END \
               WHERE village = $1 AND id = $2";
    db::run(tx, sql, [village.into(), household.into(), changed.into()]).await?;
    Ok(())
}

fn columns(village: &Village, rows: &[(Uuid, &NewConsent, Uuid)], now: Instant) -> [Column; 11] {
    let text = |of: fn(&NewConsent) -> &str| {
        rows.iter().map(|(_, consent, _)| of(consent).to_owned()).collect()
    };
    [
        Column::Text("village", vec![village.to_string(); rows.len()]),
        Column::Uuid("household", rows.iter().map(|(household, ..)| *household).collect()),
        Column::Uuid("id", rows.iter().map(|(_, it, _)| it.id).collect()),
        Column::Text("act", text(|it| it.act.as_str())),
        Column::Text("form", text(|it| it.form.as_str())),
        Column::Text("text_version", text(|it| &it.text_version)),
        Column::Text("text_digest", text(|it| &it.text_digest)),
        Column::Uuid("person", rows.iter().map(|(_, it, _)| it.person).collect()),
        Column::MaybeUuid("explained_by", rows.iter().map(|(_, it, _)| it.explained_by).collect()),
        Column::Uuid("recorded_by", rows.iter().map(|(.., by)| *by).collect()),
        Column::Number("at", vec![now.0; rows.len()]),
    ]
}

/// Writes the consents that new files come with: signed by the head, or by the first member of 14 or
/// older.
pub async fn sign_all(
    tx: &Tx,
    opening: &Opening<'_>,
    households: &[NewHousehold],
    entrants: &[Entrant<'_>],
) -> Outcome<()> {
    let today = opening.now.day();
    let mut signed = Vec::new();
    let mut entrants = entrants.iter().peekable();
    for household in households {
        let mut signer = None;
        while let Some(it) = entrants.next_if(|it| it.household == household.id) {
            let fit = it.facts.is_grown_up(today) && (signer.is_none() || it.member.is_head);
            signer = if fit { Some(it.person) } else { signer };
        }
        let Some((form, person)) = household.consent.zip(signer) else { continue };
        let consent = NewConsent {
            id: Uuid::now_v7(),
            act: ConsentAct::Given,
            form,
            text_version: consent_text::VERSION.to_owned(),
            text_digest: consent_text::DIGEST.clone(),
            person,
            explained_by: None,
        };
        signed.push((household.id, consent, opening.by.unwrap_or(person)));
    }
    let rows: Vec<_> = signed.iter().map(|(household, it, by)| (*household, it, *by)).collect();
    db::bulk_insert(tx, "consents", &columns(opening.village, &rows, opening.now), "").await?;
    Ok(())
}
