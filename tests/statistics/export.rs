use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use serde_json::json;

use crate::support::{Actor, HERE, NEXT, World, at, household_id};

fn entries(village: &str, query: &str) -> String {
    format!("/v1/villages/{village}/entries/export?{query}")
}

/// A file as it comes.
async fn file(actor: &Actor, path: &str) -> Vec<u8> {
    let mut request = actor.client.get(format!("{}{path}", actor.base));
    if let Some(token) = &actor.token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{path}");
    let length = answer.content_length();
    let bytes = answer.bytes().await.expect("the file").to_vec();
    assert_eq!(length, Some(bytes.len() as u64));
    bytes
}

fn sheet(bytes: Vec<u8>) -> (calamine::Range<Data>, bool) {
    let mut book = Xlsx::new(Cursor::new(bytes)).expect("a spreadsheet");
    let name = book.sheet_names().first().cloned().expect("a sheet");
    let formulas = book.worksheet_formula(&name).expect("formulas");
    let none = formulas.used_cells().next().is_none();
    (book.worksheet_range(&name).expect("cells"), none)
}

const HOSTILE: &str = "=HYPERLINK(\"http://x.cn\",\"点我\")";

/// Three households with points: one with a name that is a formula, one that keeps its name to itself.
async fn lived() -> World {
    let world = World::begins(at("2024-08-21 08:00")).await;
    for number in 1..=3 {
        world.earn(number, 20).await;
    }
    world.travel(at("2024-08-26 09:00")).await;
    let member = |number| {
        let id = world.uuid(household_id(HERE, number));
        format!("UPDATE members SET name = '{HOSTILE}' WHERE is_head AND household = {id}")
    };
    world.run(&member(1)).await;
    let hidden = world.uuid(household_id(HERE, 2));
    world.run(&format!("UPDATE households SET name_hidden = TRUE WHERE id = {hidden}")).await;
    world.run(&format!("UPDATE regions SET name = '＝{HERE}' WHERE code = '{HERE}'")).await;
    world
}

#[actix_web::test]
async fn a_table_of_villages_has_chinese_headings_a_sum_and_nothing_that_runs() {
    let world = lived().await;
    let path = "/v1/regions/460205100/statistics/export?period=2024-08&format=";
    let answer = world.anybody().get(&format!("{path}csv")).await;
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let saved = answer.header("content-disposition").expect("a name");
    assert_eq!(
        saved,
        "attachment; filename=\"statistics-460205100-2024-08.csv\"; filename*=UTF-8''\
         %E5%9C%B0%E5%8C%BA460205100%2D%E7%A7%AF%E5%88%86%E7%BB%9F%E8%AE%A1%2D2024%2D08.csv"
    );
    let etag = answer.header("etag").expect("an etag").to_owned();
    let text = answer.ok().as_str().expect("a text").to_owned();
    let lines: Vec<_> = text.split("\r\n").collect();
    assert!(lines[0].starts_with("\u{feff}编码,名称,应参与户数,参与户数,参与率（%）"), "{text}");
    assert!(lines[0].ends_with("平安建设与议事参与"), "{text}");
    assert!(lines[1].starts_with(&format!("{HERE},'＝{HERE},10,10,100.0,")), "{text}");
    assert!(lines[1].contains(",3,30.0,60,0,0.0,0,60,"), "{text}");
    assert!(lines[2].starts_with(&format!("{NEXT},村{NEXT},10,")), "{text}");
    assert!(lines[3].starts_with("460205100,合计,20,20,100.0,"), "{text}");
    assert!(lines[3].contains(",3,15.0,60,"), "{text}");
    let (nobody, csv) = (world.anybody(), format!("{path}csv"));
    let ask = async |name: &'static str, value: &str| {
        nobody.send(reqwest::Method::GET, &csv, |it| it.header(name, value)).await
    };
    assert_eq!(ask("If-None-Match", &etag).await.status, 304);
    let english = ask("Accept-Language", "en-GB, zh;q=0.5").await;
    let english = english.ok().as_str().expect("a text").to_owned();
    assert!(english.starts_with("\u{feff}Code,Name,Eligible households,"), "{english}");
    assert!(english.contains("Total") && english.contains("Public welfare"), "{english}");

    let (cells, no_formula) = sheet(file(&world.anybody(), &format!("{path}xlsx")).await);
    assert!(no_formula);
    assert_eq!(cells.get_value((1, 1)), Some(&Data::String(format!("＝{HERE}"))));
    assert_eq!(cells.get_value((1, 9)), Some(&Data::Float(60.0)));
    assert_eq!(cells.get_value((3, 1)), Some(&Data::String("合计".to_owned())));
    let twice = [
        file(&world.anybody(), &format!("{path}xlsx")).await,
        file(&world.anybody(), &format!("{path}xlsx")).await,
    ];
    assert_eq!(twice[0], twice[1]);
}

