//! The county that the measures run on: villages, grids and households through the product's own bulk
//! commands, a week of approved claims by one statement.

use api::app::{self, App};
use api::calendar;
use api::config::Config;
use api::households::{Consent, NewHousehold, NewMember, Opening, create_all};
use api::identity::{self, Grant, NewOfficial, Role};
use api::kernel::clock::Instant;
use api::kernel::db::Tx;
use api::kernel::period::Week;
use api::kernel::problem::{Outcome, Problem};
use api::kernel::region::{RegionCode, Village};
use api::regions::{self, Policy};
use api::{redemption, rules};
use clap::Parser;
use sea_orm::{ConnectionTrait, Database};
use uuid::Uuid;

use crate::process::{TOKEN_SECRET, list_key};
use crate::report::say;
use crate::{Bench, Done};

/// 崖州区; its villages are made up.
pub const COUNTY: &str = "460205";
/// The ids of a household and of its head end in the household's number in the county, so that SQL
/// knows them too.
pub const HOUSEHOLD_ID: &str = "01920000-0000-7000-8001-";
pub const HEAD_ID: &str = "01920000-0000-7000-8002-";
const SPOUSE_ID: &str = "01920000-0000-7000-8003-";
const OFFICIAL_ID: &str = "01920000-0000-7000-8004-";
const RULES_ID: &str = "01920000-0000-7000-8005-";
/// Claims of a household in the seeded week.
pub const CLAIMS_PER_HOUSEHOLD: usize = 10;

/// How big a county is.
#[derive(Clone, Copy)]
pub struct Size {
    pub villages: usize,
    pub grids: usize,
    pub households: usize,
}

/// A county in a database, with a closed week.
pub struct County {
    pub database: String,
    pub size: Size,
    pub week: Week,
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    config: Config,
}

/// The product on a database of the bench.
pub async fn connect(bench: &Bench, database: &str) -> Done<App> {
    connect_to(bench, &bench.database(database)).await
}

/// The product on any database.
pub async fn connect_to(bench: &Bench, url: &str) -> Done<App> {
    let key = list_key(bench)?;
    let key = key.to_str().ok_or("the folder has an odd name")?;
    let secrets = ["--token-secret", TOKEN_SECRET, "--list-key-file", key];
    let line = ["bench", "--profile", "production", "--database-url", url];
    let line = Line::try_parse_from([&line[..], &secrets[..]].concat())?;
    App::connect(line.config).await
}

/// The same in the sandbox, where the clock can be moved and anybody be anybody.
pub async fn connect_sandbox(bench: &Bench, database: &str) -> Done<App> {
    let url = bench.database(database);
    let photos = format!("file://{}", bench.folder.join("photos").display());
    let line = ["bench", "--database-url", &url, "--photos-url", &photos, "--log", "warn"];
    App::connect(Line::try_parse_from(line)?.config).await
}

/// A county in production: everything up to last week is closed.
pub async fn county(bench: &Bench) -> Done<County> {
    let (database, size) = ("county".to_owned(), bench.county());
    create_database(bench, &database, "template1").await?;
    let app = connect(bench, &database).await?;
    let week = Week::of(app.clock.now()).previous();
    people(&app, size, week).await?;
    approve(&app, week, CLAIMS_PER_HOUSEHOLD).await?;
    calendar::settle_all(&app, None).await?;
    tidy(&app).await?;
    Ok(County { database, size, week })
}

/// Creates a database as a copy of another to which nobody is connected.
pub async fn create_database(bench: &Bench, name: &str, template: &str) -> Done<()> {
    let server = Database::connect(bench.database("postgres")).await?;
    server.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name}")).await?;
    server.execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
    // What was copied is not to be written out while something is measured.
    server.execute_unprepared("CHECKPOINT").await?;
    Ok(server.close().await?)
}

/// Regions, rules, and households that take part from `week` on; every head has an account.
pub async fn people(app: &App, size: Size, week: Week) -> Done<()> {
    say(&format!("seeding {} villages with {} households", size.villages, size.households));
    app::migrate(app).await?;
    let begins = week.starts_at();
    app.db.write(async |tx| found(tx, size, begins).await).await?;
    for at in 0..size.villages {
        app.db.write(async |tx| settle_in(tx, size, at, begins).await).await?;
    }
    Ok(())
}

/// Drops a database that is needed no more.
pub async fn drop_database(bench: &Bench, name: &str) -> Done<()> {
    let server = Database::connect(bench.database("postgres")).await?;
    server.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
    Ok(server.close().await?)
}

/// Statistics and a clean start for what is measured.
pub async fn tidy(app: &App) -> Done<()> {
    for sql in ["VACUUM ANALYZE", "CHECKPOINT"] {
        app.db.schema().execute_unprepared(sql).await?;
    }
    Ok(app.db.schema().clone().close().await?)
}

fn code<T: std::str::FromStr>(text: &str) -> Outcome<T> {
    text.parse().map_err(|_| Problem::fault(format!("code {text}")))
}

fn township(at: usize) -> String {
    format!("{COUNTY}{}", 100 + at / 10)
}

fn village(at: usize) -> String {
    format!("{}{}", township(at), 201 + at % 10)
}

