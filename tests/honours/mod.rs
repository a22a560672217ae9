mod withdrawal;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Actor, HERE, NEXT, World, at, head_id, household_id, new_id};

fn village(rest: &str) -> String {
    format!("/v1/villages/{HERE}{rest}")
}

fn proposal(number: usize, item: &str, period: &str) -> Value {
    json!({
        "id": new_id(), "household": household_id(HERE, number), "item": item,
        "period": period, "reason": "庭院整洁，邻里和睦",
    })
}

fn path(honour: &Value, rest: &str) -> String {
    village(&format!("/honours/{}{rest}", honour["id"].as_str().expect("an id")))
}

struct Committee {
    first: Actor,
    second: Actor,
}

impl Committee {
    async fn of(world: &World) -> Self {
        let first = world.official("committee", HERE).await;
        Self { first, second: world.official("committee_2", HERE).await }
    }

    /// Proposed by one, granted by the other.
    async fn grant(&self, number: usize, item: &str, period: &str) -> Value {
        let body = proposal(number, item, period);
        let proposed = self.first.post(&village("/honours"), body).await.ok();
        assert_eq!(proposed["status"], "proposed");
        let approve = json!({ "decision": "approve" });
        let granted = self.second.post(&path(&proposed, "/decision"), approve).await.ok();
        assert_eq!(granted["status"], "granted");
        granted
    }
}

async fn red_list(world: &World, query: &str) -> Vec<Value> {
    let path = format!("/v1/regions/{HERE}/honours?limit=100{query}");
    world.anybody().get(&path).await.ok()["items"].as_array().expect("items").clone()
}

/// Scenario 1.
#[actix_web::test]
async fn a_clean_household_of_july_earns_five_points_once() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let committee = Committee::of(&world).await;
    let granted = committee.grant(1, "honour.clean_household", "2024-07").await;
    assert_eq!((&granted["name_zh"], &granted["plaque"]), (&json!("文明卫生户"), &json!(1)));
    let again = proposal(1, "honour.clean_household", "2024-07");
    let refused = committee.first.post(&village("/honours"), again).await;
    assert_eq!(refused.refused(409, "duplicate_honour")["existing"], granted["id"]);

    // The claim takes its own way: whoever confirmed the honour has filed it, and does not vote.
    let claim: Uuid = granted["claim"].as_str().and_then(|id| id.parse().ok()).expect("a claim");
    let reviews = village(&format!("/claims/{claim}/reviews"));
    let approve = json!({ "decision": "approve" });
    committee.second.post(&reviews, approve.clone()).await.refused(403, "conflict_of_interest");
    world.approve(claim, &["panel"]).await;
    let township = world.official("township", "460205100").await;
    township.post(&reviews, approve).await.ok();
    world.travel(at("2024-08-26 00:00")).await;
    let zhang = world.head(HERE, 1).await;
    let entries = village(&format!("/households/{}/entries", household_id(HERE, 1)));
    let entries = zhang.get(&entries).await.ok();
    assert_eq!(entries["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(entries["items"][0]["awarded"], 5);
    assert_eq!(entries["items"][0]["rule"], "env.courtyard_model");
    let own = zhang.get(&village("/honours")).await.ok();
    assert_eq!(own["items"][0]["id"], granted["id"]);
    let told = zhang.get("/v1/me/inbox").await.ok().to_string();
    assert!(told.contains("honour_granted"));
    world.verified().await;
}

/// Scenario 21.
#[actix_web::test]
async fn sixty_two_honours_in_force_have_plaques_and_a_withdrawn_number_stays_taken() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let committee = Committee::of(&world).await;
    let years = ["2021", "2022", "2023", "2024"];
    let all = years.iter().flat_map(|year| (1..=10).map(move |number| (number, *year)));
    let families =
        all.clone().take(35).map(|(number, year)| (number, "honour.civilised_family", year));
    let homes = all.take(27).map(|(number, year)| (number, "honour.beautiful_home", year));
    let mut last = Value::Null;
    for (number, item, year) in families.chain(homes) {
        last = committee.grant(number, item, year).await;
    }
    let listed = red_list(&world, "").await;
    let plaques: Vec<_> = listed.iter().map(|it| it["plaque"].as_i64()).collect();
    assert_eq!(plaques, (1..=62).map(Some).collect::<Vec<_>>());
    assert_eq!(red_list(&world, "&item=honour.civilised_family").await.len(), 35);
    assert!(listed[0]["name"] == "张*" && listed[0].get("household").is_none());

    let withdrawal = json!({ "reason": "庭院长期堆放杂物", "plaque_returned": true });
    let proposed = committee.first.post(&path(&last, "/withdrawal"), withdrawal).await.ok();
    assert_eq!(proposed["status"], "withdrawing");
    assert_eq!(red_list(&world, "").await.len(), 62, "in force until the second person decides");
    let approve = json!({ "decision": "approve" });
    let own = committee.first.post(&path(&last, "/decision"), approve.clone()).await;
    own.refused(403, "conflict_of_interest");
    let done = committee.second.post(&path(&last, "/decision"), approve.clone()).await.ok();
    assert_eq!(done["status"], "withdrawn");
    assert_eq!(done["withdrawal_reason"], "庭院长期堆放杂物");
    assert_eq!((&done["plaque_returned"], &done["plaque"]), (&json!(true), &json!(62)));
    committee.second.post(&path(&last, "/decision"), approve).await.refused(409, "wrong_state");
    assert_eq!(red_list(&world, "").await.len(), 61);
    let next = committee.grant(10, "honour.beautiful_home", "2024").await;
    assert_eq!(next["plaque"], 63);
    world.verified().await;
}

