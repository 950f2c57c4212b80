//! Field rules: compiled from the proto options once, checked for every value that comes in.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use proto::options::Format;
use regex::Regex;

use super::{forms, shape::Integer};
use crate::{contact::Email, contract, id};

/// Most characters of a text whose field names no limit of its own.
pub const GENERAL_MAX_LENGTH: usize = 10_000;

/// Most characters of an e-mail address, as mail servers have it.
const EMAIL_MAX_LENGTH: usize = 254;

/// A field rule that does not fit its field.
#[derive(Debug, thiserror::Error)]
#[error("{message}{dot}{field}: {problem}", dot = if .field.is_empty() { "" } else { "." })]
pub struct RuleError {
    pub message: String,
    pub field: String,
    pub problem: String,
}

impl RuleError {
    pub(super) fn new(message: &MessageDescriptor, field: &str, problem: impl Into<String>) -> Self {
        Self {
            message: message.full_name().to_owned(),
            field: field.to_owned(),
            problem: problem.into(),
        }
    }
}

/// What a field declares of its values. On a list or a map it holds for each element.
#[derive(Debug, Default)]
pub(super) struct Rule {
    pub(super) required: bool,
    pub(super) format: Format,
    min_length: usize,
    max_length: Option<usize>,
    pattern: Option<(String, Regex)>,
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    pub(super) one_of: Vec<String>,
    pub(super) max_items: Option<usize>,
    pub(super) example: Option<String>,
    /// A value that breaks the rule is the service's to refuse.
    pub(super) by_service: bool,
}

impl Rule {
    pub(super) fn of(field: &FieldDescriptor) -> Result<Self, RuleError> {
        let declared = contract::field_rule(field);
        let refuse = |problem: String| RuleError::new(field.parent_message(), field.name(), problem);
        let format = Format::try_from(declared.format)
            .map_err(|_| refuse(format!("format {} does not exist", declared.format)))?;
        let pattern = match declared.pattern.as_str() {
            "" => None,
            text => {
                let whole = Regex::new(&format!(r"\A(?:{text})\z"));
                let regex =
                    whole.map_err(|error| refuse(format!("pattern {text:?} is no regular expression: {error}")))?;
                Some((text.to_owned(), regex))
            }
        };
        let rule = Self {
            required: declared.required,
            format,
            min_length: declared.min_length as usize,
            max_length: some_unless_zero(declared.max_length),
            pattern,
            minimum: declared.minimum,
            maximum: declared.maximum,
            one_of: declared.one_of,
            max_items: some_unless_zero(declared.max_items),
            example: Some(declared.example).filter(|example| !example.is_empty()),
            by_service: contract::is_checked_by_service(field.parent_message()),
        };
        rule.fits(field).map_err(refuse)?;
        Ok(rule)
    }

    pub(super) fn is_money(&self) -> bool {
        self.format == Format::Money
    }

    pub(super) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    pub(super) fn allows_negative(&self) -> bool {
        self.minimum.is_some_and(|minimum| minimum < 0.0)
    }

    /// Whether every part of the rule means something for the field.
    fn fits(&self, field: &FieldDescriptor) -> Result<(), String> {
        let kind = value_kind(field);
        let is_text = matches!(kind, Kind::String);
        let is_number = Integer::of(&kind).is_some() || matches!(kind, Kind::Double | Kind::Float);
        let repeats = field.is_list() || field.is_map();
        let needs = |holds: bool, what: &str, needed: &str| {
            if holds {
                Ok(())
            } else {
                Err(format!("{what} needs {needed}, this is {kind:?}"))
            }
        };
        match self.format {
            Format::Unspecified => {}
            Format::Money => needs(
                matches!(kind, Kind::Int64 | Kind::Sint64 | Kind::Sfixed64),
                "format MONEY",
                "an int64 field",
            )?,
            other => needs(is_text, &format!("format {}", other.as_str_name()), "a string field")?,
        }
        if self.min_length > 0 || self.max_length.is_some() {
            needs(is_text || kind == Kind::Bytes, "a length", "a string or bytes field")?;
        }
        if self.pattern.is_some() {
            needs(is_text && !self.is_json(), "pattern", "a string field")?;
        }
        if self.minimum.is_some() || self.maximum.is_some() {
            needs(is_number, "minimum or maximum", "a number field")?;
        }
        if !self.one_of.is_empty() {
            needs(
                is_text || matches!(kind, Kind::Enum(_)),
                "one_of",
                "a string or enum field",
            )?;
            self.one_of_are_values(&kind)?;
        }
        if self.max_items.is_some() {
            needs(repeats, "max_items", "a repeated field")?;
        }
        self.bounds_are_ordered()
    }

