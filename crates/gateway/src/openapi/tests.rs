//! The document of the product's contract, and of one with every shape of an rpc.

use std::{collections::HashSet, path::Path};

use kit::{contract, json::Shape};
use prost_reflect::DescriptorPool;
use serde_json::{Map, Value, json};

use super::{Info, bindings, document};

/// Every shape of an rpc.
const TRIAL: &str = include_str!("tests/trial.proto");

fn trial() -> DescriptorPool {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("trial.proto"), TRIAL).unwrap();
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let mut compiler = protox::Compiler::new([folder.path(), &ours]).unwrap();
    compiler.include_imports(true).include_source_info(true);
    compiler.open_file("trial.proto").unwrap();
    DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap()
}

fn info() -> Info {
    Info {
        title: "HostelPulse".to_owned(),
        version: "1.2.3".to_owned(),
        ..Info::default()
    }
}

fn both() -> [(DescriptorPool, Value); 2] {
    [contract::pool().clone(), trial()].map(|pool| {
        let document = document(&pool, &info());
        (pool, document)
    })
}

/// Every value under a name, however deep.
fn find<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| find(item, name, found)),
        Value::Object(fields) => {
            found.extend(fields.get(name));
            fields.values().for_each(|value| find(value, name, found));
        }
        _ => {}
    }
}

/// What a reference in the document leads to.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
        return value;
    };
    let pointer = reference.strip_prefix('#').unwrap();
    document
        .pointer(pointer)
        .unwrap_or_else(|| panic!("{reference} leads nowhere"))
}

fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, verbs)| {
        let verbs = verbs.as_object().unwrap();
        verbs
            .iter()
            .map(move |(verb, operation)| (path.as_str(), verb.as_str(), operation))
    });
    all.collect()
}

#[test]
fn every_reference_leads_somewhere() {
    for (_, document) in both() {
        let mut references = Vec::new();
        find(&document, "$ref", &mut references);
        assert!(references.len() > 100);
        for reference in references {
            let pointed = json!({"$ref": reference});
            assert!(!resolve(&document, &pointed).is_null(), "{reference}");
        }
        let text = document.to_string();
        for component in document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(
                text.contains(&format!("schemas/{component}\"")),
                "nothing refers to {component}"
            );
        }
    }
}

#[test]
fn every_rpc_with_a_path_is_there_once_for_each_of_its_faces() {
    for (pool, document) in both() {
        let ids: Vec<&str> = operations(&document)
            .iter()
            .map(|(_, _, one)| one["operationId"].as_str().unwrap())
            .collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "{ids:?}");
        let endpoints = bindings::endpoints(&pool);
        assert_eq!(endpoints.len() + super::system::operations().len(), ids.len());
        for method in pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
        {
            let faces = endpoints
                .iter()
                .flat_map(|endpoint| &endpoint.rpcs)
                .filter(|rpc| rpc.method == method)
                .count();
            let rule = contract::method_options(&method).http;
            let expected = rule.map_or(0, |rule| {
                let all = std::iter::once(&rule).chain(&rule.additional_bindings);
                all.map(|one| {
                    if matches!(one.pattern, Some(proto::http::http_rule::Pattern::Put(_))) {
                        2
                    } else {
                        1
                    }
                })
                .sum()
            });
            assert_eq!(faces, expected, "{}", method.full_name());
        }
    }
}

#[test]
fn every_parameter_of_a_path_is_described_and_needed() {
    for (_, document) in both() {
        for (path, verb, operation) in operations(&document) {
            let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
            let mut names = HashSet::new();
            for parameter in &parameters {
                let parameter = resolve(&document, parameter);
                assert!(
                    names.insert((parameter["in"].clone(), parameter["name"].clone())),
                    "{verb} {path}"
                );
            }
            for segment in path
                .split('/')
                .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
            {
                let mut of_path = parameters
                    .iter()
                    .filter(|one| one["in"] == "path" && one["name"] == segment);
                assert_eq!(of_path.next().unwrap()["required"], true, "{verb} {path}");
            }
        }
    }
}

