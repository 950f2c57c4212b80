//! What a client built yesterday relies on: names, numbers and types on the wire, rpcs, paths, event types.

use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};

use crate::options::{enums, event_type, field_rule, messages, rest, routes, services};

/// What was there before and is not as it was, one line each. Additions are fine.
pub(crate) fn complaints(before: &DescriptorPool, now: &DescriptorPool) -> Vec<String> {
    let mut found = Vec::new();
    for old in messages(before) {
        match now.get_message_by_name(old.full_name()) {
            Some(new) => message(&old, &new, &mut found),
            None => found.push(format!("message {} is gone", old.full_name())),
        }
    }
    for old in enums(before) {
        match now.get_enum_by_name(old.full_name()) {
            Some(new) => values(&old, &new, &mut found),
            None => found.push(format!("enum {} is gone", old.full_name())),
        }
    }
    for old in services(before).flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let service = now.get_service_by_name(old.parent_service().full_name());
        let new = service.and_then(|service| service.methods().find(|new| new.name() == old.name()));
        match new {
            Some(new) => rpc(&old, &new, &mut found),
            None => found.push(format!("rpc {} is gone", old.full_name())),
        }
    }
    found
}

fn message(old: &MessageDescriptor, new: &MessageDescriptor, found: &mut Vec<String>) {
    if event_type(old) != event_type(new) {
        found.push(format!(
            "event {}: its type was {:?}, is {:?}",
            old.full_name(),
            event_type(old),
            event_type(new)
        ));
    }
    for before in old.fields() {
        match new.get_field(before.number()) {
            Some(now) if shape(&now) != shape(&before) => {
                found.push(format!(
                    "field {} was `{}`, is `{}`",
                    before.full_name(),
                    shape(&before),
                    shape(&now)
                ));
            }
            Some(_) => {}
            None => found.push(format!("field {} = {} is gone", before.full_name(), before.number())),
        }
    }
    for now in new.fields().filter(|now| field_rule(now).required) {
        let before = old.get_field(now.number());
        if !before.is_some_and(|before| field_rule(&before).required) {
            found.push(format!("field {} became required", now.full_name()));
        }
    }
}

fn values(old: &EnumDescriptor, new: &EnumDescriptor, found: &mut Vec<String>) {
    for before in old.values() {
        let kept = new
            .get_value(before.number())
            .is_some_and(|now| now.name() == before.name());
        if !kept {
            found.push(format!(
                "enum value {} = {} is gone",
                before.full_name(),
                before.number()
            ));
        }
    }
}

fn rpc(old: &MethodDescriptor, new: &MethodDescriptor, found: &mut Vec<String>) {
    if signature(old) != signature(new) {
        found.push(format!(
            "rpc {} was `{}`, is `{}`",
            old.full_name(),
            signature(old),
            signature(new)
        ));
    }
    for route in routes(old) {
        if !routes(new).contains(&route) || rest(old).when != rest(new).when {
            found.push(format!(
                "rpc {}: {} {} {} is gone",
                old.full_name(),
                route.0,
                route.1,
                rest(old).when
            ));
        }
    }
}

fn shape(field: &FieldDescriptor) -> String {
    let kind = match field.kind() {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(one) => one.full_name().to_owned(),
        scalar => format!("{scalar:?}"),
    };
    let many = if field.is_list() { "repeated " } else { "" };
    // `optional` makes a group of one, which is no choice.
    let choice = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
    let choice = choice.map_or_else(String::new, |oneof| format!(" of {}", oneof.name()));
    format!("{many}{kind} {} = {}{choice}", field.name(), field.number())
}

fn signature(method: &MethodDescriptor) -> String {
    let stream = |streams: bool| if streams { "stream " } else { "" };
    format!(
        "({}{}) returns ({}{})",
        stream(method.is_client_streaming()),
        method.input().full_name(),
        stream(method.is_server_streaming()),
        method.output().full_name()
    )
}

const BEFORE: &str = r#"
    service Kitchen {
      rpc CookMeal(Meal) returns (Meal) {
        option (google.api.http) = {get: "/api/v1/meals" additional_bindings {get: "/api/v1/dishes"}};
      }
    }
    message Meal {
      string name = 1;
      repeated string spices = 2;
      State state = 3;
      oneof side {
        string rice = 4;
        string bread = 5;
      }
      optional string note = 6;
    }
    enum State {
      STATE_UNSPECIFIED = 0;
      COOKED = 1;
    }
    message MealCooked {
      option (hostelpulse.options.v1.event) = {type: "hostelpulse.meal.cooked.v1"};
    }
"#;

#[test]
fn additions_break_nobody() {
    let now = BEFORE
        .replace(
            "service Kitchen {",
            "message New {} service Kitchen { rpc Wash(Meal) returns (New);",
        )
        .replace("string name = 1;", "string name = 1; optional string recipe = 9;")
        .replace("COOKED = 1;", "COOKED = 1; BURNT = 2;");
    assert_eq!(
        complaints(&crate::compile(BEFORE), &crate::compile(&now)),
        Vec::<String>::new()
    );
}

#[test]
fn each_breaking_change_is_found() {
    let cases = [
        ("string name = 1;", "", "Meal.name = 1 is gone"),
        ("string name = 1", "string name = 7", "Meal.name = 1 is gone"),
        (
            "string name = 1",
            "string title = 1",
            "Meal.name was `string name = 1`, is `string title = 1`",
        ),
        ("string name = 1", "bytes name = 1", "is `bytes name = 1`"),
        (
            "string name = 1",
            "string name = 1 [(hostelpulse.options.v1.field) = {required: true}]",
            "name became required",
        ),
        ("repeated string", "string", "was `repeated string spices = 2`"),
        (
            "State state",
            "MealCooked state",
            "is `hostelpulse.kitchen.v1.MealCooked state = 3`",
        ),
        (
            "oneof side {\n        string rice = 4;",
            "string rice = 4; oneof side {",
            "is `string rice = 4`",
        ),
        ("COOKED = 1", "BURNT = 1", "COOKED = 1 is gone"),
        (
            "rpc CookMeal",
            "rpc BoilMeal",
            "rpc hostelpulse.kitchen.v1.Kitchen.CookMeal is gone",
        ),
        (
            "returns (Meal)",
            "returns (stream Meal)",
            "returns (stream hostelpulse.kitchen.v1.Meal)",
        ),
        (
            r#"get: "/api/v1/meals""#,
            r#"post: "/api/v1/meals""#,
            "GET /api/v1/meals  is gone",
        ),
        ("/api/v1/dishes", "/api/v1/plates", "GET /api/v1/dishes  is gone"),
        ("message MealCooked", "message MealEaten", "MealCooked is gone"),
        ("meal.cooked.v1", "meal.boiled.v1", "its type was"),
    ];
    let before = crate::compile(BEFORE);
    for (from, to, expected) in cases {
        assert!(BEFORE.contains(from), "{from} is not in the definitions");
        let now = BEFORE.replacen(from, to, 1);
        let found = complaints(&before, &crate::compile(&now));
        assert!(
            found.iter().any(|line| line.contains(expected)),
            "{from} → {to}: {found:?}"
        );
    }
}
