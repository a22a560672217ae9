//! `GET …/households/{household}/allowances`: what a family has used and what is left of every cap, so
//! that nobody files for what Monday's close cannot award.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::may_read;
use super::read::{self, Household};
use crate::app::App;
use crate::http::{Query, path_id};
use crate::identity::Neighbour;
use crate::kernel::command::Answer;
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::rules::{Book, Cap, CapPeriod, CountedPer, Direction, Rule, Source, book, set_in_force};
use crate::scoring::{self, Caps, Used, caps_of, days_of};

/// Times and points of a cap, 0 or more, also of deductions.
#[derive(Serialize, ToSchema)]
#[schema(as = AllowanceAmount)]
pub struct Amount {
    #[schema(example = 3)]
    pub times: i64,
    #[schema(example = 6)]
    pub points: i64,
}

impl From<Used> for Amount {
    fn from(Used { times, points }: Used) -> Self {
        Self { times, points }
    }
}

/// What is used and left under the cap of one rule in force that day, of one member where it counts
/// members.
#[derive(Serialize, ToSchema)]
pub struct RuleAllowance {
    #[schema(example = "env.courtyard_weekly")]
    pub rule: String,
    #[schema(example = "庭院及房前屋后每周评查合格")]
    pub name_zh: String,
    #[schema(example = "Courtyard passes the weekly check")]
    pub name_en: String,
    #[schema(example = "living_environment")]
    pub category: String,
    pub direction: Direction,
    pub source: Source,
    /// Whether the village uses the rule at all.
    pub enabled: bool,
    pub counted_per: CountedPer,
    /// Whose deeds these are, where the cap counts members.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub member: Option<Uuid>,
    pub cap: Cap,
    /// The first day of deeds that the cap counts together; absent for caps by event and for life.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = Date, example = "2024-09-01")]
    pub counts_from: Option<NaiveDate>,
    /// The last of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = Date, example = "2024-09-30")]
    pub counts_to: Option<NaiveDate>,
    /// Awarded on closed sheets, less what was taken back.
    pub used: Amount,
    /// What claims in review, or approved and not yet scored, would take of it.
    pub waiting: Amount,
    /// What the next close could award a single claim for a deed of this day, if none of the waiting ones
    /// were: also limited by the household's month and by the greatest single line.
    pub left: Amount,
    /// The same after all waiting ones: a claim for no more than this is awarded in full.
    pub left_after_waiting: Amount,
    /// The last day on which a deed of this day can be claimed; absent where there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = Date, example = "2024-10-25")]
    pub claim_until: Option<NaiveDate>,
}

/// All of the household's bonus, or deduction, of the natural month of that day, over all rules. Points
/// are 0 or more.
#[derive(Serialize, ToSchema)]
pub struct MonthAllowance {
    pub direction: Direction,
    #[schema(example = 60)]
    pub max_points: i64,
    #[schema(example = 12)]
    pub used: i64,
    #[schema(example = 3)]
    pub waiting: i64,
    #[schema(example = 48)]
    pub left: i64,
    #[schema(example = 45)]
    pub left_after_waiting: i64,
}

/// What a household has used and what is left of every cap, for deeds of one day.
#[derive(Serialize, ToSchema)]
pub struct Allowances {
    #[schema(value_type = String, format = Date, example = "2024-09-25")]
    pub on: NaiveDate,
    /// The rule set in force that day.
    pub rule_set: Uuid,
    /// Bonus, then deduction.
    pub month: Vec<MonthAllowance>,
    /// In the catalogue's order.
    pub rules: Vec<RuleAllowance>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AllowanceQuery {
    /// The day of the deed, village time; today if absent.
    #[param(nullable = false, value_type = Option<String>, format = Date, example = "2024-09-25")]
    on: Option<NaiveDate>,
}

/// What a household has used and what is left of every cap
#[utoipa::path(tag = "households", operation_id = "households_show_allowances",
    security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id"), AllowanceQuery),
    responses((status = 200, body = Allowances)),
    extensions(("x-codes" = json!("other_household rule_not_in_force"))))]
#[get("/v1/villages/{village}/households/{household}/allowances")]
async fn show_allowances(
    caller: Neighbour,
    request: HttpRequest,
    query: Query<AllowanceQuery>,
    app: Data<App>,
) -> Outcome<Answer<Allowances>> {
    let id = path_id(&request, "household")?;
    let file = read::load(app.db.read(), &caller.village, id).await?;
    may_read(&caller, id)?;
    let day = query.0.on.unwrap_or_else(|| app.clock.now().day());
    let rule_set = set_in_force(app.db.read(), &caller.village, day).await?;
    let book = book(&app.rule_books, app.db.read(), rule_set).await?;
    let caps = caps_of(&app, app.db.read(), &caller.village, id, &book).await?;
    Ok(Answer::ok(allowances(&file, &book, &caps, day)))
}

fn allowances(file: &Household, book: &Book, caps: &Caps, on: NaiveDate) -> Allowances {
    let mut rules = Vec::new();
    for rule in &book.rules {
        if counts_members(rule) {
            rules.extend(file.members.iter().map(|it| of_rule(rule, Some(it.person), caps, on)));
        } else {
            rules.push(of_rule(rule, None, caps, on));
        }
    }
    let month = [Direction::Bonus, Direction::Deduction].map(|direction| {
        let allowance = caps.month(direction, on);
        MonthAllowance {
            direction,
            max_points: book.caps.month_max(direction == Direction::Deduction),
            used: allowance.used.points,
            waiting: allowance.waiting.points,
            left: allowance.left.points,
            left_after_waiting: allowance.left_after_waiting.points,
        }
    });
    Allowances { on, rule_set: book.id, month: month.into(), rules }
}

fn counts_members(rule: &Rule) -> bool {
    rule.counted_per == CountedPer::Member || rule.cap.period == CapPeriod::LifetimeMember
}

fn of_rule(rule: &Rule, member: Option<Uuid>, caps: &Caps, on: NaiveDate) -> RuleAllowance {
    let scoring::Allowance { used, waiting, left, left_after_waiting } = caps.of(rule, member, on);
    let (counts_from, counts_to) = days_of(rule.cap.period, on).unzip();
    let within = rule.claim_within_days.and_then(|days| u64::try_from(days).ok());
    RuleAllowance {
        rule: rule.key.clone(),
        name_zh: rule.name_zh.clone(),
        name_en: rule.name_en.clone(),
        category: rule.category.clone(),
        direction: rule.direction,
        source: rule.source,
        enabled: rule.enabled,
        counted_per: rule.counted_per,
        member,
        cap: rule.cap,
        counts_from,
        counts_to,
        used: used.into(),
        waiting: waiting.into(),
        left: left.into(),
        left_after_waiting: left_after_waiting.into(),
        claim_until: within.and_then(|days| on.checked_add_days(Days::new(days))),
    }
}
