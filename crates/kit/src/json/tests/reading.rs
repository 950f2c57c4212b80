//! JSON to wire bytes.

use prost_reflect::ReflectMessage as _;
use proto::auth::{CreateUserRequest, User, UserCreated};
use serde_json::{Value, json};

use super::{read, shape, violation, write};
use crate::json::{Shape, from_value, shape_of, to_value};

/// Reads and writes again.
fn there_and_back(shape: &Shape, json: &Value) -> Value {
    serde_json::from_str(&write(shape, &shape.read(json).unwrap())).unwrap()
}

#[test]
fn every_kind_of_value_comes_back() {
    let kinds = shape("Kinds");
    let json = json!({
        "a_double": 1.5, "a_float": -0.25, "an_int32": -5, "an_int64": i64::MIN, "a_uint32": u32::MAX,
        "a_uint64": u64::MAX, "a_sint32": i32::MIN, "a_sint64": i64::MIN, "a_fixed32": 7, "a_fixed64": u64::MAX,
        "a_sfixed32": -7, "a_sfixed64": i64::MIN, "a_bool": true, "a_string": "ä\n", "some_bytes": "AAEC/w==",
        "a_status": "undone", "a_level": "high", "inner": {"second": "x", "first": 1},
        "maybe_int": 0, "maybe_string": "", "maybe_status": "done",
        "numbers": [1, -2, 300], "unpacked": [0, 1], "doubles": [0.5, 2.0], "strings": ["", "a"],
        "statuses": ["pending", "undone"], "inners": [{"second": "", "first": 0}, {"second": "y", "first": 2}],
        "counts": {"": 0, "a": 1}, "by_number": {"-3": {"second": "z", "first": 0}}, "by_flag": {"false": "", "true": "t"},
        "text_choice": null, "inner_choice": {"second": "", "first": 0}, "number_choice": null,
        "at": "2026-11-21T04:45:00.5Z", "span": "-0.25s",
        "object": {"a": [1, 2.5, null, {"b": false}], "c": "d"}, "any": "free", "list": [1, "two"],
        "moments": ["2024-02-29T00:00:00Z"], "again": null, "early": true,
    });
    let mut expected = json.clone();
    expected["at"] = json!("2026-11-21T04:45:00.500Z");
    assert_eq!(there_and_back(&kinds, &json), expected);
    read(&kinds, &json);
}

#[test]
fn null_and_absent_are_the_same() {
    let kinds = shape("Kinds");
    let all_null = there_and_back(&kinds, &json!({}));
    let nulls: Value = all_null
        .as_object()
        .unwrap()
        .keys()
        .map(|name| (name.clone(), Value::Null))
        .collect();
    assert!(kinds.read(&nulls).unwrap().is_empty());
}

#[test]
fn defaults_are_left_out_unless_the_field_has_presence() {
    let kinds = shape("Kinds");
    let plain = json!({"an_int32": 0, "a_string": "", "a_bool": false, "a_level": "low", "numbers": [], "counts": {}});
    assert!(kinds.read(&plain).unwrap().is_empty());
    let present = read(&kinds, &json!({"maybe_int": 0, "number_choice": 0, "inner": {}}));
    assert_eq!(present.fields().count(), 3);
    assert_eq!(present.descriptor().name(), "Kinds");
}

