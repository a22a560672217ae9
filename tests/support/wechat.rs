//! A local server that answers like WeChat: each code once, errors as numbers in a 200, and on demand
//! slowly, in HTML, or without end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::web::{Bytes, Data, Json, Query};
use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

pub const APPID: &str = "wx0123456789abcdef";
pub const SECRET: &str = "wechat-secret-that-nobody-may-see";
/// What WeChat gives for decrypting; it must never be seen again.
pub const SESSION_KEY: &str = "tiihtNczf5v6AKRyjwEUhQ==";

/// What the server's access tokens begin with.
pub const ACCESS_TOKEN: &str = "wechat-access-token-";

/// How one path answers instead of as usual.
#[derive(Clone)]
pub enum Reply {
    Json(Value),
    Status(u16),
    Html,
    /// Longer than anybody waits.
    Never,
    /// A body of this many megabytes.
    Endless(usize),
}

#[derive(Default)]
struct State {
    logins: BTreeMap<String, String>,
    phones: BTreeMap<String, String>,
    used: BTreeSet<String>,
    replies: BTreeMap<&'static str, Reply>,
    token: usize,
    token_calls: usize,
    phone_calls: usize,
}

#[derive(Clone)]
pub struct FakeWeChat {
    pub base: String,
    state: Arc<Mutex<State>>,
}

impl FakeWeChat {
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Data::from(state.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .route("/sns/jscode2session", web::get().to(code_to_session))
                .route("/cgi-bin/stable_token", web::post().to(stable_token))
                .route("/wxa/business/getuserphonenumber", web::post().to(phone_number))
        });
        let server = server.workers(1).listen(listener).expect("it listens");
        actix_web::rt::spawn(server.run());
        Self { base, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the state")
    }

    /// What `wx.login` gives to this user.
    pub fn login_code(&self, openid: &str) -> String {
        let mut state = self.state();
        let code = format!("code-{}-{openid}", state.logins.len());
        state.logins.insert(code.clone(), openid.to_owned());
        code
    }

    /// What the phone button gives to a user with this number.
    pub fn phone_code(&self, phone: &str) -> String {
        let mut state = self.state();
        let code = format!("phone-{}", state.phones.len());
        state.phones.insert(code.clone(), phone.to_owned());
        code
    }

    /// From now on `path` answers like this.
    pub fn answers(&self, path: &'static str, reply: Reply) {
        self.state().replies.insert(path, reply);
    }

    pub fn answers_as_usual(&self) {
        self.state().replies.clear();
    }

    /// Somebody else renewed the access token: the present one is no longer taken.
    pub fn renews_its_token(&self) {
        self.state().token += 1;
    }

    /// How often the access token was asked for, and a phone.
    pub fn calls(&self) -> (usize, usize) {
        let state = self.state();
        (state.token_calls, state.phone_calls)
    }
}

async fn instead(reply: Option<Reply>) -> Option<HttpResponse> {
    Some(match reply? {
        Reply::Json(body) => HttpResponse::Ok().json(body),
        Reply::Status(status) => {
            HttpResponse::build(status.try_into().expect("a status")).body("{}")
        }
        Reply::Html => {
            HttpResponse::Ok().content_type("text/html").body("<html>502 Bad Gateway</html>")
        }
        Reply::Never => std::future::pending().await,
        Reply::Endless(megabytes) => {
            let block = Bytes::from(vec![b' '; 1 << 20]);
            let blocks = (0..megabytes).map(move |_| Ok::<_, actix_web::Error>(block.clone()));
            HttpResponse::Ok().streaming(futures::stream::iter(blocks))
        }
    })
}

fn refused(errcode: i64, errmsg: &str) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "errcode": errcode, "errmsg": errmsg }))
}

async fn code_to_session(
    query: Query<BTreeMap<String, String>>,
    state: Data<Mutex<State>>,
) -> HttpResponse {
    let reply = state.lock().expect("the state").replies.get("jscode2session").cloned();
    if let Some(answer) = instead(reply).await {
        return answer;
    }
    let mut state = state.lock().expect("the state");
    let sent = |name: &str| query.get(name).map_or("", String::as_str);
    if (sent("appid"), sent("secret"), sent("grant_type")) != (APPID, SECRET, "authorization_code")
    {
        return refused(40013, "invalid appid");
    }
    let code = sent("js_code").to_owned();
    let Some(openid) = state.logins.get(&code).cloned() else {
        return refused(40029, "invalid code");
    };
    if !state.used.insert(code) {
        return refused(40163, "code been used");
    }
    // A success omits errcode.
    HttpResponse::Ok().json(json!({ "openid": openid, "session_key": SESSION_KEY }))
}

async fn stable_token(body: Json<Value>, state: Data<Mutex<State>>) -> HttpResponse {
    let reply = {
        let mut state = state.lock().expect("the state");
        state.token_calls += 1;
        state.replies.get("stable_token").cloned()
    };
    if let Some(answer) = instead(reply).await {
        return answer;
    }
    let state = state.lock().expect("the state");
    let expected = json!({ "grant_type": "client_credential", "appid": APPID, "secret": SECRET });
    if body.0 != expected {
        return refused(40013, "invalid appid");
    }
    HttpResponse::Ok().json(json!({ "access_token": token(&state), "expires_in": 7200 }))
}

fn token(state: &State) -> String {
    format!("{ACCESS_TOKEN}{}", state.token)
}

async fn phone_number(
    query: Query<BTreeMap<String, String>>,
    body: Json<Value>,
    state: Data<Mutex<State>>,
) -> HttpResponse {
    let reply = {
        let mut state = state.lock().expect("the state");
        state.phone_calls += 1;
        state.replies.get("getuserphonenumber").cloned()
    };
    if let Some(answer) = instead(reply).await {
        return answer;
    }
    let mut state = state.lock().expect("the state");
    if query.get("access_token") != Some(&token(&state)) {
        return refused(40001, "invalid credential");
    }
    let code = body["code"].as_str().unwrap_or_default().to_owned();
    let Some(phone) = state.phones.get(&code).cloned() else {
        return refused(40029, "invalid code");
    };
    if !state.used.insert(code) {
        return refused(40163, "code been used");
    }
    HttpResponse::Ok().json(json!({
        "errcode": "0",
        "errmsg": "ok",
        "phone_info": {
            "phoneNumber": format!("+86{phone}"), "purePhoneNumber": phone, "countryCode": "86",
            "watermark": { "timestamp": 1_711_900_800, "appid": APPID },
        },
    }))
}
