//! An auth service that only publishes its key, so that tests of other services can sign in anybody.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Duration;
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey as _};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use proto::{
    auth::{JwksResponse, LoginRequest, LoginResponse, MeRequest, User, auth_server},
    options::Role,
    types::Nothing,
};
use tonic::{Request, Response, Status, transport::Server};
use uuid::Uuid;

use crate::{
    Clock,
    access::{ACCESS_TOKEN_TYPE, AUDIENCE, Claims, ISSUER, role_name},
    upstream::Pipes,
};

const KID: &str = "test-key";

/// Signs tokens as auth would.
#[derive(Clone)]
pub struct Keys {
    key: EncodingKey,
    jwks: String,
    clock: Clock,
}

impl Keys {
    pub fn new(clock: Clock) -> Self {
        let pair = SigningKey::from_bytes(&rand::random());
        let x = URL_SAFE_NO_PAD.encode(pair.verifying_key().as_bytes());
        let key = serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": KID, "x": x });
        let der = pair.to_pkcs8_der().expect("an Ed25519 key can be encoded");
        let jwks = serde_json::json!({ "keys": [key] }).to_string();
        Self {
            key: EncodingKey::from_ed_der(der.as_bytes()),
            jwks,
            clock,
        }
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
        let typ = Some(ACCESS_TOKEN_TYPE.to_owned());
        let header = Header {
            typ,
            kid: Some(KID.to_owned()),
            ..Header::new(Algorithm::EdDSA)
        };
        jsonwebtoken::encode(&header, claims, &self.key).expect("claims can be signed")
    }

    /// Serves the key where auth is expected, until the pipes are gone.
    pub fn serve(&self, pipes: Pipes) {
        let server = auth_server::AuthServer::new(self.clone());
        tokio::spawn(Server::builder().add_service(server).serve_with_incoming(pipes));
    }
}

#[tonic::async_trait]
impl auth_server::Auth for Keys {
    async fn login(&self, _: Request<LoginRequest>) -> Result<Response<LoginResponse>, Status> {
        Err(Status::unimplemented("only keys live here"))
    }

    async fn me(&self, _: Request<MeRequest>) -> Result<Response<User>, Status> {
        Err(Status::unimplemented("only keys live here"))
    }

    async fn jwks(&self, _: Request<Nothing>) -> Result<Response<JwksResponse>, Status> {
        Ok(Response::new(JwksResponse {
            jwks: self.jwks.clone(),
        }))
    }
}
