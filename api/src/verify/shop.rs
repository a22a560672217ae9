//! What must agree about the shop: stock, what was spent, and what was given back.

use super::Check;

pub const CHECKS: &[Check] = &[
    Check {
        name: "stock is the sum of its moves",
        sql: "SELECT p.village, p.key AS thing, p.id, p.stock AS kept, \
              CAST(COALESCE(SUM(m.quantity), 0) AS BIGINT) AS recomputed FROM prizes p \
              LEFT JOIN stock_moves m ON m.village = p.village AND m.prize = p.id \
              GROUP BY p.village, p.key, p.id, p.stock \
              HAVING p.stock <> COALESCE(SUM(m.quantity), 0)",
    },
    Check {
        name: "collected redemptions have spent their points, and refunds given theirs back",
        sql: "SELECT village, 'spent' AS thing, household AS id, \
              CAST(SUM(collected) AS BIGINT) AS kept, CAST(SUM(spent) AS BIGINT) AS recomputed FROM ( \
                SELECT village, household, points / quantity * (quantity - refunded) AS collected, \
                0 AS spent FROM redemptions WHERE status IN ('collected', 'refunded') \
                UNION ALL \
                SELECT p.village, p.household, 0 AS collected, -p.points AS spent FROM postings p \
                JOIN journals j ON j.village = p.village AND j.id = p.journal \
                WHERE j.kind IN ('redemption', 'refund') AND p.account = 'available' \
              ) AS both_sides GROUP BY village, household HAVING SUM(collected) <> SUM(spent)",
    },
    Check {
        name: "what is refunded of a redemption is the sum of its refunds",
        sql: "SELECT r.village, r.status AS thing, r.id, r.refunded AS kept, \
              CAST(COALESCE(SUM(f.quantity), 0) AS BIGINT) AS recomputed FROM redemptions r \
              LEFT JOIN refunds f ON f.village = r.village AND f.redemption = r.id \
              GROUP BY r.village, r.status, r.id, r.refunded, r.quantity, r.points \
              HAVING r.refunded <> COALESCE(SUM(f.quantity), 0) \
              OR r.points / r.quantity * r.refunded <> COALESCE(SUM(f.points), 0) \
              OR (r.status = 'refunded') <> (r.refunded = r.quantity)",
    },
    Check {
        name: "a refund reverses the spending of a redemption",
        sql: "SELECT j.village, j.kind AS thing, j.id, CAST(0 AS BIGINT) AS kept, \
              CAST(1 AS BIGINT) AS recomputed FROM journals j \
              LEFT JOIN journals o ON o.village = j.village AND o.id = j.reverses \
              WHERE j.kind = 'refund' AND COALESCE(o.kind, '') <> 'redemption'",
    },
    Check {
        name: "goods are handed over by somebody, with proof, and witnessed by somebody else",
        sql: "SELECT village, status AS thing, id, CAST(0 AS BIGINT) AS kept, \
              CAST(1 AS BIGINT) AS recomputed FROM redemptions \
              WHERE (status IN ('collected', 'refunded') AND (clerk IS NULL OR proof IS NULL)) \
              OR (status IN ('held', 'cancelled', 'expired') AND (clerk IS NOT NULL \
                OR proof IS NOT NULL OR refunded <> 0)) \
              OR (proof = 'witness' AND (witness IS NULL OR witness = clerk))",
    },
];
