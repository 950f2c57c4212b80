//! Wire bytes to JSON.

use prost::Message as _;
use proto::{
    audit::Entry,
    auth::{JwksResponse, ListUsersResponse, User},
    options::Role,
    types::Page,
};
use serde_json::{Value, json};

use super::{shape, write};
use crate::json::{Shape, WireError, shape_of, to_value};

fn asha() -> User {
    User {
        id: "0198f1d2-7c3a-7b4e-9f60-2a1b3c4d5e6f".to_owned(),
        email: "asha@demo.local".to_owned(),
        name: "Asha \"A\"\n\u{1}\\ Verma é".to_owned(),
        role: Role::Student.into(),
        registration_no: None,
        is_active: true,
        created_at: Some(prost_types::Timestamp {
            seconds: 1_790_000_000,
            nanos: 123_456_000,
        }),
        updated_at: Some(prost_types::Timestamp {
            seconds: -62_135_596_800,
            nanos: 0,
        }),
        last_login_at: None,
    }
}

#[test]
fn every_field_is_written_in_declared_order() {
    insta::assert_snapshot!(write(&shape_of::<User>(), &asha().encode_to_vec()), @r#"{"id":"0198f1d2-7c3a-7b4e-9f60-2a1b3c4d5e6f","email":"asha@demo.local","name":"Asha \"A\"\n\u0001\\ Verma é","role":"student","registration_no":null,"is_active":true,"created_at":"2026-09-21T14:13:20.123456Z","updated_at":"0001-01-01T00:00:00Z","last_login_at":null}"#);
    let kinds = shape("Kinds");
    insta::assert_snapshot!(write(&kinds, b""), @r#"{"a_double":0.0,"a_float":0.0,"an_int32":0,"an_int64":0,"a_uint32":0,"a_uint64":0,"a_sint32":0,"a_sint64":0,"a_fixed32":0,"a_fixed64":0,"a_sfixed32":0,"a_sfixed64":0,"a_bool":false,"a_string":"","some_bytes":"","a_status":null,"a_level":"low","inner":null,"maybe_int":null,"maybe_string":null,"maybe_status":null,"numbers":[],"unpacked":[],"doubles":[],"strings":[],"statuses":[],"inners":[],"counts":{},"by_number":{},"by_flag":{},"text_choice":null,"inner_choice":null,"number_choice":null,"at":null,"span":null,"object":null,"any":null,"list":null,"moments":[],"again":null,"early":false}"#);
    insta::assert_snapshot!(write(&shape("Inner"), b"\x08\x05\x12\x01x"), @r#"{"second":"x","first":5}"#);
}

#[test]
fn one_field_alone_is_written_for_the_envelope() {
    let response = ListUsersResponse {
        users: vec![asha(), asha()],
        page: Some(Page {
            current_page: 1,
            per_page: 20,
            total_pages: 1,
            total_items: 2,
        }),
    };
    let shape = shape_of::<ListUsersResponse>();
    let field = |name: &str, wire: &[u8]| {
        let mut out = Vec::new();
        shape.write_field(name, wire, &mut out).unwrap();
        serde_json::from_slice::<Value>(&out).unwrap()
    };
    let wire = response.encode_to_vec();
    assert_eq!(field("users", &wire).as_array().unwrap().len(), 2);
    assert_eq!(field("page", &wire)["total_items"], 2);
    assert_eq!(field("users", b""), json!([]));
    assert_eq!(field("page", b""), Value::Null);
    let missing = shape.write_field("rows", &wire, &mut Vec::new());
    assert!(matches!(missing, Err(WireError::NoSuchField(name)) if name == "rows"));
}

#[test]
fn json_carried_as_text_is_shown_as_itself() {
    let jwks = |text: &str| to_value(&JwksResponse { jwks: text.to_owned() })["jwks"].take();
    assert_eq!(jwks("{\"keys\":\r\n []}"), json!({"keys": []}));
    assert_eq!(jwks(""), Value::Null);
    assert_eq!(jwks("{oops"), json!("{oops"));
    let entry = Entry {
        changes: "{\n}".to_owned(),
        ..Entry::default()
    };
    let line = write(&shape_of::<Entry>(), &entry.encode_to_vec());
    assert!(line.contains("\"changes\":{ }") && !line.contains('\n'), "{line}");
}

#[test]
fn the_last_of_several_holds_and_pieces_of_a_message_are_joined() {
    let kinds = shape("Kinds");
    let json = |wire: &[u8]| serde_json::from_str::<Value>(&write(&kinds, wire)).unwrap();
    // an_int32 twice.
    assert_eq!(json(b"\x18\x01\x18\x02")["an_int32"], 2);
    // inner in two pieces, with another field between them.
    let joined = json(b"\x92\x01\x02\x08\x07\x18\x01\x92\x01\x03\x12\x01x");
    assert_eq!(joined["inner"], json!({"first": 7, "second": "x"}));
    // text_choice, then number_choice: the later one of a oneof.
    let choice = json(b"\xfa\x01\x01a\x88\x02\x05");
    assert_eq!(
        (&choice["text_choice"], &choice["number_choice"]),
        (&Value::Null, &json!(5))
    );
    // numbers packed and unpacked in one message.
    assert_eq!(json(b"\xb2\x01\x02\x01\x02\xb0\x01\x03")["numbers"], json!([1, 2, 3]));
    // A key of a map twice.
    let counts = json(b"\xe2\x01\x05\x0a\x01a\x10\x01\xe2\x01\x05\x0a\x01a\x10\x02");
    assert_eq!(counts["counts"], json!({"a": 2}));
}

#[test]
fn what_nobody_knows_is_passed_over() {
    let inner = shape("Inner");
    // Field 9 as varint, fixed, bytes and group.
    let wire = b"\x48\x01\x49\0\0\0\0\0\0\0\0\x4a\x02ab\x4b\x08\x01\x4c\x4d\0\0\0\0\x08\x05";
    assert_eq!(write(&inner, wire), r#"{"second":"","first":5}"#);
    // An enum value from the future.
    let future = serde_json::from_str::<Value>(&write(&shape("Kinds"), b"\x80\x01\x63")).unwrap();
    assert_eq!(future["a_status"], Value::Null);
}

#[test]
fn broken_bytes_are_an_error_and_leave_the_text_as_it_was() {
    let kinds = shape("Kinds");
    let cases: [&[u8]; 6] = [
        b"\x18",
        b"\x72\x05ab",
        b"\x72\x01\xff",
        b"\x18\x01\x1a\x01a",
        b"\x09\x01",
        b"\0\0",
    ];
    for wire in cases {
        let mut out = b"before".to_vec();
        assert!(kinds.write(wire, &mut out).is_err(), "{wire:?}");
        assert_eq!(out, b"before");
    }
}

#[test]
fn nesting_without_end_is_refused() {
    let kinds = shape("Kinds");
    let mut wire = Vec::new();
    for _ in 0..150 {
        let mut outer = vec![0xc2, 0x02];
        prost::encoding::encode_varint(wire.len() as u64, &mut outer);
        outer.extend_from_slice(&wire);
        wire = outer;
    }
    assert!(matches!(kinds.write(&wire, &mut Vec::new()), Err(WireError::TooDeep)));
}

#[test]
fn what_json_cannot_say_is_null() {
    let kinds = shape("Kinds");
    let mut wire = vec![0x09];
    wire.extend_from_slice(&f64::NAN.to_le_bytes());
    wire.push(0x15);
    wire.extend_from_slice(&f32::INFINITY.to_le_bytes());
    // A moment of the year 292 billion.
    wire.extend_from_slice(b"\x92\x02\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
    let json: Value = serde_json::from_str(&write(&kinds, &wire)).unwrap();
    assert_eq!(
        (&json["a_double"], &json["a_float"], &json["at"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
}

#[test]
fn every_message_of_the_contract_has_a_shape() {
    for message in crate::contract::pool().all_messages() {
        let ours = message.package_name().starts_with("hostelpulse.");
        if ours && !message.is_map_entry() {
            Shape::of(&message).unwrap();
        }
    }
}
