use std::time::Instant as Stopwatch;

use api::kernel::chain::{self, Head};
use api::kernel::db;
use api::kernel::problem::{Outcome, Problem};
use api::proof::{self, Checkpoint, ListFile, Verifier, check_list};
use migration::{Migrator, MigratorTrait};
use serde_json::{Value, json};

use super::page::Script;
use crate::ledger::unlock;
use crate::support::{Actor, HERE, NEXT, World, at};

fn list(rest: &str) -> String {
    format!("/v1/villages/{HERE}/public-lists/2024-08{rest}")
}

/// August's list is open: two households have earned, the third has also lost points, which is not
/// itemised in public.
async fn published() -> World {
    let world = World::begins(at("2024-08-28 08:00")).await;
    world.earn(1, 30).await;
    world.earn(2, 20).await;
    world.earn(3, 25).await;
    world.deduct(3).await;
    world.travel(at("2024-09-03 10:00")).await;
    world
}

/// The number of the deduction on the list.
async fn hidden(world: &World) -> i64 {
    let lines = world.anybody().get(&list("/lines")).await.ok();
    let shown = lines["items"].as_array().expect("items").iter();
    let shown: Vec<_> = shown.map(|line| line["number"].as_i64().expect("a number")).collect();
    (1..=4).find(|number| !shown.contains(number)).expect("a hidden line")
}

async fn proof_of(reader: &Actor, line: i64) -> Value {
    reader.get(&list(&format!("/lines/{line}/proof"))).await.ok()
}

async fn verdict(world: &World, proof: &Value) -> Value {
    world.anybody().send_json("/v1/proofs/verification", proof).await.ok()
}

#[actix_web::test]
async fn every_public_line_is_proved_to_anybody_and_a_hidden_one_to_its_own() {
    let world = published().await;
    let (nobody, script) = (world.anybody(), Script::of_the_page());
    let shown = nobody.get(&list("")).await.ok();
    let key = nobody.get("/v1/list-key").await.ok()["vkey"].as_str().expect("a key").to_owned();
    let hidden = hidden(&world).await;
    for number in (1..=4).filter(|number| *number != hidden) {
        let answer = nobody.get(&list(&format!("/lines/{number}/proof"))).await;
        assert!(answer.header("etag").is_some());
        let proof = answer.ok();
        assert_eq!((&proof["index"], &proof["size"]), (&json!(number - 1), &json!(4)));
        assert_eq!(verdict(&world, &proof).await, json!({ "valid": true }));
        let root = shown["root"].as_str().expect("a root");
        assert_eq!(script.flaw(&proof.to_string(), &key, root), "");
    }
    // Nobody else is to know that there is such a line.
    let path = list(&format!("/lines/{hidden}/proof"));
    for reader in [
        nobody,
        world.head(HERE, 1).await,
        world.head(NEXT, 3).await,
        world.official("clerk", HERE).await,
        world.official("panel", HERE).await,
        world.official("committee", NEXT).await,
    ] {
        reader.get(&path).await.refused(404, "not_found");
    }
    for reader in [world.head(HERE, 3).await, world.official("committee", HERE).await] {
        let answer = reader.get(&path).await;
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        let proof = answer.ok();
        assert!(proof["line"].as_str().expect("a line").ends_with("\n-10\n"), "{proof:#}");
        assert_eq!(verdict(&world, &proof).await, json!({ "valid": true }));
    }
    for line in ["0", "5", "-1"] {
        let path = list(&format!("/lines/{line}/proof"));
        world.anybody().get(&path).await.refused(404, "not_found");
    }
    world.verified().await;
}

