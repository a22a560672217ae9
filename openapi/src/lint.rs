//! Rules of the contract that generators and front ends depend on.

use std::collections::BTreeSet;

use serde_json::Value;

/// What breaks a rule, one sentence each.
pub fn complaints(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let name = format!("{} {path}", method.to_uppercase());
            let mut complain = |what: &str| found.push(format!("{name}: {what}"));
            if !matches!(method.as_str(), "get" | "post" | "put" | "delete") {
                complain("wx.request has no such method");
            }
            match operation["operationId"].as_str() {
                Some(id) if ids.insert(id.to_owned()) => {}
                Some(_) => complain("its operation id is used twice"),
                None => complain("it has no operation id"),
            }
            if operation["tags"].as_array().is_none_or(|tags| tags.len() != 1) {
                complain("it must have exactly one tag");
            }
            if operation["summary"].as_str().is_none_or(str::is_empty) {
                complain("it has no summary");
            }
            if operation["x-codes"].as_array().is_none_or(Vec::is_empty) {
                complain("it does not say how it can be refused");
            }
            undocumented_parameters(path, operation, &mut complain);
        }
    }
    schemas(document, &mut found);
    found
}

fn undocumented_parameters(path: &str, operation: &Value, complain: &mut impl FnMut(&str)) {
    let documented: BTreeSet<_> = operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|parameter| parameter["in"] == "path")
        .filter_map(|parameter| parameter["name"].as_str())
        .collect();
    let used: BTreeSet<_> = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{').and_then(|part| part.strip_suffix('}')))
        .collect();
    if documented != used {
        complain("its path parameters are not the documented ones");
    }
}

fn schemas(document: &Value, found: &mut Vec<String>) {
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        if schema.get("oneOf").is_some() {
            found.push(format!("schema {name}: oneOf breaks client generators"));
        }
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let place = format!("schema {name}.{field}");
            let nullable =
                property["type"].as_array().is_some_and(|it| it.contains(&"null".into()));
            if nullable || property.get("oneOf").is_some() {
                found.push(format!("{place}: what has no value is absent, never null"));
            }
            let number = matches!(property["type"].as_str(), Some("integer" | "number"));
            if number && property.get("example").is_none() && property.get("examples").is_none() {
                found.push(format!("{place}: a number needs an example"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::complaints;

    #[test]
    fn a_document_that_breaks_the_rules_is_complained_about() {
        let document = json!({
            "paths": { "/a/{b}": { "patch": { "tags": ["x", "y"] }, "get": { "operationId": "o" } } },
            "components": { "schemas": {
                "S": { "properties": { "n": { "type": "integer" }, "o": { "type": ["string", "null"] } } },
                "T": { "oneOf": [] },
            } },
        });
        let all = complaints(&document).join("\n");
        for what in [
            "no such method",
            "no operation id",
            "exactly one tag",
            "no summary",
            "can be refused",
            "path parameters",
            "T: oneOf",
            "needs an example",
            "never null",
        ] {
            assert!(all.contains(what), "{what} is missing in:\n{all}");
        }
    }
}
