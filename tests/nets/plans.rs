//! No request reads a growing table whole: in a county with a year behind it every GET of the contract is
//! asked by everybody, and the database itself says how many rows it looked at.

use std::collections::{BTreeMap, BTreeSet};

use api::kernel::db;
use sea_orm::{FromQueryResult, Value};
use serde_json::json;

use super::statements::{DEEDS, SETS, actor, grow, rows};
use crate::support::{
    Actor, HERE, World, at, claim, contract, grid_of, head_id, household_id, order_of,
};

/// A table that grows with every week, and how a county's worth of it is made from what lives in [`HERE`].
struct Growing {
    table: &'static str,
    /// Which rows are copied.
    of: &'static str,
    /// How many of it a county has, about; 0: as many copies as there are of each family, 16 a village.
    rows: usize,
    /// Columns in which each copy is another: ids, and what is unique beside them.
    own: &'static [&'static str],
    /// Columns that each copy has as they are.
    same: &'static [&'static str],
    /// Other columns and their SQL.
    other: &'static [(&'static str, &'static str)],
}

const IN_VILLAGE: &str = "t.village = '460205100201'";
const OF_PERSON: &str = "t.person IN (SELECT person FROM members WHERE village = '460205100201')";
const OF_ACCOUNT: &str = "t.account IN (SELECT a.id FROM accounts a JOIN members m \
    ON m.person = a.person WHERE m.village = '460205100201')";
/// Forty weeks for what has one.
const WEEK: &str = "CASE WHEN t.week IS NULL THEN NULL \
    ELSE '2024-W' || lpad(CAST(s % 40 + 1 AS TEXT), 2, '0') END";

