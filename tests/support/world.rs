//! A small world: two villages of one township and one of another county, each with households in two
//! grids and every office filled.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use actix_web::web::Data;
use api::app::{self, App};
use api::config::Config;
use api::households::{self, Consent, NewHousehold, NewMember, Opening};
use api::identity::{self, Grant, NewOfficial, Role};
use api::kernel::clock::{Clock, Instant};
use api::kernel::db::Tx;
use api::kernel::region::{RegionCode, Village};
use api::regions::Policy;
use api::{redemption, regions, rules};
use clap::Parser;
use reqwest::Client;
use serde_json::{Value, json};
use uuid::Uuid;

use super::actor::Actor;
use super::canary;
use super::database::TestDatabase;
use super::pictures;
use super::wechat::{APPID, FakeWeChat, SECRET};

/// The village where things happen.
pub const HERE: &str = "460205100201";
/// Another village of the same township.
pub const NEXT: &str = "460205100202";
/// A village of another county.
pub const FAR: &str = "440783107201";

/// Households in each village, five a grid.
pub const HOUSEHOLDS: usize = 10;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    config: Config,
}

/// A running server and its people.
pub struct World {
    pub app: Data<App>,
    pub base: String,
    client: Client,
    // Goes away with the world.
    pub database: TestDatabase,
}

impl Drop for World {
    fn drop(&mut self) {
        canary::look_at_log();
    }
}

impl World {
    /// A world that begins at `now`, a moment in the village's words.
    pub async fn begins(now: Instant) -> Self {
        Self::with_policy(now, Policy::default()).await
    }

    /// A world whose villages have this policy.
    pub async fn with_policy(now: Instant, policy: Policy) -> Self {
        let world = Self::start(Clock::standing_at(now), &[]).await;
        world.found(policy, now).await;
        world
    }

    async fn found(&self, policy: Policy, now: Instant) {
        let founded = self.app.db.write(async |tx| {
            found(tx, policy, now).await;
            Ok(())
        });
        founded.await.expect("the world is founded");
    }

    /// A world whose people can log in by WeChat.
    pub async fn with_wechat(now: Instant) -> (Self, FakeWeChat) {
        let wechat = FakeWeChat::start();
        let keys = ["--wechat-appid", APPID, "--wechat-secret", SECRET];
        let line = [&["--wechat-base-url", wechat.base.as_str()], &keys[..]].concat();
        let world = Self::start(Clock::standing_at(now), &line).await;
        world.found(Policy::default(), now).await;
        (world, wechat)
    }

    /// A sandbox before the demo is loaded.
    pub async fn empty() -> Self {
        Self::start(api::sandbox::clock(), &[]).await
    }

    /// An empty server as production runs it.
    pub async fn production() -> Self {
        let secret = "0123456789abcdef0123456789abcdef";
        let mut line = vec!["--profile", "production"];
        for name in ["--token-secret", "--pickup-secret", "--identity-secret"] {
            line.extend([name, secret]);
        }
        Self::start(Clock::System, &line).await
    }

    /// A world that stands before this Redis, on either database.
    pub async fn before_redis(now: Instant, redis_url: &str) -> Self {
        let mut database = TestDatabase::create().await;
        database.redis_url = Some(redis_url.to_owned());
        let world = Self::start_on(database, Clock::standing_at(now), &[]).await;
        world.found(Policy::default(), now).await;
        world
    }

    /// Another process on this world's database, with a cache and a clock of its own: the app before it
    /// serves, and somebody who asks it.
    pub async fn another_process(&self, change: impl FnOnce(App) -> App) -> (Data<App>, Actor) {
        let mut app = App::connect(config(&self.database, &[])).await.expect("the app connects");
        self.database.migrate(&app).await;
        app.clock = Clock::standing_at(self.app.clock.now());
        app.token_clock = Clock::standing_at(self.app.token_clock.now());
        let app = Data::new(change(app));
        let base = serve(&app);
        (app, Actor { base, ..self.anybody() })
    }

    async fn start(clock: Clock, line: &[&str]) -> Self {
        Self::start_on(TestDatabase::create().await, clock, line).await
    }

    async fn start_on(database: TestDatabase, clock: Clock, line: &[&str]) -> Self {
        canary::listen();
        let mut app = App::connect(config(&database, line)).await.expect("the app connects");
        database.migrate(&app).await;
        app.clock = clock;
        // It stands too, so that no test depends on how long it takes.
        app.token_clock = Clock::standing_at(Clock::System.now());
        let app = Data::new(app);
        let base = serve(&app);
        // Nothing here speaks TLS, and reading the system's roots takes longer than most tests.
        let client = Client::builder().tls_certs_only([]).build().expect("a client");
        Self { app, base, client, database }
    }

