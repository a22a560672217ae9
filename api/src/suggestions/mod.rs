//! Suggestions of villagers (建议): what they think of the rules, what became of it, and which version of
//! the rules it brought about.

mod answer;
mod list;
mod submit;

use std::collections::BTreeSet;

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use crate::households::{Notice, tell};
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::{Code, Outcome};
use crate::kernel::region::Village;
use crate::kernel::routes::Routes;

pub fn routes(routes: &mut Routes<'_, '_>) {
    routes
        .service(list::list_suggestions)
        .service(submit::submit_suggestion)
        .service(answer::answer_suggestion);
}

fn places(from: usize, count: usize) -> String {
    (from..from + count).map(|at| format!("${at}")).collect::<Vec<_>>().join(", ")
}

#[derive(FromQueryResult)]
struct Open {
    id: Uuid,
    person: Uuid,
}

/// Those of the named suggestions that are the village's and wait for an answer, kept unchanged by others
/// until the transaction ends.
async fn open(tx: &Tx, village: &Village, ids: &[Uuid]) -> Outcome<Vec<Open>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT id, person FROM suggestions WHERE village = $1 AND id IN ({}) \
         AND status = 'open' ORDER BY id{}",
        places(2, ids.len()),
        db::exclusively(tx)
    );
    let values = std::iter::once(Value::from(village)).chain(ids.iter().map(|id| (*id).into()));
    Ok(db::all::<Open>(tx, &sql, values).await?)
}

/// Which of the named suggestions are the village's and wait for an answer.
pub async fn open_among(tx: &Tx, village: &Village, ids: &[Uuid]) -> Outcome<BTreeSet<Uuid>> {
    Ok(open(tx, village, ids).await?.into_iter().map(|it| it.id).collect())
}

/// A published rule set answers suggestions: they are adopted, and their authors are told. What was answered
/// meanwhile stays as it was answered.
///
/// # Errors
/// `conflict_of_interest` if `by` made one of them.
pub async fn adopt(
    tx: &Tx,
    village: &Village,
    ids: &[Uuid],
    rule_set: Uuid,
    by: Uuid,
    now: Instant,
) -> Outcome<()> {
    let adopted = open(tx, village, ids).await?;
    if adopted.is_empty() {
        return Ok(());
    }
    if adopted.iter().any(|it| it.person == by) {
        return Err(Code::ConflictOfInterest.into());
    }
    let sql = format!(
        "UPDATE suggestions SET status = 'adopted', rule_set = $2, answered_by = $3, \
         answered_at = $4 WHERE village = $1 AND id IN ({})",
        places(5, adopted.len())
    );
    let values: [Value; 4] = [village.into(), rule_set.into(), by.into(), now.0.into()];
    let ids = adopted.iter().map(|it| Value::from(it.id));
    db::run(tx, &sql, values.into_iter().chain(ids)).await?;
    let notices: Vec<_> = adopted
        .iter()
        .map(|it| Notice {
            recipient: it.person,
            kind: "suggestion_adopted",
            subject: it.id,
            detail: "您的建议已写入新的积分细则".to_owned(),
        })
        .collect();
    tell(tx, village, now, &notices).await
}
