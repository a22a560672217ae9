//! Requests as bytes on a socket: what an HTTP client would not let through.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::Answer;

/// A GET whose target and further header lines are taken as they are.
pub fn get(target: &str, lines: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("GET {target} HTTP/1.1\r\nHost: jifen\r\n").into_bytes();
    for line in lines {
        bytes.extend_from_slice(line);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"Connection: close\r\n\r\n");
    bytes
}

/// What comes back; a connection that is closed without a word is status 0.
pub async fn send(base: &str, bytes: &[u8]) -> Answer {
    let address = base.trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).await.expect("the server listens");
    // Either may fail: the server may close before it has read all.
    let _ = socket.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    parse(&answer)
}

fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let name = HeaderName::try_from(name).expect("a header");
        headers.append(name, HeaderValue::from_str(value.trim()).expect("a value"));
    }
    let body = serde_json::from_str(body).unwrap_or(Value::Null);
    Answer { status, body, headers }
}
