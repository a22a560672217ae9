//! Who may do what where: every operation of the contract, for every role, at home and elsewhere.
//!
//! What is expected is computed here from codes and grants alone. An operation without a row fails.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sessions::{device, holder, log_in};
use crate::support::{
    Actor, Answer, FAR, HERE, NEXT, World, at, claim, contract, head_id, household_id, new_id,
};

/// Who an operation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// Anybody, logged in or not.
    Public,
    /// Whoever is logged in, for themselves.
    Person,
    /// Whoever lives or serves in the village.
    Neighbour,
    /// The family itself, and these roles in the village.
    Family(&'static [&'static str]),
    /// These roles over the village, or in one of its grids.
    Office(&'static [&'static str]),
    /// These roles over all of the region.
    Over(&'static [&'static str]),
}

const ALL: &[&str] = &["grid_worker", "panel", "committee", "clerk", "township", "county"];
/// A clerk finds one household by its code, and lists none.
const LISTS: &[&str] = &["grid_worker", "panel", "committee", "township", "county"];
const FILES: &[&str] = &["grid_worker", "panel", "committee", "township"];
const INSPECTS: &[&str] = &["grid_worker"];
const FOLLOWS: &[&str] = &["grid_worker", "committee", "township"];
const REVIEWS: &[&str] = &["grid_worker", "panel", "committee", "township", "county"];
const REGISTERS: &[&str] = &["grid_worker", "township", "county"];
const GOVERNS: &[&str] = &["township", "county"];
const WATCHES: &[&str] = &["committee", "township", "county"];
const COMMITTEE: &[&str] = &["committee"];
const TOWNSHIP: &[&str] = &["township"];
const CORRECTS: &[&str] = &["committee", "township"];
const CLERK: &[&str] = &["clerk"];
const HANDS_OVER: &[&str] = &["grid_worker", "clerk"];
const COUNTS_STOCK: &[&str] = &["clerk", "committee", "township", "county"];

