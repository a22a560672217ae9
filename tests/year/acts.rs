//! What people do in a week, over HTTP.

use api::kernel::period::Week;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Home, Life};

impl Life<'_> {
    /// What is done on a Thursday, in the same order in every life.
    pub(super) async fn thursday(&mut self) {
        self.decide_objections().await;
        self.refund().await;
        for _ in 0..self.pace.claims {
            self.claim().await;
        }
        for _ in 0..self.pace.objections {
            self.object().await;
        }
        for _ in 0..self.pace.reversals {
            self.reverse().await;
        }
        for _ in 0..self.pace.redemptions {
            self.redeem().await;
        }
        // Half of the families stay as they were.
        if self.ended.len() * 2 < self.homes.len() {
            self.split().await;
            self.merge().await;
        }
    }

    /// What is done on a Saturday.
    pub(super) async fn saturday(&mut self) {
        self.collect().await;
        // Half of what was filed on Thursday is decided before its list can close.
        let rest = self.filed.split_off(self.filed.len() / 2);
        self.decide_objections().await;
        self.filed = rest;
        self.decide_reversals().await;
    }

    /// Sends as this persona; what came back, if it was a 2xx. Counts what was answered.
    async fn send(
        &mut self,
        what: &str,
        persona: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Option<Value> {
        let token = self.token(persona).await;
        let key = self.id();
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request.bearer_auth(token).header("Idempotency-Key", key.to_string());
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let body: Value = answer.json().await.expect("JSON");
        assert!(!status.is_server_error(), "{what}: {status} {body}");
        let how = body["code"].as_str().filter(|_| !status.is_success()).unwrap_or("done");
        *self.done.entry(format!("{what} {how}")).or_default() += 1;
        status.is_success().then_some(body)
    }

    async fn post(&mut self, what: &str, persona: &str, path: &str, body: Value) -> Option<Value> {
        self.send(what, persona, Method::POST, path, Some(body)).await
    }

    async fn token(&mut self, persona: &str) -> String {
        if let Some(token) = self.tokens.get(persona) {
            return token.clone();
        }
        let sessions = format!("{}/sandbox/sessions", self.base);
        let request = self.client.post(sessions).json(&json!({ "persona": persona }));
        let body: Value = request.send().await.expect("an answer").json().await.expect("a session");
        let token = body["access_token"].as_str().expect("a token").to_owned();
        self.tokens.insert(persona.to_owned(), token.clone());
        token
    }

    fn somebody(&mut self) -> Home {
        let at = self.home();
        self.homes[at].clone()
    }

    /// A deed filed by its head, prechecked by the grid's worker, approved by the panel.
    async fn claim(&mut self) {
        let home = self.somebody();
        let id = self.id();
        let claims = format!("/v1/villages/{}/claims", home.village);
        let claim = json!({
            "id": id,
            "household": home.id,
            "rule": "ent.brand_sale",
            "count": 1,
            "occurred_on": self.now.day().to_string(),
            "evidence": [{ "kind": "certificate", "reference": format!("供货单{id}") }],
        });
        let head = head_of(&home);
        if self.post("claim", &head, &claims, claim).await.is_none() {
            return;
        }
        let reviews = format!("{claims}/{id}/reviews");
        let approve = json!({ "decision": "approve" });
        let worker = format!("grid_worker {}", home.grid);
        self.post("precheck", &worker, &reviews, approve.clone()).await;
        let panel = format!("panel {}", home.village);
        self.post("approval", &panel, &reviews, approve).await;
    }

    /// A neighbour objects to a line of the month before.
    async fn object(&mut self) {
        let home = self.somebody();
        let village = format!("/v1/villages/{}", home.village);
        let lists = format!("{village}/calendar");
        let head = head_of(&home);
        let Some(calendar) = self.send("look", &head, Method::GET, &lists, None).await else {
            return;
        };
        let Some(month) = calendar["public_lists"][0]["month"].as_str() else { return };
        let lines = format!("{village}/public-lists/{month}/lines?limit=100");
        let Some(page) = self.send("look", &head, Method::GET, &lines, None).await else { return };
        let count = page["items"].as_array().map_or(0, Vec::len);
        if count == 0 {
            return;
        }
        let number = page["items"][self.draw(count)]["number"].clone();
        let path = format!("{village}/public-lists/{month}/lines/{number}/objections");
        let id = self.id();
        let objection = json!({
            "id": id, "ground": "did_not_happen", "reason": "那天没有看到他家参加",
        });
        if self.post("objection", &head, &path, objection).await.is_some() {
            self.filed.push((home.village, json!(id)));
        }
    }

    /// The committee decides what was filed: now so, now so.
    async fn decide_objections(&mut self) {
        for (at, (village, id)) in std::mem::take(&mut self.filed).into_iter().enumerate() {
            let decision = if at % 2 == 0 { "dismissed" } else { "upheld" };
            let body = json!({ "decision": decision, "reason": "查了签到表" });
            let id = id.as_str().expect("an id");
            let path = format!("/v1/villages/{village}/objections/{id}/decision");
            self.post("decision", &format!("committee {village}"), &path, body).await;
        }
    }

    /// The committee wants a confirmed line of two months before back.
    async fn reverse(&mut self) {
        let home = self.somebody();
        let village = format!("/v1/villages/{}", home.village);
        let month = Week::of(self.now.plus_days(-60)).month();
        let committee = format!("committee {}", home.village);
        let lines = format!("{village}/public-lists/{month}/lines?limit=100");
        let Some(page) = self.send("look", &committee, Method::GET, &lines, None).await else {
            return;
        };
        let count = page["items"].as_array().map_or(0, Vec::len);
        if count == 0 {
            return;
        }
        let number = page["items"][self.draw(count)]["number"].clone();
        let id = self.id();
        let body = json!({ "id": id, "month": month, "number": number, "reason": "台账不符" });
        let path = format!("{village}/reversals");
        if self.post("reversal", &committee, &path, body).await.is_some() {
            self.proposed.push((home.village, json!(id)));
        }
    }

    /// Another of the committee decides what was proposed: of three, one is dropped, one forgotten.
    async fn decide_reversals(&mut self) {
        for (at, (village, id)) in std::mem::take(&mut self.proposed).into_iter().enumerate() {
            let decision = match at % 3 {
                0 => "carried",
                1 => "dropped",
                _ => continue,
            };
            let id = id.as_str().expect("an id");
            let path = format!("/v1/villages/{village}/reversals/{id}/decision");
            let body = json!({ "decision": decision, "reason": "核对台账" });
            self.post("second decision", &format!("committee_2 {village}"), &path, body).await;
        }
    }

    /// One in ten of what was collected comes back.
    async fn refund(&mut self) {
        for (turn, (at, id)) in std::mem::take(&mut self.collected).into_iter().enumerate() {
            if turn % 10 != 0 {
                continue;
            }
            let village = self.homes[at].village.clone();
            let refund = self.id();
            let body =
                json!({ "id": refund, "quantity": 1, "reason": "包装破损", "restocked": true });
            let path = format!("/v1/villages/{village}/redemptions/{id}/refund");
            self.post("refund", &format!("clerk_2 {village}"), &path, body).await;
        }
    }

    /// A prize for a family that comes to the shop; often it is not open.
    async fn redeem(&mut self) {
        let at = self.home();
        let home = self.homes[at].clone();
        let id = self.id();
        let path = format!("/v1/villages/{}/redemptions", home.village);
        let (prize, points) = [("goods.soap", 5), ("goods.salt", 3)][self.draw(2)];
        let body = json!({ "id": id, "prize": prize, "quantity": 1, "points": points });
        if let Some(held) = self.post("redemption", &head_of(&home), &path, body).await {
            self.held.push((at, held));
        }
    }

    /// What was held on Thursday: most is fetched, some is cancelled, some forgotten.
    async fn collect(&mut self) {
        for (turn, (at, held)) in std::mem::take(&mut self.held).into_iter().enumerate() {
            let home = self.homes[at].clone();
            let id = held["id"].as_str().expect("an id");
            let this = format!("/v1/villages/{}/redemptions/{id}", home.village);
            match turn % 5 {
                3 => {
                    let path = format!("{this}/cancellation");
                    self.post("cancellation", &head_of(&home), &path, json!({})).await;
                }
                4 => {}
                _ => {
                    let code = json!({ "pickup_code": held["pickup_code"] });
                    let clerk = format!("clerk {}", home.village);
                    let path = format!("{this}/collection");
                    if self.post("collection", &clerk, &path, code).await.is_some() {
                        self.collected.push((at, id.to_owned()));
                    }
                }
            }
        }
    }

    /// A son moves out: his household takes nothing along.
    async fn split(&mut self) {
        let home = self.somebody();
        let village = format!("/v1/villages/{}", home.village);
        let township = township_of(&home);
        let path = format!("{village}/households/{}", home.id);
        let Some(file) = self.send("look", &township, Method::GET, &path, None).await else {
            return;
        };
        let members = file["members"].as_array().cloned().unwrap_or_default();
        let Some(leaves) = members.iter().find(|member| member["is_head"] == false) else { return };
        let id = self.id();
        let number = 100_000 + i64::try_from(self.serial % 800_000).expect("a number");
        let split = json!({
            "id": id, "number": number, "members": [leaves["person"]], "head": leaves["person"],
            "points": 0,
        });
        self.ended.push(home.id);
        self.post("split", &township, &format!("{path}/split"), split).await;
    }

    /// A family joins another of its village.
    async fn merge(&mut self) {
        let home = self.somebody();
        let others: Vec<Uuid> = self
            .homes
            .iter()
            .filter(|it| it.village == home.village && it.id != home.id)
            .map(|it| it.id)
            .filter(|id| !self.ended.contains(id))
            .collect();
        if others.len() < 4 {
            return;
        }
        let into = others[self.draw(others.len())];
        let path = format!("/v1/villages/{}/households/{}/merge", home.village, home.id);
        if self.post("merge", &township_of(&home), &path, json!({ "into": into })).await.is_some() {
            self.ended.push(home.id);
        }
    }
}

fn head_of(home: &Home) -> String {
    format!("head {} {}", home.village, home.number)
}

fn township_of(home: &Home) -> String {
    format!("township {}", &home.village[..9])
}
