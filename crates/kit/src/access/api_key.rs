//! API keys at the door: each is exchanged for a short access token once, and the token remembered.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use moka::future::Cache;
use proto::auth::ExchangeApiKeyRequest;
use sha2::{Digest as _, Sha256};
use tonic::{Request, Status, metadata::MetadataValue};

use super::{Verified, Verifier, metadata, verifier::unavailable};
use crate::{Fault, fault::Kind};

/// How an API key begins, so that it is never mistaken for a token.
pub const API_KEY_PREFIX: &str = "hpk_";
/// What the contract allows.
const LONGEST_KEY: usize = 200;
/// How many keys are remembered, good or bad.
const MOST_REMEMBERED: u64 = 10_000;
/// A token with less left is replaced, so that it does not end on its way.
const LEAST_LEFT: chrono::Duration = chrono::Duration::seconds(30);
/// After a refusal, or while auth is away, a key is not asked for again before this.
const ASK_AGAIN: chrono::Duration = chrono::Duration::seconds(1);
const ASK_LIMIT: Duration = Duration::from_secs(3);

/// Somebody from outside who was let in.
#[derive(Clone)]
pub struct Admitted {
    /// The access token that speaks for them to services.
    pub token: Arc<str>,
    pub verified: Arc<Verified>,
}

impl fmt::Debug for Admitted {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Admitted")
            .field("verified", &self.verified)
            .finish_non_exhaustive()
    }
}

/// What came of an exchange, and until when it is believed.
pub(super) struct Exchange {
    outcome: Result<Admitted, Fault>,
    until: DateTime<Utc>,
}

/// By the hash of key and address: keys themselves are not kept.
pub(super) type Exchanges = Cache<[u8; 32], Arc<Exchange>>;

pub(super) fn exchanges() -> Exchanges {
    Cache::builder()
        .max_capacity(MOST_REMEMBERED)
        .time_to_live(Duration::from_hours(1))
        .build()
}

impl Verifier {
    /// Who comes from outside with an access token, or with an API key used from an address.
    pub async fn admit(&self, bearer: &str, from: Option<IpAddr>) -> Result<Admitted, Fault> {
        if bearer.starts_with(API_KEY_PREFIX) {
            // Kept out of the task of those who bring a token, which it would make several times as large.
            return Box::pin(self.exchange(bearer, from)).await;
        }
        let verified = self.verify_user(bearer).await?;
        let token = bearer.into();
        Ok(Admitted { token, verified })
    }

    /// Whether an API key was good when it was last shown from this address. [`Verifier::admit`] asks auth for any other.
    pub async fn was_good(&self, key: &str, from: Option<IpAddr>) -> bool {
        if key.len() > LONGEST_KEY {
            return false;
        }
        let last = self.exchanges().get(&hash(key, from)).await;
        last.is_some_and(|last| last.outcome.is_ok())
    }

    /// The access token in place of a key. Those who bring the same key at the same time share one exchange.
    async fn exchange(&self, key: &str, from: Option<IpAddr>) -> Result<Admitted, Fault> {
        if key.len() > LONGEST_KEY {
            return Err(refused());
        }
        let name = hash(key, from);
        let last = self.exchanges().get(&name).await;
        if let Some(last) = last.as_ref().filter(|last| self.is_believed(last)) {
            return last.outcome.clone();
        }
        let anew = async { Arc::new(self.exchange_anew(key, from, last).await) };
        let entry = self.exchanges().entry(name);
        let exchange = entry.or_insert_with_if(anew, |known| !self.is_believed(known)).await;
        exchange.into_value().outcome.clone()
    }

    fn is_believed(&self, exchange: &Exchange) -> bool {
        let ended = exchange
            .outcome
            .as_ref()
            .is_ok_and(|admitted| admitted.verified.session().is_some_and(|key| self.knows_ended(key)));
        self.clock().now() < exchange.until && !ended
    }

    async fn exchange_anew(&self, key: &str, from: Option<IpAddr>, last: Option<Arc<Exchange>>) -> Exchange {
        // A channel whose service was never found keeps a call waiting: the limit stands around all of it.
        let asked = tokio::time::timeout(ASK_LIMIT, self.ask_for_token(key, from)).await;
        let outcome = asked.unwrap_or_else(|_| Err(unavailable()));
        let now = self.clock().now();
        match outcome {
            Ok(admitted) => {
                let ends = DateTime::from_timestamp(admitted.verified.ends, 0).unwrap_or(now);
                Exchange {
                    outcome: Ok(admitted),
                    until: ends - LEAST_LEFT,
                }
            }
            Err(fault) if fault.kind == Kind::Unavailable => self.while_auth_is_away(fault, last).await,
            Err(fault) => Exchange {
                outcome: Err(fault),
                until: now + ASK_AGAIN,
            },
        }
    }

    /// That auth is away says nothing about the key: its last token stays good until it ends, and then every request asks.
    async fn while_auth_is_away(&self, fault: Fault, last: Option<Arc<Exchange>>) -> Exchange {
        let now = self.clock().now();
        if let Some(Ok(admitted)) = last.map(|last| last.outcome.clone())
            && self.verify_user(&admitted.token).await.is_ok()
        {
            return Exchange {
                outcome: Ok(admitted),
                until: now + ASK_AGAIN,
            };
        }
        Exchange {
            outcome: Err(fault),
            until: now,
        }
    }

    async fn ask_for_token(&self, key: &str, from: Option<IpAddr>) -> Result<Admitted, Fault> {
        let mut request = Request::new(ExchangeApiKeyRequest { key: key.to_owned() });
        request.set_timeout(ASK_LIMIT);
        let service = MetadataValue::try_from(&*self.service_token()?).map_err(Fault::internal)?;
        request.metadata_mut().insert(metadata::FORWARDED_BY, service);
        if let Some(from) = from {
            let from = MetadataValue::try_from(from.to_string()).map_err(Fault::internal)?;
            request.metadata_mut().insert(metadata::CLIENT_IP, from);
        }
        let answer = self.auth().exchange_api_key(request).await;
        let token = answer.map_err(|status| verdict(&status))?.into_inner().access_token;
        let verified = self.verify_user(&token).await?;
        let token = token.into();
        Ok(Admitted { token, verified })
    }
}

/// Auth's own words where it refuses the key; everything else is auth's trouble.
fn verdict(status: &Status) -> Fault {
    let fault = Fault::from_status(status);
    match fault.kind {
        Kind::Unauthenticated | Kind::Forbidden => fault,
        Kind::Validation | Kind::NotFound | Kind::Refused => refused(),
        _ => {
            tracing::warn!(code = ?status.code(), "an API key could not be exchanged");
            unavailable()
        }
    }
}

fn hash(key: &str, from: Option<IpAddr>) -> [u8; 32] {
    let from = from.map_or_else(String::new, |from| from.to_string());
    let digest = Sha256::new()
        .chain_update(key)
        // No key holds a line break, so the two never run into each other.
        .chain_update("\n")
        .chain_update(from);
    digest.finalize().into()
}

fn refused() -> Fault {
    Fault::unauthenticated("This API key is not valid")
}
