//! What stands in a guardian's link: 32 random bytes, of which only the hash is kept.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

const BYTES: usize = 32;

/// A new one.
pub(super) fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; BYTES]>())
}

/// As it is kept, and looked for.
pub(super) fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_into_a_path_and_is_nobody_elses() {
        let (one, other) = (random(), random());
        assert_eq!(one.len(), 43);
        assert!(
            one.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
        assert_ne!(one, other);
        assert_ne!(hash(&one), hash(&other));
        assert_eq!(hash(&one).len(), 64);
    }
}
