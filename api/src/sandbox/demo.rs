//! Loading the demo county: through the same rules and bulk commands that a township uses, in the
//! order in which it would have happened, so that every figure is earned.

use std::io::Write;

use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::county::{COUNTIES, Deed, DemoVillage, Plan, REGIONS, VILLAGES};
use super::people::{
    NAMES, head_id, head_name, household, household_id, id, official_id, region, village,
};
use super::remember;
use crate::app::App;
use crate::calendar;
use crate::claims::{self, Decision, Evidence, Filing, NewClaim};
use crate::households::{self, Opening};
use crate::identity::{self, Caller, Grant, NewOfficial, Role};
use crate::kernel::clock::Instant;
use crate::kernel::db::Tx;
use crate::kernel::problem::{Outcome, Problem};
use crate::kernel::region::RegionCode;
use crate::redemption::{self, For, NewRedemption, Proof, Wish};
use crate::regions;
use crate::rules::{self, Source};

/// The instants of the demo, village time.
const BEGINS: &str = "2024-04-01T08:00:00+08:00";
const APRIL: &str = "2024-04-18T10:00:00+08:00";
const MAY: &str = "2024-05-16T10:00:00+08:00";
const WINDOW: &str = "2024-07-09T10:00:00+08:00";
/// Where the clock stands when a newcomer arrives: the last Wednesday of the third quarter.
const STARTS: &str = "2024-09-25T09:00:00+08:00";

/// Loads the demo county and leaves the clock at its start.
pub async fn load(app: &App) -> Outcome<()> {
    travel(app, BEGINS)?;
    say("loading the demo county: regions, rules, households");
    app.db.write(async |tx| found(tx, app.clock.now()).await).await?;
    for village in VILLAGES {
        app.db.write(async |tx| settle_in(app, tx, village, app.clock.now()).await).await?;
    }
    for (instant, month, name) in [(APRIL, april as Month, "April"), (MAY, may, "May")] {
        travel(app, instant)?;
        calendar::settle_all(app, None).await?;
        for village in VILLAGES {
            say(&format!("{name}: the deeds of {}", village.name));
            live(app, village, month).await?;
        }
    }
    travel(app, WINDOW)?;
    calendar::settle_all(app, None).await?;
    for village in VILLAGES {
        say(&format!("July: the prizes of {}", village.name));
        shop(app, village).await?;
    }
    travel(app, STARTS)?;
    calendar::settle_all(app, None).await?;
    remember(app, app.clock.now()).await?;
    say("the demo county is ready");
    Ok(())
}

/// A progress line for whoever waits at the terminal; losing it is no fault.
fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what} …");
}

fn travel(app: &App, to: &str) -> Outcome<()> {
    let at = Instant::parse(to).ok_or_else(|| Problem::fault(format!("instant {to}")))?;
    app.clock.advance_to(at);
    Ok(())
}

/// Regions, rules, and the officers above the villages.
async fn found(tx: &Tx, now: Instant) -> Outcome<()> {
    let mut all = Vec::new();
    for (code, name) in REGIONS {
        all.push((region(code)?, (*name).to_owned()));
    }
    for demo in VILLAGES {
        all.push((region(demo.code)?, demo.name.to_owned()));
        for grid in 1..=demo.grids() {
            all.push((region(&format!("{}{grid:03}", demo.code))?, format!("第{grid}网格")));
        }
    }
    regions::add(tx, &all).await?;
    let catalogue = rules::builtin().map_err(|error| Problem::fault(error.to_string()))?;
    for county in COUNTIES {
        let (set, code) = (id(&format!("rules {county}")), region(county)?);
        rules::import(tx, &code, set, &catalogue, now.day(), None, now).await?;
    }
    let officers = [
        ("township", Role::Township, "460205100", "符文海", Some("township")),
        ("county", Role::County, "460205", "黎光明", Some("county")),
        ("township", Role::Township, "440783107", "谭国强", None),
        ("county", Role::County, "440783", "司徒婉", None),
    ];
    let mut appointed = Vec::new();
    for (office, role, code, name, persona) in officers {
        appointed.push(official(official_id(office, code), name, persona, role, code)?);
    }
    identity::appoint(tx, None, &appointed, now).await
}