    /// Nobody in particular.
    pub fn anybody(&self) -> Actor {
        Actor { base: self.base.clone(), token: None, client: self.client.clone() }
    }

    /// The official of this office in a village, e.g. `("panel", HERE)`.
    pub async fn official(&self, office: &str, region: &str) -> Actor {
        self.persona(&format!("{office} {region}")).await
    }

    /// The head of household `number` of a village.
    pub async fn head(&self, village: &str, number: usize) -> Actor {
        self.persona(&format!("head {village} {number}")).await
    }

    pub async fn persona(&self, persona: &str) -> Actor {
        let body = json!({ "persona": persona });
        let answer = self.anybody().post("/sandbox/sessions", body).await;
        let token = answer.ok()["access_token"].as_str().map(str::to_owned);
        Actor { token, ..self.anybody() }
    }

    /// Moves the clock that tokens live by.
    pub fn token_time_passes(&self, ms: i64) {
        let now = self.app.token_clock.now();
        assert!(self.app.token_clock.advance_to(Instant(now.0 + ms)));
    }

    /// Moves the clock; the village settles when somebody next needs it.
    pub async fn travel(&self, to: Instant) {
        let body = json!({ "now": to.to_string() });
        self.anybody().put("/sandbox/clock", body).await.ok();
    }

    /// Does all that is due in every village, so that the ticker of no process comes between.
    pub async fn settled(&self) {
        api::calendar::settle_all(&self.app, None).await.expect("what is due is settled");
    }

    pub fn is_postgres(&self) -> bool {
        self.app.db.backend() == sea_orm::DbBackend::Postgres
    }

    /// Changes rows behind the API's back.
    pub async fn run(&self, sql: &str) -> u64 {
        let done = self.app.db.write(async |tx| Ok(api::kernel::db::run(tx, sql, []).await?)).await;
        done.expect("the statement runs")
    }

    /// An id as a literal of SQL.
    pub fn uuid(&self, id: Uuid) -> String {
        match self.is_postgres() {
            true => format!("'{id}'"),
            false => format!("x'{}'", id.simple()),
        }
    }

    /// Lets a test change published rules, which the database itself refuses.
    pub async fn unseal_rules(&self) {
        let unlock = match self.is_postgres() {
            true => {
                ["rules", "rule_sets"].map(|it| format!("ALTER TABLE {it} DISABLE TRIGGER USER"))
            }
            false => ["rules_append_only_update", "rule_sets_stay"]
                .map(|it| format!("DROP TRIGGER {it}")),
        };
        for sql in unlock {
            self.run(&sql).await;
        }
    }

