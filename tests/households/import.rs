use std::time::Instant;

use reqwest::Method;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Formula, Workbook};
use serde_json::{Value, json};

use crate::support::{Actor, Answer, HERE, NEXT, World, at};

const CSV: &str = "text/csv";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const HEADER: [&str; 8] =
    ["户号", "网格", "姓名", "与户主关系", "手机号", "身份证号", "出生日期", "同意书"];

/// Two households: a couple with all facts, and somebody alone.
const GOOD: &str = "户号,网格,姓名,与户主关系,手机号,身份证号,出生日期,同意书\n\
    101,1,王小明,户主,138 0013 8000,11010519491231002X,,纸质\n\
    101,,李芳,配偶,,,1952年3月4日,\n\
    102,460205100201002,单小丹,户主,,,,\n";

async fn send(
    actor: &Actor,
    key: &str,
    dry: bool,
    media: &str,
    body: impl Into<Vec<u8>>,
) -> Answer {
    let path = format!("/v1/villages/{HERE}/household-imports?dry_run={dry}");
    let body = body.into();
    actor
        .send(Method::POST, &path, |request| {
            request.header("Idempotency-Key", key).header("Content-Type", media).body(body)
        })
        .await
}

async fn township(world: &World) -> Actor {
    world.official("township", "460205100").await
}

async fn rows(world: &World) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in [
        "households",
        "members",
        "persons",
        "bindings",
        "consents",
        "audit_events",
        "idempotency_keys",
    ] {
        counts.push(world.count(table).await);
    }
    counts
}

/// Row, column and code of each error.
fn errors(report: &Value) -> Vec<(u64, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors = report["errors"].as_array().expect("errors").iter();
    errors
        .map(|it| (it["row"].as_u64().unwrap_or(0), text(&it["column"]), text(&it["code"])))
        .collect()
}

fn workbook(rows: &[Vec<String>]) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, cell).expect("a cell");
        }
    }
    book.save_to_buffer().expect("a workbook")
}

#[actix_web::test]
async fn a_dry_run_tells_and_writes_nothing_and_an_import_happens_once() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = township(&world).await;
    let before = rows(&world).await;
    let told = send(&township, "k", true, CSV, GOOD).await;
    assert_eq!(told.status, 200);
    let report = json!({ "dry_run": true, "rows": 3, "households": 2, "members": 3, "errors": [] });
    assert_eq!(told.body, report);
    assert_eq!(rows(&world).await, before);
    let done = send(&township, "k", false, CSV, GOOD).await;
    assert_eq!(done.status, 201);
    assert_eq!(done.body["dry_run"], false);
    let after = rows(&world).await;
    let added: Vec<_> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
    assert_eq!(added, [2, 3, 3, 3, 1, 1, 1]);
    let again = send(&township, "k", false, CSV, GOOD).await;
    assert!(again.is_replay() && again.body == done.body);
    send(&township, "k", false, CSV, GOOD.replace("李芳", "李方"))
        .await
        .refused(422, "idempotency_key_reused");
    assert_eq!(rows(&world).await, after);
    let panel = world.official("panel", HERE).await;
    let list = format!("/v1/villages/{HERE}/households?number=101");
    let file = panel.get(&list).await.ok()["items"][0].clone();
    assert_eq!((&file["registered"], &file["activated"]), (&json!(true), &json!(false)));
    assert_eq!(file["grid"], format!("{HERE}001"));
    assert_eq!(file["members"].as_array().map(Vec::len), Some(2));
    assert_eq!(world.count("persons WHERE phone_masked = '138****8000'").await, 1);
    assert_eq!(world.count("members WHERE born_on = '1952-03-04'").await, 1);
    world.verified().await;
}

#[actix_web::test]
async fn only_the_township_and_the_county_import() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    for (office, region, status, code) in [
        ("panel", HERE, 403, "role_required"),
        ("grid_worker", "460205100201001", 403, "role_required"),
        ("township", "440783107", 404, "not_found"),
        ("panel", NEXT, 404, "not_found"),
    ] {
        let actor = world.official(office, region).await;
        send(&actor, "k", true, CSV, GOOD).await.refused(status, code);
    }
    let county = world.official("county", "460205").await;
    assert_eq!(send(&county, "k", true, CSV, GOOD).await.status, 200);
}

