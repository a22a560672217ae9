use std::collections::{BTreeMap, BTreeSet};

use api::labels;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::Value;

use crate::support::{World, at, contract};

type Words = BTreeSet<String>;

/// Every enumeration of the table and its words.
fn table() -> BTreeMap<String, Words> {
    let words =
        |it: &labels::LabelledEnum| it.words.iter().map(|label| label.word.to_owned()).collect();
    labels::all().map(|it| (it.name.to_owned(), words(it))).collect()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

fn words_of(values: &Value) -> Words {
    let values = values.as_array().expect("words");
    values.iter().map(|it| it.as_str().expect("a word").to_owned()).collect()
}

/// The enumerations that stand inside something else.
fn inlined(value: &Value, found: &mut Vec<Words>) {
    match value {
        Value::Object(object) => {
            if let Some(words) = object.get("enum") {
                found.push(words_of(words));
            }
            object.values().for_each(|it| inlined(it, found));
        }
        Value::Array(items) => items.iter().for_each(|it| inlined(it, found)),
        _ => {}
    }
}

#[test]
fn every_enumeration_of_the_contract_has_a_label_for_each_word_and_none_besides() {
    let table = table();
    let mut compared = 0;
    let schemas = contract()["components"]["schemas"].as_object().expect("schemas");
    for (name, schema) in schemas.iter().filter(|(_, schema)| schema.get("enum").is_some()) {
        compared += 1;
        let words = words_of(&schema["enum"]);
        assert_eq!(table.get(&snake_case(name)), Some(&words), "labels of {name}");
    }
    let mut elsewhere = Vec::new();
    inlined(&contract()["paths"], &mut elsewhere);
    for schema in schemas.values().filter(|schema| schema.get("enum").is_none()) {
        inlined(schema, &mut elsewhere);
    }
    for words in elsewhere {
        compared += 1;
        assert!(table.values().any(|it| *it == words), "nothing has exactly the words {words:?}");
    }
    assert!(compared > 25, "{compared} enumerations");
}

/// A field that lists its words in its description, as "`open` or `closed`.", has labels for all of them
/// in one enumeration.
#[test]
fn every_word_that_a_description_lists_has_a_label() {
    let table = table();
    let mut compared = 0;
    for (name, schema) in contract()["components"]["schemas"].as_object().expect("schemas") {
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let text = property["description"].as_str().unwrap_or_default();
            let sentence = text.split('.').next().unwrap_or_default().replace('\n', " ");
            let list = sentence.replace(", ", " ").replace(" or ", " ");
            let words: Vec<_> = list.split_whitespace().collect();
            let quoted =
                |word: &str| word.len() > 2 && word.starts_with('`') && word.ends_with('`');
            if words.len() < 2 || !words.iter().all(|word| quoted(word)) {
                continue;
            }
            compared += 1;
            let words: Words = words.iter().map(|it| it.trim_matches('`').to_owned()).collect();
            assert!(table.values().any(|it| words.is_subset(it)), "{name}.{field}: {words:?}");
        }
    }
    assert!(compared > 12, "{compared} lists of words");
}

/// Which enumeration a CHECK of the schema is about; where several tables keep one, each names it.
fn enumeration(constraint: &str) -> &str {
    match constraint.trim_end_matches("_known") {
        "villages_mode" | "next_policies_mode" => "mode",
        "households_registered_by" | "consents_form" => "consent",
        "consents_act" => "consent_act",
        "households_status" => "household_status",
        "accounts_status" => "account_status",
        "sessions_kind" => "session_kind",
        "grants_role" => "role",
        "grants_kind" => "worker_kind",
        "committees_kind" => "committee_kind",
        "committee_members_duty" => "duty",
        "binding_requests_status" => "binding_request_status",
        "rule_sets_status" => "rule_set_status",
        "rules_direction" => "direction",
        "rules_counted_per" => "counted_per",
        "rules_cap_period" => "cap_period",
        "claims_source" => "source",
        "claims_status" => "claim_status",
        "reviews_decision" => "verdict",
        "hearings_act" => "hearing_act",
        "claims_consent_form" => "consent_form",
        "grid_departures_kind" => "changed_kind",
        "rule_drafts_status" => "rule_set_status",
        "rule_votes_electorate" => "electorate",
        "suggestions_status" => "suggestion_status",
        "photos_media" => "photo_media",
        "samples_finding" => "sample_finding",
        "prizes_kind" => "prize_kind",
        "stock_moves_kind" => "stock_move_kind",
        "redemptions_proof" => "redemption_proof",
        "catalogue_prizes_kind" => "prize_kind",
        "budgets_funding" => "funding",
        "redemptions_status" => "redemption_status",
        "postings_account" => "account",
        "score_sheets_status" => "score_sheet_status",
        "score_lines_kind" => "score_line_kind",
        "public_lists_status" => "public_list_status",
        "public_list_lines_status" => "public_list_line_status",
        "corrections_status" => "correction_status",
        "reversals_status" => "reversal_status",
        "adjustments_status" => "adjustment_status",
        "objections_status" => "objection_status",
        "objections_decision" | "appeals_decision" => "decision",
        "objections_ground" => "ground",
        "objections_decided_body" | "appeals_decided_body" => "deciding_body",
        "appeals_side" => "appeal_side",
        "year_rankings_status" => "board_status",
        "ranking_objections_status" => "ranking_objection_status",
        "ranking_objections_decision" => "ranking_decision",
        "awards_kind" => "award_kind",
        "awards_status" => "award_status",
        "dividends_status" | "vetoes_status" => "proposal_status",
        "vetoes_ground" => "veto_ground",
        "honours_status" => "honour_status",
        "honours_withdrawn_points" => "honour_points",
        other => panic!("`{other}` keeps words: which enumeration of api/src/labels are they?"),
    }
}

