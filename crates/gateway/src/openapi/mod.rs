//! The contract as an OpenAPI 3.1 document, made from the compiled protos and their comments.
//!
//! Nothing is written twice: paths, parameters, schemas, rules, roles, limits and refusals are what the descriptors say,
//! and the words are those of the proto files. What the gateway answers by itself (envelope, errors, health) stands in
//! `shared` and `system`.

mod bindings;
mod operation;
mod responses;
mod schemas;
mod shared;
mod system;
#[cfg(test)]
mod tests;
mod words;

use prost_reflect::DescriptorPool;
use serde_json::{Map, Value, json};

use bindings::Endpoint;
use schemas::Schemas;

/// What the document says of itself.
#[derive(Clone, Debug, Default)]
pub struct Info {
    pub title: String,
    pub version: String,
    /// A paragraph about the whole; may be empty.
    pub description: String,
    /// Where the API is reached; empty for "where this document comes from".
    pub server_url: String,
}

/// The document for every rpc with an HTTP rule.
pub fn document(pool: &DescriptorPool, info: &Info) -> Value {
    let endpoints = bindings::endpoints(pool);
    let mut schemas = Schemas::default();
    let mut paths = Map::new();
    for endpoint in &endpoints {
        add(
            &mut paths,
            &endpoint.path,
            &endpoint.verb,
            operation::describe(endpoint, &mut schemas),
        );
    }
    for (path, operation) in system::operations() {
        add(&mut paths, path, "get", operation);
    }
    let mut components = schemas.into_components();
    components.extend(shared::schemas());
    json!({
        "openapi": "3.1.0",
        "info": about(info),
        "servers": [{"url": if info.server_url.is_empty() { "/" } else { &info.server_url }}],
        "tags": tags(&endpoints),
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": shared::responses(),
            "headers": shared::headers(),
            "parameters": shared::parameters(),
            "securitySchemes": shared::security_schemes(),
        },
    })
}

fn add(paths: &mut Map<String, Value>, path: &str, verb: &str, operation: Value) {
    paths.entry(path).or_insert_with(|| json!({}))[verb] = operation;
}

fn about(info: &Info) -> Value {
    let or = |text: &str, default: &str| {
        if text.is_empty() {
            default.to_owned()
        } else {
            text.to_owned()
        }
    };
    let mut about = json!({
        "title": or(&info.title, "API"),
        "version": or(&info.version, "0"),
    });
    if !info.description.is_empty() {
        about["description"] = json!(info.description);
    }
    about
}

/// One tag a service, in the order of the paths.
fn tags(endpoints: &[Endpoint]) -> Vec<Value> {
    let mut tags: Vec<Value> = Vec::new();
    for endpoint in endpoints {
        let method = &endpoint.main().method;
        let (service, name) = (method.parent_service(), words::service(method));
        if tags.iter().all(|tag| tag["name"] != name) {
            let comment = words::comment(&service.parent_file(), service.path());
            tags.push(json!({"name": name, "description": comment}));
        }
    }
    tags.push(json!({"name": system::TAG, "description": "What belongs to no service: health, metrics, keys, this document."}));
    tags
}
