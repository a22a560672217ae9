//! Rules of the contract that hold for every operation, written once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;
use utoipa::{PartialSchema, ToSchema};

use crate::kernel::problem::{Code, FieldError, ProblemBody};

/// The collected operations as a document: with its head, its schemas of problems, the key of every
/// command, and under each status the codes that the operation can be refused with.
pub fn finish(collected: OpenApi) -> Value {
    let mut document = serde_json::to_value(collected).unwrap_or_default();
    document["info"] = json!({
        "title": "Jifen 积分",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "乡村治理积分制的接口：申报、评分、公示、兑换、排名。\n\nThe points cycle of a \
            village: claim, score, publish, redeem, rank. Every refusal is problem+json with a \
            stable `code`; every POST that changes something takes an `Idempotency-Key`.",
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    });
    document["servers"] = json!([{ "url": "/" }]);
    let schemas = &mut document["components"]["schemas"];
    schemas["Problem"] = schema::<ProblemBody>();
    schemas["FieldError"] = schema::<FieldError>();
    document["components"]["securitySchemes"]["bearer"] =
        json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT" });
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                describe(path, method, operation);
            }
        }
    }
    document
}

fn schema<T: ToSchema + PartialSchema>() -> Value {
    serde_json::to_value(T::schema()).unwrap_or_default()
}

fn describe(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let (secured, optional) = security_of(operation);
    let command = secured && method == "post";
    if command {
        let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
        if let Some(parameters) = parameters.as_array_mut() {
            parameters.push(idempotency_key());
        }
    }
    let mut codes = own_codes(operation);
    codes.extend([Code::Internal, Code::Busy]);
    if path.contains('{') {
        codes.extend([Code::InvalidPath, Code::NotFound]);
    }
    if has_query(operation) {
        codes.insert(Code::InvalidQuery);
    }
    if secured {
        codes.insert(Code::TokenMissing);
    }
    if secured || optional {
        codes.extend([Code::TokenInvalid, Code::InvalidHeader]);
    }
    if operation.contains_key("requestBody") {
        codes.extend([
            Code::BodyMissing,
            Code::MalformedJson,
            Code::UnknownField,
            Code::BodyTooLarge,
            Code::UnsupportedMediaType,
        ]);
    }
    if command {
        codes.extend([
            Code::IdempotencyKeyMissing,
            Code::IdempotencyKeyInvalid,
            Code::IdempotencyInFlight,
            Code::IdempotencyKeyReused,
        ]);
    }
    add_responses(operation, &codes);
}

/// Whether a token is required, and whether one is read if it is sent.
fn security_of(operation: &Map<String, Value>) -> (bool, bool) {
    let schemes = operation.get("security").and_then(Value::as_array);
    let nothing = |scheme: &Value| scheme.as_object().is_some_and(Map::is_empty);
    let optional = schemes.is_some_and(|schemes| schemes.iter().any(nothing));
    (schemes.is_some() && !optional, optional)
}

fn has_query(operation: &Map<String, Value>) -> bool {
    let parameters = operation.get("parameters").and_then(Value::as_array);
    parameters.into_iter().flatten().any(|parameter| parameter["in"] == "query")
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": true,
        "description": "One per intended effect, the same for every try; 1 to 255 visible ASCII \
            characters, a UUID for example.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
        "example": "0192f0c1-7a52-7c3e-9c58-2f1f6f0c9a11",
    })
}

/// The codes that the operation's own declaration names, in `x-codes`.
fn own_codes(operation: &Map<String, Value>) -> BTreeSet<Code> {
    let named = operation.get("x-codes").and_then(Value::as_str).unwrap_or_default();
    let known = |word: &str| Code::ALL.iter().find(|code| code.as_str() == word).copied();
    named.split_whitespace().filter_map(known).collect()
}

/// A response for every status, and all codes in `x-codes`.
fn add_responses(operation: &mut Map<String, Value>, codes: &BTreeSet<Code>) {
    let words: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    operation.insert("x-codes".to_owned(), json!(words));
    let mut by_status = BTreeMap::<u16, Vec<Code>>::new();
    for code in codes {
        by_status.entry(code.status()).or_default().push(*code);
    }
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    for (status, codes) in by_status {
        let lines = codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.title(true)));
        let first = codes.first().copied().unwrap_or(Code::Internal);
        responses[status.to_string()] = json!({
            "description": lines.collect::<Vec<_>>().join("; "),
            "content": { "application/problem+json": {
                "schema": { "$ref": "#/components/schemas/Problem" },
                "example": example(first),
            } },
        });
    }
}

fn example(code: Code) -> Value {
    let id = "0192f0c1-7a52-7c3e-9c58-2f1f6f0c9a11".to_owned();
    serde_json::to_value(ProblemBody::new(code.into(), false, id)).unwrap_or_default()
}
