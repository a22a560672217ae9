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

/// What was left out of the committed run has a row that says so.
#[test]
fn every_measure_has_a_row_with_its_figures_or_says_that_it_has_none() {
    let lines: Vec<Value> =
        RESULTS.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for (name, _) in table::MEASURES {
        let row = README.lines().find(|line| line.contains(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("{name} has no row"));
        let measured = lines.iter().any(|line| line["name"] == name);
        assert_eq!(measured, !row.contains("not measured"), "{row}");
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
