//! What a phone sends for a prize.

use serde_json::{Value, json};

use super::new_id;

/// An order of so many at the price of the catalogue that every shop here begins with.
pub fn order_of(prize: &str, quantity: i64) -> Value {
    order_at(prize, quantity, price(prize).saturating_mul(quantity))
}

/// An order at the price that somebody saw, for all of them.
pub fn order_at(prize: &str, quantity: i64, points: i64) -> Value {
    json!({ "id": new_id(), "prize": prize, "quantity": quantity, "points": points })
}

/// Points for one, by the catalogue; 1 for what is not in it.
pub fn price(prize: &str) -> i64 {
    let catalogue = api::redemption::builtin().expect("the file is valid");
    let found = catalogue.prizes.iter().find(|it| it.key == prize);
    found.map_or(1, |it| it.points_cost.max(1))
}
