//! Public answers as ready bytes: a copy in every process, and one in Redis for all of them.
//!
//! The version that SQL gives is the truth. It is asked for once in [`FRESH_FOR`], for all answers that
//! share it together. While one reader asks, or builds what has changed, the others are given what was
//! known, until [`STALE_FOR`] after it was last seen to be true; then they wait for the new one. What this
//! process itself has changed is never shown as it was. Redis holds only what can be lost: absent, slow
//! or full of garbage, it changes no answer.

mod ready;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use redis::AsyncCommands;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

pub use ready::{Made, Ready};

use super::patience::{PATIENCE, Patience};
use super::problem::{Outcome, Problem};
use super::seal;

/// For how long a version that was read is taken for the present one.
pub const FRESH_FOR: Duration = Duration::from_secs(1);
/// How long after it was last seen to be true an answer is still given, while another reader makes the
/// new one.
pub const STALE_FOR: Duration = Duration::from_secs(2);
const KEPT_BYTES: u64 = 64 * 1024 * 1024;
const REDIS_KEPT_SECONDS: u64 = 24 * 3600;
/// Keys that one round through Redis asks for.
const SCANNED: usize = 1000;

/// The version that several answers share.
#[derive(Clone, Copy)]
pub struct Shared<'a> {
    /// The answer's own name.
    pub key: &'a str,
    /// What its version is of, e.g. a village: all answers that say the same are asked for together.
    pub of: &'a str,
}

/// A version, and when it was read: measured by the watch, so that a slow answer of the database makes
/// it older.
#[derive(Clone)]
struct Version {
    text: Arc<str>,
    seen: Duration,
    /// Which of this process's changes it was read after.
    changes: u64,
}

#[derive(Clone)]
struct Shown {
    version: Version,
    body: Ready,
    /// Set by the one reader who makes the next.
    renewing: Arc<AtomicBool>,
}

#[derive(Clone)]
pub struct Cache {
    versions: moka::future::Cache<String, Version>,
    shown: moka::future::Cache<String, Shown>,
    /// Readers of the same version, and of the same bytes, share one flight; nothing stays here.
    reading: moka::future::Cache<String, Version>,
    building: moka::future::Cache<String, Shown>,
    /// How often this process has changed what is shown.
    changes: Arc<AtomicU64>,
    watch: Watch,
    redis: Option<ConnectionManager>,
    patience: Arc<Patience>,
    prefix: String,
    /// Which database the bytes were made from.
    database: Arc<OnceLock<String>>,
}

impl Cache {
    /// Connects to Redis if a URL is given. A Redis that does not answer is said in the log and tried
    /// again when it is needed.
    pub async fn connect(redis_url: Option<&str>, prefix: &str) -> Self {
        let weigh = |_: &String, it: &Shown| u32::try_from(it.body.bytes.len()).unwrap_or(u32::MAX);
        Self {
            versions: moka::future::Cache::builder().max_capacity(100_000).build(),
            shown: moka::future::Cache::builder().weigher(weigh).max_capacity(KEPT_BYTES).build(),
            reading: moka::future::Cache::builder().time_to_live(Duration::ZERO).build(),
            building: moka::future::Cache::builder().time_to_live(Duration::ZERO).build(),
            changes: Arc::default(),
            watch: Watch::Running(Instant::now()),
            redis: match redis_url {
                Some(url) => open(url),
                None => None,
            },
            patience: Arc::default(),
            prefix: prefix.to_owned(),
            database: Arc::default(),
        }
    }

    /// The same cache by a watch that somebody sets.
    pub fn by(self, watch: Watch) -> Self {
        Self { watch, ..self }
    }

    /// Says which database this cache stands before; until then nothing is shared through Redis.
    pub fn belong_to(&self, database: &str) {
        self.database.get_or_init(|| database.to_owned());
    }