#[actix_web::test]
async fn the_file_is_the_list_as_it_was_opened_with_hidden_lines_as_hashes() {
    let world = published().await;
    let nobody = world.anybody();
    let file = nobody.get(&list("/file")).await.ok();
    let key = nobody.get("/v1/list-key").await.ok()["vkey"].as_str().expect("a key").to_owned();
    let read: ListFile = serde_json::from_value(file.clone()).expect("a list file");
    let checkpoint = check_list(&read, &key).expect("a list that holds");
    assert_eq!((checkpoint.size, checkpoint.month.as_str()), (4, "2024-08"));
    let bare = read.leaves.iter().filter(|leaf| leaf.line.is_none() && leaf.hash.is_some());
    assert_eq!(bare.count(), 1);
    assert_eq!(Script::of_the_page().flaw(&file.to_string(), &key, ""), "");
    let said = nobody.get(&list("/checkpoint")).await.ok();
    let shown = nobody.get(&list("")).await.ok();
    assert_eq!(said["text"], file["checkpoint"]);
    assert_eq!((&said["root"], &said["chain_head"]), (&shown["root"], &shown["chain_head"]));
    assert_eq!(Checkpoint::of_note(&read.checkpoint), Some(checkpoint));
    // What happens to a line afterwards changes nothing of what was published.
    let objection = json!({
        "id": crate::support::new_id(), "ground": "not_this_household", "reason": "那块地不是他家的",
    });
    let filed = world.head(HERE, 2).await.post(&list("/lines/1/objections"), objection).await.ok();
    let id = filed["id"].as_str().expect("an id");
    let decision = json!({ "decision": "upheld", "reason": "属实" });
    let path = format!("/v1/villages/{HERE}/objections/{id}/decision");
    world.official("committee", HERE).await.post(&path, decision).await.ok();
    world.travel(at("2024-10-07 09:00")).await;
    assert_eq!(nobody.get(&list("/file")).await.ok(), file);
    assert_eq!(nobody.get(&list("/checkpoint")).await.ok(), said);
    world.verified().await;
}

#[actix_web::test]
async fn an_empty_month_is_sealed_too() {
    let world = World::begins(at("2024-08-28 08:00")).await;
    world.travel(at("2024-09-03 10:00")).await;
    let file = world.anybody().get(&list("/file")).await.ok();
    assert_eq!(file["leaves"], json!([]));
    let text = file["checkpoint"].as_str().expect("a checkpoint");
    // The hash of nothing.
    let empty = "\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nchain 0 000000";
    assert!(text.starts_with(&format!("jifen/{HERE}/2024-08{empty}")), "{text}");
    assert_eq!(Script::of_the_page().flaw(&file.to_string(), "", ""), "");
    let board = world.anybody().get(&list("/board")).await.ok();
    assert!(board.as_str().expect("a page").contains("本月没有积分"));
    world
        .anybody()
        .get(&format!("/v1/villages/{HERE}/public-lists/2024-09/checkpoint"))
        .await
        .refused(404, "not_found");
    world.verified().await;
}

/// Ed25519, salts and the chain follow from what happened alone.
#[actix_web::test]
async fn a_list_sealed_late_is_the_same_to_the_byte() {
    let mut files = Vec::new();
    for days in [&["2024-09-02 00:00", "2024-09-05 00:00"][..], &["2024-09-05 00:00"]] {
        let world = World::begins(at("2024-08-28 08:00")).await;
        world.earn(1, 30).await;
        world.earn(2, 20).await;
        for day in days {
            world.travel(at(day)).await;
            files.push(world.anybody().get(&list("/file")).await.ok());
        }
    }
    assert!(files.iter().all(|file| *file == files[0]), "{files:#?}");
    assert!(files[0]["checkpoint"].as_str().expect("a text").contains("\n2\n"));
}