fn official(
    person: Uuid,
    name: &str,
    persona: Option<&str>,
    role: Role,
    code: &str,
) -> Outcome<NewOfficial> {
    Ok(NewOfficial {
        person,
        name: name.to_owned(),
        persona: persona.map(str::to_owned),
        grants: vec![Grant { role, region: region(code)? }],
    })
}

/// A village's policy, shop, households and officials.
async fn settle_in(app: &App, tx: &Tx, demo: &DemoVillage, now: Instant) -> Outcome<()> {
    let village = village(demo)?;
    regions::open_village(tx, &village, demo.policy(), now).await?;
    let prizes = redemption::builtin().map_err(|error| Problem::fault(error.to_string()))?;
    redemption::stock_shop(tx, &village, &prizes, 2, now).await?;
    let households = (1..=demo.households).map(|number| household(demo, number));
    let households = households.collect::<Outcome<Vec<_>>>()?;
    let secret = app.config.secrets.identity();
    let opening = Opening { village: &village, by: None, secret, now };
    households::create_all(tx, &opening, &households).await?;
    let mut officials = Vec::new();
    // 梅西 is where newcomers walk: its people are the personas.
    let walked = demo.code == "460205100201";
    let persona = |name: &'static str| walked.then_some(name);
    let offices = [
        ("panel", Role::Panel, "王秀英"),
        ("panel_2", Role::Panel, "陈大勇"),
        ("committee", Role::Committee, "黎志明"),
        ("committee_2", Role::Committee, "符玉兰"),
        ("committee_3", Role::Committee, "吉海燕"),
        ("clerk", Role::Clerk, "苏阿妹"),
    ];
    for (office, role, name) in offices {
        let person = official_id(office, demo.code);
        officials.push(official(person, name, persona(office), role, demo.code)?);
    }
    for grid in 1..=demo.grids() {
        let code = format!("{}{grid:03}", demo.code);
        let name = NAMES.given(grid);
        let persona = match (walked, grid) {
            (true, 1) => Some("grid_worker_1"),
            (true, 2) => Some("grid_worker"),
            _ => None,
        };
        let person = official_id("grid_worker", &code);
        officials.push(official(person, &format!("林{name}"), persona, Role::GridWorker, &code)?);
    }
    if walked {
        for (persona, number) in [("villager", 121), ("neighbour", 122)] {
            officials.push(NewOfficial {
                person: head_id(demo, number),
                name: head_name(demo, number),
                persona: Some(persona.to_owned()),
                grants: Vec::new(),
            });
        }
    }
    identity::appoint(tx, None, &officials, now).await
}

/// Which of a plan's months is lived.
type Month = fn(&Plan) -> &'static [Deed];

fn april(plan: &Plan) -> &'static [Deed] {
    plan.april
}

fn may(plan: &Plan) -> &'static [Deed] {
    plan.may
}

/// Somebody who acts, as if logged in.
fn acting(person: Uuid, role: Role, code: RegionCode) -> Caller {
    let grants = vec![Grant { role, region: code }];
    Caller {
        account: person,
        session: Uuid::nil(),
        person,
        name: String::new(),
        home: None,
        grants,
    }
}

