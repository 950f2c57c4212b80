//! Messages that are one of several: flat, with a tag.

use serde_json::{Value, json};

use super::{compile, read, shape, violation, write};
use crate::json::Shape;

#[test]
fn what_is_held_is_written_flat_with_its_tag_first() {
    let told = shape("Told");
    assert_eq!(
        write(&told, b"\x0a\x02\x08\x05"),
        r#"{"type":"inner","second":"","first":5}"#
    );
    assert_eq!(write(&told, b"\x1a\x00"), r#"{"type":"nothing"}"#);
    // In two pieces, and the last of two that exclude each other.
    assert_eq!(
        write(&told, b"\x0a\x02\x08\x05\x0a\x03\x12\x01x"),
        r#"{"type":"inner","second":"x","first":5}"#
    );
    assert_eq!(write(&told, b"\x0a\x02\x08\x05\x1a\x00"), r#"{"type":"nothing"}"#);
    // Nothing, or something from the future.
    assert_eq!(write(&told, b""), r#"{"type":null}"#);
    assert_eq!(write(&told, b"\x4a\x02\x08\x05"), r#"{"type":null}"#);
    assert_eq!(
        write(&shape("Telling"), b"\x0a\x02\x1a\x00\x0a\x04\x0a\x02\x08\x07"),
        r#"{"told":[{"type":"nothing"},{"type":"inner","second":"","first":7}]}"#
    );
}

#[test]
fn a_tag_on_a_field_that_is_no_message_on_the_wire_is_broken() {
    assert!(shape("Told").write(b"\x08\x05", &mut Vec::new()).is_err());
}

#[test]
fn what_is_read_is_what_is_written() {
    let told = shape("Told");
    for json in [
        json!({"type": "inner", "second": "x", "first": 5}),
        json!({"type": "place", "latitude": -3.5}),
        json!({"type": "nothing"}),
    ] {
        let wire = told.read(&json).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&write(&told, &wire)).unwrap(), json);
        read(&told, &json);
    }
}

#[test]
fn an_unknown_tag_is_refused_by_the_names_that_are_known() {
    let told = shape("Told");
    let wrong = |json: Value| {
        let (field, error) = violation(&told, &json);
        format!("{field} {error}")
    };
    assert_eq!(wrong(json!({})), "type is required");
    assert_eq!(wrong(json!({"type": null})), "type is required");
    assert_eq!(
        wrong(json!({"type": "outer"})),
        "type must be one of: inner, place, nothing"
    );
    assert_eq!(wrong(json!({"type": 1})), "type must be one of: inner, place, nothing");
    assert_eq!(wrong(json!({"type": "nothing", "first": 1})), "first unknown field");
    assert_eq!(
        wrong(json!({"type": "place", "latitude": 91})),
        "latitude must be between -90 and 90"
    );
}

#[test]
fn the_sample_is_taken() {
    let told = shape("Told");
    let sample = told.sample();
    assert_eq!(sample["type"], "inner");
    told.read(&sample).unwrap();
}

#[test]
fn a_tag_that_does_not_fit_its_message_is_refused() {
    let cases = [
        (
            "Type",
            "oneof one { A a = 1; }",
            "t.M: tagged_by `Type` is no name of a field",
        ),
        ("type", "", "t.M: tagged_by needs a oneof of messages"),
        (
            "type",
            "oneof one { A a = 1; } A b = 2;",
            "t.M.b: tagged_by needs every field",
        ),
        (
            "type",
            "oneof one { A a = 1; } oneof two { A b = 2; }",
            "t.M.b: tagged_by needs every field",
        ),
        ("type", "optional A a = 1;", "t.M.a: tagged_by needs every field"),
        (
            "type",
            "oneof one { string a = 1; }",
            "t.M.a: tagged_by needs messages in its oneof",
        ),
        (
            "type",
            "oneof one { M a = 1; }",
            "t.M.a: t.M has no fields of its own beside a tag",
        ),
        (
            "type",
            "oneof one { google.protobuf.Timestamp a = 1; }",
            "t.M.a: google.protobuf.Timestamp has no fields of its own",
        ),
        (
            "name",
            "oneof one { A a = 1; }",
            "t.M.a: t.A has a field `name` of its own",
        ),
    ];
    for (tag, fields, problem) in cases {
        let source = format!(
            "syntax = \"proto3\"; package t; import \"hostelpulse/options/v1/options.proto\";
             import \"google/protobuf/timestamp.proto\";
             message A {{ string name = 1; }}
             message M {{ option (hostelpulse.options.v1.tagged_by) = \"{tag}\"; {fields} }}"
        );
        let message = compile(&source).get_message_by_name("t.M").unwrap();
        let error = Shape::of(&message).unwrap_err().to_string();
        assert!(error.starts_with(problem), "{error}");
    }
}