const fn table(table: &'static str, rows: usize, own: &'static [&'static str]) -> Growing {
    Growing { table, of: IN_VILLAGE, rows, own, same: &["rule_set"], other: &[] }
}

const fn of(growing: Growing, of: &'static str) -> Growing {
    Growing { of, ..growing }
}

const fn with(growing: Growing, other: &'static [(&'static str, &'static str)]) -> Growing {
    Growing { other, ..growing }
}

const FAMILIES: &[(&str, &str)] = &[("number", "t.number + s * 1000")];
const NUMBERS: &[(&str, &str)] =
    &[("number", "t.number + s * 1000"), ("household_number", "t.household_number + s * 1000")];
const WEEKS: &[(&str, &str)] = &[("week", WEEK)];
const SEQUENCE: &[(&str, &str)] = &[("sequence", "t.sequence + s * 100000")];

const TABLES: &[Growing] = &[
    with(table("households", 0, &[]), FAMILIES),
    table("members", 0, &[]),
    of(
        table("persons", 0, &["id_digest", "phone_digest"]),
        "t.id IN (SELECT person FROM members WHERE village = '460205100201')",
    ),
    of(table("accounts", 0, &["persona"]), OF_PERSON),
    of(table("bindings", 0, &[]), OF_PERSON),
    of(table("sessions", 30_000, &["id"]), OF_ACCOUNT),
    of(table("idempotency_keys", 30_000, &["key"]), OF_ACCOUNT),
    table("balances", 0, &[]),
    with(table("claims", 150_000, &["id", "dedupe"]), WEEKS),
    table("reviews", 30_000, &["claim"]),
    with(table("score_lines", 300_000, &["id", "reverses", "remedies"]), WEEKS),
    table("journals", 50_000, &["id", "ref"]),
    table("postings", 100_000, &["journal"]),
    with(table("journal_links", 50_000, &["journal"]), SEQUENCE),
    with(table("public_list_lines", 30_000, &["line"]), NUMBERS),
    table("standings", 60_000, &[]),
    with(table("period_totals", 30_000, &[]), &[("since", "t.since + s")]),
    table("redemptions", 30_000, &["id"]),
    table("stock_moves", 30_000, &["id", "ref"]),
    of(table("audit_events", 30_000, &["id"]), "t.region = '460205100201'"),
    table("inbox_items", 30_000, &["id"]),
    table("outbox", 30_000, &["id"]),
    table("objections", 30_000, &["id", "line"]),
    table("adjustments", 30_000, &["id"]),
    table("hearings", 30_000, &["id", "claim"]),
    table("warnings", 30_000, &["id"]),
    table("suggestions", 30_000, &["id"]),
    table("register_entries", 30_000, &["id"]),
    table("consents", 30_000, &["id"]),
    table("samples", 30_000, &["claim"]),
    table("kin", 30_000, &["person"]),
    table("vetoes", 30_000, &["id"]),
    table("ranking_objections", 30_000, &["id"]),
    of(table("binding_requests", 30_000, &["id"]), IN_VILLAGE),
];

/// Of these a county's figures and boards may take all: they grow with people, not with time.
const OF_PEOPLE: &[&str] = &["households", "members", "balances"];

/// So many rows a table must have for its reading to be told from that of an index.
const LARGE: i64 = 15_000;

#[derive(FromQueryResult)]
struct Column {
    name: String,
    kind: String,
}

/// A hundred villages with 16,000 families, beside those that live: ten in each of ten counties, for a
/// county that has all there is reads all there is.
async fn load(world: &World) {
    let columns = |table: &'static str| async move {
        let sql = "SELECT CAST(column_name AS TEXT) AS name, CAST(data_type AS TEXT) AS kind \
                   FROM information_schema.columns WHERE table_schema = 'public' \
                   AND table_name = $1 ORDER BY ordinal_position";
        db::all::<Column>(world.app.db.read(), sql, [table.into()]).await.expect("columns")
    };
    let mut statements = vec![
        // Neither keys nor triggers, which look at each row by itself: what is copied was right.
        "SET LOCAL session_replication_role = replica".to_owned(),
        format!(
            "CREATE TABLE bulk AS SELECT '{HERE}' AS code UNION ALL \
             SELECT '4602' || lpad(CAST(5 + n / 10 AS TEXT), 2, '0') || '101' || (201 + n % 10) \
             FROM generate_series(0, 98) n"
        ),
        "INSERT INTO regions (code, level, parent, name) SELECT DISTINCT substr(code, 1, 6), \
           'county', '4602', '县' FROM bulk ON CONFLICT DO NOTHING"
            .to_owned(),
        "INSERT INTO regions (code, level, parent, name) SELECT DISTINCT substr(code, 1, 9), \
           'township', substr(code, 1, 6), '镇' FROM bulk ON CONFLICT DO NOTHING"
            .to_owned(),
        "INSERT INTO regions (code, level, parent, name) SELECT code, 'village', \
           substr(code, 1, 9), '村' FROM bulk ON CONFLICT DO NOTHING"
            .to_owned(),
    ];
    let one =
        ["villages", "score_sheets", "public_lists", "chain_heads", "village_changes", "prizes"];
    let once = one.into_iter().map(|name| table(name, 1, &[]));
    for growing in once.chain(TABLES.iter().map(|it| Growing { ..*it })) {
        let columns = columns(growing.table).await;
        assert!(!columns.is_empty(), "{} has no columns", growing.table);
        let value = |column: &Column| copied(&growing, column);
        let names: Vec<_> = columns.iter().map(|it| format!("\"{}\"", it.name)).collect();
        let values: Vec<_> = columns.iter().map(value).collect();
        statements.push(format!(
            "INSERT INTO {} ({}) SELECT {} FROM {} t CROSS JOIN bulk b \
             CROSS JOIN generate_series(1, {}) s WHERE {} ON CONFLICT DO NOTHING",
            growing.table,
            names.join(", "),
            values.join(", "),
            growing.table,
            copies(world, &growing).await,
            growing.of
        ));
    }
    statements.push("DROP TABLE bulk".to_owned());
    let done = world.app.db.write(async |tx| {
        for sql in &statements {
            let started = std::time::Instant::now();
            let rows = db::run(tx, sql, []).await?;
            if std::env::var_os("JIFEN_TEST_SAYS").is_some() {
                eprintln!("{rows} {:?} {}", started.elapsed(), sql.get(..40).unwrap_or(sql));
            }
        }
        Ok(())
    });
    done.await.expect("a county");
    world.run("ANALYZE").await;
}

