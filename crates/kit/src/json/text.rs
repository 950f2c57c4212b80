//! Query and path parameters as JSON: texts become what their fields hold.

use serde_json::{Map, Number, Value};

use super::{
    read::unknown,
    shape::{Holds, Integer, MessageShape, ValueKind},
};
use crate::fault::Violation;

pub(super) fn from_text(
    shape: &MessageShape,
    pairs: &[(String, String)],
) -> Result<Map<String, Value>, Vec<Violation>> {
    let mut json = Map::new();
    let mut violations = Vec::new();
    for (name, text) in pairs {
        if let Err(error) = add(shape, &mut json, name, text) {
            let shown: String = name.chars().take(64).collect();
            violations.push(Violation::new(shown, error));
        }
        // As many as a person reads; the rest of the parameters does not matter then.
        if violations.len() >= 20 {
            break;
        }
    }
    if violations.is_empty() {
        Ok(json)
    } else {
        Err(violations)
    }
}

fn add(shape: &MessageShape, json: &mut Map<String, Value>, name: &str, text: &str) -> Result<(), String> {
    let Some(index) = shape.index_of(name) else {
        return Err(unknown("unknown parameter", name, shape));
    };
    let field = &shape.fields[index];
    match field.holds {
        Holds::Map { .. } => return Err("cannot be given as a parameter".to_owned()),
        Holds::One { .. } => {
            if json.contains_key(name) {
                return Err("must be given only once".to_owned());
            }
            json.insert(name.to_owned(), parse(&field.kind, text)?);
        }
        Holds::List { .. } => {
            let value = parse(&field.kind, text)?;
            let list = json.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(items) = list {
                items.push(value);
            }
        }
    }
    Ok(())
}

/// The value that a text stands for. What is a text in JSON too is checked when it is read.
pub(super) fn parse(kind: &ValueKind, text: &str) -> Result<Value, String> {
    match kind {
        ValueKind::Integer(integer) => whole(*integer, text),
        ValueKind::Double | ValueKind::Float => {
            let number = text.parse().ok().and_then(Number::from_f64);
            number.map(Value::Number).ok_or_else(|| "must be a number".to_owned())
        }
        ValueKind::Bool => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err("must be true or false".to_owned()),
        },
        ValueKind::JsonText => serde_json::from_str(text).map_err(|_| "must be JSON".to_owned()),
        _ => Ok(Value::String(text.to_owned())),
    }
}

fn whole(integer: Integer, text: &str) -> Result<Value, String> {
    let number: i128 = text.parse().map_err(|_| "must be a whole number".to_owned())?;
    let (smallest, largest) = integer.range();
    let out_of_range = || format!("must be between {smallest} and {largest}");
    Number::from_i128(number)
        .filter(|_| (smallest..=largest).contains(&number))
        .map(Value::Number)
        .ok_or_else(out_of_range)
}
