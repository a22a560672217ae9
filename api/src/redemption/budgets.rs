//! `/v1/villages/{village}/budgets/{quarter}/{funding}`: what a funding source gives for the goods of a
//! quarter. All that it pays for is worth at most that: what lies in the shop, what is held, and what was
//! handed over.

use std::fmt;
use std::str::FromStr;

use actix_web::web::Data;
use actix_web::{HttpRequest, get, put};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::hold::audit_of;
use super::used::used;
use crate::app::App;
use crate::calendar::{Rhythm, Shop, season, shop};
use crate::http::{if_match, path_part};
use crate::identity::{Official, Serves, SetsRules};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Body};
use crate::kernel::db::{self, Tx};
use crate::kernel::period::Period;
use crate::kernel::problem::{Code, Outcome, Problem, Refusal};
use crate::kernel::region::Village;
use crate::regions::VillageRow;

/// Who pays for prizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Funding {
    VillageCollective,
    PairedEnterprise,
    TownshipBudget,
    Donation,
    Bank,
}

impl Funding {
    pub const ALL: [Self; 5] = [
        Self::VillageCollective,
        Self::PairedEnterprise,
        Self::TownshipBudget,
        Self::Donation,
        Self::Bank,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::VillageCollective => "village_collective",
            Self::PairedEnterprise => "paired_enterprise",
            Self::TownshipBudget => "township_budget",
            Self::Donation => "donation",
            Self::Bank => "bank",
        }
    }
}

impl FromStr for Funding {
    type Err = fmt::Error;

    fn from_str(text: &str) -> Result<Self, fmt::Error> {
        Self::ALL.into_iter().find(|it| it.as_str() == text).ok_or(fmt::Error)
    }
}

/// What a funding source gives for the goods of one window.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBudget {
    /// In fen.
    #[validate(range(min = 0, max = 10_000_000_000_i64))]
    #[schema(minimum = 0, maximum = 10_000_000_000_i64, example = 600_000)]
    pub amount_fen: i64,
}

/// A funding source's budget beside the goods it has paid for: `stock_fen` + `held_fen` +
/// `handed_over_fen` never grows beyond it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Budget {
    /// The quarter whose window it is for.
    pub quarter: Period,
    pub funding: Funding,
    /// In fen; absent if none is set: then nothing is checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 600_000)]
    pub amount_fen: Option<i64>,
    /// What the goods in stock now are worth, in fen.
    #[schema(example = 480_000)]
    pub stock_fen: i64,
    /// What is held of the quarter's goods, at the counter or on its way to the door, in fen.
    #[schema(example = 4_000)]
    pub held_fen: i64,
    /// What was handed over of the quarter's goods, at the counter or at the door, and did not come back
    /// into stock, in fen.
    #[schema(example = 36_000)]
    pub handed_over_fen: i64,
    /// The ETag; 0 if none is set.
    #[schema(example = 1)]
    pub version: i64,
}

/// The funding sources that have a budget for a quarter's window, or goods that count for it.
#[derive(Serialize, ToSchema)]
pub struct BudgetList {
    pub items: Vec<Budget>,
}

/// A quarter in a path; other periods are not of its form.
fn quarter_of(request: &HttpRequest) -> Outcome<Period> {
    match path_part(request, "quarter")? {
        quarter @ Period::Quarter(..) => Ok(quarter),
        _ => Err(Refusal::from(Code::InvalidPath).because("`quarter` is not of its form").into()),
    }
}

/// The budgets of a quarter's window
#[utoipa::path(tag = "redemption", operation_id = "budgets_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("quarter" = Period, Path, description = "The quarter whose points the window is for",
            example = "2024-Q3")),
    responses((status = 200, body = BudgetList)),
    extensions(("x-codes" = json!("role_required"))))]
#[get("/v1/villages/{village}/budgets/{quarter}")]
async fn list_budgets(
    official: Official<Serves>,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<Answer<BudgetList>> {
    let all = read(app.db.read(), &official.village, quarter_of(&request)?).await?;
    let told = |it: &Budget| {
        it.version > 0 || it.stock_fen > 0 || it.held_fen > 0 || it.handed_over_fen > 0
    };
    Ok(Answer::ok(BudgetList { items: all.into_iter().filter(told).collect() }))
}

/// One funding source's budget
#[utoipa::path(tag = "redemption", operation_id = "budgets_show", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("quarter" = Period, Path, description = "The quarter whose points the window is for",
            example = "2024-Q3"),
        ("funding" = Funding, Path, description = "The funding source")),
    responses((status = 200, body = Budget)),
    extensions(("x-codes" = json!("role_required"))))]
#[get("/v1/villages/{village}/budgets/{quarter}/{funding}")]
async fn show_budget(
    official: Official<Serves>,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<Answer<Budget>> {
    let (quarter, funding) = (quarter_of(&request)?, path_part(&request, "funding")?);
    let budget = one(app.db.read(), &official.village, quarter, funding).await?;
    let version = budget.version;
    Ok(Answer::ok(budget).version(version))
}

/// Set a funding source's budget for a quarter's window; `If-Match: "0"` for the first time
#[utoipa::path(tag = "redemption", operation_id = "budgets_put", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("quarter" = Period, Path, description = "The quarter whose points the window is for",
            example = "2024-Q3"),
        ("funding" = Funding, Path, description = "The funding source"),
        ("If-Match" = String, Header, description = "The ETag of the budget that was read",
            example = "\"1\"")),
    request_body = NewBudget, responses((status = 200, body = Budget)),
    extensions(("x-codes" = json!("role_required invalid_field precondition_required \
        precondition_failed budget_exceeded"))))]
