//! Every answer that an operation can give.

use kit::json::Shape;
use serde_json::{Map, Value, json};

use super::{
    bindings::{Body, Endpoint, Kind, Rpc},
    schemas::{Direction, Schemas},
    shared,
};

pub(super) fn all(endpoint: &Endpoint, schemas: &mut Schemas) -> Value {
    let mut responses = success(endpoint, schemas);
    let is_page = endpoint.main().kind() == Kind::Page;
    for status in failures(endpoint) {
        let response = if is_page {
            shared::refused_page(status)
        } else {
            shared::response_reference(status)
        };
        responses.insert(status.to_string(), response);
    }
    if endpoint.main().taken().is_some() {
        responses.insert("401".to_owned(), shared::unknown_cookie());
    }
    if let Some(refused) = refused(endpoint) {
        responses.insert("422".to_owned(), refused);
    }
    responses.sort_keys();
    Value::Object(responses)
}

/// One answer for each status; rpcs that share a path answer in media types of their own.
fn success(endpoint: &Endpoint, schemas: &mut Schemas) -> Map<String, Value> {
    let mut responses: Map<String, Value> = Map::new();
    for rpc in &endpoint.rpcs {
        let status = if rpc.options.rest.creates { "201" } else { "200" };
        let response = responses.entry(status).or_insert_with(|| {
            let description = if status == "201" { "Created." } else { "Done." };
            json!({"description": description, "headers": shared::header_references(), "content": {}})
        });
        for (media_type, content) in content(rpc, schemas) {
            response["content"][media_type] = content;
        }
        if rpc.cookie().is_some() {
            response["headers"]["set-cookie"] = shared::header_reference("SetCookie");
        }
        if rpc.kind() == Kind::Download {
            response["headers"]["content-disposition"] = shared::header_reference("ContentDisposition");
        }
        if rpc.kind() == Kind::Events {
            responses.insert("101".to_owned(), json!({"description": "The WebSocket is open."}));
        }
    }
    responses
}

/// What an rpc answers with, by media type.
fn content(rpc: &Rpc, schemas: &mut Schemas) -> Vec<(String, Value)> {
    match rpc.kind() {
        Kind::Unary | Kind::Upload => vec![("application/json".to_owned(), envelope(rpc, schemas))],
        Kind::Download => {
            let file = |media_type: &str| {
                (
                    media_type.to_owned(),
                    json!({"schema": {"type": "string", "format": "binary"}}),
                )
            };
            match (&rpc.options.rest.accept, rpc.options.rest.media_type.as_str()) {
                (Some(accept), _) => accept.forms.iter().map(|form| file(&form.media_type)).collect(),
                (None, "") => vec![file("application/octet-stream")],
                (None, declared) => vec![file(declared)],
            }
        }
        Kind::Page => vec![("text/html".to_owned(), json!({"schema": {"type": "string"}}))],
        Kind::Events => {
            let message = schemas.message(&rpc.method.output(), Direction::Out, &[]);
            let content = json!({"schema": {"type": "string"}, "x-message": message});
            vec![("text/event-stream".to_owned(), content)]
        }
    }
}

/// `{success, data, pagination?, message?, timestamp}` with an example.
fn envelope(rpc: &Rpc, schemas: &mut Schemas) -> Value {
    let output = rpc.method.output();
    let sample = Shape::of(&output).map_or(Value::Null, |shape| shape.sample());
    let mut properties = json!({"success": {"const": true}});
    let mut required = vec!["success", "data", "timestamp"];
    let mut example = json!({"success": true});
    if let Some(rows) = rpc.rows() {
        let page = output.get_field_by_name("page");
        properties["data"] = schemas.field(&rows, Direction::Out);
        properties["pagination"] = page.map_or(json!({}), |page| schemas.field(&page, Direction::Out));
        required.push("pagination");
        example["data"] = sample[rows.name()].clone();
        example["pagination"] = json!({"current_page": 1, "per_page": 20, "total_pages": 1, "total_items": 1});
    } else {
        properties["data"] = schemas.message(&output, Direction::Out, &[]);
        example["data"] = sample;
    }
    if !rpc.options.rest.message.is_empty() {
        properties["message"] = json!({"const": rpc.options.rest.message});
        required.push("message");
        example["message"] = json!(rpc.options.rest.message);
    }
    properties["timestamp"] = shared::timestamp();
    example["timestamp"] = json!(shared::MOMENT);
    json!({"schema": {"type": "object", "properties": properties, "required": required}, "example": example})
}

/// The statuses of failures that need no words of their own.
fn failures(endpoint: &Endpoint) -> Vec<u16> {
    let mut statuses = vec![400, 404, 414, 429, 431, 500, 503, 504];
    let main = endpoint.main();
    let has_body = main.kind() == Kind::Upload || main.body != Body::Nothing;
    let has_input = has_body || main.method.input().fields().len() > 0;
    // An rpc for anybody may still look at a password or a signature in its request.
    if !main.access().public || has_input {
        statuses.extend([401, 403]);
    }
    if endpoint.verb != "get" {
        statuses.push(409);
    }
    if has_body {
        statuses.extend([408, 413, 415]);
    }
    if main.kind() == Kind::Events {
        statuses.push(426);
    }
    statuses
}

/// The reasons by which a rule of the domain refuses, where there are any.
fn refused(endpoint: &Endpoint) -> Option<Value> {
    let mut reasons: Vec<&str> = Vec::new();
    for rpc in &endpoint.rpcs {
        reasons.extend(rpc.options.rest.refusals.iter().map(String::as_str));
        if rpc.options.rest.creates || rpc.options.rest.keyed {
            reasons.push("IDEMPOTENCY_KEY_REUSED");
        }
    }
    reasons.dedup();
    let first = *reasons.first()?;
    let description = format!("A rule refuses: {}.", reasons.join(", "));
    if endpoint.main().kind() == Kind::Page {
        return Some(shared::page_response(&description));
    }
    let schema = json!({
        "allOf": [
            shared::error_reference(),
            {"properties": {"error": {"properties": {"code": {"enum": reasons}}}}},
        ],
    });
    let example = shared::error_example(first, "A rule refuses this", &json!({}));
    Some(json!({
        "description": description,
        "headers": shared::header_references(),
        "content": {"application/json": {"schema": schema, "example": example}},
    }))
}
