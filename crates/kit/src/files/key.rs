//! The name of an object, checked once when it is made.

use std::{fmt, str::FromStr};

/// What S3 and every file system can hold with room to spare.
const LONGEST_KEY: usize = 512;
const LONGEST_PART: usize = 200;

/// The name of an object: `/`-separated parts of letters, digits, `.`, `_` and `-`; never a way out of the store.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Key(String);

/// Why a text is no key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    #[error("a key has 1 to {LONGEST_KEY} characters")]
    Length,
    #[error("each part of a key has 1 to {LONGEST_PART} characters")]
    PartLength,
    #[error("a part of a key cannot be \".\" or \"..\"")]
    Dots,
    #[error("a key is made of letters, digits, \".\", \"_\", \"-\" and \"/\" between its parts")]
    Character,
}

impl Key {
    pub fn parse(text: impl Into<String>) -> Result<Self, KeyError> {
        let text = text.into();
        if !(1..=LONGEST_KEY).contains(&text.len()) {
            return Err(KeyError::Length);
        }
        for part in text.split('/') {
            check_part(part)?;
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Behind the last `/`.
    pub(super) fn last_part(&self) -> &str {
        self.0.rsplit_once('/').map_or(&*self.0, |(_, last)| last)
    }

    pub(super) fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }
}

fn check_part(part: &str) -> Result<(), KeyError> {
    if !(1..=LONGEST_PART).contains(&part.len()) {
        return Err(KeyError::PartLength);
    }
    if part == "." || part == ".." {
        return Err(KeyError::Dots);
    }
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if part.bytes().all(known) {
        Ok(())
    } else {
        Err(KeyError::Character)
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_refused_for_its_reason() {
        let why = |text: &str| Key::parse(text).unwrap_err();
        assert_eq!(why(""), KeyError::Length);
        assert_eq!(why(&"a/".repeat(300)), KeyError::Length);
        assert_eq!(why(&"a".repeat(201)), KeyError::PartLength);
        for hostile in ["..", ".", "a/../b", "a/.", "../etc/passwd"] {
            assert_eq!(why(hostile), KeyError::Dots, "{hostile}");
        }
        for hostile in ["/", "/etc", "a//b", "a/"] {
            assert_eq!(why(hostile), KeyError::PartLength, "{hostile}");
        }
        for hostile in ["a b", "a\0", "a\\b", "é", "a~", "a%2e", "C:x", "a\n", "a?x", "*"] {
            assert_eq!(why(hostile), KeyError::Character, "{hostile:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_well_formed_is_a_key(text in "[A-Za-z0-9_-][A-Za-z0-9._-]{0,30}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,30}){0,5}") {
            let key = Key::parse(text.clone()).unwrap();
            prop_assert_eq!(key.as_str(), &text);
            prop_assert_eq!(key.to_string().parse::<Key>().unwrap(), key);
        }

        #[test]
        fn a_key_has_only_plain_parts(text in "[a./~%\\\\ \0]{0,12}") {
            if let Ok(key) = Key::parse(text) {
                for part in std::path::Path::new(key.as_str()).components() {
                    prop_assert!(matches!(part, std::path::Component::Normal(_)));
                }
                prop_assert_eq!(key.parts().count(), std::path::Path::new(key.as_str()).components().count());
            }
        }

        #[test]
        fn no_text_at_all_makes_parsing_fail_badly(text in any::<String>()) {
            if let Ok(key) = Key::parse(text.clone()) {
                prop_assert!(text.is_ascii() && key.as_str() == text);
            }
        }
    }
}