#[put("/v1/villages/{village}/budgets/{quarter}/{funding}")]
async fn put_budget(
    official: Official<SetsRules>,
    request: HttpRequest,
    new: Body<NewBudget>,
    app: Data<App>,
) -> Outcome<Answer<Budget>> {
    let (quarter, funding) = (quarter_of(&request)?, path_part(&request, "funding")?);
    let (village, amount) = (&official.village, new.0.amount_fen);
    let budget = app.db.write(async |tx| {
        lock(tx, village).await?;
        let before = one(tx, village, quarter, funding).await?;
        if_match(&request, before.version)?;
        write(tx, village, &before, amount).await?;
        let now = app.clock.now();
        within_budget(tx, village, &official.policy, funding.as_str(), now).await?;
        let detail = serde_json::json!({ "before_fen": before.amount_fen, "amount_fen": amount });
        let subject = format!("{quarter}/{}", funding.as_str());
        audit_of(tx, village, official.person, ("budget.set", subject), detail, now).await?;
        one(tx, village, quarter, funding).await
    });
    let budget = budget.await?;
    let version = budget.version;
    Ok(Answer::ok(budget).version(version))
}

async fn write(tx: &Tx, village: &Village, before: &Budget, amount: i64) -> Outcome<()> {
    let sql = "INSERT INTO budgets (village, quarter, funding, amount_fen, version) \
               VALUES ($1, $2, $3, $4, 1) ON CONFLICT (village, quarter, funding) DO UPDATE SET \
               amount_fen = excluded.amount_fen, version = budgets.version + 1";
    let values: [Value; 4] = [
        village.into(),
        before.quarter.to_string().into(),
        before.funding.as_str().into(),
        amount.into(),
    ];
    db::run(tx, sql, values).await?;
    Ok(())
}

/// All funding sources, with their budgets as far as they are set.
async fn read(
    on: &impl ConnectionTrait,
    village: &Village,
    quarter: Period,
) -> Outcome<Vec<Budget>> {
    #[derive(FromQueryResult)]
    struct Row {
        funding: String,
        amount_fen: i64,
        version: i64,
    }
    let sql = "SELECT funding, amount_fen, version FROM budgets \
               WHERE village = $1 AND quarter = $2";
    let values: [Value; 2] = [village.into(), quarter.to_string().into()];
    let rows = db::all::<Row>(on, sql, values).await?;
    let used = used(on, village, quarter).await?;
    let budget = |funding: Funding| {
        let row = rows.iter().find(|row| row.funding == funding.as_str());
        let used = used.get(funding.as_str()).copied().unwrap_or_default();
        Budget {
            quarter,
            funding,
            amount_fen: row.map(|row| row.amount_fen),
            stock_fen: used.stock,
            held_fen: used.held,
            handed_over_fen: used.handed_over,
            version: row.map_or(0, |row| row.version),
        }
    };
    Ok(Funding::ALL.into_iter().map(budget).collect())
}

async fn one(
    on: &impl ConnectionTrait,
    village: &Village,
    quarter: Period,
    funding: Funding,
) -> Outcome<Budget> {
    let all = read(on, village, quarter).await?;
    let found = all.into_iter().find(|it| it.funding == funding);
    found.ok_or_else(|| Problem::fault(format!("budget {} of {village}", funding.as_str())))
}

/// The quarter whose budget holds now: of the open window, or of the next one to open.
pub fn present_quarter(policy: &VillageRow, now: Instant) -> Period {
    let rhythm = Rhythm::of(policy);
    let opens_at = match shop(&rhythm, now) {
        Shop::Open { opened_at, .. } => opened_at,
        Shop::Closed { opens_at } => opens_at,
    };
    season(rhythm.mode, opens_at).quarter
}

/// Makes whoever changes budgets, or what stock is worth, follow one another in a village. Taken before
/// any prize is changed.
pub async fn lock(tx: &Tx, village: &Village) -> Outcome<()> {
    Ok(db::lock(tx, &format!("budgets {village}")).await?)
}

/// Checks that what a funding source has paid for is worth no more than it gave, if it has a budget; the
/// caller holds the [`lock`]. Only what arrives can exceed it: goods that are held, handed over or given
/// back count all the while.
///
/// # Errors
/// `budget_exceeded`.
pub async fn within_budget(
    tx: &Tx,
    village: &Village,
    policy: &VillageRow,
    funding: &str,
    now: Instant,
) -> Outcome<()> {
    #[derive(FromQueryResult)]
    struct Row {
        amount_fen: i64,
    }
    let quarter = present_quarter(policy, now);
    let sql = "SELECT amount_fen FROM budgets \
               WHERE village = $1 AND quarter = $2 AND funding = $3";
    let values: [Value; 3] = [village.into(), quarter.to_string().into(), funding.into()];
    let Some(Row { amount_fen }) = db::one::<Row>(tx, sql, values).await? else { return Ok(()) };
    let goods = used(tx, village, quarter).await?.get(funding).copied().unwrap_or_default();
    if goods.total() <= amount_fen {
        return Ok(());
    }
    let why = format!(
        "{} fen in stock, {} held and {} handed over on a budget of {amount_fen} fen",
        goods.stock, goods.held, goods.handed_over
    );
    Err(Refusal::from(Code::BudgetExceeded).because(why).into())
}
