//! Signs access tokens, makes opaque ones, and publishes the keys that verify.

use std::sync::{Arc, PoisonError, RwLock};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey as _};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kit::{
    Clock, Db,
    access::{ACCESS_TOKEN_TYPE, AUDIENCE, Claims, ISSUER, TokenSecret, role_name},
};
use proto::options::Role;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    Error,
    domain::refresh,
    store::signing_key::{self, StoredKey},
};

/// Signs with the installation's key.
pub(crate) struct Signer {
    /// As the database had them when they were last read.
    keys: RwLock<Arc<[Key]>>,
    /// Where the installation asks for HS256.
    secret: Option<TokenSecret>,
}

struct Key {
    kid: String,
    private: EncodingKey,
    public: serde_json::Value,
    signs_from: Option<DateTime<Utc>>,
    verifies_until: Option<DateTime<Utc>>,
}

/// An opaque token, of a session, a challenge or a set-up link: as its owner gets it, and the hash under which it is kept.
pub(crate) struct SecretToken {
    pub token: String,
    pub hash: String,
}

impl Signer {
    /// Reads the keys; on an empty database makes the first. With a secret, tokens are signed with it (HS256), and the
    /// keys verify what was signed before.
    pub(crate) async fn open(db: &Db, clock: &Clock, secret: Option<TokenSecret>) -> Result<Self, Error> {
        if signing_key::all(db.reader()).await?.is_empty() {
            let (kid, seed) = new_key();
            let txn = db.begin().await?;
            signing_key::insert_first_in_txn(&txn, kid, seed, clock.now()).await?;
            txn.commit().await?;
        }
        let signer = Self {
            keys: RwLock::new(Arc::new([])),
            secret,
        };
        signer.read(db).await?;
        Ok(signer)
    }

