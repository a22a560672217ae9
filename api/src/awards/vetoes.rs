//! `POST` and `GET /v1/villages/{village}/vetoes` (一票否决). There is no public list of them.

use actix_web::web::Data;
use actix_web::{get, post};
use chrono::Days;
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::app::App;
use crate::calendar;
use crate::households::{Notice, tell};
use crate::http::Query;
use crate::identity::{Confirms, Decides, Neighbour, Official, is_concerned};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::page::Start;
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::kernel::year::Year;
use crate::rankings;

/// Full days that a household has to answer before it is decided.
const REPLY_DAYS: u64 = 7;

/// Why a household is honoured and awarded nothing in a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VetoGround {
    /// Convicted of a crime.
    Crime,
    /// Punished for disturbing public order.
    PublicOrder,
    /// Punished for gambling.
    Gambling,
    /// Took or built on land against the law.
    IllegalBuilding,
    /// Another decision that the village's covenant names.
    Other,
}

impl VetoGround {
    fn as_str(self) -> &'static str {
        match self {
            Self::Crime => "crime",
            Self::PublicOrder => "public_order",
            Self::Gambling => "gambling",
            Self::IllegalBuilding => "illegal_building",
            Self::Other => "other",
        }
    }
}

/// A veto that the committee proposes.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVeto {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    pub household: Uuid,
    pub year: Year,
    pub ground: VetoGround,
    /// Told to the household, the committee and the township, and to nobody else.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "参与赌博，已受行政处罚")]
    pub reason: String,
    /// The decision of the competent body: its number and date.
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "行罚决字〔2024〕12号")]
    pub reference: String,
}

/// A veto (一票否决): the household keeps its rank, and gets no rank award and no honour of the year.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Veto {
    pub id: Uuid,
    pub household: Uuid,
    pub year: Year,
    pub ground: VetoGround,
    #[schema(example = "参与赌博，已受行政处罚")]
    pub reason: String,
    #[schema(example = "行罚决字〔2024〕12号")]
    pub reference: String,
    /// `proposed`, `approved` or `rejected`.
    #[schema(example = "proposed")]
    pub status: String,
    pub proposed_at: Instant,
    /// From when it can be decided without the household's answer.
    pub reply_until: Instant,
    /// What the household says to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "当时不在场")]
    pub statement: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stated_at: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_at: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "处罚决定已撤销")]
    pub decided_reason: Option<String>,
    /// What the caller can do with it: `reply`, `decide`.
    #[serde(default)]
    #[schema(example = json!(["decide"]))]
    pub allowed_actions: Vec<String>,
}

/// Propose a veto; the household is told and can answer before it is decided
#[utoipa::path(tag = "awards", operation_id = "vetoes_propose", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village")),
    request_body = NewVeto, responses((status = 201, body = Veto)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state veto_exists \
        household_not_active reason_required id_taken invalid_field"))))]
#[post("/v1/villages/{village}/vetoes")]
async fn propose_veto(
    member: Official<Decides>,
    veto: Command<NewVeto>,
    app: Data<App>,
) -> Outcome<Answer<Veto>> {
    let done = veto.once(&app, member.village.as_str(), member.account, async |tx| {
        propose(tx, &member, &veto.body, app.clock.now()).await?;
        show(row(tx, &member.village, veto.body.id).await?, Vec::new())
    });
    Ok(done.await?.created())
}

async fn propose(tx: &Tx, by: &Official<Decides>, new: &NewVeto, now: Instant) -> Outcome<()> {
    let village = &by.village;
    let reason = required(&new.reason, "/reason")?;
    let reference = required(&new.reference, "/reference")?;
    calendar::touch(tx, village, now).await?;
    open_year(tx, village, new.year, now).await?;
    let sql = "SELECT COUNT(*) FROM households WHERE village = $1 AND id = $2";
    let key = || -> [Value; 2] { [village.into(), new.household.into()] };
    if db::number(tx, sql, key()).await? == 0 {
        return Err(Code::NotFound.into());
    }
    if db::number(tx, &format!("{sql} AND status = 'active'"), key()).await? == 0 {
        return Err(Code::HouseholdNotActive.into());
    }
    if is_concerned(tx, village, by.person, new.household).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    let sql = "SELECT COUNT(*) FROM vetoes \
               WHERE village = $1 AND household = $2 AND year = $3 AND status <> 'rejected'";
    let values = key().into_iter().chain([new.year.into()]);
    if db::number(tx, sql, values).await? > 0 {
        return Err(Code::VetoExists.into());
    }
    insert(tx, by, new, &reason, &reference, now).await?;
    let detail = format!(
        "委员会提议对本户{}年度一票否决（当年不评荣誉、不发名次奖）。事由：{reason}；依据：\
         {reference}。可在{REPLY_DAYS}天内陈述意见，表决前不生效",
        new.year
    );
    let notice =
        Notice { recipient: new.household, kind: "veto_proposed", subject: new.id, detail };
    tell(tx, village, now, &[notice]).await
}

/// A veto is for this year or one whose ranking is not final.
///
/// # Errors
/// `invalid_field` for a year to come, `wrong_state` for one whose awards are given.
pub async fn open_year(tx: &Tx, village: &Village, year: Year, now: Instant) -> Outcome<()> {
    if year > Year::of(now) {
        let refusal = Refusal::from(Code::InvalidField);
        return Err(refusal.at("/year", "range", "not a year to come").into());
    }
    match rankings::year_ranking(tx, village, year).await? {
        Some(ranking) if ranking.is_final() => Err(Refusal::wrong_state("final").into()),
        _ => Ok(()),
    }
}

async fn insert(
    tx: &Tx,
    by: &Official<Decides>,
    new: &NewVeto,
    reason: &str,
    reference: &str,
    now: Instant,
) -> Outcome<()> {
    let sql = "INSERT INTO vetoes (village, id, household, year, ground, reason, reference, \
               status, proposed_by, proposed_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, 'proposed', $8, $9) ON CONFLICT DO NOTHING";
    let values: [Value; 9] = [
        (&by.village).into(),
        new.id.into(),
        new.household.into(),
        new.year.into(),
        new.ground.as_str().into(),
        reason.into(),
        reference.into(),
        by.person.into(),
        now.0.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::IdTaken.into());
    }
    let act = Act {
        region: by.village.as_str(),
        actor: Some(by.person),
        action: "veto.propose",
        subject: new.id.to_string(),
        detail: serde_json::json!({
            "household": new.household, "year": new.year, "ground": new.ground,
            "reference": reference,
        }),
    };
    audit::record(tx, now, act).await
}

