//! What seats are computed from, read set-wise for one claim or a county's: who holds office, whom they
//! are concerned by, and what was decided.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use crate::identity::{Grant, Role};
use crate::kernel::clock::Instant;
use crate::kernel::db;
use crate::kernel::problem::Outcome;
use crate::kernel::region::RegionCode;

/// A decision that was given in the claim's present round, or, at step -1, a word at its hearing: whoever
/// wrote down what was said does not decide.
#[derive(Clone, Debug)]
pub struct Given {
    pub step: i64,
    pub person: Uuid,
    pub role: String,
    pub approved: bool,
}

/// Of which claims the decisions are read.
pub enum Of<'a> {
    /// These of one village.
    Claims(&'a [Uuid]),
    /// All that wait for a decision.
    Waiting,
}

const HOLDERS: &str = "SELECT DISTINCT g.person, g.role, g.region FROM grants g \
    WHERE g.starts_at <= $3 AND (g.ends_at IS NULL OR g.ends_at > $3) AND g.role <> 'clerk' \
    AND ((g.region >= $1 AND g.region < $2) OR g.region IN ($4, $5, $6, $7, $8))";

/// Who holds which office over the region and in it at `now`.
pub async fn grants(
    on: &impl ConnectionTrait,
    region: &RegionCode,
    now: Instant,
) -> Outcome<Vec<(Uuid, Grant)>> {
    #[derive(FromQueryResult)]
    struct Row {
        person: Uuid,
        role: String,
        region: String,
    }
    let code = region.as_str();
    // The village of a grid, so that its other workers and its panel are read too.
    let village: RegionCode =
        code.get(..12).and_then(|it| it.parse().ok()).unwrap_or(region.clone());
    let [from, to] = village.bounds();
    let above = [2, 4, 6, 9, 12].map(|digits| Value::from(code.get(..digits).unwrap_or(code)));
    let values = [from, to, now.0.into()].into_iter().chain(above);
    let rows = db::all::<Row>(on, HOLDERS, values).await?;
    let grant = |row: Row| {
        let (role, region) = (Role::parse(&row.role)?, row.region.parse().ok()?);
        Some((row.person, Grant { role, region }))
    };
    Ok(rows.into_iter().filter_map(grant).collect())
}

/// Which officials keep out of which households' matters: person and household.
pub async fn concerned(
    on: &impl ConnectionTrait,
    region: &RegionCode,
) -> Outcome<BTreeSet<(Uuid, Uuid)>> {
    #[derive(FromQueryResult)]
    struct Row {
        person: Uuid,
        household: Uuid,
    }
    let sql = "WITH officials AS (SELECT DISTINCT person FROM grants), \
          here AS (SELECT village, household, person FROM members \
            WHERE village >= $1 AND village < $2), \
          kin_here AS (SELECT village, person, relative FROM kin \
            WHERE village >= $1 AND village < $2 AND confirmed_at IS NOT NULL) \
        SELECT o.person, m.household FROM officials o JOIN here m ON m.person = o.person \
        UNION SELECT o.person, m.household FROM officials o \
          JOIN here a ON a.person = o.person \
          JOIN here b ON b.village = a.village AND b.household = a.household \
          JOIN here m ON m.village = b.village AND m.person = b.person \
        UNION SELECT o.person, m.household FROM officials o \
          JOIN kin_here k ON k.person = o.person \
          JOIN here m ON m.village = k.village AND m.person = k.relative \
        UNION SELECT o.person, m.household FROM officials o \
          JOIN kin_here k ON k.relative = o.person \
          JOIN here m ON m.village = k.village AND m.person = k.person";
    let rows = db::all::<Row>(on, sql, villages(region)).await?;
    Ok(rows.into_iter().map(|row| (row.person, row.household)).collect())
}

/// What was decided and written down in the present round of claims.
pub async fn given(
    on: &impl ConnectionTrait,
    region: &RegionCode,
    of: Of<'_>,
) -> Outcome<BTreeMap<Uuid, Vec<Given>>> {
    #[derive(FromQueryResult)]
    struct Row {
        claim: Uuid,
        step: i64,
        person: Uuid,
        role: String,
        decision: String,
    }
    let (condition, ids) = match of {
        Of::Claims([]) => return Ok(BTreeMap::new()),
        Of::Claims(ids) => {
            let places: Vec<_> = (3..ids.len() + 3).map(|at| format!("${at}")).collect();
            (format!("c.id IN ({})", places.join(", ")), ids)
        }
        Of::Waiting => ("c.status = 'in_review'".to_owned(), &[][..]),
    };
    let sql = format!(
        "SELECT v.claim, v.step, v.person, v.role, v.decision FROM claims c \
         JOIN reviews v ON v.village = c.village AND v.claim = c.id AND v.round = c.round \
         WHERE c.village >= $1 AND c.village < $2 AND {condition} \
         UNION ALL SELECT h.claim, CAST(-1 AS BIGINT), h.recorded_by, '', h.act FROM claims c \
         JOIN hearings h ON h.village = c.village AND h.claim = c.id AND h.round = c.round \
         WHERE c.village >= $1 AND c.village < $2 AND {condition}"
    );
    let values = villages(region).into_iter().chain(ids.iter().map(|id| Value::from(*id)));
    let mut given = BTreeMap::<Uuid, Vec<Given>>::new();
    for row in db::all::<Row>(on, &sql, values).await? {
        let Row { claim, step, person, role, decision } = row;
        let approved = decision == "approve";
        given.entry(claim).or_default().push(Given { step, person, role, approved });
    }
    Ok(given)
}

/// The bounds of a region's villages; of a grid, the village it is in.
fn villages(region: &RegionCode) -> [Value; 2] {
    let village = region.as_str().get(..12).and_then(|code| code.parse::<RegionCode>().ok());
    village.as_ref().unwrap_or(region).bounds()
}