/// How often each row is copied in every village.
async fn copies(world: &World, growing: &Growing) -> usize {
    let there = world.count(&format!("{} t WHERE {}", growing.table, growing.of)).await;
    let there = usize::try_from(there).expect("a count");
    assert!(there > 0, "{} has nothing to copy", growing.table);
    match growing.rows {
        0 => 16,
        rows => rows.div_ceil(100 * there),
    }
}

/// SQL for a column of a copy: ids are made anew from the old one, the village and the copy, so that what
/// belonged together still does.
fn copied(growing: &Growing, column: &Column) -> String {
    let name = column.name.as_str();
    if let Some((_, sql)) = growing.other.iter().find(|(it, _)| *it == name) {
        return (*sql).to_owned();
    }
    let own = growing.own.contains(&name);
    let copy = if own { "s" } else { "s % 16" };
    match name {
        "village" | "region" | "scope" => "b.code".to_owned(),
        "grid" | "field_grid" => format!("replace(t.{name}, '{HERE}', b.code)"),
        _ if growing.same.contains(&name) => format!("t.\"{name}\""),
        _ if column.kind == "uuid" => {
            format!("CAST(md5(CAST(t.\"{name}\" AS TEXT) || b.code || ({copy})) AS UUID)")
        }
        _ if own => format!("t.\"{name}\" || b.code || s"),
        _ => format!("t.\"{name}\""),
    }
}

/// Rows that were read of each table since the database began: whole, and by an index.
#[derive(Clone, Copy, Default)]
struct Read {
    whole: i64,
    by_index: i64,
}

/// What all connections have read so far; each is made to say so.
async fn read_so_far(world: &World) -> BTreeMap<String, Read> {
    #[derive(FromQueryResult)]
    struct Row {
        name: String,
        whole: i64,
        by_index: i64,
    }
    let flush =
        "SELECT CAST(1 AS BIGINT) FROM (SELECT pg_stat_force_next_flush(), pg_sleep(0.02)) x";
    let flushes = (0..8).map(|_| db::number(world.app.db.read(), flush, []));
    for flushed in futures::future::join_all(flushes).await {
        flushed.expect("PostgreSQL 15 or later");
    }
    let sql = "SELECT CAST(relname AS TEXT) AS name, \
                 CAST(COALESCE(seq_tup_read, 0) AS BIGINT) AS whole, \
                 CAST(COALESCE(idx_tup_fetch, 0) AS BIGINT) AS by_index FROM pg_stat_user_tables";
    let rows = db::all::<Row>(world.app.db.read(), sql, []).await.expect("the counters");
    let row = |row: Row| (row.name, Read { whole: row.whole, by_index: row.by_index });
    rows.into_iter().map(row).collect()
}

const ACTORS: &[&str] =
    &["", "head 1", "worker 1", "panel", "committee", "clerk", "township", "county"];

/// What a GET that is no list needs in its query.
const QUERIES: &[(&str, &str)] = &[
    ("statistics_show", "period=2024-Q3"),
    ("statistics_export", "period=2024-Q3&format=csv"),
    ("entries_export", "period=2024-W35&format=csv"),
    ("charts_draw_categories", "period=2024-Q3"),
    ("charts_draw_participation", "period=2024-Q3"),
];

/// What nobody is answered here, for want of a photo or a published set of rules.
const UNANSWERED: &[&str] = &["photos_show", "photos_show_content"];

