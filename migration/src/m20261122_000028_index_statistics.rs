//! What statistics are counted along: prizes by when they were collected.

const UP: &str = r"
CREATE INDEX redemptions_by_closing ON redemptions (village, closed_at) WHERE closed_at IS NOT NULL
";

const DOWN: &str = r"
DROP INDEX redemptions_by_closing
";

crate::step! { up: UP, down: DOWN }
