//! Review, complete: rounds of correction, the office that decided, hearings, warnings, what makes a
//! deduction good, re-check samples, the auditor's register, and what other channels have to deliver.

const UP: &str = r"
ALTER TABLE claims ADD COLUMN round BIGINT NOT NULL DEFAULT 1

ALTER TABLE claims ADD COLUMN step_since BIGINT NOT NULL DEFAULT 0

UPDATE claims SET step_since = {now} WHERE status IN ('submitted', 'in_review')

ALTER TABLE claims ADD COLUMN returned_at BIGINT

ALTER TABLE claims ADD COLUMN remedies {uuid}

CREATE INDEX claims_returned ON claims (village, returned_at) WHERE status = 'returned'

ALTER TABLE score_lines ADD COLUMN remedies {uuid}

CREATE INDEX score_lines_by_remedied ON score_lines (village, remedies) WHERE remedies IS NOT NULL

CREATE TABLE reviews_before AS SELECT * FROM reviews

DROP TABLE reviews

CREATE TABLE reviews (
    village {code} NOT NULL,
    claim {uuid} NOT NULL,
    round BIGINT NOT NULL,
    step BIGINT NOT NULL,
    person {uuid} NOT NULL,
    role {code} NOT NULL,
    decision {code} NOT NULL CONSTRAINT reviews_decision_known CHECK (decision IN ('approve', 'reject', 'return')),
    points BIGINT,
    reason TEXT,
    at BIGINT NOT NULL,
    CONSTRAINT reviews_pk PRIMARY KEY (village, claim, round, step, person),
    CONSTRAINT reviews_claim_fk FOREIGN KEY (village, claim) REFERENCES claims (village, id)
)

INSERT INTO reviews (village, claim, round, step, person, role, decision, points, reason, at) SELECT village, claim, 1, step, person, '', decision, points, reason, at FROM reviews_before

DROP TABLE reviews_before

CREATE INDEX reviews_by_time ON reviews (village, at)

CREATE TABLE hearings (
    village {code} NOT NULL,
    claim {uuid} NOT NULL,
    id {uuid} NOT NULL,
    round BIGINT NOT NULL,
    act {code} NOT NULL CONSTRAINT hearings_act_known CHECK (act IN ('statement', 'waiver')),
    text TEXT NOT NULL,
    recorded_by {uuid} NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT hearings_pk PRIMARY KEY (village, claim, id),
    CONSTRAINT hearings_claim_fk FOREIGN KEY (village, claim) REFERENCES claims (village, id)
)

{append_only:reviews}

{refuse reviews_four_eyes | INSERT ON reviews | EXISTS (SELECT 1 FROM claims c LEFT JOIN members m ON m.village = c.village AND m.household = c.household AND m.person = NEW.person WHERE c.village = NEW.village AND c.id = NEW.claim AND (c.filed_by = NEW.person OR m.person IS NOT NULL))}

{refuse reviews_after_hearing | INSERT ON reviews | NEW.decision = 'approve' AND EXISTS (SELECT 1 FROM claims c JOIN rules u ON u.rule_set = c.rule_set AND u.key = c.rule WHERE c.village = NEW.village AND c.id = NEW.claim AND u.requires_hearing AND c.remedies IS NULL) AND NOT EXISTS (SELECT 1 FROM hearings h WHERE h.village = NEW.village AND h.claim = NEW.claim AND h.round = NEW.round)}

{append_only:hearings}

CREATE TABLE warnings (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    household {uuid} NOT NULL,
    rule {code} NOT NULL,
    occurred_on {code} NOT NULL,
    note TEXT NOT NULL,
    given_by {uuid} NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT warnings_pk PRIMARY KEY (village, id),
    CONSTRAINT warnings_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id)
)

CREATE INDEX warnings_by_household ON warnings (village, household, rule, occurred_on)

{append_only:warnings}

CREATE TABLE samples (
    village {code} NOT NULL,
    claim {uuid} NOT NULL,
    week {code} NOT NULL,
    drawn_at BIGINT NOT NULL,
    finding {code} CONSTRAINT samples_finding_known CHECK (finding IN ('confirmed', 'doubted')),
    note TEXT,
    checked_by {uuid},
    checked_at BIGINT,
    CONSTRAINT samples_pk PRIMARY KEY (village, claim),
    CONSTRAINT samples_claim_fk FOREIGN KEY (village, claim) REFERENCES claims (village, id)
)

CREATE INDEX samples_open ON samples (village, claim) WHERE finding IS NULL

CREATE TABLE register_entries (
    village {code} NOT NULL CONSTRAINT register_entries_village_fk REFERENCES villages (village),
    id {uuid} NOT NULL,
    kind {code} NOT NULL,
    subject {code} NOT NULL,
    person {uuid},
    note TEXT NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT register_entries_pk PRIMARY KEY (village, id)
)

CREATE INDEX register_entries_by_kind ON register_entries (village, kind, id)

{append_only:register_entries}

CREATE TABLE outbox (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    recipient {uuid} NOT NULL,
    kind {code} NOT NULL,
    subject {uuid} NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT outbox_pk PRIMARY KEY (village, id)
)
";

const DOWN: &str = r"
DROP TABLE outbox

DROP TABLE register_entries

DROP TABLE samples

DROP TABLE warnings

CREATE TABLE reviews_after AS SELECT * FROM reviews

{let reviews_after_hearing | reviews}

DROP TABLE reviews

DROP TABLE hearings

CREATE TABLE reviews (
    village {code} NOT NULL,
    claim {uuid} NOT NULL,
    step BIGINT NOT NULL,
    person {uuid} NOT NULL,
    decision {code} NOT NULL CONSTRAINT reviews_decision_known CHECK (decision IN ('approve', 'reject')),
    points BIGINT,
    reason TEXT,
    at BIGINT NOT NULL,
    CONSTRAINT reviews_pk PRIMARY KEY (village, claim, step, person),
    CONSTRAINT reviews_claim_fk FOREIGN KEY (village, claim) REFERENCES claims (village, id)
)

INSERT INTO reviews (village, claim, step, person, decision, points, reason, at) SELECT village, claim, step, person, decision, points, reason, at FROM reviews_after WHERE decision <> 'return' ON CONFLICT DO NOTHING

DROP TABLE reviews_after

{append_only:reviews}

{refuse reviews_four_eyes | INSERT ON reviews | EXISTS (SELECT 1 FROM claims c LEFT JOIN members m ON m.village = c.village AND m.household = c.household AND m.person = NEW.person WHERE c.village = NEW.village AND c.id = NEW.claim AND (c.filed_by = NEW.person OR m.person IS NOT NULL))}

DROP INDEX score_lines_by_remedied

ALTER TABLE score_lines DROP COLUMN remedies

DROP INDEX claims_returned

ALTER TABLE claims DROP COLUMN remedies

ALTER TABLE claims DROP COLUMN returned_at

ALTER TABLE claims DROP COLUMN step_since

ALTER TABLE claims DROP COLUMN round
";

crate::step! { up: UP, down: DOWN }
