//! What the README says about speed is what was measured.

#[path = "../bench/table.rs"]
mod table;

use serde_json::Value;

const README: &str = include_str!("../../README.md");
const RESULTS: &str = include_str!("../bench/results.jsonl");

#[test]
fn the_readmes_figures_are_those_of_the_committed_run() {
    let made = table::put_into(README, RESULTS).expect("a table");
    assert_eq!(made, README, "call: bench table tests/bench/results.jsonl --into README.md");
}

/// A short run may leave some out, and its table says that it is none to go by.
#[test]
fn a_full_run_has_a_line_for_every_measure() {
    let lines: Vec<Value> =
        RESULTS.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let is_full = lines.iter().any(|line| line["name"] == "machine" && line["quick"] == false);
    for (name, _) in table::MEASURES {
        let measured = lines.iter().any(|line| line["name"] == name);
        assert!(measured || !is_full, "{name} was not measured");
        assert!(README.contains(&format!("| `{name}` |")), "{name} has no row");
    }
}

/// A line of another name is a measure that the list does not know.
#[test]
fn a_line_of_no_measure_is_refused() {
    let machine = r#"{"name":"machine"}"#;
    assert!(table::table(machine).is_ok());
    assert!(table::table(&format!("{machine}\n{{\"name\":\"speed\"}}")).is_err());
    assert!(table::table(r#"{"name":"ranking_read"}"#).is_err(), "no machine");
}
