//! What checks the Ed25519 signatures of tokens: the crate that the keys of people's devices are checked with. Where the
//! processor has AVX-512 it needs half the time of the one that jsonwebtoken brings along, and each new token costs such a
//! check.

use std::sync::LazyLock;

use ed25519_dalek::{Signature, VerifyingKey};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    crypto::{CryptoProvider, JwtVerifier, rust_crypto::DEFAULT_PROVIDER},
    errors::{ErrorKind, Result},
    signature::{Error, Verifier},
};
use moka::sync::Cache;

/// The keys that were read, by their bytes: to read one costs a fifth of what a check costs. A key is no less right for
/// having been withdrawn since; which of them hold is the verifier's matter.
static READ: LazyLock<Cache<[u8; 32], VerifyingKey>> = LazyLock::new(|| Cache::new(KEYS));
/// More than auth has at a time.
const KEYS: u64 = 16;

static PROVIDER: LazyLock<CryptoProvider> = LazyLock::new(|| CryptoProvider {
    verifier_factory: verifier,
    ..DEFAULT_PROVIDER.clone()
});

struct Ed25519(VerifyingKey);

/// Has the tokens of this process checked here; to be called before any token is signed or checked. Without it jsonwebtoken
/// comes to the same answers of every key that auth publishes, only later.
pub(crate) fn install() {
    // Only fails when it was installed before, or too late: tokens are checked all the same.
    let _ = PROVIDER.install_default();
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the provider is asked like this")]
fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    match algorithm {
        Algorithm::EdDSA => Ok(Box::new(Ed25519::new(key)?)),
        other => (DEFAULT_PROVIDER.verifier_factory)(other, key),
    }
}

impl Ed25519 {
    fn new(key: &DecodingKey) -> Result<Self> {
        // A secret of HMAC must never do as a public key, whatever its length.
        if key.family() != Algorithm::EdDSA.family() {
            return Err(ErrorKind::InvalidKeyFormat.into());
        }
        let bytes = <[u8; 32]>::try_from(key.try_get_as_bytes()?).map_err(|_| ErrorKind::InvalidEddsaKey)?;
        let key = READ.try_get_with(bytes, || VerifyingKey::from_bytes(&bytes));
        Ok(Self(key.map_err(|_| ErrorKind::InvalidEddsaKey)?))
    }
}

impl Verifier<Vec<u8>> for Ed25519 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let signature = Signature::from_slice(signature).map_err(|_| Error::new())?;
        ed25519_dalek::Verifier::verify(&self.0, message, &signature).map_err(|_| Error::new())
    }
}

impl JwtVerifier for Ed25519 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};
    use proptest::prelude::*;

    use super::*;

    /// What both say of a signature: ours, and jsonwebtoken's own.
    fn verdicts(key: &DecodingKey, message: &[u8], signature: &[u8]) -> [bool; 2] {
        [verifier, DEFAULT_PROVIDER.verifier_factory].map(|factory| {
            let verifier = factory(&Algorithm::EdDSA, key);
            verifier.is_ok_and(|verifier| verifier.verify(message, &signature.to_vec()).is_ok())
        })
    }

    proptest! {
        #[test]
        fn a_good_signature_holds_and_one_with_a_bit_flipped_does_not(
            secret: [u8; 32],
            message: Vec<u8>,
            bit in 0..512_usize,
        ) {
            let signer = SigningKey::from_bytes(&secret);
            let key = DecodingKey::from_ed_der(signer.verifying_key().as_bytes());
            let mut signature = signer.sign(&message).to_bytes();
            prop_assert_eq!(verdicts(&key, &message, &signature), [true; 2]);
            signature[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(verdicts(&key, &message, &signature), [false; 2]);
        }

        #[test]
        fn a_signature_of_another_key_or_length_does_not_hold(
            secrets: [[u8; 32]; 2],
            message: Vec<u8>,
            signature in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            prop_assume!(secrets[0] != secrets[1]);
            let [signer, other] = secrets.map(|secret| SigningKey::from_bytes(&secret));
            let key = DecodingKey::from_ed_der(signer.verifying_key().as_bytes());
            prop_assert_eq!(verdicts(&key, &message, &other.sign(&message).to_bytes()), [false; 2]);
            prop_assert_eq!(verdicts(&key, &message, &signature), [false; 2]);
        }
    }

    /// A signature is one and no more: adding the order of the group to its second half must not make another.
    #[test]
    fn the_second_half_is_below_the_order_of_the_group() {
        const ORDER: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let signer = SigningKey::from_bytes(&[7; 32]);
        let key = DecodingKey::from_ed_der(signer.verifying_key().as_bytes());
        let mut signature = signer.sign(b"here").to_bytes();
        let mut carry = 0;
        for (byte, more) in signature[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(more) + carry;
            [*byte, _] = sum.to_le_bytes();
            carry = sum >> 8;
        }
        assert_eq!(verdicts(&key, b"here", &signature), [false; 2]);
    }

    #[test]
    fn a_key_of_another_kind_is_no_public_key() {
        let signer = SigningKey::from_bytes(&[7; 32]);
        let public = signer.verifying_key();
        for key in [
            DecodingKey::from_secret(public.as_bytes()),
            DecodingKey::from_ed_der(&public.as_bytes()[..31]),
        ] {
            assert!(verifier(&Algorithm::EdDSA, &key).is_err());
        }
        let secret = DecodingKey::from_secret(b"a secret");
        assert!(verifier(&Algorithm::HS256, &secret).is_ok());
        assert!(verifier(&Algorithm::HS256, &DecodingKey::from_ed_der(public.as_bytes())).is_err());
    }
}
