//! Regions, the villages that take part, their households and members.

const UP: &str = r"
CREATE TABLE regions (
    code {code} NOT NULL CONSTRAINT regions_pk PRIMARY KEY,
    level {code} NOT NULL,
    parent {code} CONSTRAINT regions_parent_fk REFERENCES regions (code),
    name TEXT NOT NULL
)

CREATE INDEX regions_by_parent ON regions (parent)

CREATE TABLE villages (
    village {code} NOT NULL CONSTRAINT villages_pk PRIMARY KEY CONSTRAINT villages_region_fk REFERENCES regions (code),
    mode {code} NOT NULL CONSTRAINT villages_mode_known CHECK (mode IN ('quarterly', 'monthly', 'always_open')),
    publicity_weeks BIGINT NOT NULL CONSTRAINT villages_publicity_weeks_range CHECK (publicity_weeks BETWEEN 1 AND 4),
    window_weeks BIGINT NOT NULL CONSTRAINT villages_window_weeks_range CHECK (window_weeks BETWEEN 1 AND 4),
    window_points_max BIGINT NOT NULL CONSTRAINT villages_window_points_range CHECK (window_points_max > 0),
    starts_at BIGINT NOT NULL,
    next_due_at BIGINT NOT NULL,
    version BIGINT NOT NULL
)

CREATE INDEX villages_by_next_due ON villages (next_due_at)

CREATE TABLE households (
    village {code} NOT NULL CONSTRAINT households_village_fk REFERENCES villages (village),
    id {uuid} NOT NULL,
    number BIGINT NOT NULL,
    grid {code} NOT NULL CONSTRAINT households_grid_fk REFERENCES regions (code),
    status {code} NOT NULL CONSTRAINT households_status_known CHECK (status IN ('active', 'merged', 'split', 'moved_out', 'closed')),
    registered_by {code} CONSTRAINT households_registered_by_known CHECK (registered_by IN ('account', 'paper')),
    registered_at BIGINT,
    activated_at BIGINT,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT households_pk PRIMARY KEY (village, id),
    CONSTRAINT households_number_unique UNIQUE (village, number)
)

CREATE TABLE members (
    village {code} NOT NULL,
    household {uuid} NOT NULL,
    person {uuid} NOT NULL,
    name TEXT NOT NULL,
    is_head BOOLEAN NOT NULL,
    CONSTRAINT members_pk PRIMARY KEY (village, household, person),
    CONSTRAINT members_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id)
)

CREATE INDEX members_by_person ON members (village, person)

CREATE UNIQUE INDEX members_one_head ON members (village, household) WHERE is_head

CREATE TABLE kin (
    village {code} NOT NULL CONSTRAINT kin_village_fk REFERENCES villages (village),
    person {uuid} NOT NULL,
    relative {uuid} NOT NULL,
    CONSTRAINT kin_pk PRIMARY KEY (village, person, relative),
    CONSTRAINT kin_two_persons CHECK (person <> relative)
)

CREATE TABLE inbox_items (
    village {code} NOT NULL CONSTRAINT inbox_items_village_fk REFERENCES villages (village),
    recipient {uuid} NOT NULL,
    id {uuid} NOT NULL,
    kind {code} NOT NULL,
    subject {uuid} NOT NULL,
    detail TEXT NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT inbox_items_pk PRIMARY KEY (village, recipient, id)
)
";

crate::step! {
    up: UP,
    tables: ["inbox_items", "kin", "members", "households", "villages", "regions"],
    functions: []
}
