//! Path, query and body become one protobuf message; everything that is wrong is said at once.

use kit::{fault::Violation, json::Shape};
use serde_json::{Map, Value};

use crate::{
    refusal::Refusal,
    routes::{Body, Input, Route},
};

/// Names and values, decoded.
pub(crate) type Pairs = Vec<(String, String)>;

/// More query parameters than any rpc has fields.
const MOST_PAIRS: usize = 256;

/// A request message, as it was given and as it goes to the service.
pub(crate) struct Parsed {
    pub(crate) fields: Map<String, Value>,
    pub(crate) wire: Vec<u8>,
}

/// The path's parameters by name.
pub(crate) fn path_pairs(route: &Route, texts: &[&str]) -> Result<Pairs, Refusal> {
    let named = route.parameters.iter().zip(texts);
    named
        .map(|(name, text)| match decode(text, false) {
            Some(text) => Ok((name.clone(), text)),
            None => Err(Refusal::invalid(name, "must be percent-encoded UTF-8 without NUL")),
        })
        .collect()
}

/// The query's parameters.
pub(crate) fn query_pairs(query: &str) -> Result<Pairs, Refusal> {
    if query.is_empty() {
        return Ok(Vec::new());
    }
    let wrong = || Refusal::invalid("query", "must be percent-encoded UTF-8 without NUL");
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if pairs.len() == MOST_PAIRS {
            return Err(Refusal::invalid(
                "query",
                format!("must have at most {MOST_PAIRS} parameters"),
            ));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.push((
            decode(name, true).ok_or_else(wrong)?,
            decode(value, true).ok_or_else(wrong)?,
        ));
    }
    Ok(pairs)
}

/// Percent-decodes strictly: half an escape, bytes that are no UTF-8 and NUL are refused rather than mended.
fn decode(text: &str, plus_is_space: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let (high, low) = (hex_digit(rest.next()?)?, hex_digit(rest.next()?)?);
                high << 4 | low
            }
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

fn hex_digit(digit: u8) -> Option<u8> {
    // The value of one hexadecimal digit always fits.
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

impl Input {
    /// The request message out of its three sources.
    pub(crate) fn parse(
        &self,
        route: &Route,
        path: Pairs,
        query: Pairs,
        body: Option<Value>,
    ) -> Result<Parsed, Refusal> {
        let query = self.wanted(route, &path, query)?;
        let mut pairs = path;
        pairs.extend(query);
        let given = self.shape.from_text(&pairs).map_err(Refusal::validation)?;
        let fields = match (&self.body, body) {
            // A body where there should be none was refused before it was read.
            (_, None) | (Body::Nothing, Some(_)) => given,
            (Body::Field(name), Some(value)) => {
                let mut fields = given;
                fields.insert(name.clone(), value);
                fields
            }
            (Body::Whole, Some(Value::Object(body))) => merge(given, body)?,
            (Body::Whole, Some(_)) => return Err(Refusal::invalid("body", "must be a JSON object")),
        };
        read(&self.shape, fields)
    }

    /// The query parameters that are for the message; the others are refused by name.
    fn wanted(&self, route: &Route, path: &Pairs, query: Pairs) -> Result<Pairs, Refusal> {
        let mut violations = Vec::new();
        let mut wanted = Vec::with_capacity(query.len());
        for (name, value) in query {
            let is_field = self.shape.descriptor().get_field_by_name(&name).is_some();
            let chooses = route.when.as_ref().is_some_and(|(chosen, _)| *chosen == name);
            match &self.body {
                _ if chooses && !is_field => {}
                _ if path.iter().any(|(known, _)| *known == name) => {
                    violations.push(Violation::new(name, "is given by the path"));
                }
                Body::Whole => violations.push(Violation::new(name, "belongs into the body, not into the query")),
                Body::Field(body) if *body == name => violations.push(Violation::new(name, "is given by the body")),
                Body::Nothing | Body::Field(_) => wanted.push((name, value)),
            }
        }
        if violations.is_empty() {
            Ok(wanted)
        } else {
            Err(Refusal::validation(violations))
        }
    }
}

/// What the path says may be said again in the body, but not otherwise.
fn merge(path: Map<String, Value>, mut body: Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    for (name, value) in path {
        match body.get(&name) {
            Some(other) if !other.is_null() && *other != value => {
                return Err(Refusal::invalid(name, "is not the same as in the path"));
            }
            _ => body.insert(name, value),
        };
    }
    Ok(body)
}

fn read(shape: &Shape, fields: Map<String, Value>) -> Result<Parsed, Refusal> {
    let value = Value::Object(fields);
    let wire = shape.read(&value).map_err(Refusal::validation)?;
    match value {
        Value::Object(fields) => Ok(Parsed { fields, wire }),
        _ => Ok(Parsed {
            fields: Map::new(),
            wire,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded_once_and_strictly() {
        let pairs = query_pairs("a=1&b=x+y%20z&c&&d=%2541&a=%C3%A9").unwrap();
        let expected = [("a", "1"), ("b", "x y z"), ("c", ""), ("d", "%41"), ("a", "é")];
        assert!(
            pairs
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .eq(expected)
        );
        for wrong in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%00", "%=1", "a=%+1"] {
            assert!(query_pairs(wrong).is_err(), "{wrong}");
        }
        assert!(query_pairs(&"a=1&".repeat(257)).is_err());
    }

    #[test]
    fn a_plus_in_a_path_is_a_plus() {
        assert_eq!(decode("a+b", false).as_deref(), Some("a+b"));
    }
}
