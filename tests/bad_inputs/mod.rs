//! The catalogue of bad inputs: what is sent is data, and one runner sends each and looks at all that
//! must hold whenever something is refused.
//!
//! A case names its row (`C49`). Besides its status and code the runner asserts what the actor asserts
//! of every answer (problem+json, a request id, a documented code), that no table holds anything else
//! than before, that the answer tells no secret, SQL or path, and that the server answers the next
//! request.

mod claims;
mod confirmed;
mod proofs;
mod reports;
mod shop;
mod tables;
mod tenancy;
mod tokens;
mod uploads;
mod wire;
mod year;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::Value;

use crate::support::{Actor, Answer, SESSION_KEY, World, new_id};
use tables::Tables;
pub use wire::send as send_bytes;

/// What must come back.
#[derive(Clone, Debug)]
pub enum Expected {
    Refused(u16, &'static str),
    /// Accepted: a control, or a harmless look-alike.
    Taken(u16),
    /// 200 with this body: what was smuggled in changed nothing.
    Same(Value),
    /// Refused by the HTTP parser, before there is a request that could be given an id.
    Unparsed(u16),
}

/// What is sent besides the headers.
#[derive(Clone, Debug)]
pub enum Sent {
    Nothing,
    Json(Value),
    /// JSON that no library would write.
    Text(String),
    /// A body of this media type.
    Bytes(String, Vec<u8>),
    /// These bytes on a connection of their own: what no well-behaved client would send.
    Wire(Vec<u8>),
}

/// One bad input.
#[derive(Clone)]
pub struct Case {
    /// Its row of the catalogue, e.g. `C49`.
    pub row: &'static str,
    pub what: String,
    pub who: Actor,
    pub method: Method,
    pub path: String,
    pub headers: Vec<(&'static str, Vec<u8>)>,
    pub sent: Sent,
    pub expected: Expected,
    /// The tables that it may change, e.g. the count of failures.
    pub writes: &'static [&'static str],
}

impl Case {
    pub fn get(row: &'static str, what: impl Into<String>, who: &Actor, path: &str) -> Self {
        Self {
            row,
            what: what.into(),
            who: who.clone(),
            method: Method::GET,
            path: path.to_owned(),
            headers: Vec::new(),
            sent: Sent::Nothing,
            expected: Expected::Taken(200),
            writes: &[],
        }
    }

    /// A POST with a key of its own.
    pub fn post(
        row: &'static str,
        what: impl Into<String>,
        who: &Actor,
        path: &str,
        body: Value,
    ) -> Self {
        let key = new_id().to_string().into_bytes();
        let headers = vec![("Idempotency-Key", key)];
        let get = Self::get(row, what, who, path);
        Self { method: Method::POST, headers, sent: Sent::Json(body), ..get }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn refused(self, status: u16, code: &'static str) -> Self {
        Self { expected: Expected::Refused(status, code), ..self }
    }

    pub fn expecting(self, expected: Expected) -> Self {
        Self { expected, ..self }
    }

    pub fn writes(self, tables: &'static [&'static str]) -> Self {
        Self { writes: tables, ..self }
    }

    /// Whether it may write nothing at all.
    fn is_quiet(&self) -> bool {
        self.writes.is_empty() && !matches!(self.expected, Expected::Taken(_))
    }

    async fn send(&self) -> Answer {
        if let Sent::Wire(bytes) = &self.sent {
            return wire::send(&self.who.base, bytes).await;
        }
        let shape = |mut request: reqwest::RequestBuilder| {
            for (name, value) in &self.headers {
                let value = HeaderValue::from_bytes(value).expect("a value that a client can send");
                request = request.header(*name, value);
            }
            match &self.sent {
                Sent::Json(body) => request.json(body),
                Sent::Text(body) => {
                    request.header("Content-Type", "application/json").body(body.clone())
                }
                Sent::Bytes(media, body) => {
                    request.header("Content-Type", media).body(body.clone())
                }
                _ => request,
            }
        };
        self.who.send(self.method.clone(), &self.path, shape).await
    }

    /// What the answer must not repeat: tokens, passwords, codes.
    fn secrets(&self) -> Vec<String> {
        let text = |value: &Vec<u8>| String::from_utf8_lossy(value).into_owned();
        let headers = self.headers.iter().filter(|(name, _)| *name == "Authorization");
        let mut found: Vec<_> = headers.map(|(_, value)| text(value)).collect();
        found.extend(self.who.token.clone());
        if let Sent::Json(body) = &self.sent {
            for name in ["password", "present", "new", "totp", "refresh_token", "code"] {
                found.extend(body[name].as_str().map(str::to_owned));
            }
        }
        found.retain(|secret| secret.chars().count() >= 6 && secret.trim() != "Bearer");
        found
    }
}

/// What no answer says, whatever was asked.
const NEVER_SAID: &[&str] = &[
    "select ",
    "insert into",
    "update ",
    "delete from",
    "sqlite",
    "postgres",
    "sqlx",
    "sea_orm",
    "redis",
    "panicked",
    "backtrace",
    ".rs",
    "/src/",
    "/root/",
    "/work/",
    "/tmp/",
    "argon2",
    "jsonwebtoken",
    "hmac",
    "session_key",
    "wechat-secret",
    "wechat-access-token",
    "secret",
];

/// So many cases that may write nothing are looked at together.
const LOOKED_AFTER: usize = 25;

/// The cases that were tried, and what was wrong.
pub struct Catalogue {
    title: &'static str,
    rows: BTreeSet<&'static str>,
    cases: usize,
    failed: Vec<String>,
}

impl Catalogue {
    pub fn of(title: &'static str) -> Self {
        Self { title, rows: BTreeSet::new(), cases: 0, failed: Vec::new() }
    }

