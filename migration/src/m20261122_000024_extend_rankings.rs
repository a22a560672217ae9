//! A year's ranking in publicity for longer, and who proposed a reversal of a line before.

const UP: &str = r"
ALTER TABLE year_rankings ADD COLUMN extended_until BIGINT CONSTRAINT year_rankings_extended_later CHECK (extended_until > published_at + 604800000)

ALTER TABLE year_rankings ADD COLUMN extension_reason TEXT

CREATE INDEX reversals_by_line ON reversals (village, line, proposed_by)
";

const DOWN: &str = r"
DROP INDEX reversals_by_line

ALTER TABLE year_rankings DROP COLUMN extension_reason

ALTER TABLE year_rankings DROP COLUMN extended_until
";

crate::step! { up: UP, down: DOWN }
