//! A claim whose ground has gone: taken back by whoever takes the ground back.

use sea_orm::Value;
use uuid::Uuid;

use super::decisions::{locked, this_week};
use super::facts::live;
use crate::app::App;
use crate::kernel::audit::{self, Act};
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::Outcome;
use crate::kernel::region::Village;
use crate::{changes, publicity};

/// What became of the points of a claim that was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retracted {
    /// It had earned none, or they were taken back before.
    Nothing,
    /// It was not scored yet: it is withdrawn.
    Claim,
    /// It was scored and not confirmed: its line is struck.
    Line,
    /// Confirmed, contested on a closed list, or given back, or to be, on appeal: only a reversal, which two
    /// others decide, takes them back.
    Stands,
}

/// Takes a claim back as far as one decision may. The caller holds the village alone, has had the decision
/// taken by two, and tells the household.
///
/// # Errors
/// `busy` if the week ended since the request was let in.
pub async fn retract(
    app: &App,
    tx: &Tx,
    village: &Village,
    by: Uuid,
    id: Uuid,
    why: &str,
) -> Outcome<Retracted> {
    // The sheet before the line and the line before the claim, as everywhere.
    let (_, now) = this_week(app, tx, village).await?;
    publicity::lock_line(tx, village, id).await?;
    let claim = locked(tx, village, &[id]).await?.remove(&id);
    let Some(claim) = claim else { return Ok(Retracted::Nothing) };
    let fate = match claim.status.as_str() {
        "submitted" | "in_review" | "returned" | "approved" => {
            let sql = "UPDATE claims SET status = 'withdrawn', decided_reason = $3, \
                       version = version + 1 WHERE village = $1 AND id = $2";
            let values: [Value; 3] = [village.into(), id.into(), why.into()];
            db::run(tx, sql, values).await?;
            changes::stamp_claims(tx, village, &[id]).await?;
            Retracted::Claim
        }
        "scored" if publicity::contested(tx, village, id).await?.list_status != "closed" => {
            publicity::strike(tx, village, by, id, now).await?;
            Retracted::Line
        }
        "scored" | "confirmed" => return Ok(Retracted::Stands),
        "overturned" | "reversed" if is_live(tx, village, id).await? => {
            return Ok(Retracted::Stands);
        }
        _ => return Ok(Retracted::Nothing),
    };
    let act = Act {
        region: village.as_str(),
        actor: Some(by),
        action: "claim.retract",
        subject: id.to_string(),
        detail: serde_json::json!({ "status": claim.status, "reason": why }),
    };
    audit::record(tx, now, act).await?;
    Ok(fate)
}

/// Whether a claim whose line was struck can still be paid, or was by another line.
async fn is_live(tx: &Tx, village: &Village, id: Uuid) -> Outcome<bool> {
    let live = live();
    let sql =
        format!("SELECT COUNT(*) FROM claims c WHERE c.village = $1 AND c.id = $2 AND {live}");
    Ok(db::number(tx, &sql, [village.into(), id.into()]).await? > 0)
}
