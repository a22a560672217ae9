//! Whether the boards that Redis holds are those that SQL makes.

use std::collections::BTreeMap;
use std::fmt;

use super::board::{Asked, made, version};
use crate::app::App;
use crate::kernel::db;
use crate::kernel::problem::Outcome;

/// What came of comparing boards.
#[derive(Debug, Default)]
pub struct Compared {
    /// Boards that Redis held for the present version of their region.
    pub boards: usize,
    /// Names of those that are not what SQL makes.
    pub differing: Vec<String>,
    /// Whether there was a Redis to ask.
    pub answered: bool,
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { boards, differing, answered } = self;
        match (answered, differing.as_slice()) {
            (false, _) => f.write_str("boards in Redis: it does not answer, none compared"),
            (true, []) => write!(f, "boards in Redis: {boards} compared, every one agrees"),
            (true, names) => write!(f, "boards in Redis DISAGREE: {}", names.join(", ")),
        }
    }
}

/// Builds every board anew that Redis holds for the present version, and names what differs. Boards of
/// former versions are read by nobody; one that changes meanwhile is not compared.
pub async fn compare_kept(app: &App) -> Outcome<Compared> {
    app.cache.belong_to(&db::identity(app.db.read()).await?);
    let Some(held) = app.cache.held("board:").await else { return Ok(Compared::default()) };
    let mut compared = Compared { answered: true, ..Compared::default() };
    let mut versions = BTreeMap::new();
    for (name, kept, body) in held {
        let Ok(asked) = name.parse::<Asked>() else { continue };
        let present = match versions.get(&asked.region) {
            Some(present) => present,
            None => {
                let present = version(app, &asked.region).await?;
                &*versions.entry(asked.region.clone()).or_insert(present)
            }
        };
        if *present != kept {
            continue;
        }
        let differs = made(app, &asked).await.ok().as_ref() != Some(&body);
        if version(app, &asked.region).await? != kept {
            continue;
        }
        compared.boards += 1;
        if differs {
            compared.differing.push(name);
        }
    }
    Ok(compared)
}
