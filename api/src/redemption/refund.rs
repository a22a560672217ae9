//! `POST …/redemptions/{redemption}/refund` (退还): goods that were handed over come back or were faulty,
//! and their points become available again.

use actix_web::web::Data;
use actix_web::{HttpRequest, post};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::hold::{Held, audit, held};
use super::read::{Redemption, load};
use super::stock::{Change, change_stock};
use crate::app::App;
use crate::calendar;
use crate::households::{Notice, settle_ended, tell};
use crate::http::path_id;
use crate::identity::{KeepsShop, Official, is_concerned};
use crate::kernel::clock::Instant;
use crate::kernel::command::{Answer, Command, uuid_v7};
use crate::kernel::db::{self, Tx};
use crate::kernel::ledger::{self, Account, Journal, journal_id};
use crate::kernel::problem::{Code, Outcome, Refusal};
use crate::kernel::region::Village;
use crate::kernel::text::required;
use crate::register::{self, Entry, Kind};

/// How many are given back, and why.
#[derive(Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRefund {
    /// Made by the client, UUIDv7.
    #[validate(custom(function = "uuid_v7"))]
    pub id: Uuid,
    /// At most what was collected and not refunded yet.
    #[validate(range(min = 1, max = 100))]
    #[schema(minimum = 1, maximum = 100, example = 1)]
    pub quantity: i64,
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "瓶身破损")]
    pub reason: String,
    /// Whether the goods can be given out again.
    pub restocked: bool,
}

/// Refund a part or all of what was collected; not by whoever handed it over
#[utoipa::path(tag = "redemption", operation_id = "redemptions_refund", security(("bearer" = [])),
    params(("village" = Village, Path, description = "Code of the village"),
        ("redemption" = Uuid, Path, description = "The redemption's id")),
    request_body = NewRefund, responses((status = 200, body = Redemption)),
    extensions(("x-codes" = json!("role_required conflict_of_interest wrong_state reason_required \
        id_taken invalid_field"))))]
#[post("/v1/villages/{village}/redemptions/{redemption}/refund")]
async fn refund_redemption(
    clerk: Official<KeepsShop>,
    request: HttpRequest,
    new: Command<NewRefund>,
    app: Data<App>,
) -> Outcome<Answer<Redemption>> {
    let id = path_id(&request, "redemption")?;
    let done = new.once(&app, clerk.village.as_str(), clerk.account, async |tx| {
        refund(tx, &clerk, id, &new.body, app.clock.now()).await?;
        load(tx, &clerk, id).await
    });
    let done = done.await?;
    app.cache.refresh();
    Ok(done)
}

/// Nobody takes back what they gave out, nor anything of their own household or kin.
async fn may_refund(tx: &Tx, by: &Official<KeepsShop>, held: &Held) -> Outcome<()> {
    let handed_over = held.clerk == Some(by.person);
    if handed_over || is_concerned(tx, &by.village, by.person, held.household).await? {
        return Err(Code::ConflictOfInterest.into());
    }
    if held.status != "collected" {
        return Err(Refusal::wrong_state(held.status.as_str()).into());
    }
    Ok(())
}

async fn refund(
    tx: &Tx,
    by: &Official<KeepsShop>,
    id: Uuid,
    new: &NewRefund,
    now: Instant,
) -> Outcome<()> {
    let village = &by.village;
    let reason = required(&new.reason, "/reason")?;
    calendar::touch(tx, village, now).await?;
    let found = held(tx, village, id).await?;
    may_refund(tx, by, &found).await?;
    let left = found.quantity - found.refunded;
    if new.quantity > left {
        let what = format!("at most {left}");
        return Err(Refusal::from(Code::InvalidField).at("/quantity", "range", what).into());
    }
    // One price for all of them: the points are a multiple of the quantity.
    let points = found.points / found.quantity * new.quantity;
    let given = Given { new, points, reason: &reason };
    record(tx, by, id, &given, now).await?;
    // The household's balance is locked before the stock, and both before the journal.
    ledger::available(tx, village, found.household).await?;
    if new.restocked {
        let (prize, quantity) = (found.prize, new.quantity);
        let change = Change { prize, quantity, kind: "refund", reference: new.id };
        change_stock(tx, village, change, Some((by.person, reason.clone())), now).await?;
    }
    let journal = Journal {
        kind: "refund",
        reference: new.id.to_string(),
        reverses: Some(journal_id(village, "redemption", &id.to_string())),
        postings: vec![(Account::Redeemed, -points), (Account::Available(found.household), points)],
    };
    ledger::post(tx, village, Some(by.person), now, &[journal]).await?;
    settle_ended(tx, village, &format!("refund {}", new.id), now).await?;
    inform(tx, by, id, &found, &given, now).await
}

/// What is given back.
struct Given<'a> {
    new: &'a NewRefund,
    points: i64,
    reason: &'a str,
}

async fn record(
    tx: &Tx,
    by: &Official<KeepsShop>,
    id: Uuid,
    given: &Given<'_>,
    now: Instant,
) -> Outcome<()> {
    let (village, Given { new, points, reason }) = (&by.village, given);
    let sql = "INSERT INTO refunds (village, id, redemption, quantity, points, reason, restocked, \
               person, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    let values: [Value; 9] = [
        village.into(),
        new.id.into(),
        id.into(),
        new.quantity.into(),
        (*points).into(),
        (*reason).into(),
        new.restocked.into(),
        by.person.into(),
        now.0.into(),
    ];
    if db::run(tx, sql, values).await? == 0 {
        return Err(Code::IdTaken.into());
    }
    let sql = "UPDATE redemptions SET refunded = refunded + $3, status = CASE \
               WHEN refunded + $3 = quantity THEN 'refunded' ELSE status END, \
               version = version + 1 WHERE village = $1 AND id = $2";
    let values: [Value; 3] = [village.into(), id.into(), new.quantity.into()];
    db::run(tx, sql, values).await?;
    Ok(())
}

/// For the auditor, the register and the family.
async fn inform(
    tx: &Tx,
    by: &Official<KeepsShop>,
    id: Uuid,
    held: &Held,
    given: &Given<'_>,
    now: Instant,
) -> Outcome<()> {
    let (village, Given { new, points, reason }) = (&by.village, given);
    let detail = serde_json::json!({
        "refund": new.id, "quantity": new.quantity, "points": points, "reason": reason,
        "restocked": new.restocked,
    });
    audit(tx, village, by.person, "redemption.refund", id, detail, now).await?;
    let what = format!("{}×{}退还{points}分", held.prize_name, new.quantity);
    let (kind, person) = (Kind::Refund, Some(by.person));
    let note = format!("{what}：{reason}");
    let entry = Entry { kind, subject: id.to_string(), person, note: note.clone() };
    register::enter(tx, village, now, &[entry]).await?;
    let kind = "redemption_refunded";
    let notice = Notice { recipient: held.household, kind, subject: id, detail: note };
    tell(tx, village, now, &[notice]).await
}
