//! An auth service that knows keys, API keys and ended sessions and nothing else, so that tests of other services can sign
//! in anybody, and out.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Duration;
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey as _};
use jsonwebtoken::{Algorithm, EncodingKey};
use proto::{
    auth::{EndedSessions, ExchangeApiKeyRequest, ExchangeApiKeyResponse, JwksResponse, tokens_server},
    options::Role,
    types::Nothing,
};
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, service::Routes};
use uuid::Uuid;

use crate::{
    Clock, Fault,
    access::{ACCESS_TOKEN_TYPE, API_KEY_PREFIX, AUDIENCE, Claims, ISSUER, metadata, role_name},
    upstream::Place,
};

const KID: &str = "test-key";
const SIGN_OF_LIFE: std::time::Duration = std::time::Duration::from_millis(500);
/// How long the token of an API key holds, in seconds.
const EXCHANGED_LIFE: i64 = 300;

/// Auth, as far as whoever verifies tokens asks it. A clone is the same auth; [`Keys::rotated`] is, too, and signs with
/// another key.
#[derive(Clone)]
pub struct Keys {
    kid: String,
    key: EncodingKey,
    public: [u8; 32],
    clock: Clock,
    published: Arc<Published>,
    world: watch::Sender<Told>,
    watchers: Arc<AtomicU64>,
    exchange: Arc<Exchange>,
}

/// What the watchers are told.
#[derive(Default)]
struct Told {
    ended: Vec<Uuid>,
    away: bool,
    silent: bool,
}

/// The keys that everybody may read.
#[derive(Default)]
struct Published {
    jwks: Mutex<Vec<serde_json::Value>>,
    asked: AtomicU64,
}

struct Exchange {
    keys: Mutex<Vec<ApiKey>>,
    life: AtomicI64,
    asked: AtomicU64,
}

struct ApiKey {
    key: String,
    id: Uuid,
    owner: Uuid,
    role: Role,
    /// The one address that may use it.
    ip: Option<String>,
}

impl Keys {
    pub fn new(clock: Clock) -> Self {
        let (key, public) = new_pair();
        let keys = Self {
            kid: KID.to_owned(),
            key,
            public,
            clock,
            published: Arc::default(),
            world: watch::Sender::default(),
            watchers: Arc::default(),
            exchange: Arc::new(Exchange {
                keys: Mutex::default(),
                life: AtomicI64::new(EXCHANGED_LIFE),
                asked: AtomicU64::default(),
            }),
        };
        keys.publish();
        keys
    }

    /// The same auth signing with a new key, published beside those there are. What serves already goes on to sign with
    /// the key that it had.
    #[must_use]
    pub fn rotated(&self) -> Self {
        let (key, public) = new_pair();
        let kid = format!("{KID}-{}", self.clock.new_id());
        let keys = Self {
            kid,
            key,
            public,
            ..self.clone()
        };
        keys.publish();
        keys
    }

    /// Publishes its key no longer.
    pub fn retire(&self) {
        self.jwks().retain(|jwk| jwk["kid"] != self.kid);
    }

    /// How often somebody asked for the keys.
    pub fn reads(&self) -> u64 {
        self.published.asked.load(Ordering::SeqCst)
    }

    fn publish(&self) {
        self.jwks().push(self.jwk());
    }

    fn jwks(&self) -> MutexGuard<'_, Vec<serde_json::Value>> {
        self.published.jwks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token of some user with this role, good for fifteen minutes.
    pub fn token(&self, role: Role) -> String {
        self.token_of(self.clock.new_id(), role)
    }

    /// A token of one user.
    pub fn token_of(&self, user: Uuid, role: Role) -> String {
        self.sign(&self.claims(user, role))
    }

