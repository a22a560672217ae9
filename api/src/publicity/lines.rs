//! `GET …/public-lists/{month}/lines`: the lines that are itemised in public.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use sea_orm::{FromQueryResult, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::list::{json, load, place, serve};
use crate::app::App;
use crate::http::{Query, private_json};
use crate::identity::Reader;
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::page::Start;
use crate::kernel::period::Month;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::Village;
use crate::kernel::text::shown;
use crate::rules::Category;

/// A line that everybody may read and contest.
#[derive(Serialize, ToSchema)]
pub struct PublicLine {
    /// The line's number on this list: its address for an objection.
    #[schema(example = 12)]
    pub number: i64,
    /// The household's number on this list.
    #[schema(example = 5)]
    pub household_number: i64,
    /// The head's name, masked for whoever is no neighbour; absent where the household keeps it to itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "张*")]
    pub name: Option<String>,
    #[schema(example = "living_environment")]
    pub category: String,
    /// A rule's key; of an adjustment the one it corrects, or `adjustment`.
    #[schema(example = "env.courtyard_model")]
    pub rule: String,
    #[schema(example = "评为月度美丽庭院/文明卫生户")]
    pub rule_name: String,
    #[schema(example = "2024-08-20")]
    pub occurred_on: String,
    /// Awarded, after caps.
    #[schema(example = 5)]
    pub points: i64,
    /// What is left of them after what was taken back.
    #[schema(example = 5)]
    pub points_left: i64,
    /// `open`, `contested`, `upheld`, `adjusted` or `struck`.
    #[schema(example = "open")]
    pub status: String,
    /// When it was last decided about, or an objection to it lapsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_at: Option<Instant>,
}

#[derive(Serialize, ToSchema)]
pub struct PublicLinePage {
    pub items: Vec<PublicLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

/// Both may be combined; what is absent does not narrow.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LineQuery {
    /// Only lines of this category.
    #[param(nullable = false, example = "living_environment")]
    category: Option<Category>,
    /// Only lines of the household with this number on the list.
    #[param(nullable = false, minimum = 1, example = 5)]
    household_number: Option<i64>,
    #[param(nullable = false)]
    cursor: Option<String>,
    #[param(nullable = false, minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// The lines of a list that are itemised in public
#[utoipa::path(tag = "publicity", operation_id = "public_lists_list_lines",
    security((), ("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("month" = Month, Path, description = "The month"), LineQuery),
    responses((status = 200, body = PublicLinePage)),
    extensions(("x-codes" = json!("invalid_cursor"))))]
#[get("/v1/villages/{village}/public-lists/{month}/lines")]
async fn list_lines(
    reader: Reader,
    request: HttpRequest,
    query: Query<LineQuery>,
    app: Data<App>,
) -> Outcome<HttpResponse> {
    let (village, month) = place(&request)?;
    let LineQuery { category, household_number, cursor, limit } = query.0;
    let wanted = Wanted { category, household_number };
    let narrowed = format!("{{{village}}}:{month}:{}", wanted.key());
    let filter = format!("lines {narrowed}");
    let start = Start::parse(cursor.as_deref(), limit, &filter)?;
    let key = format!("lines:{narrowed}:{:?}:{}", start.after, start.limit);
    let page = async |neighbour| {
        load(app.db.read(), &village, month).await?;
        let lines = lines(&app, &village, month, &wanted, &start, neighbour).await?;
        let page = start.page(lines, &filter, |line| line.number);
        Ok::<_, Problem>(PublicLinePage { items: page.items, next_cursor: page.next_cursor })
    };
    if reader.is_neighbour(&village) {
        return Ok(private_json(&page(true).await?));
    }
    serve(&app, &request, &village, &key, async { json(&page(false).await?) }).await
}

/// What narrows the list.
struct Wanted {
    category: Option<Category>,
    household_number: Option<i64>,
}

impl Wanted {
    fn key(&self) -> String {
        let category = self.category.map_or_else(String::new, Category::word);
        format!("{category}:{}", self.household_number.unwrap_or(0))
    }
}

#[derive(FromQueryResult)]
struct Row {
    number: i64,
    household_number: i64,
    name: Option<String>,
    consented: Option<bool>,
    category: String,
    rule: String,
    rule_name: String,
    occurred_on: String,
    points: i64,
    reversed: i64,
    status: String,
    decided_at: Option<i64>,
}

async fn lines(
    app: &App,
    village: &Village,
    month: Month,
    wanted: &Wanted,
    start: &Start<i64>,
    neighbour: bool,
) -> Outcome<Vec<PublicLine>> {
    let mut sql = "SELECT p.number, p.household_number, m.name, m.consented, l.category, l.rule, \
                 COALESCE(u.name_zh, '委员会调整') AS rule_name, l.occurred_on, l.awarded AS points, p.status, \
                 COALESCE((SELECT CAST(SUM(r.awarded) AS BIGINT) FROM score_lines r \
                   WHERE r.village = l.village AND r.reverses = l.id), 0) AS reversed, \
                 (SELECT MAX(COALESCE(a.decided_at, o.lapsed_at, o.decided_at)) FROM objections o \
                   LEFT JOIN appeals a ON a.village = o.village AND a.objection = o.id \
                   WHERE o.village = p.village AND o.month = p.month AND o.number = p.number) \
                   AS decided_at \
               FROM public_list_lines p \
               JOIN score_lines l ON l.village = p.village AND l.id = p.line \
               LEFT JOIN rules u ON u.rule_set = l.rule_set AND u.key = l.rule \
               LEFT JOIN shown_heads m ON m.village = p.village AND m.household = p.household \
               WHERE p.village = $1 AND p.month = $2 AND p.number > $3 \
               AND COALESCE(u.publicly_itemised, l.awarded > 0)"
        .to_owned();
    let after = start.after.unwrap_or(0);
    let mut values: Vec<Value> = vec![village.into(), month.to_string().into(), after.into()];
    let narrowing: [(_, Option<Value>); 2] = [
        ("l.category", wanted.category.map(|it| it.word().into())),
        ("p.household_number", wanted.household_number.map(Value::from)),
    ];
    for (column, value) in narrowing {
        let Some(value) = value else { continue };
        values.push(value);
        sql += &format!(" AND {column} = ${}", values.len());
    }
    values.push(start.fetch().into());
    sql += &format!(" ORDER BY p.number LIMIT ${}", values.len());
    let rows = db::all::<Row>(app.db.read(), &sql, values).await?;
    let line = |row: Row| PublicLine {
        number: row.number,
        household_number: row.household_number,
        name: row.name.map(|name| shown(&name, row.consented == Some(true), neighbour)),
        category: row.category,
        rule: row.rule,
        rule_name: row.rule_name,
        occurred_on: row.occurred_on,
        points: row.points,
        points_left: row.points + row.reversed,
        status: row.status,
        decided_at: row.decided_at.map(Instant),
    };
    Ok(rows.into_iter().map(line).collect())
}
