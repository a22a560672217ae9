//! Public answers as ready bytes: a copy in every process, and one in Redis for all of them.
//!
//! The version that SQL gives is the truth: bytes are kept under it, and nothing older than
//! [`FRESH_FOR`] is served after a change elsewhere, nothing older at all after a change made by this
//! process. Redis holds only what can be lost: absent, slow or full of garbage, it changes no answer.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::web::Bytes;
use redis::AsyncCommands;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use sha2::{Digest, Sha256};

use super::problem::{Outcome, Problem};
use super::seal;

/// How long another process's change may stay unseen.
pub const FRESH_FOR: Duration = Duration::from_secs(1);
const KEPT_BYTES: u64 = 64 * 1024 * 1024;
const REDIS_PATIENCE: Duration = Duration::from_millis(200);
const REDIS_KEPT_SECONDS: u64 = 24 * 3600;

/// Bytes that are ready to be sent, with their strong ETag.
#[derive(Clone)]
pub struct Ready {
    pub bytes: Bytes,
    /// Quoted, as it goes into the header.
    pub etag: String,
}

impl Ready {
    pub fn of(bytes: Vec<u8>) -> Self {
        let digest = Sha256::digest(&bytes);
        let hex: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { bytes: bytes.into(), etag: format!("\"{hex}\"") }
    }
}

#[derive(Clone)]
pub struct Cache {
    versions: moka::future::Cache<String, String>,
    bodies: moka::future::Cache<String, Ready>,
    redis: Option<ConnectionManager>,
    prefix: String,
    /// Which database the bytes were made from.
    database: Arc<OnceLock<String>>,
}

impl Cache {
    /// Connects to Redis if a URL is given. A Redis that does not answer is said in the log and tried
    /// again when it is needed.
    pub async fn connect(redis_url: Option<&str>, prefix: &str) -> Self {
        let versions = moka::future::Cache::builder();
        let bodies = moka::future::Cache::builder();
        Self {
            versions: versions.max_capacity(100_000).time_to_live(FRESH_FOR).build(),
            bodies: bodies
                .weigher(|_, body: &Ready| u32::try_from(body.bytes.len()).unwrap_or(u32::MAX))
                .max_capacity(KEPT_BYTES)
                .build(),
            redis: match redis_url {
                Some(url) => open(url),
                None => None,
            },
            prefix: prefix.to_owned(),
            database: Arc::default(),
        }
    }

    /// Says which database this cache stands before; until then nothing is shared through Redis.
    pub fn belong_to(&self, database: &str) {
        self.database.get_or_init(|| database.to_owned());
    }

    /// Forgets which versions are current: called after every change that a reader must see.
    pub fn refresh(&self) {
        self.versions.invalidate_all();
    }

    /// The bytes of `key` in the version that `version` reads, built by `build` if nobody has them.
    /// Of many readers at once one builds and the others wait for it.
    pub async fn ready(
        &self,
        key: &str,
        version: impl Future<Output = Outcome<String>>,
        build: impl Future<Output = Outcome<Vec<u8>>>,
    ) -> Outcome<Ready> {
        let version = self.versions.try_get_with_by_ref(key, version).await.map_err(shared)?;
        let database = self.database.get().map_or("", String::as_str);
        let key = format!("{}{database}:{key}@{version}", self.prefix);
        let body = async {
            if let Some(bytes) = self.fetch(&key).await {
                return Ok(Ready::of(bytes));
            }
            let bytes = build.await?;
            self.store(&key, &bytes).await;
            Ok(Ready::of(bytes))
        };
        self.bodies.try_get_with_by_ref(&key, body).await.map_err(shared)
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
        patiently(set).await.is_none_or(|taken| taken.is_some())
    }

    pub async fn end_flight(&self, name: &str) {
        let Some(mut redis) = self.redis.clone() else { return };
        let _: Option<()> = patiently(redis.del(format!("{}flight:{name}", self.prefix))).await;
    }

    /// Keeps a secret text for other processes, readable only with `key`.
    pub async fn keep_sealed(&self, name: &str, key: &[u8], text: &str, seconds: u64) {
        let Some(mut redis) = self.redis.clone() else { return };
        let Some(sealed) = seal::seal(key, text) else { return };
        let name = format!("{}{name}", self.prefix);
        let _: Option<()> = patiently(redis.set_ex(name, sealed, seconds)).await;
    }

    /// What [`Self::keep_sealed`] kept; nothing if it is gone or was tampered with.
    pub async fn unsealed(&self, name: &str, key: &[u8]) -> Option<String> {
        let mut redis = self.redis.clone()?;
        let sealed: Vec<u8> = patiently(redis.get(format!("{}{name}", self.prefix))).await?;
        seal::unseal(key, sealed)
    }

    async fn fetch(&self, key: &str) -> Option<Vec<u8>> {
        self.database.get()?;
        let mut redis = self.redis.clone()?;
        let sealed: Vec<u8> = patiently(redis.get(key)).await?;
        // A digest before the bytes: what somebody else put under our key is a miss.
        let (digest, bytes) = sealed.split_at_checked(32)?;
        (Sha256::digest(bytes).as_slice() == digest).then(|| bytes.to_vec())
    }

    async fn store(&self, key: &str, bytes: &[u8]) {
        let (Some(_), Some(mut redis)) = (self.database.get(), self.redis.clone()) else { return };
        let mut sealed = Sha256::digest(bytes).to_vec();
        sealed.extend_from_slice(bytes);
        let _: Option<()> = patiently(redis.set_ex(key, sealed, REDIS_KEPT_SECONDS)).await;
    }
}

fn open(url: &str) -> Option<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(REDIS_PATIENCE))
        .set_response_timeout(Some(REDIS_PATIENCE));
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

async fn patiently<T>(call: impl Future<Output = redis::RedisResult<T>>) -> Option<T> {
    match tokio::time::timeout(REDIS_PATIENCE, call).await {
        Ok(Ok(value)) => Some(value),
        Ok(Err(error)) => {
            tracing::debug!(%error, "Redis did not serve");
            None
        }
        Err(_) => None,
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
