//! What filing depends on, read set-wise for one claim or many: households, members, rules in force,
//! and what was claimed before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::submit::NewClaim;
use crate::app::App;
use crate::identity::{CONCERNED, Caller};
use crate::kernel::db::{self, Column, Given, Tx};
use crate::kernel::problem::Outcome;
use crate::kernel::region::{Place, Village};
use crate::rules::{Book, book, sets_in_force};

/// SQL: whether a claim `c` stands, or may yet, for its deed; word for word the condition of the index
/// `claims_one_per_deed`.
const STANDS: &str =
    "c.status NOT IN ('rejected', 'withdrawn', 'lapsed', 'overturned', 'reversed')";

/// SQL: whether a claim `c` that was struck still stands for its deed: as long as an appeal can give its
/// points back, and when one has. A deed is paid once. Found by `claims_struck`.
const RESTORABLE: &str = "c.status IN ('overturned', 'reversed') AND (EXISTS (SELECT 1 \
    FROM objections o WHERE o.village = c.village AND o.line = c.id AND o.status <> 'final') \
    OR EXISTS (SELECT 1 FROM adjustments a WHERE a.village = c.village AND a.restores = c.id \
      AND a.status IN ('approved', 'scored')))";

/// SQL: whether a claim `c` still stands for its deed and keeps its photos, of rows that are found by
/// something else: no index answers both halves.
pub fn live() -> String {
    format!("({STANDS} OR {RESTORABLE})")
}

/// A household as filing needs it.
#[derive(FromQueryResult)]
pub struct HouseholdRow {
    village: String,
    pub id: Uuid,
    pub grid: String,
    pub status: String,
}

/// A claim, and by whom and where it is filed.
#[derive(Clone, Copy)]
pub struct Sent<'a> {
    pub filer: &'a Caller,
    pub village: &'a Village,
    pub claim: &'a NewClaim,
}

impl Sent<'_> {
    pub fn household(&self) -> Place {
        (self.village.to_string(), self.claim.household)
    }

    /// Whether the filer claims for the own household.
    pub fn is_own(&self) -> bool {
        self.filer.household_in(self.village) == Some(self.claim.household)
    }
}

fn columns(places: &BTreeSet<Place>) -> [Column; 2] {
    [
        Column::Text("village", places.iter().map(|(village, _)| village.clone()).collect()),
        Column::Uuid("id", places.iter().map(|(_, id)| *id).collect()),
    ]
}

pub fn places(from: usize, count: usize) -> String {
    (from..from + count).map(|at| format!("${at}")).collect::<Vec<_>>().join(", ")
}

/// Those of these households that there are, kept where they are and open until the transaction ends.
pub async fn households(
    tx: &Tx,
    wanted: &BTreeSet<Place>,
) -> Outcome<BTreeMap<Place, HouseholdRow>> {
    let Given { table, values } = db::given(tx, 1, "given", &columns(wanted));
    let sql = format!(
        "SELECT h.village, h.id, h.grid, h.status FROM households h \
         JOIN {table} ON h.village = given.village AND h.id = given.id \
         ORDER BY h.village, h.id{}",
        db::shared_of(tx, "h")
    );
    let rows = db::all::<HouseholdRow>(tx, &sql, values).await?;
    Ok(rows.into_iter().map(|row| ((row.village.clone(), row.id), row)).collect())
}

