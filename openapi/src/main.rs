//! Writes the committed OpenAPI documents, or with `--check` fails where they differ from the code or
//! break a rule of the contract.

mod lint;

use std::io::Write;
use std::process::ExitCode;

use serde_json::Value;

fn main() -> ExitCode {
    let check = std::env::args().nth(1).is_some_and(|argument| argument == "--check");
    let v3_1 = api::contract::document();
    let v3_0 = api::contract::to_3_0(&v3_1);
    let mut complaints = lint::complaints(&v3_1);
    for (path, document) in [("openapi/openapi.json", &v3_1), ("openapi/openapi-3.0.json", &v3_0)] {
        if let Err(complaint) = write_or_compare(path, document, check) {
            complaints.push(complaint);
        }
    }
    for complaint in &complaints {
        let _ = writeln!(std::io::stderr(), "openapi: {complaint}");
    }
    if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn write_or_compare(path: &str, document: &Value, check: bool) -> Result<(), String> {
    let text = format!("{document:#}\n");
    if !check {
        return std::fs::write(path, text).map_err(|error| format!("{path}: {error}"));
    }
    let committed = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    if committed == text {
        return Ok(());
    }
    let line = committed.lines().zip(text.lines()).position(|(old, new)| old != new);
    let line = line.map_or(committed.lines().count(), |line| line) + 1;
    Err(format!("{path} differs from line {line} on: run `cargo run -p openapi` and read the diff"))
}
