//! The claims of a week's sheet, without those on none: a claim that is filed has no entry until it is
//! approved.

const UP: &str = r"
DROP INDEX claims_by_week

CREATE INDEX claims_by_week ON claims (village, week) WHERE week IS NOT NULL
";

const DOWN: &str = r"
DROP INDEX claims_by_week

CREATE INDEX claims_by_week ON claims (village, week)
";

crate::step! { up: UP, down: DOWN }
