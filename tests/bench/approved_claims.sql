-- {each} approved claims of every household in a week. Ids rise with time, as those of clients do.
INSERT INTO claims (village, id, household, grid, member, rule_set, rule, category, source, count,
    points, occurred_on, event, evidence, filed_by, on_behalf, submitted_at, status, step,
    approved_at, week, dedupe, version, field_grid)
SELECT h.village,
    ('01920000-0000-7000-9000-' || lpad(to_hex(ROW_NUMBER() OVER (ORDER BY n, h.id)), 12, '0'))::uuid,
    h.id, h.grid, m.person, r.rule_set, r.key, r.category, r.source, 1,
    r.default_points, (DATE '{monday}' + n % 7)::text, n || '. deed',
    '[{"kind":"photo","reference":"a photo of the deed"}]', m.person, FALSE, {begins}, 'approved', 1,
    {begins} + n * 60000, '{week}', r.key || '|' || n || '|' || m.person, 3, h.grid
FROM households h
JOIN members m ON m.village = h.village AND m.household = h.id AND m.is_head
CROSS JOIN generate_series(1, {each}) AS n
JOIN (SELECT *, ROW_NUMBER() OVER (ORDER BY position) - 1 AS place, COUNT(*) OVER () AS places
      FROM rules WHERE direction = 'bonus' AND enabled AND default_points <= 5) AS r
    ON r.place = (h.number * 7 + n * 5) % r.places
