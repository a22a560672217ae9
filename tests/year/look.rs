//! What is looked at: totals every week, and the bytes of all rows that the calendar writes at the end.

use std::collections::BTreeMap;

use actix_web::web::Data;
use api::app::App;
use api::kernel::db;
use api::kernel::period::Week;
use sea_orm::{FromQueryResult, JsonValue, Statement};

/// Two figures that must be one, all over the county.
const TOTALS: &[(&str, &str)] = &[
    (
        "all postings come to nothing",
        "SELECT CAST(COALESCE(SUM(points), 0) AS BIGINT) FROM postings",
    ),
    (
        "all balances come to nothing",
        "SELECT CAST(COALESCE(SUM(points), 0) AS BIGINT) FROM balances",
    ),
    (
        "what was issued was awarded on a line",
        "SELECT CAST(COALESCE((SELECT SUM(awarded) FROM score_lines), 0) \
         + COALESCE((SELECT SUM(points) FROM balances WHERE account = 'issued'), 0) AS BIGINT)",
    ),
    (
        "a sheet is the sum of its lines",
        "SELECT CAST(COALESCE((SELECT SUM(points) FROM score_sheets), 0) \
         - COALESCE((SELECT SUM(awarded) FROM score_lines WHERE kind <> 'reversal'), 0) AS BIGINT)",
    ),
    (
        "what is held is held for a prize",
        "SELECT CAST(COALESCE((SELECT SUM(held) FROM balances), 0) \
         - COALESCE((SELECT SUM(points) FROM redemptions WHERE status = 'held'), 0) AS BIGINT)",
    ),
    (
        "standings of the year are the lines of the year",
        "SELECT CAST(COALESCE((SELECT SUM(points) FROM standings WHERE LENGTH(period) = 4), 0) \
         - COALESCE((SELECT SUM(awarded) FROM score_lines), 0) AS BIGINT)",
    ),
];

/// All totals add up.
pub async fn at_totals(app: &Data<App>, week: Week) {
    for (what, sql) in TOTALS {
        let odd = db::number(app.db.read(), sql, []).await.expect("a total");
        assert_eq!(odd, 0, "{week}: {what}");
    }
}

/// Tables that the calendar writes: the columns that do not hold an id or a moment of the server's own,
/// in an order of their own.
const ROWS: &[(&str, &str, &str)] = &[
    ("score_sheets", "week, status, closes_at, line_count, points", "week"),
    (
        "score_lines",
        "id, kind, week, household, rule, category, occurred_on, approved_at, times, claimed, awarded, \
         reason",
        "id",
    ),
    ("journals", "id, kind, ref, actor, reverses, at", "id"),
    ("postings", "journal, account, household, points", "journal, account, household"),
    ("balances", "household, account, points, held, frozen", "household, account"),
    (
        "public_lists",
        "month, status, opens_at, closes_at, line_count, household_count, points",
        "month",
    ),
    (
        "public_list_lines",
        "month, number, line, household, household_number, status, confirmed_at",
        "month, number",
    ),
    (
        "objections",
        "id, month, number, line, status, filed_at, decision, decided_at, points_after",
        "id",
    ),
    (
        "standings",
        "period, household, points, deductions, categories, reached_at",
        "period, household",
    ),
    (
        "category_standings",
        "period, category, household, points, deductions, categories, reached_at",
        "period, category, household",
    ),
    (
        "period_totals",
        "period, since, households, living_environment, family_virtue, patriotism, law_abiding, \
         public_welfare, enterprise, rural_construction, safety_deliberation",
        "period, since",
    ),
    ("journal_links", "sequence, journal, hash", "sequence"),
    ("list_checkpoints", "month, size, root, chain_length, chain_head, text", "month"),
    ("reversals", "id, line, points, status, decided_at, closed_at", "id"),
    ("refunds", "id, redemption, quantity, points, at", "id"),
    ("year_rankings", "year, status, publicity_ended, revision, published_at, final_at", "year"),
    (
        "final_standings",
        "year, revision, rank, household, points, deductions",
        "year, revision, rank",
    ),
    (
        "awards",
        "year, kind, place, rank, household, item, status, granted_at, lapses_at",
        "year, kind, place, household",
    ),
    (
        "redemptions",
        "id, household, quantity, points, refunded, status, held_at, expires_at, closed_at",
        "id",
    ),
    ("claims", "id, household, points, status, week, approved_at, version", "id"),
    ("households", "id, number, grid, status, ended_at, successor, spend_until", "id"),
];

/// A digest of each table's rows.
pub async fn digests(app: &Data<App>, villages: &[String]) -> BTreeMap<&'static str, String> {
    let mut digests = BTreeMap::new();
    for (table, columns, order) in ROWS {
        let mut text = String::new();
        for village in villages {
            let sql = format!(
                "SELECT {columns} FROM {table} WHERE village = '{village}' ORDER BY {order}"
            );
            let statement = Statement::from_string(app.db.backend(), sql);
            let rows = JsonValue::find_by_statement(statement).all(app.db.read()).await;
            let rows = rows.expect("the rows");
            let rows: String = rows.iter().map(ToString::to_string).collect();
            text.push_str(&digest(&rows));
        }
        digests.insert(*table, digest(&text));
    }
    digests
}

fn digest(text: &str) -> String {
    use sha2::{Digest, Sha256};
    let bytes = Sha256::digest(text.as_bytes());
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
