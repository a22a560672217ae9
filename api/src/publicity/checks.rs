//! What `jifen verify` looks at about objections and appeals.

use crate::verify::Check;

pub const CHECKS: &[Check] = &[
    Check {
        name: "a struck line is worth nothing",
        sql: "SELECT p.village, 'line' AS thing, p.line AS id, CAST(0 AS BIGINT) AS kept, \
              CAST(l.awarded + COALESCE(SUM(r.awarded), 0) AS BIGINT) AS recomputed \
              FROM public_list_lines p \
              JOIN score_lines l ON l.village = p.village AND l.id = p.line \
              LEFT JOIN score_lines r ON r.village = l.village AND r.reverses = l.id \
              WHERE p.status = 'struck' GROUP BY p.village, p.line, l.awarded \
              HAVING l.awarded + COALESCE(SUM(r.awarded), 0) <> 0",
    },
    Check {
        name: "what is pending of a household is its lines that are not confirmed",
        sql: "SELECT village, 'pending' AS thing, household AS id, \
              CAST(SUM(kept) AS BIGINT) AS kept, CAST(SUM(lines) AS BIGINT) AS recomputed FROM ( \
                SELECT village, household, points AS kept, 0 AS lines FROM balances \
                WHERE account = 'pending' \
                UNION ALL \
                SELECT l.village, l.household, 0 AS kept, l.awarded + COALESCE(( \
                  SELECT SUM(r.awarded) FROM score_lines r \
                  WHERE r.village = l.village AND r.reverses = l.id), 0) AS lines FROM score_lines l \
                LEFT JOIN public_list_lines p ON p.village = l.village AND p.line = l.id \
                WHERE l.kind <> 'reversal' AND p.confirmed_at IS NULL \
              ) AS both_sides GROUP BY village, household HAVING SUM(kept) <> SUM(lines)",
    },
    Check {
        name: "a line is contested while an objection to it is open, and only then",
        sql: "SELECT p.village, p.status AS thing, p.line AS id, CAST(0 AS BIGINT) AS kept, \
              CAST(1 AS BIGINT) AS recomputed FROM public_list_lines p \
              WHERE p.status <> 'struck' AND (p.status = 'contested') <> EXISTS (SELECT 1 \
                FROM objections o WHERE o.village = p.village AND o.month = p.month \
                AND o.number = p.number AND o.status IN ('filed', 'investigating'))",
    },
    Check {
        name: "an objection is where its decision, its appeal and its time say",
        sql: "SELECT o.village, o.status AS thing, o.id, CAST(0 AS BIGINT) AS kept, \
              CAST(1 AS BIGINT) AS recomputed FROM objections o \
              LEFT JOIN appeals a ON a.village = o.village AND a.objection = o.id \
              WHERE (o.status = 'final') <> (o.due_at IS NULL) \
              OR (o.status = 'final') <> (o.final_at IS NOT NULL) \
              OR (o.status IN ('filed', 'investigating')) \
                <> (o.decision IS NULL AND o.lapsed_at IS NULL) \
              OR (o.decision IS NOT NULL AND o.lapsed_at IS NOT NULL) \
              OR (o.status = 'appealed' AND (a.id IS NULL OR a.decided_at IS NOT NULL)) \
              OR (o.status IN ('filed', 'investigating', 'decided') AND a.id IS NOT NULL)",
    },
    Check {
        name: "what an appeal gave back is an adjustment of as much",
        sql: "SELECT a.village, 'appeal' AS thing, a.id, a.restored AS kept, \
              COALESCE(d.points, 0) AS recomputed FROM appeals a \
              LEFT JOIN adjustments d ON d.village = a.village AND d.id = a.adjustment \
              WHERE (a.restored IS NOT NULL AND (d.id IS NULL OR d.points <> a.restored)) \
              OR (a.restored IS NULL AND a.adjustment IS NOT NULL)",
    },
    Check {
        name: "nobody decided their own objection, or first and again on appeal",
        sql: "SELECT o.village, 'objection' AS thing, o.id, CAST(0 AS BIGINT) AS kept, \
              CAST(1 AS BIGINT) AS recomputed FROM objections o \
              LEFT JOIN appeals a ON a.village = o.village AND a.objection = o.id \
              WHERE o.decided_by = o.filed_by OR a.decided_by IN (o.decided_by, o.filed_by, a.filed_by)",
    },
];
