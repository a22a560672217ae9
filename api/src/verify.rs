//! `jifen verify`: recomputes every balance, line, list and standing from the postings and lines, and
//! names the first row that disagrees.

mod boards;
mod shop;
mod totals;
mod year;

use std::fmt;

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::kernel::chain;
use crate::kernel::db::{self, Db};
use crate::kernel::problem::Outcome;
use crate::proof::Verifier;
use crate::{proof, publicity};

/// The outcome of a verification.
pub struct Report {
    checks: usize,
    first: Option<String>,
}

impl Report {
    pub fn is_clean(&self) -> bool {
        self.first.is_none()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.first {
            None => write!(f, "verified: {} checks, every row agrees", self.checks),
            Some(row) => write!(f, "DISAGREES after {} checks: {row}", self.checks),
        }
    }
}

/// A check that finds the first row whose two sides differ: `village`, `thing`, `id`, `kept` and
/// `recomputed`.
pub struct Check {
    pub name: &'static str,
    pub sql: &'static str,
}

const CHECKS: &[Check] = &[
    Check {
        name: "the postings of a journal sum to 0",
        sql: "SELECT village, 'journal' AS thing, journal AS id, CAST(0 AS BIGINT) AS kept, \
              CAST(SUM(points) AS BIGINT) AS recomputed FROM postings \
              GROUP BY village, journal HAVING SUM(points) <> 0",
    },
    Check {
        name: "every journal has postings",
        sql: "SELECT j.village, 'journal' AS thing, j.id, CAST(2 AS BIGINT) AS kept, \
              CAST(COUNT(p.journal) AS BIGINT) AS recomputed FROM journals j \
              LEFT JOIN postings p ON p.village = j.village AND p.journal = j.id \
              GROUP BY j.village, j.id HAVING COUNT(p.journal) < 2",
    },
    Check {
        name: "a balance is the sum of its postings",
        sql: "SELECT village, account AS thing, household AS id, \
              CAST(SUM(kept) AS BIGINT) AS kept, CAST(SUM(posted) AS BIGINT) AS recomputed FROM ( \
                SELECT village, account, household, points AS kept, 0 AS posted FROM balances \
                UNION ALL \
                SELECT village, account, household, 0 AS kept, points AS posted FROM postings \
              ) AS both_sides GROUP BY village, account, household \
              HAVING SUM(kept) <> SUM(posted)",
    },
    Check {
        name: "what is held of a balance is what open redemptions hold",
        sql: "SELECT village, 'held' AS thing, household AS id, CAST(SUM(kept) AS BIGINT) AS kept, \
              CAST(SUM(holds) AS BIGINT) AS recomputed FROM ( \
                SELECT village, household, held AS kept, 0 AS holds FROM balances \
                UNION ALL \
                SELECT village, household, 0 AS kept, points AS holds FROM redemptions \
                WHERE status = 'held' \
              ) AS both_sides GROUP BY village, household HAVING SUM(kept) <> SUM(holds)",
    },
    Check {
        name: "what is frozen of a balance is what open reversals freeze",
        sql: "SELECT village, 'frozen' AS thing, household AS id, \
              CAST(SUM(kept) AS BIGINT) AS kept, CAST(SUM(freezes) AS BIGINT) AS recomputed FROM ( \
                SELECT village, household, frozen AS kept, 0 AS freezes FROM balances \
                UNION ALL \
                SELECT village, frozen_household AS household, 0 AS kept, points AS freezes \
                FROM reversals WHERE status IN ('proposed', 'approved') AND points > 0 \
              ) AS both_sides GROUP BY village, household HAVING SUM(kept) <> SUM(freezes)",
    },
    Check {
        name: "score lines add up to the household's journals",
        sql: "SELECT village, 'earned' AS thing, household AS id, \
              CAST(SUM(lines) AS BIGINT) AS kept, CAST(SUM(posted) AS BIGINT) AS recomputed FROM ( \
                SELECT village, household, awarded AS lines, 0 AS posted FROM score_lines \
                UNION ALL \
                SELECT p.village, p.household, 0 AS lines, p.points AS posted FROM postings p \
                JOIN journals j ON j.village = p.village AND j.id = p.journal \
                WHERE j.kind IN ('score', 'reversal', 'adjustment') \
                AND p.account IN ('pending', 'available') \
              ) AS both_sides GROUP BY village, household HAVING SUM(lines) <> SUM(posted)",
    },
    Check {
        name: "a closed sheet is the sum of its lines",
        sql: "SELECT s.village, s.week AS thing, NULL AS id, s.points AS kept, \
              CAST(COALESCE(SUM(l.awarded), 0) AS BIGINT) AS recomputed FROM score_sheets s \
              LEFT JOIN score_lines l ON l.village = s.village AND l.week = s.week \
                AND l.kind <> 'reversal' \
              WHERE s.status = 'closed' GROUP BY s.village, s.week, s.points, s.line_count \
              HAVING s.points <> COALESCE(SUM(l.awarded), 0) OR s.line_count <> COUNT(l.id)",
    },
    Check {
        name: "what was carried of a line was taken back of it",
        sql: "SELECT v.village, 'reversed' AS thing, v.line AS id, \
              CAST(SUM(v.points) AS BIGINT) AS kept, \
              COALESCE((SELECT CAST(-SUM(r.awarded) AS BIGINT) FROM score_lines r \
                WHERE r.village = v.village AND r.reverses = v.line), 0) AS recomputed \
              FROM reversals v WHERE v.status = 'carried' GROUP BY v.village, v.line \
              HAVING ABS(SUM(v.points)) > ABS(COALESCE((SELECT SUM(r.awarded) FROM score_lines r \
                WHERE r.village = v.village AND r.reverses = v.line), 0))",
    },
    Check {
        name: "a scored adjustment has its line, and nothing else has one like it",
        sql: "SELECT village, 'adjustment' AS thing, id, CAST(SUM(kept) AS BIGINT) AS kept, \
              CAST(SUM(line) AS BIGINT) AS recomputed FROM ( \
                SELECT village, id, household, week, points AS kept, 0 AS line FROM adjustments \
                WHERE status = 'scored' \
                UNION ALL \
                SELECT village, id, household, week, 0 AS kept, awarded AS line FROM score_lines \
                WHERE kind = 'adjustment' AND remedies IS NULL \
              ) AS both_sides GROUP BY village, id, household, week HAVING SUM(kept) <> SUM(line)",
    },
    Check {
        name: "what is restored of a line was taken of it",
        sql: "SELECT a.village, 'restored' AS thing, a.restores AS id, \
              CAST(SUM(a.points) AS BIGINT) AS kept, \
              COALESCE((SELECT CAST(-SUM(r.awarded) AS BIGINT) FROM score_lines r \
                WHERE r.village = a.village AND r.reverses = a.restores), 0) AS recomputed \
              FROM adjustments a WHERE a.restores IS NOT NULL AND a.status IN ('approved', 'scored') \
              GROUP BY a.village, a.restores HAVING ABS(SUM(a.points)) > ABS(COALESCE((SELECT \
                SUM(r.awarded) FROM score_lines r WHERE r.village = a.village \
                AND r.reverses = a.restores), 0))",
    },
    Check {
        name: "a scored claim has its line, and claims what the line says",
        sql: "SELECT c.village, 'claim' AS thing, c.id, c.points AS kept, \
              COALESCE(l.claimed, 0) AS recomputed FROM claims c \
              LEFT JOIN score_lines l ON l.village = c.village AND l.id = c.id \
              WHERE c.status IN ('scored', 'confirmed', 'overturned', 'reversed') \
              AND (l.id IS NULL OR l.claimed <> c.points OR l.household <> c.household)",
    },
    Check {
        name: "no more of a line is reversed or given back than it awarded",
        sql: "SELECT l.village, 'line' AS thing, l.id, l.awarded AS kept, \
              CAST(-SUM(r.awarded) AS BIGINT) AS recomputed FROM score_lines l \
              JOIN score_lines r ON r.village = l.village \
                AND (r.reverses = l.id OR r.remedies = l.id) \
              GROUP BY l.village, l.id, l.awarded HAVING ABS(SUM(r.awarded)) > ABS(l.awarded)",
    },
    Check {
        name: "a public list is the sum of its lines",
        sql: "SELECT t.village, t.month AS thing, NULL AS id, t.points AS kept, \
              CAST(COALESCE(SUM(l.awarded), 0) AS BIGINT) AS recomputed FROM public_lists t \
              LEFT JOIN public_list_lines p ON p.village = t.village AND p.month = t.month \
              LEFT JOIN score_lines l ON l.village = p.village AND l.id = p.line \
              GROUP BY t.village, t.month, t.points, t.line_count \
              HAVING t.points <> COALESCE(SUM(l.awarded), 0) OR t.line_count <> COUNT(p.line)",
    },
    Check {
        name: "what is left of confirmed lines is what was confirmed, less what was taken back since",
        sql: "SELECT village, 'confirmed' AS thing, household AS id, \
              CAST(SUM(lines) AS BIGINT) AS kept, CAST(SUM(posted) AS BIGINT) AS recomputed FROM ( \
                SELECT p.village, p.household, l.awarded + COALESCE(( \
                  SELECT SUM(r.awarded) FROM score_lines r WHERE r.village = l.village \
                  AND r.reverses = l.id), 0) AS lines, \
                  0 AS posted FROM public_list_lines p \
                JOIN score_lines l ON l.village = p.village AND l.id = p.line \
                WHERE p.confirmed_at IS NOT NULL \
                UNION ALL \
                SELECT p.village, p.household, 0 AS lines, p.points AS posted FROM postings p \
                JOIN journals j ON j.village = p.village AND j.id = p.journal \
                WHERE j.kind IN ('confirm', 'reversal') AND p.account = 'available' \
              ) AS both_sides GROUP BY village, household HAVING SUM(lines) <> SUM(posted)",
    },
    Check {
        name: "an active household has a present head, and one that has ended says how",
        sql: "SELECT h.village, h.status AS thing, h.id, CAST(0 AS BIGINT) AS kept, \
              CAST(1 AS BIGINT) AS recomputed FROM households h \
              WHERE (h.status = 'active' AND NOT EXISTS (SELECT 1 FROM members m \
                WHERE m.village = h.village AND m.household = h.id AND m.is_head \
                AND m.left_at IS NULL)) \
              OR (h.status = 'active') = (h.ended_at IS NOT NULL) \
              OR (h.status = 'merged') <> EXISTS (SELECT 1 FROM households s \
                WHERE s.village = h.village AND s.id = h.successor AND s.status <> 'merged')",
    },
    Check {
        name: "nothing is left with a merged household, nor after the term of one that moved out",
        sql: "SELECT h.village, h.status AS thing, h.id, b.points AS kept, b.held AS recomputed \
              FROM households h JOIN balances b ON b.village = h.village AND b.household = h.id \
                AND b.account = 'available' \
              WHERE (h.status = 'merged' AND b.points <> 0) \
              OR (h.status = 'moved_out' AND h.spend_until IS NULL AND b.points > b.held + b.frozen)",
    },
    Check {
        name: "transfers move what is available from one household to another",
        sql: "SELECT p.village, p.account AS thing, p.household AS id, CAST(0 AS BIGINT) AS kept, \
              p.points AS recomputed FROM postings p \
              JOIN journals j ON j.village = p.village AND j.id = p.journal \
              WHERE j.kind = 'transfer' AND p.account <> 'available'",
    },
    Check {
        name: "a household lives in the grid it last moved to",
        sql: "SELECT m.village, m.to_grid AS thing, m.household AS id, m.version AS kept, \
              h.version AS recomputed FROM grid_moves m \
              JOIN households h ON h.village = m.village AND h.id = m.household \
              WHERE m.to_grid <> COALESCE((SELECT n.from_grid FROM grid_moves n \
                WHERE n.village = m.village AND n.household = m.household \
                AND n.version > m.version ORDER BY n.version LIMIT 1), h.grid)",
    },
    Check {
        name: "nobody reviewed what they filed or their own household's",
        sql: "SELECT v.village, 'review' AS thing, v.claim AS id, CAST(0 AS BIGINT) AS kept, \
              CAST(1 AS BIGINT) AS recomputed FROM reviews v \
              JOIN claims c ON c.village = v.village AND c.id = v.claim \
              WHERE v.person = c.filed_by OR EXISTS (SELECT 1 FROM members m \
                WHERE m.village = c.village AND m.household = c.household \
                AND m.person = v.person)",
    },
];

