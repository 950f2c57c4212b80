//! JSON to wire bytes, with every field rule checked and all that is wrong reported at once.

use prost::encoding::WireType;
use serde_json::{Map, Value};

use super::{
    MAX_DEPTH,
    shape::{FieldShape, Form, Holds, MessageShape, Types, ValueKind},
    values::{Scalar, Values, kind_of, map_key},
    wire::{put_length_before, put_tag},
};
use crate::fault::Violation;

/// Beyond this many wrong fields nobody reads on.
const MAX_VIOLATIONS: usize = 50;

/// Longest name of a field or key that is shown back.
const MAX_SHOWN: usize = 64;

/// What is made of fields and values that do not fit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Strictness {
    /// A request: field rules hold, here or in the service; unknown fields are refused.
    Rules,
    /// An event: what is unknown is passed over, field rules are not looked at.
    Lenient,
}

pub(super) fn read(types: &Types, json: &Value, strictness: Strictness) -> Result<Vec<u8>, Vec<Violation>> {
    let mut reader = Reader::new(types, strictness);
    reader.message(types.root(), json);
    // Whether all of it was read is not known once it is full.
    if reader.violations.is_empty() || (reader.is_readable && !reader.is_full()) {
        Ok(reader.out)
    } else {
        Err(reader.violations)
    }
}

/// What is wrong with a value of one field.
pub(super) fn check_field(types: &Types, field: &FieldShape, json: &Value) -> Vec<Violation> {
    let mut reader = Reader::new(types, Strictness::Rules);
    reader.field(field, json);
    reader.violations
}

