//! Wire bytes to JSON text, with no message in between.
//!
//! A message is looked over once to find where each field stands, then written field by field in declared order.

use std::{collections::BTreeMap, str};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use prost::Message as _;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{
    forms,
    shape::{FieldShape, Form, Holds, MessageShape, Types, ValueKind},
    wire::{Cursor, Raw, WireError},
};

/// Deepest nesting that is written; prost has the same limit for reading.
const MAX_DEPTH: usize = 100;

pub(super) fn message(types: &Types, wire: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
    let root = types.root();
    let mut writer = Writer {
        types,
        out,
        slots: Vec::with_capacity(2 * root.fields.len()),
        depth: 0,
    };
    writer.message(root, wire)
}

pub(super) fn field(types: &Types, name: &str, wire: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
    let root = types.root();
    let index = root
        .index_of(name)
        .ok_or_else(|| WireError::NoSuchField(name.to_owned()))?;
    let mut slots = vec![Slot::default(); root.fields.len()];
    scan(root, wire, &mut slots)?;
    let slot = slots[index];
    let mut writer = Writer {
        types,
        out,
        slots,
        depth: 1,
    };
    writer.field(&root.fields[index], slot, wire)
}

/// Where a field stands in the bytes of its message.
#[derive(Clone, Copy, Debug, Default)]
struct Slot<'w> {
    /// How often it was seen.
    seen: usize,
    /// From the start of the first to the end of the last.
    start: usize,
    end: usize,
    last: Option<Raw<'w>>,
}

fn scan<'w>(shape: &MessageShape, wire: &'w [u8], slots: &mut [Slot<'w>]) -> Result<(), WireError> {
    let mut cursor = Cursor::new(wire);
    let mut start = 0;
    while let Some((number, raw)) = cursor.next()? {
        let end = cursor.offset();
        if let Some(index) = shape.index_of_number(number) {
            if let Some(oneof) = shape.fields[index].oneof {
                forget_siblings(shape, oneof, index, slots);
            }
            let slot = &mut slots[index];
            if slot.seen == 0 {
                slot.start = start;
            }
            slot.seen += 1;
            slot.end = end;
            slot.last = Some(raw);
        }
        start = end;
    }
    Ok(())
}

