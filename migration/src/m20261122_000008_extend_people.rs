//! What is known of persons and households: consent, kin, committees, how files end, and the policy
//! that a village has from its next quarter on.

const UP: &str = r"
ALTER TABLE persons ADD COLUMN born_on {code}

ALTER TABLE persons ADD COLUMN phone_digest {code}

ALTER TABLE persons ADD COLUMN phone_masked {code}

ALTER TABLE persons ADD COLUMN id_digest {code}

ALTER TABLE persons ADD COLUMN erased_at BIGINT

CREATE INDEX accounts_by_person ON accounts (person)

CREATE INDEX bindings_by_household ON bindings (village, household)

CREATE INDEX idempotency_keys_by_account ON idempotency_keys (account)

CREATE INDEX persons_by_phone ON persons (phone_digest) WHERE phone_digest IS NOT NULL

CREATE UNIQUE INDEX persons_id_digest_unique ON persons (id_digest) WHERE id_digest IS NOT NULL

ALTER TABLE accounts ADD COLUMN inbox_seen {uuid}

ALTER TABLE members ADD COLUMN initials {code} NOT NULL DEFAULT ''

ALTER TABLE members ADD COLUMN born_on {code}

ALTER TABLE members ADD COLUMN left_at BIGINT

ALTER TABLE members ADD COLUMN left_because {code}

ALTER TABLE households ADD COLUMN name_hidden BOOLEAN NOT NULL DEFAULT FALSE

ALTER TABLE households ADD COLUMN code_serial BIGINT NOT NULL DEFAULT 1

ALTER TABLE households ADD COLUMN ended_at BIGINT

ALTER TABLE households ADD COLUMN ended_because TEXT

ALTER TABLE households ADD COLUMN successor {uuid}

ALTER TABLE households ADD COLUMN spend_until BIGINT

CREATE INDEX households_by_spend_until ON households (village, spend_until) WHERE spend_until IS NOT NULL

CREATE INDEX households_merged ON households (village, id) WHERE status = 'merged'

CREATE VIEW shown_heads AS SELECT h.village, h.id AS household, m.name, h.registered_at IS NOT NULL AS consented FROM households h JOIN members m ON m.village = h.village AND m.household = h.id AND m.is_head WHERE NOT h.name_hidden

CREATE TABLE consents (
    village {code} NOT NULL,
    household {uuid} NOT NULL,
    id {uuid} NOT NULL,
    act {code} NOT NULL CONSTRAINT consents_act_known CHECK (act IN ('given', 'withdrawn')),
    form {code} NOT NULL CONSTRAINT consents_form_known CHECK (form IN ('paper', 'account')),
    text_version {code} NOT NULL,
    text_digest {code} NOT NULL,
    person {uuid} NOT NULL,
    explained_by {uuid},
    recorded_by {uuid} NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT consents_pk PRIMARY KEY (village, household, id),
    CONSTRAINT consents_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id)
)

{append_only:consents}

CREATE TABLE binding_requests (
    village {code} NOT NULL CONSTRAINT binding_requests_village_fk REFERENCES villages (village),
    id {uuid} NOT NULL,
    account {uuid} NOT NULL,
    person {uuid} NOT NULL,
    household {uuid} NOT NULL,
    name TEXT NOT NULL,
    status {code} NOT NULL CONSTRAINT binding_requests_status_known CHECK (status IN ('waiting', 'approved', 'refused')),
    at BIGINT NOT NULL,
    decided_by {uuid},
    decided_at BIGINT,
    reason TEXT,
    CONSTRAINT binding_requests_pk PRIMARY KEY (village, id),
    CONSTRAINT binding_requests_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id),
    CONSTRAINT binding_requests_four_eyes CHECK (decided_by IS NULL OR decided_by <> person)
)

CREATE UNIQUE INDEX binding_requests_one_waiting ON binding_requests (account) WHERE status = 'waiting'

CREATE INDEX binding_requests_by_account ON binding_requests (account, id)

CREATE INDEX binding_requests_waiting ON binding_requests (village, id) WHERE status = 'waiting'

ALTER TABLE kin ADD COLUMN relation {code} NOT NULL DEFAULT 'sibling'

ALTER TABLE kin ADD COLUMN declared_by {uuid}

ALTER TABLE kin ADD COLUMN declared_at BIGINT

ALTER TABLE kin ADD COLUMN confirmed_by {uuid}

ALTER TABLE kin ADD COLUMN confirmed_at BIGINT

UPDATE kin SET confirmed_at = 0

CREATE INDEX kin_by_relative ON kin (village, relative)

