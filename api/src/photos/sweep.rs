//! What nobody needs goes: photos that no claim uses, and pictures whose upload came to nothing.

use std::collections::BTreeSet;

use sea_orm::{FromQueryResult, Value};
use uuid::Uuid;

use super::upload::UNUSED_DAYS;
use crate::app::App;
use crate::kernel::clock::Instant;
use crate::kernel::db::{self, Tx};
use crate::kernel::problem::Outcome;

/// So many are dealt with at once.
const BATCH: i64 = 200;
/// Uploads that came to nothing are looked for this many days back.
const LOOKED_BACK_DAYS: i64 = 30;

#[derive(FromQueryResult)]
struct NameRow {
    name: String,
}

/// Removes photos that no claim used for a week, and pictures without a row that are a day old.
pub async fn sweep(app: &App) -> Outcome<()> {
    let now = app.clock.now();
    let before = now.plus_days(-UNUSED_DAYS);
    while app.db.write(async |tx| sweep_unused(app, tx, before).await).await? > 0 {}
    for days in 2..=LOOKED_BACK_DAYS {
        sweep_day(app, now.plus_days(-days)).await?;
    }
    Ok(())
}

/// Some of the photos uploaded before an instant that no claim uses; returns how many.
async fn sweep_unused(app: &App, tx: &Tx, before: Instant) -> Outcome<usize> {
    let sql = format!(
        "SELECT name FROM photos WHERE NOT used AND uploaded_at < $1 \
         ORDER BY uploaded_at LIMIT $2{}",
        db::exclusively(tx)
    );
    let rows = db::all::<NameRow>(tx, &sql, [before.0.into(), BATCH.into()]).await?;
    delete(app, tx, rows).await
}

/// Photos of a person that no claim uses: for when they want to be forgotten. Those that claims use
/// stay evidence of points; who uploaded them is then an id that names nobody.
pub async fn forget(app: &App, tx: &Tx, person: Uuid) -> Outcome<()> {
    let sql = format!(
        "SELECT name FROM photos WHERE uploaded_by = $1 AND NOT used{}",
        db::exclusively(tx)
    );
    let rows = db::all::<NameRow>(tx, &sql, [person.into()]).await?;
    delete(app, tx, rows).await?;
    let sql = "UPDATE photos SET taken_at = NULL WHERE uploaded_by = $1 AND taken_at IS NOT NULL";
    db::run(tx, sql, [person.into()]).await?;
    Ok(())
}

async fn delete(app: &App, tx: &Tx, rows: Vec<NameRow>) -> Outcome<usize> {
    let names: Vec<_> = rows.into_iter().map(|row| row.name).collect();
    if names.is_empty() {
        return Ok(0);
    }
    let sql = format!("DELETE FROM photos WHERE name IN ({})", places(names.len()));
    db::run(tx, &sql, names.iter().map(|name| Value::from(name.as_str()))).await?;
    // Before the commit, as for one that is deleted by hand.
    app.photos.remove(&names).await?;
    Ok(names.len())
}

/// Pictures of a day that no row names. Their uploads ended long ago: none takes a day.
async fn sweep_day(app: &App, day: Instant) -> Outcome<()> {
    let found = app.photos.of_day(&day.day().to_string()).await?;
    for names in found.chunks(500) {
        let sql = format!("SELECT name FROM photos WHERE name IN ({})", places(names.len()));
        let values = names.iter().map(|name| Value::from(name.as_str()));
        let known = db::all::<NameRow>(app.db.read(), &sql, values).await?;
        let known: BTreeSet<_> = known.into_iter().map(|row| row.name).collect();
        let orphans: Vec<_> = names.iter().filter(|it| !known.contains(*it)).cloned().collect();
        app.photos.remove(&orphans).await?;
    }
    Ok(())
}

fn places(count: usize) -> String {
    (1..=count).map(|at| format!("${at}")).collect::<Vec<_>>().join(", ")
}