/// C119: whatever is sent as a proof is answered with whether it is one, and soon.
#[actix_web::test]
async fn what_is_no_proof_is_answered_as_not_valid() {
    let world = published().await;
    world.travel(at("2024-10-07 09:00")).await;
    let visible = if hidden(&world).await == 2 { 1 } else { 2 };
    let good = proof_of(&world.anybody(), visible).await;
    let next = format!("/v1/villages/{HERE}/public-lists/2024-09/checkpoint");
    let next = world.anybody().get(&next).await.ok();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut proof = good.clone();
        change(&mut proof);
        proof
    };
    let flip = |text: &Value| {
        let text = text.as_str().expect("a text");
        let (first, rest) = text.split_at(1);
        json!(format!("{}{rest}", if first == "0" { "1" } else { "0" }))
    };
    let forger = proof::Signer::new("jifen-sandbox", [9; 32]).expect("a key");
    let honest = Checkpoint::of_note(good["checkpoint"].as_str().expect("a text"));
    let forged = forger.sign(&honest.clone().expect("a checkpoint").text());
    let unknown = Checkpoint { month: "2031-01".to_owned(), ..honest.expect("a checkpoint") };
    let unknown_text = good["line"].as_str().expect("a line").replace("2024-08\n", "2031-01\n");
    let alone = proof::leaf(
        proof::salted(
            &unknown_text.replace(&format!("\n{visible}\n"), "\n1\n"),
            good["salt"].as_str().expect("a salt"),
        )
        .as_bytes(),
    );
    let unknown = forger.sign(&Checkpoint { size: 1, root: alone, ..unknown }.text());
    let cases: Vec<(&str, Value, &str)> = vec![
        ("a bit of the path", with(&|it| it["path"][0] = flip(&it["path"][0])), "not_included"),
        ("a bit of the salt", with(&|it| it["salt"] = flip(&it["salt"])), "not_included"),
        ("another size", with(&|it| it["size"] = json!(5)), "not_included"),
        ("size 0", with(&|it| it["size"] = json!(0)), "not_included"),
        ("index = size", with(&|it| it["index"] = json!(4)), "wrong_place"),
        ("a huge index", with(&|it| it["index"] = json!(u64::MAX)), "wrong_place"),
        (
            "a path of 10,000",
            with(&|it| it["path"] = json!(vec!["0".repeat(64); 10_000])),
            "not_included",
        ),
        ("no path", with(&|it| it["path"] = json!([])), "not_included"),
        ("a path of words", with(&|it| it["path"] = json!(["x"])), "malformed"),
        (
            "another month's root",
            with(&|it| it["checkpoint"] = next["text"].clone()),
            "wrong_place",
        ),
        ("no checkpoint", with(&|it| it["checkpoint"] = json!("")), "malformed"),
        ("no key", with(&|it| it["vkey"] = json!("")), "malformed"),
        ("no line", with(&|it| it["line"] = json!("")), "malformed"),
        (
            "another's key",
            with(&|it| it["vkey"] = json!(forger.verifier.vkey())),
            "signature_invalid",
        ),
        (
            "another's key and signature",
            with(&|it| {
                it["vkey"] = json!(forger.verifier.vkey());
                it["checkpoint"] = json!(forged);
            }),
            "signature_invalid",
        ),
        (
            "a list that never was",
            with(&|it| {
                it["line"] = json!(unknown_text.replace(&format!("\n{visible}\n"), "\n1\n"));
                it["index"] = json!(0);
                it["size"] = json!(1);
                it["path"] = json!([]);
                it["vkey"] = json!(forger.verifier.vkey());
                it["checkpoint"] = json!(unknown);
            }),
            "list_unknown",
        ),
    ];
    let mut slowest = 0;
    for (what, proof, flaw) in &cases {
        let begun = Stopwatch::now();
        let found = verdict(&world, proof).await;
        slowest = slowest.max(begun.elapsed().as_millis());
        assert_eq!(found, json!({ "valid": false, "flaw": flaw }), "{what}");
    }
    println!("figure: proof: {} false proofs answered, the slowest in {slowest} ms", cases.len());
    let long = with(&|it| it["path"] = json!(vec!["0".repeat(64); 20_000]));
    let check = "/v1/proofs/verification";
    world.anybody().send_json(check, &long).await.refused(413, "body_too_large");
    let odd = with(&|it| it["valid"] = json!(true));
    world.anybody().send_json(check, &odd).await.refused(400, "unknown_field");
    world.anybody().send_json(check, &json!({})).await.refused(400, "malformed_json");
    world
        .anybody()
        .send_json(check, &with(&|it| it["index"] = json!(-1)))
        .await
        .refused(400, "malformed_json");
}

/// What hangs in the village: no full names, no deductions of their own, all that is needed to object
/// and to check, and nothing that a browser could run.
#[actix_web::test]
async fn the_board_shows_masked_names_totals_the_root_and_how_to_object() {
    let world = published().await;
    world.run(&format!("UPDATE regions SET name = '<b>梅&西' WHERE code = '{HERE}'")).await;
    let answer = world.anybody().get(&list("/board")).await;
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = answer.header("content-security-policy").expect("a policy").to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    let shown = world.anybody().get(&list("")).await.ok();
    let board = answer.ok();
    let board = board.as_str().expect("a page");
    let root = shown["root"].as_str().expect("a root");
    for part in [
        "&lt;b&gt;梅&amp;西 2024 年 8 月积分公示",
        "公示时间：2024-09-02 至 2024-09-08",
        "2024-09-08 24 点以前",
        "共 3 户 4 条",
        "<td>张*</td>",
        root.split_at(32).0,
        shown["chain_head"].as_str().expect("a head"),
        "counter(page)",
        "<svg",
        // Earned 25, lost 10: only the total says so.
        "<td>25</td><td>15</td>",
    ] {
        assert!(board.contains(part), "{part} is missing in {board}");
    }
    for part in ["张守勤", "<b>", "<script", "style=\"", "-10", root, "href", "src="] {
        assert!(!board.contains(part), "{part} is in {board}");
    }
    let page = world.anybody().get("/verify.html").await;
    assert!(
        page.header("content-security-policy").expect("a policy").contains("script-src 'sha256-")
    );
    assert_eq!(page.ok(), proof::PAGE);
}