#[actix_web::test]
async fn a_roster_is_read_as_excel_saves_it() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = township(&world).await;
    let english = GOOD
        .replace(
            "户号,网格,姓名,与户主关系,手机号,身份证号,出生日期,同意书",
            "number,grid,name,relation,phone,id_number,born_on,consent",
        )
        .replace("户主", "head")
        .replace("纸质", "paper");
    // 户号,网格,姓名,与户主关系 / 101,1,王小明,户主, as GB 18030.
    let mut gb: Vec<u8> = vec![
        0xbb, 0xa7, 0xba, 0xc5, b',', 0xcd, 0xf8, 0xb8, 0xf1, b',', 0xd0, 0xd5, 0xc3, 0xfb, b',',
        0xd3, 0xeb, 0xbb, 0xa7, 0xd6, 0xf7, 0xb9, 0xd8, 0xcf, 0xb5, b'\r', b'\n',
    ];
    gb.extend(b"101,1,");
    gb.extend([0xcd, 0xf5, 0xd0, 0xa1, 0xc3, 0xf7, b',', 0xbb, 0xa7, 0xd6, 0xf7, b'\r', b'\n']);
    let marked = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    for (what, body, members) in [
        ("BOM and CRLF", marked.into_bytes(), 3),
        ("English", english.into_bytes(), 3),
        ("GB 18030", gb, 1),
    ] {
        let report = send(&township, "k", true, CSV, body).await.ok();
        assert_eq!((errors(&report), &report["members"]), (Vec::new(), &json!(members)), "{what}");
    }
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, header) in (0..).zip(HEADER) {
        sheet.write_string(0, column, header).expect("a header");
    }
    // Numbers as numbers, a day as a day, a name by a formula.
    sheet.write_number(1, 0, 101).expect("a cell");
    sheet.write_number(1, 1, 1).expect("a cell");
    let name = Formula::new("=CONCATENATE(\"王\",\"小明\")").set_result("王小明");
    sheet.write_formula(1, 2, name).expect("a cell");
    sheet.write_string(1, 3, "户主").expect("a cell");
    sheet.write_number(1, 4, 13_800_138_000_f64).expect("a cell");
    let born_on = ExcelDateTime::from_ymd(1949, 12, 31).expect("a day");
    let as_day = Format::new().set_num_format("yyyy/m/d");
    sheet.write_with_format(1, 6, &born_on, &as_day).expect("a cell");
    let book = book.save_to_buffer().expect("a workbook");
    let done = send(&township, "k", false, XLSX, book).await;
    assert_eq!(errors(&done.clone().ok()), Vec::new());
    assert_eq!(done.status, 201);
    assert_eq!(world.count("members WHERE name = '王小明' AND born_on = '1949-12-31'").await, 1);
    assert_eq!(world.count("persons WHERE phone_masked = '138****8000'").await, 1);
}

