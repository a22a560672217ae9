-- The rows of a weekly close, set by set.
INSERT INTO score_lines (village, id, kind, week, household, member, rule_set, rule, category, event,
    occurred_on, approved_at, times, claimed, awarded)
SELECT village, id, 'claim', week, household, member, rule_set, rule, category, event,
    occurred_on, approved_at, count, points, points
FROM claims WHERE week = '2024-W36' AND status = 'approved' ORDER BY village, id;

INSERT INTO journals (village, id, kind, ref, at)
SELECT village, md5(village || '|score|' || week || household)::uuid, 'score', week || ':' || household,
    1725811200000
FROM (SELECT DISTINCT village, week, household FROM score_lines) AS earned;

INSERT INTO postings (village, journal, account, household, points)
SELECT village, md5(village || '|score|' || week || household)::uuid, account,
    CASE account WHEN 'issued' THEN '00000000-0000-0000-0000-000000000000'::uuid ELSE household END,
    CASE account WHEN 'issued' THEN -points ELSE points END
FROM (SELECT village, week, household, SUM(awarded) AS points
      FROM score_lines GROUP BY village, week, household) AS earned
CROSS JOIN (VALUES ('issued'), ('pending')) AS accounts (account);

INSERT INTO balances (village, household, account, points, held)
SELECT village, household, account, SUM(points), 0 FROM postings GROUP BY village, household, account
ON CONFLICT (village, household, account) DO UPDATE SET points = balances.points + excluded.points;

UPDATE claims SET status = 'scored', version = version + 1
WHERE week = '2024-W36' AND status = 'approved';

UPDATE score_sheets SET status = 'closed', line_count = closed.count, points = closed.points
FROM (SELECT village, week, COUNT(*) AS count, SUM(awarded) AS points
      FROM score_lines GROUP BY village, week) AS closed
WHERE score_sheets.village = closed.village AND score_sheets.week = closed.week;

INSERT INTO score_sheets (village, week, status, closes_at, line_count, points)
SELECT village, '2024-W37', 'open', 1726416000000, 0, 0 FROM villages;

-- Boards are ordered from these: part of the close, as without them it would show nothing.
INSERT INTO category_standings (village, period, category, household, points, deductions, categories, reached_at)
SELECT village, period, category, household, points, deductions, categories, reached_at
FROM (SELECT village, category, household, SUM(awarded) AS points,
        -SUM(CASE WHEN awarded < 0 THEN awarded ELSE 0 END) AS deductions,
        MAX(CASE WHEN awarded > 0 THEN 1 ELSE 0 END) AS categories,
        MAX(approved_at) AS reached_at
      FROM score_lines GROUP BY village, category, household) AS earned
CROSS JOIN (VALUES ('2024-W36'), ('2024-09'), ('2024-Q3'), ('2024'), ('all')) AS periods (period);

INSERT INTO standings (village, period, household, points, deductions, categories, reached_at)
SELECT village, period, household, SUM(points), SUM(deductions), SUM(categories), MAX(reached_at)
FROM category_standings GROUP BY village, period, household;

-- Figures of places are added up from these.
INSERT INTO period_totals (village, period, since, households, living_environment, family_virtue, patriotism,
    law_abiding, public_welfare, enterprise, rural_construction, safety_deliberation)
SELECT v.village, p.period, 1725811200000, COALESCE(e.households, 0), COALESCE(e.c1, 0), COALESCE(e.c2, 0),
    COALESCE(e.c3, 0), COALESCE(e.c4, 0), COALESCE(e.c5, 0), COALESCE(e.c6, 0), COALESCE(e.c7, 0), COALESCE(e.c8, 0)
FROM villages v CROSS JOIN (VALUES ('2024-W36'), ('2024-09'), ('2024-Q3'), ('2024'), ('all')) AS p (period)
LEFT JOIN (SELECT village, period, COUNT(DISTINCT CASE WHEN categories > 0 THEN household END) AS households,
        SUM(CASE WHEN category = 'living_environment' THEN points END) AS c1,
        SUM(CASE WHEN category = 'family_virtue' THEN points END) AS c2,
        SUM(CASE WHEN category = 'patriotism' THEN points END) AS c3,
        SUM(CASE WHEN category = 'law_abiding' THEN points END) AS c4,
        SUM(CASE WHEN category = 'public_welfare' THEN points END) AS c5,
        SUM(CASE WHEN category = 'enterprise' THEN points END) AS c6,
        SUM(CASE WHEN category = 'rural_construction' THEN points END) AS c7,
        SUM(CASE WHEN category = 'safety_deliberation' THEN points END) AS c8
      FROM category_standings GROUP BY village, period) AS e ON e.village = v.village AND e.period = p.period;

UPDATE villages SET next_due_at = 1726416000000, version = version + 1;
