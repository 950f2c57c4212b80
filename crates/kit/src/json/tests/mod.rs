//! Tests on the product's protos and on one with every kind of field.

mod properties;
mod reading;
mod rules;
mod tagged;
mod writing;

use std::{
    collections::HashMap,
    path::Path,
    sync::{LazyLock, Mutex},
};

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::Value;

use super::Shape;

const KINDS: &str = include_str!("kinds.proto");

/// Compiles a proto that may use our options.
fn compile(source: &str) -> DescriptorPool {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("test.proto"), source).unwrap();
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let mut compiler = protox::Compiler::new([folder.path(), &ours]).unwrap();
    compiler.include_imports(true).open_file("test.proto").unwrap();
    DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap()
}

fn kinds(message: &str) -> MessageDescriptor {
    static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| compile(KINDS));
    POOL.get_message_by_name(&format!("test.kinds.{message}")).unwrap()
}

/// Made once a message: the properties ask for it again and again.
fn shape(message: &str) -> Shape {
    static SHAPES: LazyLock<Mutex<HashMap<String, Shape>>> = LazyLock::new(Mutex::default);
    let mut shapes = SHAPES.lock().unwrap();
    let known = shapes.entry(message.to_owned());
    known.or_insert_with(|| Shape::of(&kinds(message)).unwrap()).clone()
}

/// What is written for these bytes, as text.
fn write(shape: &Shape, wire: &[u8]) -> String {
    let mut out = Vec::new();
    shape.write(wire, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// What was understood, as prost-reflect shows it.
fn read(shape: &Shape, json: &Value) -> DynamicMessage {
    let wire = shape.read(json).unwrap();
    let message = DynamicMessage::decode(shape.descriptor().clone(), wire.as_slice()).unwrap();
    // Canonical bytes: what prost would have encoded, in the same order.
    assert_eq!(message.encode_to_vec().len(), wire.len());
    message
}

/// The one thing that is wrong.
fn violation(shape: &Shape, json: &Value) -> (String, String) {
    let mut violations = shape.read(json).unwrap_err();
    assert_eq!(violations.len(), 1, "{violations:?}");
    let one = violations.remove(0);
    (one.field, one.error)
}
