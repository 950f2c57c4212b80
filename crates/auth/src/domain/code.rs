//! One-time codes: six digits that stand in for a password once.

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// How many codes there are; a code is a number below.
pub const CODES: u32 = 1_000_000;
/// How often a code may be guessed before it is worthless.
pub const TRIES: i32 = 5;
/// How long a code holds.
pub const LIFE: chrono::Duration = chrono::Duration::minutes(10);
/// A new code brings new tries: no more than so many codes are sent to a user in this time.
pub const MOST_SENT: i32 = 5;
pub const SENT_WITHIN: chrono::Duration = chrono::Duration::hours(1);
/// Codes of a user are guessed wrongly so often in this time, whichever they are; then none is looked at until it is over.
pub const MOST_WRONG: i32 = 20;
pub const WRONG_WITHIN: chrono::Duration = chrono::Duration::days(1);

/// What a code is sent for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// The password was forgotten.
    Reset,
    /// There is no password yet.
    Invitation,
}

/// A code as the mail shows it. Never printed, never stored.
#[derive(Clone, Debug)]
pub struct Code(SecretString);

/// A code as it is stored: nobody reads it, and it fits one user and one purpose only.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sealed {
    pub purpose: Purpose,
    pub salt: String,
    pub hash: String,
}

impl Purpose {
    pub fn name(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Invitation => "invitation",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Reset, Self::Invitation]
            .into_iter()
            .find(|one| one.name() == name)
    }
}

impl Code {
    /// The code of a number below [`CODES`]; a larger one is taken modulo that.
    pub fn from_number(number: u32) -> Self {
        Self(format!("{:06}", number % CODES).into())
    }

    /// A code as somebody typed it in.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("must be the six digits of the mail");
        }
        Ok(Self(text.into()))
    }

    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Sealed {
    pub fn new(code: &Code, purpose: Purpose, user: Uuid, salt: [u8; 16]) -> Self {
        let salt = hex::encode(salt);
        let hash = hash(code, purpose, user, &salt);
        Self { purpose, salt, hash }
    }

    /// Whether this is the code of that user, in the same time whatever the answer.
    pub fn fits(&self, code: &Code, user: Uuid) -> bool {
        let given = hash(code, self.purpose, user, &self.salt);
        let pairs = given.bytes().zip(self.hash.bytes());
        given.len() == self.hash.len() && pairs.fold(0, |differing, (one, other)| differing | (one ^ other)) == 0
    }
}

/// Each part but the last has one length or ends with a NUL, so that no two codes are hashed as the same bytes.
fn hash(code: &Code, purpose: Purpose, user: Uuid, salt: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(salt.as_bytes());
    digest.update([0]);
    digest.update(purpose.name().as_bytes());
    digest.update([0]);
    digest.update(user.as_bytes());
    digest.update(code.expose().as_bytes());
    hex::encode(digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: Uuid = Uuid::from_u128(7);

    #[test]
    fn a_code_fits_its_user_and_purpose_only() {
        let code = Code::from_number(42);
        assert_eq!(code.expose(), "000042");
        let sealed = Sealed::new(&code, Purpose::Reset, USER, [1; 16]);
        assert!(sealed.fits(&Code::parse("000042").unwrap(), USER));
        assert!(!sealed.fits(&Code::parse("000043").unwrap(), USER));
        assert!(!sealed.fits(&code, Uuid::from_u128(8)));
        let invitation = Sealed {
            purpose: Purpose::Invitation,
            ..sealed.clone()
        };
        assert!(!invitation.fits(&code, USER));
        let salted = Sealed {
            salt: hex::encode([2; 16]),
            ..sealed.clone()
        };
        assert!(!salted.fits(&code, USER));
        let cut = Sealed {
            hash: sealed.hash[..10].to_owned(),
            ..sealed
        };
        assert!(!cut.fits(&code, USER));
    }

    #[test]
    fn six_ascii_digits_and_nothing_else() {
        for bad in ["", "12345", "1234567", "12345x", "１２３４５６", " 12345", "12345\0"] {
            assert!(Code::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Code::parse("000000").is_ok());
    }

    #[test]
    fn a_code_is_never_printed() {
        assert!(!format!("{:?}", Code::from_number(123_456)).contains("123456"));
    }

    #[test]
    fn purposes_have_names() {
        for purpose in [Purpose::Reset, Purpose::Invitation] {
            assert_eq!(Purpose::from_name(purpose.name()), Some(purpose));
        }
        assert_eq!(Purpose::from_name("login"), None);
    }
}
