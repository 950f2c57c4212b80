//! What master keys promise: sealed values, signatures, rotation, one file for several processes.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Barrier,
};

use kit::{
    Keyring,
    config::{Base, SecretText},
    keyring::{MasterKeys, Rotated, SealError},
};
use proptest::prelude::*;
use tempfile::TempDir;

const OLD: &str = "old:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const NEW: &str = "new:bG9uZyBlbm91Z2gsIGxvbmcgZW5vdWdoLCBlbm91Z2g=";
/// The same bytes as another one, under another id.
const TWIN: &str = "twin:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

const SEALED_ONCE: &str = "01036f6c64000102030405060708090a0bc2e05209f2218764b7bba8ab1ea8140cd70f4891f2";
const SIGNED_ONCE: &str = "old.0E2FvYh7NSkBRffS-rBvVCbz3fltrtMLg-Y6wOWiFGk";

fn configured(keys: &str) -> Keyring {
    let base = Base {
        master_keys: Some(SecretText(keys.into())),
        ..Base::default()
    };
    Keyring::open(MasterKeys::of(&base).unwrap()).unwrap()
}

fn kept_in(folder: &Path) -> Keyring {
    let base = Base {
        data: folder.to_owned(),
        ..Base::default()
    };
    Keyring::open(MasterKeys::of(&base).unwrap()).unwrap()
}

fn file_in(folder: &TempDir) -> PathBuf {
    folder.path().join("master.keys")
}

fn rotate(ring: &Keyring) -> String {
    match ring.rotate().unwrap() {
        Rotated::Done { key_id, .. } => key_id,
        Rotated::ToConfigure { .. } => panic!("this ring is kept in a file"),
    }
}

proptest! {
    #[test]
    fn what_is_sealed_opens_with_the_same_about(plain: Vec<u8>, about: Vec<u8>) {
        let sealer = configured(OLD).sealer("tests");
        let sealed = sealer.seal(&plain, &about);
        prop_assert_eq!(sealer.open(&sealed, &about).unwrap(), plain.clone());
        prop_assert_eq!(sealed.len(), 2 + "old".len() + 12 + plain.len() + 16);
        prop_assert_ne!(sealer.seal(&plain, &about), sealed, "the nonce is new each time");
    }

    #[test]
    fn a_value_with_any_bit_flipped_is_refused(plain: Vec<u8>, bit: prop::sample::Index) {
        let sealer = configured(&format!("{OLD},{TWIN}")).sealer("tests");
        let mut sealed = sealer.seal(&plain, b"about");
        let bit = bit.index(sealed.len() * 8);
        sealed[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(sealer.open(&sealed, b"about").is_err());
    }

    #[test]
    fn another_about_is_refused(about: Vec<u8>, other: Vec<u8>) {
        prop_assume!(about != other);
        let sealer = configured(OLD).sealer("tests");
        let sealed = sealer.seal(b"plain", &about);
        prop_assert!(matches!(sealer.open(&sealed, &other), Err(SealError::Refused)));
    }

    #[test]
    fn nothing_else_opens(sealed: Vec<u8>) {
        let sealer = configured(OLD).sealer("tests");
        prop_assert!(sealer.open(&sealed, b"").is_err());
        let begun = [sealer.current_prefix(), sealed].concat();
        prop_assert!(sealer.open(&begun, b"").is_err());
    }

    #[test]
    fn a_signature_is_good_for_its_message_alone(message: Vec<u8>, other: Vec<u8>, bit: prop::sample::Index) {
        prop_assume!(message != other);
        let signer = configured(OLD).signer("tests");
        let signature = signer.sign(&message);
        prop_assert!(signer.verify(&message, &signature));
        prop_assert!(!signer.verify(&other, &signature));
        let mut changed = signature.clone().into_bytes();
        let bit = bit.index(changed.len() * 8);
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(changed) = String::from_utf8(changed) {
            prop_assert!(!signer.verify(&message, &changed), "{changed}");
        }
    }

    #[test]
    fn no_text_is_a_signature(text: String) {
        prop_assert!(!configured(OLD).signer("tests").verify(b"message", &text));
    }
}

#[test]
fn a_value_cut_short_is_refused_at_every_length() {
    let sealer = configured(OLD).sealer("tests");
    let whole = sealer.seal(b"", b"about");
    for length in 0..whole.len() {
        assert!(sealer.open(&whole[..length], b"about").is_err(), "{length} bytes");
    }
}

#[test]
fn what_is_made_for_one_purpose_is_worth_nothing_for_another() {
    let ring = configured(OLD);
    let sealed = ring.sealer("phones").seal(b"98", b"about");
    let opened = ring.sealer("identities").open(&sealed, b"about");
    assert!(matches!(opened, Err(SealError::Refused)));
    let signature = ring.signer("codes").sign(b"message");
    assert!(signature.starts_with("old."));
    assert!(ring.signer("codes").verify(b"message", &signature));
    assert!(!ring.signer("links").verify(b"message", &signature));
}

#[test]
fn another_ring_opens_nothing_even_under_the_same_id() {
    let same_id = NEW.replace("new:", "old:");
    let sealed = configured(OLD).sealer("tests").seal(b"98", b"about");
    let signature = configured(OLD).signer("tests").sign(b"message");
    let stranger = configured(&same_id);
    let opened = stranger.sealer("tests").open(&sealed, b"about");
    assert!(matches!(opened, Err(SealError::Refused)));
    assert!(!stranger.signer("tests").verify(b"message", &signature));
    let unknown = configured(NEW).sealer("tests").open(&sealed, b"about").unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "the master key old is needed, and it is not among the master keys"
    );
}

