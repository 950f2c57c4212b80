//! Protobuf messages as JSON and back, by the conventions of the API.
//!
//! A [`Shape`] is worked out once from a message's descriptor and then used for every request: [`Shape::write`] goes from
//! wire bytes to JSON text and [`Shape::read`] from a JSON value to wire bytes, neither with a message in between.
//!
//! - Field names are those of the proto. Every field is written: what is not set is `null`, an empty list is `[]`.
//! - An enum value is lower-case without its type's prefix (`STATUS_PENDING` is `"pending"`); `…_UNSPECIFIED` and numbers
//!   that nobody knows are `null` and never accepted.
//! - `Timestamp` is RFC 3339 in UTC, `Duration` is `"3.5s"`, `Struct` and `Value` are themselves, `bytes` are base64,
//!   64-bit integers are numbers.
//! - A field rule with a format changes how a value looks: money is `"4500.00"` for 450000 minor units, a `JSON` field
//!   holds JSON as text and shows it as itself.
//! - A message that is `tagged_by` a name is the message that its one `oneof` holds, flat, with a field of that name that says
//!   which one it is.
//! - Reading checks every field rule and reports all that is wrong at once. `null` counts as absent. A request that its service
//!   checks itself passes where only field rules are broken: the service says so, beside what only it knows.

mod enums;
mod forms;
mod read;
mod rules;
mod sample;
mod shape;
#[cfg(test)]
mod tests;
mod text;
mod values;
mod wire;
mod write;

use std::{
    any::TypeId,
    collections::HashMap,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use prost::{Message, Name};
use prost_reflect::MessageDescriptor;
use serde_json::{Map, Value};

pub use enums::enum_value_name;
pub use rules::{GENERAL_MAX_LENGTH, RuleError};
pub use wire::WireError;

use crate::{contract, fault::Violation};
use shape::Types;

/// Deepest nesting of a JSON value that is read.
pub const MAX_DEPTH: usize = 32;

/// How a message looks in JSON, worked out once from its descriptor. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shape(Arc<Types>);

impl Shape {
    /// Works out the shape of a message and of all messages that it holds.
    ///
    /// Refuses a field rule that does not fit its field: better at start-up than at the first request.
    pub fn of(message: &MessageDescriptor) -> Result<Self, RuleError> {
        let shape = Self(Arc::new(Types::of(message)?));
        shape.check_examples()?;
        Ok(shape)
    }

    pub fn descriptor(&self) -> &MessageDescriptor {
        &self.0.root().descriptor
    }

    /// JSON to wire bytes. All that is wrong is reported at once, each by its path (`scans[3].qr_token`); the path of
    /// the whole value is `body`.
    pub fn read(&self, json: &Value) -> Result<Vec<u8>, Vec<Violation>> {
        read::read(&self.0, json, read::Strictness::Rules)
    }

    /// Wire bytes to JSON text, appended to `out`. On an error `out` is as it was.
    pub fn write(&self, wire: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
        let before = out.len();
        let written = write::message(&self.0, wire, out);
        if written.is_err() {
            out.truncate(before);
        }
        written
    }

    /// The JSON value of one field alone: the rows of a list, its page.
    pub fn write_field(&self, name: &str, wire: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
        let before = out.len();
        let written = write::field(&self.0, name, wire, out);
        if written.is_err() {
            out.truncate(before);
        }
        written
    }

    /// Makes query and path parameters a JSON object fit for [`Shape::read`]. A repeated field is a repeated parameter.
    pub fn from_text(&self, pairs: &[(String, String)]) -> Result<Map<String, Value>, Vec<Violation>> {
        text::from_text(self.0.root(), pairs)
    }

    /// A value of this shape for the documentation; [`Shape::read`] accepts it.
    pub fn sample(&self) -> Value {
        sample::message(&self.0)
    }

    fn check_examples(&self) -> Result<(), RuleError> {
        for message in &self.0.messages {
            for field in message.fields.iter().filter(|field| field.rule.example.is_some()) {
                let violations = read::check_field(&self.0, field, &sample::field(&self.0, field));
                if let Some(first) = violations.first() {
                    let problem = format!("its example {}", first.error);
                    return Err(RuleError::new(&message.descriptor, &field.name, problem));
                }
            }
        }
        Ok(())
    }
}

/// JSON that does not fit the message that was expected.
#[derive(Debug, thiserror::Error)]
#[error("this is no {message}: {}", list(.violations))]
pub struct Mismatch {
    pub message: String,
    pub violations: Vec<Violation>,
}

fn list(violations: &[Violation]) -> String {
    let lines = violations.iter().map(|one| format!("{} {}", one.field, one.error));
    lines.collect::<Vec<_>>().join("; ")
}

/// A message of the contract as a JSON value, for events.
///
/// # Panics
/// Never for the messages of the contract, see [`shape_of`]; their own encoding is well-formed.
pub fn to_value<M: Message + Name + 'static>(message: &M) -> Value {
    let mut text = Vec::with_capacity(256);
    shape_of::<M>()
        .write(&message.encode_to_vec(), &mut text)
        .expect("what prost has just encoded is well-formed");
    serde_json::from_slice(&text).expect("what a shape writes is JSON")
}

/// Reads a message of the contract leniently, as an event must be: fields and enum values that this code does not know
/// yet are passed over, and no field rule is checked.
pub fn from_value<M: Message + Name + Default + 'static>(json: &Value) -> Result<M, Mismatch> {
    let mismatch = |violations| Mismatch {
        message: M::full_name(),
        violations,
    };
    let wire = read::read(&shape_of::<M>().0, json, read::Strictness::Lenient).map_err(mismatch)?;
    M::decode(wire.as_slice()).map_err(|error| mismatch(vec![Violation::new("body", error.to_string())]))
}

/// The shape of a generated type, worked out at its first use.
///
/// # Panics
/// Never for the messages of the contract: a test works out the shape of every one.
pub fn shape_of<M: Name + 'static>() -> Shape {
    static SHAPES: LazyLock<RwLock<HashMap<TypeId, Shape>>> = LazyLock::new(RwLock::default);
    let key = TypeId::of::<M>();
    if let Some(known) = SHAPES.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return known.clone();
    }
    let shape = Shape::of(&contract::message::<M>()).expect("the rules of the contract fit their fields");
    let mut shapes = SHAPES.write().unwrap_or_else(PoisonError::into_inner);
    shapes.entry(key).or_insert(shape).clone()
}
