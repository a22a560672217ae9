//! `GET /v1/villages/{village}/redemptions` and `…/{redemption}`.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::actions::{Viewer, actions};
use super::code::pickup_code;
use super::hold::Proof;
use crate::app::App;
use crate::households::may_read;
use crate::http::{Query, path_id};
use crate::identity::{CONCERNED, HandsOver, KeepsShop, Neighbour, Role};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db::{self, Column, Given};
use crate::kernel::page::Start;
use crate::kernel::problem::{Code, Outcome, Problem};
use crate::kernel::region::{Place, Village};

/// Points held for, or spent on, a prize.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Redemption {
    pub id: Uuid,
    pub household: Uuid,
    /// The prize's key.
    #[schema(example = "goods.laundry_liquid")]
    pub prize: String,
    #[schema(example = "洗衣液(2kg)")]
    pub prize_name: String,
    #[schema(example = 1)]
    pub quantity: i64,
    /// For all of them; fixed when they were held.
    #[schema(example = 20)]
    pub points: i64,
    /// `held`, `collected`, `refunded`, `cancelled` or `expired`.
    #[schema(example = "held")]
    pub status: String,
    pub held_at: Instant,
    /// When the points are given back if nobody collects.
    pub expires_at: Instant,
    /// When it was collected, cancelled or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub closed_at: Option<Instant>,
    /// Who asked for it: one of the family, or the official who helped.
    pub filed_by: Uuid,
    /// Of those helped: the member who came with the household's paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bearer: Option<Uuid>,
    /// What showed that it went to the household.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub proof: Option<Proof>,
    /// The second official who was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub witness: Option<Uuid>,
    /// The grid worker who has, or had, the goods to take them to the door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub carrier: Option<Uuid>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub carried_at: Option<Instant>,
    /// How many of them were refunded after they had been collected.
    #[schema(example = 0)]
    pub refunded: i64,
    /// Who handed it over: a clerk, or the grid worker at the door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub clerk: Option<Uuid>,
    /// Six digits to show at the counter; only for the household while it is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "048213")]
    pub pickup_code: Option<String>,
    /// What this caller may do next: `collect`, `witness`, `deliver`, `take_back`, `cancel` or `refund`.
    pub allowed_actions: Vec<String>,
    #[schema(example = 1)]
    pub version: i64,
}

#[derive(Serialize, ToSchema)]
pub struct RedemptionPage {
    pub items: Vec<Redemption>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RedemptionQuery {
    /// Only this household's; one's own for a villager.
    #[param(nullable = false)]
    household: Option<Uuid>,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// Redemptions, newest first; a villager sees the own household's
#[utoipa::path(tag = "redemption", operation_id = "redemptions_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), RedemptionQuery),
    responses((status = 200, body = RedemptionPage)),
    extensions(("x-codes" = json!("other_household role_required invalid_cursor"))))]
#[get("/v1/villages/{village}/redemptions")]
async fn list_redemptions(
    caller: Neighbour,
    query: Query<RedemptionQuery>,
    app: Data<App>,
) -> Outcome<Answer<RedemptionPage>> {
    let RedemptionQuery { household, cursor, limit } = query.0;
    let official = may_read(&caller, Uuid::nil()).is_ok();
    let own =
        if official { household } else { Some(household.map_or(caller.own_household(), Ok)?) };
    if let Some(household) = own {
        may_read(&caller, household)?;
    }
    let filter = format!("redemptions {} {own:?}", caller.village);
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let rows = rows(&app, &caller.village, own, &start).await?;
    let page = start.page(rows, &filter, |row| row.id);
    let items = shown(app.db.read(), &caller, page.items).await?;
    let items = items.into_iter().map(|it| with_code(&app, &caller, it)).collect();
    Ok(Answer::ok(RedemptionPage { items, next_cursor: page.next_cursor }))
}

/// One redemption
#[utoipa::path(tag = "redemption", operation_id = "redemptions_show", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("redemption" = Uuid, Path, description = "The redemption's id")),
    responses((status = 200, body = Redemption)),
    extensions(("x-codes" = json!("other_household"))))]
#[get("/v1/villages/{village}/redemptions/{redemption}")]
async fn show_redemption(
    caller: Neighbour,
    request: HttpRequest,
    app: Data<App>,
) -> Outcome<Answer<Redemption>> {
    let found = load(app.db.read(), &caller, path_id(&request, "redemption")?).await?;
    may_read(&caller, found.household)?;
    let version = found.version;
    Ok(Answer::ok(with_code(&app, &caller, found)).version(version))
}

/// With its pickup code for the household itself, while it is held. The code is in no stored answer.
pub fn with_code(app: &App, caller: &Neighbour, found: Redemption) -> Redemption {
    let own = caller.household_in(&caller.village) == Some(found.household);
    if !own || found.status != "held" {
        return found;
    }
    let code = pickup_code(app.config.secrets.pickup(), &caller.village, found.id);
    Redemption { pickup_code: Some(code), ..found }
}

/// A redemption as it is stored.
#[derive(FromQueryResult)]
pub struct Row {
    pub id: Uuid,
    pub household: Uuid,
    pub grid: String,
    pub prize_key: String,
    pub prize_name: String,
    pub quantity: i64,
    pub points: i64,
    pub status: String,
    pub held_at: i64,
    pub expires_at: i64,
    pub closed_at: Option<i64>,
    pub filed_by: Uuid,
    pub bearer: Option<Uuid>,
    pub proof: Option<String>,
    pub witness: Option<Uuid>,
    pub carrier: Option<Uuid>,
    pub carried_at: Option<i64>,
    pub refunded: i64,
    pub wrong_codes: i64,
    pub clerk: Option<Uuid>,
    pub version: i64,
}

