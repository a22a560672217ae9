//! `GET …/reversals` and `GET …/reversals/{reversal}`.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::proposal::month_of;
use crate::app::App;
use crate::http::{Query, path_id};
use crate::identity::{Corrects, Neighbour, Watches, concerned_households};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::period::Month;
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;

/// A proposal to take confirmed points back (冲正), and what became of it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Reversal {
    pub id: Uuid,
    /// The entry that it takes back.
    pub line: Uuid,
    /// The list on which that stood.
    pub month: Month,
    /// Its number there.
    #[schema(example = 12)]
    pub number: i64,
    /// The household that earned it.
    pub household: Uuid,
    /// How many of the line's points, without their sign.
    #[schema(example = 5)]
    pub points: i64,
    /// What the household's points change by: below 0, or above it if a deduction is taken back.
    #[schema(example = -5)]
    pub change: i64,
    #[schema(example = "经查该地块属集体所有")]
    pub reason: String,
    /// `proposed`, `approved`, `carried`, `dropped` or `lapsed`.
    #[schema(example = "proposed")]
    pub status: String,
    /// The number of the correction of the month's list that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 1)]
    pub correction: Option<i64>,
    /// For officials only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub proposed_by: Option<Uuid>,
    pub proposed_at: Instant,
    /// When it lapses; of a correction, when what is approved takes effect.
    pub due_at: Instant,
    /// What the household says to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "土地是我家承包地，有证")]
    pub reply: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub replied_at: Option<Instant>,
    /// For officials only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_by: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_at: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "土地台账属实")]
    pub decided_reason: Option<String>,
    /// When it was carried, dropped or lapsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub closed_at: Option<Instant>,
    /// What this caller may do next: `reply` or `decide`.
    pub allowed_actions: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub struct ReversalPage {
    pub items: Vec<Reversal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReversalQuery {
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// SQL: 1 if person `$1` filed, reviewed, proposed or approved what the line of reversal `r` was given for.
pub const HAD_A_SAY: &str = "CAST(CASE WHEN EXISTS (SELECT 1 FROM claims c \
      WHERE c.village = r.village AND c.id = r.line AND c.filed_by = $1) \
    OR EXISTS (SELECT 1 FROM reviews v \
      WHERE v.village = r.village AND v.claim = r.line AND v.person = $1) \
    OR EXISTS (SELECT 1 FROM adjustments a WHERE a.village = r.village AND a.id = r.line \
      AND (a.proposed_by = $1 OR a.decided_by = $1)) THEN 1 ELSE 0 END AS BIGINT)";

/// The village's reversals, newest first: all for committee and above, a household's own for its members
#[utoipa::path(tag = "reversals", operation_id = "reversals_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), ReversalQuery),
    responses((status = 200, body = ReversalPage)),
    extensions(("x-codes" = json!("invalid_cursor"))))]
#[get("/v1/villages/{village}/reversals")]
async fn list_reversals(
    caller: Neighbour,
    query: Query<ReversalQuery>,
    app: Data<App>,
) -> Outcome<Answer<ReversalPage>> {
    let filter = format!("reversals {} {}", caller.village, caller.person);
    let start = Start::parse(query.0.cursor.as_deref(), query.0.limit, &filter)?;
    let mut values: Vec<Value> = vec![
        caller.person.into(),
        (&caller.village).into(),
        start.after.unwrap_or(Uuid::max()).into(),
        start.fetch().into(),
    ];
    let own = match caller.serves::<Watches>() {
        true => "",
        false => {
            values.push(caller.household_in(&caller.village).unwrap_or_default().into());
            "AND (r.household = $5 OR r.frozen_household = $5)"
        }
    };
    let sql = format!(
        "SELECT r.*, {HAD_A_SAY} AS had_a_say FROM reversals r \
         WHERE r.village = $2 AND r.id < $3 {own} ORDER BY r.id DESC LIMIT $4"
    );
    let rows = db::all::<Row>(app.db.read(), &sql, values).await?;
    let page = start.page(rows, &filter, |row| row.of.id);
    let eyes = Eyes::of(app.db.read(), &caller).await?;
    let items = page.items.into_iter().map(|row| eyes.see(row)).collect::<Outcome<_>>()?;
    Ok(Answer::ok(ReversalPage { items, next_cursor: page.next_cursor }))
}