#[test]
fn every_example_of_a_request_obeys_its_own_rules() {
    let mut seen = 0;
    for (pool, document) in both() {
        for endpoint in bindings::endpoints(&pool) {
            let rpc = endpoint.main();
            let content = &document["paths"][&endpoint.path][&endpoint.verb]["requestBody"]["content"];
            let Some(example) = content["application/json"]["example"].as_object() else {
                continue;
            };
            let shape = Shape::of(&rpc.method.input()).unwrap();
            let mut request = match &rpc.body {
                bindings::Body::Field(name) => Map::from_iter([(name.clone(), Value::Object(example.clone()))]),
                _ => example.clone(),
            };
            let sample = shape.sample();
            for name in endpoint.path_parameters() {
                assert!(!request.contains_key(name), "{name} is in path and body of {}", rpc.id);
                request.insert(name.to_owned(), sample[name].clone());
            }
            shape
                .read(&Value::Object(request))
                .unwrap_or_else(|violations| panic!("{}: {violations:?}", rpc.id));
            seen += 1;
        }
    }
    assert!(seen >= 7, "{seen}");
}

#[test]
fn words_come_from_the_comments_and_options() {
    let document = document(&trial(), &info());
    let change = &document["paths"]["/api/v1/things/{id}"]["put"];
    assert_eq!(change["summary"], "Change a thing");
    assert_eq!(
        change["description"],
        "Only what is sent changes.\n\nWho may: warden, admin.\n\nLimits: 5 failures a minute by ip and user; 10 calls an hour by user."
    );
    assert_eq!(change["x-roles"], json!(["warden", "admin"]));
    assert_eq!(change["operationId"], "Trial.Change");
    assert_eq!(
        document["paths"]["/api/v1/things/{id}"]["patch"]["operationId"],
        "Trial.Change.patch"
    );
    assert_eq!(
        document["paths"]["/api/v1/things/{id}/change"]["post"]["operationId"],
        "Trial.Change.2"
    );
    assert_eq!(
        document["tags"][0],
        json!({"name": "Trial", "description": "Tries everything. Twice."})
    );
    assert!(
        change["responses"]["422"]["description"]
            .as_str()
            .unwrap()
            .contains("TOO_LATE")
    );
    assert_eq!(document["info"], json!({"title": "HostelPulse", "version": "1.2.3"}));
}