#[actix_web::test]
async fn everything_that_is_wrong_is_told_by_row_and_column() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = township(&world).await;
    let known = "户号,网格,姓名,与户主关系,身份证号\n200,1,老王,户主,11010519491231002X\n";
    assert_eq!(send(&township, "known", false, CSV, known).await.status, 201);
    let before = rows(&world).await;
    let all = HEADER.join(",");
    let table: &[(&str, u64, &str, &str)] = &[
        ("1,1,甲,户主,,,,", 2, "户号", "number_taken"),
        ("0,1,甲,户主,,,,", 2, "户号", "invalid"),
        ("十,1,甲,户主,,,,", 2, "户号", "invalid"),
        ("101,9,甲,户主,,,,", 2, "网格", "unknown"),
        ("101,460205100202001,甲,户主,,,,", 2, "网格", "unknown"),
        ("101,,甲,户主,,,,", 2, "网格", "required"),
        ("101,1,甲,户主,,,,\n101,2,乙,子,,,,", 3, "网格", "conflict"),
        ("101,1,,户主,,,,", 2, "姓名", "unreadable"),
        ("101,1,甲,,,,,", 2, "与户主关系", "required"),
        ("101,1,甲,子,,,,", 2, "与户主关系", "no_head"),
        ("101,1,甲,户主,,,,\n101,1,乙,户主,,,,", 3, "与户主关系", "two_heads"),
        ("101,1,甲,户主,13700137,,,", 2, "手机号", "malformed"),
        ("101,1,甲,户主,,110105194912310021,,", 2, "身份证号", "malformed"),
        ("101,1,甲,户主,,11010519491231002x,,", 2, "身份证号", "already_bound"),
        (
            "101,1,甲,户主,,440524800101001,,\n\n102,1,乙,户主,,440524800101001,,",
            4,
            "身份证号",
            "repeated",
        ),
        ("101,1,甲,户主,,,2010-02-30,", 2, "出生日期", "invalid"),
        ("101,1,甲,户主,,,2024-08-22,", 2, "出生日期", "range"),
        ("101,1,甲,户主,,,,口头", 2, "同意书", "invalid"),
        ("101,1,甲,户主,,,2015-01-01,纸质", 2, "同意书", "guardian"),
        ("101,1,甲,户主,,,,,13800138000", 2, "I", "unknown_column"),
    ];
    for (text, row, column, code) in table {
        let body = format!("{all}\n{text}\n");
        let report = send(&township, "k", true, CSV, body.clone()).await.ok();
        let expected = (*row, (*column).to_owned(), (*code).to_owned());
        assert!(errors(&report).contains(&expected), "{text}: {report:#}");
        let refused = send(&township, "k", false, CSV, body).await.refused(422, "roster_refused");
        let pointers: Vec<_> = refused["errors"].as_array().into_iter().flatten().collect();
        let pointer = json!(format!("/{row}/{column}"));
        assert!(pointers.iter().any(|it| it["pointer"] == pointer), "{text}: {refused:#}");
        for secret in ["13700137", "13800138000", "110105", "440524"] {
            assert!(!refused.to_string().contains(secret), "{refused:#}");
        }
    }
    let name = "长".repeat(51);
    let long = format!("{all}\n101,1,{name},户主,,,,\n");
    let report = send(&township, "k", true, CSV, long).await.ok();
    assert_eq!(errors(&report), [(2, "姓名".to_owned(), "length".to_owned())]);
    let crowd: String = (0..31)
        .map(|at| format!("101,1,甲,{},,,,\n", if at == 0 { "户主" } else { "子" }))
        .collect();
    let report = send(&township, "k", true, CSV, format!("{all}\n{crowd}")).await.ok();
    assert_eq!(errors(&report), [(32, "户号".to_owned(), "too_many_members".to_owned())]);
    let many = format!("{all}\n{}", "0,1,甲,户主,,,,\n".repeat(1_500));
    let refused = send(&township, "k", false, CSV, many).await.refused(422, "roster_refused");
    assert_eq!(refused["errors"].as_array().map(Vec::len), Some(1_000));
    assert_eq!(rows(&world).await, before);
}

#[actix_web::test]
async fn a_file_that_is_no_roster_is_refused() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = township(&world).await;
    let before = rows(&world).await;
    let header = |text: &str| format!("{text}\n101,1,甲,户主\n").into_bytes();
    let row = |text: &str| text.as_bytes().to_vec();
    let table: Vec<(&str, Vec<u8>, u64, &str, &str)> = vec![
        (CSV, header("户号,网格,姓名"), 1, "与户主关系", "missing_column"),
        (CSV, row("13800138000,1,甲,户主\n"), 1, "A", "unknown_column"),
        (CSV, header("户号,网格,姓名,与户主关系,户号"), 1, "户号", "repeated_column"),
        (CSV, row("\n\n"), 1, "户号", "missing_column"),
        (CSV, vec![0xff; 40], 1, "", "unreadable"),
        (CSV, vec![0; 40], 1, "户号", "missing_column"),
        (XLSX, row("PK\u{3}\u{4} not a zip"), 1, "", "unreadable"),
        (XLSX, row(GOOD), 1, "", "unreadable"),
        (XLSX, workbook(&[]), 1, "户号", "missing_column"),
        (
            CSV,
            format!("{}\n{}", HEADER.join(","), "101,1,甲,子,,,,\n".repeat(60_001)).into_bytes(),
            60_002,
            "",
            "too_many_rows",
        ),
    ];
    for (media, body, row, column, code) in table {
        let report = send(&township, "k", true, media, body).await.ok();
        let expected = (row, column.to_owned(), code.to_owned());
        assert!(errors(&report).contains(&expected), "{expected:?} in {report:#}");
        assert!(!report.to_string().contains("13800138000"));
    }
    send(&township, "k", true, CSV, "").await.refused(400, "body_missing");
    send(&township, "k", true, "application/json", "{}")
        .await
        .refused(415, "unsupported_media_type");
    send(&township, "k", true, "text/csv; charset=gbk", GOOD).await.ok();
    send(&township, "k", true, CSV, vec![b'x'; 4 * 1024 * 1024 + 1])
        .await
        .refused(413, "body_too_large");
    let path = format!("/v1/villages/{HERE}/household-imports");
    let bare = |request: reqwest::RequestBuilder| request.header("Content-Type", CSV).body(GOOD);
    township.send(Method::POST, &path, bare).await.refused(400, "idempotency_key_missing");
    let odd = format!("{path}?dry_run=perhaps");
    township
        .send(Method::POST, &odd, |it| bare(it).header("Idempotency-Key", "k"))
        .await
        .refused(400, "invalid_query");
    assert_eq!(rows(&world).await, before);
}

