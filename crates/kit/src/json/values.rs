//! Single values: from JSON to what stands on the wire, with their rules checked.

use std::borrow::Cow;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use prost::Message as _;
use serde_json::{Number, Value};

use super::{
    GENERAL_MAX_LENGTH, MAX_DEPTH,
    enums::EnumNames,
    forms,
    shape::{FieldShape, Form, Integer, ValueKind},
    wire::Raw,
};

/// Clients send base64 with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How values are read at one place of a message.
#[derive(Clone, Copy)]
pub(super) struct Values {
    /// Whether field rules hold.
    pub(super) is_strict: bool,
    /// How many levels of nesting are left here.
    pub(super) levels_left: usize,
}

impl Values {
    pub(super) fn scalar<'a>(self, field: &FieldShape, json: &'a Value) -> Result<Scalar<'a>, String> {
        match &field.kind {
            ValueKind::Text => self.text(field, json),
            ValueKind::JsonText => self.json_text(field, json),
            ValueKind::Bytes => self.bytes(field, json),
            ValueKind::Bool => match json {
                Value::Bool(flag) => Ok(Scalar::varint(u64::from(*flag))),
                other => Err(format!("must be true or false, not {}", kind_of(other))),
            },
            ValueKind::Enum(names) => self.enum_value(field, names, json),
            ValueKind::Integer(integer) => self.integer(field, *integer, json),
            ValueKind::Money(integer) => self.money(field, *integer, json),
            ValueKind::Double => {
                let number = self.float(field, json)?;
                Ok(Scalar::Plain(Raw::Fixed64(number.to_bits())))
            }
            ValueKind::Float => single_precision(self.float(field, json)?),
            // The reader goes into messages itself.
            ValueKind::Message(_) => Err("must be an object".to_owned()),
        }
    }

    fn text<'a>(self, field: &FieldShape, json: &'a Value) -> Result<Scalar<'a>, String> {
        let Value::String(text) = json else {
            return Err(format!("must be a text, not {}", kind_of(json)));
        };
        let changed = if self.is_strict {
            field.rule.check_text(text)?
        } else {
            None
        };
        Ok(changed.map_or(Scalar::borrowed(text.as_bytes()), |text| {
            Scalar::owned(text.into_bytes())
        }))
    }

    fn json_text(self, field: &FieldShape, json: &Value) -> Result<Scalar<'static>, String> {
        if depth_exceeds(json, self.levels_left) {
            return Err(format!("is nested too deeply, at most {MAX_DEPTH} levels"));
        }
        let text = json.to_string();
        if self.is_strict {
            field.rule.check_length(&text)?;
        }
        Ok(Scalar::owned(text.into_bytes()))
    }

    fn bytes(self, field: &FieldShape, json: &Value) -> Result<Scalar<'static>, String> {
        let decoded = json.as_str().and_then(|text| BASE64.decode(text).ok());
        let bytes = decoded.ok_or_else(|| "must be bytes in base64".to_owned())?;
        if self.is_strict {
            field.rule.check_bytes(&bytes)?;
        }
        Ok(Scalar::owned(bytes))
    }

    /// A name that is unknown in an event is newer than this code and becomes the zero value.
    fn enum_value(self, field: &FieldShape, names: &EnumNames, json: &Value) -> Result<Scalar<'static>, String> {
        let number = json.as_str().and_then(|name| names.number(name));
        let is_allowed = |name: &str| field.rule.one_of.is_empty() || field.rule.one_of.iter().any(|one| one == name);
        let number = match number {
            Some(number) if !self.is_strict || json.as_str().is_some_and(is_allowed) => number,
            None if !self.is_strict && json.is_string() => 0,
            _ => {
                let allowed: Vec<_> = names.names().filter(|name| is_allowed(name)).collect();
                return Err(format!("must be one of: {}", allowed.join(", ")));
            }
        };
        // Negative numbers are sign-extended, as for every int32.
        Ok(Scalar::varint(i64::from(number).cast_unsigned()))
    }

    fn integer(self, field: &FieldShape, integer: Integer, json: &Value) -> Result<Scalar<'static>, String> {
        let number = match json {
            Value::Number(number) => whole(number).ok_or_else(|| "must be a whole number".to_owned())?,
            other => return Err(format!("must be a whole number, not {}", kind_of(other))),
        };
        if self.is_strict {
            #[expect(clippy::cast_precision_loss, reason = "bounds of that size are not exact themselves")]
            field.rule.check_number(number as f64)?;
        }
        let (smallest, largest) = integer.range();
        if !(smallest..=largest).contains(&number) {
            return Err(format!("must be between {smallest} and {largest}"));
        }
        Ok(Scalar::Plain(integer.encode(number)))
    }

    fn money(self, field: &FieldShape, integer: Integer, json: &Value) -> Result<Scalar<'static>, String> {
        let Value::String(text) = json else {
            return Err(format!(
                "must be an amount as a text such as \"4500.00\", not {}",
                kind_of(json)
            ));
        };
        let may_be_negative = field.rule.allows_negative() || !self.is_strict;
        let minor = forms::parse_money(text, may_be_negative)?;
        if self.is_strict {
            #[expect(
                clippy::cast_precision_loss,
                reason = "amounts beyond 2^53 are not told apart from their bounds"
            )]
            field.rule.check_number(minor as f64 / 100.0)?;
        }
        Ok(Scalar::Plain(integer.encode(minor.into())))
    }

    fn float(self, field: &FieldShape, json: &Value) -> Result<f64, String> {
        let number = json.as_f64().filter(|number| number.is_finite());
        let number = number.ok_or_else(|| format!("must be a number, not {}", kind_of(json)))?;
        if self.is_strict {
            field.rule.check_number(number)?;
        }
        Ok(number)
    }

    /// The bytes of a message that is something else than an object in JSON.
    pub(super) fn well_known(self, form: Form, json: &Value) -> Result<Vec<u8>, String> {
        if depth_exceeds(json, self.levels_left) {
            return Err(format!("is nested too deeply, at most {MAX_DEPTH} levels"));
        }
        let encoded = match (form, json) {
            (Form::Timestamp, Value::String(text)) => forms::parse_timestamp(text)
                .map(|(seconds, nanos)| prost_types::Timestamp { seconds, nanos }.encode_to_vec()),
            (Form::Duration, Value::String(text)) => forms::parse_duration(text)
                .map(|(seconds, nanos)| prost_types::Duration { seconds, nanos }.encode_to_vec()),
            (Form::Struct, Value::Object(fields)) => Some(forms::to_struct(fields).encode_to_vec()),
            (Form::List, Value::Array(items)) => Some(forms::to_list(items).encode_to_vec()),
            (Form::Value, value) => Some(forms::to_value(value).encode_to_vec()),
            _ => None,
        };
        let expected = match form {
            Form::Timestamp => "must be a moment in RFC 3339, such as 2026-08-01T09:30:00Z",
            Form::Duration => "must be seconds with an s, such as 3.5s",
            Form::List => "must be a list",
            Form::Struct | Form::Value | Form::Object => "must be an object",
        };
        encoded.ok_or_else(|| expected.to_owned())
    }
}

