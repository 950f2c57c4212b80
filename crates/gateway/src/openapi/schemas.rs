//! Messages, fields and enums as JSON schemas.
//!
//! A message looks different on its way in and on its way out: in, `null` is as good as absent and unknown fields are
//! refused; out, every field is there.

use std::collections::HashMap;

use kit::{
    contract,
    json::{GENERAL_MAX_LENGTH, enum_value_name},
};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use proto::options::{FieldRule, Format};
use serde_json::{Map, Value, json};

use super::words;

pub(super) const WEB_PAGE: &str = "hostelpulse.types.v1.WebPage";
pub(super) const FILE_CHUNK: &str = "hostelpulse.types.v1.FileChunk";
const PAGE: &str = "hostelpulse.types.v1.Page";

/// No control characters; JavaScript's and Python's regular expressions agree on it.
const LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// The same, and not blank.
const FILLED_LINE: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";
/// No control characters but line breaks and tabs.
const TEXT: &str = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$";
const NO_NUL: &str = r"^[^\u0000]*$";
const DURATION: &str = r"^-?[0-9]+(\.[0-9]{1,9})?s$";

/// Whether a field is the page of a list.
pub(super) fn is_page(field: &FieldDescriptor) -> bool {
    !field.is_list() && matches!(field.kind(), Kind::Message(message) if message.full_name() == PAGE)
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Direction {
    In,
    Out,
}

/// The schemas of the document, each made once.
#[derive(Default)]
pub(super) struct Schemas {
    built: Map<String, Value>,
    names: HashMap<(String, Direction, Vec<String>), String>,
}

impl Schemas {
    pub(super) fn into_components(self) -> Map<String, Value> {
        self.built
    }

    /// A reference to the schema of a message without some of its fields.
    pub(super) fn message(&mut self, message: &MessageDescriptor, direction: Direction, without: &[&str]) -> Value {
        if let Some(schema) = well_known(message) {
            return schema;
        }
        let without: Vec<String> = without.iter().map(|&name| name.to_owned()).collect();
        let key = (message.full_name().to_owned(), direction, without.clone());
        if let Some(name) = self.names.get(&key) {
            return reference(name);
        }
        let name = self.free_name(message.name(), message.package_name(), direction);
        // Known before it is made: a message may hold itself.
        self.names.insert(key, name.clone());
        self.built.insert(name.clone(), Value::Null);
        let schema = match contract::tagged_by(message) {
            Some(tag) => self.tagged(message, &tag, direction),
            None => self.object(message, direction, &without),
        };
        self.built.insert(name.clone(), schema);
        reference(&name)
    }

    /// One of several messages, told apart by a tag. Each has a schema of its own here: without the tag it may stand elsewhere.
    fn tagged(&mut self, message: &MessageDescriptor, tag: &str, direction: Direction) -> Value {
        let (mut several, mut mapping) = (Vec::new(), Map::new());
        for field in declared(message) {
            let Kind::Message(held) = field.kind() else { continue };
            let name = self.free_name(
                &format!("{}{}", message.name(), words::pascal(field.name())),
                message.package_name(),
                direction,
            );
            self.built.insert(name.clone(), Value::Null);
            let mut schema = self.object(&held, direction, &[]);
            let described = json!({"const": field.name(), "description": words::of_field(&field)});
            let mut properties = Map::from_iter([(tag.to_owned(), described)]);
            if let Some(Value::Object(own)) = schema.get_mut("properties").map(Value::take) {
                properties.extend(own);
            }
            schema["properties"] = Value::Object(properties);
            let mut required = vec![json!(tag)];
            if let Some(Value::Array(own)) = schema.get_mut("required").map(Value::take) {
                required.extend(own);
            }
            schema["required"] = Value::Array(required);
            schema["title"] = json!(name);
            self.built.insert(name.clone(), schema);
            let place = reference(&name);
            mapping.insert(field.name().to_owned(), place["$ref"].clone());
            several.push(place);
        }
        json!({
            "title": message.name(),
            "description": words::comment(&message.parent_file(), message.path()),
            "oneOf": several,
            "discriminator": {"propertyName": tag, "mapping": mapping},
        })
    }

    /// The plain name, else one that says more.
    fn free_name(&self, name: &str, package: &str, direction: Direction) -> String {
        let side = match direction {
            Direction::In => "Input",
            Direction::Out => "Output",
        };
        let service = package.split('.').nth(1).unwrap_or(package);
        let candidates = [name.to_owned(), format!("{name}{side}"), format!("{service}.{name}")];
        let numbered = (2_u32..).map(|number| format!("{name}{number}"));
        let mut all = candidates.into_iter().chain(numbered);
        all.find(|name| !self.built.contains_key(name)).unwrap_or_default()
    }

    fn object(&mut self, message: &MessageDescriptor, direction: Direction, without: &[String]) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in declared(message) {
            if without.iter().any(|name| name == field.name()) {
                continue;
            }
            properties.insert(field.name().to_owned(), self.property(&field, direction));
            if direction == Direction::Out || contract::field_rule(&field).required {
                required.push(field.name().to_owned());
            }
        }
        let mut schema = json!({"type": "object", "title": message.name(), "properties": properties});
        let mut description = words::comment(&message.parent_file(), message.path());
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let names: Vec<_> = oneof.fields().map(|field| format!("`{}`", field.name())).collect();
            description.extend(["\n\nAt most one of ", &names.join(", "), " is set."]);
        }
        if !description.is_empty() {
            schema["description"] = json!(description);
        }
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if direction == Direction::In {
            schema["additionalProperties"] = json!(false);
        }
        schema
    }

    /// A field with its words, its example and whether it may be `null`.
    pub(super) fn property(&mut self, field: &FieldDescriptor, direction: Direction) -> Value {
        let rule = contract::field_rule(field);
        let may_be_null = match direction {
            Direction::In => !rule.required,
            Direction::Out => field.supports_presence(),
        };
        let mut schema = self.field(field, direction);
        if may_be_null {
            schema = nullable(schema);
        }
        let description = words::of_field(field);
        if !description.is_empty() {
            schema["description"] = json!(description);
        }
        if let Some(example) = example(field, &rule) {
            schema["examples"] = json!([example]);
        }
        if direction == Direction::In && rule.secret {
            schema["writeOnly"] = json!(true);
        }
        schema
    }

    /// A field as it is when it is there: one value, a list or a map of them.
    pub(super) fn field(&mut self, field: &FieldDescriptor, direction: Direction) -> Value {
        let rule = contract::field_rule(field);
        let at_least_one = rule.required && direction == Direction::In;
        let most = (rule.max_items > 0).then_some(rule.max_items);
        let mut schema;
        if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
            let values = self.value(&entry.map_entry_value_field().kind(), &rule, direction);
            schema = json!({"type": "object", "additionalProperties": values});
            set_some(&mut schema, "maxProperties", most);
            set_some(&mut schema, "minProperties", at_least_one.then_some(1));
        } else if field.is_list() {
            // That the list must be there says nothing of its elements.
            let element = FieldRule {
                required: false,
                ..rule
            };
            schema = json!({"type": "array", "items": self.value(&field.kind(), &element, direction)});
            set_some(&mut schema, "maxItems", most);
            set_some(&mut schema, "minItems", at_least_one.then_some(1));
        } else {
            schema = self.value(&field.kind(), &rule, direction);
        }
        schema
    }

    fn value(&mut self, kind: &Kind, rule: &FieldRule, direction: Direction) -> Value {
        match kind {
            Kind::Message(message) => self.message(message, direction, &[]),
            Kind::Enum(descriptor) => self.enumeration(descriptor, rule),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Double => number("double", rule),
            Kind::Float => number("float", rule),
            Kind::String => text(rule, direction),
            _ if rule.format() == Format::Money => money(rule, direction),
            integer => whole(integer, rule),
        }
    }

    /// An enum stands once for all its fields; one that allows fewer values has its own list.
    fn enumeration(&mut self, descriptor: &EnumDescriptor, rule: &FieldRule) -> Value {
        if !rule.one_of.is_empty() {
            return json!({"type": "string", "enum": rule.one_of});
        }
        let key = (descriptor.full_name().to_owned(), Direction::Out, vec![]);
        if let Some(name) = self.names.get(&key) {
            return reference(name);
        }
        let name = self.free_name(descriptor.name(), descriptor.package_name(), Direction::Out);
        let file = descriptor.parent_file();
        let mut description = words::comment(&file, descriptor.path());
        let mut values = Vec::new();
        for value in descriptor.values() {
            let Some(name) = enum_value_name(&value) else { continue };
            description.extend(["\n- `", &name, "`: ", &words::comment(&file, value.path())]);
            values.push(name);
        }
        let schema =
            json!({"type": "string", "title": descriptor.name(), "description": description.trim(), "enum": values});
        self.names.insert(key, name.clone());
        self.built.insert(name.clone(), schema);
        reference(&name)
    }
}

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// The fields as they stand in the proto file.
fn declared(message: &MessageDescriptor) -> Vec<FieldDescriptor> {
    let mut fields: Vec<_> = message.fields().collect();
    fields.sort_by_key(|field| field.path().last().copied());
    fields
}

