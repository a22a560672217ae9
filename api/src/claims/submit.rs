//! `POST /v1/villages/{village}/claims`: what a claim says, and one of them filed.

use actix_web::post;
use actix_web::web::Data;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::admission::{Filing, Terms};
use super::facts::Sent;
use super::insert::write;
use super::read::Claim;
use super::together;
use super::weigh::{Filed, weigh};
use crate::app::App;
use crate::identity::Neighbour;
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::Tx;
use crate::kernel::problem::{Outcome, Refusal};
use crate::kernel::region::Village;

/// A deed for which points are claimed.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClaim {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// The household that earns; one's own, unless one files for another as an official.
    pub household: Uuid,
    /// The rule's key.
    #[validate(length(min = 1, max = 60))]
    #[schema(min_length = 1, max_length = 60, example = "env.courtyard_beautify")]
    pub rule: String,
    /// Whose deed it was, where the rule counts per member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub member: Option<Uuid>,
    /// How often: times, persons, dogs … as the rule's unit says.
    #[validate(range(min = 1, max = 1000))]
    #[schema(minimum = 1, maximum = 1000, example = 1)]
    pub count: i64,
    /// Points for each count, where the rule leaves a choice; else the rule's usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(range(min = -1000, max = 1000))]
    #[schema(nullable = false, minimum = -1000, maximum = 1000, example = 3)]
    pub points_each: Option<i64>,
    /// Which level granted it, where the rule's points go by that; then exactly that level's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 40))]
    #[schema(nullable = false, min_length = 1, max_length = 40, example = "county")]
    pub level: Option<String>,
    /// The day of the deed, village time.
    #[schema(value_type = String, format = Date, example = "2024-09-24")]
    pub occurred_on: NaiveDate,
    /// The event, ticket, certificate or suggestion it is about, where the rule needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 100))]
    #[schema(nullable = false, min_length = 1, max_length = 100, example = "9月24日集中清扫")]
    pub event: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 500))]
    #[schema(nullable = false, max_length = 500, example = "门前种了三角梅")]
    pub note: Option<String>,
    #[serde(default)]
    #[validate(nested, length(max = 9))]
    #[schema(max_items = 9)]
    pub evidence: Vec<Evidence>,
    /// When the phone recorded it, by its own clock. Received within seven days of that, a claim is in
    /// time if it was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub device_at: Option<Instant>,
    /// Why it is admitted after its term; only from the committee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 500))]
    #[schema(nullable = false, min_length = 1, max_length = 500, example = "住院，出院后补报")]
    pub late_reason: Option<String>,
    /// Who of the household agreed that somebody else files for it; required then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub consent: Option<ClaimConsent>,
}

/// That a household agreed to be filed for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimConsent {
    /// A member of the household.
    pub by: Uuid,
    pub form: ConsentForm,
}

/// How somebody agreed to be filed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentForm {
    /// Signed.
    Paper,
    /// Said so.
    Oral,
}

impl ConsentForm {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Oral => "oral",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Paper, Self::Oral].into_iter().find(|form| form.as_str() == text)
    }
}

/// Something that shows the deed.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// One of the kinds that the rule asks for.
    #[validate(length(min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40, example = "photo_before_after")]
    pub kind: String,
    /// Where it is kept: a sheet's number, two witnesses' names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 200))]
    #[schema(nullable = false, min_length = 1, max_length = 200, example = "签到表 2024-09-24")]
    pub reference: Option<String>,
    /// An uploaded photo of one's own. The kinds `photo` and `photo_before_after` need it, the latter
    /// in two pieces of evidence with two photos.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub photo: Option<Uuid>,
}

/// File a claim
#[utoipa::path(tag = "claims", operation_id = "claims_submit", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewClaim, responses((status = 201, body = Claim)),
    extensions(("x-codes" = json!("other_household role_required conflict_of_interest \
        rule_not_in_force claim_too_late claim_in_future evidence_missing member_required \
        event_required outside_range reason_required consent_missing id_taken duplicate_claim \
        household_not_active warning_needed invalid_field"))))]
#[post("/v1/villages/{village}/claims")]
async fn submit_claim(
    caller: Neighbour,
    claim: Command<NewClaim>,
    app: Data<App>,
) -> Outcome<Answer<Claim>> {
    Ok(together::submit(&app, caller, claim).await?.created())
}

/// Files claims of one village: what each came to, in their order. What is refused leaves no row.
///
/// # Errors
/// `busy` if another writer claimed one of the deeds between the look and the write.
pub async fn submit_all(
    tx: &Tx,
    filing: &Filing<'_>,
    claims: &[NewClaim],
) -> Outcome<Vec<Result<Filed, Refusal>>> {
    submit_each(tx, &filing.terms(), &filing.sent(claims)).await
}

/// As [`submit_all`], whoever files them and wherever.
pub async fn submit_each(
    tx: &Tx,
    terms: &Terms<'_>,
    sent: &[Sent<'_>],
) -> Outcome<Vec<Result<Filed, Refusal>>> {
    let weighed = weigh(tx, terms, sent).await?;
    write(tx, terms, sent, &weighed).await?;
    Ok(weighed.filed)
}
