//! What a new password must be like.

use secrecy::{ExposeSecret as _, SecretString};

const SHORTEST: usize = 8;
/// bcrypt looks at no more; a longer password would be cut without a word.
const MOST_BYTES: usize = 72;
/// The commonest passwords that keep the rules of composition, in lower case.
const COMMON: &str = include_str!("common_passwords.txt");

/// A password that keeps the rules.
#[derive(Clone, Debug)]
pub struct NewPassword(SecretString);

impl NewPassword {
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > MOST_BYTES {
            return Err("must be at most 72 bytes");
        }
        if text.contains('\0') {
            return Err("must not contain a NUL character");
        }
        let has = |kind: fn(char) -> bool| text.chars().any(kind);
        let special = |c: char| !c.is_alphanumeric() && !c.is_whitespace();
        if text.chars().count() < SHORTEST || !has(char::is_uppercase) || !has(char::is_numeric) || !has(special) {
            return Err("must have 8 characters or more, with an upper-case letter, a digit and a special character");
        }
        let folded = text.to_lowercase();
        if COMMON.lines().any(|common| common == folded) {
            return Err("is one of the commonest passwords, choose another");
        }
        Ok(Self(text.into()))
    }

    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy() {
        for good in ["Demo@1234", "Ünïcode#9", "A1!aaaaa", &format!("A1!{}", "x".repeat(69))] {
            assert!(NewPassword::parse(good).is_ok(), "{good}");
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
            assert!(NewPassword::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        assert!(!format!("{:?}", NewPassword::parse("Demo@1234").unwrap()).contains("Demo"));
    }
}
