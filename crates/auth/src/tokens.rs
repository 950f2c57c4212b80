//! Signs access tokens, makes refresh tokens, and publishes the keys that verify.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey as _};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kit::{
    Clock, Db,
    access::{ACCESS_TOKEN_TYPE, AUDIENCE, Claims, ISSUER, role_name},
};
use proto::options::Role;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{Error, store::signing_key};

/// Signs with the installation's key.
pub(crate) struct Signer {
    kid: String,
    key: EncodingKey,
    /// The public halves of all keys, as a JSON Web Key Set.
    jwks: String,
}

/// A refresh token as its owner gets it, and the hash under which it is kept.
pub(crate) struct RefreshToken {
    pub token: String,
    pub hash: String,
}

impl Signer {
    /// Reads the keys; on an empty database makes the first.
    pub(crate) async fn open(db: &Db, clock: &Clock) -> Result<Self, Error> {
        let mut keys = signing_key::all(db.reader()).await?;
        if keys.is_empty() {
            let (kid, seed) = new_key();
            let txn = db.begin().await?;
            signing_key::insert_first_in_txn(&txn, kid, seed, clock.now()).await?;
            txn.commit().await?;
            keys = signing_key::all(db.reader()).await?;
        }
        let broken = |what| Error::Inconsistent {
            table: "signing_key",
            row: "all".to_owned(),
            what,
        };
        let mut public = Vec::new();
        let mut signing = None;
        for key in keys {
            let pair = pair(&key.seed).ok_or_else(|| broken("a seed is no Ed25519 key"))?;
            public.push(public_jwk(&key.kid, &pair));
            if key.is_signing {
                signing = Some((key.kid, pair));
            }
        }
        let (kid, pair) = signing.ok_or_else(|| broken("no key signs"))?;
        let der = pair
            .to_pkcs8_der()
            .map_err(|_| broken("the signing key cannot be encoded"))?;
        let jwks = serde_json::json!({ "keys": public }).to_string();
        Ok(Self {
            kid,
            key: EncodingKey::from_ed_der(der.as_bytes()),
            jwks,
        })
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
        let header = Header {
            typ: Some(ACCESS_TOKEN_TYPE.to_owned()),
            kid: Some(self.kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        Ok(jsonwebtoken::encode(&header, &claims, &self.key)?)
    }

    pub(crate) fn jwks(&self) -> &str {
        &self.jwks
    }
}

impl RefreshToken {
    /// 256 bits that nobody can guess.
    pub(crate) fn generate() -> Self {
        let bytes: [u8; 32] = rand::random();
        let token = URL_SAFE_NO_PAD.encode(bytes);
        let hash = hex::encode(Sha256::digest(token.as_bytes()));
        Self { token, hash }
    }
}

fn new_key() -> (String, String) {
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