/// What the lists' check says after somebody with the database's own password was there; taken back.
async fn tampered(world: &World, statements: &[&str]) -> String {
    let done = world.app.db.write(async |tx| -> Outcome<()> {
        for table in
            ["list_checkpoints", "score_lines", "journal_links", "rules", "chain_heads", "journals"]
        {
            unlock(tx, table).await;
        }
        if !world.is_postgres() {
            db::run(tx, "PRAGMA defer_foreign_keys = ON", []).await?;
        }
        for sql in statements {
            assert!(db::run(tx, sql, []).await? > 0, "{sql}");
        }
        Err(Problem::fault(proof::first_odd(tx, None).await?.unwrap_or_default()))
    });
    match done.await {
        Err(Problem::Fault(found)) => found,
        other => panic!("{statements:?}: {other:?}"),
    }
}

/// G6: what was published cannot be changed, nor what was posted before it be lost.
#[actix_web::test]
async fn whatever_is_changed_of_a_sealed_list_is_found() {
    let world = published().await;
    world.anybody().get(&list("")).await.ok();
    assert_eq!(tampered(&world, &["UPDATE villages SET version = version"]).await, "");
    let cases: &[(&str, &[&str])] = &[
        ("recomputed", &["UPDATE score_lines SET awarded = 1 WHERE awarded > 1"]),
        ("recomputed", &["UPDATE score_lines SET occurred_on = '2024-08-01'"]),
        ("recomputed", &["UPDATE score_lines SET category = 'patriotism'"]),
        ("recomputed", &["UPDATE rules SET name_zh = '别的' WHERE key = 'con.land_give'"]),
        ("recomputed", &["UPDATE public_list_lines SET household_number = 9"]),
        ("has the number", &["UPDATE public_list_lines SET number = number + 10"]),
        ("opened with 4 lines", &["DELETE FROM public_list_lines WHERE number = 4"]),
        ("recomputed", &["UPDATE list_checkpoints SET seed = 'x'"]),
        ("than its row", &["UPDATE list_checkpoints SET root = 'x'"]),
        ("than its row", &["UPDATE list_checkpoints SET size = 3"]),
        ("than its row", &["UPDATE list_checkpoints SET chain_length = 1"]),
        ("than its row", &["UPDATE list_checkpoints SET chain_head = 'x'"]),
        ("signature", &["UPDATE list_checkpoints SET vkey = 'x'"]),
        ("signature", &["UPDATE list_checkpoints SET text = REPLACE(text, ' jifen-', ' other-')"]),
        ("no checkpoint", &["UPDATE list_checkpoints SET text = 'x'"]),
        // The tail is lost, and the head agrees.
        ("has no link", &["DELETE FROM journal_links WHERE sequence = 3"]),
        ("has no link", &["UPDATE journal_links SET hash = 'x' WHERE sequence = 3"]),
    ];
    for (named, statements) in cases {
        let found = tampered(&world, statements).await;
        assert!(found.contains(named), "{statements:?}: {found}");
        // Of the statements that change every village's, the first is named.
        assert!(found.contains(" 2024-08: "), "{statements:?}: {found}");
    }
    println!("figure: proof: {} ways of tampering with sealed lists, all found", cases.len());
    world.verified().await;
}

