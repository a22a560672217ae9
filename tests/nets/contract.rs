use std::collections::BTreeSet;

use api::kernel::problem::Code;

use crate::support::contract;

/// Every code of the table can be met in some operation, and no operation names an unknown one.
#[test]
fn every_code_is_documented_somewhere() {
    let mut met = BTreeSet::new();
    for (_, item) in contract()["paths"].as_object().expect("paths") {
        for (_, operation) in item.as_object().expect("operations") {
            for code in operation["x-codes"].as_array().expect("codes") {
                met.insert(code.as_str().expect("a word").to_owned());
            }
        }
    }
    // What the router itself answers belongs to no operation.
    met.insert(Code::MethodNotAllowed.as_str().to_owned());
    let known: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    assert_eq!(known.difference(&met).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// A word in `x-codes` that the table does not know would be dropped silently: the declarations in the
/// source are compared.
#[test]
fn every_declared_code_is_in_the_table() {
    let known: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/src");
    let mut folders = vec![root];
    let mut declarations = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a source file");
            for part in text.split("\"x-codes\" = json!(\"").skip(1) {
                declarations += 1;
                let words = part.split('"').next().expect("the words").replace('\\', " ");
                for word in words.split_whitespace() {
                    assert!(known.contains(word), "{}: {word}", path.display());
                }
            }
        }
    }
    assert!(declarations > 10);
}

/// What a schema or a parameter refers to is in the document.
#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &serde_json::Value, found: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::Object(object) => {
                found.extend(object.get("$ref").and_then(|it| it.as_str()).map(str::to_owned));
                object.values().for_each(|it| references(it, found));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|it| references(it, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    references(contract(), &mut found);
    assert!(found.len() > 50, "{}", found.len());
    for reference in found {
        let pointer = reference.trim_start_matches('#');
        assert!(contract().pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}
