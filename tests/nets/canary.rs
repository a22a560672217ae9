//! A family with names, phones and ID numbers that occur nowhere else goes through everything; then all
//! that was kept is searched for them.

use redis::AsyncCommands;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};

use crate::sessions::{device, holder, log_in};
use crate::support::canary::{FORBIDDEN, phone_in, with};
use crate::support::{Actor, HERE, World, at, new_id};

const PHONE: &str = "18677700001";
const OTHER_PHONE: &str = "18677700002";
const ID_NUMBER: &str = "11010519491231002X";
const NAME: &str = "欧阳金丝雀";
const PASSWORD: &str = "canary battery staple";

/// Imports the family, logs its head in, and has it earn and be read about.
async fn live(world: &World, wechat: &crate::support::FakeWeChat) -> Actor {
    let township = world.official("township", "460205100").await;
    let roster = format!(
        "户号,网格,姓名,与户主关系,手机号,身份证号,同意书\n\
         77,{HERE}001,{NAME},户主,{PHONE},{ID_NUMBER},纸质\n\
         77,{HERE}001,欧阳小雀,配偶,{OTHER_PHONE},,\n"
    );
    let path = format!("/v1/villages/{HERE}/household-imports?dry_run=false");
    let import = |roster: String| {
        let key = new_id().to_string();
        township.send(reqwest::Method::POST, &path, move |it| {
            it.header("Idempotency-Key", key).header("Content-Type", "text/csv").body(roster)
        })
    };
    // Refused first, with the values in it.
    import(roster.replace("户主,", "亲戚,").replace(ID_NUMBER, "110105194912310021"))
        .await
        .refused(422, "roster_refused");
    import(roster).await.ok();
    let head = holder(world, &log_in(world, wechat, "openid-canary", &device()).await.ok());
    let bound = head.post("/v1/me/phone", json!({ "code": wechat.phone_code(PHONE) })).await.ok();
    assert_eq!(bound["bound"], json!(true));
    let me = head.get("/v1/me").await.ok();
    assert_eq!(me["name"], NAME);
    let claim = json!({
        "id": new_id(), "household": me["home"]["household"], "rule": "ent.coop",
        "count": 1, "occurred_on": "2024-08-27",
        "evidence": [{ "kind": "certificate", "reference": "门前" }],
    });
    let claims = format!("/v1/villages/{HERE}/claims");
    let claim = head.post(&claims, claim).await.ok();
    let id = claim["id"].as_str().expect("an id");
    let worker = world.official("grid_worker", &format!("{HERE}001")).await;
    let reviews = format!("{claims}/{id}/reviews");
    worker.post(&reviews, json!({ "decision": "approve" })).await.ok();
    world.approve(id.parse().expect("an id"), &["panel"]).await;
    staff(world).await;
    world.travel(at("2024-09-03 09:00")).await;
    head
}

/// An official logs in, rightly and wrongly.
async fn staff(world: &World) {
    let login = json!({ "login": "canary", "password": PASSWORD });
    let panel = world.official("panel", HERE).await;
    let made = panel.post("/v1/me/staff-login", login).await.ok();
    let totp =
        totp_rs::Totp::from_url(made["otpauth_url"].as_str().expect("a URL")).expect("a factor");
    let now = u64::try_from(world.app.token_clock.now().seconds()).expect("a time");
    for (totp, status) in [("000000".to_owned(), 401), (totp.generate(now).to_string(), 201)] {
        let body =
            json!({ "login": "canary", "password": PASSWORD, "totp": totp, "device": device() });
        assert_eq!(world.anybody().send_json("/v1/staff-sessions", &body).await.status, status);
    }
}

/// What the public can read of it, twice, so that it comes from the caches too.
async fn public(world: &World) -> Vec<Value> {
    let mut bodies = Vec::new();
    let nobody = world.anybody();
    for _ in 0..2 {
        for path in [
            format!("/v1/villages/{HERE}/public-lists/2024-08/lines"),
            format!("/v1/villages/{HERE}/public-lists/2024-08/households"),
            format!("/v1/regions/{HERE}/rankings/2024-Q3"),
            format!("/v1/regions/{HERE}/rankings/2024-Q3?of=grids"),
            format!("/v1/regions/{HERE}/statistics"),
            format!("/v1/villages/{HERE}/calendar"),
            format!("/v1/villages/{HERE}/rules"),
        ] {
            bodies.push(nobody.get(&path).await.ok());
        }
    }
    assert!(
        bodies
            .iter()
            .any(|body| body.to_string().contains("欧阳*") || body.to_string().contains("欧*"))
    );
    bodies
}

