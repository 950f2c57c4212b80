//! What is worked out of descriptors once: for each message its fields, for each field how its value looks.

use std::collections::HashMap;

use prost::encoding::WireType;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::{
    enums::EnumNames,
    rules::{Rule, RuleError},
    wire::Raw,
};
use crate::contract;

/// All messages that one message holds, itself first. They refer to each other by index, so that a message may hold
/// itself.
#[derive(Debug)]
pub(super) struct Types {
    pub(super) messages: Vec<MessageShape>,
}

#[derive(Debug)]
pub(super) struct MessageShape {
    pub(super) descriptor: MessageDescriptor,
    pub(super) form: Form,
    /// In the order of their numbers, which is the order of encoding.
    pub(super) fields: Vec<FieldShape>,
    /// The same in the order of the proto file, which is the order in JSON.
    pub(super) declared: Vec<usize>,
    /// The message that the one `oneof` holds is written flat, with a field of this name that says which one it is.
    pub(super) tag: Option<String>,
    by_name: HashMap<String, usize>,
}

/// Messages that are something else than an object in JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    Object,
    Timestamp,
    Duration,
    /// `google.protobuf.Struct`, `Value`, `ListValue`: any JSON.
    Struct,
    Value,
    List,
}

#[derive(Debug)]
pub(super) struct FieldShape {
    pub(super) name: String,
    /// `"name":`
    pub(super) key: Box<[u8]>,
    pub(super) number: u32,
    pub(super) holds: Holds,
    pub(super) kind: ValueKind,
    /// What is written when the field is not on the wire.
    pub(super) absent: Box<[u8]>,
    /// Which `oneof` of the message the field is in.
    pub(super) oneof: Option<usize>,
    pub(super) rule: Rule,
}

#[derive(Debug)]
pub(super) enum Holds {
    One { presence: bool },
    List { packed: bool },
    Map { key: ValueKind },
}

#[derive(Debug)]
pub(super) enum ValueKind {
    Double,
    Float,
    Integer(Integer),
    /// Money in minor units.
    Money(Integer),
    Bool,
    Text,
    /// JSON carried as text.
    JsonText,
    Bytes,
    Enum(EnumNames),
    /// Index into [`Types::messages`].
    Message(usize),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Integer {
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
}

impl Types {
    pub(super) fn of(message: &MessageDescriptor) -> Result<Self, RuleError> {
        let mut found = Found::default();
        found.index_of(message);
        let mut messages = Vec::new();
        while let Some(descriptor) = found.messages.get(messages.len()).cloned() {
            messages.push(MessageShape::of(&descriptor, &mut found)?);
        }
        let types = Self { messages };
        for message in &types.messages {
            types.check_tag(message)?;
        }
        Ok(types)
    }

    pub(super) fn root(&self) -> &MessageShape {
        &self.messages[0]
    }

    /// Whether what a message holds can be written flat: messages of one `oneof` and nothing else, none of which has a
    /// field by the name of the tag.
    fn check_tag(&self, shape: &MessageShape) -> Result<(), RuleError> {
        let Some(tag) = &shape.tag else { return Ok(()) };
        let refuse = |field: &str, problem: String| Err(RuleError::new(&shape.descriptor, field, problem));
        if tag.is_empty() || !tag.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            return refuse("", format!("tagged_by `{tag}` is no name of a field"));
        }
        if shape.fields.is_empty() {
            return refuse("", "tagged_by needs a oneof of messages".to_owned());
        }
        for field in &shape.fields {
            if field.oneof != Some(0) {
                return refuse(
                    &field.name,
                    "tagged_by needs every field in the one oneof of the message".to_owned(),
                );
            }
            let inner = match &field.kind {
                ValueKind::Message(index) => &self.messages[*index],
                _ => return refuse(&field.name, "tagged_by needs messages in its oneof".to_owned()),
            };
            if inner.form != Form::Object || inner.tag.is_some() {
                let name = inner.descriptor.full_name();
                return refuse(&field.name, format!("{name} has no fields of its own beside a tag"));
            }
            if inner.index_of(tag).is_some() {
                let name = inner.descriptor.full_name();
                return refuse(&field.name, format!("{name} has a field `{tag}` of its own"));
            }
        }
        Ok(())
    }
}

/// Messages in the order in which they were met.
#[derive(Default)]
struct Found {
    messages: Vec<MessageDescriptor>,
    by_name: HashMap<String, usize>,
}