fn well_known(message: &MessageDescriptor) -> Option<Value> {
    Some(match message.full_name() {
        "google.protobuf.Timestamp" => json!({"type": "string", "format": "date-time"}),
        "google.protobuf.Duration" => json!({"type": "string", "pattern": DURATION}),
        "google.protobuf.Struct" => json!({"type": "object"}),
        "google.protobuf.ListValue" => json!({"type": "array", "items": {}}),
        "google.protobuf.Value" => json!({}),
        _ => return None,
    })
}

/// The same or `null`.
fn nullable(mut schema: Value) -> Value {
    if schema.get("$ref").is_some() {
        return json!({"anyOf": [schema, {"type": "null"}]});
    }
    // A schema without a type allows `null` already.
    let Some(kind) = schema.get("type").cloned() else {
        return schema;
    };
    schema["type"] = json!([kind, "null"]);
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        values.push(Value::Null);
    }
    schema
}

fn set_some(schema: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        schema[name] = value.into();
    }
}

fn text(rule: &FieldRule, direction: Direction) -> Value {
    if rule.format() == Format::Json {
        return json!({});
    }
    let mut schema = json!({"type": "string"});
    match rule.format() {
        Format::Uuid => schema["format"] = json!("uuid"),
        Format::Email => schema["format"] = json!("email"),
        Format::Date => schema["format"] = json!("date"),
        _ => {}
    }
    if !rule.one_of.is_empty() {
        schema["enum"] = json!(rule.one_of);
    }
    // What goes out was checked when it came in, by rules that may have been others then.
    if direction == Direction::Out {
        return schema;
    }
    let fixed = !matches!(
        rule.format(),
        Format::Unspecified | Format::Line | Format::Text | Format::Email
    );
    if rule.secret {
        schema["format"] = json!("password");
    }
    if fixed || !rule.one_of.is_empty() {
        return schema;
    }
    let shortest = rule.min_length.max(u32::from(rule.required));
    set_some(&mut schema, "minLength", (shortest > 0).then_some(shortest));
    schema["maxLength"] = match (rule.max_length, rule.format()) {
        (0 | 255.., Format::Email) => json!(254),
        (0, _) => json!(GENERAL_MAX_LENGTH),
        (most, _) => json!(most),
    };
    set_some(&mut schema, "pattern", pattern(rule));
    schema
}

