//! The codes of roll calls: what the display shows as a QR code, and the six digits beside it.
//!
//! A token is a sealed value (version, key id, nonce, ciphertext of the roll call's handle and the slot) followed by the
//! HMAC-SHA256 of all that, in base64url without padding. The HMAC is looked at first: nothing of a token that was not made here
//! is decrypted. Nothing of the roll call, the guard or the place can be read from it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use kit::{
    Keyring,
    keyring::{Sealer, Signer},
};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::domain::Handle;

#[cfg(test)]
mod tests;

const TAG_BYTES: usize = 32;
/// Longer text is no token.
const LONGEST: usize = 180;
const ABOUT: &[u8] = b"attendance/qr";
/// So long the digits hold that were on display just before: whoever read them at the last moment needs to type them.
const TYPING_SECONDS: i64 = 60;

/// Makes and reads codes. Cheap to clone.
#[derive(Clone)]
pub struct Codes {
    sealer: Sealer,
    signer: Signer,
    digits: Signer,
}

/// What a token says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Code {
    /// Which roll call.
    pub handle: Handle,
    /// Which of its codes, counted from the beginning.
    pub slot: u32,
    /// Tells this very token from others of the same slot.
    pub digest: [u8; 8],
}

impl Codes {
    pub fn new(keyring: &Keyring) -> Self {
        Self {
            sealer: keyring.sealer("attendance/qr"),
            signer: keyring.signer("attendance/qr"),
            digits: keyring.signer("attendance/otp"),
        }
    }

    /// A token for a slot of a roll call. Each is another one.
    pub fn token(&self, handle: Handle, slot: u32) -> String {
        let mut plain = [0; 12];
        plain[..8].copy_from_slice(&handle);
        plain[8..].copy_from_slice(&slot.to_be_bytes());
        let mut token = self.sealer.seal(&plain, ABOUT);
        let tag = Sealer::key_id_of(&token).and_then(|key_id| self.signer.tag(key_id, &token));
        // The key that just sealed is in the ring.
        token.extend(tag.expect("the sealing key signs as well"));
        URL_SAFE_NO_PAD.encode(token)
    }

    /// What a token says; `None` for everything that was not made by [`Codes::token`] with a key of this ring.
    pub fn read(&self, text: &str) -> Option<Code> {
        if text.len() > LONGEST {
            return None;
        }
        let token = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (sealed, tag) = token.split_at_checked(token.len().checked_sub(TAG_BYTES)?)?;
        let key_id = Sealer::key_id_of(sealed)?;
        if !self.signer.holds(key_id, sealed, tag) {
            return None;
        }
        let plain: [u8; 12] = self.sealer.open(sealed, ABOUT).ok()?.try_into().ok()?;
        let (handle, slot) = plain.split_first_chunk::<8>()?;
        let digest: [u8; 32] = Sha256::digest(&token).into();
        Some(Code {
            handle: *handle,
            slot: u32::from_be_bytes(slot.try_into().ok()?),
            digest: *digest.first_chunk::<8>()?,
        })
    }

    /// The six digits of a roll call at this time, and when they change.
    pub fn digits(&self, session: Uuid, at: DateTime<Utc>, seconds: u32) -> (String, DateTime<Utc>) {
        let period = Period::at(at, seconds);
        (digits_of(&self.digits.tags(&period.message(session))[0]), period.ends)
    }

    /// Whether these are the digits of a roll call: those of now, or for a while those just before. Those that a process with the
    /// key before or the next one shows hold as well.
    pub fn digits_hold(&self, session: Uuid, at: DateTime<Utc>, seconds: u32, text: &str) -> bool {
        let now = Period::at(at, seconds);
        let held = |period: &Period| {
            let tags = self.digits.tags(&period.message(session));
            // All are looked at: how long it takes tells nothing.
            tags.iter().fold(false, |held, tag| {
                held | equal(digits_of(tag).as_bytes(), text.as_bytes())
            })
        };
        held(&now) | (held(&now.before()) & now.is_fresh(at))
    }
}

/// The time for which six digits are shown.
struct Period {
    number: i64,
    seconds: i64,
    ends: DateTime<Utc>,
}

impl Period {
    fn at(at: DateTime<Utc>, seconds: u32) -> Self {
        let seconds = i64::from(seconds.max(1));
        Self::of(at.timestamp().div_euclid(seconds), seconds)
    }

    fn of(number: i64, seconds: i64) -> Self {
        let ends = DateTime::from_timestamp((number + 1) * seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
        Self { number, seconds, ends }
    }

    fn before(&self) -> Self {
        Self::of(self.number - 1, self.seconds)
    }

    /// Whether it began so lately that somebody may still be typing the digits before.
    fn is_fresh(&self, at: DateTime<Utc>) -> bool {
        at.timestamp() - self.number * self.seconds < self.seconds.min(TYPING_SECONDS)
    }

    fn message(&self, session: Uuid) -> Vec<u8> {
        [&session.as_bytes()[..], &self.number.to_be_bytes()].concat()
    }
}

fn digits_of(tag: &[u8; TAG_BYTES]) -> String {
    let number = tag.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    format!("{:06}", number % 1_000_000)
}

/// Compares without telling by its time where the first difference is.
fn equal(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && differences == 0
}
