//! `POST /v1/villages/{village}/rankings/{year}/extension`: a ranking hangs longer, where an outage ate into
//! its days.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::year::{YearRanking, year_ranking};
use crate::app::App;
use crate::calendar;
use crate::http::path_part;
use crate::identity::{ExtendsPublicity, Official};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::readable;
use crate::kernel::year::Year;
use crate::register::{self, Entry, Kind};

/// For how long a ranking is to be in publicity in all.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRankingExtension {
    /// Weeks from its publication; more than it has now.
    #[validate(range(min = 1, max = 4))]
    #[schema(minimum = 1, maximum = 4, example = 2)]
    pub weeks: i64,
    /// Everybody reads it on the board.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "元月3日至5日停电断网，公示顺延一周")]
    pub reason: String,
}

/// Until when a year's ranking is in publicity.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct RankingPublicity {
    pub year: Year,
    pub published_at: Instant,
    /// Until when objections are taken.
    pub objections_until: Instant,
    /// Why longer than seven days.
    #[schema(example = "元月3日至5日停电断网，公示顺延一周")]
    pub reason: String,
}

/// Have a year's ranking in publicity for longer; for the township
#[utoipa::path(tag = "rankings", operation_id = "rankings_extend", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("year" = Year, Path, description = "The year")),
    request_body = NewRankingExtension, responses((status = 201, body = RankingPublicity)),
    extensions(("x-codes" = json!("role_required list_not_open reason_required invalid_field"))))]
#[post("/v1/villages/{village}/rankings/{year}/extension")]
async fn extend_ranking(
    officer: Official<ExtendsPublicity>,
    request: HttpRequest,
    extension: Command<NewRankingExtension>,
    app: Data<App>,
) -> Outcome<Answer<RankingPublicity>> {
    let year: Year = path_part(&request, "year")?;
    let done = extension.once(&app, officer.village.as_str(), officer.account, async |tx| {
        extend(tx, &officer, year, &extension.body, app.clock.now()).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

async fn extend(
    tx: &Tx,
    by: &Official<ExtendsPublicity>,
    year: Year,
    new: &NewRankingExtension,
    now: Instant,
) -> Outcome<RankingPublicity> {
    let village = &by.village;
    let reason = readable(&new.reason)
        .ok_or_else(|| Refusal::from(Code::ReasonRequired).at("/reason", "required", ""))?;
    // Also the village's lock, under which a ranking becomes final.
    calendar::touch(tx, village, now).await?;
    let ranking = year_ranking(tx, village, year).await?.filter(|it| it.is_open(now));
    let ranking = ranking.ok_or(Code::ListNotOpen)?;
    let until = ending(&ranking, new.weeks)?;
    // A later end is seen when the earlier one is due: nothing is done then but look for the next step.
    let sql = "UPDATE year_rankings SET extended_until = $3, extension_reason = $4 \
               WHERE village = $1 AND year = $2 AND status = 'published' AND NOT publicity_ended";
    let values: [Value; 4] = [village.into(), year.into(), until.0.into(), reason.as_str().into()];
    db::run(tx, sql, values).await?;
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "ranking.extend",
        subject: year.to_string(),
        detail: serde_json::json!({ "from": ranking.ends_at(), "to": until }),
    };
    audit::record(tx, now, act).await?;
    let entry = Entry {
        kind: Kind::Extension,
        subject: year.to_string(),
        person: Some(by.person),
        note: format!("{year}年度排名公示延长至{}：{reason}", until.day()),
    };
    register::enter(tx, village, now, &[entry]).await?;
    let published_at = Instant(ranking.published_at);
    Ok(RankingPublicity { year, published_at, objections_until: until, reason })
}

/// When a ranking's publicity ends after `weeks` in all.
///
/// # Errors
/// `invalid_field` if that is no later than it ends now.
fn ending(ranking: &YearRanking, weeks: i64) -> Result<Instant, Refusal> {
    let until = Instant(ranking.published_at).plus_days(7 * weeks);
    if until > ranking.ends_at() {
        return Ok(until);
    }
    let why = format!("longer than until {}", ranking.ends_at());
    Err(Refusal::from(Code::InvalidField).at("/weeks", "range", why))
}