#[actix_web::test]
async fn one_alone_neither_grants_nor_withdraws_and_nobody_for_kin() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let committee = Committee::of(&world).await;
    let body = proposal(1, "honour.civilised_family", "2024");
    let proposed = committee.first.post(&village("/honours"), body).await.ok();
    assert_eq!(proposed["allowed_actions"], json!([]));
    let approve = json!({ "decision": "approve" });
    let own = committee.first.post(&path(&proposed, "/decision"), approve.clone()).await;
    own.refused(403, "conflict_of_interest");
    let person = world.uuid(committee.second.person().await);
    let sql = format!(
        "INSERT INTO kin (village, person, relative, confirmed_at) \
         VALUES ('{HERE}', {person}, {}, 0)",
        world.uuid(head_id(HERE, 1))
    );
    assert_eq!(world.run(&sql).await, 1);
    let kin = committee.second.post(&path(&proposed, "/decision"), approve).await;
    kin.refused(403, "conflict_of_interest");
    let township = world.official("township", "460205100").await;
    let reject = json!({ "decision": "reject", "reason": "材料不齐" });
    let rejected = township.post(&path(&proposed, "/decision"), reject).await.ok();
    assert_eq!(rejected["status"], "rejected");
    assert!(rejected.get("plaque").is_none() && red_list(&world, "").await.is_empty());
    // What was not granted can be proposed again.
    committee.grant_by(&township, 1).await;
    world.verified().await;
}

impl Committee {
    async fn grant_by(&self, second: &Actor, number: usize) {
        let body = proposal(number, "honour.civilised_family", "2024");
        let proposed = self.first.post(&village("/honours"), body).await.ok();
        let approve = json!({ "decision": "approve" });
        second.post(&path(&proposed, "/decision"), approve).await.ok();
    }
}

