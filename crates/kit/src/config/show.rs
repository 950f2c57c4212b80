//! Every value, where it comes from, and no secret.

use figment::{Figment, Source, value::Value};
use serde::Serialize;
use url::Url;

use super::Config;
use crate::port;

/// One value of the configuration as an operator may see it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shown {
    pub key: String,
    pub value: String,
    pub source: String,
}

impl Config {
    /// Every value of the top level and of the given sections, in the order of their keys.
    pub fn show(&self, sections: &[(&str, serde_json::Value)]) -> Vec<Shown> {
        let mut shown = Vec::new();
        self.collect("", &to_json(&self.base), &mut shown);
        for (name, section) in sections {
            self.collect(name, section, &mut shown);
        }
        shown
    }

    fn collect(&self, path: &str, value: &serde_json::Value, into: &mut Vec<Shown>) {
        if let serde_json::Value::Object(fields) = value {
            for (name, value) in fields {
                let key = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                self.collect(&key, value, into);
            }
            return;
        }
        let source = source_of(&self.figment, path).unwrap_or_else(|| "default".to_owned());
        into.push(Shown {
            key: path.to_owned(),
            value: plain(value),
            source,
        });
    }
}

/// Where a key was said: a variable, a flag, a file.
pub(super) fn source_of(figment: &Figment, key: &str) -> Option<String> {
    let value: Value = figment.find_value(key).ok()?;
    let metadata = figment.get_metadata(value.tag())?;
    let keys: Vec<&str> = key.split('.').collect();
    Some(match &metadata.source {
        Some(Source::File(file)) => file.display().to_string(),
        _ => metadata.interpolate(figment.profile(), &keys),
    })
}

/// Text as itself, the rest as JSON; passwords in URLs hidden.
fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => match Url::parse(text) {
            Ok(url) if url.has_host() => port::masked(&url),
            _ => text.clone(),
        },
        other => other.to_string(),
    }
}

fn to_json(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or(serde_json::Value::Null)
}
