//! One path and method as an OpenAPI operation: words, parameters, body; its answers are in `responses`.

use kit::json::Shape;
use prost_reflect::{FieldDescriptor, Kind as FieldKind};
use proto::options::{FormField, Rest};
use serde_json::{Map, Value, json};

use super::{
    bindings::{Body, Endpoint, Kind, Rpc},
    responses,
    schemas::{Direction, Schemas},
    words,
};

pub(super) fn describe(endpoint: &Endpoint, schemas: &mut Schemas) -> Value {
    let main = endpoint.main();
    let method = &main.method;
    let comment = words::comment(&method.parent_file(), method.path());
    let (summary, rest) = words::split_summary(&comment);
    let mut operation = json!({
        "operationId": main.id,
        "tags": [words::service(method)],
        "summary": summary,
        "description": description(endpoint, rest),
    });
    let access = main.access();
    if access.public {
        operation["security"] = json!([]);
    } else if !access.roles.is_empty() {
        operation["x-roles"] = json!(words::roles(&access));
    }
    if method
        .options()
        .get_field_by_name("deprecated")
        .is_some_and(|value| value.as_bool() == Some(true))
    {
        operation["deprecated"] = json!(true);
    }
    let parameters = parameters(endpoint, schemas);
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    if let Some(body) = request_body(endpoint, main, schemas) {
        operation["requestBody"] = body;
    }
    operation["responses"] = responses::all(endpoint, schemas);
    operation
}

