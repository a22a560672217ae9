//! Claims that were struck, by their deed: whoever files one looks whether it can still be restored. Few
//! are, so the index costs those nothing that stand.

const UP: &str = r"
CREATE INDEX claims_struck ON claims (village, dedupe) WHERE status IN ('overturned', 'reversed')
";

const DOWN: &str = r"
DROP INDEX claims_struck
";

crate::step! { up: UP, down: DOWN }
