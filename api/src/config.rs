//! Everything that can be set, from the environment (or `.env`) and the command line. Each field's
//! comment is its documentation; `.env.example` is their tested mirror.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What the sandbox signs with. Anybody may log in there as anybody, so it protects nothing; the
/// production profile refuses it.
const SANDBOX_SECRET: &str = "sandbox-secret-that-protects-nothing";
const SECRET_MIN: usize = 32;

#[derive(Args, Clone, Debug)]
pub struct Config {
    #[command(flatten)]
    pub server: Server,
    #[command(flatten)]
    pub storage: Storage,
    #[command(flatten)]
    pub secrets: Secrets,
    #[command(flatten)]
    pub wechat: WeChat,
}

/// Where and as what the server runs.
#[derive(Args, Clone, Debug)]
pub struct Server {
    /// `sandbox` has demo data, personas and a clock that can be moved; `production` has none of them
    #[arg(long, env = "PROFILE", value_enum, default_value = "sandbox")]
    pub profile: Profile,
    /// The address to listen on
    #[arg(long, env = "BIND_ADDR", default_value = "127.0.0.1:8080")]
    pub bind_addr: SocketAddr,
    /// Worker threads
    #[arg(long, env = "WORKERS", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: u16,
    /// Whether a proxy stands before the server: the caller's address is then the last one in
    /// `X-Forwarded-For`, which the proxy must write
    #[arg(long, env = "BEHIND_PROXY", default_value_t = false, action = clap::ArgAction::Set)]
    pub behind_proxy: bool,
    /// Filter of the log on standard error, in the form of `tracing`'s EnvFilter
    #[arg(long, env = "LOG", default_value = "info,sqlx=warn,sea_orm_migration=warn")]
    pub log: String,
}

/// Where data lives.
#[derive(Args, Clone, Debug)]
pub struct Storage {
    /// `sqlite://path` or `postgres://user@host/database`
    #[arg(long, env = "DATABASE_URL", default_value = "sqlite://data/jifen.db")]
    pub database_url: String,
    /// Connections to the database at most
    #[arg(long, env = "DATABASE_CONNECTIONS", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub database_connections: u32,
    /// `redis://host:port`, shared by all replicas; without it each process keeps its own cache
    #[arg(long, env = "REDIS_URL")]
    pub redis_url: Option<String>,
    /// What the keys in Redis begin with
    #[arg(long, env = "REDIS_PREFIX", default_value = "jifen:")]
    pub redis_prefix: String,
    /// Where photos lie: `file://folder`, or `s3://bucket/prefix` if built with the feature `s3`, which
    /// reads `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION` and `AWS_ENDPOINT`
    #[arg(long, env = "PHOTOS_URL", default_value = "file://data/photos")]
    pub photos_url: String,
}

/// What must stay secret. The sandbox has its own; production needs all, 32 bytes or more each.
#[derive(Args, Clone)]
pub struct Secrets {
    /// Signs access tokens and links to photos, and derives refresh tokens
    #[arg(long, env = "TOKEN_SECRET", hide_env_values = true)]
    token_secret: Option<String>,
    /// The TOKEN_SECRET before the present one: what it signed stays valid while a new one is brought in
    #[arg(long, env = "TOKEN_SECRET_PREVIOUS", hide_env_values = true)]
    token_secret_previous: Option<String>,
    /// Derives pickup codes
    #[arg(long, env = "PICKUP_SECRET", hide_env_values = true)]
    pickup_secret: Option<String>,
    /// Derives second factors, household codes and the digests of phones and ID numbers: it stays the same for ever
    #[arg(long, env = "IDENTITY_SECRET", hide_env_values = true)]
    identity_secret: Option<String>,
    /// The key file that signs public lists, made by `jifen key new FILE`; the sandbox has a key of its own
    #[arg(long, env = "LIST_KEY_FILE")]
    pub list_key_file: Option<PathBuf>,
}

/// The mini-program that villagers log in with. Without an app id nobody can.
#[derive(Args, Clone)]
pub struct WeChat {
    /// Where WeChat's server API is
    #[arg(long, env = "WECHAT_BASE_URL", default_value = "https://api.weixin.qq.com")]
    pub wechat_base_url: String,
    /// The mini-program's app id
    #[arg(long, env = "WECHAT_APPID")]
    pub wechat_appid: Option<String>,
    /// The mini-program's app secret
    #[arg(long, env = "WECHAT_SECRET", hide_env_values = true)]
    pub wechat_secret: Option<String>,
}