#[actix_web::test]
async fn score_lines_go_to_those_who_answer_for_them_with_the_names_they_may_see() {
    let world = lived().await;
    let path = entries(HERE, "period=2024-W34&format=csv");
    let committee = world.official("committee", HERE).await;
    let answer = committee.get(&path).await;
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    let saved = answer.header("content-disposition").expect("a name").to_owned();
    assert!(saved.contains("filename*=UTF-8''%EF%BC%9D460205100201%2D%E7%A7%AF"), "{saved}");
    let text = answer.ok().as_str().expect("a text").to_owned();
    let lines: Vec<_> = text.split("\r\n").filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].starts_with("\u{feff}周,户号,户主,网格,类别,事项,类型"), "{text}");
    let of = |number: usize| {
        let begins = format!("2024-W34,{number},");
        *lines.iter().find(|line| line.starts_with(&begins)).expect("a line")
    };
    assert!(of(1).contains("\"'=HYPERLINK(\"\"http://x.cn\"\",\"\"点我\"\")\""), "{text}");
    assert!(of(2).starts_with(&format!("2024-W34,2,,{HERE}001,乡村建设,")), "{text}");
    assert!(of(3).contains(",董建国,") && of(3).contains(",20,20,,2024-08-21 08:00,"), "{text}");
    let (cells, no_formula) =
        sheet(file(&committee, &entries(HERE, "period=2024&format=xlsx")).await);
    assert!(no_formula && cells.rows().count() == 4);
    assert!(cells.rows().any(|row| row[2] == Data::String(HOSTILE.to_owned())));
    // A household that did not agree has the first character.
    let id = world.uuid(household_id(HERE, 3));
    world
        .run(&format!(
            "UPDATE households SET registered_by = NULL, registered_at = NULL WHERE id = {id}"
        ))
        .await;
    for (office, region) in [("township", "460205100"), ("county", "460205")] {
        let text = world.official(office, region).await.get(&path).await.ok();
        assert!(text.as_str().is_some_and(|it| it.contains(",董*,")), "{text}");
    }
    let taken = world.count("audit_events WHERE action = 'entries.export'").await;
    assert_eq!(taken, 4);
    // A month of which nothing is scored is a table without rows.
    let empty = committee.get(&entries(HERE, "period=2024-01&format=csv")).await.ok();
    assert_eq!(empty.as_str().map(|it| it.matches("\r\n").count()), Some(1));
}

#[actix_web::test]
async fn nobody_else_takes_score_lines_away() {
    let world = lived().await;
    let path = entries(HERE, "period=2024-W34&format=csv");
    world.anybody().get(&path).await.refused(401, "token_missing");
    for actor in [
        world.head(HERE, 1).await,
        world.official("panel", HERE).await,
        world.official("clerk", HERE).await,
    ] {
        actor.get(&path).await.refused(403, "role_required");
    }
    world.official("committee", NEXT).await.get(&path).await.refused(404, "not_found");
    let committee = world.official("committee", HERE).await;
    for query in [
        "period=2024-W34",
        "format=csv",
        "period=2024-W34&format=exe",
        "period=2024-W54&format=csv",
        "period=2024&format=csv&as_of=2024-09-01T00:00:00Z",
    ] {
        committee.get(&entries(HERE, query)).await.refused(400, "invalid_query");
    }
    assert_eq!(world.count("audit_events WHERE action = 'entries.export'").await, 0);
}

/// A figure of this process, in KiB.
fn kib(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("the line");
    line.trim_matches(|it: char| !it.is_ascii_digit()).parse().expect("a number")
}

#[actix_web::test]
async fn a_hundred_thousand_lines_take_little_memory() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let random = if world.is_postgres() { "gen_random_uuid()" } else { "randomblob(16)" };
    world
        .run(&format!(
            "INSERT INTO score_lines (village, id, kind, week, household, rule_set, rule, category, \
               occurred_on, approved_at, times, claimed, awarded) \
             WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100000) \
             SELECT h.village, {random}, 'claim', '2024-W34', h.id, {random}, 'pub.volunteer', \
               'public_welfare', '2024-08-20', 1724200000000, 1, 2, 2 \
             FROM s JOIN households h ON h.village = '{HERE}' AND h.number = s.n % 10 + 1"
        ))
        .await;
    let township = world.official("township", "460205100").await;
    for format in ["csv", "xlsx"] {
        let before = kib("VmRSS:");
        // The peak is counted from here on.
        std::fs::write("/proc/self/clear_refs", "5").expect("Linux forgets the peak");
        let started = std::time::Instant::now();
        let path = entries(HERE, &format!("period=2024-W34&format={format}"));
        let request = township.client.get(format!("{}{path}", township.base));
        let token = township.token.as_ref().expect("a token");
        let mut answer = request.bearer_auth(token).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let (mut bytes, mut rows) = (0, 0);
        while let Some(piece) = answer.chunk().await.expect("a piece") {
            bytes += piece.len();
            rows += piece.iter().filter(|byte| **byte == b'\n').count();
        }
        let rise = kib("VmHWM:").saturating_sub(before) / 1024;
        println!(
            "figure: export: 100,000 lines as {format}, {:.1} s, {} KiB, RSS + {rise} MiB",
            started.elapsed().as_secs_f64(),
            bytes / 1024
        );
        assert!(format == "xlsx" || rows == 100_001, "{rows}");
        assert!(rise <= 64, "{rise} MiB");
    }
    assert_eq!(world.count("audit_events WHERE action = 'entries.export'").await, 2);
}

#[actix_web::test]
async fn what_is_written_down_of_an_export_says_who_and_what() {
    let world = lived().await;
    let committee = world.official("committee", HERE).await;
    committee.get(&entries(HERE, "period=2024-08&format=xlsx")).await;
    let detail = json!({ "format": "xlsx" }).to_string();
    let sql = format!(
        "audit_events WHERE action = 'entries.export' AND region = '{HERE}' AND \
         subject = '2024-08' AND detail = '{detail}' AND actor = {}",
        world.uuid(committee.person().await)
    );
    assert_eq!(world.count(&sql).await, 1);
}