/// Ids of things that live here, by the name of their place in a path.
async fn things(world: &World) -> BTreeMap<&'static str, String> {
    #[derive(FromQueryResult)]
    struct Row {
        id: uuid::Uuid,
    }
    let mut things = BTreeMap::from([
        ("{village}", HERE.to_owned()),
        ("{household}", household_id(HERE, 1).to_string()),
        ("{person}", head_id(HERE, 1).to_string()),
        ("{relative}", head_id(HERE, 2).to_string()),
        ("{claim}", DEEDS[0].to_owned()),
        ("{set}", SETS[0].to_owned()),
        ("{grid}", grid_of(HERE, 1)),
        ("{week}", "2024-W35".to_owned()),
        ("{month}", "2024-08".to_owned()),
        ("{period}", "2024-Q3".to_owned()),
        ("{quarter}", "2024-Q3".to_owned()),
        ("{funding}", "bank".to_owned()),
        ("{key}", "goods.soap".to_owned()),
        ("{line}", "1".to_owned()),
        ("{number}", "1".to_owned()),
        ("{year}", "2023".to_owned()),
    ]);
    for (place, table) in [
        ("{redemption}", "redemptions"),
        ("{objection}", "objections"),
        ("{adjustment}", "adjustments"),
        ("{reversal}", "reversals"),
        ("{award}", "awards"),
        ("{dividend}", "dividends"),
        ("{veto}", "vetoes"),
        ("{honour}", "honours"),
        ("{suggestion}", "suggestions"),
    ] {
        let sql = format!("SELECT id FROM {table} WHERE village = $1 ORDER BY id LIMIT 1");
        let row = db::one::<Row>(world.app.db.read(), &sql, [Value::from(HERE)]).await;
        if let Some(row) = row.expect("a row") {
            things.insert(place, row.id.to_string());
        }
    }
    let sql = "SELECT id FROM committees WHERE region = $1 ORDER BY id LIMIT 1";
    let row = db::one::<Row>(world.app.db.read(), sql, [Value::from(HERE)]).await.expect("a row");
    things.insert("{committee}", row.expect("a committee").id.to_string());
    things
}

/// Every GET of the contract with the paths to ask it by.
fn questions(things: &BTreeMap<&'static str, String>) -> Vec<(String, Vec<String>)> {
    let lists = rows();
    let mut questions = Vec::new();
    for (template, item) in contract()["paths"].as_object().expect("paths") {
        let Some(id) = item["get"]["operationId"].as_str() else { continue };
        if id.starts_with("sandbox") {
            continue;
        }
        let query = QUERIES.iter().find(|(it, _)| *it == id).map(|(_, query)| format!("?{query}"));
        let regions: &[&str] = match template.contains("{region}") {
            true => &[HERE, "460205100", "460205"],
            false => &[HERE],
        };
        let path = |region: &&str| {
            let part = |part: &str| match part {
                "{region}" => (*region).to_owned(),
                part => things.get(part).cloned().unwrap_or_else(|| part.to_owned()),
            };
            let path: Vec<_> = template.split('/').map(part).collect();
            format!("{}{}", path.join("/"), query.clone().unwrap_or_default())
        };
        let mut paths: BTreeSet<_> = regions.iter().map(path).collect();
        paths.extend(lists.iter().filter(|row| row.id == id).map(|row| row.long.1.clone()));
        questions.push((id.to_owned(), paths.into_iter().collect()));
    }
    questions
}