    /// Takes nothing that was known for the present any more: called after every change that a reader
    /// must see.
    pub fn refresh(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// The bytes of an answer in the version that `version` reads, built by `build` if nobody has them.
    /// Of many readers at once one builds; the others are given what was known, or wait for it.
    ///
    /// Bytes are never older than [`STALE_FOR`] behind a change by another process, or than their own
    /// building takes where that is longer.
    pub async fn ready<M: Into<Made>>(
        &self,
        Shared { key, of }: Shared<'_>,
        version: impl Future<Output = Outcome<String>>,
        build: impl Future<Output = Outcome<M>>,
    ) -> Outcome<Ready> {
        let changes = self.changes.load(Ordering::Acquire);
        if let Some((it, age)) = self.trusted(key, changes).await {
            // Whoever finds the flag unset is the one to renew.
            if age < FRESH_FOR || (age < STALE_FOR && it.renewing.swap(true, Ordering::AcqRel)) {
                return Ok(it.body);
            }
        }
        let flight = async {
            let version = self.version(of, changes, version).await?;
            // Looked up again: another flight may have ended since.
            let body = match self.shown.get(key).await {
                Some(it) if it.version.text == version.text => it.body,
                _ => self.body(key, &version.text, build).await?,
            };
            let shown = Shown { version, body, renewing: Arc::default() };
            self.shown.insert(key.to_owned(), shown.clone()).await;
            Ok(shown)
        };
        // Whoever comes after a change of this process joins no flight from before it.
        let flown = self.building.try_get_with(format!("{changes}:{key}"), flight).await;
        Ok(flown.map_err(shared)?.body)
    }

    /// What [`Self::ready`] would give without asking anybody.
    pub async fn at_hand(&self, key: &str) -> Option<Ready> {
        let known = self.trusted(key, self.changes.load(Ordering::Acquire)).await;
        known.filter(|(_, age)| *age < FRESH_FOR).map(|(it, _)| it.body)
    }

    /// What was shown since the last change of this process, and how long ago it was seen to be true.
    async fn trusted(&self, key: &str, changes: u64) -> Option<(Shown, Duration)> {
        let known = self.shown.get(key).await.filter(|it| it.version.changes == changes)?;
        let age = self.watch.elapsed().saturating_sub(known.version.seen);
        Some((known, age))
    }

    async fn version(
        &self,
        of: &str,
        changes: u64,
        version: impl Future<Output = Outcome<String>>,
    ) -> Outcome<Version> {
        let fresh = |it: &Version| {
            it.changes == changes && self.watch.elapsed().saturating_sub(it.seen) < FRESH_FOR
        };
        if let Some(known) = self.versions.get(of).await.filter(fresh) {
            return Ok(known);
        }
        let read = async {
            let seen = self.watch.elapsed();
            let version = Version { text: version.await?.into(), seen, changes };
            self.versions.insert(of.to_owned(), version.clone()).await;
            Ok(version)
        };
        self.reading.try_get_with(format!("{changes}:{of}"), read).await.map_err(shared)
    }

    async fn body<M: Into<Made>>(
        &self,
        key: &str,
        version: &str,
        build: impl Future<Output = Outcome<M>>,
    ) -> Outcome<Ready> {
        let key = format!("{}@{version}", self.named(key));
        if let Some(made) = self.fetch(&key).await {
            return Ok(Ready::of(made));
        }
        let made = build.await?.into();
        self.store(&key, &made).await;
        Ok(Ready::of(made))
    }

    fn named(&self, key: &str) -> String {
        format!("{}{}:{key}", self.prefix, self.database.get().map_or("", String::as_str))
    }

    /// What Redis holds under names that begin with `prefix`: the name with its version, and the bytes,
    /// which have their digest. `None` without a Redis that answers.
    pub async fn held(&self, prefix: &str) -> Option<Vec<(String, String, Made)>> {
        let mut redis = self.redis.clone()?;
        let begins = self.named("");
        // Nothing in a name of ours but what stands for itself in a pattern of Redis, braces included.
        let pattern = format!("{begins}{prefix}*");
        let mut found = Vec::new();
        for name in scan(redis.clone(), &pattern).await.ok()? {
            // Without the others' patience: what is left out would pass for what agrees.
            let sealed: Option<Vec<u8>> = redis.get(&name).await.ok()?;
            let Some(made) = sealed.as_deref().and_then(Made::opened) else { continue };
            let own = name.strip_prefix(&begins).and_then(|name| name.rsplit_once('@'));
            if let Some((key, version)) = own {
                found.push((key.to_owned(), version.to_owned(), made));
            }
        }
        found.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        found.dedup();
        Some(found)
    }

    /// Takes the flight of this name for at most `during`; `false` while another process has it. Without
    /// Redis there is nobody to share it with.
    pub async fn try_flight(&self, name: &str, during: Duration) -> bool {
        let Some(mut redis) = self.redis.clone() else { return true };
        let options = redis::SetOptions::default()
            .conditional_set(redis::ExistenceCheck::NX)
            .with_expiration(redis::SetExpiry::PX(during.as_millis().try_into().unwrap_or(5_000)));
        let key = format!("{}flight:{name}", self.prefix);
        let set = redis.set_options::<_, _, Option<String>>(key, 1, options);
        // A Redis that does not answer keeps nobody from flying.
        self.patiently(set).await.is_none_or(|taken| taken.is_some())
    }

    pub async fn end_flight(&self, name: &str) {
        let Some(mut redis) = self.redis.clone() else { return };
        let _: Option<()> =
            self.patiently(redis.del(format!("{}flight:{name}", self.prefix))).await;
    }

    /// Keeps a secret text for other processes, readable only with `key`.
    pub async fn keep_sealed(&self, name: &str, key: &[u8], text: &str, seconds: u64) {
        let Some(mut redis) = self.redis.clone() else { return };
        let Some(sealed) = seal::seal(key, text) else { return };
        let name = format!("{}{name}", self.prefix);
        let _: Option<()> = self.patiently(redis.set_ex(name, sealed, seconds)).await;
    }

    /// What [`Self::keep_sealed`] kept; nothing if it is gone or was tampered with.
    pub async fn unsealed(&self, name: &str, key: &[u8]) -> Option<String> {
        let mut redis = self.redis.clone()?;
        let sealed: Vec<u8> = self.patiently(redis.get(format!("{}{name}", self.prefix))).await?;
        seal::unseal(key, sealed)
    }

    /// What Redis answers, if it does soon.
    async fn patiently<T>(&self, call: impl Future<Output = redis::RedisResult<T>>) -> Option<T> {
        let is_gone = |error: &redis::RedisError| error.is_timeout() || error.is_io_error();
        self.patience.ask(call, is_gone).await
    }

    async fn fetch(&self, key: &str) -> Option<Made> {
        self.database.get()?;
        let mut redis = self.redis.clone()?;
        let sealed: Vec<u8> = self.patiently(redis.get(key)).await?;
        Made::opened(&sealed)
    }

    async fn store(&self, key: &str, made: &Made) {
        let (Some(_), Some(mut redis)) = (self.database.get(), self.redis.clone()) else { return };
        let stored = redis.set_ex(key, made.sealed(), REDIS_KEPT_SECONDS);
        let _: Option<()> = self.patiently(stored).await;
    }
}

/// What ages are measured by: the time since the process began, or milliseconds that somebody sets.
#[derive(Clone)]
pub enum Watch {
    Running(Instant),
    Set(Arc<AtomicU64>),
}

impl Watch {
    fn elapsed(&self) -> Duration {
        match self {
            Self::Running(since) => since.elapsed(),
            Self::Set(millis) => Duration::from_millis(millis.load(Ordering::Acquire)),
        }
    }
}

async fn scan(mut redis: ConnectionManager, pattern: &str) -> redis::RedisResult<Vec<String>> {
    let options = redis::ScanOptions::default().with_pattern(pattern).with_count(SCANNED);
    let names: redis::AsyncIter<'_, String> = redis.scan_options(options).await?;
    names.try_collect().await
}

fn open(url: &str) -> Option<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    let opened = redis::Client::open(url)
        .and_then(|client| ConnectionManager::new_lazy_with_config(client, config));
    match opened {
        Ok(manager) => Some(manager),
        Err(error) => {
            tracing::error!(%error, "REDIS_URL cannot be used; going on without Redis");
            None
        }
    }
}

