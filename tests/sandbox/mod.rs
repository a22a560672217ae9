use reqwest::Method;
use serde_json::json;

use crate::support::{World, at};

/// Scenario 22: the demo county comes to the figures of the reports, through the ordinary rules.
#[actix_web::test]
async fn the_demo_county_answers_exactly() {
    let world = World::empty().await;
    api::app::prepare_sandbox(&world.app).await.expect("the demo loads");
    let figures = async |region: &str| {
        world.anybody().get(&format!("/v1/regions/{region}/statistics")).await.ok()
    };
    let rate =
        |n: i64, d: i64, rate: f64| json!({ "numerator": n, "denominator": d, "rate": rate });
    let meixi = figures("460205100201").await;
    assert_eq!(meixi["registered"], 202);
    assert_eq!(meixi["participation_rate"], rate(202, 202, 100.0));
    assert_eq!((&meixi["cumulative"], &meixi["redeemed"]), (&json!(6925), &json!(2206)));
    assert_eq!(meixi["redemption_rate"], rate(2206, 6925, 31.9));
    assert_eq!(meixi["balance"], 4719);
    let dadan = figures("460205100202").await;
    assert_eq!(dadan["cumulative"], 14454);
    assert_eq!(dadan["activation_rate"], rate(255, 320, 79.7));
    assert_eq!(dadan["participation_rate"], rate(161, 320, 50.3));
    let cangcheng = figures("440783107").await;
    assert_eq!((&cangcheng["registered"], &cangcheng["cumulative"]), (&json!(510), &json!(34815)));
    assert_eq!(cangcheng["redemption_rate"], rate(26590, 34815, 76.4));
    assert_eq!(cangcheng["by_category"].as_array().map(Vec::len), Some(8));
    crate::statistics::comparison::adds_up_in_the_demo(&world).await;
    world.verified().await;
    // A restart finds the clock where it stood and loads nothing twice.
    let stood = world.app.clock.now();
    let claims = world.count("claims").await;
    api::app::prepare_sandbox(&world.app).await.expect("a restart");
    assert_eq!((world.app.clock.now(), world.count("claims").await), (stood, claims));
    let personas = world.anybody().get("/sandbox/personas").await.ok();
    for persona in [
        "villager",
        "neighbour",
        "grid_worker",
        "panel",
        "committee",
        "clerk",
        "township",
        "county",
    ] {
        assert!(personas["items"].to_string().contains(&format!("\"{persona}\"")), "{persona}");
    }
}

#[actix_web::test]
async fn the_clock_moves_forward_only() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let back = json!({ "now": "2024-08-21T07:59:59.999+08:00" });
    world.anybody().put("/sandbox/clock", back).await.refused(422, "clock_backwards");
    world.travel(at("2024-08-22 08:00")).await;
    assert_eq!(
        world.anybody().get("/sandbox/clock").await.ok()["now"],
        "2024-08-22T08:00:00.000+08:00"
    );
    let far = json!({ "now": "9999-01-01T00:00:00+08:00" });
    world.anybody().put("/sandbox/clock", far).await.refused(422, "clock_too_far");
    let nonsense = json!({ "now": "tomorrow" });
    world.anybody().put("/sandbox/clock", nonsense).await.refused(400, "malformed_json");
}

#[actix_web::test]
async fn in_production_the_sandbox_does_not_exist() {
    let world = World::production().await;
    let nobody = world.anybody();
    // Not through the actor, whose nets know the whole contract.
    for path in ["/sandbox/sessions", "/sandbox/clock", "/sandbox/personas"] {
        for method in [Method::GET, Method::POST, Method::PUT] {
            let sent = nobody.client.request(method, format!("{}{path}", world.base)).send().await;
            assert_eq!(sent.expect("an answer").status(), 404, "{path}");
        }
    }
    let contract = nobody.get("/openapi.json").await.ok();
    let paths = contract["paths"].as_object().expect("paths");
    assert!(paths.keys().all(|path| !path.starts_with("/sandbox")));
    assert!(paths.len() > 20);
}

/// The page and both documents come from the binary, without the network.
#[actix_web::test]
async fn the_documentation_is_served_by_the_program() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let nobody = world.anybody();
    for path in
        ["/docs/", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/healthz", "/readyz"]
    {
        assert_eq!(nobody.get(path).await.status, 200, "{path}");
    }
    assert_eq!(nobody.get("/openapi.json").await.ok()["openapi"], "3.1.0");
    assert_eq!(nobody.get("/openapi-3.0.json").await.ok()["openapi"], "3.0.3");
    let explained = nobody.get("/problems/window_closed").await.ok();
    assert_eq!(explained["status"], 409);
    nobody.get("/problems/nonsense").await.refused(404, "not_found");
}