    /// Rows of a table, to see that nothing was written.
    pub async fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        api::kernel::db::number(self.app.db.read(), &sql, []).await.expect("a count")
    }

    /// Asserts that every balance, line, list and standing is what the postings make it.
    #[track_caller]
    pub fn verified(&self) -> impl Future<Output = ()> + '_ {
        let caller = std::panic::Location::caller();
        async move {
            let report = api::verify::verify(&self.app.db).await.expect("a report");
            assert!(report.is_clean(), "{caller}: {report}");
        }
    }

    /// As [`Self::earn_in`], here.
    pub async fn earn(&self, number: usize, points: i64) -> Uuid {
        self.earn_in(HERE, number, points).await
    }

    /// Has household `number` of a village earn 10 to 30 points, approved now: its head claims them, the
    /// grid worker prechecks, the panel approves.
    pub async fn earn_in(&self, village: &str, number: usize, points: i64) -> Uuid {
        let more = json!({
            "household": household_id(village, number),
            "points_each": points,
            "occurred_on": self.app.clock.now().day().to_string(),
            "consent": { "by": head_id(village, number), "form": "oral" },
            "evidence": [
                { "kind": "committee_record", "reference": "会议记录" },
                { "kind": "certificate", "reference": "让地协议" },
            ],
        });
        let claim = claim(number, "con.land_give", more);
        let claims = format!("/v1/villages/{village}/claims");
        self.head(village, number).await.post(&claims, claim.clone()).await.ok();
        let id: Uuid = claim["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        let reviews = format!("{claims}/{id}/reviews");
        let reviewers = [("grid_worker", grid_of(village, number)), ("panel", village.to_owned())];
        for (office, region) in reviewers {
            let reviewer = self.official(office, &region).await;
            reviewer.post(&reviews, json!({ "decision": "approve" })).await.ok();
        }
        id
    }

    /// Has household `number` here lose 10 points, decided now: the committee proposes, the head is heard,
    /// and the township decides, because the proposer does not vote and two are no quorum.
    pub async fn deduct(&self, number: usize) -> Uuid {
        let day = self.app.clock.now().day().to_string();
        let evidence = json!([{ "kind": "committee_record", "reference": "会议记录" }]);
        let rest = json!({ "occurred_on": day, "evidence": evidence });
        let claim = claim(number, "law.fraud_claim_deduct", rest);
        let claims = format!("/v1/villages/{HERE}/claims");
        self.official("committee", HERE).await.post(&claims, claim.clone()).await.ok();
        let id: Uuid = claim["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        let said = json!({ "id": Uuid::now_v7(), "act": "statement", "text": "认错" });
        let hearing = format!("{claims}/{id}/hearing");
        self.head(HERE, number).await.post(&hearing, said).await.ok();
        let township = self.official("township", "460205100").await;
        let reviews = format!("{claims}/{id}/reviews");
        township.post(&reviews, json!({ "decision": "approve" })).await.ok();
        id
    }

    /// A photo here that somebody has uploaded; the same `picture` has the same pixels.
    pub async fn picture(&self, of: &Actor, picture: &str) -> Uuid {
        let id = Uuid::now_v7();
        self.arrive(of, id, picture).await;
        id
    }

    /// Somebody uploads a photo here under an id that was made before.
    pub async fn arrive(&self, of: &Actor, id: Uuid, picture: &str) {
        let seed =
            picture.bytes().fold(7_u64, |seed, byte| seed.wrapping_mul(31) + u64::from(byte));
        let picture = pictures::png(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        of.upload(&format!("/v1/villages/{HERE}/photos"), id, &picture).await.ok();
    }

    /// Uploads a picture of its own to the village here; the photo's id.
    pub async fn photo(&self, actor: &Actor) -> Uuid {
        let id = Uuid::now_v7();
        // The last bits of an id are random.
        let picture = pictures::png(id.as_u64_pair().1);
        actor.upload(&format!("/v1/villages/{HERE}/photos"), id, &picture).await.ok();
        id
    }

    /// The pictures in the store, by their file names.
    pub fn pictures(&self) -> Vec<PathBuf> {
        let entries = |folder: &Path| {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).collect::<Vec<_>>()
        };
        entries(&self.database.photos).iter().flat_map(|day| entries(day)).collect()
    }

    /// Has a claim here approved by these offices in turn.
    pub async fn approve(&self, claim: Uuid, offices: &[&str]) {
        for office in offices {
            let reviewer = self.official(office, HERE).await;
            let path = format!("/v1/villages/{HERE}/claims/{claim}/reviews");
            reviewer.post(&path, json!({ "decision": "approve" })).await.ok();
        }
    }
}

/// Has an app answer on a port of its own.
fn serve(app: &Data<App>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    actix_web::rt::spawn(app::serve(app.clone(), listener).expect("the server starts"));
    base
}

/// A claim of household `number` here for a rule, with what the rule needs besides.
pub fn claim(number: usize, rule: &str, rest: Value) -> Value {
    let mut claim = json!({
        "id": Uuid::now_v7(),
        "household": household_id(HERE, number),
        "rule": rule,
        "count": 1,
        "evidence": [],
    });
    for (name, value) in rest.as_object().into_iter().flatten() {
        claim[name] = value.clone();
    }
    claim
}

/// That the head of household `number` here agreed to be filed for.
pub fn consent(number: usize) -> Value {
    json!({ "by": head_id(HERE, number), "form": "oral" })
}

/// The code of the grid of household `number`.
pub fn grid_of(village: &str, number: usize) -> String {
    format!("{village}{:03}", if number <= HOUSEHOLDS / 2 { 1 } else { 2 })
}

/// The same id in every world.
pub fn household_id(village: &str, number: usize) -> Uuid {
    fixed(1, village, number)
}

/// The person of a household's head.
pub fn head_id(village: &str, number: usize) -> Uuid {
    fixed(2, village, number)
}

fn fixed(kind: u128, village: &str, number: usize) -> Uuid {
    let village: u128 = village.parse().expect("digits");
    Uuid::from_u128(kind << 120 | village << 16 | u128::try_from(number).expect("a number"))
}

fn config(database: &TestDatabase, more: &[&str]) -> Config {
    let mut line = vec!["jifen", "--database-url", &database.url, "--database-connections", "8"];
    let photos = format!("file://{}", database.photos.display());
    line.extend(["--photos-url", &photos]);
    let prefix = format!("{}:", database.name);
    if let Some(redis) = &database.redis_url {
        line.extend(["--redis-url", redis, "--redis-prefix", &prefix]);
    }
    Line::parse_from(line.iter().chain(more)).config
}

fn region(code: &str) -> RegionCode {
    code.parse().expect("a region")
}

/// Regions, rules, villages, households and officials, through the commands that imports use.
async fn found(tx: &Tx, policy: Policy, now: Instant) {
    let mut all = Vec::new();
    for village in [HERE, FAR] {
        for length in [2, 4, 6, 9] {
            let code = village.get(..length).expect("a prefix");
            all.push((region(code), format!("地区{code}")));
        }
    }
    for village in [HERE, NEXT, FAR] {
        all.push((region(village), format!("村{village}")));
        for grid in 1..=2 {
            all.push((region(&format!("{village}{grid:03}")), format!("第{grid}网格")));
        }
    }
    regions::add(tx, &all).await.expect("regions");
    let catalogue = rules::builtin().expect("the catalogue");
    for (at, county) in ["460205", "440783"].into_iter().enumerate() {
        let set = fixed(3, "460205100201", at);
        let day = "2023-01-02".parse().expect("a day");
        rules::import(tx, &region(county), set, &catalogue, day, None, now).await.expect("rules");
    }
    for village in [HERE, NEXT, FAR] {
        found_village(tx, village, policy, now).await;
    }
    let above = [
        official("township 460205100", Role::Township, "460205100"),
        official("county 460205", Role::County, "460205"),
        official("township 440783107", Role::Township, "440783107"),
        official("county 440783", Role::County, "440783"),
    ];
    identity::appoint(tx, None, &above, now).await.expect("officers");
}

async fn found_village(tx: &Tx, code: &str, policy: Policy, now: Instant) {
    let village: Village = code.parse().expect("a village");
    regions::open_village(tx, &village, policy, now).await.expect("a village");
    let prizes = redemption::builtin().expect("the prizes");
    redemption::stock_shop(tx, &village, &prizes, 1, now).await.expect("a shop");
    let households: Vec<_> = (1..=HOUSEHOLDS).map(|number| household(code, number)).collect();
    let opening = Opening { village: &village, by: None, secret: b"nobody has a phone yet", now };
    households::create_all(tx, &opening, &households).await.expect("households");
    let mut officials = Vec::new();
    for (office, role) in [
        ("panel", Role::Panel),
        ("panel_2", Role::Panel),
        ("committee", Role::Committee),
        ("committee_2", Role::Committee),
        ("committee_3", Role::Committee),
        ("clerk", Role::Clerk),
        ("clerk_2", Role::Clerk),
    ] {
        officials.push(official(&format!("{office} {code}"), role, code));
    }
    for grid in 1..=2 {
        let grid = format!("{code}{grid:03}");
        officials.push(official(&format!("grid_worker {grid}"), Role::GridWorker, &grid));
    }
    for number in 1..=HOUSEHOLDS {
        officials.push(NewOfficial {
            person: head_id(code, number),
            name: head_name(number),
            persona: Some(format!("head {code} {number}")),
            grants: Vec::new(),
        });
    }
    identity::appoint(tx, None, &officials, now).await.expect("officials");
}

fn official(persona: &str, role: Role, code: &str) -> NewOfficial {
    NewOfficial {
        person: person_of(persona),
        name: format!("官{persona}"),
        persona: Some(persona.to_owned()),
        grants: vec![Grant { role, region: region(code) }],
    }
}

/// The same person in every world.
fn person_of(persona: &str) -> Uuid {
    let seed = |start: u64| {
        persona
            .bytes()
            .fold(start, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3))
    };
    let (high, low) = (seed(0xCBF2_9CE4_8422_2325), seed(0x8422_2325_CBF2_9CE4));
    let random = [&high.to_be_bytes()[..2], &low.to_be_bytes()].concat();
    let random = random.try_into().expect("ten bytes");
    uuid::Builder::from_unix_timestamp_millis(1_700_000_000_000, &random).into_uuid()
}

/// The name of a household's head: 张守勤 is the first.
pub fn head_name(number: usize) -> String {
    let names = ["张守勤", "王明娜", "董建国", "李桂香", "陈大海"];
    names.get((number - 1) % names.len()).map_or_else(String::new, |name| (*name).to_owned())
}

fn household(village: &str, number: usize) -> NewHousehold {
    let member =
        |person, name, is_head| NewMember { person, name, is_head, ..NewMember::default() };
    let head = member(head_id(village, number), head_name(number), true);
    let spouse = member(Uuid::now_v7(), "配偶".to_owned(), false);
    NewHousehold {
        id: household_id(village, number),
        number: i64::try_from(number).expect("a number"),
        grid: region(&grid_of(village, number)),
        consent: Some(Consent::Account),
        members: vec![head, spouse],
    }
}
