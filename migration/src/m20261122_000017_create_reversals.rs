//! What happens after confirmation: points that are frozen, reversals, lists of corrections, and the
//! adjustments by which the committee makes something good.

const UP: &str = r"
ALTER TABLE balances ADD COLUMN frozen BIGINT NOT NULL DEFAULT 0 CONSTRAINT balances_frozen_range CHECK (frozen >= 0)

{let balances_hold_covered | balances}

{refuse balances_hold_covered | UPDATE ON balances | (NEW.held > OLD.held AND NEW.points < NEW.held + NEW.frozen)}

CREATE TABLE corrections (
    village {code} NOT NULL,
    month {code} NOT NULL,
    number BIGINT NOT NULL,
    id {uuid} NOT NULL,
    reason TEXT NOT NULL,
    published_by {uuid} NOT NULL,
    published_at BIGINT NOT NULL,
    closes_at BIGINT NOT NULL,
    status {code} NOT NULL CONSTRAINT corrections_status_known CHECK (status IN ('open', 'closed')),
    CONSTRAINT corrections_pk PRIMARY KEY (village, month, number),
    CONSTRAINT corrections_id_unique UNIQUE (village, id),
    CONSTRAINT corrections_list_fk FOREIGN KEY (village, month) REFERENCES public_lists (village, month)
)

CREATE INDEX corrections_open ON corrections (village, closes_at) WHERE status = 'open'

CREATE TABLE reversals (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    line {uuid} NOT NULL,
    month {code} NOT NULL,
    number BIGINT NOT NULL,
    household {uuid} NOT NULL,
    frozen_household {uuid} NOT NULL,
    points BIGINT NOT NULL CONSTRAINT reversals_points_some CHECK (points <> 0),
    reason TEXT NOT NULL,
    status {code} NOT NULL CONSTRAINT reversals_status_known CHECK (status IN ('proposed', 'approved', 'carried', 'dropped', 'lapsed')),
    correction BIGINT,
    proposed_by {uuid} NOT NULL,
    proposed_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    reply TEXT,
    replied_by {uuid},
    replied_at BIGINT,
    decided_by {uuid},
    decided_at BIGINT,
    decided_reason TEXT,
    closed_at BIGINT,
    CONSTRAINT reversals_pk PRIMARY KEY (village, id),
    CONSTRAINT reversals_line_fk FOREIGN KEY (village, line) REFERENCES score_lines (village, id),
    CONSTRAINT reversals_list_line_fk FOREIGN KEY (village, month, number) REFERENCES public_list_lines (village, month, number),
    CONSTRAINT reversals_correction_fk FOREIGN KEY (village, month, correction) REFERENCES corrections (village, month, number),
    CONSTRAINT reversals_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id),
    CONSTRAINT reversals_frozen_household_fk FOREIGN KEY (village, frozen_household) REFERENCES households (village, id),
    CONSTRAINT reversals_decided_by_another CHECK (decided_by IS NULL OR decided_by <> proposed_by),
    CONSTRAINT reversals_carried_by_decision CHECK (status NOT IN ('approved', 'carried') OR decided_by IS NOT NULL)
)

CREATE UNIQUE INDEX reversals_one_open ON reversals (village, line) WHERE status IN ('proposed', 'approved')

CREATE INDEX reversals_due ON reversals (village, due_at) WHERE status = 'proposed' AND correction IS NULL

CREATE INDEX reversals_by_household ON reversals (village, household, id)

CREATE INDEX reversals_by_frozen ON reversals (village, frozen_household) WHERE status IN ('proposed', 'approved')

CREATE INDEX reversals_by_correction ON reversals (village, month, correction) WHERE correction IS NOT NULL

{refuse reversals_four_eyes | UPDATE ON reversals | (NEW.decided_by IS NOT NULL AND (EXISTS (SELECT 1 FROM claims c WHERE c.village = NEW.village AND c.id = NEW.line AND c.filed_by = NEW.decided_by) OR EXISTS (SELECT 1 FROM reviews v WHERE v.village = NEW.village AND v.claim = NEW.line AND v.person = NEW.decided_by) OR EXISTS (SELECT 1 FROM members m WHERE m.village = NEW.village AND m.household = NEW.household AND m.person = NEW.decided_by)))}

CREATE TABLE adjustments (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    household {uuid} NOT NULL,
    category {code} NOT NULL,
    rule {code},
    restores {uuid},
    points BIGINT NOT NULL CONSTRAINT adjustments_points_some CHECK (points <> 0),
    reason TEXT NOT NULL,
    status {code} NOT NULL CONSTRAINT adjustments_status_known CHECK (status IN ('proposed', 'approved', 'rejected', 'scored')),
    proposed_by {uuid},
    proposed_at BIGINT NOT NULL,
    decided_by {uuid},
    decided_at BIGINT,
    decided_reason TEXT,
    week {code},
    CONSTRAINT adjustments_pk PRIMARY KEY (village, id),
    CONSTRAINT adjustments_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id),
    CONSTRAINT adjustments_restores_fk FOREIGN KEY (village, restores) REFERENCES score_lines (village, id),
    CONSTRAINT adjustments_points_range CHECK (restores IS NOT NULL OR points BETWEEN -50 AND 50),
    CONSTRAINT adjustments_decided_by_another CHECK (decided_by IS NULL OR proposed_by IS NULL OR decided_by <> proposed_by),
    CONSTRAINT adjustments_scored_by_decision CHECK (status NOT IN ('approved', 'scored') OR (decided_by IS NOT NULL AND week IS NOT NULL))
)

CREATE INDEX adjustments_approved ON adjustments (village, week) WHERE status = 'approved'

CREATE INDEX adjustments_by_household ON adjustments (village, household, id)

CREATE INDEX adjustments_by_restored ON adjustments (village, restores) WHERE restores IS NOT NULL

{refuse adjustments_four_eyes | UPDATE ON adjustments | (NEW.decided_by IS NOT NULL AND EXISTS (SELECT 1 FROM members m WHERE m.village = NEW.village AND m.household = NEW.household AND m.person = NEW.decided_by))}
";

const DOWN: &str = r"
{let adjustments_four_eyes | adjustments}

DROP TABLE adjustments

{let reversals_four_eyes | reversals}

DROP TABLE reversals

DROP TABLE corrections

{let balances_hold_covered | balances}

ALTER TABLE balances DROP COLUMN frozen

{refuse balances_hold_covered | UPDATE ON balances | (NEW.held > OLD.held AND NEW.points < NEW.held)}
";

crate::step! { up: UP, down: DOWN }