/// What the database itself checks, as it says so.
async fn checks(world: &World) -> Vec<(String, Words)> {
    let db = world.app.db.read();
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT 'CONSTRAINT ' || CAST(conname AS TEXT) || ' ' || pg_get_constraintdef(oid) \
             FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype = 'c'"
        }
        _ => "SELECT sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL",
    };
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.expect("the schema");
    let mut found = Vec::new();
    for row in rows {
        let text: String = row.try_get_by_index(0).expect("a text");
        for constraint in text.split("CONSTRAINT ").skip(1) {
            let name = constraint.split_whitespace().next().expect("a name");
            if name.ends_with("_known") {
                let check = constraint.split_once("CHECK").expect("a check").1;
                // On SQLite the next columns follow.
                let check = check.split("\n").next().expect("a line");
                let words = check.split('\'').skip(1).step_by(2).map(str::to_owned).collect();
                found.push((name.to_owned(), words));
            }
        }
    }
    found
}

#[actix_web::test]
async fn every_word_that_the_database_knows_has_a_label() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let table = table();
    let checks = checks(&world).await;
    assert!(checks.len() > 25, "{}", checks.len());
    for (constraint, words) in checks {
        let name = enumeration(&constraint);
        // A table may keep fewer words than the contract knows: a draft is never superseded.
        let labels = table.get(name).unwrap_or_else(|| panic!("nothing is called {name}"));
        assert!(words.is_subset(labels), "{constraint}: labels of {name}");
    }
}

/// Words that stand in data: units, kinds of evidence, levels of honours, where the money comes from.
#[test]
fn every_word_of_the_built_in_catalogues_has_a_label() {
    let catalogue = serde_json::to_value(api::rules::builtin().expect("the rules")).expect("JSON");
    let prizes: Value = serde_json::from_str(include_str!("../../api/data/prize_catalogue.json"))
        .expect("the prizes");
    let table = table();
    let known = |name: &str, word: &Value| {
        let word = word.as_str().expect("a word");
        assert!(table[name].contains(word), "{name}: {word}");
    };
    for item in catalogue["items"].as_array().expect("items") {
        known("unit", &item["unit"]);
        known("category", &item["category"]);
        item.get("basis").into_iter().for_each(|basis| known("basis", basis));
        item.get("veto").into_iter().for_each(|veto| known("veto", veto));
        for kind in item["evidence"].as_array().expect("evidence") {
            known("evidence_kind", kind);
        }
        for level in item["level_points"].as_array().expect("levels") {
            known("honour_level", &level["level"]);
        }
    }
    for chain in catalogue["review_chains"].as_object().expect("chains").values() {
        for step in chain.as_array().expect("steps") {
            known("review_step", &step["step"]);
            known("review_scope", &step["scope"]);
        }
    }
    for prize in prizes["prizes"].as_array().expect("prizes") {
        known("funding", &prize["funding"]);
    }
}

#[test]
fn no_name_or_word_stands_twice_and_each_has_both_languages() {
    let mut names = BTreeSet::new();
    for it in labels::all() {
        assert!(names.insert(it.name), "{} stands twice", it.name);
        let mut words = BTreeSet::new();
        for label in it.words {
            assert!(words.insert(label.word), "{}: {} stands twice", it.name, label.word);
            assert!(label.en.is_ascii() && !label.en.trim().is_empty(), "{}", label.word);
            assert!(!label.zh.is_ascii(), "{}: {}", it.name, label.zh);
        }
    }
}

#[actix_web::test]
async fn labels_are_public_and_kept_by_their_etag() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let nobody = world.anybody();
    let first = nobody.get("/v1/labels").await;
    let etag = first.header("etag").expect("an etag").to_owned();
    assert!(etag.starts_with('"'), "{etag}");
    assert!(first.header("cache-control").is_some_and(|it| it.contains("public")));
    let enums = first.ok()["enums"].as_array().expect("enums").clone();
    let status = enums.iter().find(|it| it["name"] == "claim_status").expect("claim_status");
    let returned = &status["words"][2];
    assert_eq!((&returned["word"], &returned["zh"]), (&"returned".into(), &"退回补正".into()));
    let again =
        nobody.send(reqwest::Method::GET, "/v1/labels", |it| it.header("If-None-Match", etag));
    assert_eq!(again.await.status, 304);
}