#[test]
fn wrong_types_say_what_was_expected_and_what_came() {
    let kinds = shape("Kinds");
    let cases = [
        (
            json!({"an_int32": "5"}),
            "an_int32",
            "must be a whole number, not a text",
        ),
        (json!({"an_int32": 3.0}), "an_int32", "must be a whole number"),
        (
            json!({"an_int32": 2_147_483_648_i64}),
            "an_int32",
            "must be between -2147483648 and 2147483647",
        ),
        (
            json!({"a_uint64": -1}),
            "a_uint64",
            "must be between 0 and 18446744073709551615",
        ),
        (json!({"a_bool": 1}), "a_bool", "must be true or false, not a number"),
        (json!({"a_string": 1}), "a_string", "must be a text, not a number"),
        (
            json!({"a_string": "a\u{0}"}),
            "a_string",
            "must not contain a NUL character",
        ),
        (json!({"a_double": "1"}), "a_double", "must be a number, not a text"),
        (
            json!({"a_float": 1e300}),
            "a_float",
            "must be between -340282350000000000000000000000000000000 and 340282350000000000000000000000000000000",
        ),
        (json!({"some_bytes": "?"}), "some_bytes", "must be bytes in base64"),
        (
            json!({"a_status": "unspecified"}),
            "a_status",
            "must be one of: pending, done, undone",
        ),
        (
            json!({"a_status": 1}),
            "a_status",
            "must be one of: pending, done, undone",
        ),
        (json!({"inner": []}), "inner", "must be an object, not a list"),
        (json!({"numbers": 1}), "numbers", "must be a list, not a number"),
        (
            json!({"numbers": [1, null]}),
            "numbers[1]",
            "must be a whole number, not null",
        ),
        (
            json!({"inners": [{}, {"first": true}]}),
            "inners[1].first",
            "must be a whole number, not true or false",
        ),
        (
            json!({"counts": {"a": "b"}}),
            "counts.a",
            "must be a whole number, not a text",
        ),
        (
            json!({"by_number": {"x": {}}}),
            "by_number.x",
            "must have whole numbers from -2147483648 to 2147483647 as keys",
        ),
        (
            json!({"by_flag": {"yes": ""}}),
            "by_flag.yes",
            "must have only true and false as keys",
        ),
        (
            json!({"at": "2026-11-21"}),
            "at",
            "must be a moment in RFC 3339, such as 2026-08-01T09:30:00Z",
        ),
        (
            json!({"span": "1 minute"}),
            "span",
            "must be seconds with an s, such as 3.5s",
        ),
        (json!({"object": []}), "object", "must be an object"),
        (json!({"list": {}}), "list", "must be a list"),
        (
            json!({"strnig": ""}),
            "strnig",
            "unknown field, did you mean `strings`?",
        ),
        (json!({"zzz": ""}), "zzz", "unknown field"),
        (json!([]), "body", "must be an object, not a list"),
        (
            json!({"text_choice": "a", "number_choice": 1}),
            "number_choice",
            "only one of these may be given: text_choice, number_choice",
        ),
    ];
    for (json, field, error) in cases {
        assert_eq!(violation(&kinds, &json), (field.to_owned(), error.to_owned()), "{json}");
    }
}

