//! `GET /v1/villages/{village}/kin`: near relatives, so that nobody decides their matters.

use actix_web::get;
use actix_web::web::Data;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Neighbour, Role};
use crate::app::App;
use crate::http::Query;
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db::{self, Tx};
use crate::kernel::page::Start;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::Village;

/// What the relative is to the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    Spouse,
    Parent,
    Child,
    Sibling,
}

impl Relation {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spouse => "spouse",
            Self::Parent => "parent",
            Self::Child => "child",
            Self::Sibling => "sibling",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [Self::Spouse, Self::Parent, Self::Child, Self::Sibling];
        all.into_iter().find(|relation| relation.as_str() == text)
    }

    /// What the person is to the relative.
    pub fn turned(self) -> Self {
        match self {
            Self::Parent => Self::Child,
            Self::Child => Self::Parent,
            Self::Spouse | Self::Sibling => self,
        }
    }
}

/// Two near relatives. It counts once it is confirmed.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Kin {
    pub person: Uuid,
    #[schema(example = "张守勤")]
    pub person_name: String,
    pub relative: Uuid,
    #[schema(example = "张建国")]
    pub relative_name: String,
    /// What the relative is to the person.
    pub relation: Relation,
    pub confirmed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub confirmed_at: Option<Instant>,
}

#[derive(Serialize, ToSchema)]
pub struct KinPage {
    pub items: Vec<Kin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct KinQuery {
    /// Only those that are confirmed, or that wait.
    #[param(nullable = false)]
    confirmed: Option<bool>,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// Declared relatives: the village's for the committee and above, else one's household's
#[utoipa::path(tag = "kin", operation_id = "kin_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), KinQuery),
    responses((status = 200, body = KinPage)),
    extensions(("x-codes" = json!("invalid_cursor"))))]
#[get("/v1/villages/{village}/kin")]
async fn list_kin(
    caller: Neighbour,
    query: Query<KinQuery>,
    app: Data<App>,
) -> Outcome<Answer<KinPage>> {
    let KinQuery { confirmed, cursor, limit } = query.0;
    let filter = format!("kin {} {} {confirmed:?}", caller.village, caller.person);
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let items = read(app.db.read(), &caller, confirmed, &start).await?;
    let page = start.page(items, &filter, |item| (item.person, item.relative));
    Ok(Answer::ok(KinPage { items: page.items, next_cursor: page.next_cursor }))
}

const SELECT: &str = "SELECT k.person, p.name AS person_name, k.relative, r.name AS relative_name, \
    k.relation, k.declared_by, k.confirmed_at FROM kin k \
    JOIN persons p ON p.id = k.person JOIN persons r ON r.id = k.relative";

/// A relation as it is stored.
#[derive(FromQueryResult)]
struct KinRow {
    person: Uuid,
    person_name: String,
    relative: Uuid,
    relative_name: String,
    relation: String,
    declared_by: Option<Uuid>,
    confirmed_at: Option<i64>,
}

/// A relation and who declared it.
pub struct Declared {
    pub kin: Kin,
    pub by: Option<Uuid>,
}

impl KinRow {
    fn shown(self) -> Outcome<Declared> {
        let relation = Relation::parse(&self.relation);
        let kin = Kin {
            relation: relation.ok_or_else(|| Problem::fault("a relation of kin"))?,
            person: self.person,
            person_name: self.person_name,
            relative: self.relative,
            relative_name: self.relative_name,
            confirmed: self.confirmed_at.is_some(),
            confirmed_at: self.confirmed_at.map(Instant),
        };
        Ok(Declared { kin, by: self.declared_by })
    }
}

async fn read(
    on: &impl ConnectionTrait,
    caller: &Neighbour,
    confirmed: Option<bool>,
    start: &Start<(Uuid, Uuid)>,
) -> Outcome<Vec<Kin>> {
    let village = caller.village.as_str();
    let oversees = [Role::Committee, Role::Township, Role::County];
    let all = oversees.into_iter().any(|role| caller.has(role, village));
    // A household is one person where there is none.
    let own = "SELECT m.person FROM members m WHERE m.village = $1 AND m.household = $5 \
               AND m.left_at IS NULL";
    let whose = match all {
        true => "$5 = $5 AND $6 = $6".to_owned(),
        false => format!(
            "(k.person IN ({own}) OR k.relative IN ({own}) OR $6 IN (k.person, k.relative))"
        ),
    };
    let state = match confirmed {
        None => "",
        Some(true) => "AND k.confirmed_at IS NOT NULL",
        Some(false) => "AND k.confirmed_at IS NULL",
    };
    let sql = format!(
        "{SELECT} WHERE k.village = $1 AND (k.person, k.relative) > ($2, $3) AND {whose} {state} \
         ORDER BY k.person, k.relative LIMIT $4"
    );
    let (person, relative) = start.after.unwrap_or_default();
    let values: [Value; 6] = [
        (&caller.village).into(),
        person.into(),
        relative.into(),
        start.fetch().into(),
        caller.household_in(&caller.village).unwrap_or(caller.person).into(),
        caller.person.into(),
    ];
    let rows = db::all::<KinRow>(on, &sql, values).await?;
    rows.into_iter().map(|row| Ok(row.shown()?.kin)).collect()
}

/// The relation of two persons, whoever of them comes first.
pub async fn find(
    on: &impl ConnectionTrait,
    village: &Village,
    person: Uuid,
    relative: Uuid,
) -> Outcome<Option<Declared>> {
    let sql = format!(
        "{SELECT} WHERE k.village = $1 AND ((k.person = $2 AND k.relative = $3) \
           OR (k.person = $3 AND k.relative = $2)) ORDER BY k.person LIMIT 1"
    );
    let values: [Value; 3] = [village.into(), person.into(), relative.into()];
    db::one::<KinRow>(on, &sql, values).await?.map(KinRow::shown).transpose()
}

impl Kin {
    /// The same relation, told from the other side.
    pub fn turned(self) -> Self {
        Self {
            person: self.relative,
            person_name: self.relative_name,
            relative: self.person,
            relative_name: self.person_name,
            relation: self.relation.turned(),
            ..self
        }
    }
}

/// Makes a relation count; `false` if it did already.
pub async fn confirm(
    tx: &Tx,
    village: &Village,
    kin: &Kin,
    by: Uuid,
    now: Instant,
) -> Outcome<bool> {
    let sql = "UPDATE kin SET confirmed_at = $4, confirmed_by = $5 WHERE village = $1 \
               AND person = $2 AND relative = $3 AND confirmed_at IS NULL";
    let values: [Value; 5] =
        [village.into(), kin.person.into(), kin.relative.into(), now.0.into(), by.into()];
    let changed = db::run(tx, sql, values).await? == 1;
    if changed {
        record(tx, village, by, "kin.confirm", (kin.person, kin.relative), now).await?;
    }
    Ok(changed)
}

/// Writes the audit row of what happened to a relation.
pub async fn record(
    tx: &Tx,
    village: &Village,
    by: Uuid,
    action: &str,
    (person, relative): (Uuid, Uuid),
    now: Instant,
) -> Outcome<()> {
    let act = Act {
        region: village.as_str(),
        actor: Some(by),
        action,
        subject: person.to_string(),
        detail: serde_json::json!({ "relative": relative }),
    };
    audit::record(tx, now, act).await
}
