//! The weekly sheet and its lines, the monthly list and its objections, and the standings of each
//! period.

const UP: &str = r"
CREATE TABLE score_sheets (
    village {code} NOT NULL CONSTRAINT score_sheets_village_fk REFERENCES villages (village),
    week {code} NOT NULL,
    status {code} NOT NULL CONSTRAINT score_sheets_status_known CHECK (status IN ('open', 'closed')),
    closes_at BIGINT NOT NULL,
    line_count BIGINT NOT NULL,
    points BIGINT NOT NULL,
    CONSTRAINT score_sheets_pk PRIMARY KEY (village, week)
)

CREATE UNIQUE INDEX score_sheets_one_open ON score_sheets (village) WHERE status = 'open'

{refuse score_sheets_closed_for_ever | UPDATE ON score_sheets | OLD.status = 'closed'}

CREATE TABLE score_lines (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    kind {code} NOT NULL CONSTRAINT score_lines_kind_known CHECK (kind IN ('claim', 'adjustment', 'reversal')),
    week {code} NOT NULL,
    household {uuid} NOT NULL,
    member {uuid},
    reverses {uuid},
    rule_set {uuid} NOT NULL,
    rule {code} NOT NULL,
    category {code} NOT NULL,
    event TEXT,
    occurred_on {code} NOT NULL,
    approved_at BIGINT NOT NULL,
    times BIGINT NOT NULL,
    claimed BIGINT NOT NULL,
    awarded BIGINT NOT NULL,
    reason {code},
    CONSTRAINT score_lines_pk PRIMARY KEY (village, id),
    CONSTRAINT score_lines_sheet_fk FOREIGN KEY (village, week) REFERENCES score_sheets (village, week),
    CONSTRAINT score_lines_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id),
    CONSTRAINT score_lines_reverses_fk FOREIGN KEY (village, reverses) REFERENCES score_lines (village, id),
    CONSTRAINT score_lines_within_claimed CHECK (kind <> 'claim' OR ABS(awarded) <= ABS(claimed))
)

CREATE INDEX score_lines_by_week ON score_lines (village, week, household)

CREATE INDEX score_lines_by_household ON score_lines (village, household, occurred_on)

CREATE INDEX score_lines_by_reversed ON score_lines (village, reverses) WHERE reverses IS NOT NULL

{append_only:score_lines}

CREATE TABLE public_lists (
    village {code} NOT NULL CONSTRAINT public_lists_village_fk REFERENCES villages (village),
    month {code} NOT NULL,
    status {code} NOT NULL CONSTRAINT public_lists_status_known CHECK (status IN ('open', 'closing', 'closed')),
    opens_at BIGINT NOT NULL,
    closes_at BIGINT NOT NULL,
    line_count BIGINT NOT NULL,
    household_count BIGINT NOT NULL,
    points BIGINT NOT NULL,
    CONSTRAINT public_lists_pk PRIMARY KEY (village, month)
)

CREATE INDEX public_lists_open ON public_lists (village, closes_at) WHERE status <> 'closed'

CREATE TABLE public_list_lines (
    village {code} NOT NULL,
    month {code} NOT NULL,
    number BIGINT NOT NULL,
    line {uuid} NOT NULL,
    household {uuid} NOT NULL,
    household_number BIGINT NOT NULL,
    status {code} NOT NULL CONSTRAINT public_list_lines_status_known CHECK (status IN ('open', 'contested', 'upheld', 'adjusted', 'struck')),
    confirmed_at BIGINT,
    CONSTRAINT public_list_lines_pk PRIMARY KEY (village, month, number),
    CONSTRAINT public_list_lines_line_unique UNIQUE (village, line),
    CONSTRAINT public_list_lines_list_fk FOREIGN KEY (village, month) REFERENCES public_lists (village, month),
    CONSTRAINT public_list_lines_line_fk FOREIGN KEY (village, line) REFERENCES score_lines (village, id)
)

CREATE INDEX public_list_lines_by_household ON public_list_lines (village, household, month)

CREATE TABLE objections (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    month {code} NOT NULL,
    number BIGINT NOT NULL,
    line {uuid} NOT NULL,
    filed_by {uuid} NOT NULL,
    filer_household {uuid} NOT NULL,
    reason TEXT NOT NULL,
    status {code} NOT NULL CONSTRAINT objections_status_known CHECK (status IN ('filed', 'investigating', 'decided', 'appealed', 'final')),
    filed_at BIGINT NOT NULL,
    decision {code} CONSTRAINT objections_decision_known CHECK (decision IN ('dismissed', 'amended', 'upheld')),
    decided_by {uuid},
    decided_at BIGINT,
    decided_reason TEXT,
    points_after BIGINT,
    CONSTRAINT objections_pk PRIMARY KEY (village, id),
    CONSTRAINT objections_line_fk FOREIGN KEY (village, month, number) REFERENCES public_list_lines (village, month, number),
    CONSTRAINT objections_decided_by_another CHECK (decided_by IS NULL OR decided_by <> filed_by)
)

CREATE UNIQUE INDEX objections_one_open ON objections (village, line, filer_household) WHERE status IN ('filed', 'investigating')

CREATE INDEX objections_by_line ON objections (village, month, number)

{refuse objections_four_eyes | UPDATE ON objections | (NEW.decided_by IS NOT NULL AND (EXISTS (SELECT 1 FROM claims c WHERE c.village = NEW.village AND c.id = NEW.line AND c.filed_by = NEW.decided_by) OR EXISTS (SELECT 1 FROM reviews v WHERE v.village = NEW.village AND v.claim = NEW.line AND v.person = NEW.decided_by)))}

CREATE TABLE standings (
    village {code} NOT NULL,
    period {code} NOT NULL,
    household {uuid} NOT NULL,
    points BIGINT NOT NULL,
    deductions BIGINT NOT NULL,
    categories BIGINT NOT NULL,
    reached_at BIGINT NOT NULL,
    CONSTRAINT standings_pk PRIMARY KEY (village, period, household),
    CONSTRAINT standings_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id)
)

CREATE INDEX standings_by_period ON standings (period, village, points)
";

crate::step! {
    up: UP,
    tables: ["standings", "objections", "public_list_lines", "public_lists", "score_lines", "score_sheets"],
    functions: ["score_sheets_closed_for_ever", "objections_four_eyes"]
}