/// Somebody rewrites a posting and then the whole chain and every checkpoint: in itself all is well
/// again, but not with the board that hangs in the village.
#[actix_web::test]
async fn a_rewritten_history_does_not_agree_with_what_was_printed() {
    let world = published().await;
    let printed: ListFile =
        serde_json::from_value(world.anybody().get(&list("/file")).await.ok()).expect("a file");
    // So that nothing is left to do while the schema changes.
    world.settled().await;
    let steps = Migrator::migrations();
    let ours = steps.iter().position(|step| step.name().ends_with("add_proofs")).expect("a step");
    let down = u32::try_from(steps.len() - ours).expect("a number");
    Migrator::down(world.app.db.schema(), Some(down)).await.expect("down");
    let forged = world.app.db.write(async |tx| {
        for table in ["postings", "score_lines"] {
            unlock(tx, table).await;
        }
        let more = "UPDATE postings SET points = points / 2";
        assert!(db::run(tx, more, []).await? > 0);
        Ok(db::run(tx, "UPDATE score_lines SET awarded = awarded / 2", []).await?)
    });
    assert_eq!(forged.await.expect("forged"), 4);
    Migrator::up(world.app.db.schema(), None).await.expect("up");
    proof::seal_missing(&world.app).await.expect("sealed");
    let on = world.app.db.read();
    assert_eq!(chain::first_break(on).await.expect("a report"), None);
    assert_eq!(proof::first_odd(on, None).await.expect("a report"), None);
    let before = Checkpoint::of_note(&printed.checkpoint).expect("a checkpoint");
    assert!(!chain::contains(on, HERE, &before.chain).await.expect("an answer"));
    let village = HERE.parse().expect("a village");
    let month = "2024-08".parse().expect("a month");
    let now = proof::sealed(on, &village, month).await.expect("a row").expect("a seal");
    let now = Checkpoint::of_note(&now.text).expect("a checkpoint");
    assert_ne!(now.root, before.root);
    // The file that a villager kept still holds, and says what was published.
    check_list(&printed, &printed.vkey).expect("a list that holds");
    let Head { length, .. } = now.chain;
    assert_eq!(length, before.chain.length);
}

/// Lists that were opened before there were seals are sealed at the next start, once.
#[actix_web::test]
async fn a_list_without_a_seal_gets_one_at_the_start() {
    let world = published().await;
    let before = world.anybody().get(&list("/checkpoint")).await.ok();
    let removed = world.app.db.write(async |tx| {
        unlock(tx, "list_checkpoints").await;
        Ok(db::run(tx, "DELETE FROM list_checkpoints", []).await?)
    });
    assert!(removed.await.expect("removed") > 0);
    let seals = world.count("list_checkpoints").await;
    for _ in 0..2 {
        proof::seal_missing(&world.app).await.expect("sealed");
        assert_eq!(
            world.count("list_checkpoints").await,
            seals + world.count("public_lists").await
        );
    }
    world.app.cache.refresh();
    assert_eq!(world.anybody().get(&list("/checkpoint")).await.ok(), before);
    world.verified().await;
}

#[actix_web::test]
async fn a_file_is_checked_without_a_database_and_a_key_is_made_once() {
    let world = published().await;
    let folder = &world.database.photos;
    std::fs::create_dir_all(folder).expect("a folder");
    let vkey =
        world.anybody().get("/v1/list-key").await.ok()["vkey"].as_str().expect("a key").to_owned();
    let file = world.anybody().get(&list("/file")).await.ok().to_string();
    let proof_text = proof_of(&world.anybody(), 1).await.to_string();
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a file");
        path
    };
    for (name, text) in [("list.json", &file), ("proof.json", &proof_text)] {
        let path = write(name, text);
        let (said, holds) = proof::verify_file(&path, Some(&vkey)).expect("a verdict");
        assert!(holds && said.contains("相符") && !said.contains("取自文件本身"), "{said}");
        let (said, holds) = proof::verify_file(&path, None).expect("a verdict");
        assert!(holds && said.contains("取自文件本身"), "{said}");
        let changed = write(name, &text.replace("2024-08-28", "2024-08-27"));
        let (said, holds) = proof::verify_file(&changed, Some(&vkey)).expect("a verdict");
        assert!(!holds && said.contains("有人改过") && said.contains("DISAGREES"), "{said}");
    }
    let (_, holds) = proof::verify_file(&write("odd.json", "x"), None).expect("a verdict");
    assert!(!holds && proof::verify_file(&folder.join("none.json"), None).is_err());
    let key = folder.join("list.key");
    let made = proof::make_key(&key, "jifen.example.cn").expect("a key");
    assert!(made.starts_with("jifen.example.cn+") && Verifier::parse(&made).is_some());
    assert_eq!(proof::show_key(&key).expect("a key"), made);
    assert!(proof::make_key(&key, "other").is_err(), "a key was written over");
    assert!(proof::make_key(&folder.join("b"), "a b").is_err());
    assert!(proof::load_key(&folder.join("odd.json")).is_err());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&key).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let (said, holds) =
        proof::verify_file(&write("list.json", &file), Some(&made)).expect("a verdict");
    assert!(!holds && said.contains("签名不对"), "{said}");
}