    /// Reads the keys anew; what goes wrong leaves those of before.
    pub(crate) async fn read(&self, db: &Db) -> Result<(), Error> {
        let stored = signing_key::all(db.reader()).await?;
        let keys: Arc<[Key]> = stored.into_iter().map(Key::read).collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(broken("no key is there"));
        }
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// An access token for a session.
    pub(crate) fn access_token(
        &self,
        clock: &Clock,
        (user, role): (Uuid, Role),
        session: Uuid,
        life: chrono::Duration,
    ) -> Result<String, Error> {
        let now = clock.now();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: session,
            role: role_name(role),
            jti: clock.new_id(),
            iat: now.timestamp(),
            nbf: now.timestamp(),
            exp: (now + life).timestamp(),
        };
        if let Some(secret) = &self.secret {
            return Ok(secret.sign(&claims)?);
        }
        let keys = self.keys();
        let key = signing(&keys, now).ok_or_else(|| broken("no key signs yet"))?;
        let header = Header {
            typ: Some(ACCESS_TOKEN_TYPE.to_owned()),
            kid: Some(key.kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        Ok(jsonwebtoken::encode(&header, &claims, &key.private)?)
    }

    /// The public halves of all keys whose tokens may still hold, as a JSON Web Key Set.
    pub(crate) fn jwks(&self, now: DateTime<Utc>) -> String {
        let keys = self.keys();
        let live = keys
            .iter()
            .filter(|key| key.verifies_until.is_none_or(|until| until > now));
        let public: Vec<_> = live.map(|key| &key.public).collect();
        serde_json::json!({ "keys": public }).to_string()
    }

    /// Whether tokens are signed with the installation's secret, which no rotation of keys changes.
    pub(crate) fn uses_secret(&self) -> bool {
        self.secret.is_some()
    }

    fn keys(&self) -> Arc<[Key]> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Key {
    fn read(stored: StoredKey) -> Result<Self, Error> {
        let pair = pair(&stored.seed).ok_or_else(|| broken("a seed is no Ed25519 key"))?;
        let der = pair
            .to_pkcs8_der()
            .map_err(|_| broken("a signing key cannot be encoded"))?;
        Ok(Self {
            public: public_jwk(&stored.kid, &pair),
            private: EncodingKey::from_ed_der(der.as_bytes()),
            kid: stored.kid,
            signs_from: stored.signs_from,
            verifies_until: stored.verifies_until,
        })
    }
}

/// The key that was made to sign, once its time has come; until then the newest of those that signed before it. The first
/// key of an installation always signed.
fn signing(keys: &[Key], now: DateTime<Utc>) -> Option<&Key> {
    let begun = keys.iter().filter(|key| key.signs_from.is_none_or(|from| from <= now));
    // A key that was retired never wins over its successor, whatever the clocks said that made them.
    begun.max_by_key(|key| (key.verifies_until.is_none(), key.signs_from))
}

fn broken(what: &'static str) -> Error {
    Error::Inconsistent {
        table: "signing_key",
        row: "all".to_owned(),
        what,
    }
}

impl SecretToken {
    /// 256 bits that nobody can guess.
    pub(crate) fn generate() -> Self {
        let bytes: [u8; 32] = rand::random();
        Self::of(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The token that follows another.
    pub(crate) fn successor(token: &str, salt: &str) -> Self {
        Self::of(refresh::successor(token, salt))
    }

    fn of(token: String) -> Self {
        let hash = refresh::hash(&token);
        Self { token, hash }
    }
}

/// What leads to a successor, with the token itself: as hard to guess as a token.
pub(crate) fn successor_salt() -> String {
    let bytes: [u8; 32] = rand::random();
    hex::encode(bytes)
}

/// A fresh key: its id and its seed.
pub(crate) fn new_key() -> (String, String) {
    let seed: [u8; 32] = rand::random();
    let public = SigningKey::from_bytes(&seed).verifying_key();
    let kid = hex::encode(&Sha256::digest(public.as_bytes())[..8]);
    (kid, hex::encode(seed))
}

fn pair(seed: &str) -> Option<SigningKey> {
    let bytes: [u8; 32] = hex::decode(seed).ok()?.try_into().ok()?;
    Some(SigningKey::from_bytes(&bytes))
}

/// RFC 8037.
fn public_jwk(kid: &str, pair: &SigningKey) -> serde_json::Value {
    let x = URL_SAFE_NO_PAD.encode(pair.verifying_key().as_bytes());
    serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x })
}

#[cfg(test)]
mod tests {
    use kit::access::HS256_KID;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    fn key(signs_from: Option<i64>, verifies_until: Option<i64>) -> Key {
        let (kid, seed) = new_key();
        Key::read(StoredKey {
            kid,
            seed,
            signs_from: signs_from.map(at),
            verifies_until: verifies_until.map(at),
        })
        .unwrap()
    }

    #[test]
    fn the_newest_key_signs_once_its_time_has_come() {
        let keys = [key(Some(20), None), key(Some(10), Some(900)), key(None, Some(800))];
        let kid = |seconds| signing(&keys, at(seconds)).map(|key| key.kid.clone());
        assert_eq!(kid(9), Some(keys[2].kid.clone()));
        assert_eq!(kid(10), Some(keys[1].kid.clone()));
        assert_eq!(kid(20), Some(keys[0].kid.clone()));
        assert!(signing(&keys[..1], at(0)).is_none());
        // Made by a clock that was behind, it is the one that signs all the same.
        let skewed = [key(Some(10), None), key(Some(20), Some(900))];
        assert_eq!(signing(&skewed, at(20)).map(|key| &key.kid), Some(&skewed[0].kid));
    }

    #[test]
    fn a_key_is_published_until_its_tokens_have_ended() {
        let signer = Signer {
            keys: RwLock::new([key(Some(10), None), key(None, Some(800))].into()),
            secret: None,
        };
        let published = |seconds| {
            let set: serde_json::Value = serde_json::from_str(&signer.jwks(at(seconds))).unwrap();
            set["keys"].as_array().unwrap().len()
        };
        assert_eq!((published(0), published(799), published(800)), (2, 2, 1));
    }

    #[test]
    fn with_a_secret_tokens_are_signed_with_it() {
        let secret = "a secret of the installation, long enough";
        let signer = Signer {
            keys: RwLock::new([key(None, None)].into()),
            secret: Some(TokenSecret::new(secret.into()).unwrap()),
        };
        let clock = Clock::mock(at(0));
        let life = chrono::Duration::minutes(15);
        let token = signer
            .access_token(&clock, (clock.new_id(), Role::Guard), clock.new_id(), life)
            .unwrap();
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!(
            (header.alg, header.kid.as_deref(), header.typ.as_deref()),
            (Algorithm::HS256, Some(HS256_KID), Some(ACCESS_TOKEN_TYPE))
        );
        let mut validation = jsonwebtoken::Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.validate_exp = false;
        let key = jsonwebtoken::DecodingKey::from_secret(secret.as_bytes());
        let claims = jsonwebtoken::decode::<Claims>(&token, &key, &validation)
            .unwrap()
            .claims;
        assert_eq!(claims.role, "guard");
    }
}