/// Of the fields of a `oneof` the last one holds.
fn forget_siblings(shape: &MessageShape, oneof: usize, index: usize, slots: &mut [Slot<'_>]) {
    for (other, field) in shape.fields.iter().enumerate() {
        if field.oneof == Some(oneof) && other != index {
            slots[other] = Slot::default();
        }
    }
}

struct Writer<'a, 'w> {
    types: &'a Types,
    out: &'a mut Vec<u8>,
    /// The slots of the messages being written, the innermost last.
    slots: Vec<Slot<'w>>,
    depth: usize,
}

impl<'a, 'w> Writer<'a, 'w> {
    fn message(&mut self, shape: &'a MessageShape, wire: &'w [u8]) -> Result<(), WireError> {
        if shape.form != Form::Object {
            return self.well_known(shape.form, wire);
        }
        match &shape.tag {
            Some(tag) => self.tagged(shape, tag, wire),
            None => self.object(shape, wire, b"{"),
        }
    }

    /// `head` is how the object begins: its brace, and the tag where it has one.
    fn object(&mut self, shape: &'a MessageShape, wire: &'w [u8], head: &[u8]) -> Result<(), WireError> {
        if self.depth >= MAX_DEPTH {
            return Err(WireError::TooDeep);
        }
        self.depth += 1;
        let base = self.slots.len();
        self.slots.resize(base + shape.fields.len(), Slot::default());
        scan(shape, wire, &mut self.slots[base..])?;
        self.out.extend_from_slice(head);
        for (position, &index) in shape.declared.iter().enumerate() {
            if position > 0 || head.len() > 1 {
                self.out.push(b',');
            }
            let field = &shape.fields[index];
            self.out.extend_from_slice(&field.key);
            self.field(field, self.slots[base + index], wire)?;
        }
        self.out.push(b'}');
        self.slots.truncate(base);
        self.depth -= 1;
        Ok(())
    }

    /// The message that the `oneof` holds, with the tag before its fields. Where it holds none that is known, the tag is `null`.
    fn tagged(&mut self, shape: &'a MessageShape, tag: &str, wire: &'w [u8]) -> Result<(), WireError> {
        let mut slots = vec![Slot::default(); shape.fields.len()];
        scan(shape, wire, &mut slots)?;
        let held = shape.fields.iter().zip(&slots).find(|(_, slot)| slot.seen > 0);
        let Some((field, slot)) = held else {
            self.out.extend_from_slice(format!("{{\"{tag}\":null}}").as_bytes());
            return Ok(());
        };
        let ValueKind::Message(index) = field.kind else {
            return Err(WireError::WrongType(field.name.clone()));
        };
        let whole = joined(field, &wire[slot.start..slot.end])?;
        let mut inner = Writer {
            types: self.types,
            out: &mut *self.out,
            slots: Vec::new(),
            depth: self.depth,
        };
        let beginning = format!("{{\"{tag}\":\"{}\"", field.name);
        inner.object(&self.types.messages[index], &whole, beginning.as_bytes())
    }

    fn field(&mut self, field: &'a FieldShape, slot: Slot<'w>, wire: &'w [u8]) -> Result<(), WireError> {
        let Some(last) = slot.last else {
            self.out.extend_from_slice(&field.absent);
            return Ok(());
        };
        let around = &wire[slot.start..slot.end];
        match (&field.holds, &field.kind) {
            (Holds::List { .. }, _) => self.list(field, around),
            (Holds::Map { key }, _) => self.map(field, key, around),
            (Holds::One { .. }, ValueKind::Message(index)) if slot.seen > 1 => self.merged(field, *index, around),
            (Holds::One { .. }, kind) => self.value(field, kind, last),
        }
    }

    fn merged(&mut self, field: &'a FieldShape, index: usize, around: &'w [u8]) -> Result<(), WireError> {
        let whole = joined(field, around)?;
        let mut inner = Writer {
            types: self.types,
            out: &mut *self.out,
            slots: Vec::new(),
            depth: self.depth,
        };
        inner.message(&self.types.messages[index], &whole)
    }

    fn list(&mut self, field: &'a FieldShape, around: &'w [u8]) -> Result<(), WireError> {
        let element = field.kind.wire_type();
        let mut first = true;
        let mut cursor = Cursor::new(around);
        self.out.push(b'[');
        while let Some((number, raw)) = cursor.next()? {
            if number != field.number {
                continue;
            }
            // Numbers may come packed into one value or one by one, whatever the proto says.
            if let Raw::Bytes(packed) = raw
                && raw.wire_type() != element
            {
                let mut inner = Cursor::new(packed);
                while !inner.is_at_end() {
                    let raw = inner.value(element)?;
                    self.separate(&mut first);
                    self.value(field, &field.kind, raw)?;
                }
            } else {
                self.separate(&mut first);
                self.value(field, &field.kind, raw)?;
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn separate(&mut self, first: &mut bool) {
        if !*first {
            self.out.push(b',');
        }
        *first = false;
    }

    /// Sorted by key, and each key once: the last entry holds.
    fn map(&mut self, field: &'a FieldShape, key: &'a ValueKind, around: &'w [u8]) -> Result<(), WireError> {
        let mut entries = BTreeMap::new();
        let mut cursor = Cursor::new(around);
        while let Some((number, raw)) = cursor.next()? {
            if number != field.number {
                continue;
            }
            let Raw::Bytes(entry) = raw else {
                return Err(WireError::WrongType(field.name.clone()));
            };
            let (name, value) = entry_parts(entry)?;
            entries.insert(self.map_key(field, key, name)?, value);
        }
        self.out.push(b'{');
        let mut first = true;
        for (name, value) in entries {
            self.separate(&mut first);
            self.out.extend_from_slice(&name);
            self.out.push(b':');
            match value {
                Some(value) => self.value(field, &field.kind, value)?,
                None => self.value(field, &field.kind, default_of(&field.kind))?,
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    /// The key as JSON text, which is always a string.
    fn map_key(
        &mut self,
        field: &'a FieldShape,
        key: &'a ValueKind,
        raw: Option<Raw<'w>>,
    ) -> Result<Vec<u8>, WireError> {
        let start = self.out.len();
        self.value(field, key, raw.unwrap_or_else(|| default_of(key)))?;
        let mut text = self.out.split_off(start);
        if !matches!(key, ValueKind::Text) {
            text.insert(0, b'"');
            text.push(b'"');
        }
        Ok(text)
    }

    fn value(&mut self, field: &FieldShape, kind: &'a ValueKind, raw: Raw<'w>) -> Result<(), WireError> {
        let wrong_type = || WireError::WrongType(field.name.clone());
        match (kind, raw) {
            (ValueKind::Text, Raw::Bytes(bytes)) => put_text(utf8(field, bytes)?, self.out),
            (ValueKind::JsonText, Raw::Bytes(bytes)) => put_json(utf8(field, bytes)?, self.out),
            (ValueKind::Bytes, Raw::Bytes(bytes)) => put_text(&BASE64_STANDARD.encode(bytes), self.out),
            (ValueKind::Message(index), Raw::Bytes(bytes)) => self.message(&self.types.messages[*index], bytes)?,
            (ValueKind::Bool, Raw::Varint(bits)) => {
                self.out.extend_from_slice(if bits == 0 { b"false" } else { b"true" });
            }
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the low half is the number of an enum value"
            )]
            (ValueKind::Enum(names), Raw::Varint(bits)) => self.out.extend_from_slice(names.text(bits as i32)),
            (ValueKind::Double, Raw::Fixed64(bits)) => put_json_value(&f64::from_bits(bits).into(), self.out),
            (ValueKind::Float, Raw::Fixed32(bits)) => put_float(f32::from_bits(bits), self.out),
            (ValueKind::Integer(integer), raw) => {
                forms::put_integer(integer.decode(raw).ok_or_else(wrong_type)?, self.out);
            }
            (ValueKind::Money(integer), raw) => {
                forms::put_money(integer.decode(raw).ok_or_else(wrong_type)?, self.out);
            }
            _ => return Err(wrong_type()),
        }
        Ok(())
    }

    fn well_known(&mut self, form: Form, wire: &[u8]) -> Result<(), WireError> {
        match form {
            Form::Timestamp | Form::Duration => {
                let (seconds, nanos) = seconds_and_nanos(wire)?;
                if form == Form::Timestamp {
                    forms::put_timestamp(seconds, nanos, self.out);
                } else {
                    forms::put_duration(seconds, nanos, self.out);
                }
            }
            Form::Struct => put_json_value(&forms::from_struct(prost_types::Struct::decode(wire)?), self.out),
            Form::List => put_json_value(&forms::from_list(prost_types::ListValue::decode(wire)?), self.out),
            // An object never comes here.
            Form::Value | Form::Object => {
                put_json_value(&forms::from_value(prost_types::Value::decode(wire)?), self.out);
            }
        }
        Ok(())
    }
}

/// A message that came in several pieces is their concatenation.
fn joined(field: &FieldShape, around: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut whole = Vec::with_capacity(around.len());
    let mut cursor = Cursor::new(around);
    while let Some((number, raw)) = cursor.next()? {
        match raw {
            Raw::Bytes(piece) if number == field.number => whole.extend_from_slice(piece),
            _ if number == field.number => return Err(WireError::WrongType(field.name.clone())),
            _ => {}
        }
    }
    Ok(whole)
}

/// Timestamp and Duration are alike on the wire.
fn seconds_and_nanos(wire: &[u8]) -> Result<(i64, i64), WireError> {
    let mut parts = [0; 2];
    let mut cursor = Cursor::new(wire);
    while let Some((number, raw)) = cursor.next()? {
        if let (1 | 2, Raw::Varint(bits)) = (number, raw) {
            parts[number as usize - 1] = bits.cast_signed();
        }
    }
    Ok((parts[0], parts[1]))
}

/// Key and value of a map's entry.
fn entry_parts(entry: &[u8]) -> Result<(Option<Raw<'_>>, Option<Raw<'_>>), WireError> {
    let (mut key, mut value) = (None, None);
    let mut cursor = Cursor::new(entry);
    while let Some((number, raw)) = cursor.next()? {
        match number {
            1 => key = Some(raw),
            2 => value = Some(raw),
            _ => {}
        }
    }
    Ok((key, value))
}

fn default_of(kind: &ValueKind) -> Raw<'static> {
    use prost::encoding::WireType;
    match kind.wire_type() {
        WireType::SixtyFourBit => Raw::Fixed64(0),
        WireType::ThirtyTwoBit => Raw::Fixed32(0),
        WireType::LengthDelimited => Raw::Bytes(b""),
        _ => Raw::Varint(0),
    }
}

fn utf8<'w>(field: &FieldShape, bytes: &'w [u8]) -> Result<&'w str, WireError> {
    str::from_utf8(bytes).map_err(|_| WireError::NotUtf8(field.name.clone()))
}

/// What stands for a byte within a JSON string: 0 for itself, `u` for `\u00xx`, else the letter after the backslash.
static ESCAPES: [u8; 256] = {
    let mut table = [0_u8; 256];
    let mut control = 0;
    while control < 0x20 {
        table[control] = b'u';
        control += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// A text as a JSON string.
fn put_text(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bytes = text.as_bytes();
    let mut written = 0;
    out.push(b'"');
    for (at, &byte) in bytes.iter().enumerate() {
        let escape = ESCAPES[usize::from(byte)];
        if escape == 0 {
            continue;
        }
        out.extend_from_slice(&bytes[written..at]);
        out.extend_from_slice(&[b'\\', escape]);
        if escape == b'u' {
            out.extend_from_slice(&[b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
        written = at + 1;
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}

/// JSON carried as text: itself where it is JSON, on one line; nothing is `null`; anything else is shown as a text.
fn put_json(text: &str, out: &mut Vec<u8>) {
    if text.is_empty() {
        out.extend_from_slice(b"null");
    } else if serde_json::from_str::<IgnoredAny>(text).is_ok() {
        // Within valid JSON a bare line break can only stand between tokens.
        out.extend(
            text.bytes()
                .map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }),
        );
    } else {
        put_text(text, out);
    }
}

/// Infinite numbers and NaN, which JSON does not have, become `null`.
fn put_json_value(value: &Value, out: &mut Vec<u8>) {
    let text = value.to_string();
    out.extend_from_slice(text.as_bytes());
}

fn put_float(number: f32, out: &mut Vec<u8>) {
    if number.is_finite() {
        // The shortest text that gives the same number back, with a decimal point.
        out.extend_from_slice(format!("{number:?}").as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}
