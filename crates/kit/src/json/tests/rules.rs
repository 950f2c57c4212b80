//! Field rules.

use serde_json::{Value, json};

use super::{compile, shape, violation};
use crate::json::{Shape, shape_of};

/// Reads one field beside what is required anyway.
fn one(name: &str, value: &Value) -> Result<Vec<u8>, String> {
    let ruled = shape("Ruled");
    let mut json = json!({"name": "Asha"});
    json[name] = value.clone();
    if ruled.read(&json).is_ok() {
        return ruled.read(&json).map_err(|_| String::new());
    }
    let (field, error) = violation(&ruled, &json);
    Err(format!("{field} {error}"))
}

#[test]
fn each_rule_refuses_in_its_own_words() {
    let cases = [
        ("id", json!("0198f1d27c3a7b4e9f602a1b3c4d5e6f"), "id must be a UUID"),
        ("id", json!(""), "id must be a UUID"),
        ("email", json!("a@b@c"), "email must be an e-mail address"),
        ("email", json!("a b@c"), "email must be an e-mail address"),
        ("email", json!("@c"), "email must be an e-mail address"),
        ("email", json!("a@.c"), "email must be an e-mail address"),
        (
            "email",
            json!(format!("a@{}.c", "b".repeat(251))),
            "email must be at most 254 characters",
        ),
        ("day", json!("2026-02-29"), "day must be a day as YYYY-MM-DD"),
        ("day", json!("2026-2-28"), "day must be a day as YYYY-MM-DD"),
        ("day", json!("0000-01-01"), "day must be a day as YYYY-MM-DD"),
        ("day", json!("२०२६-01"), "day must be a day as YYYY-MM-DD"),
        (
            "amount",
            json!(4500),
            "amount must be an amount as a text such as \"4500.00\", not a number",
        ),
        ("amount", json!("1e3"), "amount must be an amount such as \"4500.00\""),
        ("amount", json!("5."), "amount must be an amount such as \"4500.00\""),
        ("amount", json!("0.001"), "amount must have at most 2 decimals"),
        ("amount", json!("-1"), "amount must not be negative"),
        ("amount", json!("0"), "amount must be between 0.01 and 1000000"),
        ("amount", json!("1000000.01"), "amount must be between 0.01 and 1000000"),
        ("amount", json!("99999999999999999999"), "amount is too large an amount"),
        ("balance", json!("-1000.01"), "balance must be at least -1000"),
        ("name", json!("\u{a0} "), "name is required"),
        ("name", Value::Null, "name is required"),
        ("name", json!("ääääää"), "name must be at most 5 characters"),
        (
            "name",
            json!("a\tb"),
            "name must be one line without control characters",
        ),
        ("notes", json!("a\u{7}"), "notes must not contain control characters"),
        ("notes", json!("a"), "notes must be at least 2 characters"),
        ("code", json!("ABC"), "code must match [A-Z]{2}|[0-9]+"),
        ("code", json!("AB\n"), "code must match [A-Z]{2}|[0-9]+"),
        ("year", json!(5), "year must be between 1 and 4"),
        ("order", json!("up"), "order must be one of: asc, desc"),
        ("status", json!("pending"), "status must be one of: done"),
        ("tags", json!(["a", "b", "c"]), "tags must have at most 2 items"),
        ("tags", json!(["a", "abcd"]), "tags[1] must be at most 3 characters"),
        ("share", json!(-0.1), "share must be at least 0"),
        ("scans", json!([{"location": {}}]), "scans[0].qr_token is required"),
        ("scans", json!([{"qr_token": "q"}]), "scans[0].location is required"),
        (
            "scans",
            json!([{"qr_token": "q", "location": {"latitude": 91}}]),
            "scans[0].location.latitude must be between -90 and 90",
        ),
        ("image", json!("AAAAAAA="), "image must be at most 4 bytes"),
        ("labels", json!({"a": "b", "c": "d"}), "labels must have at most 1 item"),
        (
            "labels",
            json!({"a": "\n"}),
            "labels.a must be one line without control characters",
        ),
    ];
    for (name, value, error) in cases {
        assert_eq!(one(name, &value).unwrap_err(), error);
    }
}

/// What is wrong by the rules alone, of a request that its service checks.
fn all_rules_broken() -> Value {
    json!({"name": "Asha Verma", "year": 9, "id": "7", "status": "pending", "tags": ["abcd", "b", "c"]})
}

#[test]
fn what_only_breaks_rules_reaches_a_service_that_checks_them() {
    let shape = shape("CheckedLater");
    let mut broken = all_rules_broken();
    let text = super::write(&shape, &shape.read(&broken).unwrap());
    broken["scan"] = Value::Null;
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), broken);
    for nothing in [json!({}), json!({"name": "", "year": 0, "tags": []})] {
        assert_eq!(shape.read(&nothing).unwrap(), b"");
    }
    // A value that no message can hold as it is stands for none.
    assert_eq!(shape.read(&json!({"status": "burnt"})).unwrap(), b"");
    // What is right is read as ever.
    let right = json!({"name": "Asha", "id": "0198F1D2-7C3A-7B4E-9F60-2A1B3C4D5E6F"});
    assert!(super::write(&shape, &shape.read(&right).unwrap()).contains("0198f1d2-7c3a-7b4e-9f60-2a1b3c4d5e6f"));
}

