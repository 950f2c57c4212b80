//! Verifies tokens: users' with the public keys of auth, services' with the shared secret. Each token costs a signature
//! check once; after that it is remembered until it ends.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use moka::sync::Cache;
use proto::auth::auth_client::AuthClient;
use tokio::sync::Mutex;
use tonic::transport::Channel;
use uuid::Uuid;

use super::{
    Claims, Identity, KeyId, ServiceSecret,
    service_token::SERVICE_TOKEN_TYPE,
    token::{ACCESS_TOKEN_TYPE, AUDIENCE, ISSUER, LEEWAY},
};
use crate::{Clock, Fault};

/// A token longer than this is nobody's.
const LONGEST_TOKEN: usize = 4096;
/// How many verified tokens are remembered.
const REMEMBERED: u64 = 20_000;
/// Unknown key ids make us ask auth for its keys at most this often.
const ASK_AGAIN: chrono::Duration = chrono::Duration::seconds(1);
const ASK_LIMIT: Duration = Duration::from_secs(3);

/// Verifies tokens. Cheap to clone.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

/// Where the public keys come from: auth's `Jwks` rpc.
pub type KeySource = AuthClient<Channel>;

struct Inner {
    keys: RwLock<HashMap<KeyId, Arc<DecodingKey>>>,
    /// When auth was last asked, and whether it answered; the lock lets one ask at a time.
    asked: Mutex<Option<(DateTime<Utc>, bool)>>,
    source: KeySource,
    secret: ServiceSecret,
    remembered: Cache<Box<str>, Arc<Verified>, std::hash::RandomState>,
    clock: Clock,
}

/// A token that was verified.
#[derive(Clone, Debug)]
pub struct Verified {
    pub identity: Identity,
    /// When it ends, in seconds since 1970.
    pub ends: i64,
}

impl Verified {
    /// The session of a user's token.
    pub fn session(&self) -> Option<Uuid> {
        match self.identity {
            Identity::User { session, .. } => Some(session),
            Identity::Nobody | Identity::Service { .. } => None,
        }
    }
}

impl Verifier {
    pub fn new(source: KeySource, secret: ServiceSecret, clock: Clock) -> Self {
        let remembered = Cache::builder()
            .max_capacity(REMEMBERED)
            .time_to_live(Duration::from_hours(1))
            .build();
        let keys = RwLock::default();
        Self(Arc::new(Inner {
            keys,
            asked: Mutex::default(),
            source,
            secret,
            remembered,
            clock,
        }))
    }

    /// Who a token is: a user or a service.
    pub async fn verify(&self, token: &str) -> Result<Arc<Verified>, Fault> {
        if let Some(known) = self.0.remembered.get(token) {
            return if self.ended(known.ends) {
                Err(refused())
            } else {
                Ok(known)
            };
        }
        if token.len() > LONGEST_TOKEN {
            return Err(refused());
        }
        let verified = Arc::new(self.verify_anew(token).await?);
        self.0.remembered.insert(token.into(), verified.clone());
        Ok(verified)
    }

    /// Who a user's token is; a service's token is refused, because it must not come from outside.
    pub async fn verify_user(&self, token: &str) -> Result<Arc<Verified>, Fault> {
        let verified = self.verify(token).await?;
        if matches!(verified.identity, Identity::User { .. }) {
            Ok(verified)
        } else {
            Err(refused())
        }
    }

    async fn verify_anew(&self, token: &str) -> Result<Verified, Fault> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused())?;
        match header.typ.as_deref() {
            Some(SERVICE_TOKEN_TYPE) => {
                let (name, ends) = self.0.secret.verify(token, self.0.clock.now())?;
                Ok(Verified {
                    identity: Identity::Service { name },
                    ends,
                })
            }
            Some(ACCESS_TOKEN_TYPE) => {
                let key = self.key(&header.kid.ok_or_else(refused)?).await?;
                self.verify_signed(token, &key)
            }
            _ => Err(refused()),
        }
    }

    fn verify_signed(&self, token: &str, key: &DecodingKey) -> Result<Verified, Fault> {
        // The algorithm is the key's, whatever the header says.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // Time is checked below, against our clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &validation)
            .map_err(|_| refused())?
            .claims;
        if self.ended(claims.exp) || claims.nbf > self.0.clock.now().timestamp() + LEEWAY {
            return Err(refused());
        }
        let role = claims.role().ok_or_else(refused)?;
        Ok(Verified {
            identity: Identity::User {
                id: claims.sub,
                role,
                session: claims.sid,
            },
            ends: claims.exp,
        })
    }

    fn ended(&self, ends: i64) -> bool {
        ends <= self.0.clock.now().timestamp()
    }

    async fn key(&self, id: &str) -> Result<Arc<DecodingKey>, Fault> {
        if let Some(key) = self.known_key(id) {
            return Ok(key);
        }
        let mut asked = self.0.asked.lock().await;
        if let Some(key) = self.known_key(id) {
            return Ok(key); // another caller asked while this one waited
        }
        let now = self.0.clock.now();
        if let Some((last, answered)) = *asked
            && now - last < ASK_AGAIN
        {
            // Those who waited while auth was away do not each wait anew.
            return Err(if answered { refused() } else { unavailable() });
        }
        // A channel whose service was never found keeps a call waiting: the limit stands around all of it.
        let keys = tokio::time::timeout(ASK_LIMIT, self.ask())
            .await
            .unwrap_or_else(|_| Err(unavailable()));
        *asked = Some((now, keys.is_ok()));
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = keys?;
        self.known_key(id).ok_or_else(refused)
    }

    fn known_key(&self, id: &str) -> Option<Arc<DecodingKey>> {
        self.0
            .keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned()
    }

    /// Asks auth for its keys. That auth is away says nothing about the token, so it is not a refusal.
    async fn ask(&self) -> Result<HashMap<KeyId, Arc<DecodingKey>>, Fault> {
        let mut request = tonic::Request::new(proto::types::Nothing {});
        request.set_timeout(ASK_LIMIT);
        let answer = self.0.source.clone().jwks(request).await.map_err(|status| {
            tracing::warn!(code = ?status.code(), "the keys of auth could not be read");
            unavailable()
        })?;
        let set: JwkSet = serde_json::from_str(&answer.into_inner().jwks).map_err(Fault::internal)?;
        let keys = set.keys.iter().filter_map(|jwk| {
            let key = DecodingKey::from_jwk(jwk).ok()?;
            Some((jwk.common.key_id.clone()?, Arc::new(key)))
        });
        Ok(keys.collect())
    }
}

fn unavailable() -> Fault {
    Fault::unavailable("Sign-in cannot be checked at the moment, try again shortly")
}

fn refused() -> Fault {
    Fault::unauthenticated("This token is not valid, sign in again")
}
