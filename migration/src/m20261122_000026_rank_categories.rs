//! A household's points in a period and a category, and since the beginning: what boards of one category
//! and of all time are ordered from.
//!
//! Periods are those of `standings`, and besides them `all`, and `to-2023`: all years up to that one, as
//! it was left, so that a close adds one year to it and never all of them.

const UP: &str = r"
CREATE TABLE category_standings (
    village {code} NOT NULL,
    period {code} NOT NULL,
    category {code} NOT NULL,
    household {uuid} NOT NULL,
    points BIGINT NOT NULL,
    deductions BIGINT NOT NULL,
    categories BIGINT NOT NULL CONSTRAINT category_standings_categories_range CHECK (categories IN (0, 1)),
    reached_at BIGINT NOT NULL,
    CONSTRAINT category_standings_pk PRIMARY KEY (village, period, category, household),
    CONSTRAINT category_standings_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id)
)

CREATE INDEX category_standings_by_period ON category_standings (period, category, village)

INSERT INTO category_standings (village, period, category, household, points, deductions, categories, reached_at)
WITH weeks AS (SELECT village, week, {month_of_sheet} AS month FROM score_sheets),
periods AS (
    SELECT village, week, week AS period FROM weeks
    UNION ALL SELECT village, week, month FROM weeks
    UNION ALL SELECT village, week, SUBSTR(month, 1, 4) || '-Q' || CAST((CAST(SUBSTR(month, 6, 2) AS INTEGER) + 2) / 3 AS TEXT) FROM weeks
    UNION ALL SELECT village, week, SUBSTR(month, 1, 4) FROM weeks
),
counted AS (
    SELECT p.period, l.* FROM score_lines l JOIN periods p ON p.village = l.village AND p.week = l.week
    WHERE l.ranks_in IS NULL OR l.ranks_in = p.period OR LENGTH(p.period) <> 4
    UNION ALL SELECT l.ranks_in AS period, l.* FROM score_lines l
    WHERE l.ranks_in IS NOT NULL AND SUBSTR(l.week, 1, 4) <> l.ranks_in
),
taken AS (
    SELECT village, period, reverses, CAST(SUM(awarded) AS BIGINT) AS awarded FROM counted
    WHERE reverses IS NOT NULL GROUP BY village, period, reverses
),
lines AS (
    SELECT c.*, CASE WHEN c.kind = 'reversal' OR c.remedies IS NOT NULL THEN 0 ELSE c.awarded + COALESCE(t.awarded, 0) END AS net
    FROM counted c LEFT JOIN taken t ON t.village = c.village AND t.period = c.period AND t.reverses = c.id
)
SELECT village, period, category, household, CAST(SUM(awarded) AS BIGINT),
    CAST(-SUM(CASE WHEN (awarded < 0) = (kind <> 'reversal' AND remedies IS NULL) THEN awarded ELSE 0 END) AS BIGINT),
    CAST(MAX(CASE WHEN net > 0 THEN 1 ELSE 0 END) AS BIGINT),
    CAST(COALESCE(MAX(CASE WHEN net <> 0 THEN approved_at END), 0) AS BIGINT)
FROM lines GROUP BY village, period, category, household

INSERT INTO category_standings (village, period, category, household, points, deductions, categories, reached_at)
SELECT c.village, 'to-' || y.year, c.category, c.household, CAST(SUM(c.points) AS BIGINT), CAST(SUM(c.deductions) AS BIGINT), MAX(c.categories), MAX(c.reached_at)
FROM category_standings c
JOIN (SELECT DISTINCT village, SUBSTR(week, 1, 4) AS year FROM score_sheets) y ON y.village = c.village AND c.period <= y.year
WHERE LENGTH(c.period) = 4 AND y.year < (SELECT SUBSTR(MAX(s.week), 1, 4) FROM score_sheets s WHERE s.village = c.village)
GROUP BY c.village, y.year, c.category, c.household

INSERT INTO category_standings (village, period, category, household, points, deductions, categories, reached_at)
SELECT village, 'all', category, household, CAST(SUM(points) AS BIGINT), CAST(SUM(deductions) AS BIGINT), MAX(categories), MAX(reached_at)
FROM category_standings WHERE LENGTH(period) = 4 GROUP BY village, category, household

INSERT INTO standings (village, period, household, points, deductions, categories, reached_at)
SELECT village, period, household, CAST(SUM(points) AS BIGINT), CAST(SUM(deductions) AS BIGINT), CAST(SUM(categories) AS BIGINT), MAX(reached_at)
FROM category_standings WHERE period = 'all' GROUP BY village, period, household
";

const DOWN: &str = r"
DELETE FROM standings WHERE period = 'all'

DROP TABLE category_standings
";

crate::step! { up: UP, down: DOWN }
