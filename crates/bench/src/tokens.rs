//! Access tokens as auth signs them, without signing twenty thousand people in.

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use kit::{
    Clock,
    access::{ACCESS_TOKEN_TYPE, AUDIENCE, Claims, ISSUER},
    config::Config,
};
use sea_orm::{FromQueryResult, Statement};
use serde_json::json;
use uuid::Uuid;

/// Signs with the key of the installation's auth.
pub(crate) struct Signer {
    header: String,
    key: SigningKey,
    clock: Clock,
}

#[derive(FromQueryResult)]
struct Row {
    kid: String,
    seed: String,
}

impl Signer {
    /// Reads the key that signs from auth's database.
    pub(crate) async fn of(config: &Config) -> anyhow::Result<Self> {
        let stores = config.base.stores().map_err(anyhow::Error::msg)?;
        let db = kit::service::open_database(config, &stores, "auth").await?;
        let sql = "SELECT kid, seed FROM signing_key WHERE is_signing";
        let row = Row::find_by_statement(Statement::from_string(db.backend(), sql))
            .one(db.reader())
            .await?;
        db.close().await?;
        let row = row.context("auth has no key yet")?;
        let seed: [u8; 32] = hex::decode(&row.seed)?
            .try_into()
            .map_err(|_| anyhow::anyhow!("a key of another length"))?;
        let header = json!({ "typ": ACCESS_TOKEN_TYPE, "alg": "EdDSA", "kid": row.kid });
        Ok(Self {
            header: URL_SAFE_NO_PAD.encode(header.to_string()),
            key: SigningKey::from_bytes(&seed),
            clock: Clock::system(),
        })
    }

    pub(crate) fn new_id(&self) -> Uuid {
        self.clock.new_id()
    }

    /// A token of somebody.
    pub(crate) fn token(&self, user: Uuid, role: &str) -> anyhow::Result<String> {
        let now = self.clock.now().timestamp();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: self.clock.new_id(),
            role: role.to_owned(),
            jti: self.clock.new_id(),
            iat: now,
            nbf: now,
            exp: now + 900,
        };
        let message = format!(
            "{}.{}",
            self.header,
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims)?)
        );
        let signature = self.key.sign(message.as_bytes());
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes())))
    }
}