impl Found {
    fn index_of(&mut self, message: &MessageDescriptor) -> usize {
        if let Some(known) = self.by_name.get(message.full_name()) {
            return *known;
        }
        let index = self.messages.len();
        self.messages.push(message.clone());
        self.by_name.insert(message.full_name().to_owned(), index);
        index
    }
}

impl MessageShape {
    fn of(descriptor: &MessageDescriptor, found: &mut Found) -> Result<Self, RuleError> {
        let form = Form::of(descriptor)?;
        let descriptors: Vec<_> = match form {
            Form::Object => descriptor.fields().collect(),
            _ => Vec::new(),
        };
        let fields = descriptors.iter().map(|field| FieldShape::of(field, found));
        let fields = fields.collect::<Result<Vec<_>, _>>()?;
        let mut declared: Vec<usize> = (0..fields.len()).collect();
        declared.sort_by_key(|index| descriptors[*index].path().last().copied());
        let by_name = fields.iter().enumerate().map(|(at, field)| (field.name.clone(), at));
        Ok(Self {
            descriptor: descriptor.clone(),
            form,
            tag: contract::tagged_by(descriptor),
            by_name: by_name.collect(),
            fields,
            declared,
        })
    }

    pub(super) fn index_of(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(super) fn index_of_number(&self, number: u32) -> Option<usize> {
        // Most messages number their fields 1, 2, 3.
        let guess = (number as usize).wrapping_sub(1);
        if self.fields.get(guess).is_some_and(|field| field.number == number) {
            return Some(guess);
        }
        self.fields.binary_search_by_key(&number, |field| field.number).ok()
    }
}

impl Form {
    fn of(message: &MessageDescriptor) -> Result<Self, RuleError> {
        let Some(name) = message.full_name().strip_prefix("google.protobuf.") else {
            return Ok(Self::Object);
        };
        Ok(match name {
            "Timestamp" => Self::Timestamp,
            "Duration" => Self::Duration,
            "Struct" => Self::Struct,
            "Value" => Self::Value,
            "ListValue" => Self::List,
            "Empty" => Self::Object,
            _ => {
                return Err(RuleError::new(
                    message,
                    "",
                    "this well-known type has no JSON form here",
                ));
            }
        })
    }
}

impl FieldShape {
    fn of(field: &FieldDescriptor, found: &mut Found) -> Result<Self, RuleError> {
        let rule = Rule::of(field)?;
        let mut value = field.clone();
        let mut holds = Holds::One {
            presence: field.supports_presence(),
        };
        if field.is_map() {
            // A map is a list of entries, messages of two fields; the descriptor library says so of every map.
            let Kind::Message(entry) = field.kind() else {
                return Err(RuleError::new(
                    field.parent_message(),
                    field.name(),
                    "a map without entries",
                ));
            };
            let key = ValueKind::of(&entry.map_entry_key_field(), &Rule::default(), found);
            holds = Holds::Map { key };
            value = entry.map_entry_value_field();
        } else if field.is_list() {
            let packed = field.is_packed();
            holds = Holds::List { packed };
        }
        let kind = ValueKind::of(&value, &rule, found);
        Ok(Self {
            name: field.name().to_owned(),
            key: format!("\"{}\":", field.name()).into_bytes().into(),
            number: field.number(),
            absent: absent(&holds, &kind),
            holds,
            kind,
            oneof: oneof_of(field),
            rule,
        })
    }

    pub(super) fn has_presence(&self) -> bool {
        matches!(self.holds, Holds::One { presence: true })
    }
}

/// Only real ones: the compiler makes one for every `optional` field too.
fn oneof_of(field: &FieldDescriptor) -> Option<usize> {
    let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic())?;
    let siblings = field.parent_message().oneofs();
    siblings.into_iter().position(|one| one == oneof)
}

fn absent(holds: &Holds, kind: &ValueKind) -> Box<[u8]> {
    let text: &[u8] = match (holds, kind) {
        (Holds::List { .. }, _) => b"[]",
        (Holds::Map { .. }, _) => b"{}",
        (Holds::One { presence: true }, _) | (_, ValueKind::JsonText | ValueKind::Message(_)) => b"null",
        (_, ValueKind::Double | ValueKind::Float) => b"0.0",
        (_, ValueKind::Integer(_)) => b"0",
        (_, ValueKind::Money(_)) => b"\"0.00\"",
        (_, ValueKind::Bool) => b"false",
        (_, ValueKind::Text | ValueKind::Bytes) => b"\"\"",
        (_, ValueKind::Enum(names)) => names.text(0),
    };
    text.into()
}

