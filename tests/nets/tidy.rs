use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Source files of the program, by their path below `api/src`.
fn sources() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/src");
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).expect("below the root").to_path_buf();
                found.insert(name, std::fs::read_to_string(&path).expect("a source file"));
            }
        }
    }
    found
}

fn slice_of(path: &Path) -> Option<String> {
    let folder = path.parent()?.to_str().filter(|folder| !folder.is_empty())?;
    Some(folder.to_owned())
}

/// What stands after `crate::` in the file's code, e.g. `scoring::close_sheet`.
fn edges(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for part in code.split("crate::").skip(1) {
        let end = part.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
        found.push(part.split_at(end.unwrap_or(part.len())).0.to_owned());
    }
    found
}

/// The kernel knows no slice: it may use itself, the app's state and the HTTP surroundings.
#[test]
fn the_kernel_knows_no_slice() {
    for (path, text) in sources().iter().filter(|(path, _)| path.starts_with("kernel")) {
        for edge in edges(text) {
            let allowed = ["kernel", "app", "http"].iter().any(|it| edge.starts_with(it));
            assert!(allowed, "{}: crate::{edge}", path.display());
        }
    }
}

/// A slice calls another at its root, never inside one of its files.
#[test]
fn slices_meet_at_their_roots() {
    let sources = sources();
    let mut seen = 0;
    for (path, text) in &sources {
        for edge in edges(text) {
            let parts: Vec<_> = edge.split("::").collect();
            let (Some(slice), Some(inner)) = (parts.first(), parts.get(1)) else { continue };
            let file = Path::new(slice).join(format!("{inner}.rs"));
            if *slice == "kernel" || slice_of(path).as_deref() == Some(slice) {
                continue;
            }
            seen += 1;
            assert!(
                !sources.contains_key(&file),
                "{}: reaches into {}",
                path.display(),
                file.display()
            );
        }
    }
    assert!(seen > 50, "{seen} edges");
}

/// Only the ledger writes journals, postings and balances; only the cycle's own slices write theirs.
#[test]
fn each_table_is_written_by_its_owner() {
    let owners = [
        ("journals", "kernel/ledger.rs"),
        ("postings", "kernel/ledger.rs"),
        ("balances", "kernel/ledger.rs"),
        ("audit_events", "kernel/audit.rs"),
        ("idempotency_keys", "kernel/idempotency.rs"),
        ("stock_moves", "redemption"),
        ("standings", "rankings"),
        ("category_standings", "rankings"),
        ("period_totals", "statistics"),
        ("score_sheets", "scoring"),
    ];
    for (path, text) in sources() {
        for (table, owner) in owners {
            let writes = ["INSERT INTO", "UPDATE", "DELETE FROM"]
                .iter()
                .any(|verb| text.contains(&format!("{verb} {table} ")))
                || text.contains(&format!("bulk_insert(tx, \"{table}\""));
            let opens = table == "score_sheets" && path.starts_with("regions");
            assert!(!writes || path.starts_with(owner) || opens, "{}: {table}", path.display());
        }
    }
}

/// Statements are made and counted in one file: what goes around it is seen by no net.
#[test]
fn only_the_kernels_db_asks_the_database() {
    let ways = ["EntityTrait", "find_by_statement(", "query_all", "query_one", "execute_raw("];
    for (path, text) in sources().iter().filter(|(path, _)| !path.starts_with("kernel/db")) {
        for way in ways {
            assert!(!text.contains(way), "{}: {way}", path.display());
        }
    }
}

/// Short files, no shelf words, nothing unfinished.
#[test]
fn files_are_short_and_finished() {
    for (path, text) in sources() {
        let name = path.display().to_string();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
        assert!(code <= 350, "{name} has {code} lines");
        for word in ["utils", "helpers", "manager", "todo!", "unimplemented!", "dbg!"] {
            assert!(!name.contains(word) && !text.contains(&format!("{word}(")), "{name}: {word}");
        }
    }
}

/// The attribute that begins at `open`, up to its closing `)]`.
fn attribute<'a>(text: &'a str, open: &str) -> Option<&'a str> {
    let from = text.find(open)? + open.len();
    let rest = text.split_at(from).1;
    Some(rest.split(")]").next().unwrap_or(rest))
}

/// `name = value` in an attribute, without the spaces.
fn value(attribute: &str, name: &str) -> Option<String> {
    let at = attribute.split([',', '(']).find(|part| {
        part.trim().strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
    })?;
    Some(at.split('=').nth(1)?.trim().trim_end_matches(')').to_owned())
}

/// Every bound that a request is checked by is the bound that the contract tells.
#[test]
fn bounds_of_requests_stand_in_the_contract() {
    let mut compared = 0;
    for (path, text) in sources() {
        for field in text.split("#[validate(").skip(1) {
            let checks = field.split(")]").next().unwrap_or_default();
            let field = field.split(";").next().unwrap_or(field);
            let declared = field.split("    pub ").next().unwrap_or(field);
            let schema = attribute(declared, "#[schema(").unwrap_or_default();
            let range = checks.contains("range(");
            let list = field.split("    pub ").nth(1).is_some_and(|it| it.contains("Vec<"));
            let names = match (range, list) {
                (true, _) => [("min", "minimum"), ("max", "maximum")],
                (false, true) => [("min", "min_items"), ("max", "max_items")],
                (false, false) => [("min", "min_length"), ("max", "max_length")],
            };
            for (check, told) in names {
                let bound = value(checks, check).or_else(|| value(checks, "equal"));
                compared += usize::from(bound.is_some());
                let what = format!("{}: validate({checks}) schema({schema})", path.display());
                assert_eq!(value(schema, told), bound, "{told} in {what}");
            }
        }
    }
    assert!(compared > 60, "{compared} bounds");
}
