//! The auditor's register (2.3, 3.2): what is allowed, and what somebody above should look at first.

use actix_web::get;
use actix_web::web::Data;
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::App;
use crate::http::Query;
use crate::identity::{Overseer, Watches};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::page::Start;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::{RegionCode, Village};
use crate::kernel::routes::Routes;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes.service(list_register);
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $word:literal;)*) => {
        /// Why something is on the register.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[schema(as = RegisterKind)]
        pub enum Kind { $($(#[$doc])* $name),* }

        impl Kind {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }
        }
    };
}

kinds! {
    /// The committee admitted a claim after its term.
    LateAdmission "late_admission";
    /// A deduction was decided without the household's answer.
    HearingWaived "hearing_waived";
    /// The proposer of a deduction dropped it before its vote.
    DeductionWithdrawn "deduction_withdrawn";
    /// A household disowned what was claimed in its name.
    Repudiation "repudiation";
    /// Somebody approved very many claims in a few minutes.
    BulkApproval "bulk_approval";
    /// Nobody decided an objection, or an appeal, in time.
    LapsedObjection "lapsed_objection";
    /// The township had a list hang longer.
    Extension "extension";
    /// A re-check found no fault.
    SampleConfirmed "sample_confirmed";
    /// A re-check found a claim doubtful.
    SampleDoubted "sample_doubted";
    /// Points were given or taken by a decision of two.
    Adjustment "adjustment";
    /// Confirmed points were taken back.
    Reversal "reversal";
    /// Nobody decided in time whether confirmed points are taken back.
    ReversalLapsed "reversal_lapsed";
    /// The price of a prize rose while the shop was open.
    PriceRaised "price_raised";
    /// Points were given back after a prize had been handed over.
    Refund "refund";
    /// Two officials handed over what a locked code was for.
    LockOverride "lock_override";
    /// Goods of the shop were written off.
    StockLoss "stock_loss";
    /// Neither township nor county decided an objection to a year's ranking in time.
    RankingObjectionLapsed "ranking_objection_lapsed";
    /// An honour was withdrawn whose points are confirmed: a reversal of this entry has to be proposed.
    HonourPointsStand "honour_points_stand";
}

/// A line to be put on the register.
pub struct Entry {
    pub kind: Kind,
    /// The id of what it is about.
    pub subject: String,
    /// Who did it.
    pub person: Option<Uuid>,
    /// For people to read, at most some hundred characters.
    pub note: String,
}

/// Puts lines on a village's register, in the transaction of what they are about.
pub async fn enter(tx: &Tx, village: &Village, at: Instant, entries: &[Entry]) -> Outcome<()> {
    let count = entries.len();
    let columns = [
        Column::Text("village", vec![village.to_string(); count]),
        Column::Uuid("id", entries.iter().map(|_| Uuid::now_v7()).collect()),
        Column::Text("kind", entries.iter().map(|it| it.kind.as_str().to_owned()).collect()),
        Column::Text("subject", entries.iter().map(|it| it.subject.clone()).collect()),
        Column::MaybeUuid("person", entries.iter().map(|it| it.person).collect()),
        Column::Text("note", entries.iter().map(|it| it.note.clone()).collect()),
        Column::Number("at", vec![at.0; count]),
    ];
    db::bulk_insert(tx, "register_entries", &columns, "").await?;
    Ok(())
}

/// A line of the register.
#[derive(Serialize, ToSchema)]
pub struct RegisterEntry {
    pub village: Village,
    pub id: Uuid,
    pub kind: Kind,
    /// The id of what it is about.
    #[schema(example = "0192f0c1-7a52-7c3e-9c58-2f1f6f0c9a11")]
    pub subject: String,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub person: Option<Uuid>,
    #[schema(example = "10分钟内通过62件")]
    pub note: String,
    pub at: Instant,
}

#[derive(Serialize, ToSchema)]
pub struct RegisterPage {
    pub items: Vec<RegisterEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RegisterQuery {
    /// Only lines of this kind.
    #[param(nullable = false, inline)]
    kind: Option<Kind>,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

#[derive(FromQueryResult)]
struct Row {
    village: String,
    id: Uuid,
    kind: String,
    subject: String,
    person: Option<Uuid>,
    note: String,
    at: i64,
}

/// The register of a region, village by village, newest first in each
#[utoipa::path(tag = "register", operation_id = "register_list", security(("bearer" = [])),
    params(("region" = RegionCode, Path, description = "Code of a region the caller watches over"),
        RegisterQuery),
    responses((status = 200, body = RegisterPage)),
    extensions(("x-codes" = json!("role_required invalid_cursor"))))]
#[get("/v1/regions/{region}/register")]
async fn list_register(
    officer: Overseer<Watches>,
    query: Query<RegisterQuery>,
    app: Data<App>,
) -> Outcome<Answer<RegisterPage>> {
    let RegisterQuery { kind, cursor, limit } = query.0;
    let filter = format!("register {} {kind:?}", officer.region);
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let rows = rows(&app, &officer.region, kind, &start).await?;
    let page = start.page(rows, &filter, |row| (row.village.clone(), row.id));
    let items = page.items.into_iter().map(entry).collect::<Outcome<_>>()?;
    Ok(Answer::ok(RegisterPage { items, next_cursor: page.next_cursor }))
}

async fn rows(
    app: &App,
    region: &RegionCode,
    kind: Option<Kind>,
    start: &Start<(String, Uuid)>,
) -> Outcome<Vec<Row>> {
    // Village by village, so that the primary key serves a whole county.
    let sql = "SELECT village, id, kind, subject, person, note, at FROM register_entries \
               WHERE village >= $1 AND village < $2 AND ($3 = '' OR kind = $3) \
               AND (village > $4 OR (village = $4 AND id < $5)) \
               ORDER BY village, id DESC LIMIT $6";
    let [from, to] = region.bounds();
    let (village, id) = start.after.clone().unwrap_or_default();
    let kind = kind.map_or("", Kind::as_str);
    let values = [from, to, kind.into(), village.into(), id.into(), start.fetch().into()];
    Ok(db::all(app.db.read(), sql, values).await?)
}

fn entry(row: Row) -> Outcome<RegisterEntry> {
    let odd = || Problem::fault(format!("register entry {}", row.id));
    let kind = Kind::ALL.iter().find(|kind| kind.as_str() == row.kind);
    Ok(RegisterEntry {
        village: row.village.parse().map_err(|_| odd())?,
        kind: *kind.ok_or_else(odd)?,
        id: row.id,
        subject: row.subject,
        person: row.person,
        note: row.note,
        at: Instant(row.at),
    })
}
