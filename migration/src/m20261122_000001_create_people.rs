//! Persons, their accounts and roles; and what any request needs: stored answers and the audit.

const UP: &str = r"
CREATE TABLE persons (
    id {uuid} NOT NULL CONSTRAINT persons_pk PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
)

CREATE TABLE accounts (
    id {uuid} NOT NULL CONSTRAINT accounts_pk PRIMARY KEY,
    person {uuid} NOT NULL CONSTRAINT accounts_person_fk REFERENCES persons (id),
    persona {code} CONSTRAINT accounts_persona_unique UNIQUE,
    status {code} NOT NULL CONSTRAINT accounts_status_known CHECK (status IN ('active', 'disabled')),
    created_at BIGINT NOT NULL
)

CREATE TABLE grants (
    id {uuid} NOT NULL CONSTRAINT grants_pk PRIMARY KEY,
    person {uuid} NOT NULL CONSTRAINT grants_person_fk REFERENCES persons (id),
    role {code} NOT NULL CONSTRAINT grants_role_known CHECK (role IN ('grid_worker', 'panel', 'committee', 'clerk', 'township', 'county')),
    region {code} NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT,
    granted_by {uuid}
)

CREATE INDEX grants_by_person ON grants (person)

CREATE INDEX grants_by_region ON grants (region, role)

CREATE TABLE bindings (
    person {uuid} NOT NULL CONSTRAINT bindings_person_fk REFERENCES persons (id),
    village {code} NOT NULL,
    household {uuid} NOT NULL,
    bound_at BIGINT NOT NULL,
    ended_at BIGINT,
    CONSTRAINT bindings_pk PRIMARY KEY (person, village, household)
)

CREATE UNIQUE INDEX bindings_one_active ON bindings (person) WHERE ended_at IS NULL

CREATE TABLE idempotency_keys (
    scope {code} NOT NULL,
    account {uuid} NOT NULL,
    key {code} NOT NULL,
    digest {code} NOT NULL,
    body TEXT NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT idempotency_keys_pk PRIMARY KEY (scope, account, key)
)

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (at)

CREATE TABLE audit_events (
    region {code} NOT NULL,
    id {uuid} NOT NULL,
    at BIGINT NOT NULL,
    actor {uuid},
    action {code} NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    CONSTRAINT audit_events_pk PRIMARY KEY (region, id)
)

{append_only:audit_events}

CREATE TABLE databases (
    id {uuid} NOT NULL CONSTRAINT databases_pk PRIMARY KEY
)

INSERT INTO databases (id) VALUES ({random_uuid})

CREATE TABLE sandbox_clock (
    id BIGINT NOT NULL CONSTRAINT sandbox_clock_pk PRIMARY KEY CONSTRAINT sandbox_clock_one CHECK (id = 1),
    at BIGINT NOT NULL
)
";

crate::step! {
    up: UP,
    tables: ["sandbox_clock", "databases", "audit_events", "idempotency_keys", "bindings", "grants", "accounts", "persons"],
    functions: ["refuse_change"]
}
