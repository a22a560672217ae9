//! What a village's score lines came to in each period, and since when: what figures of a place are added
//! up from, now and as they were at an instant.
//!
//! A row is there for every instant at which something changed: the close of a sheet, and each line that
//! takes points back.

const UP: &str = r"
CREATE TABLE period_totals (
    village {code} NOT NULL CONSTRAINT period_totals_village_fk REFERENCES villages (village),
    period {code} NOT NULL,
    since BIGINT NOT NULL,
    households BIGINT NOT NULL CONSTRAINT period_totals_households_range CHECK (households >= 0),
    living_environment BIGINT NOT NULL,
    family_virtue BIGINT NOT NULL,
    patriotism BIGINT NOT NULL,
    law_abiding BIGINT NOT NULL,
    public_welfare BIGINT NOT NULL,
    enterprise BIGINT NOT NULL,
    rural_construction BIGINT NOT NULL,
    safety_deliberation BIGINT NOT NULL,
    CONSTRAINT period_totals_pk PRIMARY KEY (village, period, since)
)

CREATE INDEX households_ended ON households (village, ended_at) WHERE ended_at IS NOT NULL

INSERT INTO period_totals (village, period, since, households, living_environment, family_virtue, patriotism, law_abiding,
    public_welfare, enterprise, rural_construction, safety_deliberation)
WITH weeks AS (SELECT village, week, status, closes_at, {month_of_sheet} AS month FROM score_sheets),
periods AS (
    SELECT village, week, status, closes_at, week AS period FROM weeks
    UNION ALL SELECT village, week, status, closes_at, month FROM weeks
    UNION ALL SELECT village, week, status, closes_at, SUBSTR(month, 1, 4) || '-Q' || CAST((CAST(SUBSTR(month, 6, 2) AS INTEGER) + 2) / 3 AS TEXT) FROM weeks
    UNION ALL SELECT village, week, status, closes_at, SUBSTR(month, 1, 4) FROM weeks
    UNION ALL SELECT village, week, status, closes_at, 'all' FROM weeks
),
known AS (
    SELECT l.village, l.id, l.household, l.kind, l.remedies, l.reverses, l.category, l.awarded, p.period,
        CASE WHEN l.kind = 'reversal' THEN l.approved_at ELSE p.closes_at END AS at
    FROM score_lines l JOIN periods p ON p.village = l.village AND p.week = l.week
),
changes AS (
    SELECT village, period, closes_at AS at, '' AS category, 0 AS awarded FROM periods WHERE status = 'closed'
    UNION ALL SELECT village, period, at, category, awarded FROM known
),
points AS (
    SELECT village, period, at,
        SUM(CASE category WHEN 'living_environment' THEN awarded ELSE 0 END) AS living_environment,
        SUM(CASE category WHEN 'family_virtue' THEN awarded ELSE 0 END) AS family_virtue,
        SUM(CASE category WHEN 'patriotism' THEN awarded ELSE 0 END) AS patriotism,
        SUM(CASE category WHEN 'law_abiding' THEN awarded ELSE 0 END) AS law_abiding,
        SUM(CASE category WHEN 'public_welfare' THEN awarded ELSE 0 END) AS public_welfare,
        SUM(CASE category WHEN 'enterprise' THEN awarded ELSE 0 END) AS enterprise,
        SUM(CASE category WHEN 'rural_construction' THEN awarded ELSE 0 END) AS rural_construction,
        SUM(CASE category WHEN 'safety_deliberation' THEN awarded ELSE 0 END) AS safety_deliberation
    FROM changes GROUP BY village, period, at
),
taken AS (
    SELECT village, period, reverses, at, awarded,
        SUM(awarded) OVER (PARTITION BY village, period, reverses ORDER BY at, id) AS so_far
    FROM known WHERE reverses IS NOT NULL
),
steps AS (
    SELECT village, period, household, at, 1 AS step FROM known WHERE kind <> 'reversal' AND remedies IS NULL AND awarded > 0
    UNION ALL SELECT k.village, k.period, k.household, t.at, -1 FROM taken t
    JOIN known k ON k.village = t.village AND k.period = t.period AND k.id = t.reverses
    WHERE k.remedies IS NULL AND k.awarded > 0 AND k.awarded + t.so_far <= 0 AND k.awarded + t.so_far - t.awarded > 0
),
lines AS (
    SELECT village, period, household, at, SUM(SUM(step)) OVER (PARTITION BY village, period, household ORDER BY at) AS lines
    FROM steps GROUP BY village, period, household, at
),
turns AS (
    SELECT village, period, at, CASE WHEN lines > 0 THEN 1 ELSE 0 END
        - CASE WHEN LAG(lines, 1, 0) OVER (PARTITION BY village, period, household ORDER BY at) > 0 THEN 1 ELSE 0 END AS turn
    FROM lines
),
joined AS (SELECT village, period, at, SUM(turn) AS households FROM turns GROUP BY village, period, at)
SELECT p.village, p.period, p.at,
    CAST(SUM(COALESCE(j.households, 0)) OVER w AS BIGINT),
    CAST(SUM(p.living_environment) OVER w AS BIGINT),
    CAST(SUM(p.family_virtue) OVER w AS BIGINT),
    CAST(SUM(p.patriotism) OVER w AS BIGINT),
    CAST(SUM(p.law_abiding) OVER w AS BIGINT),
    CAST(SUM(p.public_welfare) OVER w AS BIGINT),
    CAST(SUM(p.enterprise) OVER w AS BIGINT),
    CAST(SUM(p.rural_construction) OVER w AS BIGINT),
    CAST(SUM(p.safety_deliberation) OVER w AS BIGINT)
FROM points p LEFT JOIN joined j ON j.village = p.village AND j.period = p.period AND j.at = p.at
WINDOW w AS (PARTITION BY p.village, p.period ORDER BY p.at)
";

const DOWN: &str = r"
DROP INDEX households_ended

DROP TABLE period_totals
";

crate::step! { up: UP, down: DOWN }
