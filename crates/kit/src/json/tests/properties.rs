//! What holds for any bytes and any JSON.

use proptest::{collection::vec, prelude::*};
use prost::Message as _;
use prost_reflect::{DynamicMessage, Kind, MapKey, MessageDescriptor, SerializeOptions, Value as Reflected};
use serde_json::{Map, Value};

use super::{kinds, shape, write};

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((name(), inner), 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Names of fields, mostly.
fn name() -> impl Strategy<Value = String> {
    let known: Vec<String> = kinds("Kinds").fields().map(|field| field.name().to_owned()).collect();
    prop_oneof![9 => proptest::sample::select(known), 1 => "\\PC{0,8}"]
}

/// A message filled by a seed: each field present or not, each value near its edges or in between.
fn fill(message: &MessageDescriptor, seed: &mut Seed, depth: usize) -> DynamicMessage {
    let mut filled = DynamicMessage::new(message.clone());
    if let Some(moment) = well_known(message, seed) {
        return moment;
    }
    for field in message.fields() {
        let nested = matches!(field.kind(), Kind::Message(_));
        if seed.below(3) == 0 || (nested && depth == 0) {
            continue;
        }
        let value = if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
            let entries = (0..seed.below(3)).map(|_| {
                let key = key_of(scalar(&entry.map_entry_key_field().kind(), seed, depth));
                (key, scalar(&entry.map_entry_value_field().kind(), seed, depth))
            });
            Reflected::Map(entries.collect())
        } else if field.is_list() {
            Reflected::List((0..seed.below(4)).map(|_| scalar(&field.kind(), seed, depth)).collect())
        } else {
            scalar(&field.kind(), seed, depth)
        };
        filled.set_field(&field, value);
    }
    filled
}

fn well_known(message: &MessageDescriptor, seed: &mut Seed) -> Option<DynamicMessage> {
    let mut filled = DynamicMessage::new(message.clone());
    match message.full_name() {
        "google.protobuf.Timestamp" => {
            filled.set_field_by_name("seconds", Reflected::I64(seed.next().cast_signed() % 60_000_000_000));
            // Whole microseconds, as everywhere here.
            let micros = i32::try_from(seed.below(1_000_000)).unwrap();
            filled.set_field_by_name("nanos", Reflected::I32(micros * 1000));
        }
        "google.protobuf.Duration" => {
            let sign = if seed.below(2) == 0 { 1 } else { -1 };
            let seconds = i64::try_from(seed.below(315_576_000_000)).unwrap();
            filled.set_field_by_name("seconds", Reflected::I64(sign * seconds));
            let nanos = i32::try_from(seed.below(1_000_000_000)).unwrap();
            filled.set_field_by_name("nanos", Reflected::I32(i32::try_from(sign).unwrap() * nanos));
        }
        "google.protobuf.Value" => filled.set_field_by_name("string_value", Reflected::String(seed.text())),
        _ => return None,
    }
    Some(filled)
}

fn scalar(kind: &Kind, seed: &mut Seed, depth: usize) -> Reflected {
    let bits = seed.next();
    #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
    let low = bits as u32;
    match kind {
        // Few digits: serde_json reads longer decimals to the last bit only with its feature for that.
        Kind::Double => Reflected::F64(f64::from(low.cast_signed() >> 12) / 64.0),
        Kind::Float => Reflected::F32(f32::from(i16::try_from(low >> 20).unwrap()) / -64.0),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Reflected::I32(low.cast_signed()),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Reflected::I64(bits.cast_signed()),
        Kind::Uint32 | Kind::Fixed32 => Reflected::U32(low),
        Kind::Uint64 | Kind::Fixed64 => Reflected::U64(bits),
        Kind::Bool => Reflected::Bool(bits.is_multiple_of(2)),
        Kind::String => Reflected::String(seed.text()),
        Kind::Bytes => Reflected::Bytes(seed.text().into_bytes().into()),
        Kind::Message(inner) => Reflected::Message(fill(inner, seed, depth.saturating_sub(1))),
        Kind::Enum(values) => {
            let known: Vec<i32> = values
                .values()
                .map(|value| value.number())
                .filter(|number| *number != 0)
                .collect();
            Reflected::EnumNumber(known[usize::try_from(bits).unwrap() % known.len()])
        }
    }
}

