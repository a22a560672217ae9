//! The public boards of a county, and `boards_rss`: what the server's memory grows by when every one of
//! them was read, beside the bytes that they have.

use std::sync::Arc;

use api::app::App;
use api::kernel::db;
use api::kernel::period::{Period, Week};
use api::rules::Category;
use sea_orm::FromQueryResult;

use crate::load::{Connection, Requests};
use crate::process::{Server, get};
use crate::report::{Goal, Measure, say};
use crate::seed::{self, COUNTY, County};
use crate::{Bench, Done};

pub const NAME: &str = "boards_rss";
const MIB: f64 = 1024.0 * 1024.0;

/// Which boards.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Those of the week, of all categories together.
    Totals,
    /// All there are: week, month, quarter, year and all time, in all and by category.
    All,
}

#[derive(FromQueryResult)]
struct Region {
    code: String,
}

/// The paths of the boards of households, grids and villages of the county, its townships and villages.
pub async fn paths(app: &App, week: Week, extent: Extent) -> Done<Vec<String>> {
    let sql = format!(
        "SELECT code FROM regions WHERE code LIKE '{COUNTY}%' AND level <> 'grid' ORDER BY code"
    );
    let regions = db::all::<Region>(app.db.read(), &sql, []).await?;
    let (mut periods, mut categories) = (vec![week.to_string()], vec![String::new()]);
    if extent == Extent::All {
        periods = week.periods().iter().map(ToString::to_string).collect();
        periods.push(Period::All.to_string());
        categories.extend(Category::ALL.map(|it| format!("&category={}", it.as_str())));
    }
    let mut paths = Vec::new();
    for Region { code } in &regions {
        for period in &periods {
            for of in ["households", "grids", "villages"] {
                let path =
                    |category| format!("/v1/regions/{code}/rankings/{period}?of={of}{category}");
                paths.extend(categories.iter().map(path));
            }
        }
    }
    Ok(paths)
}

/// What each connection asks: all of these requests in turn.
pub fn reader(requests: &Arc<Vec<Vec<u8>>>) -> impl Fn(usize) -> Requests + Clone + Send + use<> {
    let requests = requests.clone();
    move |connection| {
        let requests = requests.clone();
        let mut turn = connection;
        Box::new(move |next: &mut Vec<u8>| {
            turn += 1;
            let request = requests.get(turn % requests.len().max(1));
            next.extend_from_slice(request.map_or(&[], |it| it));
        })
    }
}

pub async fn measure(bench: &Bench, county: &County) -> Done<()> {
    if !bench.wants(NAME) {
        return Ok(());
    }
    let app = seed::connect(bench, &county.database).await?;
    let paths = paths(&app, county.week, Extent::All).await?;
    let mut measure = Measure::new(NAME, "MiB", Goal::AtMost(64.0));
    measure.scale = Some((paths.len(), "boards"));
    say(&format!("{NAME}: reading {} boards", paths.len()));
    for _ in 0..2 {
        let server = Server::jifen(bench, &bench.database(&county.database)).await?;
        tokio::time::sleep(crate::idle::SETTLED).await;
        let idle = server.resident_mib()?;
        let mut connection = Connection::open(server.address).await?;
        let mut bytes = 0;
        for path in &paths {
            let answer = connection.exchange(&get(path, "")).await?;
            if answer.status != 200 {
                return Err(answer.text().into());
            }
            bytes += answer.body.len();
        }
        measure.pair(server.resident_mib()? - idle, f64::from(u32::try_from(bytes)?) / MIB);
        server.stop().await?;
    }
    measure.print()
}
