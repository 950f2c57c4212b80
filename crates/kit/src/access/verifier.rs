//! Verifies tokens: users' with the public keys of auth, services' with the shared secret. Each token costs a signature
//! check once; after that it is remembered until it ends, or its session does.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

use crate::upstream::Channel;
use chrono::{DateTime, Utc};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet},
};
use moka::sync::Cache;
use proto::auth::tokens_client::TokensClient;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    API_KEY_PREFIX, Claims, HS256_KID, Identity, KeyId, ServiceSecret, ServiceTokens, TokenSecret,
    api_key::{self, Exchanges},
    ended::Ended,
    service_token::SERVICE_TOKEN_TYPE,
    token::{ACCESS_TOKEN_TYPE, AUDIENCE, ISSUER},
};
use crate::{Clock, Fault};

/// A token longer than this is nobody's.
const LONGEST_TOKEN: usize = 4096;
/// How many verified tokens are remembered.
const REMEMBERED: u64 = 20_000;
/// Unknown key ids make us ask auth for its keys at most this often.
const ASK_AGAIN: chrono::Duration = chrono::Duration::seconds(1);
/// Keys are looked up anew after this, so that one that was withdrawn does not go on to open doors.
const KEYS_HOLD: chrono::Duration = chrono::Duration::seconds(60);
/// While auth is away the keys that are known hold, and it is asked for newer ones at most this often: where it never
/// answers, each asking makes those wait who come with a new token.
const REFRESH_AGAIN: chrono::Duration = chrono::Duration::seconds(10);
const ASK_LIMIT: Duration = Duration::from_secs(3);

/// Verifies tokens. Cheap to clone.
///
/// It must be told of ended sessions ([`Verifier::follow`]): until then no user's token is let in.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

/// Where the public keys come from: auth's `Tokens`.
pub type KeySource = TokensClient<Channel>;

/// The secrets that tokens are verified with, beside the public keys of auth.
#[derive(Clone)]
pub struct Secrets {
    pub service: ServiceSecret,
    /// Where an installation asks for HS256.
    pub token: Option<TokenSecret>,
}

impl From<ServiceSecret> for Secrets {
    fn from(service: ServiceSecret) -> Self {
        Self { service, token: None }
    }
}

struct Inner {
    keys: RwLock<PublishedKeys>,
    /// The key of [`HS256_KID`], which never comes from auth.
    hs256: Option<Arc<VerifyingKey>>,
    /// When auth was last asked, and whether it answered; the lock lets one ask at a time.
    asked: Mutex<Option<(DateTime<Utc>, bool)>>,
    source: KeySource,
    secret: ServiceSecret,
    /// With these auth is asked what it tells services alone.
    tokens: ServiceTokens,
    /// By the digests of tokens, which are a tenth as large and of no use to anybody else.
    remembered: Cache<[u8; 32], Arc<Verified>>,
    exchanges: Exchanges,
    ended: Ended,
    clock: Clock,
}

/// The keys of auth, as it published them last.
#[derive(Default)]
struct PublishedKeys {
    by_id: HashMap<KeyId, Arc<VerifyingKey>>,
    /// When they were asked for.
    read: Option<DateTime<Utc>>,
}

/// A key, and what must hold of the tokens that it signed.
struct VerifyingKey {
    key: DecodingKey,
    rules: Validation,
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
    pub fn new(source: KeySource, secrets: impl Into<Secrets>, clock: Clock) -> Self {
        let Secrets { service: secret, token } = secrets.into();
        let remembered = Cache::builder()
            .max_capacity(REMEMBERED)
            .time_to_live(Duration::from_hours(1))
            .build();
        let hs256 = token.map(|secret| Arc::new(VerifyingKey::new(secret.verifying_key(), Algorithm::HS256)));
        Self(Arc::new(Inner {
            keys: RwLock::default(),
            hs256,
            asked: Mutex::default(),
            source,
            tokens: ServiceTokens::new("verifier", secret.clone(), clock.clone()),
            secret,
            remembered,
            exchanges: api_key::exchanges(),
            ended: Ended::new(clock.clone()),
            clock,
        }))
    }

    /// Hears from auth which sessions end, until told to stop. `streams` is a way to auth for long streams.
    pub async fn follow(&self, streams: KeySource, stop: CancellationToken) {
        self.0.ended.follow(&streams, &self.0.tokens, stop).await;
    }

    /// Who a token is: a user whose session has not ended, or a service.
    pub async fn verify(&self, token: &str) -> Result<Arc<Verified>, Fault> {
        let verified = self.verify_token(token).await?;
        if let Some(session) = verified.session() {
            self.0.ended.refuse(session).await?;
        }
        Ok(verified)
    }

