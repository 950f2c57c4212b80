//! The paths that belong to no rpc.

use serde_json::{Value, json};

use super::shared;

pub(super) const TAG: &str = "System";

/// Path and GET operation of each.
pub(super) fn operations() -> Vec<(&'static str, Value)> {
    let json_of = |schema: Value| json!({"application/json": {"schema": schema}});
    let any_object = || json!({"type": "object"});
    vec![
        (
            "/health/live",
            operation(
                "Live",
                "Whether the process lives",
                "Touches nothing else.",
                &[("200", "It lives.", json_of(data(&any_object())))],
            ),
        ),
        (
            "/health/ready",
            operation(
                "Ready",
                "Whether it can do its work",
                "Names each part that it needs. Not ready while it stops.",
                &[
                    ("200", "It can.", json_of(data(&any_object()))),
                    (
                        "503",
                        "Something is missing, or it is stopping.",
                        json_of(data(&any_object())),
                    ),
                ],
            ),
        ),
        (
            "/metrics",
            operation(
                "Metrics",
                "Figures for Prometheus",
                "Text in the exposition format 0.0.4.",
                &[
                    (
                        "200",
                        "The figures.",
                        json!({"text/plain": {"schema": {"type": "string"}}}),
                    ),
                    (
                        "404",
                        "This installation shows none here.",
                        json_of(shared::error_reference()),
                    ),
                ],
            ),
        ),
        (
            "/openapi.json",
            operation(
                "Document",
                "This document",
                "With an ETag.",
                &[
                    ("200", "The document.", json_of(any_object())),
                    ("304", "As known.", json!({})),
                ],
            ),
        ),
        (
            "/.well-known/jwks.json",
            operation(
                "Keys",
                "The public keys that access tokens are verified with",
                "A JSON Web Key Set, without an envelope.",
                &[
                    ("200", "The keys.", json_of(key_set())),
                    (
                        "500",
                        "Something went wrong on our side.",
                        json_of(shared::error_reference()),
                    ),
                    (
                        "503",
                        "The keys cannot be had at the moment.",
                        json_of(shared::error_reference()),
                    ),
                    ("504", "The answer took too long.", json_of(shared::error_reference())),
                ],
            ),
        ),
    ]
}

fn operation(id: &str, summary: &str, description: &str, answers: &[(&str, &str, Value)]) -> Value {
    let answers = answers.iter().map(|(status, description, content)| {
        let headers = json!({"x-request-id": shared::header_reference("RequestId")});
        let mut answer = json!({"description": description, "headers": headers});
        if content != &json!({}) {
            answer["content"] = content.clone();
        }
        ((*status).to_owned(), answer)
    });
    let mut responses: serde_json::Map<String, Value> = answers.collect();
    for status in [400, 414, 431] {
        responses.insert(status.to_string(), shared::response_reference(status));
    }
    json!({
        "operationId": format!("{TAG}.{id}"),
        "tags": [TAG],
        "summary": summary,
        "description": description,
        "security": [],
        "responses": responses,
    })
}

/// The success envelope around a schema.
fn data(schema: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["success", "data", "timestamp"],
        "properties": {"success": {"const": true}, "data": schema, "timestamp": shared::timestamp()},
    })
}

fn key_set() -> Value {
    let key = json!({"type": "object", "required": ["kty", "kid"], "properties": {"kty": {"type": "string"}, "kid": {"type": "string"}}});
    json!({"type": "object", "required": ["keys"], "properties": {"keys": {"type": "array", "items": key}}})
}
