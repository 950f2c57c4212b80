//! The rules: everything has a comment and a name that fits, an rpc says who may call it, paths and events are sound.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, FileDescriptor, MessageDescriptor, MethodDescriptor};

use crate::options::{access, enums, event_type, is_ours, messages, rest, routes, services};

/// Words of past verbs that do not end in `ed`.
const IRREGULAR: [&str; 14] = [
    "begun", "become", "built", "done", "given", "left", "made", "paid", "read", "sent", "set", "taken", "won",
    "written",
];

/// What is wrong, one line each.
pub(crate) fn complaints(pool: &DescriptorPool) -> Vec<String> {
    let mut found = Vec::new();
    files(pool, &mut found);
    for message in messages(pool) {
        shape_of_message(&message, &mut found);
    }
    shapes_of_enums(pool, &mut found);
    let mut by_route = HashMap::new();
    for service in services(pool) {
        let name = service.full_name();
        named(
            is_camel(service.name()),
            name,
            "a service is called LikeThis",
            &mut found,
        );
        commented(&service.parent_file(), service.path(), name, &mut found);
        for method in service.methods() {
            shape_of_rpc(&method, &mut found);
            paths_of_rpc(&method, &mut by_route, &mut found);
        }
    }
    events(pool, &mut found);
    found
}

fn files(pool: &DescriptorPool, found: &mut Vec<String>) {
    for file in pool.files().filter(|file| is_ours(file.package_name())) {
        let package = file.package_name();
        let folder = format!("{}/", package.replace('.', "/"));
        named(
            file.name().starts_with(&folder),
            file.name(),
            &format!("its package {package} lives in {folder}"),
            found,
        );
        let mut parts = package.split('.').skip(2);
        let versioned = parts.next().is_some_and(is_version) && parts.next().is_none();
        named(
            versioned,
            package,
            "a package is called hostelpulse.<service>.v<n>",
            found,
        );
    }
}

fn shape_of_message(message: &MessageDescriptor, found: &mut Vec<String>) {
    let file = message.parent_file();
    named(
        is_camel(message.name()),
        message.full_name(),
        "a message is called LikeThis",
        found,
    );
    commented(&file, message.path(), message.full_name(), found);
    for field in message.fields() {
        named(
            is_snake(field.name()),
            field.full_name(),
            "a field is called like_this",
            found,
        );
        commented(&file, field.path(), field.full_name(), found);
    }
}

fn shapes_of_enums(pool: &DescriptorPool, found: &mut Vec<String>) {
    for one in enums(pool) {
        let file = one.parent_file();
        named(
            is_camel(one.name()),
            one.full_name(),
            "an enum is called LikeThis",
            found,
        );
        commented(&file, one.path(), one.full_name(), found);
        for value in one.values() {
            named(
                is_upper(value.name()),
                value.full_name(),
                "an enum value is called LIKE_THIS",
                found,
            );
            let zero_fits = value.number() != 0 || value.name().ends_with("_UNSPECIFIED");
            named(
                zero_fits,
                value.full_name(),
                "the zero value ends in _UNSPECIFIED",
                found,
            );
            commented(&file, value.path(), value.full_name(), found);
        }
    }
}

fn shape_of_rpc(method: &MethodDescriptor, found: &mut Vec<String>) {
    let name = method.full_name();
    named(is_camel(method.name()), name, "an rpc is called LikeThis", found);
    commented(&method.parent_file(), method.path(), name, found);

    let ways = access(method).map_or(0, |access| {
        let some_roles_or_services = access.services || !access.roles.is_empty();
        [access.public, access.authenticated, some_roles_or_services]
            .into_iter()
            .filter(|way| *way)
            .count()
    });
    named(
        ways == 1,
        name,
        "an rpc says in its option `access` who may call it, in exactly one way",
        found,
    );

    let (input, output) = (method.input(), method.output());
    let shared = input.package_name() == "hostelpulse.types.v1";
    let own = input.name() == format!("{}Request", method.name());
    named(
        shared || own,
        name,
        "the request is called <Rpc>Request, or is a shared type",
        found,
    );
    let fits = match output.name() {
        response if response.ends_with("Response") => response == format!("{}Response", method.name()),
        thing => !thing.ends_with("Request"),
    };
    named(
        fits,
        name,
        "the response is called <Rpc>Response, or is the thing itself",
        found,
    );
}

