//! The mail port.

mod folder;
mod message;
mod smtp;

use std::{path::Path, sync::Arc};

use url::Url;
use uuid::Uuid;

use crate::{
    Clock,
    port::{OpenError, PortError},
};

const PORT: &str = "mail";

/// The schemes of URLs that this port opens.
pub const SCHEMES: &[&str] = &["log", "smtp", "smtps"];

/// Hands mail over for delivery, chosen by URL.
#[async_trait::async_trait]
pub trait Mail: Send + Sync {
    /// Hands a letter over. [`PortError::Refused`] means that trying the same letter again is of no use.
    async fn send(&self, letter: &Letter) -> Result<(), PortError>;
    /// Whether letters can be handed over.
    async fn ping(&self) -> Result<(), PortError>;
}

/// One message to one person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Letter {
    /// Names the letter for ever: when it is sent again under its id, whoever gets it twice can tell.
    pub id: Uuid,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
}

/// Opens `log://` (one `.eml` file a message under `folder`) or `smtp://user:password@host:port?from=…` (`smtps://…`).
pub async fn open(url: &Url, folder: &Path, clock: Clock) -> Result<Arc<dyn Mail>, OpenError> {
    match url.scheme() {
        "log" => Ok(Arc::new(folder::Folder::open(url, folder, clock).await?)),
        "smtp" | "smtps" => Ok(Arc::new(smtp::Smtp::open(url, clock).await?)),
        _ => Err(OpenError::unknown_scheme(PORT, url, SCHEMES)),
    }
}