fn description(endpoint: &Endpoint, rest: String) -> String {
    let main = endpoint.main();
    let mut parts = vec![rest];
    if main.kind() == Kind::Events {
        parts.push(
            "A stream: each event's `data` is one message as JSON. Open it as a WebSocket (subprotocols `hostelpulse.v1` and, \
             where no header can be set, `bearer.<token>`), or ask for `text/event-stream`."
                .to_owned(),
        );
    }
    if let Some(accept) = &main.options.rest.accept {
        let forms = accept.forms.iter().map(|form| format!("`{}`", form.media_type));
        let forms: Vec<String> = forms.collect();
        let (field, forms) = (&accept.field, forms.join(", "));
        parts.push(format!(
            "Where `{field}` is left out, the header `Accept` chooses among {forms}."
        ));
    }
    let others = endpoint.rpcs.iter().filter(|rpc| rpc.id != main.id);
    parts.extend(others.filter_map(|other| instead(endpoint, other)));
    parts.push(words::who_may(&main.access()));
    parts.extend(words::limits(main));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

/// What another rpc of the same path answers instead, and what it does not take.
fn instead(endpoint: &Endpoint, other: &Rpc) -> Option<String> {
    let (name, value) = other.when.as_ref()?;
    let comment = words::comment(&other.method.parent_file(), other.method.path());
    let in_path = endpoint.path_parameters();
    let taken = query_fields(other, &in_path);
    let mut left_out: Vec<_> = query_fields(endpoint.main(), &in_path)
        .iter()
        .filter(|field| taken.iter().all(|known| known.name() != field.name()))
        .map(|field| format!("`{}`", field.name()))
        .collect();
    left_out.retain(|field| *field != format!("`{name}`"));
    let without = match left_out.as_slice() {
        [] => String::new(),
        names => format!(" It does not take {}.", names.join(", ")),
    };
    // A form that the header may choose instead of JSON.
    let accept = other
        .options
        .rest
        .accept
        .as_ref()
        .and_then(|accept| accept.forms.first());
    let or_by_header = accept.map(|form| format!(", or where the header `Accept` prefers `{}`", form.media_type));
    let or_by_header = or_by_header.unwrap_or_default();
    Some(format!("With `{name}={value}`{or_by_header}: {comment}{without}"))
}

fn parameters(endpoint: &Endpoint, schemas: &mut Schemas) -> Vec<Value> {
    let in_path = endpoint.path_parameters();
    let mut parameters = Vec::new();
    for name in &in_path {
        let field = endpoint.main().method.input().get_field_by_name(name);
        // An upload's path parameters are not fields: they go beside the file.
        let schema = field
            .as_ref()
            .map_or(json!({"type": "string"}), |field| schemas.field(field, Direction::In));
        let mut parameter = json!({"name": name, "in": "path", "required": true, "schema": schema});
        if let Some(field) = field {
            parameter["description"] = json!(words::of_field(&field));
        }
        parameters.push(parameter);
    }
    let main = endpoint.main();
    if main.kind() == Kind::Upload {
        let in_query = main.options.rest.form.iter().filter(|field| field.in_query);
        parameters.extend(in_query.map(upload_parameter));
    }
    for rpc in &endpoint.rpcs {
        for field in query_fields(rpc, &in_path) {
            if parameters.iter().all(|known| known["name"] != field.name()) {
                parameters.push(query_parameter(&field, schemas));
            }
        }
    }
    choose_by(endpoint, &mut parameters);
    let is_keyed = |rest: &Rest| rest.creates || rest.keyed;
    if endpoint.rpcs.iter().any(|rpc| is_keyed(&rpc.options.rest)) {
        parameters.push(json!({"$ref": "#/components/parameters/IdempotencyKey"}));
    }
    if endpoint.main().taken().is_some() {
        parameters.push(json!({"$ref": "#/components/parameters/RefreshCookie"}));
        parameters.push(json!({"$ref": "#/components/parameters/RequestedWith"}));
    }
    parameters
}

/// The fields that come from the query: all that neither path nor body give.
fn query_fields(rpc: &Rpc, in_path: &[&str]) -> Vec<FieldDescriptor> {
    if rpc.kind() == Kind::Upload {
        return Vec::new();
    }
    let from_query = |field: &FieldDescriptor| match &rpc.body {
        Body::Whole => false,
        Body::Field(body) => field.name() != body,
        Body::Nothing => true,
    };
    let message = rpc.method.input();
    let mut fields: Vec<_> = message.fields().collect();
    fields.sort_by_key(|field| field.path().last().copied());
    fields.retain(|field| from_query(field) && can_be_text(field) && !in_path.contains(&field.name()));
    fields
}

/// Maps and messages have no form as a parameter, but moments and spans of time do.
fn can_be_text(field: &FieldDescriptor) -> bool {
    match field.kind() {
        FieldKind::Message(message) => {
            !field.is_map()
                && matches!(
                    message.full_name(),
                    "google.protobuf.Timestamp" | "google.protobuf.Duration"
                )
        }
        _ => true,
    }
}

fn query_parameter(field: &FieldDescriptor, schemas: &mut Schemas) -> Value {
    let required = kit::contract::field_rule(field).required;
    let mut parameter = json!({
        "name": field.name(),
        "in": "query",
        "description": words::of_field(field),
        "required": required,
        "schema": schemas.field(field, Direction::In),
    });
    if field.is_list() {
        parameter["style"] = json!("form");
        parameter["explode"] = json!(true);
    }
    parameter
}

/// The parameter that chooses among the rpcs of one path: all its values, needed where no rpc answers without.
fn choose_by(endpoint: &Endpoint, parameters: &mut Vec<Value>) {
    let choices: Vec<_> = endpoint.rpcs.iter().filter_map(|rpc| rpc.when.as_ref()).collect();
    let Some((name, _)) = choices.first() else { return };
    let values: Vec<_> = choices
        .iter()
        .filter(|(other, _)| other == name)
        .map(|(_, value)| json!(value))
        .collect();
    let has_default = endpoint.main().when.is_none();
    let of_main = endpoint.main().method.input().get_field_by_name(name);
    let mut all = of_main.filter(|_| has_default).map_or_else(Vec::new, |field| {
        let values = kit::contract::field_rule(&field).one_of;
        values.into_iter().map(Value::from).collect()
    });
    all.extend(
        values
            .into_iter()
            .filter(|value| !all.contains(value))
            .collect::<Vec<_>>(),
    );
    let description = if has_default {
        "Another form of the answer."
    } else {
        "The form of the answer."
    };
    parameters.retain(|known| known["name"] != **name);
    parameters.push(json!({
        "name": name, "in": "query", "required": !has_default, "description": description,
        "schema": {"type": "string", "enum": all},
    }));
}

fn request_body(endpoint: &Endpoint, rpc: &Rpc, schemas: &mut Schemas) -> Option<Value> {
    if rpc.kind() == Kind::Upload {
        let schema = form(&rpc.options.rest.form);
        return Some(json!({"required": true, "content": {"multipart/form-data": {"schema": schema}}}));
    }
    let in_path = endpoint.path_parameters();
    let message = rpc.method.input();
    let sample = Shape::of(&message).ok().map(|shape| shape.sample());
    let (schema, example, required) = match &rpc.body {
        Body::Nothing => return None,
        Body::Whole => {
            let mut example = sample?;
            let fields = example.as_object_mut()?;
            fields.retain(|name, _| !in_path.contains(&name.as_str()));
            // What the cookie stands in for may be left out, and with it the body.
            let mut elsewhere = in_path.clone();
            elsewhere.extend(rpc.taken());
            let required = message
                .fields()
                .any(|field| kit::contract::field_rule(&field).required && !elsewhere.contains(&field.name()));
            let mut schema = schemas.message(&message, Direction::In, &in_path);
            if elsewhere.len() > in_path.len() {
                let without = schemas.message(&message, Direction::In, &elsewhere);
                schema = json!({"anyOf": [schema, without]});
            }
            (schema, example, required)
        }
        Body::Field(name) => {
            let field = message.get_field_by_name(name)?;
            let example = sample?.get(name).cloned()?;
            let required = kit::contract::field_rule(&field).required;
            (schemas.field(&field, Direction::In), example, required)
        }
    };
    let media_type = if rpc.kind() == Kind::Page {
        "application/x-www-form-urlencoded"
    } else {
        "application/json"
    };
    Some(json!({"required": required, "content": {media_type: {"schema": schema, "example": example}}}))
}

/// A field of an upload that is given in the query.
fn upload_parameter(field: &FormField) -> Value {
    json!({
        "name": field.name,
        "in": "query",
        "description": field.description,
        "required": field.required,
        "schema": one_of(field),
    })
}

fn one_of(field: &FormField) -> Value {
    if field.one_of.is_empty() {
        json!({"type": "string"})
    } else {
        json!({"type": "string", "enum": field.one_of})
    }
}

/// The multipart form of an upload.
fn form(fields: &[FormField]) -> Value {
    let mut properties = Map::new();
    let mut required = vec!["file"];
    for field in fields.iter().filter(|field| !field.in_query) {
        let mut schema = one_of(field);
        if !field.description.is_empty() {
            schema["description"] = json!(field.description);
        }
        if field.required {
            required.push(&field.name);
        }
        properties.insert(field.name.clone(), schema);
    }
    // The file last: what describes it should arrive before it.
    properties.insert(
        "file".to_owned(),
        json!({"type": "string", "format": "binary", "description": "The file."}),
    );
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}