    /// What a good token says; tests bend it.
    pub fn claims(&self, user: Uuid, role: Role) -> Claims {
        let now = self.clock.now();
        Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: self.clock.new_id(),
            role: role_name(role),
            jti: self.clock.new_id(),
            iat: now.timestamp(),
            nbf: now.timestamp(),
            exp: (now + Duration::minutes(15)).timestamp(),
        }
    }

    pub fn sign(&self, claims: &Claims) -> String {
        let claims = serde_json::to_string(claims).expect("claims are JSON");
        let mut header = Self::header();
        header["kid"] = json!(self.kid);
        self.sign_text(&header.to_string(), &claims)
    }

    /// Signs whatever a header and claims say.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, Algorithm::EdDSA);
        format!("{message}.{}", signature.expect("a text can be signed"))
    }

    /// The header of a good token, signed with the first key.
    pub fn header() -> serde_json::Value {
        json!({ "typ": ACCESS_TOKEN_TYPE, "alg": "EdDSA", "kid": KID })
    }

    /// The public half of the key.
    pub fn public(&self) -> [u8; 32] {
        self.public
    }

    /// The public half as everybody may read it.
    pub fn jwk(&self) -> serde_json::Value {
        let x = URL_SAFE_NO_PAD.encode(self.public);
        json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": self.kid, "x": x })
    }

    /// Ends a session, or an API key, and tells whoever watches.
    pub fn end(&self, session: Uuid) {
        self.world.send_modify(|told| told.ended.push(session));
    }

    /// While away, nothing is answered and nobody is told anything; open streams end.
    pub fn set_away(&self, away: bool) {
        self.world.send_modify(|told| told.away = away);
    }

    /// While silent, open streams say nothing at all.
    pub fn set_silent(&self, silent: bool) {
        self.world.send_modify(|told| told.silent = silent);
    }

    /// How many streams of ended sessions were ever opened.
    pub fn watchers(&self) -> u64 {
        self.watchers.load(Ordering::SeqCst)
    }

    /// A new API key, for one address or all, and its id.
    pub fn api_key(&self, role: Role, ip: Option<&str>) -> (String, Uuid) {
        let id = self.clock.new_id();
        let key = format!("{API_KEY_PREFIX}{}", hex::encode(rand::random::<[u8; 16]>()));
        let mut keys = self.exchange.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.push(ApiKey {
            key: key.clone(),
            id,
            owner: self.clock.new_id(),
            role,
            ip: ip.map(str::to_owned),
        });
        (key, id)
    }

    /// Revokes an API key, with the tokens that were given for it.
    pub fn revoke(&self, id: Uuid) {
        let mut keys = self.exchange.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|key| key.id != id);
        self.end(id);
    }

    /// How long tokens hold that are given for API keys from now on.
    pub fn set_exchanged_life(&self, seconds: i64) {
        self.exchange.life.store(seconds, Ordering::SeqCst);
    }

    /// How often an API key was to be exchanged.
    pub fn exchanges(&self) -> u64 {
        self.exchange.asked.load(Ordering::SeqCst)
    }

    /// Serves where auth is expected, until the test ends.
    pub fn serve(&self, place: Place) {
        let routes = Routes::new(self.server());
        tokio::spawn(place.serve(routes, CancellationToken::new()));
    }

    /// The rpcs, for whoever serves them beside others.
    pub fn server(&self) -> tokens_server::TokensServer<Self> {
        tokens_server::TokensServer::new(self.clone())
    }

    fn answers(&self) -> Result<(), Status> {
        if self.world.borrow().away {
            return Err(Fault::unavailable("Auth is away").into());
        }
        Ok(())
    }

    /// The token for a key that is used from an address.
    fn token_for(&self, key: &str, ip: Option<&str>) -> Result<String, Fault> {
        let keys = self.exchange.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let known = keys.iter().find(|known| known.key == key);
        let known = known.ok_or_else(|| Fault::unauthenticated("This API key is not valid"))?;
        if known.ip.is_some() && known.ip.as_deref() != ip {
            return Err(Fault::forbidden("This API key may not be used from this address"));
        }
        let now = self.clock.now().timestamp();
        let mut claims = self.claims(known.owner, known.role);
        claims.sid = known.id;
        claims.exp = now + self.exchange.life.load(Ordering::SeqCst);
        Ok(self.sign(&claims))
    }
}

fn new_pair() -> (EncodingKey, [u8; 32]) {
    let pair = SigningKey::from_bytes(&rand::random());
    let der = pair.to_pkcs8_der().expect("an Ed25519 key can be encoded");
    let key = EncodingKey::from_ed_der(der.as_bytes());
    (key, pair.verifying_key().to_bytes())
}

#[tonic::async_trait]
impl tokens_server::Tokens for Keys {
    type WatchEndedStream = ReceiverStream<Result<EndedSessions, Status>>;

    async fn jwks(&self, _: Request<Nothing>) -> Result<Response<JwksResponse>, Status> {
        self.published.asked.fetch_add(1, Ordering::SeqCst);
        self.answers()?;
        let jwks = json!({ "keys": *self.jwks() }).to_string();
        Ok(Response::new(JwksResponse { jwks }))
    }

    async fn watch_ended(&self, _: Request<Nothing>) -> Result<Response<Self::WatchEndedStream>, Status> {
        self.answers()?;
        self.watchers.fetch_add(1, Ordering::SeqCst);
        let (sender, receiver) = mpsc::channel(16);
        tokio::spawn(tell(self.world.subscribe(), sender));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn exchange_api_key(
        &self,
        request: Request<ExchangeApiKeyRequest>,
    ) -> Result<Response<ExchangeApiKeyResponse>, Status> {
        self.exchange.asked.fetch_add(1, Ordering::SeqCst);
        self.answers()?;
        let headers = request.metadata();
        // As the access layer does: the address is believed of a service only.
        let forwarded = headers.contains_key(metadata::FORWARDED_BY);
        let ip = headers.get(metadata::CLIENT_IP).filter(|_| forwarded);
        let ip = ip.and_then(|ip| ip.to_str().ok());
        let access_token = self.token_for(&request.get_ref().key, ip)?;
        Ok(Response::new(ExchangeApiKeyResponse {
            access_token,
            expires_in: u32::try_from(self.exchange.life.load(Ordering::SeqCst)).unwrap_or_default(),
        }))
    }
}

/// Tells one watcher all there is, then what is new, with signs of life between.
async fn tell(mut world: watch::Receiver<Told>, watcher: mpsc::Sender<Result<EndedSessions, Status>>) {
    let mut signs = tokio::time::interval(SIGN_OF_LIFE);
    let mut told = 0;
    loop {
        tokio::select! {
            _ = signs.tick() => {}
            changed = world.changed() => if changed.is_err() { return },
            () = watcher.closed() => return,
        }
        let report = {
            let now = world.borrow_and_update();
            if now.away {
                return;
            }
            if now.silent {
                continue;
            }
            let new = now.ended.get(told..).unwrap_or_default();
            told = now.ended.len();
            EndedSessions {
                ids: new.iter().map(Uuid::to_string).collect(),
            }
        };
        if watcher.send(Ok(report)).await.is_err() {
            return;
        }
    }
}
