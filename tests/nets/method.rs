use reqwest::Method;

use crate::support::{HERE, World, at, contract};

/// Every path of the contract answers an unknown method with 405 and `Allow`, a secured operation
/// answers 401 to nobody, and anything else 404: always problem+json (the actor looks).
#[actix_web::test]
async fn every_path_refuses_unknown_methods_and_nobody() {
    let world = World::begins(at("2024-08-21 08:00")).await;
    let nobody = world.anybody();
    let mut walked = 0;
    for (template, item) in contract()["paths"].as_object().expect("paths") {
        let path = concrete(template);
        let refused = nobody.send(Method::TRACE, &path, |it| it).await;
        assert_eq!(refused.status, 405, "{template}");
        assert!(refused.header("allow").is_some(), "{template}");
        for (method, operation) in item.as_object().expect("operations") {
            walked += 1;
            let optional = |it: &serde_json::Value| it.as_object().is_some_and(|it| it.is_empty());
            let schemes = operation["security"].as_array();
            if schemes.is_none_or(|schemes| schemes.iter().any(optional)) {
                continue;
            }
            let method: Method = method.to_uppercase().parse().expect("a method");
            let answer = nobody
                .send(method, &path, |it| {
                    it.header("Idempotency-Key", "k").json(&serde_json::json!({}))
                })
                .await;
            answer.refused(401, "token_missing");
        }
    }
    assert!(walked > 30, "{walked} operations");
    nobody.get("/v1/no-such-thing").await.refused(404, "not_found");
    nobody.get("/").await.refused(404, "not_found");
}

fn concrete(template: &str) -> String {
    let id = "0192f0c1-7a52-7c3e-9c58-2f1f6f0c9a11";
    let part = |part: &str| match part {
        "{village}" => HERE.to_owned(),
        "{region}" => "460205".to_owned(),
        "{week}" => "2024-W30".to_owned(),
        "{month}" => "2024-07".to_owned(),
        "{period}" => "2024-Q3".to_owned(),
        "{line}" => "1".to_owned(),
        part if part.starts_with('{') => id.to_owned(),
        part => part.to_owned(),
    };
    template.split('/').map(part).collect::<Vec<_>>().join("/")
}
