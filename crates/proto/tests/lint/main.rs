//! Holds the protos against the rules of the house, and against the contract that clients already rely on.
#![expect(
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking, its helpers too"
)]

mod breaking;
mod options;
mod style;

use std::{fs, path::Path};

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, Value};

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lint/baseline.binpb");

#[test]
fn the_protos_keep_the_rules() {
    let contract = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
    let complaints = style::complaints(&contract);
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn what_clients_rely_on_still_holds() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a question to whoever runs the tests, not configuration"
    )]
    if std::env::var_os("ACCEPT_BASELINE").is_some() {
        fs::write(BASELINE, without_comments(proto::DESCRIPTORS)).unwrap();
    }
    let baseline = DescriptorPool::decode(fs::read(BASELINE).unwrap().as_slice()).unwrap();
    let contract = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
    let complaints = breaking::complaints(&baseline, &contract);
    assert!(
        complaints.is_empty(),
        "\n{}\nThis breaks clients that were built against the baseline. Add beside it instead, or in a new version of the \
         package. When nobody relies on it, accept it with `make proto-baseline`.\n",
        complaints.join("\n")
    );
}

/// The same descriptors without their source info, so that the baseline changes with the contract alone.
fn without_comments(descriptors: &[u8]) -> Vec<u8> {
    let pool = DescriptorPool::decode(descriptors).unwrap();
    let set = pool.get_message_by_name("google.protobuf.FileDescriptorSet").unwrap();
    let mut set = DynamicMessage::decode(set, descriptors).unwrap();
    if let Some(Value::List(files)) = set.get_field_by_name_mut("file") {
        for file in files {
            file.as_message_mut().unwrap().clear_field_by_name("source_code_info");
        }
    }
    set.encode_to_vec()
}

/// Compiles `hostelpulse.kitchen.v1`, a package for the tests of the rules themselves.
fn compile(definitions: &str) -> DescriptorPool {
    const HEAD: &str = r#"
        syntax = "proto3";
        package hostelpulse.kitchen.v1;
        import "google/api/annotations.proto";
        import "hostelpulse/options/v1/options.proto";
        import "hostelpulse/types/v1/types.proto";
    "#;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hostelpulse/kitchen/v1/kitchen.proto");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, format!("{HEAD}{definitions}")).unwrap();
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let mut compiler = protox::Compiler::new([folder.path(), &ours]).unwrap();
    compiler.include_imports(true).include_source_info(true);
    compiler.open_file(&file).unwrap();
    DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap()
}