#[actix_web::test]
async fn no_request_reads_a_growing_table_whole() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    if !world.is_postgres() {
        return keys_begin_with_the_tenant(&world).await;
    }
    grow(&world).await;
    let questions = questions(&things(&world).await);
    load(&world).await;
    let mut sizes = BTreeMap::new();
    for growing in TABLES {
        sizes.insert(growing.table, world.count(growing.table).await);
    }
    let small: Vec<_> = sizes.iter().filter(|(_, rows)| **rows < LARGE).collect();
    let mut actors: Vec<Actor> = Vec::new();
    for who in ACTORS {
        actors.push(actor(&world, who).await);
    }
    let (mut asked, mut answered, mut wrong) = (0, BTreeSet::new(), Vec::new());
    let mut before = read_so_far(&world).await;
    for (id, paths) in &questions {
        for path in paths {
            for actor in &actors {
                asked += 1;
                if actor.get(path).await.status == 200 {
                    answered.insert(id.as_str());
                }
            }
            let after = read_so_far(&world).await;
            for (table, size) in &sizes {
                let [was, is] =
                    [&before, &after].map(|it| it.get(*table).copied().unwrap_or_default());
                let (whole, by_index) = (is.whole - was.whole, is.by_index - was.by_index);
                // A few rows before a LIMIT is reached are no harm; by an index, what everybody together
                // reads is less than what one would who reads it all.
                let known = path.starts_with("/v1/regions/460205/") && OF_PEOPLE.contains(table);
                if !known && (whole > LARGE / 10 || by_index > *size) {
                    wrong.push(format!("{id}: {whole} and {by_index} of {size} {table}, {path}"));
                }
            }
            before = after;
        }
    }
    let silent: Vec<_> = questions
        .iter()
        .map(|(id, _)| id.as_str())
        .filter(|id| !answered.contains(id) && !UNANSWERED.contains(id))
        .collect();
    wrong.extend(written(&world).await);
    println!(
        "figure: plans: {} GETs asked {asked} times among {} households and {} score lines, {} times \
         one of {} growing tables was read whole",
        questions.len(),
        sizes["households"],
        sizes["score_lines"],
        wrong.len(),
        sizes.len()
    );
    let said = wrong.join("\n");
    assert!(wrong.is_empty(), "read whole:\n{said}\nsmall: {small:?}\nsilent: {silent:?}");
    assert!(small.is_empty(), "too small to tell: {small:?}");
    assert_eq!(silent, [""; 0], "nobody was answered");
}

/// So many rows of a growing table one act may look at: those of its household, not of its village.
const OF_ONE_ACT: i64 = 500;

/// What is asked for in great numbers reads no more in a village with a year behind it.
async fn written(world: &World) -> Vec<String> {
    let village = format!("/v1/villages/{HERE}");
    let deed = json!({
        "occurred_on": world.app.clock.now().day(),
        "evidence": [{ "kind": "certificate", "reference": "入社证" }],
    });
    let acts = [("claims", claim(5, "ent.coop", deed)), ("redemptions", order_of("goods.soap", 1))];
    let mut wrong = Vec::new();
    for (act, body) in acts {
        let head = world.head(HERE, 5).await;
        let before = read_so_far(world).await;
        head.post(&format!("{village}/{act}"), body).await.ok();
        let after = read_so_far(world).await;
        for (table, is) in &after {
            let was = before.get(table).copied().unwrap_or_default();
            let read = is.whole - was.whole + is.by_index - was.by_index;
            if read > OF_ONE_ACT && TABLES.iter().any(|it| it.table == table) {
                wrong.push(format!("POST {act}: {read} of {table}"));
            }
        }
    }
    wrong
}

/// SQLite says nothing of what it reads. What holds on both: every growing table of a village is found by
/// a key that begins with the village.
async fn keys_begin_with_the_tenant(world: &World) {
    #[derive(FromQueryResult)]
    struct Row {
        name: Option<String>,
    }
    let mut checked = 0;
    for growing in TABLES.iter().filter(|it| it.of == IN_VILLAGE) {
        let sql = "SELECT name FROM pragma_table_info($1) WHERE pk = 1";
        let row = db::one::<Row>(world.app.db.read(), sql, [growing.table.into()]).await;
        let first = row.expect("a table").and_then(|row| row.name);
        assert_eq!(first.as_deref(), Some("village"), "{}", growing.table);
        checked += 1;
    }
    println!("figure: plans: {checked} growing tables have keys that begin with the village");
}