/// "did you mean `x`?" where a name is near one of those known.
pub(super) fn unknown(what: &str, name: &str, known: &MessageShape) -> String {
    // Long names are compared in full length with nothing: nobody mistypes that much.
    let near = known
        .fields
        .iter()
        .filter(|_| name.len() <= MAX_SHOWN)
        .map(|field| (strsim::jaro_winkler(&field.name, name), &field.name))
        .filter(|(nearness, _)| *nearness > 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    match near {
        Some((_, name)) => format!("{what}, did you mean `{name}`?"),
        None => what.to_owned(),
    }
}

/// One step from the root to a value.
enum Step<'a> {
    Field(&'a str),
    Index(usize),
    Key(&'a str),
}

struct Reader<'a> {
    types: &'a Types,
    strictness: Strictness,
    path: Vec<Step<'a>>,
    depth: usize,
    out: Vec<u8>,
    violations: Vec<Violation>,
    /// Nothing is wrong but what the service says itself; all values are in `out`.
    is_readable: bool,
}

impl<'a> Reader<'a> {
    fn new(types: &'a Types, strictness: Strictness) -> Self {
        Self {
            types,
            strictness,
            path: Vec::new(),
            depth: 0,
            out: Vec::with_capacity(128),
            violations: Vec::new(),
            is_readable: true,
        }
    }

    fn is_strict(&self) -> bool {
        self.strictness == Strictness::Rules
    }

    fn is_full(&self) -> bool {
        self.violations.len() >= MAX_VIOLATIONS
    }

    fn complain(&mut self, error: impl Into<String>) {
        self.is_readable = false;
        self.note(error);
    }

    /// What breaks a rule is refused here, or noted where the service says it itself.
    fn complain_of(&mut self, field: &FieldShape, error: impl Into<String>) {
        if field.rule.by_service {
            self.note(error);
        } else {
            self.complain(error);
        }
    }

    fn note(&mut self, error: impl Into<String>) {
        if !self.is_full() {
            let path = self.path();
            self.violations.push(Violation::new(path, error));
        }
    }

    fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Index(index) => path.extend(["[", &index.to_string(), "]"]),
                Step::Field(name) | Step::Key(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.extend(name.chars().take(MAX_SHOWN));
                }
            }
        }
        if path.is_empty() { "body".to_owned() } else { path }
    }

    fn message(&mut self, shape: &'a MessageShape, json: &'a Value) {
        if shape.form != Form::Object {
            return self.well_known(shape.form, json);
        }
        let Value::Object(fields) = json else {
            return self.complain(format!("must be an object, not {}", kind_of(json)));
        };
        match &shape.tag {
            Some(tag) => self.tagged(shape, tag, fields),
            None => self.object(shape, fields, None),
        }
    }

    /// What the tag names is put into the `oneof`; the other fields are its own.
    fn tagged(&mut self, shape: &'a MessageShape, tag: &'a str, fields: &'a Map<String, Value>) {
        let named = fields.get(tag).filter(|value| !value.is_null());
        let index = named.and_then(Value::as_str).and_then(|name| shape.index_of(name));
        let field = index.map(|index| &shape.fields[index]);
        let Some((field, ValueKind::Message(inner))) = field.map(|field| (field, &field.kind)) else {
            // What is unknown may come from a later version.
            if self.is_strict() {
                let known: Vec<_> = shape
                    .declared
                    .iter()
                    .map(|&at| shape.fields[at].name.as_str())
                    .collect();
                self.path.push(Step::Field(tag));
                self.complain(match named {
                    Some(_) => format!("must be one of: {}", known.join(", ")),
                    None => "is required".to_owned(),
                });
                self.path.pop();
            }
            return;
        };
        put_tag(field.number, WireType::LengthDelimited, &mut self.out);
        let start = self.out.len();
        self.object(&self.types.messages[*inner], fields, Some(tag));
        put_length_before(start, &mut self.out);
    }

    /// `beside` is a name that is no field of this message and stands there all the same.
    fn object(&mut self, shape: &'a MessageShape, fields: &'a Map<String, Value>, beside: Option<&str>) {
        if self.depth >= MAX_DEPTH {
            return self.complain(format!("is nested too deeply, at most {MAX_DEPTH} levels"));
        }
        self.depth += 1;
        let found = self.find(shape, fields, beside);
        self.check_oneofs(shape, &found);
        for (field, value) in shape.fields.iter().zip(found) {
            self.path.push(Step::Field(&field.name));
            match value {
                Some(value) => self.field(field, value),
                None if field.rule.required && self.is_strict() => self.complain_of(field, "is required"),
                None => {}
            }
            self.path.pop();
        }
        self.depth -= 1;
    }

    /// The value of each field that is there; `null` is not.
    fn find(
        &mut self,
        shape: &'a MessageShape,
        fields: &'a Map<String, Value>,
        beside: Option<&str>,
    ) -> Vec<Option<&'a Value>> {
        let mut found = vec![None; shape.fields.len()];
        for (name, value) in fields.iter().filter(|(name, _)| Some(name.as_str()) != beside) {
            match shape.index_of(name) {
                Some(index) => found[index] = Some(value).filter(|value| !value.is_null()),
                None if self.is_strict() && !self.is_full() => {
                    self.path.push(Step::Key(name));
                    self.complain(unknown("unknown field", name, shape));
                    self.path.pop();
                }
                None => {}
            }
        }
        found
    }

    fn check_oneofs(&mut self, shape: &'a MessageShape, found: &[Option<&Value>]) {
        let set = |oneof: usize| {
            let members = shape.fields.iter().zip(found);
            members.filter(move |(field, value)| field.oneof == Some(oneof) && value.is_some())
        };
        for (field, value) in shape.fields.iter().zip(found) {
            let (Some(oneof), Some(_)) = (field.oneof, value) else {
                continue;
            };
            let is_second = set(oneof)
                .nth(1)
                .is_some_and(|(second, _)| second.number == field.number);
            if is_second {
                let names: Vec<_> = set(oneof).map(|(field, _)| field.name.as_str()).collect();
                self.path.push(Step::Field(&field.name));
                self.complain(format!("only one of these may be given: {}", names.join(", ")));
                self.path.pop();
            }
        }
    }

    fn field(&mut self, field: &'a FieldShape, json: &'a Value) {
        match &field.holds {
            Holds::One { .. } => self.single(field, json),
            Holds::List { packed } => self.list(field, *packed, json),
            Holds::Map { key } => self.map(field, key, json),
        }
    }

    fn single(&mut self, field: &'a FieldShape, json: &'a Value) {
        if let ValueKind::Message(index) = field.kind {
            put_tag(field.number, WireType::LengthDelimited, &mut self.out);
            let start = self.out.len();
            self.message(&self.types.messages[index], json);
            return put_length_before(start, &mut self.out);
        }
        let is_missing =
            field.rule.required && self.is_strict() && json.as_str().is_some_and(|text| field.rule.is_blank(text));
        let read = if is_missing {
            self.refused(field, json, "is required")
        } else {
            self.scalar(field, json)
        };
        if let Some(raw) = read
            && (field.has_presence() || !raw.as_raw().is_default())
        {
            self.put(field.number, &raw);
        }
    }

    fn put(&mut self, number: u32, value: &Scalar<'_>) {
        let raw = value.as_raw();
        put_tag(number, raw.wire_type(), &mut self.out);
        raw.put(&mut self.out);
    }

    fn list(&mut self, field: &'a FieldShape, packed: bool, json: &'a Value) {
        let Value::Array(items) = json else {
            return self.complain(format!("must be a list, not {}", kind_of(json)));
        };
        if !self.check_items(field, items.len()) || items.is_empty() {
            return;
        }
        if packed {
            put_tag(field.number, WireType::LengthDelimited, &mut self.out);
        }
        let start = self.out.len();
        for (index, item) in items.iter().enumerate() {
            if self.is_full() {
                break;
            }
            self.path.push(Step::Index(index));
            self.item(field, packed, item);
            self.path.pop();
        }
        if packed {
            put_length_before(start, &mut self.out);
        }
    }

    fn item(&mut self, field: &'a FieldShape, packed: bool, item: &'a Value) {
        if let ValueKind::Message(index) = field.kind {
            put_tag(field.number, WireType::LengthDelimited, &mut self.out);
            let start = self.out.len();
            self.message(&self.types.messages[index], item);
            put_length_before(start, &mut self.out);
        } else if let Some(raw) = self.scalar(field, item) {
            if packed {
                raw.as_raw().put(&mut self.out);
            } else {
                self.put(field.number, &raw);
            }
        }
    }

    /// Whether a list or a map is read on, by how many items it has.
    fn check_items(&mut self, field: &FieldShape, items: usize) -> bool {
        if !self.is_strict() {
            return true;
        }
        let counted = if items == 0 && field.rule.required {
            Err("is required".to_owned())
        } else {
            field.rule.check_count(items)
        };
        match counted {
            Ok(()) => true,
            Err(error) => {
                self.complain_of(field, error);
                field.rule.by_service
            }
        }
    }

    fn map(&mut self, field: &'a FieldShape, key: &'a ValueKind, json: &'a Value) {
        let Value::Object(entries) = json else {
            return self.complain(format!("must be an object, not {}", kind_of(json)));
        };
        if !self.check_items(field, entries.len()) {
            return;
        }
        for (name, value) in entries {
            if self.is_full() {
                break;
            }
            self.path.push(Step::Key(name));
            put_tag(field.number, WireType::LengthDelimited, &mut self.out);
            let start = self.out.len();
            self.entry(field, key, name, value);
            put_length_before(start, &mut self.out);
            self.path.pop();
        }
    }

    fn entry(&mut self, field: &'a FieldShape, key: &'a ValueKind, name: &'a str, value: &'a Value) {
        match map_key(key, name) {
            Ok(raw) if raw.as_raw().is_default() => {}
            Ok(raw) => self.put(1, &raw),
            Err(error) => return self.complain(error),
        }
        if let ValueKind::Message(index) = field.kind {
            put_tag(2, WireType::LengthDelimited, &mut self.out);
            let start = self.out.len();
            self.message(&self.types.messages[index], value);
            put_length_before(start, &mut self.out);
        } else if let Some(raw) = self.scalar(field, value)
            && !raw.as_raw().is_default()
        {
            self.put(2, &raw);
        }
    }

    fn scalar(&mut self, field: &'a FieldShape, json: &'a Value) -> Option<Scalar<'a>> {
        match self.values().scalar(field, json) {
            Ok(value) => Some(value),
            Err(error) => self.refused(field, json, error),
        }
    }

    /// A value that is not as expected. Where the service says so itself it is given on, if it can be read at all.
    fn refused(&mut self, field: &'a FieldShape, json: &'a Value, error: impl Into<String>) -> Option<Scalar<'a>> {
        let unruled = Values {
            is_strict: false,
            ..self.values()
        };
        let given_on = unruled.scalar(field, json).ok().filter(|_| field.rule.by_service);
        match given_on {
            Some(_) => self.note(error),
            None => self.complain(error),
        }
        given_on
    }

    fn well_known(&mut self, form: Form, json: &Value) {
        match self.values().well_known(form, json) {
            Ok(bytes) => self.out.extend_from_slice(&bytes),
            Err(error) => self.complain(error),
        }
    }

    fn values(&self) -> Values {
        Values {
            is_strict: self.is_strict(),
            levels_left: MAX_DEPTH - self.depth,
        }
    }
}
