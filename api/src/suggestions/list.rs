//! `GET /v1/villages/{village}/suggestions`: one's own; all of them for who sets the village's rules.

use actix_web::get;
use actix_web::web::Data;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::App;
use crate::http::Query;
use crate::identity::{Neighbour, SetsRules};
use crate::kernel::clock::Instant;
use crate::kernel::command::Answer;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;

/// What became of a suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuggestionStatus {
    /// 待答复
    Open,
    /// 已采纳
    Adopted,
    /// 未采纳
    Declined,
}

impl SuggestionStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Adopted => "adopted",
            Self::Declined => "declined",
        }
    }

    fn of(text: &str) -> Self {
        match text {
            "adopted" => Self::Adopted,
            "declined" => Self::Declined,
            _ => Self::Open,
        }
    }
}

/// A villager's suggestion and what became of it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Suggestion {
    pub id: Uuid,
    pub household: Uuid,
    /// Who made it.
    #[schema(example = "张守勤")]
    pub name: String,
    /// The item it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "pub.donate")]
    pub item: Option<String>,
    #[schema(example = "捐款捐物的分值可以高一些")]
    pub text: String,
    pub status: SuggestionStatus,
    /// What the committee says to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "分值须在镇框架之内")]
    pub reason: Option<String>,
    /// The rule set that it brought about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rule_set: Option<Uuid>,
    pub made_at: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub answered_at: Option<Instant>,
}

#[derive(Serialize, ToSchema)]
pub struct SuggestionPage {
    pub items: Vec<Suggestion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SuggestionQuery {
    /// Only these.
    #[param(nullable = false, inline)]
    status: Option<SuggestionStatus>,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// My suggestions, newest first; all of the village's for who sets its rules
#[utoipa::path(tag = "rules", operation_id = "suggestions_list", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"), SuggestionQuery),
    responses((status = 200, body = SuggestionPage)),
    extensions(("x-codes" = json!("invalid_cursor"))))]
#[get("/v1/villages/{village}/suggestions")]
async fn list_suggestions(
    caller: Neighbour,
    query: Query<SuggestionQuery>,
    app: Data<App>,
) -> Outcome<Answer<SuggestionPage>> {
    let SuggestionQuery { status, cursor, limit } = query.0;
    let filter = format!("suggestions {} {} {status:?}", caller.village, caller.person);
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let author = (!caller.serves::<SetsRules>()).then_some(caller.person);
    let items = read(app.db.read(), &caller.village, author, status, &start).await?;
    let page = start.page(items, &filter, |item| item.id);
    Ok(Answer::ok(SuggestionPage { items: page.items, next_cursor: page.next_cursor }))
}

const SELECT: &str = "SELECT s.id, s.household, p.name, s.item, s.text, s.status, s.reason, \
    s.rule_set, s.created_at, s.answered_at FROM suggestions s JOIN persons p ON p.id = s.person";

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    household: Uuid,
    name: String,
    item: Option<String>,
    text: String,
    status: String,
    reason: Option<String>,
    rule_set: Option<Uuid>,
    created_at: i64,
    answered_at: Option<i64>,
}

impl Row {
    fn shown(self) -> Suggestion {
        Suggestion {
            id: self.id,
            household: self.household,
            name: self.name,
            item: self.item,
            text: self.text,
            status: SuggestionStatus::of(&self.status),
            reason: self.reason,
            rule_set: self.rule_set,
            made_at: Instant(self.created_at),
            answered_at: self.answered_at.map(Instant),
        }
    }
}

async fn read(
    on: &impl ConnectionTrait,
    village: &Village,
    author: Option<Uuid>,
    status: Option<SuggestionStatus>,
    start: &Start<Uuid>,
) -> Outcome<Vec<Suggestion>> {
    let mut values: Vec<Value> =
        vec![village.into(), start.after.unwrap_or(Uuid::max()).into(), start.fetch().into()];
    let mut only = String::new();
    for (column, value) in
        [("person", author.map(Value::from)), ("status", status.map(|it| it.as_str().into()))]
    {
        if let Some(value) = value {
            values.push(value);
            only.push_str(&format!(" AND s.{column} = ${}", values.len()));
        }
    }
    let sql =
        format!("{SELECT} WHERE s.village = $1 AND s.id < $2{only} ORDER BY s.id DESC LIMIT $3");
    let rows = db::all::<Row>(on, &sql, values).await?;
    Ok(rows.into_iter().map(Row::shown).collect())
}

/// The suggestion of this id, if it is the village's.
///
/// # Errors
/// `not_found` for any other.
pub async fn load(on: &impl ConnectionTrait, village: &Village, id: Uuid) -> Outcome<Suggestion> {
    let sql = format!("{SELECT} WHERE s.village = $1 AND s.id = $2");
    let row = db::one::<Row>(on, &sql, [village.into(), id.into()]).await?;
    Ok(row.ok_or(Code::NotFound)?.shown())
}
