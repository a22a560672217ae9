-- One claim as pgbench writes it: the rows of claims_submit, one transaction a claim, nothing read.
-- Ids begin with the time, as those of clients do.
\set number random(1, {households})
\set at (:number - 1) / {households_per_village}
\set village {county}100201 + :at / 10 * 1000 + :at % 10
\set grid :village * 1000 + 1
BEGIN;
INSERT INTO claims (village, id, household, grid, member, rule_set, rule, category, source, count, points, occurred_on, event, note, evidence, filed_by, on_behalf, submitted_at, status, step, dedupe, version, content, changed, field_grid) VALUES (:village, (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, ('{household_id}' || lpad(to_hex(:number::bigint), 12, '0'))::uuid, :grid, ('{head_id}' || lpad(to_hex(:number::bigint), 12, '0'))::uuid, '{rule_set}', '{rule}', '{category}', 'claim', 1, 2, '{occurred_on}', gen_random_uuid()::text, NULL, '{evidence}', ('{head_id}' || lpad(to_hex(:number::bigint), 12, '0'))::uuid, FALSE, 1725811200000, 'submitted', 0, '{rule}|' || gen_random_uuid() || '|{head_id}' || lpad(to_hex(:number::bigint), 12, '0'), 1, '{digest}', 1, :grid);
INSERT INTO village_changes (village, seq) VALUES (:village, 1) ON CONFLICT (village) DO UPDATE SET seq = village_changes.seq + 1;
INSERT INTO audit_events (region, id, at, actor, action, subject, detail) VALUES (:village, (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, 1725811200000, ('{head_id}' || lpad(to_hex(:number::bigint), 12, '0'))::uuid, 'claim.submit', gen_random_uuid()::text, '{"claims";1}');
INSERT INTO idempotency_keys (scope, account, key, digest, body, at) VALUES (:village, ('{head_id}' || lpad(to_hex(:number::bigint), 12, '0'))::uuid, gen_random_uuid()::text, '{digest}', '{body}', 1725811200000);
END;