fn paths_of_rpc(method: &MethodDescriptor, by_route: &mut HashMap<String, String>, found: &mut Vec<String>) {
    for (verb, path) in routes(method) {
        let parameters: Vec<&str> = path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        for parameter in &parameters {
            // The path parameters of an upload arrive in its header.
            let known = method.is_client_streaming() || method.input().get_field_by_name(parameter).is_some();
            named(
                known,
                method.full_name(),
                &format!("{path}: the request has no field {parameter}"),
                found,
            );
        }
        let general = path
            .split('/')
            .map(|segment| if segment.starts_with('{') { "{}" } else { segment });
        let route = format!("{verb} {} {}", general.collect::<Vec<_>>().join("/"), rest(method).when);
        if let Some(other) = by_route.insert(route, method.full_name().to_owned()) {
            found.push(format!("{}: {other} has {verb} {path} already", method.full_name()));
        }
    }
}

fn events(pool: &DescriptorPool, found: &mut Vec<String>) {
    let mut by_type = HashMap::new();
    for message in messages(pool) {
        let Some(event_type) = event_type(&message) else {
            continue;
        };
        let name = message.full_name();
        let version = message.package_name().rsplit('.').next().unwrap_or_default();
        let fits = match event_type.split('.').collect::<Vec<_>>()[..] {
            ["hostelpulse", thing, verb, said] => {
                said == version && is_past(verb) && message.name() == format!("{}{}", camel(thing), camel(verb))
            }
            _ => false,
        };
        let rule = format!(
            "an event {event_type} of {version} is called hostelpulse.<thing>.<past verb>.{version}, its message <Thing><PastVerb>"
        );
        named(fits, name, &rule, found);
        if let Some(other) = by_type.insert(event_type.clone(), name.to_owned()) {
            found.push(format!("{name}: {other} is the event {event_type} already"));
        }
    }
}

fn named(fits: bool, name: &str, rule: &str, found: &mut Vec<String>) {
    if !fits {
        found.push(format!("{name}: {rule}"));
    }
}

fn commented(file: &FileDescriptor, path: &[i32], name: &str, found: &mut Vec<String>) {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let location = info.and_then(|info| info.location.iter().find(|location| location.path == path));
    let says_something = location.is_some_and(|location| !location.leading_comments().trim().is_empty());
    named(
        says_something,
        name,
        "needs a comment before it: it becomes the API documentation",
        found,
    );
}

fn is_version(part: &str) -> bool {
    part.strip_prefix('v')
        .is_some_and(|number| number.parse::<u32>().is_ok())
}

fn is_camel(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase()) && name.chars().all(|one| one.is_ascii_alphanumeric())
}

fn is_snake(name: &str) -> bool {
    name.split('_')
        .all(|word| !word.is_empty() && word.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit()))
}

fn is_upper(name: &str) -> bool {
    is_snake(&name.to_ascii_lowercase()) && !name.contains(|one: char| one.is_ascii_lowercase())
}

fn is_past(verb: &str) -> bool {
    // `signed_in` is past by its first word, `password_changed` by its last.
    let mut ends = [verb.split('_').next(), verb.rsplit('_').next()].into_iter().flatten();
    is_snake(verb) && ends.any(|word| word.ends_with("ed") || IRREGULAR.contains(&word))
}

fn camel(words: &str) -> String {
    let words = words.split('_').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}