/// The waiting readers share one error; each tells it as its own.
fn shared(problem: Arc<Problem>) -> Problem {
    match &*problem {
        Problem::Refused(refusal) => (**refusal).clone().into(),
        Problem::Database(error) => Problem::Database(error.clone()),
        Problem::Fault(what) => Problem::Fault(what.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::Notify;

    use super::*;

    const SHARED: Shared<'_> = Shared { key: "board", of: "region" };

    /// A database with one version, whose readers and builders are counted.
    struct Source {
        cache: Cache,
        millis: Arc<AtomicU64>,
        version: AtomicUsize,
        asked: AtomicUsize,
        built: AtomicUsize,
    }

    impl Source {
        async fn new() -> Self {
            let millis = Arc::new(AtomicU64::new(0));
            let cache = Cache::connect(None, "").await.by(Watch::Set(millis.clone()));
            let [version, asked, built] = std::array::from_fn(|_| AtomicUsize::new(0));
            Self { cache, millis, version, asked, built }
        }

        fn at(&self, millis: u64) {
            self.millis.store(millis, Ordering::SeqCst);
        }

        /// Reads, and waits for `gate` before it has built.
        async fn read(&self, shared: Shared<'_>, gate: Option<&Notify>) -> String {
            let version = async {
                self.asked.fetch_add(1, Ordering::SeqCst);
                Ok(self.version.load(Ordering::SeqCst).to_string())
            };
            let build = async {
                self.built.fetch_add(1, Ordering::SeqCst);
                if let Some(gate) = gate {
                    gate.notified().await;
                }
                Ok(self.version.load(Ordering::SeqCst).to_string().into_bytes())
            };
            let ready = self.cache.ready(shared, version, build).await.expect("bytes");
            String::from_utf8_lossy(&ready.bytes).into_owned()
        }

        fn counted(&self) -> (usize, usize) {
            (self.asked.load(Ordering::SeqCst), self.built.load(Ordering::SeqCst))
        }
    }

    #[actix_web::test]
    async fn a_version_is_asked_for_once_a_second_for_all_answers_that_share_it() {
        let source = Source::new().await;
        let more = Shared { key: "another board", of: "region" };
        for second in 0..3_usize {
            for millis in [0, 1, 500, 999] {
                source.at(second as u64 * 1000 + millis);
                assert_eq!(source.read(SHARED, None).await, "0");
                assert_eq!(source.read(more, None).await, "0");
            }
            assert_eq!(source.counted(), (second + 1, 2));
        }
        source.version.store(1, Ordering::SeqCst);
        assert_eq!(source.read(SHARED, None).await, "0", "within a second");
        source.at(3000);
        assert_eq!(source.read(SHARED, None).await, "1");
        assert_eq!(source.read(more, None).await, "1");
        assert_eq!(source.counted(), (4, 4));
    }

    /// One builds what another process has changed; until two seconds are over the others read what was.
    #[actix_web::test]
    async fn what_was_is_read_while_one_builds_and_no_longer_than_two_seconds() {
        let (source, gate) = (Source::new().await, Notify::new());
        assert_eq!(source.read(SHARED, None).await, "0");
        source.version.store(1, Ordering::SeqCst);
        source.at(1000);
        let mut builder = Box::pin(source.read(SHARED, Some(&gate)));
        assert!(futures::poll!(&mut builder).is_pending());
        for millis in [1000, 1999] {
            source.at(millis);
            assert_eq!(source.read(SHARED, None).await, "0");
        }
        source.at(2000);
        let mut late = Box::pin(source.read(SHARED, None));
        assert!(futures::poll!(&mut late).is_pending(), "too old to be read");
        gate.notify_one();
        assert_eq!(futures::join!(builder, late), ("1".to_owned(), "1".to_owned()));
        assert_eq!(source.counted(), (2, 2));
    }

    /// If the one who builds goes away, the others wait no longer than for what they read.
    #[actix_web::test]
    async fn a_builder_who_gives_up_is_replaced() {
        let (source, gate) = (Source::new().await, Notify::new());
        assert_eq!(source.read(SHARED, None).await, "0");
        source.version.store(1, Ordering::SeqCst);
        source.at(1000);
        let mut builder = Box::pin(source.read(SHARED, Some(&gate)));
        assert!(futures::poll!(&mut builder).is_pending());
        drop(builder);
        assert_eq!(source.read(SHARED, None).await, "0");
        source.at(2000);
        assert_eq!(source.read(SHARED, None).await, "1");
    }

    #[actix_web::test]
    async fn what_this_process_changed_is_never_read_as_it_was() {
        let (source, gate) = (Source::new().await, Notify::new());
        assert_eq!(source.read(SHARED, None).await, "0");
        source.at(1000);
        source.version.store(1, Ordering::SeqCst);
        let mut builder = Box::pin(source.read(SHARED, Some(&gate)));
        assert!(futures::poll!(&mut builder).is_pending());
        // A change while somebody builds what was before it.
        source.version.store(2, Ordering::SeqCst);
        source.cache.refresh();
        assert_eq!(source.read(SHARED, None).await, "2");
        gate.notify_one();
        builder.await;
        assert_eq!(source.read(SHARED, None).await, "2", "not what was built meanwhile");
    }

    #[actix_web::test]
    async fn of_many_readers_one_asks_and_builds() {
        let (source, gate) = (Source::new().await, Notify::new());
        let mut readers: Vec<_> =
            (0..100).map(|_| Box::pin(source.read(SHARED, Some(&gate)))).collect();
        for reader in &mut readers {
            assert!(futures::poll!(reader).is_pending());
        }
        gate.notify_one();
        futures::future::join_all(readers).await;
        assert_eq!(source.counted(), (1, 1));
    }
}