fn pattern(rule: &FieldRule) -> Option<String> {
    let pattern = match rule.format() {
        _ if !rule.pattern.is_empty() => return Some(format!("^(?:{})$", rule.pattern)),
        Format::Email => return None,
        Format::Line if rule.required => FILLED_LINE,
        Format::Line => LINE,
        Format::Text => TEXT,
        _ => NO_NUL,
    };
    Some(pattern.to_owned())
}

fn money(rule: &FieldRule, direction: Direction) -> Value {
    let negative = rule.minimum.is_some_and(|minimum| minimum < 0.0);
    let sign = if negative || direction == Direction::Out {
        "-?"
    } else {
        ""
    };
    let decimals = if direction == Direction::Out {
        r"\.[0-9]{2}"
    } else {
        r"(\.[0-9]{1,2})?"
    };
    // Sixteen digits and two decimals are within 64 bits of minor units.
    json!({"type": "string", "pattern": format!("^{sign}[0-9]{{1,16}}{decimals}$")})
}

fn number(format: &str, rule: &FieldRule) -> Value {
    let mut schema = json!({"type": "number", "format": format});
    set_some(&mut schema, "minimum", rule.minimum);
    set_some(&mut schema, "maximum", rule.maximum);
    schema
}

/// Bounds are those of the rule, else those of the type.
fn whole(integer: &Kind, rule: &FieldRule) -> Value {
    let (format, smallest, largest) = match integer {
        Kind::Uint32 | Kind::Fixed32 => ("int64", json!(0), json!(u32::MAX)),
        Kind::Uint64 | Kind::Fixed64 => ("int64", json!(0), json!(u64::MAX)),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => ("int64", json!(i64::MIN), json!(i64::MAX)),
        _ => ("int32", json!(i32::MIN), json!(i32::MAX)),
    };
    json!({
        "type": "integer",
        "format": format,
        "minimum": rule.minimum.map_or(smallest, bound),
        "maximum": rule.maximum.map_or(largest, bound),
    })
}

/// A bound of whole numbers, without a decimal point where it has none.
fn bound(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
        return json!(number as i64);
    }
    json!(number)
}

/// The example of the rule as the value that it stands for.
fn example(field: &FieldDescriptor, rule: &FieldRule) -> Option<Value> {
    if rule.example.is_empty() {
        return None;
    }
    let is_text = matches!(field.kind(), Kind::String | Kind::Enum(_)) || rule.format() == Format::Money;
    let parsed = serde_json::from_str(&rule.example).ok();
    let looks_like_json = rule.example.starts_with(['[', '{']);
    let value = match parsed {
        Some(value) if !is_text || looks_like_json || rule.format() == Format::Json => value,
        _ => Value::String(rule.example.clone()),
    };
    Some(if field.is_list() && !value.is_array() {
        json!([value])
    } else {
        value
    })
}
