//! In which year's ranking a reversal counts that is posted in the next year.

const UP: &str = r"
ALTER TABLE score_lines ADD COLUMN ranks_in {code}

CREATE INDEX score_lines_by_ranking ON score_lines (village, ranks_in) WHERE ranks_in IS NOT NULL
";

const DOWN: &str = r"
DROP INDEX score_lines_by_ranking

ALTER TABLE score_lines DROP COLUMN ranks_in
";

crate::step! { up: UP, down: DOWN }