/// Every value that Redis holds for this world.
async fn redis_values(world: &World) -> Vec<String> {
    let Some(url) = &world.database.redis_url else { return Vec::new() };
    let client = redis::Client::open(url.as_str()).expect("a URL");
    let mut redis = client.get_multiplexed_async_connection().await.expect("Redis answers");
    let keys: Vec<String> =
        redis.keys(format!("{}:*", world.database.name)).await.expect("the keys");
    let mut values = keys.clone();
    for key in keys {
        let value: Vec<u8> = redis.get(&key).await.expect("the value");
        values.push(String::from_utf8_lossy(&value).into_owned());
    }
    values
}

/// Every row of every table, as text.
async fn rows(world: &World) -> Vec<String> {
    let db = world.app.db.read();
    let tables = match db.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT CAST(table_name AS TEXT) FROM information_schema.tables \
             WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        }
        _ => "SELECT name FROM sqlite_master WHERE type = 'table'",
    };
    let ask = async |sql: String| {
        let statement = Statement::from_string(db.get_database_backend(), sql);
        db.query_all_raw(statement).await.expect("rows")
    };
    let mut rows = Vec::new();
    for table in ask(tables.to_owned()).await {
        let table: String = table.try_get_by_index(0).expect("a name");
        let sql = match db.get_database_backend() {
            DbBackend::Postgres => format!("SELECT CAST(t AS TEXT) FROM \"{table}\" t"),
            _ => {
                let columns = ask(format!("SELECT name FROM pragma_table_info('{table}')")).await;
                let columns: Vec<String> = columns
                    .iter()
                    .map(|row| row.try_get_by_index::<String>(0).expect("a name"))
                    .map(|name| {
                        format!(
                            "COALESCE(CASE typeof(\"{name}\") WHEN 'blob' THEN hex(\"{name}\") \
                             ELSE CAST(\"{name}\" AS TEXT) END, '')"
                        )
                    })
                    .collect();
                format!("SELECT {} FROM \"{table}\"", columns.join(" || ' ' || "))
            }
        };
        for row in ask(sql).await {
            let text: String = row.try_get_by_index(0).expect("a text");
            rows.push(format!("{table} {text}"));
        }
    }
    rows
}

#[actix_web::test]
async fn canaries_are_found_in_no_body_log_line_redis_value_or_row() {
    let (world, wechat) = World::with_wechat(at("2024-08-28 08:00")).await;
    live(&world, &wechat).await;
    let public = public(&world).await;
    let (log, given, bodies) = with(|seen| {
        (String::from_utf8_lossy(&seen.log).into_owned(), seen.given.clone(), seen.bodies)
    });
    let (redis, rows) = (redis_values(&world).await, rows(&world).await);
    let of_person = [PHONE, OTHER_PHONE, ID_NUMBER, PASSWORD];
    let secrets: Vec<&str> = FORBIDDEN
        .iter()
        .copied()
        .chain(of_person)
        .chain(given.iter().map(String::as_str))
        .collect();
    let search = |place: &str, text: &str, words: &[&str]| {
        for word in words {
            assert!(!text.contains(word), "{word} in {place}: {text}");
        }
    };
    for body in &public {
        search("a public body", &body.to_string(), &[&secrets[..], &[NAME, "欧阳小雀"]].concat());
    }
    for line in log.lines() {
        search("the log", line, &[&secrets[..], &[NAME, "欧阳小雀", "openid-canary"]].concat());
    }
    for value in &redis {
        search("Redis", value, &[&secrets[..], &[NAME, "欧阳小雀", "openid-canary"]].concat());
    }
    for row in &rows {
        search("the database", row, &secrets);
        let digits = row.split(' ').next() != Some("seaql_migrations");
        assert!(!digits || phone_in(row).is_none(), "{row}");
    }
    // The search finds what is there.
    assert!(
        rows.iter().any(|row| row.contains(NAME))
            && rows.iter().any(|row| row.contains("openid-canary"))
    );
    assert!(given.len() > 6 && log.lines().count() > 0);
    println!(
        "figure: canary: {} words in {bodies} bodies, {} log lines, {} Redis keys and values, {} rows, hits 0",
        secrets.len() + 3,
        log.lines().count(),
        redis.len(),
        rows.len()
    );
}
