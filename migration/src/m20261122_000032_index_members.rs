//! Claims of a household for a rule by member: a new one is compared with those of the other members, however
//! many its own has.

const UP: &str = r"
DROP INDEX claims_by_rule

CREATE INDEX claims_by_rule ON claims (village, household, rule, member)
";

const DOWN: &str = r"
DROP INDEX claims_by_rule

CREATE INDEX claims_by_rule ON claims (village, household, rule)
";

crate::step! { up: UP, down: DOWN }
