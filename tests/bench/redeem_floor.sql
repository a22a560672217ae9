-- One redemption as pgbench writes it: the rows of redemptions_create, one transaction a redemption,
-- nothing read but by the guards. The prize's row, which many want, is changed last.
\set number random({first}, {last})
\set at (:number - 1) / {households_per_village}
\set village {county}100201 + :at / 10 * 1000 + :at % 10
\set prize {prize_of_village}
BEGIN;
UPDATE balances SET held = held + 1 WHERE village = :village::text AND household = ('{household_id}' || lpad(to_hex(:number::bigint), 12, '0'))::uuid AND account = 'available' AND points - held >= 1;
INSERT INTO redemptions (village, id, household, prize, quantity, points, status, counts_from, filed_by, held_at, expires_at, wrong_codes, version, funding, value_fen, budget_quarter) VALUES (:village, (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, ('{household_id}' || lpad(to_hex(:number::bigint), 12, '0'))::uuid, ('{prize_id}' || lpad(to_hex((:at * 100 + :prize)::bigint), 12, '0'))::uuid, 1, 1, 'held', 1725811200000, ('{head_id}' || lpad(to_hex(:number::bigint), 12, '0'))::uuid, 1725811200000, 9000000000000, 0, 1, 'village_collective', 100, '2024-Q3');
INSERT INTO stock_moves (village, id, prize, quantity, kind, ref, at) VALUES (:village, (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, ('{prize_id}' || lpad(to_hex((:at * 100 + :prize)::bigint), 12, '0'))::uuid, -1, 'hold', gen_random_uuid()::text, 1725811200000);
INSERT INTO audit_events (region, id, at, actor, action, subject, detail) VALUES (:village, (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid, 1725811200000, ('{head_id}' || lpad(to_hex(:number::bigint), 12, '0'))::uuid, 'redemption.hold', gen_random_uuid()::text, '{"bearer";null,"points";1}');
INSERT INTO idempotency_keys (scope, account, key, digest, body, at) VALUES (:village, ('{head_id}' || lpad(to_hex(:number::bigint), 12, '0'))::uuid, gen_random_uuid()::text, '{digest}', '{body}', 1725811200000);
UPDATE prizes SET stock = stock - 1 WHERE village = :village::text AND id = ('{prize_id}' || lpad(to_hex((:at * 100 + :prize)::bigint), 12, '0'))::uuid AND stock >= 1;
END;
