//! What a seal is worth: only what we published under our own key is believed, and every list has one.

use api::kernel::chain::Head;
use api::kernel::db::{self, Tx};
use api::kernel::problem::{Outcome, Problem};
use api::proof::{self, Checkpoint, Signer, Verifier};
use serde_json::{Value, json};

use super::adjustments::{adjustment, approved};
use super::{look, published};
use crate::ledger::unlock;
use crate::support::{HERE, World, at};

fn list(rest: &str) -> String {
    format!("/v1/villages/{HERE}/public-lists/2024-08{rest}")
}

async fn verdict(world: &World, proof: &Value) -> Value {
    world.anybody().send_json("/v1/proofs/verification", proof).await.ok()
}

async fn proof_of(world: &World, line: i64) -> Value {
    world.anybody().get(&list(&format!("/lines/{line}/proof"))).await.ok()
}

/// Whoever has the key can sign another list; that we published it is another matter.
#[actix_web::test]
async fn what_our_key_signed_and_we_never_published_is_not_valid() {
    let world = published().await;
    let ours = world.app.list_key.as_ref().expect("a key");
    let honest = proof_of(&world, 1).await;
    let text = |field: &str| honest[field].as_str().expect("a text").to_owned();
    let line = text("line").replace("\n30\n", "\n29\n");
    assert_ne!(line, text("line"));
    let root = proof::leaf(proof::salted(&line, &text("salt")).as_bytes());
    let published = Checkpoint::of_note(&text("checkpoint")).expect("a checkpoint");
    let mut forged = honest.clone();
    let other = Checkpoint { size: 1, root, ..published.clone() };
    forged["line"] = json!(line);
    forged["size"] = json!(1);
    forged["path"] = json!([]);
    forged["checkpoint"] = json!(ours.sign(&other.text()));
    let unknown = json!({ "valid": false, "flaw": "list_unknown" });
    assert_eq!(verdict(&world, &forged).await, unknown);
    // The same lines beside another chain of journals were not published either.
    let chain = Head { length: published.chain.length + 1, ..published.chain.clone() };
    let mut beside = honest.clone();
    beside["checkpoint"] = json!(ours.sign(&Checkpoint { chain, ..published }.text()));
    assert_eq!(verdict(&world, &beside).await, unknown);
    assert_eq!(verdict(&world, &honest).await, json!({ "valid": true }));
}

/// What the check of everything says after somebody with the database's own password was there, with only
/// our own key trusted; taken back.
async fn tampered(world: &World, change: impl AsyncFn(&Tx)) -> String {
    let ours = [world.app.list_key.as_ref().expect("a key").verifier.clone()];
    let done = world.app.db.write(async |tx| -> Outcome<()> {
        for table in ["list_checkpoints", "public_list_lines", "public_lists"] {
            unlock(tx, table).await;
        }
        change(tx).await;
        Err(Problem::fault(proof::first_odd(tx, Some(&ours)).await?.unwrap_or_default()))
    });
    match done.await {
        Err(Problem::Fault(found)) => found,
        other => panic!("{other:?}"),
    }
}

#[actix_web::test]
async fn a_list_without_a_seal_or_without_a_line_is_named() {
    let world = published().await;
    look(&world).await;
    let run = async |tx: &Tx, sql: &str| {
        assert!(db::run(tx, sql, []).await.expect("a statement") > 0, "{sql}");
    };
    assert_eq!(tampered(&world, async |_| ()).await, "");
    let found = tampered(&world, async |tx| run(tx, "DELETE FROM list_checkpoints").await).await;
    assert!(found.contains("2024-08 has no checkpoint"), "{found}");
    let lost = "DELETE FROM public_list_lines WHERE number = 2";
    let found = tampered(&world, async |tx| run(tx, lost).await).await;
    assert!(found.contains("opened with 2 lines, has 1"), "{found}");
    // Lost before it was sealed: what is incomplete is not signed.
    let (village, month) = (HERE.parse().expect("a village"), "2024-08".parse().expect("a month"));
    let sealed = world.app.db.write(async |tx| {
        for table in ["list_checkpoints", "public_list_lines"] {
            unlock(tx, table).await;
        }
        run(tx, "DELETE FROM list_checkpoints").await;
        run(tx, lost).await;
        proof::seal_list(&world.app, tx, &village, month).await
    });
    match sealed.await {
        Err(Problem::Fault(why)) => assert!(why.contains("opened with 2 lines"), "{why}"),
        other => panic!("{other:?}"),
    }
    world.verified().await;
}