/// One reversal
#[utoipa::path(tag = "reversals", operation_id = "reversals_show", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("reversal" = Uuid, Path, description = "The reversal's id")),
    responses((status = 200, body = Reversal)))]
#[get("/v1/villages/{village}/reversals/{reversal}")]
async fn show_reversal(
    caller: Neighbour,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<Answer<Reversal>> {
    let id = path_id(&request, "reversal")?;
    Ok(Answer::ok(load(app.db.read(), &caller, id).await?))
}

#[derive(FromQueryResult)]
struct Row {
    #[sea_orm(nested)]
    of: entity::reversal::Model,
    /// 0 or 1.
    had_a_say: i64,
}

/// A reversal as the caller may see it.
///
/// # Errors
/// `not_found` if the village has none of this id, or it is of another household.
pub async fn load(on: &impl ConnectionTrait, caller: &Neighbour, id: Uuid) -> Outcome<Reversal> {
    let sql = format!(
        "SELECT r.*, {HAD_A_SAY} AS had_a_say FROM reversals r WHERE r.village = $2 AND r.id = $3"
    );
    let values: [Value; 3] = [caller.person.into(), (&caller.village).into(), id.into()];
    let found = db::one::<Row>(on, &sql, values).await?.ok_or(Code::NotFound)?;
    let eyes = Eyes::of(on, caller).await?;
    if !eyes.own(&found.of) && !eyes.official {
        return Err(Code::NotFound.into());
    }
    eyes.see(found)
}

/// What of a reversal a caller sees, and what they may do about it.
struct Eyes {
    person: Uuid,
    household: Option<Uuid>,
    official: bool,
    decides: bool,
    /// Whose matters the caller keeps out of.
    concerned: Vec<Uuid>,
}

impl Eyes {
    async fn of(on: &impl ConnectionTrait, caller: &Neighbour) -> Outcome<Self> {
        Ok(Self {
            person: caller.person,
            household: caller.household_in(&caller.village),
            official: caller.serves::<Watches>(),
            decides: caller.serves::<Corrects>(),
            concerned: concerned_households(on, &caller.village, caller.person).await?,
        })
    }

    fn own(&self, row: &entity::reversal::Model) -> bool {
        let own = [Some(row.household), Some(row.frozen_household)];
        self.household.is_some() && own.contains(&self.household)
    }

    fn actions(&self, row: &entity::reversal::Model, had_a_say: bool) -> Vec<String> {
        let open = matches!(row.status.as_str(), "proposed" | "approved");
        let concerned = [row.household, row.frozen_household];
        let apart = !concerned.iter().any(|household| self.concerned.contains(household));
        let second = row.proposed_by != self.person && !had_a_say && apart;
        let all = [
            ("reply", open && row.reply.is_none() && self.own(row)),
            ("decide", row.status == "proposed" && self.decides && second),
        ];
        all.into_iter().filter(|(_, may)| *may).map(|(action, _)| action.to_owned()).collect()
    }

    fn see(&self, Row { of: row, had_a_say }: Row) -> Outcome<Reversal> {
        Ok(Reversal {
            allowed_actions: self.actions(&row, had_a_say > 0),
            month: month_of(&row)?,
            id: row.id,
            line: row.line,
            number: row.number,
            household: row.household,
            points: row.points.abs(),
            change: -row.points,
            reason: row.reason,
            status: row.status,
            correction: row.correction,
            proposed_by: Some(row.proposed_by).filter(|_| self.official),
            proposed_at: Instant(row.proposed_at),
            due_at: Instant(row.due_at),
            reply: row.reply,
            replied_at: row.replied_at.map(Instant),
            decided_by: row.decided_by.filter(|_| self.official),
            decided_at: row.decided_at.map(Instant),
            decided_reason: row.decided_reason,
            closed_at: row.closed_at.map(Instant),
        })
    }
}