/// Derivation and layout are a promise to every value that was ever sealed. These were made by another implementation
/// of HKDF, HMAC and AES-GCM.
#[test]
fn what_an_earlier_release_sealed_and_signed_is_still_good() {
    let ring = configured(OLD);
    let sealed = hex::decode(SEALED_ONCE).unwrap();
    assert_eq!(ring.sealer("tests").open(&sealed, b"about").unwrap(), b"plain");
    assert_eq!(ring.signer("tests").sign(b"message"), SIGNED_ONCE);
}

#[test]
fn the_two_values_of_a_rotation_lead_over_without_a_gap() {
    let before = configured(OLD);
    let Rotated::ToConfigure { key_id, first, then } = before.rotate().unwrap() else {
        panic!("these keys are configured")
    };
    let (learning, after) = (configured(first.expose()), configured(then.expose()));
    let all = [&before, &learning, &after].map(|ring| ring.sealer("tests"));
    let sealed = all.each_ref().map(|sealer| sealer.seal(b"98", b"about"));
    // At any time two neighbours run beside each other.
    for (reader, writer) in [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)] {
        assert_eq!(all[reader].open(&sealed[writer], b"about").unwrap(), b"98");
    }
    assert!(!all[2].is_current(&sealed[1]) && all[2].is_current(&sealed[2]));
    assert!(sealed[2][2..].starts_with(key_id.as_bytes()));
    assert!(sealed[2].starts_with(&all[2].current_prefix()));
}

#[test]
fn the_file_is_made_once_for_its_owner_alone_and_keeps_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let sealed = kept_in(folder.path()).sealer("tests").seal(b"98", b"about");
    let opened = kept_in(folder.path()).sealer("tests").open(&sealed, b"about");
    assert_eq!(opened.unwrap(), b"98");
    let mode = fs::metadata(file_in(&folder)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["master.keys"]);
}

#[test]
fn a_running_process_follows_a_rotation_made_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let (running, console) = (kept_in(folder.path()), kept_in(folder.path()));
    let (sealer, signer) = (running.sealer("tests"), running.signer("tests"));
    let old = sealer.seal(b"98", b"about");
    let old_signature = signer.sign(b"message");
    let key_id = rotate(&console);
    // What the other one seals with the new key opens.
    let new = console.sealer("tests").seal(b"99", b"about");
    assert_eq!(sealer.open(&new, b"about").unwrap(), b"99");
    // And the running one seals with it too.
    assert!(!sealer.is_current(&old) && sealer.is_current(&sealer.seal(b"98", b"about")));
    assert!(signer.sign(b"message").starts_with(&format!("{key_id}.")));
    // What is old stays good.
    assert_eq!(sealer.open(&old, b"about").unwrap(), b"98");
    assert!(signer.verify(b"message", &old_signature));
}

