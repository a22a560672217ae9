//! `GET /v1/regions/{region}/liability`: what a region's villages still owe for the points they gave
//! (未偿负债), beside what they have in stock and in their budgets.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::get;
use actix_web::web::Data;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::budgets::present_quarter;
use super::used::used_in;
use crate::app::App;
use crate::http::Query;
use crate::identity::{Overseer, Watches};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::{RegionCode, Village};
use crate::regions::VillageRow;

/// Points that are owed, and what is there for them; money in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Liability {
    /// Confirmed and not spent, held ones among them; households in debt count as 0.
    #[schema(example = 4719)]
    pub unspent: i64,
    /// Of these, held for prizes not yet collected.
    #[schema(example = 60)]
    pub held: i64,
    /// Scored and not yet confirmed.
    #[schema(example = 310)]
    pub pending: i64,
    /// The unspent points at the village's value of a point.
    #[schema(example = 471_900)]
    pub unspent_fen: i64,
    /// The pending points at the village's value of a point.
    #[schema(example = 31_000)]
    pub pending_fen: i64,
    /// What the goods in stock are worth.
    #[schema(example = 380_000)]
    pub stock_fen: i64,
    /// What the budgets of the open or next window leave for more goods; 0 without budgets.
    #[schema(example = 20_000)]
    pub budget_left_fen: i64,
}

impl Liability {
    fn plus(self, other: Self) -> Self {
        Self {
            unspent: self.unspent + other.unspent,
            held: self.held + other.held,
            pending: self.pending + other.pending,
            unspent_fen: self.unspent_fen + other.unspent_fen,
            pending_fen: self.pending_fen + other.pending_fen,
            stock_fen: self.stock_fen + other.stock_fen,
            budget_left_fen: self.budget_left_fen + other.budget_left_fen,
        }
    }
}

/// What one village owes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VillageLiability {
    pub village: Village,
    /// What a point is worth here, in fen.
    #[schema(example = 100)]
    pub point_value_fen: i64,
    pub owed: Liability,
}

/// Villages by code, and the sum over all of the region, not of the page.
#[derive(Serialize, ToSchema)]
pub struct LiabilityPage {
    pub items: Vec<VillageLiability>,
    pub total: Liability,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LiabilityQuery {
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// What is owed for points, village by village
#[utoipa::path(tag = "redemption", operation_id = "liability_show", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of a region the caller watches over"),
        LiabilityQuery),
    responses((status = 200, body = LiabilityPage)),
    extensions(("x-codes" = json!("role_required invalid_cursor"))))]
#[get("/v1/regions/{region}/liability")]
async fn show_liability(
    officer: Overseer<Watches>,
    query: Query<LiabilityQuery>,
    app: Data<App>,
) -> Outcome<Answer<LiabilityPage>> {
    let LiabilityQuery { cursor, limit } = query.0;
    let filter = format!("liability {}", officer.region);
    let start = Start::<Village>::parse(cursor.as_deref(), limit, &filter)?;
    let all = villages(app.db.read(), &officer.region, app.clock.now()).await?;
    let total = all.iter().fold(Liability::default(), |sum, it| sum.plus(it.owed));
    let after = |it: &VillageLiability| start.after.as_ref().is_none_or(|last| it.village > *last);
    let rest = all.into_iter().filter(after).collect();
    let page = start.page(rest, &filter, |it: &VillageLiability| it.village.clone());
    Ok(Answer::ok(LiabilityPage { items: page.items, total, next_cursor: page.next_cursor }))
}

#[derive(FromQueryResult)]
struct Points {
    village: String,
    unspent: i64,
    held: i64,
    pending: i64,
}

/// Every village of the region, by code, in five statements.
async fn villages(
    on: &impl ConnectionTrait,
    region: &RegionCode,
    now: Instant,
) -> Outcome<Vec<VillageLiability>> {
    let within = || region.bounds();
    let sql = "SELECT * FROM villages WHERE village >= $1 AND village < $2 ORDER BY village";
    let rows = db::all::<VillageRow>(on, sql, within()).await?;
    let sql = "SELECT village, \
                 CAST(SUM(CASE WHEN account = 'available' AND points > 0 THEN points ELSE 0 END) \
                   AS BIGINT) AS unspent, \
                 CAST(SUM(held) AS BIGINT) AS held, \
                 CAST(SUM(CASE WHEN account = 'pending' THEN points ELSE 0 END) AS BIGINT) AS pending \
               FROM balances WHERE village >= $1 AND village < $2 GROUP BY village";
    let points = db::all::<Points>(on, sql, within()).await?;
    let points: BTreeMap<_, _> = points.into_iter().map(|it| (it.village.clone(), it)).collect();
    let quarter = |row: &VillageRow| (row.village.clone(), present_quarter(row, now).to_string());
    let quarters: BTreeMap<_, _> = rows.iter().map(quarter).collect();
    let used = used_in(on, region, &quarters).await?;
    let budgets = budgets(on, region, &quarters).await?;
    let owed = |row: &VillageRow| {
        let left = |(key, amount): (&(String, String), &i64)| {
            (amount - used.get(key).copied().unwrap_or_default().total()).max(0)
        };
        let of = points.get(&row.village);
        let (unspent, held) = of.map_or((0, 0), |it| (it.unspent, it.held));
        let pending = of.map_or(0, |it| it.pending);
        Liability {
            unspent,
            held,
            pending,
            unspent_fen: unspent * row.point_value_fen,
            pending_fen: pending * row.point_value_fen,
            stock_fen: of_village(&used, &row.village).map(|(_, it)| it.stock).sum(),
            budget_left_fen: of_village(&budgets, &row.village).map(left).sum(),
        }
    };
    let village = |row: &VillageRow| {
        let code = row.village.parse();
        let code = code.map_err(|_| Problem::fault(format!("village {}", row.village)))?;
        let point_value_fen = row.point_value_fen;
        Ok(VillageLiability { village: code, point_value_fen, owed: owed(row) })
    };
    rows.iter().map(village).collect()
}

/// The entries of one village in a table by village and funding.
fn of_village<'a, T>(
    table: &'a BTreeMap<(String, String), T>,
    village: &str,
) -> impl Iterator<Item = (&'a (String, String), &'a T)> {
    let from = (village.to_owned(), String::new());
    let village = village.to_owned();
    table.range(from..).take_while(move |(key, _)| key.0 == village)
}

/// Amounts by village and funding, of the window that each village has open or before it.
async fn budgets(
    on: &impl ConnectionTrait,
    region: &RegionCode,
    quarters: &BTreeMap<String, String>,
) -> Outcome<BTreeMap<(String, String), i64>> {
    #[derive(FromQueryResult)]
    struct Row {
        village: String,
        quarter: String,
        funding: String,
        amount_fen: i64,
    }
    let wanted: BTreeSet<_> = quarters.values().cloned().collect();
    let [first, last] = [wanted.first(), wanted.last()].map(|it| it.cloned().unwrap_or_default());
    let [from, to] = region.bounds();
    let sql = "SELECT village, quarter, funding, amount_fen FROM budgets \
               WHERE village >= $1 AND village < $2 AND quarter BETWEEN $3 AND $4";
    let values: [Value; 4] = [from, to, first.into(), last.into()];
    let rows = db::all::<Row>(on, sql, values).await?;
    let present = rows.into_iter().filter(|row| quarters.get(&row.village) == Some(&row.quarter));
    Ok(present.map(|row| ((row.village, row.funding), row.amount_fen)).collect())
}