#[test]
fn what_cannot_be_read_is_told_with_all_rules_that_are_broken() {
    let shape = shape("CheckedLater");
    let rules = ["name", "year", "id", "status", "tags", "tags[0]", "scan"];
    let unreadable = [
        ("surname", json!("Verma"), "surname"),
        ("scan", json!({"location": {}}), "scan.qr_token"),
        ("year", json!("nine"), "year"),
        ("id", json!(7), "id"),
        ("tags", json!(["abcd", "b", 7]), "tags[2]"),
    ];
    for (field, value, named) in unreadable {
        let mut request = all_rules_broken();
        request[field] = value;
        let violations = shape.read(&request).unwrap_err();
        let fields: Vec<_> = violations.iter().map(|one| one.field.as_str()).collect();
        assert!(fields.contains(&named), "{fields:?}");
        let others = rules.iter().filter(|name| **name != field);
        assert!(others.clone().all(|name| fields.contains(name)), "{field}: {fields:?}");
    }
}

#[test]
fn no_service_reads_more_than_anybody_wants_to_hear_of() {
    let tags = vec!["abcd"; 50];
    let violations = shape("CheckedLater").read(&json!({ "tags": tags })).unwrap_err();
    assert_eq!(violations.len(), 50);
}

#[test]
fn what_fits_is_taken_and_normalised() {
    let cases = [
        (
            "id",
            json!("0198F1D2-7C3A-7B4E-9F60-2A1B3C4D5E6F"),
            json!("0198f1d2-7c3a-7b4e-9f60-2a1b3c4d5e6f"),
        ),
        ("email", json!("Asha+x@Demo.Local"), json!("Asha+x@Demo.Local")),
        ("day", json!("2024-02-29"), json!("2024-02-29")),
        ("amount", json!("4500"), json!("4500.00")),
        ("amount", json!("0.1"), json!("0.10")),
        ("balance", json!("-0.05"), json!("-0.05")),
        ("name", json!("ääääé"), json!("ääääé")),
        ("notes", json!("a\n\tb"), json!("a\n\tb")),
        ("code", json!("12"), json!("12")),
        (
            "free",
            json!({"b": [1, null], "a": "x"}),
            json!({"b": [1, null], "a": "x"}),
        ),
        ("image", json!("AAE"), json!("AAE=")),
    ];
    let ruled = shape("Ruled");
    for (name, value, expected) in cases {
        let wire = one(name, &value).unwrap();
        let mut out = Vec::new();
        ruled.write_field(name, &wire, &mut out).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), expected, "{name}");
    }
}

#[test]
fn a_rule_that_does_not_fit_its_field_is_refused_by_name() {
    let cases = [
        (
            "int32 x = 1",
            "format: UUID",
            "format UUID needs a string field, this is int32",
        ),
        (
            "string x = 1",
            "format: MONEY",
            "format MONEY needs an int64 field, this is string",
        ),
        (
            "bool x = 1",
            "one_of: \"a\"",
            "one_of needs a string or enum field, this is bool",
        ),
        (
            "string x = 1",
            "pattern: \"(\"",
            "pattern \"(\" is no regular expression",
        ),
        (
            "string x = 1",
            "minimum: 1",
            "minimum or maximum needs a number field, this is string",
        ),
        (
            "int32 x = 1",
            "max_length: 1",
            "a length needs a string or bytes field, this is int32",
        ),
        (
            "string x = 1",
            "max_items: 1",
            "max_items needs a repeated field, this is string",
        ),
        ("int32 x = 1", "minimum: 2 maximum: 1", "minimum 2 is above maximum 1"),
        (
            "string x = 1",
            "min_length: 2 max_length: 1",
            "min_length 2 is above max_length 1",
        ),
        ("E x = 1", "one_of: \"b\"", "one_of names `b`, which E does not have"),
        (
            "int32 x = 1",
            "maximum: 3 example: \"4\"",
            "its example must be at most 3",
        ),
        (
            "int32 x = 1",
            "example: \"four\"",
            "its example must be a whole number, not a text",
        ),
    ];
    for (field, rule, problem) in cases {
        let source = format!(
            "syntax = \"proto3\"; package t; import \"hostelpulse/options/v1/options.proto\";
             enum E {{ E_UNSPECIFIED = 0; E_A = 1; }}
             message M {{ {field} [(hostelpulse.options.v1.field) = {{{rule}}}]; }}"
        );
        let message = compile(&source).get_message_by_name("t.M").unwrap();
        let error = Shape::of(&message).unwrap_err().to_string();
        assert!(error.starts_with(&format!("t.M.x: {problem}")), "{error}");
    }
}

#[test]
fn a_well_known_type_without_a_form_is_refused() {
    let source =
        "syntax = \"proto3\"; import \"google/protobuf/any.proto\"; message M { google.protobuf.Any any = 1; }";
    let message = compile(source).get_message_by_name("M").unwrap();
    let error = Shape::of(&message).unwrap_err().to_string();
    assert_eq!(error, "google.protobuf.Any: this well-known type has no JSON form here");
}

#[test]
fn samples_obey_the_rules() {
    for name in ["Ruled", "Kinds"] {
        let shape = shape(name);
        let sample = shape.sample();
        // The sample of `code` obeys its pattern only because it has an example.
        shape
            .read(&sample)
            .unwrap_or_else(|violations| panic!("{violations:?} in {sample}"));
    }
    insta::assert_json_snapshot!(shape_of::<proto::auth::LoginRequest>().sample(), @r#"
    {
      "identifier": "student@demo.local",
      "password": "Demo@1234",
      "cookie": true
    }
    "#);
}
