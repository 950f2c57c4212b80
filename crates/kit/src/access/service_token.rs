//! The short tokens with which services prove to each other that they belong to this installation.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use tonic::{
    Request,
    metadata::{AsciiMetadataKey, AsciiMetadataValue},
};

use super::{Caller, metadata};
use crate::{Clock, Fault};

/// The `typ` of a service token's header: never mistaken for a user's token.
pub(super) const SERVICE_TOKEN_TYPE: &str = "svc+jwt";
const AUDIENCE: &str = "hostelpulse-services";
/// How long a token holds.
const LIFE: Duration = Duration::seconds(120);
/// A token is replaced when it has less than this left.
const RENEW: Duration = Duration::seconds(60);
/// Shorter secrets can be guessed.
const SHORTEST_SECRET: usize = 32;

/// The secret that all services of an installation share, for their tokens to each other and for nothing else.
#[derive(Clone)]
pub struct ServiceSecret(Arc<SecretString>);

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    aud: String,
    iat: i64,
    exp: i64,
}

impl ServiceSecret {
    /// Refuses secrets that are too short to be safe.
    pub fn new(secret: SecretString) -> Result<Self, String> {
        let length = secret.expose_secret().len();
        if length < SHORTEST_SECRET {
            return Err(format!(
                "must be at least {SHORTEST_SECRET} characters, it has {length}"
            ));
        }
        Ok(Self(Arc::new(secret)))
    }

    /// A secret for the services of one process, which nobody else needs to know.
    pub fn random() -> Self {
        let bytes: [u8; 32] = rand::random();
        Self(Arc::new(SecretString::from(hex::encode(bytes))))
    }

    /// The name of the service that a token was made for, and when the token ends.
    pub(super) fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<(String, i64), Fault> {
        let refused = || Fault::unauthenticated("This service token is not valid");
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        // Time is checked below, against our clock.
        validation.validate_exp = false;
        let key = DecodingKey::from_secret(self.0.expose_secret().as_bytes());
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
            .map_err(|_| refused())?
            .claims;
        let (now, leeway) = (now.timestamp(), super::token::LEEWAY);
        if claims.exp + leeway <= now || claims.iat - leeway > now {
            return Err(refused());
        }
        Ok((claims.sub, claims.exp))
    }

    fn sign(&self, name: &str, now: DateTime<Utc>) -> Result<String, jsonwebtoken::errors::Error> {
        let header = Header {
            typ: Some(SERVICE_TOKEN_TYPE.to_owned()),
            ..Header::new(Algorithm::HS256)
        };
        let claims = Claims {
            sub: name.to_owned(),
            aud: AUDIENCE.to_owned(),
            iat: now.timestamp(),
            exp: (now + LIFE).timestamp(),
        };
        jsonwebtoken::encode(
            &header,
            &claims,
            &EncodingKey::from_secret(self.0.expose_secret().as_bytes()),
        )
    }
}

/// Makes the tokens of one service, and keeps the present one until it is about to end.
#[derive(Clone)]
pub struct ServiceTokens(Arc<Inner>);

struct Inner {
    name: String,
    secret: ServiceSecret,
    clock: Clock,
    present: Mutex<Option<(Arc<str>, DateTime<Utc>)>>,
}

impl ServiceTokens {
    pub fn new(name: &str, secret: ServiceSecret, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            name: name.to_owned(),
            secret,
            clock,
            present: Mutex::new(None),
        }))
    }

    /// A token that holds for at least a minute.
    pub fn token(&self) -> Result<Arc<str>, Fault> {
        let now = self.0.clock.now();
        let mut present = self.0.present.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, ends)) = &*present
            && *ends - now > RENEW
        {
            return Ok(token.clone());
        }
        let token: Arc<str> = self.0.secret.sign(&self.0.name, now).map_err(Fault::internal)?.into();
        *present = Some((token.clone(), now + LIFE));
        Ok(token)
    }

    /// A request of this service.
    pub fn request<T>(&self, message: T) -> Result<Request<T>, Fault> {
        let mut request = Request::new(message);
        insert(
            &mut request,
            metadata::AUTHORIZATION,
            &format!("Bearer {}", self.token()?),
        )?;
        Ok(request)
    }

    /// A request of this service, with what tells whose work it belongs to.
    pub fn request_for<T>(&self, caller: &Caller, message: T) -> Result<Request<T>, Fault> {
        let mut request = self.request(message)?;
        let traceparent = caller.traceparent.as_deref().unwrap_or_default();
        insert(&mut request, metadata::REQUEST_ID, &caller.request_id)?;
        insert(&mut request, metadata::TRACEPARENT, traceparent)?;
        Ok(request)
    }
}

/// Says nothing where there is nothing to say.
fn insert<T>(request: &mut Request<T>, name: &'static str, value: &str) -> Result<(), Fault> {
    if !value.is_empty() {
        let value = AsciiMetadataValue::try_from(value)
            .map_err(|_| Fault::internal(format_args!("the header {name} holds what no header may hold")))?;
        request
            .metadata_mut()
            .insert(AsciiMetadataKey::from_static(name), value);
    }
    Ok(())
}
