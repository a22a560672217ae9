//! What lists are narrowed by. A village has some ten thousand claims a year: what few of them match
//! has an index of its own, newest first as they are read; a filter that many match, like a category
//! or a rule, is read along the primary key.

const UP: &str = r"
CREATE INDEX claims_by_status ON claims (village, status, id)

CREATE INDEX claims_by_grid ON claims (village, grid, id)

CREATE INDEX claims_by_member ON claims (village, member, id) WHERE member IS NOT NULL
";

const DOWN: &str = r"
DROP INDEX claims_by_member

DROP INDEX claims_by_grid

DROP INDEX claims_by_status
";

crate::step! { up: UP, down: DOWN }
