//! A Redis that does what a test wants: it serves, is slow, talks nonsense or hangs up, and what it holds
//! can be changed behind the program's back. Threads of its own, so that it answers whatever waits.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// How it behaves from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Serves,
    /// Answers after everybody has lost patience.
    Slow,
    /// Answers what is no answer.
    Nonsense,
    /// Hangs up.
    Gone,
}

const SLOW: Duration = Duration::from_millis(900);

struct State {
    mood: Mood,
    values: BTreeMap<String, Vec<u8>>,
    asked: usize,
}

pub struct FakeRedis {
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl FakeRedis {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("redis://{}", listener.local_addr().expect("an address"));
        let state = State { mood: Mood::Serves, values: BTreeMap::new(), asked: 0 };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                // Whoever hangs up ends their thread.
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { url, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panicked")
    }

    pub fn be(&self, mood: Mood) {
        self.state().mood = mood;
    }

    /// How many commands it was sent.
    pub fn asked(&self) -> usize {
        self.state().asked
    }

    pub fn names(&self) -> Vec<String> {
        self.state().values.keys().cloned().collect()
    }

    pub fn forget_all(&self) {
        self.state().values.clear();
    }

    /// Changes every value, behind everybody's back.
    pub fn change(&self, mut change: impl FnMut(&str, &mut Vec<u8>)) {
        for (name, value) in &mut self.state().values {
            change(name, value);
        }
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?);
    loop {
        let command = read_command(&mut lines)?;
        let (mood, answer) = {
            let mut state = state.lock().ok()?;
            state.asked += 1;
            (state.mood, answer(&command, &mut state.values))
        };
        match mood {
            Mood::Serves => stream.write_all(&answer).ok()?,
            Mood::Slow => {
                std::thread::sleep(SLOW);
                stream.write_all(&answer).ok()?;
            }
            Mood::Nonsense => stream.write_all(b"$7\r\n\x00\xffnonsense, not seven\r\n").ok()?,
            Mood::Gone => return None,
        }
    }
}

/// One command as clients send it: an array of byte strings.
fn read_command(lines: &mut impl BufRead) -> Option<Vec<Vec<u8>>> {
    let count = read_number(lines, '*')?;
    let mut parts = Vec::new();
    for _ in 0..count {
        let mut part = vec![0; read_number(lines, '$')? + 2];
        lines.read_exact(&mut part).ok()?;
        part.truncate(part.len() - 2);
        parts.push(part);
    }
    Some(parts)
}

fn read_number(lines: &mut impl BufRead, kind: char) -> Option<usize> {
    let mut line = String::new();
    lines.read_line(&mut line).ok()?;
    line.trim_end().strip_prefix(kind)?.parse().ok()
}

fn bulk(value: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", value.len()).as_bytes(), value, b"\r\n"].concat()
}

fn answer(command: &[Vec<u8>], values: &mut BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let text = |at: usize| {
        command.get(at).map(|part| String::from_utf8_lossy(part).into_owned()).unwrap_or_default()
    };
    match text(0).to_uppercase().as_str() {
        "GET" => values.get(&text(1)).map_or_else(|| b"$-1\r\n".to_vec(), |value| bulk(value)),
        "SET" => {
            values.insert(text(1), command.get(2).cloned().unwrap_or_default());
            b"+OK\r\n".to_vec()
        }
        "SETEX" => {
            values.insert(text(1), command.get(3).cloned().unwrap_or_default());
            b"+OK\r\n".to_vec()
        }
        "DEL" => format!(":{}\r\n", u8::from(values.remove(&text(1)).is_some())).into_bytes(),
        "SCAN" => {
            let prefix = text(3).trim_end_matches('*').to_owned();
            let found: Vec<_> = values.keys().filter(|name| name.starts_with(&prefix)).collect();
            let names: Vec<_> = found.iter().flat_map(|name| bulk(name.as_bytes())).collect();
            [format!("*2\r\n$1\r\n0\r\n*{}\r\n", found.len()).into_bytes(), names].concat()
        }
        "PING" => b"+PONG\r\n".to_vec(),
        _ => b"+OK\r\n".to_vec(),
    }
}
