//! Objections to their end: their grounds, what a recheck found, who decided at which level, the appeal
//! and what it gives back, what lapses; and longer publicity.
//!
//! Decisions that are younger than the seven days of an appeal keep what is left of them; of several on one
//! line for one household the last does, for only one of them can be open.

const UP: &str = r"
ALTER TABLE public_lists ADD COLUMN extended_from BIGINT

ALTER TABLE public_lists ADD COLUMN extension_reason TEXT

ALTER TABLE objections ADD COLUMN ground {code} NOT NULL DEFAULT 'rule_misapplied' CONSTRAINT objections_ground_known CHECK (ground IN ('did_not_happen', 'not_this_household', 'wrong_points', 'counted_twice', 'evidence_false', 'rule_misapplied'))

ALTER TABLE objections ADD COLUMN decided_body {code} CONSTRAINT objections_decided_body_known CHECK (decided_body IN ('committee', 'township', 'county'))

ALTER TABLE objections ADD COLUMN points_before BIGINT

ALTER TABLE objections ADD COLUMN due_at BIGINT

ALTER TABLE objections ADD COLUMN lapsed_at BIGINT

ALTER TABLE objections ADD COLUMN final_at BIGINT

UPDATE objections SET due_at = CASE WHEN filed_at > {now} THEN filed_at ELSE {now} END + 21 * 86400000 WHERE status IN ('filed', 'investigating')

UPDATE objections SET decided_body = 'committee', points_before = (SELECT l.awarded + COALESCE((SELECT CAST(SUM(r.awarded) AS BIGINT) FROM score_lines r WHERE r.village = l.village AND r.reverses = l.id AND r.approved_at < objections.decided_at), 0) FROM score_lines l WHERE l.village = objections.village AND l.id = objections.line) WHERE status = 'decided'

UPDATE objections SET due_at = decided_at + 7 * 86400000 WHERE status = 'decided' AND decided_at + 7 * 86400000 > {now} AND NOT EXISTS (SELECT 1 FROM objections o WHERE o.village = objections.village AND o.line = objections.line AND o.filer_household = objections.filer_household AND o.id <> objections.id AND (o.status IN ('filed', 'investigating') OR (o.status = 'decided' AND (o.decided_at > objections.decided_at OR (o.decided_at = objections.decided_at AND o.id > objections.id)))))

UPDATE objections SET status = 'final', final_at = decided_at WHERE status = 'decided' AND due_at IS NULL

UPDATE villages SET next_due_at = (SELECT MIN(o.due_at) FROM objections o WHERE o.village = villages.village) WHERE next_due_at > (SELECT MIN(o.due_at) FROM objections o WHERE o.village = villages.village)

DROP INDEX objections_one_open

CREATE UNIQUE INDEX objections_one_open ON objections (village, line, filer_household) WHERE status <> 'final'

CREATE INDEX objections_due ON objections (village, due_at) WHERE due_at IS NOT NULL

CREATE INDEX objections_by_month ON objections (village, month, id)

CREATE INDEX objections_by_status ON objections (village, status, id)

CREATE INDEX objections_by_filer ON objections (village, filed_by, id)

CREATE INDEX objections_by_house ON objections (village, filer_household, filed_at)

CREATE TABLE rechecks (
    village {code} NOT NULL,
    objection {uuid} NOT NULL,
    id {uuid} NOT NULL,
    person {uuid} NOT NULL,
    note TEXT NOT NULL,
    finding TEXT,
    at BIGINT NOT NULL,
    CONSTRAINT rechecks_pk PRIMARY KEY (village, objection, id),
    CONSTRAINT rechecks_objection_fk FOREIGN KEY (village, objection) REFERENCES objections (village, id)
)

{append_only:rechecks}

CREATE TABLE appeals (
    village {code} NOT NULL,
    objection {uuid} NOT NULL,
    id {uuid} NOT NULL,
    side {code} NOT NULL CONSTRAINT appeals_side_known CHECK (side IN ('filer', 'household')),
    filed_by {uuid} NOT NULL,
    reason TEXT NOT NULL,
    filed_at BIGINT NOT NULL,
    decision {code} CONSTRAINT appeals_decision_known CHECK (decision IN ('dismissed', 'amended', 'upheld')),
    decided_body {code} CONSTRAINT appeals_decided_body_known CHECK (decided_body IN ('committee', 'township', 'county')),
    decided_by {uuid},
    decided_at BIGINT,
    decided_reason TEXT,
    points_after BIGINT,
    restored BIGINT,
    adjustment {uuid},
    CONSTRAINT appeals_pk PRIMARY KEY (village, objection),
    CONSTRAINT appeals_id_unique UNIQUE (village, id),
    CONSTRAINT appeals_objection_fk FOREIGN KEY (village, objection) REFERENCES objections (village, id),
    CONSTRAINT appeals_decided_by_another CHECK (decided_by IS NULL OR decided_by <> filed_by)
)

CREATE INDEX appeals_by_adjustment ON appeals (village, adjustment) WHERE adjustment IS NOT NULL

{refuse appeals_four_eyes | UPDATE ON appeals | NEW.decided_by IS NOT NULL AND EXISTS (SELECT 1 FROM objections o WHERE o.village = NEW.village AND o.id = NEW.objection AND (o.decided_by = NEW.decided_by OR o.filed_by = NEW.decided_by OR EXISTS (SELECT 1 FROM claims c WHERE c.village = o.village AND c.id = o.line AND c.filed_by = NEW.decided_by) OR EXISTS (SELECT 1 FROM reviews v WHERE v.village = o.village AND v.claim = o.line AND v.person = NEW.decided_by)))}
";

const DOWN: &str = r"
{let appeals_four_eyes | appeals}

DROP TABLE appeals

DROP TABLE rechecks

DROP INDEX objections_by_house

DROP INDEX objections_by_filer

DROP INDEX objections_by_status

DROP INDEX objections_by_month

DROP INDEX objections_due

DROP INDEX objections_one_open

CREATE UNIQUE INDEX objections_one_open ON objections (village, line, filer_household) WHERE status IN ('filed', 'investigating')

ALTER TABLE objections DROP COLUMN final_at

ALTER TABLE objections DROP COLUMN lapsed_at

ALTER TABLE objections DROP COLUMN due_at

ALTER TABLE objections DROP COLUMN points_before

ALTER TABLE objections DROP COLUMN decided_body

ALTER TABLE objections DROP COLUMN ground

ALTER TABLE public_lists DROP COLUMN extension_reason

ALTER TABLE public_lists DROP COLUMN extended_from
";

crate::step! { up: UP, down: DOWN }