#[test]
fn a_ring_that_only_opens_follows_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let (running, console) = (kept_in(folder.path()), kept_in(folder.path()));
    for _ in 0..3 {
        rotate(&console);
        let sealed = console.sealer("tests").seal(b"98", b"about");
        let signature = console.signer("tests").sign(b"message");
        assert_eq!(running.sealer("tests").open(&sealed, b"about").unwrap(), b"98");
        assert!(running.signer("tests").verify(b"message", &signature));
    }
}

#[test]
fn a_file_that_is_damaged_or_gone_takes_nothing_from_a_running_process() {
    let folder = tempfile::tempdir().unwrap();
    let ring = kept_in(folder.path());
    let sealer = ring.sealer("tests");
    let value = sealer.seal(b"98", b"about");
    fs::write(file_in(&folder), "damaged").unwrap();
    assert!(sealer.is_current(&value));
    let said = ring.rotate().err().unwrap().to_string();
    assert!(said.ends_with("entry 1 has no colon"), "{said}");
    fs::remove_file(file_in(&folder)).unwrap();
    assert!(sealer.is_current(&value));
    assert_eq!(sealer.open(&value, b"about").unwrap(), b"98");
}

#[test]
fn a_damaged_file_is_refused_at_the_start_and_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(file_in(&folder), "k1:damaged").unwrap();
    let base = Base {
        data: folder.path().to_owned(),
        ..Base::default()
    };
    let refused = Keyring::open(MasterKeys::of(&base).unwrap()).err().unwrap();
    let said = refused.to_string();
    assert!(
        said.contains("master.keys must be `kid:base64`") && !said.contains("damaged"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(file_in(&folder)).unwrap(), "k1:damaged");
}

#[test]
fn processes_that_start_at_once_agree_on_the_file() {
    const PROCESSES: usize = 8;
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new/data");
        let start = Barrier::new(PROCESSES);
        let rings: Vec<Keyring> = std::thread::scope(|scope| {
            let open = || {
                start.wait();
                kept_in(&data)
            };
            let opening: Vec<_> = (0..PROCESSES).map(|_| scope.spawn(open)).collect();
            opening.into_iter().map(|ring| ring.join().unwrap()).collect()
        });
        let sealed = rings[0].sealer("tests").seal(b"98", b"about");
        for ring in &rings {
            assert_eq!(ring.sealer("tests").open(&sealed, b"about").unwrap(), b"98");
        }
    }
}

#[test]
fn rotations_at_once_lose_no_key() {
    const CONSOLES: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let ring = kept_in(folder.path());
    let start = Barrier::new(CONSOLES);
    let mut made: Vec<String> = std::thread::scope(|scope| {
        let rotate = || {
            let console = kept_in(folder.path());
            start.wait();
            rotate(&console)
        };
        let rotating: Vec<_> = (0..CONSOLES).map(|_| scope.spawn(rotate)).collect();
        rotating.into_iter().map(|key| key.join().unwrap()).collect()
    });
    let text = fs::read_to_string(file_in(&folder)).unwrap();
    let mut kept: Vec<&str> = text.lines().map(|line| line.split_once(':').unwrap().0).collect();
    assert_eq!(kept.len(), CONSOLES + 1);
    assert!(ring.sealer("tests").current_prefix().ends_with(kept[0].as_bytes()));
    kept.pop();
    kept.sort_unstable();
    made.sort_unstable();
    assert_eq!(kept, made);
}

#[test]
fn several_processes_must_be_given_the_same_keys() {
    let listening = Base {
        grpc_listen: Some(([127, 0, 0, 1], 0).into()),
        ..Base::default()
    };
    let mut calling = Base::default();
    calling
        .upstreams
        .insert("auth".to_owned(), "http://auth:9000".parse().unwrap());
    for base in [listening, calling] {
        let said = MasterKeys::of(&base).err().unwrap().to_string();
        assert!(said.starts_with("master_keys is needed"), "{said}");
    }
}