/// A value ready for the wire.
pub(super) enum Scalar<'a> {
    Plain(Raw<'static>),
    Bytes(Cow<'a, [u8]>),
}

impl<'a> Scalar<'a> {
    pub(super) fn varint(number: u64) -> Self {
        Self::Plain(Raw::Varint(number))
    }

    fn borrowed(bytes: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }

    fn owned(bytes: Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(bytes))
    }

    pub(super) fn as_raw(&self) -> Raw<'_> {
        match self {
            Self::Plain(raw) => *raw,
            Self::Bytes(bytes) => Raw::Bytes(bytes),
        }
    }
}

fn single_precision<'a>(number: f64) -> Result<Scalar<'a>, String> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounding to the nearest is what the field holds"
    )]
    let single = number as f32;
    if single.is_finite() {
        Ok(Scalar::Plain(Raw::Fixed32(single.to_bits())))
    } else {
        Err(format!("must be between {} and {}", f32::MIN, f32::MAX))
    }
}

/// Keys of maps are texts in JSON, whatever they are in the message.
pub(super) fn map_key<'a>(kind: &ValueKind, name: &'a str) -> Result<Scalar<'a>, String> {
    match kind {
        ValueKind::Integer(integer) => {
            let (smallest, largest) = integer.range();
            let number = name
                .parse::<i128>()
                .ok()
                .filter(|number| (smallest..=largest).contains(number));
            let number =
                number.ok_or_else(|| format!("must have whole numbers from {smallest} to {largest} as keys"))?;
            Ok(Scalar::Plain(integer.encode(number)))
        }
        ValueKind::Bool => match name {
            "true" => Ok(Scalar::varint(1)),
            "false" => Ok(Scalar::varint(0)),
            _ => Err("must have only true and false as keys".to_owned()),
        },
        _ if name.contains('\0') => Err("must not contain a NUL character".to_owned()),
        _ if name.len() > GENERAL_MAX_LENGTH => Err("has too long a key".to_owned()),
        _ => Ok(Scalar::borrowed(name.as_bytes())),
    }
}

fn whole(number: &Number) -> Option<i128> {
    let signed = number.as_i64().map(i128::from);
    signed.or_else(|| number.as_u64().map(i128::from))
}

/// Whether a value has more levels than allowed; looks no deeper than that.
fn depth_exceeds(json: &Value, allowed: usize) -> bool {
    match json {
        Value::Array(items) => allowed == 0 || items.iter().any(|item| depth_exceeds(item, allowed - 1)),
        Value::Object(fields) => allowed == 0 || fields.values().any(|value| depth_exceeds(value, allowed - 1)),
        _ => false,
    }
}

pub(super) fn kind_of(json: &Value) -> &'static str {
    match json {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
