//! A value of a shape for the documentation.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use proto::options::Format;
use serde_json::{Map, Value, json};

use super::{
    shape::{FieldShape, Form, Holds, MessageShape, Types, ValueKind},
    text,
};

pub(super) fn message(types: &Types) -> Value {
    Sampler { types, open: vec![] }.message(0)
}

pub(super) fn field(types: &Types, field: &FieldShape) -> Value {
    Sampler { types, open: vec![] }.field(field)
}

struct Sampler<'a> {
    types: &'a Types,
    /// The messages around, so that one that holds itself comes to an end.
    open: Vec<usize>,
}

impl Sampler<'_> {
    fn message(&mut self, index: usize) -> Value {
        let shape = &self.types.messages[index];
        match shape.form {
            Form::Timestamp => return json!("2026-08-01T09:30:00Z"),
            Form::Duration => return json!("3.5s"),
            Form::Struct | Form::Value => return json!({}),
            Form::List => return json!([]),
            Form::Object => {}
        }
        if let Some(tag) = &shape.tag {
            return self.tagged(shape, tag);
        }
        self.open.push(index);
        let fields = shape.declared.iter().map(|&at| &shape.fields[at]);
        let value = fields.map(|field| (field.name.clone(), self.member(shape, field)));
        let value: Map<String, Value> = value.collect();
        self.open.pop();
        Value::Object(value)
    }

    /// The first of the messages that may be held, with its tag.
    fn tagged(&mut self, shape: &MessageShape, tag: &str) -> Value {
        let first = shape.declared.first().map(|&at| &shape.fields[at]);
        let Some((field, ValueKind::Message(inner))) = first.map(|field| (field, &field.kind)) else {
            return json!({});
        };
        let mut value = self.message(*inner);
        value[tag] = json!(field.name);
        value
    }

    /// Of a `oneof` the first field is shown.
    fn member(&mut self, shape: &MessageShape, field: &FieldShape) -> Value {
        let siblings = shape.declared.iter().map(|&at| &shape.fields[at]);
        let first = siblings.into_iter().find(|one| one.oneof == field.oneof);
        if field.oneof.is_some() && first.is_some_and(|first| first.number != field.number) {
            return Value::Null;
        }
        self.field(field)
    }

    fn field(&mut self, field: &FieldShape) -> Value {
        let example = field.rule.example.as_deref();
        // An example that is JSON itself is taken whole.
        if let Some(text) = example.filter(|text| text.starts_with(['[', '{']))
            && let Ok(value) = serde_json::from_str(text)
        {
            return value;
        }
        let holds_itself = matches!(field.kind, ValueKind::Message(index) if self.open.contains(&index));
        match &field.holds {
            Holds::List { .. } if holds_itself => json!([]),
            Holds::Map { .. } if holds_itself => json!({}),
            Holds::One { .. } if holds_itself => Value::Null,
            Holds::One { .. } => self.value(field),
            Holds::List { .. } => json!([self.value(field)]),
            Holds::Map { key } => {
                let name = match key {
                    ValueKind::Text => "key",
                    ValueKind::Bool => "true",
                    _ => "1",
                };
                json!({ name: self.value(field) })
            }
        }
    }

    fn value(&mut self, field: &FieldShape) -> Value {
        if let Some(example) = &field.rule.example
            && !matches!(field.kind, ValueKind::Message(_))
        {
            // An example that does not parse is refused when the shape is made, by the reader's own words.
            return text::parse(&field.kind, example).unwrap_or_else(|_| json!(example));
        }
        if let Some(first) = field.rule.one_of.first() {
            return json!(first);
        }
        match &field.kind {
            ValueKind::Message(index) => self.message(*index),
            ValueKind::Double | ValueKind::Float => json!(within(field, 1.5)),
            ValueKind::Integer(_) => {
                #[expect(clippy::cast_possible_truncation, reason = "a small number, or a bound of the rule")]
                let number = within(field, 1.0).ceil() as i64;
                json!(number)
            }
            ValueKind::Money(_) => json!(format!("{:.2}", within(field, 4500.0))),
            ValueKind::Bool => json!(true),
            ValueKind::JsonText => json!({}),
            ValueKind::Bytes => json!(BASE64_STANDARD.encode(plain_text(field))),
            ValueKind::Enum(names) => names.names().next().map_or(Value::Null, |name| json!(name)),
            ValueKind::Text => json!(plain_text(field)),
        }
    }
}

/// The number itself, or the bound of the rule that it breaks.
fn within(field: &FieldShape, number: f64) -> f64 {
    let number = field.rule.minimum.map_or(number, |minimum| number.max(minimum));
    field.rule.maximum.map_or(number, |maximum| number.min(maximum))
}

fn plain_text(field: &FieldShape) -> String {
    let text = match field.rule.format {
        Format::Uuid => "0198f1d2-7c3a-7b4e-9f60-2a1b3c4d5e6f",
        Format::Email => "asha@example.org",
        Format::Date => "2026-08-01",
        _ => "text",
    };
    let fill = field.rule.min_length().saturating_sub(text.len());
    let text = format!("{text}{}", "t".repeat(fill));
    text.chars().take(field.rule.max_length()).collect()
}