#[actix_web::test]
async fn a_workbook_that_unpacks_to_far_too_much_is_refused() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = township(&world).await;
    // Equal letters shrink to almost nothing in the file.
    let mut book = Workbook::new();
    book.set_properties(&DocProperties::new().set_comment("x".repeat(3 * 1024 * 1024)));
    book.add_worksheet().write_string(0, 0, "户号").expect("a cell");
    let book = book.save_to_buffer().expect("a workbook");
    assert!(book.len() < 100 * 1024, "{} bytes", book.len());
    let report = send(&township, "k", true, XLSX, book).await.ok();
    assert_eq!(errors(&report), [(1, String::new(), "unreadable".to_owned())]);
    // A sheet that claims to reach to its last corner holds two cells all the same.
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_string(0, 0, "户号").expect("a cell");
    sheet.write_string(1_048_575, 16_383, "x").expect("a cell");
    let book = book.save_to_buffer().expect("a workbook");
    let report = send(&township, "k", true, XLSX, book).await.ok();
    assert_eq!(errors(&report), [(1_048_576, String::new(), "unreadable".to_owned())]);
}

/// Rows of a village of `households` couples, with phones and ID numbers.
fn roster(households: u32, first: u32) -> Vec<Vec<String>> {
    let surnames = ["王", "李", "单", "曾", "黎", "符", "羊", "吴", "陈", "林"];
    let given = ["建国", "秀英", "志强", "玉兰", "海波", "美玲", "国华"];
    let mut rows = vec![HEADER.map(str::to_owned).to_vec()];
    for number in first..first + households {
        for (place, relation) in [(0, "户主"), (1, "配偶")] {
            let person = number * 2 + place;
            let at = |list: &[&str], by: u32| list[(person / by) as usize % list.len()].to_owned();
            rows.push(vec![
                number.to_string(),
                (1 + number % 2).to_string(),
                at(&surnames, 1) + &at(&given, 3),
                relation.to_owned(),
                format!("139{person:08}"),
                id_number(person),
                String::new(),
                "纸质".to_owned(),
            ]);
        }
    }
    rows
}

/// A valid ID number for each person.
fn id_number(person: u32) -> String {
    let (year, month, day) =
        (1940 + person / 10_000, 1 + person / 1_000 % 10, 1 + person / 100 % 10);
    let body = format!("460205{year}{month:02}{day:02}{:03}", person % 100);
    let sum = body.bytes().fold(0, |sum, digit| (sum + u32::from(digit - b'0')) * 2 % 11);
    let check = "0123456789X".chars().nth(((12 - sum) % 11) as usize).expect("a character");
    format!("{body}{check}")
}

#[actix_web::test]
async fn ten_thousand_households_are_imported_from_csv_and_xlsx() {
    let households = 10_000;
    let lines: Vec<_> = roster(households, 1_000).iter().map(|row| row.join(",")).collect();
    let files =
        [(CSV, lines.join("\n").into_bytes()), (XLSX, workbook(&roster(households, 20_000)))];
    let world = World::begins(at("2024-08-21 08:00")).await;
    let township = township(&world).await;
    let mut seconds = Vec::new();
    for (media, body) in files {
        let begun = Instant::now();
        let done = send(&township, media, false, media, body).await;
        seconds.push(begun.elapsed().as_secs_f64());
        assert_eq!(done.status, 201, "{:#}", done.body);
        assert_eq!(done.body["households"], households);
        assert_eq!(done.body["members"], 2 * households);
    }
    assert_eq!(world.count("households").await, 30 + 2 * i64::from(households));
    assert_eq!(world.count("persons WHERE id_digest IS NOT NULL").await, 4 * i64::from(households));
    assert_eq!(world.count("consents").await, 30 + 2 * i64::from(households));
    println!(
        "figure: roster: {households} households, {} members, csv {:.1} s, xlsx {:.1} s",
        2 * households,
        seconds[0],
        seconds[1]
    );
    let begun = Instant::now();
    let panel = world.official("panel", HERE).await;
    let list = format!("/v1/villages/{HERE}/households");
    panel.get(&format!("{list}?search=sgh")).await.ok();
    panel.get(&format!("{list}?search=nobody")).await.ok();
    println!("figure: two searches among 20010 households: {:.3} s", begun.elapsed().as_secs_f64());
}