const ROWS: &[(&str, Who)] = &[
    ("rankings_show", Who::Public),
    ("rankings_show_household", Who::Family(ALL)),
    ("rankings_object", Who::Neighbour),
    ("rankings_list_objections", Who::Office(WATCHES)),
    ("rankings_decide_objection", Who::Office(GOVERNS)),
    ("rankings_extend", Who::Office(TOWNSHIP)),
    ("award_schemes_show", Who::Public),
    ("award_schemes_put", Who::Office(GOVERNS)),
    ("awards_list", Who::Public),
    ("awards_collect", Who::Office(CLERK)),
    ("dividends_propose", Who::Office(COMMITTEE)),
    ("dividends_list", Who::Neighbour),
    ("dividends_decide", Who::Office(WATCHES)),
    ("vetoes_propose", Who::Office(COMMITTEE)),
    ("vetoes_list", Who::Neighbour),
    ("vetoes_state", Who::Neighbour),
    ("vetoes_decide", Who::Office(WATCHES)),
    ("honours_propose", Who::Office(COMMITTEE)),
    ("honours_list", Who::Neighbour),
    ("honours_decide", Who::Office(WATCHES)),
    ("honours_withdraw", Who::Office(COMMITTEE)),
    ("honours_list_red", Who::Public),
    ("claims_list", Who::Neighbour),
    ("claims_submit", Who::Neighbour),
    ("claims_submit_batch", Who::Office(FILES)),
    ("claims_show", Who::Family(ALL)),
    ("claims_put", Who::Neighbour),
    ("inspections_create", Who::Office(INSPECTS)),
    ("changes_list", Who::Office(FOLLOWS)),
    ("claims_review", Who::Office(REVIEWS)),
    ("claims_review_batch", Who::Office(REVIEWS)),
    ("photos_create", Who::Neighbour),
    ("photos_show", Who::Neighbour),
    ("photos_delete", Who::Neighbour),
    ("photos_show_content", Who::Public),
    ("review_queue_show", Who::Over(REVIEWS)),
    ("claims_withdraw", Who::Neighbour),
    ("claims_resubmit", Who::Neighbour),
    ("claims_record_hearing", Who::Neighbour),
    ("claims_list_hearing", Who::Family(LISTS)),
    ("claims_repudiate", Who::Neighbour),
    ("claims_remedy", Who::Neighbour),
    ("warnings_give", Who::Office(FILES)),
    ("warnings_list", Who::Neighbour),
    ("samples_list", Who::Over(GOVERNS)),
    ("samples_record_finding", Who::Office(GOVERNS)),
    ("register_list", Who::Over(WATCHES)),
    ("catalogue_list", Who::Public),
    ("catalogue_add", Who::Over(GOVERNS)),
    ("catalogue_put", Who::Over(GOVERNS)),
    ("prizes_list", Who::Public),
    ("prizes_put", Who::Office(WATCHES)),
    ("budgets_list", Who::Office(ALL)),
    ("budgets_show", Who::Office(ALL)),
    ("budgets_put", Who::Office(WATCHES)),
    ("redemption_windows_list", Who::Public),
    ("redemptions_list", Who::Neighbour),
    ("redemptions_create", Who::Neighbour),
    ("redemptions_show", Who::Neighbour),
    ("redemptions_collect", Who::Office(HANDS_OVER)),
    ("redemptions_witness", Who::Office(HANDS_OVER)),
    ("redemptions_deliver", Who::Office(CLERK)),
    ("redemptions_take_back", Who::Office(CLERK)),
    ("redemptions_refund", Who::Office(CLERK)),
    ("redemptions_cancel", Who::Neighbour),
    ("stock_show", Who::Office(COUNTS_STOCK)),
    ("stock_moves_list", Who::Office(COUNTS_STOCK)),
    ("stock_moves_create", Who::Office(CLERK)),
    ("liability_show", Who::Over(WATCHES)),
    ("public_lists_show", Who::Public),
    ("public_lists_list_lines", Who::Public),
    ("public_lists_list_households", Who::Public),
    ("proofs_show_checkpoint", Who::Public),
    ("proofs_show_file", Who::Public),
    ("proofs_show_key", Who::Public),
    ("proofs_show", Who::Public),
    ("proofs_check", Who::Public),
    ("proofs_show_board", Who::Public),
    ("proofs_show_page", Who::Public),
    ("objections_file", Who::Neighbour),
    ("reversals_list", Who::Neighbour),
    ("reversals_show", Who::Neighbour),
    ("reversals_propose", Who::Office(CORRECTS)),
    ("reversals_reply", Who::Neighbour),
    ("reversals_decide", Who::Office(CORRECTS)),
    ("corrections_publish", Who::Office(COMMITTEE)),
    ("corrections_list", Who::Public),
    ("corrections_decide", Who::Office(CORRECTS)),
    ("public_lists_extend", Who::Office(TOWNSHIP)),
    ("objections_list", Who::Office(WATCHES)),
    ("objections_show", Who::Neighbour),
    ("objections_investigate", Who::Office(WATCHES)),
    ("objections_decide", Who::Office(WATCHES)),
    ("objections_appeal", Who::Neighbour),
    ("objections_decide_appeal", Who::Office(WATCHES)),
    ("adjustments_list", Who::Neighbour),
    ("adjustments_show", Who::Neighbour),
    ("adjustments_propose", Who::Office(COMMITTEE)),
    ("adjustments_decide", Who::Office(CORRECTS)),
    ("score_sheets_show", Who::Neighbour),
    ("score_sheets_close", Who::Office(REVIEWS)),
    ("households_list", Who::Office(LISTS)),
    ("households_create", Who::Office(GOVERNS)),
    ("households_show", Who::Family(ALL)),
    ("households_show_points", Who::Family(ALL)),
    ("households_list_entries", Who::Family(ALL)),
    ("households_show_summary", Who::Family(ALL)),
    ("households_show_allowances", Who::Family(ALL)),
    ("households_show_code", Who::Family(REGISTERS)),
    ("households_renew_code", Who::Family(GOVERNS)),
    ("households_set_pin", Who::Neighbour),
    ("households_list_consents", Who::Family(ALL)),
    ("households_record_consent", Who::Neighbour),
    ("households_show_consent_text", Who::Public),
    ("households_import", Who::Office(GOVERNS)),
    ("households_put", Who::Office(GOVERNS)),
    ("households_put_member", Who::Office(GOVERNS)),
    ("households_unbind_member", Who::Office(GOVERNS)),
    ("households_add_member", Who::Office(REGISTERS)),
    ("households_record_departure", Who::Office(REGISTERS)),
    ("households_change_head", Who::Office(REGISTERS)),
    ("households_change_grid", Who::Office(GOVERNS)),
    ("households_split", Who::Office(GOVERNS)),
    ("households_merge", Who::Office(GOVERNS)),
    ("households_move_out", Who::Office(GOVERNS)),
    ("households_close", Who::Office(GOVERNS)),
    ("rules_list", Who::Public),
    ("rule_sets_list", Who::Public),
    ("rule_sets_create", Who::Over(WATCHES)),
    ("rule_sets_show", Who::Public),
    ("rule_sets_put", Who::Over(WATCHES)),
    ("rule_sets_compare", Who::Public),
    ("rule_sets_consult", Who::Over(WATCHES)),
    ("rule_sets_adopt", Who::Over(COMMITTEE)),
    ("rule_sets_publish", Who::Over(GOVERNS)),
    ("rule_sets_withdraw", Who::Over(WATCHES)),
    ("suggestions_list", Who::Neighbour),
    ("suggestions_submit", Who::Neighbour),
    ("suggestions_answer", Who::Office(COMMITTEE)),
    ("calendar_show", Who::Public),
    ("statistics_show", Who::Public),
    ("statistics_show_trend", Who::Public),
    ("statistics_compare_villages", Who::Public),
    ("statistics_export", Who::Public),
    ("entries_export", Who::Office(WATCHES)),
    ("charts_draw_categories", Who::Public),
    ("charts_draw_participation", Who::Public),
    ("labels_show", Who::Public),
    ("regions_list", Who::Public),
    ("regions_show", Who::Public),
    ("regions_add_parts", Who::Over(GOVERNS)),
    ("regions_open", Who::Over(GOVERNS)),
    ("policy_show", Who::Neighbour),
    ("policy_put", Who::Office(GOVERNS)),
    ("grids_list", Who::Office(ALL)),
    ("grids_create", Who::Office(GOVERNS)),
    ("grids_list_assignments", Who::Office(ALL)),
    ("grids_assign", Who::Office(GOVERNS)),
    ("grants_list", Who::Over(WATCHES)),
    ("grants_create", Who::Over(GOVERNS)),
    ("grants_end", Who::Over(GOVERNS)),
    ("committees_list", Who::Over(WATCHES)),
    ("committees_show", Who::Over(WATCHES)),
    ("committees_create", Who::Over(GOVERNS)),
    ("committees_add_member", Who::Over(GOVERNS)),
    ("committees_end_member", Who::Over(GOVERNS)),
    ("kin_list", Who::Neighbour),
    ("kin_declare", Who::Neighbour),
    ("kin_confirm", Who::Office(COMMITTEE)),
    ("binding_requests_list", Who::Office(REGISTERS)),
    ("binding_requests_decide", Who::Office(REGISTERS)),
    ("me_show", Who::Person),
    ("me_list_inbox", Who::Person),
    ("me_mark_inbox_seen", Who::Person),
    ("me_export", Who::Person),
    ("me_add_phone", Who::Person),
    ("me_create_binding_request", Who::Person),
    ("me_list_binding_requests", Who::Person),
    ("sessions_create", Who::Public),
    ("sessions_refresh", Who::Public),
    ("sessions_create_staff", Who::Public),
    ("sessions_enrol_staff", Who::Over(GOVERNS)),
    ("sessions_enrol_self", Who::Person),
    ("sessions_change_password", Who::Person),
    ("sessions_list_devices", Who::Person),
    ("sessions_end_device", Who::Person),
    ("sessions_end_devices", Who::Person),
    ("sessions_end_current", Who::Person),
    ("me_erase", Who::Person),
    ("sandbox_create_session", Who::Public),
    ("sandbox_list_personas", Who::Public),
    ("sandbox_show_clock", Who::Public),
    ("sandbox_move_clock", Who::Public),
];