impl std::fmt::Debug for WeChat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WeChat({}, …)", self.wechat_base_url)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    Sandbox,
    Production,
}

impl Config {
    /// What production lacks, named by its variable; nothing in the sandbox.
    pub fn missing(&self) -> Vec<String> {
        if self.server.profile == Profile::Sandbox {
            return Vec::new();
        }
        let secrets = [
            ("TOKEN_SECRET", &self.secrets.token_secret),
            ("PICKUP_SECRET", &self.secrets.pickup_secret),
            ("IDENTITY_SECRET", &self.secrets.identity_secret),
        ];
        let weak = |secret: &&Option<String>| {
            secret.as_deref().is_none_or(|text| text.len() < SECRET_MIN || text == SANDBOX_SECRET)
        };
        let previous = self.secrets.token_secret_previous.as_ref().filter(|it| !it.is_empty());
        let previous = previous.map(|it| ("TOKEN_SECRET_PREVIOUS", Some(it.clone())));
        let previous = previous.filter(|(_, secret)| weak(&secret)).map(|(name, _)| name);
        let missing = secrets.iter().filter(|(_, secret)| weak(secret)).map(|(name, _)| *name);
        let key = self.secrets.list_key_file.is_none();
        let key = key.then(|| "LIST_KEY_FILE must name a key of `jifen key new`".to_owned());
        missing
            .chain(previous)
            .map(|name| format!("{name} must be set to {SECRET_MIN} bytes or more"))
            .chain(key)
            .collect()
    }

    pub fn is_sandbox(&self) -> bool {
        self.server.profile == Profile::Sandbox
    }
}

impl Secrets {
    /// The secret that signs, then the one before it, if there is one.
    pub fn tokens(&self) -> impl Iterator<Item = &[u8]> {
        let present = self.token_secret.as_deref().unwrap_or(SANDBOX_SECRET);
        let previous = self.token_secret_previous.as_deref().filter(|secret| !secret.is_empty());
        std::iter::once(present).chain(previous).map(str::as_bytes)
    }

    pub fn pickup(&self) -> &[u8] {
        self.pickup_secret.as_deref().unwrap_or(SANDBOX_SECRET).as_bytes()
    }

    pub fn identity(&self) -> &[u8] {
        self.identity_secret.as_deref().unwrap_or(SANDBOX_SECRET).as_bytes()
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

/// The text of `.env.example`: every variable with its meaning, commented out at its default.
pub fn env_example() -> String {
    let command = Config::augment_args(clap::Command::new("jifen"));
    let mut text = String::from(
        "# Copy to `.env` and uncomment what you change. Nothing here is needed for the sandbox.\n",
    );
    for argument in command.get_arguments() {
        let Some(name) = argument.get_env() else { continue };
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let default: Vec<_> =
            argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        text += &format!("\n# {help}.\n# {}={}\n", name.to_string_lossy(), default.join(","));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        config: Config,
    }

    fn config(line: &[&str]) -> Config {
        Line::parse_from([&["jifen"], line].concat()).config
    }

    #[test]
    fn the_example_file_mirrors_the_fields() {
        assert_eq!(include_str!("../../.env.example"), env_example(), "run `jifen env-example`");
    }

    #[test]
    fn production_names_the_secret_that_is_missing_or_weak() {
        let strong = "0123456789abcdef0123456789abcdef";
        let half = config(&["--profile", "production", "--token-secret", strong]);
        assert_eq!(half.missing().len(), 3);
        assert!(half.missing()[0].contains("PICKUP_SECRET"));
        assert!(half.missing()[2].contains("LIST_KEY_FILE"));
        let sandbox = ["--token-secret", SANDBOX_SECRET, "--pickup-secret", strong];
        let borrowed = config(&[&["--profile", "production"], &sandbox[..]].concat());
        assert!(borrowed.missing()[0].contains("TOKEN_SECRET"));
        assert!(config(&[]).missing().is_empty());
    }
}
