//! C119: what is sent as a proof and is none, and addresses of proofs that lead nowhere.

use serde_json::{Value, json};

use super::{Case, Catalogue, Expected, Sent};
use crate::support::{HERE, World, at};

const CHECK: &str = "/v1/proofs/verification";

#[actix_web::test]
async fn what_is_no_proof_is_refused_or_answered_as_not_valid() {
    let mut catalogue = Catalogue::of("proofs");
    let world = World::begins(at("2024-08-28 08:00")).await;
    for number in [1, 2, 3] {
        world.earn(number, 20).await;
    }
    world.travel(at("2024-10-08 10:00")).await;
    // Otherwise the ticker does it between two looks at the tables.
    super::claims::settle(&world).await;
    let proof = format!("/v1/villages/{HERE}/public-lists/2024-08/lines/2/proof");
    let proof = world.anybody().get(&proof).await.ok();
    catalogue.run(&world, not_valid(&world, &proof)).await;
    catalogue.run(&world, refused(&world, &proof)).await;
    catalogue.run(&world, nowhere(&world)).await;
    catalogue.report();
    world.verified().await;
}

/// Every digit of the proof flipped at some place, and numbers that cannot be.
fn not_valid(world: &World, proof: &Value) -> Vec<Case> {
    let flawed = |flaw: &str| Expected::Same(json!({ "valid": false, "flaw": flaw }));
    let with = |field: &str, value: Value| {
        let mut changed = proof.clone();
        changed[field] = value;
        changed
    };
    let mut cases = Vec::new();
    let mut add = |what: String, body: Value, flaw: &str| {
        let case = Case::post("C119", what, &world.anybody(), CHECK, body);
        cases.push(case.expecting(flawed(flaw)));
    };
    for (step, hash) in proof["path"].as_array().expect("a path").iter().enumerate() {
        for place in [0, 31, 63] {
            let mut digits: Vec<_> = hash.as_str().expect("a hash").chars().collect();
            digits[place] = if digits[place] == '7' { '8' } else { '7' };
            let mut path = proof["path"].clone();
            path[step] = json!(digits.iter().collect::<String>());
            add(format!("step {step}, digit {place}"), with("path", path), "not_included");
        }
    }
    for size in [0_u64, 1, 2, 4, 1 << 40, u64::MAX] {
        add(format!("size {size}"), with("size", json!(size)), "not_included");
    }
    for index in [0_u64, 2, 3, 1 << 40, u64::MAX] {
        add(format!("index {index}"), with("index", json!(index)), "wrong_place");
    }
    for length in [0, 1, 3, 65, 10_000] {
        let path = json!(vec!["0".repeat(64); length]);
        add(format!("a path of {length}"), with("path", path), "not_included");
    }
    let odd = ["", "x", "jifen-line/1\n", "\n\n", "张", "0x00", "'; DROP TABLE journals; --"];
    for field in ["line", "salt", "checkpoint", "vkey"] {
        for text in odd {
            add(format!("{field} {text:?}"), with(field, json!(text)), "malformed");
        }
    }
    for hash in ["", "0", "Z", &"A".repeat(64), &"0".repeat(63), &"张".repeat(22)] {
        add(format!("a path of {hash:?}"), with("path", json!([hash])), "malformed");
    }
    cases
}

fn refused(world: &World, proof: &Value) -> Vec<Case> {
    let post = |what: &str, body: Value| Case::post("C119", what, &world.anybody(), CHECK, body);
    let with = |field: &str, value: Value| {
        let mut changed = proof.clone();
        changed[field] = value;
        changed
    };
    let mut cases = vec![
        post("nothing", json!({})).refused(400, "malformed_json"),
        post("a list", json!([proof])).refused(400, "malformed_json"),
        post("an unknown field", with("valid", json!(true))).refused(400, "unknown_field"),
        post("over a MiB", with("line", json!("x".repeat(1 << 20)))).refused(413, "body_too_large"),
    ];
    for index in [json!(-1), json!(1.5), json!("1"), json!(null), json!(1e30)] {
        let what = format!("index {index}");
        cases.push(post(&what, with("index", index)).refused(400, "malformed_json"));
    }
    for text in ["{", "NaN", "{\"line\":1,}"] {
        let sent = Sent::Text(text.to_owned());
        cases.push(Case { sent, ..post(text, json!({})) }.refused(400, "malformed_json"));
    }
    cases
}

fn nowhere(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |path: String, status: u16, code: &'static str| {
        let case = Case::get("C119", path.clone(), &world.anybody(), &path);
        cases.push(case.refused(status, code));
    };
    for rest in ["checkpoint", "file", "board", "lines/1/proof"] {
        let of = |village: &str, month: &str| {
            format!("/v1/villages/{village}/public-lists/{month}/{rest}")
        };
        for month in ["2024-13", "2024-00", "2024", "2024-W35", "x", "'"] {
            add(of(HERE, month), 400, "invalid_path");
        }
        for month in ["2024-07", "2031-01"] {
            add(of(HERE, month), 404, "not_found");
        }
        for village in ["460205100999", "000000000000"] {
            add(of(village, "2024-08"), 404, "not_found");
        }
        add(of("46020510020", "2024-08"), 400, "invalid_path");
    }
    for (line, status, code) in [
        ("0", 404, "not_found"),
        ("-1", 404, "not_found"),
        ("4", 404, "not_found"),
        ("9223372036854775807", 404, "not_found"),
        ("9223372036854775808", 400, "invalid_path"),
        ("1.5", 400, "invalid_path"),
        ("x", 400, "invalid_path"),
    ] {
        let path = format!("/v1/villages/{HERE}/public-lists/2024-08/lines/{line}/proof");
        add(path, status, code);
    }
    cases
}