    fn one_of_are_values(&self, kind: &Kind) -> Result<(), String> {
        let Kind::Enum(descriptor) = kind else { return Ok(()) };
        let names = super::enums::EnumNames::of(descriptor);
        match self.one_of.iter().find(|name| names.number(name).is_none()) {
            Some(strange) => Err(format!(
                "one_of names `{strange}`, which {} does not have",
                descriptor.name()
            )),
            None => Ok(()),
        }
    }

    fn bounds_are_ordered(&self) -> Result<(), String> {
        if let (Some(minimum), Some(maximum)) = (self.minimum, self.maximum)
            && minimum > maximum
        {
            return Err(format!("minimum {minimum} is above maximum {maximum}"));
        }
        let longest = self.max_length();
        if self.min_length > longest {
            return Err(format!("min_length {} is above max_length {longest}", self.min_length));
        }
        Ok(())
    }

    pub(super) fn min_length(&self) -> usize {
        self.min_length
    }

    pub(super) fn max_length(&self) -> usize {
        self.max_length.unwrap_or(GENERAL_MAX_LENGTH)
    }

    /// Checks a text and its form; gives it back as it is carried on (a UUID in lower case).
    pub(super) fn check_text(&self, text: &str) -> Result<Option<String>, String> {
        if text.contains('\0') {
            return Err("must not contain a NUL character".to_owned());
        }
        self.check_length(text)?;
        if !self.one_of.is_empty() && !self.one_of.iter().any(|allowed| allowed == text) {
            return Err(format!("must be one of: {}", self.one_of.join(", ")));
        }
        let normalised = self.check_format(text)?;
        if let Some((shown, regex)) = &self.pattern
            && !regex.is_match(text)
        {
            return Err(format!("must match {shown}"));
        }
        Ok(normalised)
    }

    /// The length in characters.
    pub(super) fn check_length(&self, text: &str) -> Result<(), String> {
        let most = match self.format {
            Format::Email => self.max_length().min(EMAIL_MAX_LENGTH),
            _ => self.max_length(),
        };
        // A text has at most as many characters as bytes.
        if text.len() > most && text.chars().count() > most {
            return Err(format!("must be at most {}", count(most, "character")));
        }
        if self.min_length > 0 && text.chars().take(self.min_length).count() < self.min_length {
            return Err(format!("must be at least {}", count(self.min_length, "character")));
        }
        Ok(())
    }

    pub(super) fn check_bytes(&self, bytes: &[u8]) -> Result<(), String> {
        if let Some(most) = self.max_length.filter(|most| bytes.len() > *most) {
            return Err(format!("must be at most {}", count(most, "byte")));
        }
        if bytes.len() < self.min_length {
            return Err(format!("must be at least {}", count(self.min_length, "byte")));
        }
        Ok(())
    }

    fn check_format(&self, text: &str) -> Result<Option<String>, String> {
        let fits = match self.format {
            Format::Uuid => {
                let id = id::parse(text)?;
                return Ok(Some(id.hyphenated().to_string()));
            }
            Format::Email => Email::parse(text).is_ok(),
            Format::Date => forms::is_date(text),
            Format::Line => !text.chars().any(char::is_control),
            Format::Text => !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')),
            Format::Unspecified | Format::Money | Format::Json => true,
        };
        if fits {
            return Ok(None);
        }
        Err(match self.format {
            Format::Email => "must be an e-mail address",
            Format::Date => "must be a day as YYYY-MM-DD",
            Format::Line => "must be one line without control characters",
            _ => "must not contain control characters",
        }
        .to_owned())
    }

    /// The bounds of a number; for money they are in whole units, as the value is shown.
    pub(super) fn check_number(&self, number: f64) -> Result<(), String> {
        let too_small = self.minimum.is_some_and(|minimum| number < minimum);
        let too_large = self.maximum.is_some_and(|maximum| number > maximum);
        if !too_small && !too_large {
            return Ok(());
        }
        Err(match (self.minimum, self.maximum) {
            (Some(minimum), Some(maximum)) => format!("must be between {minimum} and {maximum}"),
            (Some(minimum), None) => format!("must be at least {minimum}"),
            (None, maximum) => format!("must be at most {}", maximum.unwrap_or(f64::MAX)),
        })
    }

    pub(super) fn check_count(&self, items: usize) -> Result<(), String> {
        match self.max_items.filter(|most| items > *most) {
            Some(most) => Err(format!("must have at most {}", count(most, "item"))),
            None => Ok(()),
        }
    }

    /// Whether a text is as good as none for a field that is required.
    pub(super) fn is_blank(&self, text: &str) -> bool {
        match self.format {
            Format::Line | Format::Text => text.trim().is_empty(),
            _ => text.is_empty(),
        }
    }
}

fn some_unless_zero(number: u32) -> Option<usize> {
    (number > 0).then_some(number as usize)
}

/// "1 item", "3 items".
fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// The kind of a field's value, of a map's values for a map.
fn value_kind(field: &FieldDescriptor) -> Kind {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
        kind => kind,
    }
}