impl ValueKind {
    fn of(field: &FieldDescriptor, rule: &Rule, found: &mut Found) -> Self {
        if let Some(integer) = Integer::of(&field.kind()) {
            return if rule.is_money() {
                Self::Money(integer)
            } else {
                Self::Integer(integer)
            };
        }
        match field.kind() {
            Kind::Double => Self::Double,
            Kind::Float => Self::Float,
            Kind::Bool => Self::Bool,
            Kind::Bytes => Self::Bytes,
            Kind::Enum(descriptor) => Self::Enum(EnumNames::of(&descriptor)),
            Kind::Message(message) => Self::Message(found.index_of(&message)),
            _ if rule.is_json() => Self::JsonText,
            _ => Self::Text,
        }
    }

    pub(super) fn wire_type(&self) -> WireType {
        match self {
            Self::Double => WireType::SixtyFourBit,
            Self::Float => WireType::ThirtyTwoBit,
            Self::Integer(integer) | Self::Money(integer) => integer.wire_type(),
            Self::Bool | Self::Enum(_) => WireType::Varint,
            Self::Text | Self::JsonText | Self::Bytes | Self::Message(_) => WireType::LengthDelimited,
        }
    }
}

impl Integer {
    pub(super) fn of(kind: &Kind) -> Option<Self> {
        Some(match kind {
            Kind::Int32 => Self::Int32,
            Kind::Int64 => Self::Int64,
            Kind::Uint32 => Self::Uint32,
            Kind::Uint64 => Self::Uint64,
            Kind::Sint32 => Self::Sint32,
            Kind::Sint64 => Self::Sint64,
            Kind::Fixed32 => Self::Fixed32,
            Kind::Fixed64 => Self::Fixed64,
            Kind::Sfixed32 => Self::Sfixed32,
            Kind::Sfixed64 => Self::Sfixed64,
            _ => return None,
        })
    }

    fn wire_type(self) -> WireType {
        match self {
            Self::Fixed32 | Self::Sfixed32 => WireType::ThirtyTwoBit,
            Self::Fixed64 | Self::Sfixed64 => WireType::SixtyFourBit,
            _ => WireType::Varint,
        }
    }

    /// Smallest and largest value.
    pub(super) fn range(self) -> (i128, i128) {
        match self {
            Self::Int32 | Self::Sint32 | Self::Sfixed32 => (i32::MIN.into(), i32::MAX.into()),
            Self::Int64 | Self::Sint64 | Self::Sfixed64 => (i64::MIN.into(), i64::MAX.into()),
            Self::Uint32 | Self::Fixed32 => (0, u32::MAX.into()),
            Self::Uint64 | Self::Fixed64 => (0, u64::MAX.into()),
        }
    }

    /// The number that stands on the wire; `None` for a wire value of another type.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "the wire carries two's complement, and 32-bit fields take the low half"
    )]
    pub(super) fn decode(self, raw: Raw<'_>) -> Option<i128> {
        Some(match (self, raw) {
            (Self::Int32, Raw::Varint(bits)) => (bits as i32).into(),
            (Self::Int64, Raw::Varint(bits)) | (Self::Sfixed64, Raw::Fixed64(bits)) => (bits as i64).into(),
            (Self::Uint32, Raw::Varint(bits)) => (bits as u32).into(),
            (Self::Uint64, Raw::Varint(bits)) | (Self::Fixed64, Raw::Fixed64(bits)) => bits.into(),
            (Self::Sint32, Raw::Varint(bits)) => {
                let low = bits as u32;
                ((low >> 1) as i32 ^ -((low & 1) as i32)).into()
            }
            (Self::Sint64, Raw::Varint(bits)) => ((bits >> 1) as i64 ^ -((bits & 1) as i64)).into(),
            (Self::Fixed32, Raw::Fixed32(bits)) => bits.into(),
            (Self::Sfixed32, Raw::Fixed32(bits)) => (bits as i32).into(),
            _ => return None,
        })
    }

    /// The wire value of a number within the range.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the number is within the range of its type; the wire carries two's complement"
    )]
    pub(super) fn encode(self, number: i128) -> Raw<'static> {
        match self {
            // Negative 32-bit numbers are sign-extended to 64 bits.
            Self::Int32 | Self::Int64 | Self::Uint32 | Self::Uint64 => Raw::Varint(number as u64),
            Self::Sint32 | Self::Sint64 => {
                let wide = number as i64;
                Raw::Varint(((wide << 1) ^ (wide >> 63)) as u64)
            }
            Self::Fixed32 | Self::Sfixed32 => Raw::Fixed32(number as u32),
            Self::Fixed64 | Self::Sfixed64 => Raw::Fixed64(number as u64),
        }
    }
}
