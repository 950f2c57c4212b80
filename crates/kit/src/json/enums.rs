//! Enum values by their names in JSON: lower-case, without the type's prefix.

use prost_reflect::{EnumDescriptor, EnumValueDescriptor};

/// Both directions of one enum, made once.
#[derive(Debug)]
pub(super) struct EnumNames {
    /// Quoted names by number, sorted.
    quoted: Vec<(i32, Box<[u8]>)>,
    /// Names as declared.
    names: Vec<(String, i32)>,
}

impl EnumNames {
    pub(super) fn of(descriptor: &EnumDescriptor) -> Self {
        let mut names: Vec<(String, i32)> = Vec::new();
        let mut quoted: Vec<(i32, Box<[u8]>)> = Vec::new();
        let mut values: Vec<_> = descriptor.values().collect();
        values.sort_by_key(|value| value.path().last().copied());
        for value in values {
            let Some(name) = enum_value_name(&value) else { continue };
            // Of several names for one number the first is written.
            if !quoted.iter().any(|(number, _)| *number == value.number()) {
                quoted.push((value.number(), format!("\"{name}\"").into_bytes().into()));
            }
            names.push((name, value.number()));
        }
        quoted.sort_by_key(|(number, _)| *number);
        Self { quoted, names }
    }

    /// The name as JSON text, `null` for a number without one.
    pub(super) fn text(&self, number: i32) -> &[u8] {
        match self.quoted.binary_search_by_key(&number, |(known, _)| *known) {
            Ok(at) => &self.quoted[at].1,
            Err(_) => b"null",
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<i32> {
        let found = self.names.iter().find(|(known, _)| known == name);
        found.map(|(_, number)| *number)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| name.as_str())
    }
}

/// The JSON name of an enum value; `None` for the zero value that means "nothing said".
pub fn enum_value_name(value: &EnumValueDescriptor) -> Option<String> {
    let name = value.name();
    if value.number() == 0 && name.ends_with("UNSPECIFIED") {
        return None;
    }
    let prefix = format!("{}_", upper_snake(value.parent_enum().name()));
    let bare = name.strip_prefix(&prefix).filter(|bare| !bare.is_empty());
    Some(bare.unwrap_or(name).to_ascii_lowercase())
}

fn upper_snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut after_lower = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && after_lower {
            snake.push('_');
        }
        after_lower = !letter.is_ascii_uppercase();
        snake.push(letter.to_ascii_uppercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract;

    #[test]
    fn a_type_name_becomes_a_prefix() {
        assert_eq!(upper_snake("Status"), "STATUS");
        assert_eq!(upper_snake("LeaveStatus"), "LEAVE_STATUS");
        assert_eq!(upper_snake("Http2Mode"), "HTTP2_MODE");
    }

    #[test]
    fn values_without_prefix_keep_their_name_and_unspecified_has_none() {
        let role = contract::pool()
            .get_enum_by_name("hostelpulse.options.v1.Role")
            .unwrap();
        let names = EnumNames::of(&role);
        assert_eq!(names.text(1), b"\"student\"");
        assert_eq!(names.text(0), b"null");
        assert_eq!(names.text(99), b"null");
        assert_eq!(names.number("guard"), Some(3));
        assert_eq!(names.number("role_unspecified"), None);
        assert_eq!(names.names().count(), 6);
    }
}
