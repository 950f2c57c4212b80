//! What a new password must be like.

use proto::options::Role;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::common;

/// How many of a user's passwords, the present one included, a new one must differ from.
pub const REMEMBERED: usize = 3;
const SHORTEST: usize = 8;
/// Where length is all that is asked for and nothing else protects the account.
const SHORTEST_ALONE: usize = 15;
/// bcrypt looks at no more; a longer password would be cut without a word.
const MOST_BYTES: usize = 72;

/// What is asked of a new password, beside that it is none of the commonest.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// 8 characters or more, with an upper-case letter, a digit and a special character.
    #[default]
    Composition,
    /// Any characters, but 15 or more of them; 8 or more for students.
    Length,
}

/// A password that keeps the rules.
#[derive(Clone, Debug)]
pub struct NewPassword(SecretString);

impl NewPassword {
    /// `role` is that of the account that the password is for.
    pub fn parse(text: &str, policy: Policy, role: Role) -> Result<Self, &'static str> {
        if text.len() > MOST_BYTES {
            return Err("must be at most 72 bytes");
        }
        if text.contains('\0') {
            return Err("must not contain a NUL character");
        }
        match policy {
            Policy::Composition => composed(text)?,
            Policy::Length => long_enough(text, role)?,
        }
        if common::is_common(text) {
            return Err("is one of the commonest passwords, choose another");
        }
        Ok(Self(text.into()))
    }

    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

fn composed(text: &str) -> Result<(), &'static str> {
    let has = |kind: fn(char) -> bool| text.chars().any(kind);
    let special = |c: char| !c.is_alphanumeric() && !c.is_whitespace();
    if text.chars().count() < SHORTEST || !has(char::is_uppercase) || !has(char::is_numeric) || !has(special) {
        return Err("must have 8 characters or more, with an upper-case letter, a digit and a special character");
    }
    Ok(())
}

fn long_enough(text: &str, role: Role) -> Result<(), &'static str> {
    let length = text.chars().count();
    match role {
        Role::Student if length < SHORTEST => Err("must have 8 characters or more"),
        Role::Student => Ok(()),
        _ if length < SHORTEST_ALONE => Err("must have 15 characters or more"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composition(text: &str) -> Result<NewPassword, &'static str> {
        NewPassword::parse(text, Policy::Composition, Role::Student)
    }

    #[test]
    fn the_policy_of_composition() {
        for good in ["Demo@1234", "Ünïcode#9", "A1!aaaaa", &format!("A1!{}", "x".repeat(69))] {
            assert!(composition(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "Aa1!aaa",
            "demo@1234",
            "Demo@abcd",
            "Demo12345",
            "Passw0rd!",
            &format!("A1!{}", "x".repeat(70)),
            "Demo@12\u{0}34",
        ] {
            assert!(composition(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_policy_of_length() {
        let of = |text: &str, role| NewPassword::parse(text, Policy::Length, role);
        for phrase in [
            "copper kettle under moss",
            "seven quiet umbrellas",
            "the river forgot its name",
            "पानी बहता रहता है",
        ] {
            assert!(of(phrase, Role::Admin).is_ok(), "{phrase}");
        }
        assert!(of("mossy kettle", Role::Student).is_ok());
        assert!(of("mossy kettle", Role::Warden).is_err());
        assert!(of("kettles", Role::Student).is_err());
        assert!(of("iloveyou", Role::Student).is_err());
        assert!(of("passwordpassword", Role::Admin).is_err());
        assert!(of(&"ab ".repeat(25), Role::Admin).is_err());
        assert!(of("Demo@12\u{0}34 and more of it", Role::Admin).is_err());
    }

    #[test]
    fn a_password_is_never_printed() {
        assert!(!format!("{:?}", composition("Demo@1234").unwrap()).contains("Demo"));
    }
}
