//! The access token: got for a signed assertion (RFC 7523), kept until shortly before it ends.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, Header, encode};
use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use tokio::sync::Mutex;

use super::{super::PORT, account::Account, exchange, failure};
use crate::{Clock, port::PortError};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// As long as Google allows.
const ASSERTION_LIFE: Duration = Duration::hours(1);
/// A token is not used in its last minute: it could end on the way.
const MARGIN: Duration = Duration::minutes(1);
const LONGEST_LIFE: i64 = 24 * 60 * 60;

pub(super) struct Tokens {
    account: Account,
    http: reqwest::Client,
    clock: Clock,
    /// Held while a token is fetched, so that many senders fetch one.
    kept: Mutex<Option<Token>>,
}

struct Token {
    value: Arc<SecretString>,
    until: DateTime<Utc>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

impl Tokens {
    pub(super) fn new(account: Account, http: reqwest::Client, clock: Clock) -> Self {
        Self {
            account,
            http,
            clock,
            kept: Mutex::new(None),
        }
    }

    /// The token to send with.
    pub(super) async fn current(&self) -> Result<Arc<SecretString>, PortError> {
        self.get(|_| true).await
    }

    /// Another token than the one that was refused.
    pub(super) async fn instead_of(&self, refused: &SecretString) -> Result<Arc<SecretString>, PortError> {
        // Another sender may have met the same refusal and fetched a new one already.
        self.get(|kept| kept.expose_secret() != refused.expose_secret()).await
    }

    async fn get(&self, is_good: impl Fn(&SecretString) -> bool) -> Result<Arc<SecretString>, PortError> {
        let mut kept = self.kept.lock().await;
        if let Some(token) = &*kept
            && token.until > self.clock.now()
            && is_good(&token.value)
        {
            return Ok(token.value.clone());
        }
        let token = self.fetch().await?;
        let value = token.value.clone();
        *kept = Some(token);
        Ok(value)
    }

    async fn fetch(&self) -> Result<Token, PortError> {
        let now = self.clock.now();
        let assertion = self.assertion(now)?;
        let form = [("grant_type", GRANT_TYPE), ("assertion", &assertion)];
        let answer = exchange(self.http.post(self.account.token_uri.clone()).form(&form)).await?;
        if answer.status != StatusCode::OK {
            let said = answer.body["error"].as_str().unwrap_or_default();
            let why = format!(
                "the token server answered {} {said} to the service account",
                answer.status.as_u16()
            );
            return Err(failure(answer.status, why));
        }
        let Some(value) = answer.body["access_token"].as_str() else {
            let why = "the token server answered without a token".to_owned();
            return Err(PortError::Unavailable { port: PORT, why });
        };
        let life = answer.body["expires_in"].as_i64();
        let life = Duration::seconds(life.unwrap_or(0).clamp(0, LONGEST_LIFE));
        Ok(Token {
            value: Arc::new(SecretString::from(value)),
            until: now + life - MARGIN,
        })
    }

    fn assertion(&self, now: DateTime<Utc>) -> Result<String, PortError> {
        let claims = Claims {
            iss: &self.account.email,
            scope: SCOPE,
            aud: self.account.token_uri.as_str(),
            iat: now.timestamp(),
            exp: (now + ASSERTION_LIFE).timestamp(),
        };
        let header = Header {
            kid: self.account.key_id.clone(),
            ..Header::new(Algorithm::RS256)
        };
        encode(&header, &claims, &self.account.key).map_err(|error| PortError::Refused {
            port: PORT,
            why: format!("the assertion cannot be signed: {error}"),
        })
    }
}