#[derive(FromQueryResult)]
struct Odd {
    village: String,
    thing: String,
    id: Option<Uuid>,
    kept: i64,
    recomputed: i64,
}

/// Runs every check on a whole database as it is at one moment, except whose keys signed its lists: each
/// is believed as its row names it.
pub async fn verify(db: &Db) -> Outcome<Report> {
    db.snapshot(async |tx| verify_on(tx, None).await).await
}

/// Runs every check on a whole database as it is at one moment; a list that none of the `trusted` keys has
/// signed is named.
pub async fn verify_trusting(db: &Db, trusted: &[Verifier]) -> Outcome<Report> {
    db.snapshot(async |tx| verify_on(tx, Some(trusted)).await).await
}

/// Runs every check on what this connection or transaction sees; `trusted` as for [`proof::first_odd`].
pub async fn verify_on(on: &impl ConnectionTrait, trusted: Option<&[Verifier]>) -> Outcome<Report> {
    let mut checks = 0;
    let slices = shop::CHECKS.iter().chain(year::CHECKS).chain(publicity::CHECKS);
    for check in CHECKS.iter().chain(boards::CHECKS).chain(slices) {
        let sql = format!("{} ORDER BY 1, 2, 3 LIMIT 1", check.sql);
        if let Some(odd) = db::one::<Odd>(on, &sql, []).await? {
            return Ok(Report { checks, first: Some(describe(check.name, &odd)) });
        }
        checks += 1;
    }
    let (looked_at, odd) = boards::first_odd(on).await?;
    checks += looked_at;
    if odd.is_some() {
        return Ok(Report { checks, first: odd });
    }
    let (held, odd) = totals::first_odd(on).await?;
    checks += held;
    if odd.is_some() {
        return Ok(Report { checks, first: odd });
    }
    // The dearest last: they read every journal and every line.
    let chains = chain::first_break(on).await?;
    if chains.is_some() {
        return Ok(Report { checks, first: chains });
    }
    let lists = proof::first_odd(on, trusted).await?;
    checks += 1 + usize::from(lists.is_none());
    Ok(Report { checks, first: lists })
}

fn describe(check: &str, odd: &Odd) -> String {
    let Odd { village, thing, id, kept, recomputed } = odd;
    let id = id.map_or(String::new(), |id| format!(" {id}"));
    format!("{check}: village {village}, {thing}{id}: kept {kept}, recomputed {recomputed}")
}
