-- A province: counties 990001 and on, a township in each, villages, and two grids a village.
INSERT INTO regions (code, level, name) VALUES ('99', 'province', '第99省');

INSERT INTO regions (code, level, parent, name)
SELECT '99' || lpad(c::text, 4, '0'), 'county', '99', '第' || c || '县' FROM generate_series(1, {counties}) AS c;

INSERT INTO regions (code, level, parent, name)
SELECT code || '001', 'township', code, '第1镇' FROM regions WHERE parent = '99';

INSERT INTO regions (code, level, parent, name)
SELECT code || lpad(v::text, 3, '0'), 'village', code, '第' || v || '村'
FROM regions, generate_series(1, {villages}) AS v WHERE level = 'township' AND code LIKE '99%';

INSERT INTO regions (code, level, parent, name)
SELECT code || lpad(g::text, 3, '0'), 'grid', code, '第' || g || '网格'
FROM regions, generate_series(1, 2) AS g WHERE level = 'village' AND code LIKE '99%';

-- Nothing of theirs is ever due.
INSERT INTO villages (village, mode, publicity_weeks, window_weeks, window_points_max, starts_at, next_due_at, version)
SELECT code, 'quarterly', 1, 2, 1000, 0, 9000000000000000, 1
FROM regions WHERE level = 'village' AND code LIKE '99%';

INSERT INTO households (village, id, number, grid, status, created_at, registered_by, registered_at, version)
SELECT village, gen_random_uuid(), n, village || lpad((n % 2 + 1)::text, 3, '0'), 'active', 0, 'paper', 1, 1
FROM villages, generate_series(1, {households}) AS n WHERE village LIKE '99%';

INSERT INTO members (village, household, person, name, is_head)
SELECT village, id, gen_random_uuid(), '王' || number, TRUE FROM households WHERE village LIKE '99%';

-- As after a close: every household, and half of them with points of the category.
INSERT INTO standings (village, period, household, points, deductions, categories, reached_at)
SELECT village, '{period}', id, (hashtext(id::text) % 60 + 60) / 2, abs(hashtext(id::text)) % 3,
    abs(hashtext(id::text)) % 5, 1725000000000 + abs(hashtext(id::text)) % 100000000
FROM households WHERE village LIKE '99%';

INSERT INTO category_standings (village, period, category, household, points, deductions, categories, reached_at)
SELECT village, period, '{category}', household, points / 2, deductions, 1, reached_at
FROM standings WHERE village LIKE '99%' AND reached_at % 2 = 0
