//! What must agree about years: final rankings, what was given by them, and honours.

use super::Check;

pub const CHECKS: &[Check] = &[
    Check {
        name: "a final ranking is what the year's lines make it",
        sql: "SELECT y.village, y.year AS thing, f.household AS id, f.points AS kept, \
              COALESCE(s.points, 0) AS recomputed FROM year_rankings y \
              JOIN final_standings f ON f.village = y.village AND f.year = y.year \
                AND f.revision = y.revision \
              LEFT JOIN standings s ON s.village = f.village AND s.period = f.year \
                AND s.household = f.household \
              WHERE y.status = 'final' AND (s.household IS NULL OR s.points <> f.points \
                OR s.deductions <> f.deductions OR s.categories <> f.categories \
                OR s.reached_at <> f.reached_at)",
    },
    Check {
        name: "ranks are in order of points, from 1, without a gap",
        sql: "SELECT f.village, f.year AS thing, f.household AS id, f.rank AS kept, \
              CAST(1 + (SELECT COUNT(*) FROM final_standings g WHERE g.village = f.village \
                AND g.year = f.year AND g.revision = f.revision AND (g.points > f.points \
                OR (g.points = f.points AND g.rank < f.rank))) AS BIGINT) AS recomputed \
              FROM year_rankings y JOIN final_standings f ON f.village = y.village \
                AND f.year = y.year AND f.revision = y.revision \
              WHERE f.rank <> 1 + (SELECT COUNT(*) FROM final_standings g \
                WHERE g.village = f.village AND g.year = f.year AND g.revision = f.revision \
                AND (g.points > f.points OR (g.points = f.points AND g.rank < f.rank)))",
    },
    Check {
        name: "an award is of its household's final rank, and what goes to its place",
        sql: "SELECT a.village, a.item AS thing, a.id, a.rank AS kept, \
              COALESCE(f.rank, 0) AS recomputed FROM awards a \
              LEFT JOIN year_rankings y ON y.village = a.village AND y.year = a.year \
                AND y.status = 'final' \
              LEFT JOIN final_standings f ON f.village = y.village AND f.year = y.year \
                AND f.revision = y.revision AND f.household = a.household \
              WHERE f.rank IS NULL OR f.rank <> a.rank OR a.place > a.rank \
              OR (a.kind = 'rank_award' AND NOT EXISTS (SELECT 1 FROM award_items i \
                WHERE i.village = a.village AND i.year = a.year AND i.item = a.item \
                AND a.place BETWEEN i.rank_from AND i.rank_to))",
    },
    Check {
        name: "awards go out in order of rank",
        sql: "SELECT a.village, a.kind AS thing, a.id, a.rank AS kept, b.rank AS recomputed \
              FROM awards a JOIN awards b ON b.village = a.village AND b.year = a.year \
                AND b.kind = a.kind AND b.place = a.place + 1 WHERE b.rank <= a.rank",
    },
    Check {
        name: "the shares of a dividend sum to its pool",
        sql: "SELECT d.village, d.year AS thing, d.id, \
              CASE WHEN d.status = 'approved' THEN d.pool_fen ELSE 0 END AS kept, \
              CAST(COALESCE(SUM(a.value_fen), 0) AS BIGINT) AS recomputed FROM dividends d \
              LEFT JOIN awards a ON a.village = d.village AND a.dividend = d.id \
              GROUP BY d.village, d.year, d.id, d.status, d.pool_fen \
              HAVING COALESCE(SUM(a.value_fen), 0) <> \
                CASE WHEN d.status = 'approved' THEN d.pool_fen ELSE 0 END",
    },
    Check {
        name: "an honour was proposed and decided by two",
        sql: "SELECT o.village, o.item AS thing, o.id, CAST(2 AS BIGINT) AS kept, \
              CAST(1 AS BIGINT) AS recomputed FROM honours o WHERE o.plaque IS NOT NULL \
              AND (o.decided_by IS NULL OR o.decided_by = o.proposed_by \
                OR (o.status = 'withdrawn' AND (o.withdrawn_by IS NULL \
                  OR o.withdrawn_by = o.withdrawal_by)))",
    },
    Check {
        name: "what a withdrawn honour earned went with it",
        sql: "SELECT o.village, o.item AS thing, o.id, CAST(0 AS BIGINT) AS kept, \
              c.points AS recomputed FROM honours o \
              JOIN claims c ON c.village = o.village AND c.id = o.claim \
              WHERE (o.withdrawn_points = 'retracted' AND c.status <> 'withdrawn') \
              OR (o.withdrawn_points = 'struck' AND c.status <> 'overturned')",
    },
];
