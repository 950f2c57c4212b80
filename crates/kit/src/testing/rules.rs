//! Requests that break a field rule, for services that check requests themselves.

use prost::{Message, Name};
use prost_reflect::Kind;
use serde_json::{Value, json};

use crate::{contract, json};

/// A request of which one field is not as its rule says.
#[derive(Debug)]
pub struct Broken<M> {
    pub field: String,
    pub request: M,
}

/// The request with each of its fields in turn left out, or set to what breaks its rule. The gateway passes all of these on: the
/// service must refuse each by this field.
pub fn broken<M: Message + Name + Default + 'static>(valid: &M) -> Vec<Broken<M>> {
    let (shape, valid) = (json::shape_of::<M>(), json::to_value(valid));
    let mut all = Vec::new();
    for field in shape.descriptor().fields() {
        let before = all.len();
        for value in candidates(&valid[field.name()]) {
            let mut request = valid.clone();
            request[field.name()] = value;
            if !breaks_rule(&shape, &request, field.name()) {
                continue;
            }
            // What cannot be read at all is refused by the gateway.
            if let Ok(wire) = shape.read(&request) {
                let request = M::decode(wire.as_slice()).expect("what a shape reads is this message");
                let field = field.name().to_owned();
                all.push(Broken { field, request });
            }
        }
        // Both values of a flag are values.
        assert!(
            all.len() > before || field.kind() == Kind::Bool,
            "nothing breaks the rule of {}",
            field.full_name()
        );
    }
    all
}

/// The requests of a package that its service checks itself.
pub fn checked_by_service(package: &str) -> Vec<String> {
    let messages = contract::pool().all_messages();
    let own = messages.filter(|message| message.package_name() == package);
    own.filter(contract::is_checked_by_service)
        .map(|message| message.name().to_owned())
        .collect()
}

/// Whether the rule of a field is among what is wrong.
fn breaks_rule(shape: &json::Shape, request: &Value, field: &str) -> bool {
    // Beside a field that nobody knows all is named, whoever is to refuse it.
    let mut unreadable = request.clone();
    unreadable["no field of anybody"] = Value::from(1);
    let violations = shape.read(&unreadable).err().unwrap_or_default();
    let mut wrong = violations.iter().map(|one| one.field.split(['.', '[']).next());
    wrong.any(|name| name == Some(field))
}

/// Whatever somebody may have thought of refusing, made of what is as expected.
fn candidates(valid: &Value) -> Vec<Value> {
    let text = valid.as_str().unwrap_or("x");
    let mut texts = vec![
        String::new(),
        " \n".to_owned(),
        "\0".to_owned(),
        "nobody".to_owned(),
        "a@b@c".to_owned(),
        "a b@c.example".to_owned(),
        "a,b@c.example".to_owned(),
        "a<b@c.example".to_owned(),
        "a@-b.example".to_owned(),
        "a@b..example".to_owned(),
        "९८७६५४३२१०".to_owned(),
        "5876543210".to_owned(),
        text.replace(['-', '@'], ""),
        text.chars().skip(1).collect(),
        format!("{{{text}}}"),
        format!("{}@c.example", "a".repeat(65)),
    ];
    for strange in ["\0", "\n", "\t", "\u{7}", "\u{7f}", "\u{85}", "é", "/"] {
        texts.push(format!("{text}{strange}"));
        texts.push(format!("{strange}{text}"));
    }
    for length in [11, 21, 51, 101, 201, 255, 256, 501, 1025, 10_001] {
        texts.push("x".repeat(length));
        texts.push("é".repeat(length));
        texts.push(format!("{text}{}", " ".repeat(length)));
    }
    let numbers = [-1, 0, 5, 9, 101, 201, -6, i64::from(i32::MIN), i64::from(u32::MAX)];
    let numbers = numbers.into_iter().map(|number| json!(number));
    let texts = texts.into_iter().map(Value::from);
    texts.chain(numbers).chain([Value::Null]).collect()
}