const SOUND: &str = r#"
    // Cooks.
    service Kitchen {
      // Cook a meal.
      rpc CookMeal(CookMealRequest) returns (Meal) {
        option (google.api.http) = {post: "/api/v1/meals/{id}/cook" body: "*"};
        option (hostelpulse.options.v1.access) = {roles: [STAFF]};
      }
    }
    // What to cook.
    message CookMealRequest {
      // The meal's id.
      string id = 1;
    }
    // Something to eat.
    message Meal {
      // How it is.
      State state = 1;
    }
    // How a meal is.
    enum State {
      // Nobody knows.
      STATE_UNSPECIFIED = 0;
      // Ready.
      COOKED = 1;
    }
    // A meal was cooked.
    message MealCooked {
      option (hostelpulse.options.v1.event) = {type: "hostelpulse.meal.cooked.v1"};
    }
"#;

#[test]
fn sound_definitions_pass() {
    assert_eq!(complaints(&crate::compile(SOUND)), Vec::<String>::new());
}

#[test]
fn each_rule_finds_what_breaks_it() {
    let cases = [
        ("// Cooks.", "", "Kitchen: needs a comment"),
        ("// Cook a meal.", "", "CookMeal: needs a comment"),
        ("// Something to eat.", "", "Meal: needs a comment"),
        ("// The meal's id.", "", "id: needs a comment"),
        ("// How a meal is.", "", "State: needs a comment"),
        ("// Ready.", "", "COOKED: needs a comment"),
        (
            "message Meal {",
            "message Spoon_full {} message Meal {",
            "a message is called LikeThis",
        ),
        ("State state = 1", "State itsState = 1", "a field is called like_this"),
        ("COOKED = 1", "Cooked = 1", "an enum value is called LIKE_THIS"),
        ("STATE_UNSPECIFIED", "RAW", "the zero value ends in _UNSPECIFIED"),
        (
            "option (hostelpulse.options.v1.access) = {roles: [STAFF]};",
            "",
            "who may call it",
        ),
        ("{roles: [STAFF]}", "{roles: [STAFF] public: true}", "who may call it"),
        ("rpc CookMeal(", "rpc BoilMeal(", "the request is called <Rpc>Request"),
        (
            "returns (Meal)",
            "returns (CookMealRequest)",
            "the response is called <Rpc>Response",
        ),
        (
            "/meals/{id}/cook",
            "/meals/{name}/cook",
            "the request has no field name",
        ),
        (
            "hostelpulse.meal.cooked.v1",
            "hostelpulse.meal.cooked.v2",
            "an event hostelpulse.meal.cooked.v2 of v1",
        ),
        (
            "hostelpulse.meal.cooked.v1",
            "hostelpulse.meal.cook.v1",
            "an event hostelpulse.meal.cook.v1",
        ),
        (
            "hostelpulse.meal.cooked.v1",
            "hostelpulse.dinner.cooked.v1",
            "an event hostelpulse.dinner.cooked.v1",
        ),
    ];
    for (from, to, expected) in cases {
        assert!(SOUND.contains(from), "{from} is not in the sound definitions");
        let found = complaints(&crate::compile(&SOUND.replacen(from, to, 1)));
        assert!(
            found.iter().any(|line| line.contains(expected)),
            "{from} → {to}: {found:?}"
        );
    }
}

#[test]
fn two_rpcs_share_a_path_only_when_the_query_tells_them_apart() {
    let rpc = |name: &str, when: &str| {
        format!(
            r#"// Lists meals.
            rpc {name}(hostelpulse.types.v1.Nothing) returns (hostelpulse.types.v1.Nothing) {{
              option (google.api.http) = {{get: "/api/v1/meals"}};
              option (hostelpulse.options.v1.access) = {{public: true}};
              option (hostelpulse.options.v1.rest) = {{when: "{when}"}};
            }}"#
        )
    };
    let service = |second: &str| format!("// Cooks.\nservice Kitchen {{\n{}\n{second}\n}}", rpc("List", ""));
    let same = complaints(&crate::compile(&service(&rpc("Export", ""))));
    assert_eq!(same.len(), 1, "{same:?}");
    assert!(same[0].contains("has GET /api/v1/meals already"), "{same:?}");
    assert_eq!(
        complaints(&crate::compile(&service(&rpc("Export", "format=csv")))),
        Vec::<String>::new()
    );
}