/// What part of `all` falls on village `at`: neighbours differ by one at most.
fn share(size: Size, at: usize, all: usize) -> std::ops::Range<usize> {
    at * all / size.villages..(at + 1) * all / size.villages
}

async fn found(tx: &Tx, size: Size, now: Instant) -> Outcome<()> {
    let mut all = vec![
        (code("46")?, "海南省".to_owned()),
        (code("4602")?, "三亚市".to_owned()),
        (code(COUNTY)?, "崖州区".to_owned()),
    ];
    for at in 0..size.villages {
        if at % 10 == 0 {
            all.push((code(&township(at))?, format!("第{}镇", at / 10 + 1)));
        }
        all.push((code(&village(at))?, format!("第{}村", at + 1)));
        for grid in 1..=share(size, at, size.grids).len() {
            all.push((code(&format!("{}{grid:03}", village(at)))?, format!("第{grid}网格")));
        }
    }
    regions::add(tx, &all).await?;
    let catalogue = rules::builtin().map_err(|error| Problem::fault(error.to_string()))?;
    // In force for deeds of the weeks before, too.
    let since = now.plus_days(-60);
    let region: RegionCode = code(COUNTY)?;
    rules::import(tx, &region, id(RULES_ID, 1)?, &catalogue, since.day(), None, now).await?;
    Ok(())
}

async fn settle_in(tx: &Tx, size: Size, at: usize, now: Instant) -> Outcome<()> {
    let village: Village = code(&village(at))?;
    regions::open_village(tx, &village, Policy::default(), now).await?;
    let prizes = redemption::builtin().map_err(|error| Problem::fault(error.to_string()))?;
    redemption::stock_shop(tx, &village, &prizes, 10, now).await?;
    let numbers = share(size, at, size.households);
    let grids = share(size, at, size.grids).len();
    let (first, count) = (numbers.start, numbers.len());
    let households = numbers.map(|number| {
        household(&village, number + 1, number - first + 1, (number - first) * grids / count + 1)
    });
    let households = households.collect::<Outcome<Vec<_>>>()?;
    let opening = Opening { village: &village, by: None, secret: b"nobody has a phone", now };
    create_all(tx, &opening, &households).await?;
    let heads = households.iter().filter_map(|it| it.members.first());
    let mut people: Vec<_> = (1..)
        .zip(heads)
        .map(|(number, head): (usize, _)| NewOfficial {
            person: head.person,
            name: head.name.clone(),
            persona: Some(format!("head {village} {number}")),
            grants: Vec::new(),
        })
        .collect();
    let offices = [("panel", Role::Panel), ("committee", Role::Committee), ("clerk", Role::Clerk)];
    let more = [
        ("committee_2", Role::Committee),
        ("committee_3", Role::Committee),
        ("clerk_2", Role::Clerk),
    ];
    let mut serial = at * 100;
    let mut serve = |office: &str, role, region: &str| {
        serial += 1;
        official(serial, office, role, region)
    };
    for (office, role) in offices.into_iter().chain(more) {
        people.push(serve(office, role, village.as_str())?);
    }
    for grid in 1..=grids {
        people.push(serve("grid_worker", Role::GridWorker, &format!("{village}{grid:03}"))?);
    }
    if at.is_multiple_of(10) {
        people.push(serve("township", Role::Township, &township(at))?);
    }
    identity::appoint(tx, None, &people, now).await
}

/// An official who is the same in every county; `serial` is theirs alone.
fn official(serial: usize, office: &str, role: Role, region: &str) -> Outcome<NewOfficial> {
    Ok(NewOfficial {
        person: id(OFFICIAL_ID, serial)?,
        name: format!("官{office}"),
        persona: Some(format!("{office} {region}")),
        grants: vec![Grant { role, region: code(region)? }],
    })
}

fn id(kind: &str, number: usize) -> Outcome<Uuid> {
    code(&format!("{kind}{number:012x}"))
}

fn household(
    village: &Village,
    number: usize,
    in_village: usize,
    grid: usize,
) -> Outcome<NewHousehold> {
    let member = |kind, is_head| {
        let name = format!("王{number}");
        let person = id(kind, number)?;
        Ok::<_, Problem>(NewMember { person, name, is_head, ..NewMember::default() })
    };
    Ok(NewHousehold {
        id: id(HOUSEHOLD_ID, number)?,
        number: i64::try_from(in_village).unwrap_or(i64::MAX),
        grid: code(&format!("{village}{grid:03}"))?,
        consent: Some(Consent::Account),
        members: vec![member(HEAD_ID, true)?, member(SPOUSE_ID, false)?],
    })
}

/// So many approved claims of every household in `week`, over all bonus rules and days; few meet a cap.
pub async fn approve(app: &App, week: Week, each: usize) -> Done<()> {
    let begins = week.starts_at();
    say(&format!("seeding {each} approved claims for each household in {week}"));
    let sql = include_str!("approved_claims.sql")
        .replace("{each}", &each.to_string())
        .replace("{monday}", &begins.day().to_string())
        .replace("{begins}", &begins.0.to_string())
        .replace("{week}", &week.to_string());
    app.db.schema().execute_unprepared(&sql).await?;
    Ok(())
}