#[test]
fn a_message_differs_on_its_way_in_and_out() {
    let document = document(&trial(), &info());
    let schemas = &document["components"]["schemas"];
    let request = &schemas["ChangeRequest"];
    assert_eq!(
        request["required"],
        json!(["thing"]),
        "what the path gives is not in the body"
    );
    assert_eq!(request["additionalProperties"], false);
    assert_eq!(request["properties"]["note"]["type"], json!(["string", "null"]));
    assert_eq!(request["properties"]["note"]["maxLength"], 9);
    assert_eq!(request["properties"]["note"]["examples"], json!(["wet"]));
    assert_eq!(request["properties"]["colour"]["enum"], json!(["red", null]));
    let input = resolve(&document, &request["properties"]["thing"]);
    assert_eq!(input["required"], Value::Null);
    let output = resolve(
        &document,
        &document["paths"]["/api/v1/things"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
            ["data"]["items"],
    );
    assert_eq!(output["required"].as_array().unwrap().len(), 9);
    assert_eq!(output["properties"]["name"]["type"], json!(["string", "null"]));
    assert_eq!(output["properties"]["price"]["type"], "string");
    assert_eq!(
        output["properties"]["counts"]["additionalProperties"]["type"],
        "integer"
    );
    assert!(
        output["description"]
            .as_str()
            .unwrap()
            .ends_with("At most one of `width`, `weight` is set.")
    );
    assert_eq!(
        resolve(&document, &output["properties"]["inside"]["anyOf"][0]),
        output,
        "a thing holds things"
    );
    assert_eq!(schemas["Colour"]["enum"], json!(["red", "green"]));
    assert!(
        schemas["Colour"]["description"]
            .as_str()
            .unwrap()
            .contains("`red`: Like blood.")
    );
}

#[test]
fn one_of_several_messages_is_told_apart_by_its_tag() {
    let document = document(&trial(), &info());
    let content = &document["paths"]["/ws/told"]["get"]["responses"]["200"]["content"]["text/event-stream"];
    let told = resolve(&document, &content["x-message"]);
    assert_eq!(told["description"], "What was told.");
    assert_eq!(
        told["discriminator"],
        json!({"propertyName": "type", "mapping": {
            "thing": "#/components/schemas/ToldThing", "is_gone": "#/components/schemas/ToldIsGone"}})
    );
    let several = told["oneOf"].as_array().unwrap();
    assert_eq!(several.len(), 2);
    assert_eq!(
        *resolve(&document, &several[1]),
        json!({
            "type": "object",
            "title": "ToldIsGone",
            "properties": {"type": {"const": "is_gone", "description": "A thing went."}, "id": {"type": "string"}},
            "description": "Which thing went.",
            "required": ["type", "id"],
        })
    );
    let thing = resolve(&document, &document["components"]["schemas"]["Thing"]);
    assert!(thing["properties"].get("type").is_none(), "only the told one has a tag");
}

#[test]
fn rpcs_of_one_path_are_one_operation_with_their_media_types() {
    let document = document(&trial(), &info());
    let list = &document["paths"]["/api/v1/things"]["get"];
    assert_eq!(list["operationId"], "Trial.List");
    let description = list["description"].as_str().unwrap();
    assert!(
        description.contains("With `format=csv`: The same as a table.\n"),
        "{description}"
    );
    assert!(
        description.contains("on paper. It does not take `limit`, `from`.\n"),
        "{description}"
    );
    let content = list["responses"]["200"]["content"].as_object().unwrap();
    assert!(content.keys().eq(["application/json", "text/csv", "application/pdf"]));
    assert_eq!(
        content["application/json"]["schema"]["required"],
        json!(["success", "data", "timestamp", "pagination"])
    );
    let parameters = list["parameters"].as_array().unwrap();
    let named = |name: &str| parameters.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(named("format")["schema"]["enum"], json!(["csv", "pdf"]));
    assert_eq!(named("format")["required"], false);
    assert_eq!(named("limit")["schema"]["maximum"], 100);
    assert_eq!(named("colours")["explode"], true);
    assert_eq!(named("from")["schema"]["format"], "date-time");
    assert_eq!(parameters.len(), 4);
}

#[test]
fn a_download_in_several_forms_tells_them_all() {
    let document = document(&trial(), &info());
    let draw = &document["paths"]["/api/v1/things/{id}/drawing"]["get"];
    let content = draw["responses"]["200"]["content"].as_object().unwrap();
    assert!(content.keys().eq(["image/png", "image/svg+xml"]));
    let description = draw["description"].as_str().unwrap();
    let words = "Where `format` is left out, the header `Accept` chooses among `image/png`, `image/svg+xml`.";
    assert!(description.contains(words), "{description}");
}

#[test]
fn a_page_is_html_and_takes_a_form() {
    let document = document(contract::pool(), &info());
    let page = &document["paths"]["/guardian/{token}"];
    for (verb, statuses) in [
        ("get", ["200", "404", "422", "429"]),
        ("post", ["200", "400", "409", "415"]),
    ] {
        for status in statuses {
            let content = page[verb]["responses"][status]["content"].as_object();
            assert!(
                content.is_some_and(|content| content.keys().eq(["text/html"])),
                "{verb} {status}"
            );
        }
    }
    let body = page["post"]["requestBody"]["content"].as_object().unwrap();
    assert!(body.keys().eq(["application/x-www-form-urlencoded"]));
}

#[test]
fn a_form_that_the_header_prefers_to_json_is_told() {
    let document = document(contract::pool(), &info());
    let calendar = &document["paths"]["/api/v1/leaves/calendar"]["get"];
    let content = calendar["responses"]["200"]["content"].as_object().unwrap();
    assert!(content.keys().eq(["application/json", "text/calendar"]));
    let description = calendar["description"].as_str().unwrap();
    let words = "With `format=ics`, or where the header `Accept` prefers `text/calendar`: ";
    assert!(description.contains(words), "{description}");
}

#[test]
fn uploads_and_streams_have_their_own_faces() {
    let document = document(&trial(), &info());
    let upload = &document["paths"]["/api/v1/things/{id}/pictures"]["post"];
    let form = &upload["requestBody"]["content"]["multipart/form-data"]["schema"];
    assert_eq!(form["required"], json!(["file", "side"]));
    assert_eq!(form["properties"]["side"]["enum"], json!(["front", "back"]));
    assert!(form["properties"].get("size").is_none());
    assert_eq!(
        upload["parameters"][1],
        json!({"name": "size", "in": "query", "required": false, "description": "How large.",
            "schema": {"type": "string", "enum": ["small", "large"]}})
    );
    assert_eq!(
        upload["parameters"][2],
        json!({"$ref": "#/components/parameters/IdempotencyKey"})
    );
    assert!(
        upload["responses"]["422"]["description"]
            .as_str()
            .unwrap()
            .contains("IDEMPOTENCY_KEY_REUSED")
    );
    let statuses: Vec<_> = upload["responses"].as_object().unwrap().keys().collect();
    let expected = [
        "201", "400", "401", "403", "404", "408", "409", "413", "414", "415", "422", "429", "431", "500", "503", "504",
    ];
    assert_eq!(statuses, expected);
    let watch = &document["paths"]["/ws/things"]["get"];
    assert_eq!(watch["security"], json!([]));
    let statuses: Vec<_> = watch["responses"].as_object().unwrap().keys().collect();
    assert_eq!(
        statuses,
        [
            "101", "200", "400", "404", "414", "426", "429", "431", "500", "503", "504"
        ]
    );
    assert!(watch["responses"]["200"]["content"]["text/event-stream"].is_object());
}

#[test]
fn a_cookie_is_described_where_the_contract_has_one() {
    let document = document(contract::pool(), &info());
    let operation = |path: &str| &document["paths"][path]["post"];
    let (login, refresh) = (operation("/api/v1/auth/login"), operation("/api/v1/auth/refresh"));
    let named: Vec<_> = refresh["parameters"].as_array().unwrap().iter().collect();
    let named: Vec<_> = named.iter().map(|one| resolve(&document, one)).collect();
    assert_eq!(named[0]["in"], "cookie");
    assert_eq!(named[0]["name"], "__Host-hostelpulse-refresh");
    assert_eq!(
        (&named[1]["in"], &named[1]["name"]),
        (&json!("header"), &json!("X-Requested-With"))
    );
    assert_eq!(login["parameters"], Value::Null, "no cookie counts at signing in");
    for (operation, statuses) in [
        (login, vec!["200"]),
        (refresh, vec!["200", "401"]),
        (operation("/api/v1/auth/logout"), vec!["200", "401"]),
    ] {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let sets = resolve(&document, response)["headers"]["set-cookie"].is_object();
            assert_eq!(sets, statuses.contains(&status.as_str()), "{status}");
        }
    }
    let body = &refresh["requestBody"];
    assert_eq!(body["required"], false, "the cookie may say all");
    let forms = body["content"]["application/json"]["schema"]["anyOf"]
        .as_array()
        .unwrap();
    let needed = forms.iter().map(|form| &resolve(&document, form)["required"]);
    assert!(needed.eq([&json!(["refresh_token"]), &Value::Null]));
}

#[test]
fn every_answer_names_the_request_id() {
    for (_, document) in both() {
        for (path, verb, operation) in operations(&document) {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let response = resolve(&document, response);
                let has_id = response["headers"]["x-request-id"].is_object();
                assert!(has_id || status == "101", "{verb} {path} {status}");
            }
        }
    }
}