/// Who belongs, or has belonged, to which of the households whose members claims name; whether they
/// still do.
pub async fn members(tx: &Tx, sent: &[Sent<'_>]) -> Outcome<BTreeMap<(Place, Uuid), bool>> {
    #[derive(FromQueryResult)]
    struct Row {
        village: String,
        household: Uuid,
        person: Uuid,
        left_at: Option<i64>,
    }
    let named = |it: &&Sent<'_>| it.claim.member.is_some() || it.claim.consent.is_some();
    let wanted: BTreeSet<_> = sent.iter().filter(named).map(Sent::household).collect();
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let Given { table, values } = db::given(tx, 1, "given", &columns(&wanted));
    let sql = format!(
        "SELECT m.village, m.household, m.person, m.left_at FROM members m \
         JOIN {table} ON m.village = given.village AND m.household = given.id"
    );
    let rows = db::all::<Row>(tx, &sql, values).await?;
    let known = |row: Row| (((row.village, row.household), row.person), row.left_at.is_none());
    Ok(rows.into_iter().map(known).collect())
}

/// The households whose matters filers must keep out of, by filer; nobody without an office is asked.
pub async fn concerned(tx: &Tx, sent: &[Sent<'_>]) -> Outcome<BTreeSet<(Uuid, Place)>> {
    #[derive(FromQueryResult)]
    struct Row {
        household: Uuid,
    }
    let officials = sent.iter().filter(|it| !it.filer.grants.is_empty());
    let officials: BTreeSet<_> = officials.map(|it| (it.village, it.filer.person)).collect();
    let mut concerned = BTreeSet::new();
    // One, or none: families are grouped, officials file alone.
    for (village, person) in officials {
        let rows = db::all::<Row>(tx, CONCERNED, [village.into(), person.into()]).await?;
        let place = |row: Row| (person, (village.to_string(), row.household));
        concerned.extend(rows.into_iter().map(place));
    }
    Ok(concerned)
}

/// The rules in force in each village on each day on which a deed was done.
pub async fn books(
    app: &App,
    tx: &Tx,
    wanted: &BTreeSet<(&Village, NaiveDate)>,
) -> Outcome<BTreeMap<(String, NaiveDate), Arc<Book>>> {
    let mut books = BTreeMap::new();
    for (wanted, set) in sets_in_force(tx, wanted).await? {
        // In memory after the first time.
        books.insert(wanted, book(&app.rule_books, tx, set).await?);
    }
    Ok(books)
}

/// Why a row was found: the same id, the same deed, or the same rule and household.
pub const SAME_ID: i64 = 0;
pub const SAME_DEED: i64 = 1;

/// A claim of before.
#[derive(FromQueryResult)]
pub struct Earlier {
    pub found_as: i64,
    pub village: String,
    pub id: Uuid,
    pub household: Uuid,
    pub member: Option<Uuid>,
    pub rule: String,
    pub event: Option<String>,
    pub occurred_on: String,
    pub dedupe: String,
    pub content: Option<String>,
}

/// What stands in the way of these claims or is much like them: claims with their ids in any state,
/// live ones with one of these `dedupe` keys, and live ones of another member of the household for the same
/// rule.
pub async fn earlier(
    tx: &Tx,
    sent: &[Sent<'_>],
    dedupes: &BTreeSet<(String, String)>,
) -> Outcome<Vec<Earlier>> {
    let ids = sent.iter().map(|it| (it.village.to_string(), it.claim.id)).collect();
    let alike = sent
        .iter()
        .filter_map(|it| Some((it.household(), it.claim.rule.as_str(), it.claim.member?)));
    let alike: BTreeSet<_> = alike.collect();
    let ids = db::given(tx, 1, "given", &columns(&ids));
    let keys = [
        Column::Text("village", dedupes.iter().map(|(village, _)| village.clone()).collect()),
        Column::Text("dedupe", dedupes.iter().map(|(_, key)| key.clone()).collect()),
    ];
    let keys = db::given(tx, 1 + ids.values.len(), "given", &keys);
    let columns = "c.village, c.id, c.household, c.member, c.rule, c.event, c.occurred_on, c.dedupe, c.content";
    let mut sql = format!(
        "SELECT CAST({SAME_ID} AS BIGINT) AS found_as, {columns} FROM claims c \
         JOIN {} ON c.village = given.village AND c.id = given.id",
        ids.table
    );
    for still in [STANDS, RESTORABLE] {
        sql += &format!(
            " UNION ALL SELECT CAST({SAME_DEED} AS BIGINT) AS found_as, {columns} FROM claims c \
             JOIN {} ON c.village = given.village AND c.dedupe = given.dedupe WHERE {still}",
            keys.table
        );
    }
    let mut values = [ids.values, keys.values].concat();
    if !alike.is_empty() {
        let alike = [
            Column::Text(
                "village",
                alike.iter().map(|((village, _), ..)| village.clone()).collect(),
            ),
            Column::Uuid("household", alike.iter().map(|((_, id), ..)| *id).collect()),
            Column::Text("rule", alike.iter().map(|(_, rule, _)| (*rule).to_owned()).collect()),
            Column::Uuid("member", alike.iter().map(|(.., member)| *member).collect()),
        ];
        let alike = db::given(tx, 1 + values.len(), "given", &alike);
        // Two ranges of an index, where `<>` would read all that the member has claimed; and SQLite, which
        // would rather read all claims there are, looks into the right of a CROSS JOIN for each of the left.
        for other in ["<", ">"] {
            sql += &format!(
                " UNION ALL SELECT CAST(2 AS BIGINT) AS found_as, {columns} FROM {} \
                 CROSS JOIN claims c WHERE c.village = given.village \
                   AND c.household = given.household AND c.rule = given.rule \
                   AND c.member {other} given.member AND {}",
                alike.table,
                live()
            );
        }
        values.extend(alike.values);
    }
    Ok(db::all(tx, &sql, values).await?)
}
