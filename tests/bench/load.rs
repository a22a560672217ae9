//! A load generator: keep-alive connections that each send their next request when the answer to the
//! last one is there.
//!
//! Requests are written as they go over the wire and of an answer only what is needed is read, so that
//! it takes as little as possible of the processors that it shares with what is measured.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Done;
use crate::report::say;

pub const CONNECTIONS: usize = 64;
const THREADS: usize = 2;

/// Whom to ask, for how long, and with which status every answer must come.
#[derive(Clone, Copy)]
pub struct Load {
    pub address: SocketAddr,
    pub duration: Duration,
    pub status: u16,
}

/// Writes a connection's next request.
pub type Requests = Box<dyn FnMut(&mut Vec<u8>)>;

/// What came of it.
pub struct Tally {
    /// Good answers.
    pub per_second: f64,
    pub p99_ms: f64,
    pub good: usize,
    /// Answers of another status, and those that never came.
    pub bad: usize,
}

/// What one thread or connection has seen.
#[derive(Default)]
struct Seen {
    /// The microseconds that each request took.
    micros: Vec<u64>,
    bad: usize,
}

/// Whether the first bad answer ends a load, or all of them are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bad {
    Ends,
    Counts,
}

impl Load {
    /// Keeps [`CONNECTIONS`] busy, connection `n` with the requests that `source(n)` writes.
    ///
    /// # Errors
    /// With the first answer of another status: a refusal is fast, and would be no measure.
    pub async fn run<S, F>(self, source: F) -> Done<Tally>
    where
        F: Fn(usize) -> S + Clone + Send + 'static,
        S: FnMut(&mut Vec<u8>) + 'static,
    {
        self.run_by(CONNECTIONS, source).await
    }

    /// As [`Self::run`], with so many connections.
    ///
    /// # Errors
    /// As there.
    pub async fn run_by<S, F>(self, connections: usize, source: F) -> Done<Tally>
    where
        F: Fn(usize) -> S + Clone + Send + 'static,
        S: FnMut(&mut Vec<u8>) + 'static,
    {
        self.ask(connections, source, Bad::Ends).await
    }

    /// As [`Self::run_by`], but it goes on after bad answers, with a new connection, and counts them.
    ///
    /// # Errors
    /// Only if it cannot be begun.
    pub async fn count_by<S, F>(self, connections: usize, source: F) -> Done<Tally>
    where
        F: Fn(usize) -> S + Clone + Send + 'static,
        S: FnMut(&mut Vec<u8>) + 'static,
    {
        self.ask(connections, source, Bad::Counts).await
    }

    async fn ask<S, F>(self, connections: usize, source: F, bad: Bad) -> Done<Tally>
    where
        F: Fn(usize) -> S + Clone + Send + 'static,
        S: FnMut(&mut Vec<u8>) + 'static,
    {
        let started = Instant::now();
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let source = source.clone();
                tokio::task::spawn_blocking(move || {
                    let numbers = (thread..connections).step_by(THREADS);
                    let all = numbers.map(|number| self.connection(source(number), started, bad));
                    together(all)
                })
            })
            .collect();
        let mut seen = Seen::default();
        for thread in threads {
            seen.add(thread.await??);
        }
        let seconds = started.elapsed().as_secs_f64();
        let Seen { mut micros, bad } = seen;
        micros.sort_unstable();
        let p99 = micros.get(micros.len() * 99 / 100).copied().unwrap_or(0);
        let good = micros.len().saturating_sub(bad);
        let (count, p99) = (u32::try_from(good)?, u32::try_from(p99)?);
        let per_second = f64::from(count) / seconds;
        Ok(Tally { per_second, p99_ms: f64::from(p99) / 1000.0, good, bad })
    }

    async fn connection(
        self,
        mut next: impl FnMut(&mut Vec<u8>),
        started: Instant,
        bad: Bad,
    ) -> Result<Seen, String> {
        let mut connection = Connection::open(self.address).await?;
        let mut seen = Seen::default();
        let mut request = Vec::new();
        while started.elapsed() < self.duration {
            request.clear();
            next(&mut request);
            let asked = Instant::now();
            let answer =
                connection.exchange(&request).await.and_then(|answer| match answer.status {
                    status if status == self.status => Ok(()),
                    _ => Err(format!("expected {}, got {}", self.status, answer.text())),
                });
            seen.micros.push(u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX));
            if let Err(what) = answer {
                if bad == Bad::Ends {
                    return Err(what);
                }
                if seen.bad == 0 {
                    say(&what);
                }
                seen.bad += 1;
                connection = Connection::open(self.address).await?;
            }
        }
        Ok(seen)
    }
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.micros.extend(other.micros);
        self.bad += other.bad;
    }
}

/// Runs all connections of a thread at once.
fn together(
    all: impl Iterator<Item = impl Future<Output = Result<Seen, String>>>,
) -> Result<Seen, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let mut sum = Seen::default();
    for seen in runtime.block_on(futures::future::join_all(all)) {
        sum.add(seen?);
    }
    Ok(sum)
}

/// An HTTP/1.1 connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// One answer, as long as the next request is not sent.
pub struct Answer<'a> {
    pub status: u16,
    pub head: &'a [u8],
    pub body: &'a [u8],
}

impl Answer<'_> {
    pub fn text(&self) -> String {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        format!("{}\n\n{}", text(self.head), text(self.body))
    }
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Self, String> {
        let open = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok::<_, std::io::Error>(Self { stream, received: Vec::with_capacity(16 * 1024) })
        };
        open.await.map_err(|error| format!("{address}: {error}"))
    }

    /// Sends a request and reads its answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>, String> {
        self.received.clear();
        self.stream.write_all(request).await.map_err(|error| error.to_string())?;
        let mut expected = None;
        while expected.is_none_or(|(_, length)| self.received.len() < length) {
            let read = self.stream.read_buf(&mut self.received).await;
            if read.map_err(|error| error.to_string())? == 0 {
                return Err("the server closed the connection".to_owned());
            }
            expected = expected.or_else(|| lengths(&self.received));
        }
        let (head, length) = expected.unwrap_or_default();
        let (head, body) = self.received.split_at(head);
        let body = body.get(..length - head.len()).unwrap_or_default();
        let status = head.get(9..12).and_then(|it| std::str::from_utf8(it).ok()?.parse().ok());
        Ok(Answer { status: status.unwrap_or(0), head, body })
    }
}

/// How long the head of an answer is, and the whole of it; `None` until the head is there.
fn lengths(received: &[u8]) -> Option<(usize, usize)> {
    let head = received.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    let lines = received.get(..head)?.split(|byte| *byte == b'\n');
    let length = lines.filter_map(|line| line.strip_prefix(b"content-length: ")).next();
    let length = length.and_then(|it| std::str::from_utf8(it).ok()?.trim().parse().ok());
    Some((head, head + length.unwrap_or(0)))
}
