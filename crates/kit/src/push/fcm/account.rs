//! The service account in whose name notices are sent.

use std::path::Path;

use jsonwebtoken::EncodingKey;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::{super::PORT, web_url};
use crate::port::{OpenError, Parameters};

/// No key file is near as long.
const LONGEST_FILE: u64 = 64 * 1024;

pub(super) struct Account {
    pub email: String,
    pub key_id: Option<String>,
    pub key: EncodingKey,
    pub token_uri: Url,
}

/// The JSON file that Google's console hands out.
#[derive(Deserialize)]
struct KeyFile {
    client_email: String,
    private_key: SecretString,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

impl Account {
    pub(super) async fn read(url: &Url, given: &Parameters<'_>) -> Result<Self, OpenError> {
        let path = given.get("credentials").ok_or_else(|| {
            let why = "the parameter credentials is missing: the path of the service account's JSON file";
            OpenError::new(PORT, url, why)
        })?;
        let refused = |why: String| OpenError::new(PORT, url, format!("the credentials in {path} {why}"));
        let text = read(Path::new(path))
            .await
            .map_err(|error| refused(format!("cannot be read: {error}")))?;
        // The parser's own words could repeat a piece of the key.
        let file: KeyFile = serde_json::from_slice(&text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            refused(format!(
                "are not the JSON of a service account with client_email and private_key (line {line}, column {column})"
            ))
        })?;
        let key = EncodingKey::from_rsa_pem(file.private_key.expose_secret().as_bytes())
            .map_err(|_| refused("hold no RSA key in private_key".to_owned()))?;
        let token_uri = given.get("token_uri").map(str::to_owned).or(file.token_uri);
        let token_uri = token_uri.as_deref().unwrap_or("https://oauth2.googleapis.com/token");
        Ok(Self {
            email: file.client_email,
            key_id: file.private_key_id,
            key,
            token_uri: web_url(token_uri).ok_or_else(|| given.wrong("token_uri", "an http:// or https:// URL"))?,
        })
    }
}

async fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    if tokio::fs::metadata(path).await?.len() > LONGEST_FILE {
        return Err(std::io::Error::other("it is too long for a key file"));
    }
    tokio::fs::read(path).await
}
