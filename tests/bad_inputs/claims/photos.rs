//! C28: evidence that is missing, too much, somebody else's, or shown before.

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{Case, Catalogue, Expected};
use super::{BLANK, claims, file};
use crate::support::{Actor, HERE, NEXT, World, at, claim, new_id, pictures};

/// Rules that ask for a photo, and what they ask for besides.
const RULES: &[(&str, &str, &[&str])] = &[
    ("env.straw_pesticide", "photo", &[]),
    ("env.toilet_sewage", "photo", &["certificate"]),
    ("pub.help_neighbour", "photo", &["two_witnesses"]),
    ("fam.filial", "photo", &["committee_record"]),
    ("env.courtyard_beautify", "photo_before_after", &[]),
    ("env.demolish_voluntary", "photo_before_after", &["inspection_record"]),
];

/// The photos that the cases name.
struct Photos {
    good: [Uuid; 2],
    /// The same picture as the first, uploaded again.
    again: Uuid,
    used: Uuid,
    neighbours: Uuid,
    next_door: Uuid,
}

pub async fn try_all(catalogue: &mut Catalogue) {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let (zhang, wang) = (world.head(HERE, 1).await, world.head(HERE, 2).await);
    let (used, next_door) = (world.photo(&zhang).await, new_id());
    let there = format!("/v1/villages/{NEXT}/photos");
    world.head(NEXT, 1).await.upload(&there, next_door, &pictures::png(77)).await.ok();
    file(
        &zhang,
        body("pub.volunteer", "2024-08-18", &[("photo", json!(used))], &["sign_in_sheet"]),
    )
    .await;
    let photos = Photos {
        good: [world.picture(&zhang, "one").await, world.picture(&zhang, "two").await],
        again: world.picture(&zhang, "one").await,
        used,
        neighbours: world.photo(&wang).await,
        next_door,
    };
    let before = world.count("claims").await;
    let mut cases: Vec<_> =
        RULES.iter().flat_map(|(rule, kind, rest)| of(&zhang, rule, kind, rest, &photos)).collect();
    cases.extend(pieces(&zhang));
    catalogue.run(&world, cases).await;
    catalogue.check("C28", "no claim was filed", world.count("claims").await == before);
    let shown: Vec<_> = photos.good.iter().map(|id| ("photo_before_after", json!(id))).collect();
    let good = body("env.courtyard_beautify", "2024-08-20", &shown, &[]);
    let control = Case::post("C28", "control: two photos", &zhang, &claims(), good);
    catalogue.run(&world, [control.expecting(Expected::Taken(201))]).await;
}

fn body(rule: &str, day: &str, photos: &[(&str, Value)], told: &[&str]) -> Value {
    let shown = photos.iter().map(|(kind, id)| json!({ "kind": kind, "photo": id }));
    let told = told.iter().map(|kind| json!({ "kind": kind, "reference": "第7号" }));
    let evidence: Vec<_> = shown.chain(told).collect();
    let mut rest = json!({ "occurred_on": day, "evidence": evidence });
    if rule == "pub.volunteer" {
        rest["event"] = json!("8月志愿服务");
        rest["member"] = json!(crate::support::head_id(HERE, 1));
    }
    claim(1, rule, rest)
}

fn of(who: &Actor, rule: &str, kind: &str, rest: &[&str], photos: &Photos) -> Vec<Case> {
    let Photos { good: [one, two], again, used, neighbours, next_door } = photos;
    let day = "2024-08-20";
    let mut cases = Vec::new();
    let mut tried = |what: &str, ids: &[Uuid], (status, code): (u16, &'static str)| {
        let shown: Vec<_> = ids.iter().map(|id| (kind, json!(id))).collect();
        let what = format!("{rule}: {what}");
        let case = Case::post("C28", what, who, &claims(), body(rule, day, &shown, rest));
        cases.push(case.refused(status, code));
    };
    let (missing, odd) = ((422, "evidence_missing"), (422, "invalid_field"));
    let (unknown, twice) = ((404, "not_found"), (409, "duplicate_claim"));
    tried("no photo", &[], missing);
    if kind == "photo_before_after" {
        tried("one photo", &[*one], missing);
    }
    tried("the same photo twice", &[*one, *one], odd);
    tried("the same picture twice", &[*one, *again], odd);
    tried("ten photos", &[*one; 10], odd);
    tried("a neighbour's", &[*one, *neighbours], unknown);
    tried("only a neighbour's", &[*neighbours, *two], unknown);
    tried("next door's", &[*next_door, *one], unknown);
    tried("one that never was", &[*one, new_id()], unknown);
    tried("one of another claim", &[*used, *one], twice);
    // A word on where a photo is kept is no photo.
    let evidence = json!([{ "kind": kind, "reference": "手机相册" }]);
    let told = claim(1, rule, json!({ "occurred_on": day, "evidence": evidence }));
    let case = Case::post("C28", format!("{rule}: a photo that is told"), who, &claims(), told);
    cases.push(case.refused(422, "evidence_missing"));
    for missing in rest {
        let others: Vec<_> = rest.iter().filter(|it| *it != missing).copied().collect();
        let shown: Vec<_> = [one, two].iter().map(|id| (kind, json!(id))).collect();
        let what = format!("{rule}: without {missing}");
        let case = Case::post("C28", what, who, &claims(), body(rule, day, &shown, &others));
        cases.push(case.refused(422, "evidence_missing"));
    }
    cases
}

/// Pieces of evidence that are none.
fn pieces(who: &Actor) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut tried = |what: String, evidence: Value, status: u16, code: &'static str| {
        let body =
            claim(1, "ent.coop", json!({ "occurred_on": "2024-08-20", "evidence": evidence }));
        cases.push(Case::post("C28", what, who, &claims(), body).refused(status, code));
    };
    for blank in BLANK {
        let piece = json!([{ "kind": "certificate", "reference": blank }]);
        tried(format!("a certificate kept at {blank:?}"), piece, 422, "evidence_missing");
    }
    let piece = |rest: Value| super::with(json!({ "kind": "certificate" }), rest);
    tried("nothing said".into(), json!([piece(json!({}))]), 422, "invalid_field");
    tried("an empty word".into(), json!([piece(json!({ "reference": "" }))]), 422, "invalid_field");
    let long = "证".repeat(201);
    tried("201 letters".into(), json!([piece(json!({ "reference": long }))]), 422, "invalid_field");
    let other = json!([{ "kind": "sign_in_sheet", "reference": "签到表" }]);
    tried("of another kind".into(), other, 422, "evidence_missing");
    for kind in [String::new(), "x".repeat(41)] {
        let odd = json!([{ "kind": kind, "reference": "证" }]);
        tried(format!("a kind of {}", kind.len()), odd, 422, "invalid_field");
    }
    let smuggled = json!([piece(json!({ "reference": "证", "verified": true }))]);
    tried("that says it is verified".into(), smuggled, 400, "unknown_field");
    for odd in [json!({}), json!("证"), json!([1]), json!([null]), json!(null)] {
        tried(format!("evidence {odd}"), odd, 400, "malformed_json");
    }
    for photo in [json!("../../x"), json!(1), json!("http://127.0.0.1/x.jpg"), json!({})] {
        let odd = json!([piece(json!({ "photo": photo }))]);
        tried(format!("the photo {photo}"), odd, 400, "malformed_json");
    }
    cases
}