    async fn verify_token(&self, token: &str) -> Result<Arc<Verified>, Fault> {
        // Before it costs a digest.
        if token.len() > LONGEST_TOKEN {
            return Err(refused());
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        if let Some(known) = self.0.remembered.get(&digest) {
            return if self.ended(known.ends) {
                Err(refused())
            } else {
                Ok(known)
            };
        }
        if token.starts_with(API_KEY_PREFIX) {
            let how =
                "An API key must be exchanged for an access token first, by hostelpulse.auth.v1.Tokens/ExchangeApiKey";
            return Err(Fault::unauthenticated(how));
        }
        let verified = Arc::new(self.verify_anew(token).await?);
        self.0.remembered.insert(digest, verified.clone());
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

    fn verify_signed(&self, token: &str, by: &VerifyingKey) -> Result<Verified, Fault> {
        let claims = jsonwebtoken::decode::<Claims>(token, &by.key, &by.rules)
            .map_err(|_| refused())?
            .claims;
        // Against our clock.
        if !claims.hold_at(self.0.clock.now().timestamp()) {
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

    /// The key of an id. Keys are asked for anew when they are old, or when the id is unknown.
    async fn key(&self, id: &str) -> Result<Arc<VerifyingKey>, Fault> {
        if id == HS256_KID {
            return self.0.hs256.clone().ok_or_else(refused);
        }
        match self.fresh_key(id) {
            Some(key) => Ok(key),
            None => Box::pin(self.asked_for_key(id)).await,
        }
    }

    /// A key that is not known, or was published too long ago.
    async fn asked_for_key(&self, id: &str) -> Result<Arc<VerifyingKey>, Fault> {
        let mut asked = self.0.asked.lock().await;
        if let Some(key) = self.fresh_key(id) {
            return Ok(key); // another caller asked while this one waited
        }
        let known = self.known_key(id);
        let now = self.0.clock.now();
        let wait = if known.is_some() { REFRESH_AGAIN } else { ASK_AGAIN };
        if let Some((last, answered)) = *asked
            && is_within(now - last, wait)
        {
            // Those who waited while auth was away do not each wait anew.
            return known.ok_or_else(if answered { refused } else { unavailable });
        }
        // A channel whose service was never found keeps a call waiting: the limit stands around all of it.
        let keys = tokio::time::timeout(ASK_LIMIT, self.ask())
            .await
            .unwrap_or_else(|_| Err(unavailable()));
        // Now, not when it was asked: the asking itself may have taken longer than the wait.
        *asked = Some((self.0.clock.now(), keys.is_ok()));
        match keys {
            Ok(by_id) => {
                let read = Some(now);
                *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = PublishedKeys { by_id, read };
                self.known_key(id).ok_or_else(refused)
            }
            Err(fault) => known.ok_or(fault),
        }
    }

    fn known_key(&self, id: &str) -> Option<Arc<VerifyingKey>> {
        self.published().by_id.get(id).cloned()
    }

    /// A key that was published a short time ago.
    fn fresh_key(&self, id: &str) -> Option<Arc<VerifyingKey>> {
        let published = self.published();
        let age = self.0.clock.now() - published.read?;
        let key = published.by_id.get(id).filter(|_| is_within(age, KEYS_HOLD));
        key.cloned()
    }

    fn published(&self) -> RwLockReadGuard<'_, PublishedKeys> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks auth for its keys. That auth is away says nothing about the token, so it is not a refusal.
    async fn ask(&self) -> Result<HashMap<KeyId, Arc<VerifyingKey>>, Fault> {
        let mut request = tonic::Request::new(proto::types::Nothing {});
        request.set_timeout(ASK_LIMIT);
        let answer = self.0.source.clone().jwks(request).await.map_err(|status| {
            tracing::warn!(code = ?status.code(), "the keys of auth could not be read");
            unavailable()
        })?;
        let set: JwkSet = serde_json::from_str(&answer.into_inner().jwks).map_err(Fault::internal)?;
        Ok(set.keys.iter().filter_map(VerifyingKey::read).collect())
    }

    // What the exchange of API keys needs.

    pub(super) fn auth(&self) -> KeySource {
        self.0.source.clone()
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(super) fn exchanges(&self) -> &Exchanges {
        &self.0.exchanges
    }

    pub(super) fn service_token(&self) -> Result<Arc<str>, Fault> {
        self.0.tokens.token()
    }

    pub(super) fn knows_ended(&self, session: Uuid) -> bool {
        self.0.ended.contains(session)
    }
}

impl VerifyingKey {
    /// The algorithm is the key's, whatever the header of a token says.
    fn new(key: DecodingKey, algorithm: Algorithm) -> Self {
        let mut rules = Validation::new(algorithm);
        rules.set_audience(&[AUDIENCE]);
        rules.set_issuer(&[ISSUER]);
        rules.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // Time is checked against our clock, by whoever verifies.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        Self { key, rules }
    }

    /// Auth publishes Ed25519 keys; anything else under its name is passed over.
    fn read(jwk: &Jwk) -> Option<(KeyId, Arc<Self>)> {
        let AlgorithmParameters::OctetKeyPair(pair) = &jwk.algorithm else {
            return None;
        };
        if pair.curve != EllipticCurve::Ed25519 {
            return None;
        }
        let key = Self::new(DecodingKey::from_jwk(jwk).ok()?, Algorithm::EdDSA);
        Some((jwk.common.key_id.clone()?, Arc::new(key)))
    }
}

/// Whether less than `limit` went by. After a clock was set back nobody knows, which counts as long ago.
fn is_within(age: chrono::Duration, limit: chrono::Duration) -> bool {
    age >= chrono::Duration::zero() && age < limit
}

pub(super) fn unavailable() -> Fault {
    Fault::unavailable("Sign-in cannot be checked at the moment, try again shortly")
}

fn refused() -> Fault {
    Fault::unauthenticated("This token is not valid, sign in again")
}