ALTER TABLE grants ADD COLUMN kind {code} CONSTRAINT grants_kind_known CHECK (kind IN ('professional', 'full_time', 'part_time'))

ALTER TABLE grants ADD COLUMN committee {uuid}

ALTER TABLE grants ADD COLUMN ended_by {uuid}

CREATE TABLE committees (
    region {code} NOT NULL CONSTRAINT committees_region_fk REFERENCES regions (code),
    id {uuid} NOT NULL,
    kind {code} NOT NULL CONSTRAINT committees_kind_known CHECK (kind IN ('panel', 'committee')),
    name TEXT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    created_by {uuid},
    created_at BIGINT NOT NULL,
    CONSTRAINT committees_pk PRIMARY KEY (region, id),
    CONSTRAINT committees_term CHECK (ends_at > starts_at)
)

CREATE TABLE committee_members (
    region {code} NOT NULL,
    committee {uuid} NOT NULL,
    person {uuid} NOT NULL,
    duty {code} NOT NULL CONSTRAINT committee_members_duty_known CHECK (duty IN ('chair', 'deputy', 'secretary', 'member')),
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    CONSTRAINT committee_members_pk PRIMARY KEY (region, committee, person),
    CONSTRAINT committee_members_committee_fk FOREIGN KEY (region, committee) REFERENCES committees (region, id)
)

ALTER TABLE villages ADD COLUMN point_value_fen BIGINT NOT NULL DEFAULT 100 CONSTRAINT villages_point_value_range CHECK (point_value_fen BETWEEN 0 AND 100000)

ALTER TABLE villages ADD COLUMN policy_version BIGINT NOT NULL DEFAULT 1

CREATE TABLE next_policies (
    village {code} NOT NULL CONSTRAINT next_policies_pk PRIMARY KEY CONSTRAINT next_policies_village_fk REFERENCES villages (village),
    starts_at BIGINT NOT NULL,
    mode {code} NOT NULL CONSTRAINT next_policies_mode_known CHECK (mode IN ('quarterly', 'monthly', 'always_open')),
    publicity_weeks BIGINT NOT NULL CONSTRAINT next_policies_publicity_weeks_range CHECK (publicity_weeks BETWEEN 1 AND 4),
    window_weeks BIGINT NOT NULL CONSTRAINT next_policies_window_weeks_range CHECK (window_weeks BETWEEN 1 AND 4),
    window_points_max BIGINT NOT NULL CONSTRAINT next_policies_window_points_range CHECK (window_points_max > 0),
    point_value_fen BIGINT NOT NULL CONSTRAINT next_policies_point_value_range CHECK (point_value_fen BETWEEN 0 AND 100000)
)
";

const DOWN: &str = r"
DROP TABLE next_policies

ALTER TABLE villages DROP COLUMN policy_version

ALTER TABLE villages DROP COLUMN point_value_fen

DROP TABLE committee_members

DROP TABLE committees

ALTER TABLE grants DROP COLUMN ended_by

ALTER TABLE grants DROP COLUMN committee

ALTER TABLE grants DROP COLUMN kind

DROP INDEX kin_by_relative

ALTER TABLE kin DROP COLUMN confirmed_at

ALTER TABLE kin DROP COLUMN confirmed_by

ALTER TABLE kin DROP COLUMN declared_at

ALTER TABLE kin DROP COLUMN declared_by

ALTER TABLE kin DROP COLUMN relation

DROP TABLE binding_requests

DROP TABLE consents

DROP VIEW shown_heads

DROP INDEX households_merged

DROP INDEX households_by_spend_until

ALTER TABLE households DROP COLUMN spend_until

ALTER TABLE households DROP COLUMN successor

ALTER TABLE households DROP COLUMN ended_because

ALTER TABLE households DROP COLUMN ended_at

ALTER TABLE households DROP COLUMN code_serial

ALTER TABLE households DROP COLUMN name_hidden

ALTER TABLE members DROP COLUMN left_because

ALTER TABLE members DROP COLUMN left_at

ALTER TABLE members DROP COLUMN born_on

ALTER TABLE members DROP COLUMN initials

ALTER TABLE accounts DROP COLUMN inbox_seen

DROP INDEX persons_id_digest_unique

DROP INDEX persons_by_phone

DROP INDEX idempotency_keys_by_account

DROP INDEX bindings_by_household

DROP INDEX accounts_by_person

ALTER TABLE persons DROP COLUMN erased_at

ALTER TABLE persons DROP COLUMN id_digest

ALTER TABLE persons DROP COLUMN phone_masked

ALTER TABLE persons DROP COLUMN phone_digest

ALTER TABLE persons DROP COLUMN born_on
";

crate::step! { up: UP, down: DOWN }
