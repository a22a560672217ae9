mod devices;
mod founding;
mod refresh;
mod staff;
mod wechat;

pub use staff::{PASSWORD, Staff};

use serde_json::{Value, json};

use crate::support::{Actor, Answer, FakeWeChat, World, new_id};

/// A device as a client describes it.
pub fn device() -> Value {
    json!({ "id": new_id(), "name": "Redmi 9A" })
}

/// Logs in by WeChat on a device.
pub async fn log_in(world: &World, wechat: &FakeWeChat, openid: &str, device: &Value) -> Answer {
    let body = json!({ "code": wechat.login_code(openid), "device": device });
    world.anybody().send_json("/v1/sessions", &body).await
}

/// Whoever holds the access token of a login's or refresh's answer.
pub fn holder(world: &World, session: &Value) -> Actor {
    let token = session["access_token"].as_str().map(str::to_owned);
    Actor { token, ..world.anybody() }
}
