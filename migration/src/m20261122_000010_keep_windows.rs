//! Since when a village has its policy, and the redemption window that was open when it started.

const UP: &str = r"
ALTER TABLE villages ADD COLUMN policy_since BIGINT NOT NULL DEFAULT 0

ALTER TABLE villages ADD COLUMN kept_opened_at BIGINT

ALTER TABLE villages ADD COLUMN kept_closes_at BIGINT
";

const DOWN: &str = r"
ALTER TABLE villages DROP COLUMN kept_closes_at

ALTER TABLE villages DROP COLUMN kept_opened_at

ALTER TABLE villages DROP COLUMN policy_since
";

crate::step! { up: UP, down: DOWN }
