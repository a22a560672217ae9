//! The shop: prizes with their stock, the moves of it, and redemptions.

const UP: &str = r"
CREATE TABLE prizes (
    village {code} NOT NULL CONSTRAINT prizes_village_fk REFERENCES villages (village),
    id {uuid} NOT NULL,
    key {code} NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    kind {code} NOT NULL CONSTRAINT prizes_kind_known CHECK (kind IN ('goods', 'service')),
    points BIGINT NOT NULL CONSTRAINT prizes_points_range CHECK (points > 0),
    value_fen BIGINT NOT NULL CONSTRAINT prizes_value_range CHECK (value_fen >= 0),
    stock BIGINT NOT NULL CONSTRAINT prizes_stock_covered CHECK (stock >= 0),
    household_limit BIGINT NOT NULL CONSTRAINT prizes_household_limit_range CHECK (household_limit > 0),
    funding {code} NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT prizes_pk PRIMARY KEY (village, id),
    CONSTRAINT prizes_key_unique UNIQUE (village, key)
)

CREATE TABLE stock_moves (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    prize {uuid} NOT NULL,
    quantity BIGINT NOT NULL CONSTRAINT stock_moves_move CHECK (quantity <> 0),
    kind {code} NOT NULL CONSTRAINT stock_moves_kind_known CHECK (kind IN ('delivery', 'loss', 'hold', 'release')),
    ref {code} NOT NULL,
    reason TEXT,
    actor {uuid},
    at BIGINT NOT NULL,
    CONSTRAINT stock_moves_pk PRIMARY KEY (village, id),
    CONSTRAINT stock_moves_meaning_unique UNIQUE (village, kind, ref),
    CONSTRAINT stock_moves_prize_fk FOREIGN KEY (village, prize) REFERENCES prizes (village, id)
)

CREATE INDEX stock_moves_by_prize ON stock_moves (village, prize, id)

{append_only:stock_moves}

CREATE TABLE redemptions (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    household {uuid} NOT NULL,
    prize {uuid} NOT NULL,
    quantity BIGINT NOT NULL CONSTRAINT redemptions_quantity_range CHECK (quantity BETWEEN 1 AND 100),
    points BIGINT NOT NULL CONSTRAINT redemptions_points_range CHECK (points > 0),
    status {code} NOT NULL CONSTRAINT redemptions_status_known CHECK (status IN ('held', 'collected', 'refunded', 'cancelled', 'expired')),
    window_opened_at BIGINT NOT NULL,
    filed_by {uuid} NOT NULL,
    bearer {uuid},
    held_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    closed_at BIGINT,
    clerk {uuid},
    wrong_codes BIGINT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT redemptions_pk PRIMARY KEY (village, id),
    CONSTRAINT redemptions_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id),
    CONSTRAINT redemptions_prize_fk FOREIGN KEY (village, prize) REFERENCES prizes (village, id)
)

CREATE INDEX redemptions_by_household ON redemptions (village, household, window_opened_at)

CREATE INDEX redemptions_held ON redemptions (village, expires_at) WHERE status = 'held'
";

crate::step! {
    up: UP,
    tables: ["redemptions", "stock_moves", "prizes"],
    functions: []
}
