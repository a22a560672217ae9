//! `POST …/public-lists/{month}/extension`: a list hangs longer, where an outage ate into its weeks.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::list::{PublicList, load};
use crate::app::App;
use crate::calendar;
use crate::http::path_part;
use crate::identity::{ExtendsPublicity, Official};
use crate::kernel::audit::{self, Act};
use crate::kernel::clock::{DAY_MS, Instant};
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::{self, Tx};
use crate::kernel::period::Month;
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::register::{self, Entry, Kind};

/// For how long a list is to hang in all.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExtension {
    /// Weeks of publicity from the list's opening; more than it has now.
    #[validate(range(min = 1, max = 4))]
    #[schema(minimum = 1, maximum = 4, example = 2)]
    pub weeks: i64,
    /// Everybody reads it on the list.
    #[validate(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "9月3日至5日停电断网，公示顺延一周")]
    pub reason: String,
}

/// Have an open list hang longer; for the township
#[utoipa::path(tag = "publicity", operation_id = "public_lists_extend", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("month" = Month, Path, description = "The month")),
    request_body = NewExtension, responses((status = 201, body = PublicList)),
    extensions(("x-codes" = json!("role_required list_not_open reason_required invalid_field"))))]
#[post("/v1/villages/{village}/public-lists/{month}/extension")]
async fn extend_list(
    officer: Official<ExtendsPublicity>,
    request: HttpRequest,
    extension: Command<NewExtension>,
    app: Data<App>,
) -> Outcome<Answer<PublicList>> {
    let month = path_part(&request, "month")?;
    let done = extension.once(&app, officer.village.as_str(), officer.account, async |tx| {
        extend(&app, tx, &officer, month, &extension.body).await
    });
    let done = done.await?.created();
    app.cache.refresh();
    Ok(done)
}

async fn extend(
    app: &App,
    tx: &Tx,
    by: &Official<ExtendsPublicity>,
    month: Month,
    new: &NewExtension,
) -> Outcome<PublicList> {
    let village = &by.village;
    let reason = required(&new.reason, "/reason")?;
    let now = app.clock.now();
    calendar::touch(tx, village, now).await?;
    let sql = format!(
        "SELECT * FROM public_lists WHERE village = $1 AND month = $2{}",
        db::exclusively(tx)
    );
    let key = || -> [Value; 2] { [village.into(), month.to_string().into()] };
    let Some(list) = db::one::<entity::public_list::Model>(tx, &sql, key()).await? else {
        let coming = now < month.period().ends_at();
        return Err(if coming { Code::ListNotOpen } else { Code::NotFound }.into());
    };
    if list.status != "open" {
        return Err(Code::ListNotOpen.into());
    }
    let closes_at = closing(Instant(list.opens_at), Instant(list.closes_at), new.weeks)?;
    // A later close is seen when the earlier one is due: nothing is done then but look for the next step.
    let sql = "UPDATE public_lists SET closes_at = $3, extension_reason = $4, \
               extended_from = COALESCE(extended_from, closes_at) \
               WHERE village = $1 AND month = $2 AND status = 'open'";
    let values = [Value::from(closes_at.0), reason.as_str().into()];
    db::run(tx, sql, key().into_iter().chain(values)).await?;
    record(tx, by, month, (list.closes_at, closes_at), &reason, now).await?;
    load(tx, village, month).await
}

/// When a list that opened at `opens` closes after `weeks`.
///
/// # Errors
/// `invalid_field` if that is no later than it closes now.
fn closing(opens: Instant, closes: Instant, weeks: i64) -> Result<Instant, Refusal> {
    let later = opens.plus_days(7 * weeks);
    if later > closes {
        return Ok(later);
    }
    let now = (closes.0 - opens.0) / (7 * DAY_MS);
    let why = format!("more than the {now} weeks that it has");
    Err(Refusal::from(Code::InvalidField).at("/weeks", "range", why))
}

async fn record(
    tx: &Tx,
    by: &Official<ExtendsPublicity>,
    month: Month,
    (from, to): (i64, Instant),
    reason: &str,
    now: Instant,
) -> Outcome<()> {
    let village = &by.village;
    let act = Act {
        region: village.as_str(),
        actor: Some(by.person),
        action: "public_list.extend",
        subject: month.to_string(),
        detail: serde_json::json!({ "from": Instant(from), "to": to }),
    };
    audit::record(tx, now, act).await?;
    let entry = Entry {
        kind: Kind::Extension,
        subject: month.to_string(),
        person: Some(by.person),
        note: format!("{month}公示延长至{}：{reason}", to.day()),
    };
    register::enter(tx, village, now, &[entry]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_only_ever_hangs_longer() {
        let opens = Instant(0);
        let closes = opens.plus_days(14);
        assert_eq!(closing(opens, closes, 3), Ok(opens.plus_days(21)));
        for weeks in [1, 2] {
            let refused = closing(opens, closes, weeks).expect_err("not longer");
            assert_eq!(refused.code, Code::InvalidField, "{weeks}");
        }
    }
}
