//! The same contract as OpenAPI 3.0.3, for generators that need it.

use serde_json::{Value, json};

/// Rewrites a 3.1 document: type arrays become `nullable`, `oneOf` with null becomes `allOf`, schema
/// `examples` become `example`, and the licence loses its identifier.
pub fn to_3_0(document: &Value) -> Value {
    let mut document = document.clone();
    document["openapi"] = json!("3.0.3");
    if let Some(license) = document["info"]["license"].as_object_mut() {
        license.remove("identifier");
    }
    rewrite(&mut document);
    document
}

fn rewrite(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(rewrite),
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get("type") {
                let named = types.iter().find(|it| *it != "null").cloned();
                let nullable = types.iter().any(|it| it == "null");
                object.insert("type".to_owned(), named.unwrap_or_default());
                if nullable {
                    object.insert("nullable".to_owned(), json!(true));
                }
            }
            if let Some(Value::Array(examples)) = object.get("examples").cloned() {
                object.remove("examples");
                if let Some(first) = examples.first() {
                    object.insert("example".to_owned(), first.clone());
                }
            }
            if let Some(Value::Array(variants)) = object.get("oneOf").cloned() {
                let (null, rest): (Vec<_>, Vec<_>) =
                    variants.into_iter().partition(|it| it["type"] == "null");
                if !null.is_empty() {
                    object.remove("oneOf");
                    object.insert("allOf".to_owned(), json!(rest));
                    object.insert("nullable".to_owned(), json!(true));
                }
            }
            object.remove("contentMediaType");
            object.remove("propertyNames");
            object.values_mut().for_each(rewrite);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_becomes_nullable_and_examples_an_example() {
        let new = json!({
            "info": { "license": { "name": "x", "identifier": "x" } },
            "a": { "type": ["string", "null"], "examples": ["b"] },
            "c": { "oneOf": [{ "$ref": "#/d" }, { "type": "null" }] },
        });
        let old = to_3_0(&new);
        assert_eq!(old["a"], json!({ "type": "string", "nullable": true, "example": "b" }));
        assert_eq!(old["c"], json!({ "allOf": [{ "$ref": "#/d" }], "nullable": true }));
        assert_eq!(old["info"]["license"], json!({ "name": "x" }));
        assert_eq!(old["openapi"], "3.0.3");
    }
}
