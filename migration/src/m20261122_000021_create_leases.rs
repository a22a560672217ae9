//! Which of several processes does what one is enough for, and the epoch that fences off the others.

const UP: &str = r"
CREATE TABLE leases (
    name {code} NOT NULL,
    holder {uuid} NOT NULL,
    epoch BIGINT NOT NULL CONSTRAINT leases_epoch_range CHECK (epoch > 0),
    until BIGINT NOT NULL,
    CONSTRAINT leases_pk PRIMARY KEY (name)
)

{refuse leases_epoch_rises | UPDATE ON leases | NEW.epoch < OLD.epoch}
";

crate::step! { up: UP, tables: ["leases"], functions: ["leases_epoch_rises"] }
