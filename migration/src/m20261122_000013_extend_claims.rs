//! Claims from the field: what a phone recorded before it had a network, who agreed that somebody
//! filed for them, photos that are still to come; and what a worker's copy of a grid is kept up by.

const UP: &str = r"
ALTER TABLE claims ADD COLUMN device_at BIGINT

ALTER TABLE claims ADD COLUMN late_reason TEXT

ALTER TABLE claims ADD COLUMN consent_by {uuid}

ALTER TABLE claims ADD COLUMN consent_form {code} CONSTRAINT claims_consent_form_known CHECK (consent_form IN ('paper', 'oral'))

ALTER TABLE claims ADD COLUMN level {code}

ALTER TABLE claims ADD COLUMN possible_duplicate {uuid}

ALTER TABLE claims ADD COLUMN photos_awaited BIGINT NOT NULL DEFAULT 0 CONSTRAINT claims_photos_awaited_range CHECK (photos_awaited >= 0)

ALTER TABLE claims ADD COLUMN content {code}

ALTER TABLE claims ADD COLUMN changed BIGINT NOT NULL DEFAULT 0

ALTER TABLE claims ADD COLUMN field_grid {code} NOT NULL DEFAULT ''

ALTER TABLE households ADD COLUMN changed BIGINT NOT NULL DEFAULT 0

UPDATE claims SET field_grid = COALESCE((SELECT h.grid FROM households h WHERE h.village = claims.village AND h.id = claims.household AND h.status = 'active'), '')

CREATE INDEX claims_by_rule ON claims (village, household, rule)

CREATE INDEX claims_by_change ON claims (village, field_grid, changed, id)

CREATE INDEX households_by_change ON households (village, grid, changed, id)

CREATE TABLE village_changes (
    village {code} NOT NULL CONSTRAINT village_changes_pk PRIMARY KEY CONSTRAINT village_changes_village_fk REFERENCES villages (village),
    seq BIGINT NOT NULL
)

CREATE TABLE grid_departures (
    village {code} NOT NULL CONSTRAINT grid_departures_village_fk REFERENCES villages (village),
    grid {code} NOT NULL,
    kind {code} NOT NULL CONSTRAINT grid_departures_kind_known CHECK (kind IN ('claim', 'household')),
    id {uuid} NOT NULL,
    changed BIGINT NOT NULL,
    CONSTRAINT grid_departures_pk PRIMARY KEY (village, grid, kind, id)
)

CREATE INDEX grid_departures_by_change ON grid_departures (village, grid, changed, kind, id)

CREATE TABLE awaited_photos (
    village {code} NOT NULL,
    claim {uuid} NOT NULL,
    photo {uuid} NOT NULL,
    person {uuid} NOT NULL,
    CONSTRAINT awaited_photos_pk PRIMARY KEY (village, claim, photo),
    CONSTRAINT awaited_photos_claim_fk FOREIGN KEY (village, claim) REFERENCES claims (village, id)
)

CREATE INDEX awaited_photos_by_photo ON awaited_photos (village, photo)
";

const DOWN: &str = r"
DROP TABLE awaited_photos

DROP TABLE grid_departures

DROP TABLE village_changes

DROP INDEX households_by_change

DROP INDEX claims_by_change

DROP INDEX claims_by_rule

ALTER TABLE households DROP COLUMN changed

ALTER TABLE claims DROP COLUMN field_grid

ALTER TABLE claims DROP COLUMN changed

ALTER TABLE claims DROP COLUMN content

ALTER TABLE claims DROP COLUMN photos_awaited

ALTER TABLE claims DROP COLUMN possible_duplicate

ALTER TABLE claims DROP COLUMN level

ALTER TABLE claims DROP COLUMN consent_form

ALTER TABLE claims DROP COLUMN consent_by

ALTER TABLE claims DROP COLUMN late_reason

ALTER TABLE claims DROP COLUMN device_at
";

crate::step! { up: UP, down: DOWN }
