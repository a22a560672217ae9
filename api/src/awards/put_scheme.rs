//! `PUT /v1/villages/{village}/award-scheme/{year}`: a village's own awards, set before the year ends.

use actix_web::web::Data;
use actix_web::{HttpRequest, put};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::scheme::{AwardItem, AwardScheme, load};
use crate::app::App;
use crate::http::{if_match, path_part};
use crate::identity::{Governs, Official};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Body};
use crate::kernel::db::{self, Column, Tx};
use crate::kernel::problem::{Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::readable;
use crate::kernel::year::Year;
use crate::{calendar, labels};

/// What a village awards for a year.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAwardScheme {
    /// Ranges of places that do not overlap; none at all if the village awards nothing.
    #[validate(nested, length(max = 20))]
    #[schema(max_items = 20)]
    pub items: Vec<AwardItem>,
}

/// Set what a year's ranking awards, before the year ends
#[utoipa::path(tag = "awards", operation_id = "award_schemes_put", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("year" = Year, Path, description = "The year"),
        ("If-Match" = String, Header, description = "The ETag of the scheme that was read",
            example = "\"0\"")),
    request_body = NewAwardScheme, responses((status = 200, body = AwardScheme)),
    extensions(("x-codes" = json!("role_required wrong_state invalid_field \
        precondition_required precondition_failed"))))]
#[put("/v1/villages/{village}/award-scheme/{year}")]
async fn put_scheme(
    officer: Official<Governs>,
    request: HttpRequest,
    scheme: Body<NewAwardScheme>,
    app: Data<App>,
) -> Outcome<Answer<AwardScheme>> {
    let year: Year = path_part(&request, "year")?;
    let items = checked(&scheme.0.items)?;
    let put = app.db.write(async |tx| {
        let now = app.clock.now();
        calendar::touch(tx, &officer.village, now).await?;
        if_match(&request, load(tx, &officer.village, year).await?.version)?;
        if now >= year.period().ends_at() {
            return Err(Refusal::wrong_state("year_over").into());
        }
        fix(tx, &officer.village, year, &items, now).await?;
        let act = Act {
            region: officer.village.as_str(),
            actor: Some(officer.person),
            action: "award_scheme.set",
            subject: year.to_string(),
            detail: serde_json::json!({ "items": items }),
        };
        audit::record(tx, now, act).await?;
        load(tx, &officer.village, year).await
    });
    let put = put.await?;
    let version = put.version;
    Ok(Answer::ok(put).version(version))
}

/// The items in order of places, with readable names.
///
/// # Errors
/// `invalid_field`.
fn checked(items: &[AwardItem]) -> Outcome<Vec<AwardItem>> {
    let odd = |at: usize, field: &str, code: &str, why: &str| {
        let refusal = Refusal::from(crate::kernel::problem::Code::InvalidField);
        Err(refusal.at(&format!("/items/{at}/{field}"), code, why).into())
    };
    let funding = labels::all().find(|it| it.name == "funding");
    let known = |word: &str| funding.is_some_and(|it| it.words.iter().any(|it| it.word == word));
    let mut all = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let (Some(name_zh), Some(name_en)) = (readable(&item.name_zh), readable(&item.name_en))
        else {
            return odd(at, "name_zh", "required", "unreadable");
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if !item.item.bytes().all(plain) {
            return odd(at, "item", "pattern", "letters, digits, `.`, `_` and `-`");
        }
        if !known(&item.funding) {
            return odd(at, "funding", "unknown", "a word of the enumeration `funding`");
        }
        if item.rank_to < item.rank_from {
            return odd(at, "rank_to", "range", "not before `rank_from`");
        }
        let apart = |it: &AwardItem| it.rank_to < item.rank_from || item.rank_to < it.rank_from;
        if !items.split_at(at).0.iter().all(apart) {
            return odd(at, "rank_from", "overlap", "these places have something already");
        }
        all.push(AwardItem { name_zh, name_en, ..item.clone() });
    }
    all.sort_by_key(|item| item.rank_from);
    Ok(all)
}

/// Writes the scheme in the place of any before.
pub async fn fix(
    tx: &Tx,
    village: &Village,
    year: Year,
    items: &[AwardItem],
    now: Instant,
) -> Outcome<()> {
    let key = || -> [Value; 2] { [village.into(), year.into()] };
    let sql = "INSERT INTO award_schemes (village, year, version, set_at) VALUES ($1, $2, 1, $3) \
               ON CONFLICT (village, year) DO UPDATE SET version = award_schemes.version + 1, \
               set_at = excluded.set_at";
    db::run(tx, sql, key().into_iter().chain([now.0.into()])).await?;
    db::run(tx, "DELETE FROM award_items WHERE village = $1 AND year = $2", key()).await?;
    let count = items.len();
    let text = |get: fn(&AwardItem) -> &String| items.iter().map(|it| get(it).clone()).collect();
    let number = |get: fn(&AwardItem) -> i64| items.iter().map(get).collect();
    let columns = [
        Column::Text("village", vec![village.to_string(); count]),
        Column::Text("year", vec![year.to_string(); count]),
        Column::Text("item", text(|it| &it.item)),
        Column::Text("name_zh", text(|it| &it.name_zh)),
        Column::Text("name_en", text(|it| &it.name_en)),
        Column::Number("rank_from", number(|it| it.rank_from)),
        Column::Number("rank_to", number(|it| it.rank_to)),
        Column::Number("value_fen", number(|it| it.value_fen)),
        Column::Text("funding", text(|it| &it.funding)),
    ];
    db::bulk_insert(tx, "award_items", &columns, "").await?;
    Ok(())
}
