//! Journals, their postings, and the balances kept beside them.

const UP: &str = r"
CREATE TABLE journals (
    village {code} NOT NULL CONSTRAINT journals_village_fk REFERENCES villages (village),
    id {uuid} NOT NULL,
    kind {code} NOT NULL,
    ref {code} NOT NULL,
    actor {uuid},
    reverses {uuid},
    at BIGINT NOT NULL,
    CONSTRAINT journals_pk PRIMARY KEY (village, id),
    CONSTRAINT journals_meaning_unique UNIQUE (village, kind, ref),
    CONSTRAINT journals_reverses_fk FOREIGN KEY (village, reverses) REFERENCES journals (village, id)
)

{append_only:journals}

CREATE TABLE postings (
    village {code} NOT NULL,
    journal {uuid} NOT NULL,
    account {code} NOT NULL CONSTRAINT postings_account_known CHECK (account IN ('pending', 'available', 'issued', 'redeemed', 'expired')),
    household {uuid} NOT NULL,
    points BIGINT NOT NULL,
    CONSTRAINT postings_pk PRIMARY KEY (village, journal, account, household),
    CONSTRAINT postings_journal_fk FOREIGN KEY (village, journal) REFERENCES journals (village, id)
)

{append_only:postings}

CREATE TABLE balances (
    village {code} NOT NULL CONSTRAINT balances_village_fk REFERENCES villages (village),
    household {uuid} NOT NULL,
    account {code} NOT NULL,
    points BIGINT NOT NULL,
    held BIGINT NOT NULL CONSTRAINT balances_held_range CHECK (held >= 0),
    CONSTRAINT balances_pk PRIMARY KEY (village, household, account)
)

{refuse balances_hold_covered | UPDATE ON balances | (NEW.held > OLD.held AND NEW.points < NEW.held)}
";

crate::step! {
    up: UP,
    tables: ["balances", "postings", "journals"],
    functions: ["balances_hold_covered"]
}
