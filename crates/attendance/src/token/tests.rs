//! No token holds that was not made here; what was made says the same when it is read.

use chrono::Duration;
use kit::{
    config::{Base, SecretText},
    keyring::MasterKeys,
};
use proptest::prelude::*;

use super::*;

const OLD: &str = "old:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const NEW: &str = "new:bG9uZyBlbm91Z2gsIGxvbmcgZW5vdWdoLCBlbm91Z2g=";
const HANDLE: Handle = *b"rollcall";

fn ring(keys: &str) -> Keyring {
    let base = Base {
        master_keys: Some(SecretText(keys.into())),
        ..Base::default()
    };
    Keyring::open(MasterKeys::of(&base).unwrap()).unwrap()
}

fn codes(keys: &str) -> Codes {
    Codes::new(&ring(keys))
}

fn bytes(token: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(token).unwrap()
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_003_200, 0).unwrap()
}

proptest! {
    #[test]
    fn a_token_says_what_was_put_into_it(handle: Handle, slot: u32) {
        let codes = codes(OLD);
        let code = codes.read(&codes.token(handle, slot)).unwrap();
        prop_assert_eq!((code.handle, code.slot), (handle, slot));
    }

    #[test]
    fn nothing_holds_that_was_not_made_here(noise: Vec<u8>, words: String) {
        let codes = codes(OLD);
        prop_assert_eq!(codes.read(&text(noise)), None);
        prop_assert_eq!(codes.read(&words), None);
    }

    #[test]
    fn a_token_bent_anywhere_is_refused(slot: u32, places in prop::collection::vec((0_usize..94, 1_u8..), 1..4)) {
        let codes = codes(OLD);
        let good = bytes(&codes.token(HANDLE, slot));
        let mut bent = good.clone();
        for (place, by) in places {
            let place = place % bent.len();
            bent[place] ^= by;
        }
        prop_assert_eq!(codes.read(&text(&bent)).is_some(), bent == good);
    }

    #[test]
    fn the_tail_of_one_token_does_not_fit_another(slots: (u32, u32), cut in 1_usize..76) {
        let codes = codes(OLD);
        let (one, other) = (bytes(&codes.token(HANDLE, slots.0)), bytes(&codes.token(HANDLE, slots.1)));
        let mixed = [&one[..cut], &other[cut..]].concat();
        prop_assert_eq!(codes.read(&text(&mixed)).is_some(), mixed == one || mixed == other);
    }
}

