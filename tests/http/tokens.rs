use reqwest::Method;

use crate::support::{Actor, HERE, World, at};

#[actix_web::test]
async fn a_token_comes_in_one_header_and_nowhere_else() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let zhang = world.head(HERE, 1).await;
    let token = zhang.token.clone().expect("a token");
    let nobody = world.anybody();
    nobody.get(&format!("/v1/me?access_token={token}")).await.refused(401, "token_missing");
    for header in ["Bearer", "Bearer ", "Basic abc", "bearer"] {
        let answer =
            nobody.send(Method::GET, "/v1/me", |it| it.header("Authorization", header)).await;
        answer.refused(401, "token_missing");
    }
    let twice = zhang
        .send(Method::GET, "/v1/me", |it| it.header("Authorization", format!("Bearer {token}")))
        .await;
    twice.refused(400, "invalid_header");
    let forged = Actor { token: Some(format!("{token}x")), ..zhang.clone() };
    forged.get("/v1/me").await.refused(401, "token_invalid");
    assert_eq!(zhang.get("/v1/me").await.ok()["name"], "张守勤");
}

/// Roles are read fresh: the next request already knows.
#[actix_web::test]
async fn a_revoked_role_and_a_disabled_account_are_out_at_once() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let panel = world.official("panel", HERE).await;
    let claims = format!("/v1/villages/{HERE}/claims");
    panel.get(&claims).await.ok();
    let change = async |sql: &str| {
        let done =
            world.app.db.write(async |tx| Ok(api::kernel::db::run(tx, sql, []).await?)).await;
        assert_eq!(done.expect("a change"), 1);
    };
    let person = format!("(SELECT person FROM accounts WHERE persona = 'panel {HERE}')");
    change(&format!("UPDATE grants SET ends_at = 0 WHERE person = {person}")).await;
    panel.get(&claims).await.refused(404, "not_found");
    change(&format!("UPDATE accounts SET status = 'disabled' WHERE persona = 'panel {HERE}'"))
        .await;
    panel.get(&claims).await.refused(401, "token_invalid");
}
