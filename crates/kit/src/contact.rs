//! What people are called and written to, parsed once at the edge of every service that keeps it.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

const LONGEST_EMAIL: usize = 254;
const LONGEST_NAME: usize = 255;
const LONGEST_REGISTRATION_NUMBER: usize = 20;

/// An e-mail address as it was given; two that differ only in case are the same address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Email(String);

impl Email {
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let shaped = text.split_once('@').is_some_and(|(local, domain)| {
            // ASCII alone: a letter of another script that looks like a Latin one would make a second, look-alike address. What
            // mail programs take for the edge of an address is no part of one.
            let plain = |c: char| c.is_ascii_graphic() && !"@<>()[]\\,;:\"".contains(c);
            let is_host =
                |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            let domain_ok = domain.split('.').all(is_host) && !domain.starts_with('-') && !domain.ends_with('-');
            !local.is_empty() && local.len() <= 64 && local.chars().all(plain) && domain_ok
        });
        if !shaped || text.len() > LONGEST_EMAIL {
            return Err("must be an e-mail address in plain ASCII letters");
        }
        Ok(Self(text.to_owned()))
    }

    /// What stands for the address of somebody who was erased: nobody else's, and no mail is ever delivered below `invalid`.
    pub fn of_erased(id: Uuid) -> Self {
        Self(format!("erased-{id}@erased.invalid"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which addresses are compared.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

/// One line for people: not blank, and showing what it holds.
pub fn line(text: &str, longest: usize, too_long: &'static str) -> Result<String, &'static str> {
    // They turn the writing around or take no room: two lines would look the same. The joiners of Indian scripts are no such.
    let unseen = |c: char| matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    if text.trim().is_empty() {
        return Err("is required");
    }
    if text.chars().any(|c| c.is_control() || unseen(c)) {
        return Err("must not contain control characters");
    }
    if text.chars().count() > longest {
        return Err(too_long);
    }
    Ok(text.trim().to_owned())
}

/// The name of a person: one line, not blank, without control characters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PersonName(String);

impl PersonName {
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        line(text, LONGEST_NAME, "must be at most 255 characters").map(Self)
    }

    /// What stands for the name of a student who was erased.
    pub fn of_erased() -> Self {
        Self("Erased student".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The number under which somebody is registered; compared without regard to case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RegistrationNumber(String);

impl RegistrationNumber {
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if text.is_empty() || text.len() > LONGEST_REGISTRATION_NUMBER || !text.chars().all(plain) {
            return Err("must be 1 to 20 letters, digits or hyphens");
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which numbers are compared.
    pub fn folded(&self) -> String {
        self.0.to_ascii_uppercase()
    }
}

/// A phone number: ten digits, the first from 6 to 9. Sealed where it is kept, and never shown in a log.
#[derive(Clone, Eq, PartialEq, Serialize, Deserialize)]
pub struct Phone(String);

impl Phone {
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let digits = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || !text.starts_with(['6', '7', '8', '9']) {
            return Err("must be ten digits, the first from 6 to 9");
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Phone(***)")
    }
}

/// Text of several lines for people; `None` where nothing is left of it.
pub fn text(text: &str, longest: usize, too_long: &'static str) -> Result<Option<String>, &'static str> {
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err("must not contain control characters");
    }
    if text.chars().count() > longest {
        return Err(too_long);
    }
    Ok(Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned))
}

impl fmt::Display for Email {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_stands_for_the_erased_is_as_good_as_what_people_have() {
        let email = Email::of_erased(Uuid::from_u128(7));
        assert_eq!(Email::parse(email.as_str()), Ok(email));
        let name = PersonName::of_erased();
        assert_eq!(PersonName::parse(name.as_str()), Ok(name));
    }

    #[test]
    fn addresses() {
        for good in [
            "a@b.example",
            "First.Last+tag@hostel.example",
            "warden@demo.local",
            "x@localhost",
            "x@xn--bcher-kva.example",
        ] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "@b.c",
            "a@",
            "a@b@c.d",
            "a b@c.d",
            "a@b..c",
            "a@.b",
            "a@b.",
            "a@-b.c",
            "a@b.c-",
            "Asha<a@b.c",
            "a,b@c.d",
            "a\u{0}@b.c",
            "a@b\r\nBcc: x",
            "аdmin@b.example",
            "admin\u{200b}@b.example",
            "admin@\u{202e}b.example",
            "ü@bücher.example",
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Email::parse("Warden@Demo.Local").unwrap().folded(), "warden@demo.local");
    }

    #[test]
    fn phones() {
        assert!(Phone::parse("9876543210").is_ok());
        for bad in [
            "",
            "5876543210",
            "987654321",
            "98765432100",
            "+919876543",
            "९८७६५४३२१०",
            "98765 4321",
        ] {
            assert!(Phone::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn texts() {
        let text = |given: &str| text(given, 5, "is too long");
        assert_eq!(text(" a\n b "), Err("is too long"));
        assert_eq!(text(" a\nb "), Ok(Some("a\nb".to_owned())));
        assert_eq!(text(" \n"), Ok(None));
        assert!(text("a\u{0}").is_err());
    }

    #[test]
    fn names() {
        for good in ["Asha Verma", "प्रिया शर्मा", "क्\u{200d}ष", "O'Brien-Smith Jr."] {
            assert!(PersonName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "  ",
            "Asha\u{0}",
            "Asha\nVerma",
            "Asha Verma\n",
            "\u{202e}amreV",
            "Asha\u{200b}",
            "\u{feff}",
        ] {
            assert!(PersonName::parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_parsed_address_never_breaks_a_mail_header(text in "\\PC{0,40}[@\\r\\n\u{0}]?\\PC{0,40}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert!(!email.as_str().contains(['\r', '\n', '\0', ' ']));
                prop_assert_eq!(email.as_str(), text);
            }
        }

        #[test]
        fn a_parsed_name_is_one_visible_line(text in ".{0,300}") {
            if let Ok(name) = PersonName::parse(&text) {
                prop_assert!(!name.as_str().chars().any(char::is_control));
                prop_assert!(!name.as_str().is_empty());
            }
        }
    }
}