/// Somebody who asks, with what they are trusted with.
struct Asker {
    name: &'static str,
    home: Option<&'static str>,
    grant: Option<(&'static str, &'static str)>,
    /// Whether they belong to household 1.
    family: bool,
}

const GRID: &str = "460205100201001";

const ASKERS: &[Asker] = &[
    Asker { name: "nobody", home: None, grant: None, family: false },
    Asker { name: "stranger", home: None, grant: None, family: false },
    Asker { name: "family", home: Some(HERE), grant: None, family: true },
    Asker { name: "neighbour", home: Some(HERE), grant: None, family: false },
    Asker { name: "grid_worker", home: None, grant: Some(("grid_worker", GRID)), family: false },
    Asker { name: "panel", home: None, grant: Some(("panel", HERE)), family: false },
    Asker { name: "committee", home: None, grant: Some(("committee", HERE)), family: false },
    Asker { name: "clerk", home: None, grant: Some(("clerk", HERE)), family: false },
    Asker { name: "township", home: None, grant: Some(("township", "460205100")), family: false },
    Asker { name: "county", home: None, grant: Some(("county", "460205")), family: false },
];

/// Where, seen from the village of the askers.
const RELATIONS: &[(&str, &str)] = &[
    ("own", HERE),
    ("sibling village", NEXT),
    ("parent", "460205100"),
    ("child", GRID),
    ("other county", FAR),
    ("unknown village", "460205100999"),
];