fn key_of(value: Reflected) -> MapKey {
    match value {
        Reflected::I32(key) => MapKey::I32(key),
        Reflected::Bool(key) => MapKey::Bool(key),
        Reflected::String(key) => MapKey::String(key),
        other => panic!("no map of the test is keyed by {other:?}"),
    }
}

/// Bits that look random and are the same for the same seed.
struct Seed(u64);

impl Seed {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) >> (self.0 % 48)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn text(&mut self) -> String {
        let letters = ['a', 'é', '"', '\\', '\n', '\u{1f}', '\u{7f}', '😀', '/', ' '];
        let length = self.below(9);
        let picks = (0..length).map(|_| letters[usize::try_from(self.below(10)).unwrap()]);
        picks.collect()
    }
}

/// What prost-reflect writes, brought to our conventions where they differ from its own.
fn expected(message: &DynamicMessage) -> Value {
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false)
        .skip_default_fields(true);
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .unwrap()
}

/// Ours, with what prost-reflect leaves out left out.
fn without_absent(json: &Value) -> Value {
    match json {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                kept.map(|(name, value)| (name.clone(), without_absent(value)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(without_absent).collect()),
        other => other.clone(),
    }
}

/// Whether everything that prost-reflect says stands in ours as well; what it leaves out must be a default.
fn agrees(theirs: &Value, ours: &Value) -> Result<(), String> {
    let differ = || Err(format!("{theirs} is not {ours}"));
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (name, value) in theirs {
                agrees(value, ours.get(name).ok_or_else(|| format!("{name} is missing"))?)?;
            }
            let left_out = ours.iter().filter(|(name, _)| !theirs.contains_key(*name));
            let mut not_default = left_out.filter(|(_, value)| !is_default(value));
            not_default
                .next()
                .map_or(Ok(()), |(name, value)| Err(format!("{name} is {value}")))
        }
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => theirs
            .iter()
            .zip(ours)
            .try_for_each(|(theirs, ours)| agrees(theirs, ours)),
        (Value::String(theirs), Value::String(ours)) => {
            let same_name = theirs.to_lowercase().trim_start_matches("status_") == ours;
            let same_fraction =
                theirs.trim_end_matches(['0', 's', 'Z', '.']) == ours.trim_end_matches(['0', 's', 'Z', '.']);
            if theirs == ours || same_name || same_fraction {
                Ok(())
            } else {
                differ()
            }
        }
        (Value::Number(theirs), Value::Number(ours)) if theirs.as_f64() == ours.as_f64() => Ok(()),
        (theirs, ours) if theirs == ours => Ok(()),
        _ => differ(),
    }
}

fn is_default(json: &Value) -> bool {
    match json {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text == "low",
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_json_is_read_or_refused(json in any_json()) {
        for name in ["Kinds", "Ruled"] {
            if let Ok(wire) = shape(name).read(&json) {
                DynamicMessage::decode(kinds(name), wire.as_slice()).unwrap();
            }
        }
    }

    #[test]
    fn any_bytes_are_written_as_json_or_refused(wire in vec(any::<u8>(), 0..80)) {
        let mut out = Vec::new();
        match shape("Kinds").write(&wire, &mut out) {
            Ok(()) => { serde_json::from_slice::<Value>(&out).unwrap(); }
            Err(_) => prop_assert!(out.is_empty()),
        }
    }

    #[test]
    fn a_message_is_written_as_prost_reflect_would_and_comes_back(seed in any::<u64>()) {
        let kinds = shape("Kinds");
        let message = fill(kinds.descriptor(), &mut Seed(seed), 3);
        let wire = message.encode_to_vec();
        // Without the defaults that were set explicitly.
        let message = DynamicMessage::decode(kinds.descriptor().clone(), wire.as_slice()).unwrap();
        let ours: Value = serde_json::from_str(&write(&kinds, &wire)).unwrap();
        agrees(&expected(&message), &ours).map_err(TestCaseError::fail)?;
        for json in [&ours, &without_absent(&ours)] {
            let wire = kinds.read(json).map_err(|violations| TestCaseError::fail(format!("{violations:?}")))?;
            let back = DynamicMessage::decode(kinds.descriptor().clone(), wire.as_slice()).unwrap();
            // Their Debug walks through descriptors that refer to themselves.
            prop_assert!(back == message, "came back as {}", expected(&back));
        }
    }
}