/// The veto of this id.
///
/// # Errors
/// `not_found`.
pub async fn row(
    on: &impl ConnectionTrait,
    village: &Village,
    id: Uuid,
) -> Outcome<entity::veto::Model> {
    let sql = "SELECT * FROM vetoes WHERE village = $1 AND id = $2";
    Ok(db::one(on, sql, [village.into(), id.into()]).await?.ok_or(Code::NotFound)?)
}

/// Until when a household can answer before anything is decided: the end of so many full days.
pub fn reply_until(proposed_at: i64) -> Instant {
    Instant::at_midnight(Instant(proposed_at).day() + Days::new(REPLY_DAYS + 1))
}

pub fn show(row: entity::veto::Model, allowed_actions: Vec<String>) -> Outcome<Veto> {
    let odd = || Problem::fault(format!("veto {}", row.id));
    Ok(Veto {
        year: row.year.parse().map_err(|_| odd())?,
        ground: serde_json::from_value(row.ground.as_str().into()).map_err(|_| odd())?,
        id: row.id,
        household: row.household,
        reason: row.reason,
        reference: row.reference,
        status: row.status,
        proposed_at: Instant(row.proposed_at),
        reply_until: reply_until(row.proposed_at),
        statement: row.statement,
        stated_at: row.stated_at.map(Instant),
        decided_at: row.decided_at.map(Instant),
        decided_reason: row.decided_reason,
        allowed_actions,
    })
}

#[derive(Serialize, ToSchema)]
pub struct VetoPage {
    pub items: Vec<Veto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VetoQuery {
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// Vetoes, newest first: all for committee, township and county, its own for a household
#[utoipa::path(tag = "awards", operation_id = "vetoes_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), VetoQuery),
    responses((status = 200, body = VetoPage)),
    extensions(("x-codes" = json!("role_required invalid_cursor"))))]
#[get("/v1/villages/{village}/vetoes")]
async fn list_vetoes(
    caller: Neighbour,
    query: Query<VetoQuery>,
    app: Data<App>,
) -> Outcome<Answer<VetoPage>> {
    let confirms = caller.serves::<Confirms>();
    let own = caller.household_in(&caller.village);
    let only = if confirms { None } else { Some(caller.own_household()?) };
    let filter = format!("vetoes {} {only:?}", caller.village);
    let start = Start::parse(query.0.cursor.as_deref(), query.0.limit, &filter)?;
    let after: Uuid = start.after.unwrap_or(Uuid::max());
    let household = only.map_or("", |_| "AND household = $4");
    let sql = format!(
        "SELECT * FROM vetoes WHERE village = $1 AND id < $2 {household} ORDER BY id DESC LIMIT $3"
    );
    let values: [Value; 3] = [(&caller.village).into(), after.into(), start.fetch().into()];
    let values = values.into_iter().chain(only.map(Value::from));
    let rows = db::all::<entity::veto::Model>(app.db.read(), &sql, values).await?;
    let page = start.page(rows, &filter, |row| row.id);
    let now = app.clock.now();
    let item = |row: entity::veto::Model| {
        let open = row.status == "proposed";
        let heard = row.statement.is_some() || now >= reply_until(row.proposed_at);
        let replies = open && own == Some(row.household) && row.statement.is_none();
        let decides = open
            && heard
            && confirms
            && own != Some(row.household)
            && row.proposed_by != caller.person;
        let actions = [(replies, "reply"), (decides, "decide")];
        let actions = actions.into_iter().filter(|(may, _)| *may);
        show(row, actions.map(|(_, action)| action.to_owned()).collect())
    };
    let items = page.items.into_iter().map(item).collect::<Outcome<_>>()?;
    Ok(Answer::ok(VetoPage { items, next_cursor: page.next_cursor }))
}