/// Whoever can write rows has a key too: a checkpoint in a row is believed only under a key that was said.
#[actix_web::test]
async fn a_checkpoint_by_any_other_key_is_named_and_not_believed() {
    let world = published().await;
    let ours = world.app.list_key.as_ref().expect("a key").verifier.clone();
    let theirs = Signer::new("jifen-sandbox", [9; 32]).expect("a key");
    let mut proof = proof_of(&world, 1).await;
    let honest = Checkpoint::of_note(proof["checkpoint"].as_str().expect("a text"));
    let forged = theirs.sign(&honest.expect("a checkpoint").text());
    let written = world.app.db.write(async |tx| {
        unlock(tx, "list_checkpoints").await;
        let sql = "UPDATE list_checkpoints SET vkey = $1, text = $2 \
                   WHERE village = $3 AND month = '2024-08'";
        let values = [theirs.verifier.vkey().into(), forged.as_str().into(), HERE.into()];
        Ok(db::run(tx, sql, values).await?)
    });
    assert_eq!(written.await.expect("written"), 1);
    proof["checkpoint"] = json!(forged);
    proof["vkey"] = json!(theirs.verifier.vkey());
    let invalid = json!({ "valid": false, "flaw": "signature_invalid" });
    assert_eq!(verdict(&world, &proof).await, invalid);
    let report = async |trusted: &[Verifier]| {
        let report = api::verify::verify_trusting(&world.app.db, trusted).await;
        report.expect("a report").to_string()
    };
    let found = report(std::slice::from_ref(&ours)).await;
    assert!(found.contains("2024-08: it is signed by a key that is not trusted"), "{found}");
    // A key of former years is said with `--key`.
    let found = report(&[ours, theirs.verifier]).await;
    assert!(found.contains("every row agrees"), "{found}");
}

/// A check of a running server sees one moment: what is written meanwhile is no break.
#[actix_web::test]
async fn what_is_written_during_a_check_is_not_seen_by_it() {
    let world = published().await;
    let lists = "SELECT COUNT(*) FROM inbox_items";
    let seen = world.app.db.snapshot(async |tx| {
        let before = db::number(tx, lists, []).await?;
        assert!(world.run("DELETE FROM inbox_items").await > 0);
        Ok((before, db::number(tx, lists, []).await?))
    });
    let (before, after) = seen.await.expect("two looks");
    assert_eq!(before, after);
    assert_eq!(world.count("inbox_items").await, 0);
}

/// Adjustments stand on the list among claims, and what proves a claim proves them.
#[actix_web::test]
async fn a_list_with_adjustments_is_sealed_with_all_its_lines() {
    let world = World::begins(at("2024-08-14 08:00")).await;
    world.earn(1, 30).await;
    world.earn(3, 20).await;
    for (number, points) in [(1, 5), (2, -4)] {
        approved(&world, &adjustment(number, points)).await;
    }
    world.travel(at("2024-09-03 10:00")).await;
    let file = world.anybody().get(&list("/file")).await.ok();
    assert_eq!(file["leaves"].as_array().expect("leaves").len(), 4);
    let mut hidden = Vec::new();
    for number in 1..=4 {
        let path = list(&format!("/lines/{number}/proof"));
        if file["leaves"][number - 1]["line"].is_null() {
            hidden.push(path);
            continue;
        }
        let proof = world.anybody().get(&path).await.ok();
        assert_eq!((&proof["index"], &proof["size"]), (&json!(number - 1), &json!(4)));
        assert_eq!(verdict(&world, &proof).await, json!({ "valid": true }));
    }
    // What takes is for its household alone.
    let [path] = hidden.as_slice() else { panic!("{file:#}") };
    world.anybody().get(path).await.refused(404, "not_found");
    world.head(HERE, 1).await.get(path).await.refused(404, "not_found");
    let proof = world.head(HERE, 2).await.get(path).await.ok();
    assert!(proof["line"].as_str().expect("a line").ends_with("\n-4\n"), "{proof:#}");
    assert_eq!(verdict(&world, &proof).await, json!({ "valid": true }));
    let board = world.anybody().get(&list("/board")).await.ok();
    let board = board.as_str().expect("a page");
    for part in ["共 3 户 4 条", "<td>35</td>", "<td>-4</td>"] {
        assert!(board.contains(part), "{part} is missing in {board}");
    }
    world.verified().await;
}
