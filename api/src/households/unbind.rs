//! `POST …/households/{household}/members/{person}/unbinding`: a login that was lost, or is in the wrong
//! hands, is taken from a member, who can then be found by phone or ask again.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::file::{changed, open, present};
use super::read::Household;
use super::{Notice, tell};
use crate::app::App;
use crate::http::path_id;
use crate::identity::{Governs, Official, may_dismiss};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command};
use crate::kernel::db::Tx;
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::sessions;

/// Why a login is taken from somebody.
#[derive(Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUnbinding {
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "手机丢失")]
    pub reason: String,
}

/// Take a member's WeChat login from them; every device is logged out
#[utoipa::path(tag = "households", operation_id = "households_unbind_member",
    security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("household" = Uuid, Path, description = "The household's id"),
        ("person" = Uuid, Path, description = "The member")),
    request_body = NewUnbinding, responses((status = 200, body = Household)),
    extensions(("x-codes" = json!("role_required role_above_own last_admin conflict_of_interest \
        wrong_state reason_required invalid_field"))))]
#[post("/v1/villages/{village}/households/{household}/members/{person}/unbinding")]
async fn unbind_member(
    officer: Official<Governs>,
    request: HttpRequest,
    unbinding: Command<NewUnbinding>,
    app: Data<App>,
) -> Outcome<Answer<Household>> {
    let (id, person) = (path_id(&request, "household")?, path_id(&request, "person")?);
    let done = unbinding.once(&app, officer.village.as_str(), officer.account, async |tx| {
        let now = app.clock.now();
        let because = required(&unbinding.body.reason, "/reason")?;
        unbind(tx, &officer, id, person, now).await?;
        sessions::forget_wechat(tx, person, app.token_clock.now()).await?;
        let detail = serde_json::json!({ "person": person, "reason": because });
        changed(tx, &officer, id, "household.unbind", detail, now).await
    });
    done.await
}

async fn unbind(
    tx: &Tx,
    by: &Official<Governs>,
    id: Uuid,
    person: Uuid,
    now: Instant,
) -> Outcome<()> {
    open(tx, by, id, now).await?;
    if !present(tx, &by.village, id).await?.iter().any(|member| member.person == person) {
        return Err(Code::NotFound.into());
    }
    may_dismiss(tx, by, person, now).await?;
    let notice = Notice {
        recipient: id,
        kind: "account_unbound",
        subject: person,
        detail: "户内成员的微信绑定已解除；如有疑问，请联系镇管理员".to_owned(),
    };
    tell(tx, &by.village, now, &[notice]).await
}