    /// Tries each case in turn. Between cases that may write nothing the tables are not looked at: what
    /// one of a few wrote is found after the last of them.
    pub async fn run(&mut self, world: &World, cases: impl IntoIterator<Item = Case>) {
        let tables = Tables::of(world).await;
        let mut before = tables.contents().await;
        let mut quiet = 0;
        let mut cases = cases.into_iter().peekable();
        while let Some(case) = cases.next() {
            let answer = AssertUnwindSafe(case.send()).catch_unwind().await;
            let mut wrong = answer.map_or_else(|cause| vec![said(cause)], |it| judge(&case, &it));
            let more = cases.peek().is_some_and(Case::is_quiet);
            if case.is_quiet() && more && quiet < LOOKED_AFTER {
                quiet += 1;
            } else {
                let after = tables.contents().await;
                let changed = before.changed(&after);
                let unasked = changed.iter().filter(|table| !case.writes.contains(&table.as_str()));
                let taken = matches!(case.expected, Expected::Taken(201));
                let wrote = |table| format!("it, or one of {quiet} before it, wrote {table}");
                wrong.extend(unasked.filter(|_| !taken).map(wrote));
                if world.anybody().get("/v1/regions?parent=460205").await.status != 200 {
                    wrong.push("the server is not well afterwards".to_owned());
                }
                (before, quiet) = (after, 0);
            }
            self.note(case.row, &case.what, wrong);
        }
    }

    /// Tries one case, and gives back whether it went as expected.
    pub async fn try_one(&mut self, world: &World, case: Case) -> bool {
        let failed = self.failed.len();
        self.run(world, [case]).await;
        self.failed.len() == failed
    }

    /// Something that must hold besides, after the cases of a script.
    pub fn check(&mut self, row: &'static str, what: &str, holds: bool) {
        self.note(row, what, if holds { Vec::new() } else { vec!["it does not hold".to_owned()] });
    }

    fn note(&mut self, row: &'static str, what: &str, wrong: Vec<String>) {
        self.rows.insert(row);
        self.cases += 1;
        if !wrong.is_empty() {
            let failed = format!("{row} {what}: {}", wrong.join("; "));
            // Also now: a script may stop before the report.
            eprintln!("{failed}");
            self.failed.push(failed);
        }
    }

    /// Says how many passed, and fails with all that did not.
    pub fn report(self) {
        let Self { title, rows, cases, failed } = self;
        let (rows, passed) = (rows.len(), cases - failed.len());
        println!("figure: bad inputs, {title}: {cases} cases of {rows} rows, {passed} passed");
        assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
    }
}

/// What a net said when it caught the answer.
fn said(cause: Box<dyn std::any::Any + Send>) -> String {
    cause.downcast_ref::<String>().cloned().unwrap_or_else(|| "a net caught it".to_owned())
}

fn judge(case: &Case, answer: &Answer) -> Vec<String> {
    let mut wrong = Vec::new();
    let code = answer.body["code"].as_str().unwrap_or_default();
    let as_expected = match &case.expected {
        Expected::Refused(status, expected) => (answer.status, code) == (*status, *expected),
        Expected::Taken(status) | Expected::Unparsed(status) => answer.status == *status,
        Expected::Same(body) => answer.status == 200 && answer.body == *body,
    };
    if !as_expected {
        wrong.push(format!("{:?} but {} {code} {}", case.expected, answer.status, answer.body));
    }
    let refused = matches!(case.expected, Expected::Refused(..) | Expected::Unparsed(_));
    if refused {
        wrong.extend(leaks(case, answer));
    }
    wrong
}

fn leaks(case: &Case, answer: &Answer) -> Vec<String> {
    let text = format!("{} {:?}", answer.body, answer.headers);
    let small = text.to_lowercase();
    let never = NEVER_SAID.iter().filter(|word| small.contains(**word)).map(|it| (*it).to_owned());
    let secrets = case.secrets().into_iter().chain([SESSION_KEY.to_owned()]);
    let repeated = secrets.filter(|secret| text.contains(secret.as_str()));
    never.chain(repeated).map(|what| format!("it tells `{what}`: {text}")).collect()
}
