use api::kernel::db;

use super::tampering::with_history;

/// History is refused to be changed by the database itself, whoever asks.
#[actix_web::test]
async fn the_database_refuses_to_change_history() {
    let world = with_history().await;
    let tables = ["journals", "postings", "score_lines", "reviews", "stock_moves", "audit_events"];
    for table in tables.into_iter().chain(["journal_links", "list_checkpoints"]) {
        assert!(world.count(table).await > 0, "{table} is empty");
        for sql in [format!("DELETE FROM {table}"), format!("UPDATE {table} SET village = village")]
        {
            let sql = if table == "audit_events" { sql.replace("village", "region") } else { sql };
            let done = world.app.db.write(async |tx| Ok(db::run(tx, &sql, []).await?)).await;
            let error = done.expect_err("a refusal").to_string();
            assert!(error.contains("append_only"), "{sql}: {error}");
        }
    }
    let closed = "UPDATE score_sheets SET points = 0 WHERE status = 'closed'";
    let done = world.app.db.write(async |tx| Ok(db::run(tx, closed, []).await?)).await;
    assert!(done.is_err(), "a closed sheet changed");
    world.verified().await;
}

#[actix_web::test]
async fn the_database_refuses_a_hold_without_points_and_a_stock_below_zero() {
    let world = with_history().await;
    for sql in [
        "UPDATE balances SET held = points + 1 WHERE account = 'available'",
        "UPDATE balances SET held = -1",
        "UPDATE prizes SET stock = -1",
    ] {
        let done = world.app.db.write(async |tx| Ok(db::run(tx, sql, []).await?)).await;
        assert!(done.is_err(), "{sql}");
    }
}
