//! What must never be seen: phones, ID numbers, tokens, WeChat's keys. Every body and every log line of
//! every test is searched for them.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing_subscriber::EnvFilter;

use super::actor::Answer;
use super::wechat::{ACCESS_TOKEN, SECRET, SESSION_KEY};

#[derive(Default)]
pub struct Seen {
    pub log: Vec<u8>,
    pub bodies: usize,
    /// Secrets that somebody was given, and only they may see.
    pub given: BTreeSet<String>,
}

fn seen() -> &'static Mutex<Seen> {
    static SEEN: OnceLock<Mutex<Seen>> = OnceLock::new();
    SEEN.get_or_init(Mutex::default)
}

/// Looks at what was seen so far in this process.
pub fn with<T>(look: impl FnOnce(&mut Seen) -> T) -> T {
    look(&mut seen().lock().unwrap_or_else(PoisonError::into_inner))
}

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        with(|seen| seen.log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps everything that is logged, more than anybody would switch on.
pub fn listen() {
    let filter = EnvFilter::new("debug,api=trace");
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    // The first world of a process begins to listen.
    let _ = log.with_writer(|| Log).try_init();
}

/// What is a secret of ours or of WeChat's wherever it stands.
pub const FORBIDDEN: &[&str] = &[SESSION_KEY, SECRET, ACCESS_TOKEN, "session_key"];

/// An eleven-digit mobile number that stands by itself.
pub fn phone_in(text: &str) -> Option<&str> {
    let runs = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_phone = |run: &&str| {
        run.len() == 11
            && run.bytes().all(|byte| byte.is_ascii_digit())
            && run.starts_with('1')
            && !matches!(run.as_bytes().get(1), Some(b'0'..=b'2'))
    };
    runs.into_iter().find(is_phone)
}

/// Nobody is ever sent a phone, a key of WeChat, or a stranger's token.
#[track_caller]
pub fn look_at_body(what: &str, answer: &Answer) {
    let text = answer.body.to_string();
    for forbidden in FORBIDDEN {
        assert!(!text.contains(forbidden), "{forbidden} in {what}");
    }
    assert_eq!(phone_in(&text), None, "a phone in {what}");
    with(|seen| {
        seen.bodies += 1;
        for name in ["access_token", "refresh_token", "otpauth_url"] {
            seen.given.extend(answer.body[name].as_str().map(str::to_owned));
        }
    });
}

/// Searches the log of this process; adds to the counts of the run.
pub fn look_at_log() {
    let (text, given, bodies) = with(|seen| {
        let text = String::from_utf8_lossy(&seen.log).into_owned();
        seen.log.clear();
        (text, seen.given.clone(), std::mem::take(&mut seen.bodies))
    });
    if std::thread::panicking() {
        return;
    }
    for line in text.lines() {
        for secret in FORBIDDEN.iter().copied().chain(given.iter().map(String::as_str)) {
            assert!(!line.contains(secret), "{secret} in the log: {line}");
        }
        assert_eq!(phone_in(line), None, "a phone in the log: {line}");
    }
    let Ok(folder) = std::env::var("JIFEN_TEST_DIR") else { return };
    let backend = std::env::var("JIFEN_TEST_BACKEND").unwrap_or_default();
    let file = format!("{folder}/canary-{backend}");
    let counts = std::fs::OpenOptions::new().create(true).append(true).open(file);
    let line = format!("{bodies} {}\n", text.lines().count());
    let _ = counts.and_then(|mut counts| counts.write_all(line.as_bytes()));
}