#[test]
fn moments_are_of_the_years_1_to_9999_in_any_offset() {
    let kinds = shape("Kinds");
    let at = |text: &str| {
        kinds.read(&json!({"at": text})).map(|wire| {
            let written: Value = serde_json::from_str(&write(&kinds, &wire)).unwrap();
            written["at"].as_str().unwrap().to_owned()
        })
    };
    assert_eq!(at("2026-11-21T10:15:00+05:30").unwrap(), "2026-11-21T04:45:00Z");
    assert_eq!(
        at("2026-11-21T04:45:00.123456789Z").unwrap(),
        "2026-11-21T04:45:00.123456Z"
    );
    for wrong in [
        "0000-12-31T23:59:59Z",
        "9999-12-31T23:59:59-01:00",
        "2026-02-30T00:00:00Z",
        "2026-01-01T23:59:60Z",
        "+12026-01-01T00:00:00Z",
        "",
    ] {
        assert!(at(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn nesting_is_limited_in_messages_and_in_free_json() {
    let kinds = shape("Kinds");
    let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({"again": inner}));
    kinds.read(&nested(32)).unwrap();
    let (_, error) = violation(&kinds, &nested(33));
    assert_eq!(error, "is nested too deeply, at most 32 levels");
    let list = |levels: usize| (1..levels).fold(json!([]), |inner, _| json!([inner]));
    kinds.read(&json!({"any": list(31)})).unwrap();
    assert_eq!(violation(&kinds, &json!({"any": list(32)})).0, "any");
    // The deepest that is read is within what prost decodes, though each level of free JSON is three messages there.
    let object = (1..31).fold(json!({}), |inner, _| json!({"a": inner}));
    let deepest = json!({"any": object});
    read(&kinds, &deepest);
    assert_eq!(there_and_back(&kinds, &deepest)["any"], deepest["any"]);
    assert_eq!(
        violation(&shape("Ruled"), &json!({"name": "x", "free": list(32)})).0,
        "free"
    );
}

#[test]
fn a_flood_of_wrong_fields_ends_early_and_shows_no_long_names() {
    let long = "x".repeat(5000);
    let mut flood: serde_json::Map<String, Value> = (0..1000).map(|n| (format!("f{n}"), json!(1))).collect();
    flood.insert(long.clone(), json!(1));
    assert_eq!(shape("Kinds").read(&Value::Object(flood)).unwrap_err().len(), 50);
    assert_eq!(violation(&shape("Kinds"), &json!({ long: 1 })).0.len(), 64);
}

#[test]
fn parameters_become_what_their_fields_hold() {
    let kinds = shape("Kinds");
    let pairs = |all: &[(&str, &str)]| -> Vec<(String, String)> {
        all.iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect()
    };
    let good = pairs(&[
        ("an_int32", "-5"),
        ("a_bool", "true"),
        ("a_string", "5"),
        ("strings", "a"),
        ("strings", "b,c"),
        ("numbers", "1"),
        ("a_double", "1.5"),
        ("a_status", "done"),
        ("at", "2026-11-21T04:45:00Z"),
    ]);
    let json = Value::Object(kinds.from_text(&good).unwrap());
    let expected = json!({"an_int32": -5, "a_bool": true, "a_string": "5", "strings": ["a", "b,c"], "numbers": [1], "a_double": 1.5, "a_status": "done", "at": "2026-11-21T04:45:00Z"});
    assert_eq!(json, expected);
    kinds.read(&json).unwrap();
    let bad = pairs(&[
        ("an_int32", "x"),
        ("an_int64", "99999999999999999999"),
        ("a_bool", "1"),
        ("a_string", "a"),
        ("a_string", "b"),
        ("limt", "1"),
        ("a_double", "inf"),
        ("counts", "1"),
        ("a_strin", ""),
    ]);
    let violations = kinds.from_text(&bad).unwrap_err();
    let said: Vec<_> = violations
        .iter()
        .map(|one| format!("{}: {}", one.field, one.error))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    an_int32: must be a whole number
    an_int64: must be between -9223372036854775808 and 9223372036854775807
    a_bool: must be true or false
    a_string: must be given only once
    limt: unknown parameter, did you mean `list`?
    a_double: must be a number
    counts: cannot be given as a parameter
    a_strin: unknown parameter, did you mean `a_string`?
    ");
}

#[test]
fn events_are_read_leniently() {
    let event = json!({
        "user": {"id": "not a uuid", "email": "x", "role": "janitor", "shoe_size": 43, "is_active": true},
        "unheard_of": [1],
    });
    let read: UserCreated = from_value(&event).unwrap();
    let user = read.user.clone().unwrap();
    assert_eq!((user.id.as_str(), user.role, user.is_active), ("not a uuid", 0, true));
    assert_eq!(from_value::<UserCreated>(&to_value(&read)).unwrap(), read);
    let wrong = from_value::<User>(&json!({"is_active": "yes"})).unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "this is no hostelpulse.auth.v1.User: is_active must be true or false, not a text"
    );
}

#[test]
fn a_request_of_the_product_is_checked_whole() {
    let shape = shape_of::<CreateUserRequest>();
    let json = json!({"email": "nope", "name": " ", "role": "boss", "passwrod": "x"});
    let violations = shape.read(&json).unwrap_err();
    let said: Vec<_> = violations
        .iter()
        .map(|one| format!("{}: {}", one.field, one.error))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    passwrod: unknown field, did you mean `password`?
    email: must be an e-mail address
    name: is required
    role: must be one of: student, warden, guard, staff, teacher, admin
    ");
    shape.read(&shape.sample()).unwrap();
}