/// A month of a village: the township brings what its paper book says, the grid workers precheck and
/// the panel approves it.
async fn live(app: &App, demo: &DemoVillage, month: Month) -> Outcome<()> {
    let village = village(demo)?;
    let grids = demo.grids();
    let mut filed = vec![Vec::new(); grids + 1];
    let mut number = 0;
    for (count, plan) in demo.plans {
        for _ in 0..*count {
            number += 1;
            let grid = (number - 1) * grids / demo.households + 1;
            for deed in month(plan) {
                if let Some(claims) = filed.get_mut(grid) {
                    claims.push(claim(app, demo, number, deed));
                }
            }
        }
    }
    let panel = acting(official_id("panel", demo.code), Role::Panel, village.region());
    let township = village.township();
    let book = acting(official_id("township", township.as_str()), Role::Township, township);
    for (grid, claims) in filed.iter().enumerate().filter(|(_, claims)| !claims.is_empty()) {
        let code = region(&format!("{}{grid:03}", demo.code))?;
        let person = official_id("grid_worker", code.as_str());
        let worker = acting(person, Role::GridWorker, code);
        app.db
            .write(async |tx| {
                // The villages kept paper books until then: their lists are brought in.
                let (filer, village) = (&book, &village);
                let list = Some(Source::Import);
                let filing = Filing { app, filer, village, list, early_photos: false };
                for batch in claims.chunks(200) {
                    refused(claims::submit_all(tx, &filing, batch).await?)?;
                    let decisions: Vec<_> =
                        batch.iter().map(|claim| Decision::approve(claim.id)).collect();
                    for reviewer in [&worker, &panel] {
                        let decided =
                            claims::review_all(app, tx, reviewer, village, &decisions).await?;
                        refused(decided)?;
                    }
                }
                Ok(())
            })
            .await?;
    }
    Ok(())
}

fn refused<T>(results: Vec<Result<T, crate::kernel::problem::Refusal>>) -> Outcome<()> {
    let refusal = results.into_iter().find_map(Result::err);
    refusal.map_or(Ok(()), |refusal| Err(Problem::fault(format!("the demo: {refusal:?}"))))
}

fn claim(app: &App, demo: &DemoVillage, number: usize, deed: &Deed) -> NewClaim {
    let (rule, count, points_each) = *deed;
    let day = day_of(app.clock.now().day(), number);
    let book = format!("{}积分登记簿 {day}", demo.name);
    let evidence = Evidence { kind: "import".to_owned(), reference: Some(book), photo: None };
    NewClaim {
        id: id(&format!("claim {} {number} {rule} {day}", demo.code)),
        household: household_id(demo, number),
        rule: rule.to_owned(),
        member: Some(head_id(demo, number)),
        count,
        points_each,
        occurred_on: day,
        event: Some(format!("{}{day}", demo.name)),
        note: None,
        evidence: vec![evidence],
        level: None,
        device_at: None,
        late_reason: None,
        consent: None,
    }
}

/// A day in the fortnight before, so that not everybody did everything at once.
fn day_of(today: NaiveDate, number: usize) -> NaiveDate {
    today - Days::new(u64::try_from(number % 14).unwrap_or(0) + 1)
}

/// Households come for their prizes, and the clerk hands them over.
async fn shop(app: &App, demo: &DemoVillage) -> Outcome<()> {
    let village = village(demo)?;
    let clerk = official_id("clerk", demo.code);
    app.db
        .write(async |tx| {
            let policy = regions::village(tx, &village).await?;
            let prices = redemption::prices(tx, &village).await?;
            let mut number = 0;
            for (count, prizes) in demo.prizes {
                for _ in 0..*count {
                    number += 1;
                    let (person, household) = (head_id(demo, number), household_id(demo, number));
                    for prize in *prizes {
                        let id = id(&format!("redemption {} {number} {prize}", demo.code));
                        let points = *prices.get(*prize).unwrap_or(&0);
                        let prize = (*prize).to_owned();
                        let (quantity, household_code, bearer) = (1, None, None);
                        let new =
                            NewRedemption { id, prize, quantity, points, household_code, bearer };
                        let now = app.clock.now();
                        let to = For { household, person, bearer };
                        let (village, policy) = (&village, &policy);
                        let wish = Wish { village, policy, to: &to, new: &new };
                        let (_, orders) = redemption::redeem(tx, wish, now).await?;
                        orders.leave_stock(tx).await?;
                        let proof = Proof::PickupCode;
                        redemption::hand_over(tx, village, clerk, id, proof, now).await?;
                    }
                }
            }
            Ok(())
        })
        .await
}