impl Asker {
    fn sees(&self, place: &str) -> bool {
        let lives = self.home.is_some_and(|home| home.starts_with(place));
        let serves =
            |(_, region): (&str, &str)| place.starts_with(region) || region.starts_with(place);
        lives || self.grant.is_some_and(serves)
    }

    fn has(&self, roles: &[&str]) -> bool {
        self.grant.is_some_and(|(role, _)| roles.contains(&role))
    }

    fn is_over(&self, place: &str) -> bool {
        self.grant.is_some_and(|(_, region)| place.starts_with(region))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    LogIn,
    BadPath,
    NotFound,
    Forbidden,
    Allowed,
}

fn expected(who: Who, asker: &Asker, place: Option<&str>, is_village: bool) -> Expected {
    if is_village && place.is_some_and(|place| place.len() != 12) {
        return Expected::BadPath;
    }
    if who == Who::Public {
        return Expected::Allowed;
    }
    if asker.name == "nobody" {
        return Expected::LogIn;
    }
    let Some(place) = place else { return Expected::Allowed };
    if !asker.sees(place) || (is_village && place.ends_with("999")) {
        return Expected::NotFound;
    }
    let allowed = match who {
        Who::Public | Who::Person | Who::Neighbour => true,
        Who::Family(roles) => asker.family || asker.has(roles),
        Who::Office(roles) => asker.has(roles),
        Who::Over(roles) => asker.has(roles) && asker.is_over(place),
    };
    if allowed { Expected::Allowed } else { Expected::Forbidden }
}

struct Net {
    world: World,
    actors: BTreeMap<&'static str, Actor>,
    /// A claim of household 1.
    claim: Uuid,
}

impl Net {
    async fn spread() -> Self {
        let (world, wechat) = World::with_wechat(at("2024-08-28 08:00")).await;
        world.earn(1, 30).await;
        let body = claim(
            1,
            "ent.coop",
            json!({
                "occurred_on": "2024-08-27",
                "evidence": [{ "kind": "certificate", "reference": "门前" }],
            }),
        );
        let claims = format!("/v1/villages/{HERE}/claims");
        let filed = world.head(HERE, 1).await.post(&claims, body).await.ok();
        let claim = filed["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        world.travel(at("2024-09-03 09:00")).await;
        let mut actors = BTreeMap::new();
        for asker in ASKERS {
            let actor = match (asker.name, asker.grant) {
                ("nobody", _) => world.anybody(),
                ("stranger", _) => {
                    holder(&world, &log_in(&world, &wechat, "openid-x", &device()).await.ok())
                }
                ("family", _) => world.head(HERE, 1).await,
                ("neighbour", _) => world.head(HERE, 2).await,
                (role, Some((_, region))) => world.official(role, region).await,
                _ => world.anybody(),
            };
            actors.insert(asker.name, actor);
        }
        Self { world, actors, claim }
    }

    /// The path with what exists here in the place of its parameters.
    fn path(&self, template: &str, place: Option<&str>) -> String {
        let part = |part: &str| match part {
            "{village}" | "{region}" => place.unwrap_or(HERE).to_owned(),
            "{household}" => household_id(HERE, 1).to_string(),
            "{claim}" => self.claim.to_string(),
            "{person}" => head_id(HERE, 1).to_string(),
            "{relative}" => head_id(HERE, 2).to_string(),
            "{grid}" => GRID.to_owned(),
            "{week}" => "2024-W35".to_owned(),
            "{month}" => "2024-08".to_owned(),
            "{period}" | "{quarter}" => "2024-Q3".to_owned(),
            "{funding}" => "donation".to_owned(),
            "{key}" => "goods.soap".to_owned(),
            "{line}" | "{number}" => "1".to_owned(),
            "{year}" => "2024".to_owned(),
            part if part.starts_with('{') => new_id().to_string(),
            part => part.to_owned(),
        };
        template.split('/').map(part).collect::<Vec<_>>().join("/")
    }

    async fn ask(&self, asker: &str, id: &str, method: &Method, path: &str) -> Answer {
        let actor = &self.actors[asker];
        let key = new_id().to_string();
        let csv = id == "households_import";
        let shape = |it: reqwest::RequestBuilder| {
            let it = it.header("Idempotency-Key", key).header("If-Match", "\"0\"");
            match *method {
                Method::GET | Method::DELETE => it,
                _ if csv => it.header("Content-Type", "text/csv").body("x"),
                _ => it.json(&json!({})),
            }
        };
        actor.send(method.clone(), path, shape).await
    }
}

/// What a body says besides the request's own id.
fn said(answer: &Answer) -> Value {
    let mut body = answer.body.clone();
    body["instance"] = Value::Null;
    body
}

/// What would end the session of the next cell has tests of its own, in `sessions/devices.rs`.
fn ends_the_session(id: &str) -> bool {
    matches!(id, "sessions_end_devices" | "sessions_end_current") || id.starts_with("sandbox")
}

#[actix_web::test]
async fn nothing_outside_the_callers_scope_is_reachable() {
    let net = Net::spread().await;
    let rows: BTreeMap<_, _> = ROWS.iter().copied().collect();
    let mut operations = Vec::new();
    for (template, item) in contract()["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let id = operation["operationId"].as_str().expect("an id");
            let who = rows.get(id).unwrap_or_else(|| panic!("{id} has no row: who may call it?"));
            let method: Method = method.to_uppercase().parse().expect("a method");
            operations.push((template.as_str(), id, *who, method));
        }
    }
    assert_eq!(operations.len(), ROWS.len(), "a row is of no operation");
    operations.retain(|(_, id, ..)| !ends_the_session(id));
    // Whoever is forgotten asks for nothing more.
    operations.sort_by_key(|(_, id, ..)| *id == "me_erase");
    let unknown = net.actors["family"].get("/v1/no-such-thing").await;
    let mut cells = 0;
    for (template, id, who, method) in &operations {
        let (village, region) = (template.contains("{village}"), template.contains("{region}"));
        let scoped = village || region;
        let places: Vec<_> = match scoped {
            true => RELATIONS.iter().map(|(name, place)| (*name, Some(*place))).collect(),
            false => vec![("own", None)],
        };
        for asker in ASKERS {
            for (relation, place) in &places {
                let path = net.path(template, *place);
                let answer = net.ask(asker.name, id, method, &path).await;
                let code = answer.body["code"].as_str().unwrap_or_default().to_owned();
                let cell = format!("{id} as {} ({relation}): {} {code}", asker.name, answer.status);
                cells += 1;
                match expected(*who, asker, *place, village) {
                    Expected::LogIn => assert_eq!(answer.status, 401, "{cell}"),
                    Expected::BadPath => assert_eq!(answer.status, 400, "{cell}"),
                    Expected::NotFound => assert_eq!(said(&answer), said(&unknown), "{cell}"),
                    Expected::Forbidden => {
                        let refused = ["role_required", "other_household"].contains(&code.as_str());
                        assert!(answer.status == 403 && refused, "{cell}");
                    }
                    Expected::Allowed => {
                        let refused = ["role_required", "token_missing", "token_invalid"];
                        let family = matches!(who, Who::Family(_)) && code == "other_household";
                        let own = *who != Who::Neighbour && *who != Who::Person;
                        let out = own && refused.contains(&code.as_str());
                        assert!(!out && !family && answer.status != 401, "{cell}");
                    }
                }
            }
        }
    }
    println!(
        "figure: roles: {} operations x {} roles x {} relations, {cells} cells checked, leaks 0",
        operations.len(),
        ASKERS.len(),
        RELATIONS.len()
    );
    net.world.verified().await;
}

/// Operations with an id in the body, and the body around it.
fn bodies(id: &str) -> Vec<(&'static str, &'static str, String, Value)> {
    let here = |rest: &str| format!("/v1/villages/{HERE}{rest}");
    let household = household_id(HERE, 1);
    let of = |rest: &str| here(&format!("/households/{household}{rest}"));
    let deed = |household: Value, member: Option<&str>| {
        let mut body = claim(
            1,
            "ent.coop",
            json!({
                "occurred_on": "2024-09-02",
                "evidence": [{ "kind": "certificate", "reference": "门前" }],
            }),
        );
        body["household"] = household;
        if let Some(member) = member {
            body["member"] = json!(member);
        }
        body
    };
    let review = json!({ "decision": "approve" });
    vec![
        ("claims_submit", "grid_worker", here("/claims"), deed(json!(id), None)),
        ("claims_submit member", "grid_worker", here("/claims"), deed(json!(household), Some(id))),
        (
            "claims_submit_batch",
            "grid_worker",
            here("/claims/batch"),
            json!({ "claims": [deed(json!(id), None)] }),
        ),
        (
            "claims_review_batch",
            "panel",
            here("/reviews/batch"),
            json!({ "reviews": [{ "claim": id, "review": review }] }),
        ),
        (
            "reversals_propose",
            "committee",
            here("/reversals"),
            json!({ "id": new_id(), "line": id, "reason": "查实有误" }),
        ),
        (
            "adjustments_propose",
            "committee",
            here("/adjustments"),
            json!({ "id": new_id(), "household": id, "category": "enterprise", "points": 1,
                "reason": "漏记" }),
        ),
        ("households_merge", "township", of("/merge"), json!({ "into": id })),
        ("households_change_head", "township", of("/head"), json!({ "person": id })),
        (
            "households_split",
            "township",
            of("/split"),
            json!({ "id": new_id(), "number": 901, "members": [id], "head": id }),
        ),
        (
            "kin_declare",
            "family",
            here("/kin"),
            json!({ "person": head_id(HERE, 1), "relative": id, "relation": "sibling" }),
        ),
        (
            "sessions_enrol_staff",
            "township",
            "/v1/regions/460205100/staff-logins".to_owned(),
            json!({ "person": id, "login": "some.body", "password": "correct horse battery" }),
        ),
        (
            "claims_review",
            "panel",
            here(&format!("/claims/{id}/reviews")),
            json!({ "decision": "approve" }),
        ),
    ]
}

/// An id of another county is answered as one that never was, wherever it stands.
#[actix_web::test]
async fn foreign_ids_in_path_query_and_body_are_as_unknown_as_made_up_ones() {
    let net = Net::spread().await;
    let foreign_claim = {
        let body = claim(
            1,
            "ent.coop",
            json!({
                "household": household_id(FAR, 1), "occurred_on": "2024-08-27",
                "evidence": [{ "kind": "certificate", "reference": "门前" }],
            }),
        );
        let filed = net.world.head(FAR, 1).await;
        let filed = filed.post(&format!("/v1/villages/{FAR}/claims"), body).await.ok();
        filed["id"].as_str().expect("an id").to_owned()
    };
    let foreign = |template: &str| match template {
        part if part.contains("{claim}") => foreign_claim.clone(),
        part if part.contains("{person}") => head_id(FAR, 1).to_string(),
        _ => household_id(FAR, 1).to_string(),
    };
    let mut compared = 0;
    for (template, item) in contract()["paths"].as_object().expect("paths") {
        let ids = [
            "{household}",
            "{claim}",
            "{person}",
            "{redemption}",
            "{objection}",
            "{adjustment}",
            "{reversal}",
            "{request}",
            "{grant}",
            "{committee}",
            "{set}",
            "{suggestion}",
            "{award}",
            "{dividend}",
            "{veto}",
            "{honour}",
        ];
        if !template.contains("{village}") && !template.contains("{region}") {
            continue;
        }
        for (method, operation) in item.as_object().expect("operations") {
            let id = operation["operationId"].as_str().expect("an id");
            let method: Method = method.to_uppercase().parse().expect("a method");
            for name in ids.iter().filter(|name| template.contains(**name)) {
                for asker in ["township", "grid_worker", "panel", "family"] {
                    let with = |id: &str| net.path(&template.replace(name, id), Some(HERE));
                    let theirs = net.ask(asker, id, &method, &with(&foreign(template))).await;
                    let made_up = net.ask(asker, id, &method, &with(&new_id().to_string())).await;
                    compared += 1;
                    assert_eq!(said(&theirs), said(&made_up), "{id} as {asker}");
                    assert!(!(200..300).contains(&theirs.status), "{id} as {asker}");
                }
            }
        }
    }
    // In a body: what differs is the id itself and nothing else.
    let ids = [household_id(FAR, 1).to_string(), head_id(FAR, 1).to_string(), foreign_claim];
    for theirs in ids {
        let made_up = new_id().to_string();
        let pairs = bodies(&theirs).into_iter().zip(bodies(&made_up));
        for ((what, asker, path, body), (_, _, unknown_path, unknown)) in pairs {
            let answer = net.actors[asker].post(&path, body).await;
            let other = net.actors[asker].post(&unknown_path, unknown).await;
            compared += 1;
            assert_eq!(answer.status, other.status, "{what}: {:#}", answer.body);
            let refused = answer.status == 404 || answer.body["results"][0]["code"] == "not_found";
            assert!(refused, "{what}: {:#}", answer.body);
            assert_eq!(answer.body["detail"], other.body["detail"], "{what}");
        }
    }
    println!("figure: roles: {compared} foreign ids compared with made-up ones, leaks 0");
    assert_eq!(net.world.count(&format!("members WHERE village = '{HERE}'")).await, 20);
}
