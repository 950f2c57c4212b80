//! Whatever text a phone sends as a token: nothing breaks, and nothing holds that was not made with our key.
//!
//! `make fuzz` runs it for a minute.

#![no_main]

use std::sync::LazyLock;

use attendance::token::Codes;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kit::{
    Keyring,
    config::{Base, SecretText},
    keyring::MasterKeys,
};
use libfuzzer_sys::fuzz_target;

const KEYS: &str = "fuzz:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const HANDLE: [u8; 8] = *b"rollcall";
const SLOT: u32 = 7;

static CODES: LazyLock<Codes> = LazyLock::new(|| {
    let base = Base {
        master_keys: Some(SecretText(KEYS.into())),
        ..Base::default()
    };
    let keys = MasterKeys::of(&base).expect("the keys are well-formed");
    Codes::new(&Keyring::open(keys).expect("the ring opens"))
});
static GOOD: LazyLock<String> = LazyLock::new(|| CODES.token(HANDLE, SLOT));

fuzz_target!(|data: &[u8]| {
    // As text, and as the bytes that a text stands for.
    for text in [String::from_utf8_lossy(data).into_owned(), URL_SAFE_NO_PAD.encode(data)] {
        assert_eq!(CODES.read(&text), None, "{text} was not made here");
    }
    bent(data);
});

/// A good token, bent as the bytes say: each pair is a place, and what is done to the byte there.
fn bent(data: &[u8]) {
    let mut token = URL_SAFE_NO_PAD.decode(&*GOOD).expect("a token is base64url");
    for pair in data.chunks_exact(2) {
        match usize::from(pair[0]) {
            at if at < token.len() => token[at] ^= pair[1],
            at if at % 2 == 0 => token.truncate(usize::from(pair[1])),
            _ => token.push(pair[1]),
        }
    }
    let text = URL_SAFE_NO_PAD.encode(&token);
    match CODES.read(&text) {
        Some(code) => assert!(text == *GOOD && (code.handle, code.slot) == (HANDLE, SLOT), "{text} is forged"),
        None => assert_ne!(text, *GOOD, "the token that was made is refused"),
    }
}
