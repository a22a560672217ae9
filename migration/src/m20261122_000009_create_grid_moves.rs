//! Households that moved within their village: the figures of a grid's past stay where they were
//! earned.

const UP: &str = r"
CREATE TABLE grid_moves (
    village {code} NOT NULL,
    household {uuid} NOT NULL,
    version BIGINT NOT NULL,
    from_grid {code} NOT NULL,
    to_grid {code} NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT grid_moves_pk PRIMARY KEY (village, household, version),
    CONSTRAINT grid_moves_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id),
    CONSTRAINT grid_moves_move CHECK (from_grid <> to_grid)
)

{append_only:grid_moves}
";

crate::step! { up: UP, tables: ["grid_moves"], functions: [] }