#[test]
fn a_token_with_any_bit_flipped_is_refused() {
    let codes = codes(OLD);
    let token = bytes(&codes.token(HANDLE, 7));
    for bit in 0..token.len() * 8 {
        let mut bent = token.clone();
        bent[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(codes.read(&text(bent)), None, "bit {bit}");
    }
}

#[test]
fn a_token_with_any_letter_changed_is_refused() {
    let codes = codes(OLD);
    let token = codes.token(HANDLE, 7);
    for place in 0..token.len() {
        let mut letters = token.clone().into_bytes();
        letters[place] = if letters[place] == b'A' { b'B' } else { b'A' };
        assert_eq!(codes.read(&String::from_utf8(letters).unwrap()), None, "letter {place}");
    }
}

#[test]
fn a_token_cut_or_extended_is_refused() {
    let codes = codes(OLD);
    let token = codes.token(HANDLE, 7);
    let whole = bytes(&token);
    for length in 0..whole.len() {
        assert_eq!(codes.read(&text(&whole[..length])), None, "{length} of {}", whole.len());
        assert_eq!(
            codes.read(&text(&whole[whole.len() - length..])),
            None,
            "the last {length}"
        );
    }
    for (before, after) in [("", "A"), ("A", ""), ("", "AAAA"), ("", "="), (" ", ""), ("", "\n")] {
        assert_eq!(
            codes.read(&format!("{before}{token}{after}")),
            None,
            "{before:?} {after:?}"
        );
    }
    assert_eq!(codes.read(&token.repeat(2)), None);
}

#[test]
fn a_token_of_other_keys_is_refused() {
    assert_eq!(codes(NEW).read(&codes(OLD).token(HANDLE, 7)), None);
    // Nor does another key under the same id.
    let impostor = OLD.replace("MDEy", "MDEz");
    assert_eq!(codes(&impostor).read(&codes(OLD).token(HANDLE, 7)), None);
}

#[test]
fn what_was_made_for_another_purpose_is_refused() {
    let ring = ring(OLD);
    let codes = Codes::new(&ring);
    let plain = [&HANDLE[..], &7_u32.to_be_bytes()].concat();
    for (seals, signs, about) in [
        ("attendance/other", "attendance/qr", ABOUT),
        ("attendance/qr", "attendance/other", ABOUT),
        ("attendance/qr", "attendance/qr", b"attendance/other"),
    ] {
        let mut token = ring.sealer(seals).seal(&plain, about);
        token.extend(ring.signer(signs).tag("old", &token).unwrap());
        assert_eq!(codes.read(&text(token)), None, "{seals} {signs}");
    }
    // Sealed and signed rightly, but saying something of another length.
    for plain in [&plain[..11], &[plain.as_slice(), b"!"].concat()] {
        let mut token = ring.sealer("attendance/qr").seal(plain, ABOUT);
        token.extend(ring.signer("attendance/qr").tag("old", &token).unwrap());
        assert_eq!(codes.read(&text(token)), None, "{} bytes", plain.len());
    }
}

#[test]
fn a_token_is_short_whatever_its_key_is_called() {
    let long = codes(&OLD.replace("old", &"k".repeat(32)));
    let token = long.token([0xff; 8], u32::MAX);
    assert!(token.len() <= LONGEST, "{} characters", token.len());
    assert!(long.read(&token).is_some());
    assert!(codes(OLD).token(HANDLE, 0).len() < 110);
}

#[test]
fn nothing_of_a_roll_call_can_be_read_from_a_token() {
    let codes = codes(OLD);
    let slot = 0x0dd5_1075_u32;
    let (one, other) = (bytes(&codes.token(HANDLE, slot)), bytes(&codes.token(HANDLE, slot)));
    for secret in [&HANDLE[..4], &HANDLE[4..], &slot.to_be_bytes(), &slot.to_le_bytes()] {
        assert!(one.windows(4).all(|piece| piece != secret));
    }
    // All but the version and the key's id differs, though both say the same.
    let open = 2 + "old".len();
    assert_eq!(one[..open], other[..open]);
    for place in open..one.len() - 4 {
        assert_ne!(one[place..place + 4], other[place..place + 4], "at {place}");
    }
    assert_ne!(
        codes.read(&text(&one)).unwrap().digest,
        codes.read(&text(&other)).unwrap().digest
    );
}

#[test]
fn codes_of_before_a_rotation_still_hold() {
    let folder = tempfile::tempdir().unwrap();
    let base = Base {
        data: folder.path().to_owned(),
        ..Base::default()
    };
    let ring = Keyring::open(MasterKeys::of(&base).unwrap()).unwrap();
    let codes = Codes::new(&ring);
    let session = Uuid::from_u128(7);
    let (token, (digits, _)) = (codes.token(HANDLE, 7), codes.digits(session, noon(), 60));
    ring.rotate().unwrap();
    assert_eq!(codes.read(&token).map(|code| code.slot), Some(7));
    assert!(codes.digits_hold(session, noon(), 60, &digits));
    let (rotated, _) = codes.digits(session, noon(), 60);
    assert!(codes.digits_hold(session, noon(), 60, &rotated));
    assert_ne!(
        bytes(&codes.token(HANDLE, 7))[2..10],
        bytes(&token)[2..10],
        "the new key seals"
    );
}

#[test]
fn processes_agree_while_configured_keys_are_rotated() {
    let session = Uuid::from_u128(7);
    let older = OLD.replace("old", "older").replace("MDEy", "MDE0");
    // First every process learns the new key, then one after the other makes it current.
    let learned = codes(&format!("{OLD},{older},{NEW}"));
    let current = codes(&format!("{NEW},{OLD},{older}"));
    for (shows, reads) in [(&learned, &current), (&current, &learned)] {
        assert!(reads.read(&shows.token(HANDLE, 7)).is_some());
        assert!(reads.digits_hold(session, noon(), 60, &shows.digits(session, noon(), 60).0));
    }
}

#[test]
fn digits_hold_while_shown_and_a_little_longer() {
    let codes = codes(OLD);
    let session = Uuid::from_u128(7);
    let after = |seconds| noon() + Duration::seconds(seconds);
    for (seconds, shown, last) in [(60, 60, 120), (30, 30, 60), (600, 600, 660)] {
        // Noon is a multiple of each.
        let (digits, ends) = codes.digits(session, noon(), seconds);
        assert_eq!(digits.len(), 6);
        assert!(digits.bytes().all(|digit| digit.is_ascii_digit()));
        assert_eq!(ends, after(shown));
        assert_eq!(codes.digits(session, after(shown - 1), seconds).0, digits);
        assert_ne!(codes.digits(session, after(shown), seconds).0, digits);
        assert!(
            codes.digits_hold(session, after(last - 1), seconds, &digits),
            "{seconds}"
        );
        assert!(!codes.digits_hold(session, after(last), seconds, &digits), "{seconds}");
        assert!(!codes.digits_hold(session, after(-1), seconds, &digits), "{seconds}");
        assert!(
            !codes.digits_hold(Uuid::from_u128(8), noon(), seconds, &digits),
            "of another roll call"
        );
    }
    let (digits, _) = codes.digits(session, noon(), 60);
    for wrong in ["", &digits[..5], &format!("{digits}0"), &format!(" {digits}")] {
        assert!(!codes.digits_hold(session, noon(), 60, wrong), "{wrong:?}");
    }
}
