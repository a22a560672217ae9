//! What became of an honour's points when it was withdrawn.

const UP: &str = r"
ALTER TABLE honours ADD COLUMN withdrawn_points {code} CONSTRAINT honours_withdrawn_points_known CHECK (withdrawn_points IN ('nothing', 'kept', 'retracted', 'struck', 'stand'))
";

const DOWN: &str = r"
ALTER TABLE honours DROP COLUMN withdrawn_points
";

crate::step! { up: UP, down: DOWN }