/// Vetoed, with an open deduction, or with too few points: the refusal is the same, to the letter.
#[actix_web::test]
async fn who_does_not_meet_the_criteria_is_refused_without_a_word_why() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let committee = Committee::of(&world).await;
    let veto = json!({
        "id": new_id(), "household": household_id(HERE, 1), "year": 2024, "ground": "gambling",
        "reason": "参与赌博，已受行政处罚", "reference": "行罚决字〔2024〕12号",
    });
    let honours = village("/honours");
    let before = proposal(1, "honour.civilised_family", "2024");
    let waiting = committee.first.post(&honours, before).await.ok();
    let proposed = committee.first.post(&village("/vetoes"), veto).await.ok();
    let id = proposed["id"].as_str().expect("an id");
    let statement = village(&format!("/vetoes/{id}/statement"));
    world.head(HERE, 1).await.post(&statement, json!({ "text": "认错" })).await.ok();
    let decided = json!({ "decision": "approve", "reason": "处罚决定已生效" });
    committee.second.post(&village(&format!("/vetoes/{id}/decision")), decided).await.ok();
    let said = |mut body: Value| {
        body["instance"] = Value::Null;
        body
    };
    let mut refusals = Vec::new();
    for (number, item) in [(1, "honour.beautiful_home"), (2, "honour.star_household")] {
        let answer = committee.first.post(&honours, proposal(number, item, "2024")).await;
        refusals.push(said(answer.refused(422, "honour_criteria_unmet")));
    }
    assert_eq!(refusals[0], refusals[1]);
    // It is looked at again when the second person decides.
    let approve = json!({ "decision": "approve" });
    let late = committee.second.post(&path(&waiting, "/decision"), approve).await;
    late.refused(422, "honour_criteria_unmet");
    // Another year is not touched.
    committee.grant(1, "honour.beautiful_home", "2023").await;
    world.earn(2, 30).await;
    world.travel(at("2024-08-26 08:00")).await;
    committee.grant(2, "honour.star_household", "2024").await;
}

#[actix_web::test]
async fn a_familys_year_and_export_name_its_honours() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let committee = Committee::of(&world).await;
    let clean = committee.grant(1, "honour.clean_household", "2024-07").await;
    let home = committee.grant(1, "honour.beautiful_home", "2023").await;
    committee.grant(2, "honour.beautiful_home", "2024").await;
    let zhang = world.head(HERE, 1).await;
    let summary = async |year: &str| {
        let path = format!("/households/{}/summary?year={year}", household_id(HERE, 1));
        zhang.get(&village(&path)).await.ok()["honours"].clone()
    };
    let named = json!([{
        "id": clean["id"], "item": "honour.clean_household", "name_zh": "文明卫生户",
        "name_en": clean["name_en"], "period": "2024-07", "plaque": 1,
        "granted_at": clean["decided_at"],
    }]);
    assert_eq!(summary("2024").await, named);
    assert_eq!(summary("2023").await[0]["id"], home["id"]);
    assert_eq!(summary("2022").await, json!([]));
    let reason = json!({ "reason": "庭院长期堆放杂物", "plaque_returned": true });
    committee.first.post(&path(&clean, "/withdrawal"), reason).await.ok();
    assert_eq!(summary("2024").await, named, "in force until the second person decides");
    let approve = json!({ "decision": "approve" });
    committee.second.post(&path(&clean, "/decision"), approve).await.ok();
    assert_eq!(summary("2024").await, json!([]));
    let export = zhang.get("/v1/me/export").await.ok();
    let told: Vec<_> = export["honours"].as_array().expect("honours").iter().collect();
    let told: Vec<_> = told.iter().map(|it| (&it["id"], &it["status"], &it["plaque"])).collect();
    let expected = [
        (&clean["id"], &json!("withdrawn"), &json!(1)),
        (&home["id"], &json!("granted"), &json!(2)),
    ];
    assert_eq!(told, expected);
}

#[actix_web::test]
async fn a_villager_sees_the_own_honours_and_the_red_list() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let committee = Committee::of(&world).await;
    committee.grant(1, "honour.civilised_family", "2024").await;
    let wang = world.head(HERE, 2).await;
    assert_eq!(wang.get(&village("/honours")).await.ok()["items"], json!([]));
    let others = village(&format!("/honours?household={}", household_id(HERE, 1)));
    wang.get(&others).await.refused(403, "other_household");
    world.head(NEXT, 1).await.get(&village("/honours")).await.refused(404, "not_found");
    let named = wang.get(&format!("/v1/regions/{HERE}/honours")).await.ok();
    assert_eq!(named["items"][0]["name"], "张守勤");
    let far = world.anybody().get("/v1/regions/440783/honours").await.ok();
    assert_eq!(far["items"], json!([]));
    let grid = async |grid: &str| {
        let path = format!("/v1/regions/{HERE}{grid}/honours");
        world.anybody().get(&path).await.ok()["items"].as_array().map(Vec::len)
    };
    assert_eq!((grid("001").await, grid("002").await), (Some(1), Some(0)));
}