const SELECT: &str = "SELECT r.id, r.household, h.grid, p.key AS prize_key, \
      p.name_zh AS prize_name, r.quantity, r.points, r.status, r.held_at, r.expires_at, \
      r.closed_at, r.filed_by, r.bearer, r.proof, r.witness, r.carrier, r.carried_at, r.refunded, \
      r.wrong_codes, r.clerk, r.version \
    FROM redemptions r JOIN prizes p ON p.village = r.village AND p.id = r.prize \
    JOIN households h ON h.village = r.village AND h.id = r.household";

fn redemption(row: Row, viewer: &Viewer) -> Redemption {
    let allowed_actions = actions(viewer, &row).into_iter().map(str::to_owned).collect();
    Redemption {
        id: row.id,
        household: row.household,
        prize: row.prize_key,
        prize_name: row.prize_name,
        quantity: row.quantity,
        points: row.points,
        held_at: Instant(row.held_at),
        expires_at: Instant(row.expires_at),
        closed_at: row.closed_at.map(Instant),
        filed_by: row.filed_by,
        bearer: row.bearer,
        proof: row.proof.as_deref().and_then(Proof::parse),
        // Whoever was there while it is still held has proved nothing yet.
        witness: row.witness.filter(|_| row.status != "held"),
        carrier: row.carrier,
        carried_at: row.carried_at.map(Instant),
        refunded: row.refunded,
        clerk: row.clerk,
        status: row.status,
        pickup_code: None,
        allowed_actions,
        version: row.version,
    }
}

/// Rows as the API shows them to this caller, without codes; one statement however many there are.
pub async fn shown(
    on: &impl ConnectionTrait,
    caller: &Neighbour,
    rows: Vec<Row>,
) -> Outcome<Vec<Redemption>> {
    #[derive(FromQueryResult)]
    struct Concerned {
        household: Uuid,
    }
    let (village, clerk) = (&caller.village, caller.serves::<KeepsShop>());
    // Only who hands over must keep out of some households' matters.
    let hands_over = caller.serves::<HandsOver>();
    let concerned: BTreeSet<Uuid> = match hands_over {
        true => {
            let values: [Value; 2] = [village.into(), caller.person.into()];
            let found = db::all::<Concerned>(on, CONCERNED, values).await?;
            found.into_iter().map(|it| it.household).collect()
        }
        false => BTreeSet::new(),
    };
    let own = caller.household_in(village);
    let show = |row: Row| {
        let viewer = Viewer {
            person: caller.person,
            own: own == Some(row.household),
            clerk,
            hands_over,
            works: caller.has(Role::GridWorker, &row.grid),
            concerned: concerned.contains(&row.household),
        };
        redemption(row, &viewer)
    };
    Ok(rows.into_iter().map(show).collect())
}

/// A redemption of the caller's village, without its code.
///
/// # Errors
/// `not_found` if the village has no such redemption.
pub async fn load(on: &impl ConnectionTrait, caller: &Neighbour, id: Uuid) -> Outcome<Redemption> {
    let sql = format!("{SELECT} WHERE r.village = $1 AND r.id = $2");
    let values: [Value; 2] = [(&caller.village).into(), id.into()];
    let row = db::one::<Row>(on, &sql, values).await?.ok_or(Code::NotFound)?;
    let shown = shown(on, caller, vec![row]).await?.pop();
    shown.ok_or_else(|| Problem::fault(format!("redemption {id} is not shown")))
}

/// Redemptions as each is shown to its own caller, who holds no office; without codes.
pub async fn load_each(
    on: &impl ConnectionTrait,
    wanted: &[(&Neighbour, Uuid)],
) -> Outcome<BTreeMap<Place, Redemption>> {
    #[derive(FromQueryResult)]
    struct Placed {
        village: String,
        #[sea_orm(nested)]
        row: Row,
    }
    let columns = [
        Column::Text("village", wanted.iter().map(|(it, _)| it.village.to_string()).collect()),
        Column::Uuid("id", wanted.iter().map(|(_, id)| *id).collect()),
    ];
    let Given { table, values } = db::given(on, 1, "given", &columns);
    let sql = format!(
        "{} JOIN {table} ON r.village = given.village AND r.id = given.id",
        SELECT.replacen("SELECT", "SELECT r.village,", 1)
    );
    let rows = db::all::<Placed>(on, &sql, values).await?;
    let mut rows: BTreeMap<_, _> =
        rows.into_iter().map(|it| ((it.village, it.row.id), it.row)).collect();
    let mut redemptions = BTreeMap::new();
    for (caller, id) in wanted {
        let place = (caller.village.to_string(), *id);
        let Some(row) = rows.remove(&place) else { continue };
        let shown = shown(on, caller, vec![row]).await?;
        redemptions.extend(shown.into_iter().map(|it| (place.clone(), it)));
    }
    Ok(redemptions)
}

async fn rows(
    app: &App,
    village: &Village,
    household: Option<Uuid>,
    start: &Start<Uuid>,
) -> Outcome<Vec<Row>> {
    let mut values: Vec<Value> =
        vec![village.into(), start.after.unwrap_or(Uuid::max()).into(), start.fetch().into()];
    let mut only = "";
    if let Some(household) = household {
        values.push(household.into());
        only = "AND r.household = $4";
    }
    let sql =
        format!("{SELECT} WHERE r.village = $1 AND r.id < $2 {only} ORDER BY r.id DESC LIMIT $3");
    Ok(db::all(app.db.read(), &sql, values).await?)
}
