//! Codes for when the authenticator app is lost, each good once.

use std::fmt;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

/// Thirty-two signs of which no two look alike.
const SIGNS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const LENGTH: usize = 16;
const GROUP: usize = 4;

/// How many codes somebody gets at once.
pub const A_SET: usize = 10;

/// Sixteen signs, 80 bits, without the hyphens between them.
#[derive(Clone, Eq, PartialEq)]
pub struct RecoveryCode(String);

impl RecoveryCode {
    pub fn new(bytes: [u8; 10]) -> Self {
        let number = bytes
            .iter()
            .fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        let signs = (0..LENGTH).rev().map(|place| {
            let five_bits = (number >> (5 * place)) & 31;
            // Five bits are less than 32.
            char::from(SIGNS[usize::try_from(five_bits).unwrap_or_default()])
        });
        Self(signs.collect())
    }

    /// As it was typed: in any case, with or without hyphens.
    pub fn parse(text: &str) -> Option<Self> {
        let signs: String = text
            .chars()
            .filter(|c| !matches!(c, '-' | ' '))
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let known = signs.len() == LENGTH && signs.bytes().all(|sign| SIGNS.contains(&sign));
        known.then_some(Self(signs))
    }

    /// The form in which it is kept. 80 random bits need neither salt nor slow hashing.
    pub fn hash(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(self.0.as_bytes()))
    }

    /// As it is shown, in groups of four; this one time.
    pub fn shown(&self) -> String {
        let groups: Vec<String> = self
            .0
            .as_bytes()
            .chunks(GROUP)
            .map(|group| String::from_utf8_lossy(group).into_owned())
            .collect();
        groups.join("-")
    }
}

// Never printed.
impl fmt::Debug for RecoveryCode {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("RecoveryCode")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_typed() {
        let code = RecoveryCode::new([0; 10]);
        assert_eq!(code.shown(), "2222-2222-2222-2222");
        let last = RecoveryCode::new([255; 10]);
        for typed in ["ZZZZ-ZZZZ-ZZZZ-ZZZZ", "zzzzzzzzzzzzzzzz", " zzzz zzzz-ZZZZ zzzz "] {
            assert_eq!(RecoveryCode::parse(typed), Some(last.clone()), "{typed}");
        }
        for odd in [
            "",
            "123456",
            "ZZZZ-ZZZZ-ZZZZ-ZZZ",
            "ZZZZ-ZZZZ-ZZZZ-ZZZ0",
            "ZZZZ-ZZZZ-ZZZZ-ZZZé",
            "OOOO-OOOO-OOOO-OOOO",
        ] {
            assert_eq!(RecoveryCode::parse(odd), None, "{odd}");
        }
        assert_eq!(format!("{code:?}"), "RecoveryCode");
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_typed_in(bytes: [u8; 10]) {
            let code = RecoveryCode::new(bytes);
            prop_assert_eq!(RecoveryCode::parse(&code.shown().to_lowercase()), Some(code));
        }

        #[test]
        fn different_bits_are_different_codes(one: [u8; 10], other: [u8; 10]) {
            prop_assert_eq!(one == other, RecoveryCode::new(one) == RecoveryCode::new(other));
        }
    }
}
