//! Codes of an authenticator app (TOTP, RFC 6238: SHA-1, six digits, thirty seconds).

use std::fmt;

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;

use super::Email;

/// Whose codes they are, as the app shows it.
const ISSUER: &str = "HostelPulse";
/// How long a code stands, in seconds.
const PERIOD: i64 = 30;
const DIGITS: usize = 6;
/// How many steps back a code may be from: a person takes a moment to type.
const PAST_STEPS: i64 = 1;
/// RFC 3986: all that may stand unescaped.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What an app and this service share: 160 bits, as RFC 4226 asks for.
#[derive(Clone, Eq, PartialEq)]
pub struct TotpSecret([u8; 20]);

/// Six digits as somebody typed them.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct TotpCode(u32);

impl TotpSecret {
    pub fn new(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// Reads what [`TotpSecret::base32`] wrote.
    pub fn parse(base32: &str) -> Option<Self> {
        let bytes = BASE32_NOPAD.decode(base32.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The form in which it is kept, and typed into an app.
    pub fn base32(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// What an app reads from a QR code.
    pub fn otpauth_url(&self, account: &Email) -> String {
        let account = utf8_percent_encode(account.as_str(), ESCAPED);
        let secret = self.base32();
        format!(
            "otpauth://totp/{ISSUER}:{account}?secret={secret}&issuer={ISSUER}&algorithm=SHA1&digits={DIGITS}&period={PERIOD}"
        )
    }

    /// The step that a code is of: the present one or the one before, and later than `last_step`, whose code was used.
    pub fn step_of(&self, code: TotpCode, now: DateTime<Utc>, last_step: i64) -> Option<i64> {
        let present = now.timestamp().div_euclid(PERIOD);
        (present - PAST_STEPS..=present)
            .rev()
            .find(|step| *step > last_step && self.code_at(*step) == code)
    }

    /// The code that an app shows at a time.
    pub fn code(&self, at: DateTime<Utc>) -> TotpCode {
        self.code_at(at.timestamp().div_euclid(PERIOD))
    }

    /// RFC 4226, 5.3.
    fn code_at(&self, step: i64) -> TotpCode {
        let mac = Hmac::<Sha1>::new_from_slice(&self.0).map(|mac| mac.chain_update(step.to_be_bytes()));
        // HMAC takes a key of any length, so there is always a hash.
        let hash = mac.map(|mac| mac.finalize().into_bytes()).unwrap_or_default();
        let start = usize::from(hash[hash.len() - 1] & 0x0f);
        let number = hash[start..start + 4]
            .iter()
            .fold(0, |number: u32, byte| number << 8 | u32::from(*byte));
        TotpCode((number & 0x7fff_ffff) % 1_000_000)
    }
}

impl TotpCode {
    /// Six digits; some apps show them in two groups, and people type what they see.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| *c != ' ').collect();
        let six = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        if six { digits.parse().ok().map(Self) } else { None }
    }

    /// The digits, for whoever plays the app.
    pub fn digits(self) -> String {
        format!("{:0DIGITS$}", self.0)
    }
}

// Neither is ever printed.
impl fmt::Debug for TotpSecret {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("TotpSecret")
    }
}

impl fmt::Debug for TotpCode {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("TotpCode")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn the_vectors_of_rfc_6238() {
        let secret = TotpSecret::new(*b"12345678901234567890");
        for (seconds, eight_digits) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(secret.code(at(seconds)).digits(), eight_digits[2..], "at {seconds}");
        }
    }

    #[test]
    fn the_present_code_and_the_one_before_and_none_to_come() {
        let secret = TotpSecret::new([7; 20]);
        let now = at(1_795_000_005);
        let step = 1_795_000_005 / 30;
        for (offset, found) in [(-60, None), (-30, Some(step - 1)), (0, Some(step)), (30, None)] {
            let code = secret.code(now + chrono::Duration::seconds(offset));
            assert_eq!(secret.step_of(code, now, 0), found, "{offset} seconds away");
        }
    }

    #[test]
    fn a_code_is_good_once() {
        let secret = TotpSecret::new([7; 20]);
        let now = at(1_795_000_005);
        let step = secret.step_of(secret.code(now), now, 0).unwrap();
        assert_eq!(secret.step_of(secret.code(now), now, step), None);
        let before = secret.code(now - chrono::Duration::seconds(30));
        assert_eq!(secret.step_of(before, now, step), None, "nor is an earlier one");
    }

    #[test]
    fn what_is_typed() {
        assert_eq!(TotpCode::parse("012 345").unwrap().digits(), "012345");
        for odd in [
            "",
            "12345",
            "1234567",
            "12345a",
            "+12345",
            "١٢٣٤٥٦",
            "-12345",
            "12\u{0}345",
        ] {
            assert!(TotpCode::parse(odd).is_none(), "{odd:?}");
        }
    }

    #[test]
    fn the_address_for_the_app() {
        let secret = TotpSecret::new(*b"12345678901234567890");
        let account = Email::parse("a+b&secret=x@hostel.example").unwrap();
        assert_eq!(
            secret.otpauth_url(&account),
            "otpauth://totp/HostelPulse:a%2Bb%26secret%3Dx%40hostel.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=HostelPulse&algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn a_secret_is_never_printed() {
        let secret = TotpSecret::new([7; 20]);
        let printed = format!("{secret:?} {:?}", secret.code(at(0)));
        assert_eq!(printed, "TotpSecret TotpCode");
    }

    proptest! {
        #[test]
        fn what_is_kept_is_read_back(bytes: [u8; 20]) {
            let secret = TotpSecret::new(bytes);
            prop_assert_eq!(TotpSecret::parse(&secret.base32()), Some(secret));
        }

        #[test]
        fn a_code_never_holds_longer_than_a_minute(bytes: [u8; 20], start in 0_i64..4_000_000_000, later in 60_i64..100_000) {
            let secret = TotpSecret::new(bytes);
            let code = secret.code(at(start));
            prop_assume!(secret.code(at(start + later)) != code && secret.code(at(start + later - 30)) != code);
            prop_assert_eq!(secret.step_of(code, at(start + later), 0), None);
        }
    }
}
