//! The push port: a notice to a phone.

mod fcm;
mod log;

use std::sync::Arc;

use url::Url;

use crate::{
    Clock,
    port::{OpenError, PortError},
};

const PORT: &str = "push";

/// The schemes of URLs that this port opens.
pub const SCHEMES: &[&str] = &["log", "fcm"];

/// Hands notices over for delivery, chosen by URL.
#[async_trait::async_trait]
pub trait Push: Send + Sync {
    /// Hands a notice over. [`PortError::Refused`] means that trying the same notice again is of no use.
    async fn send(&self, notice: &Notice) -> Result<Delivery, PortError>;
}

/// One notice to one device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    pub device_token: String,
    pub title: String,
    pub body: String,
    pub data: Vec<(String, String)>,
}

/// What became of a notice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Delivery {
    Accepted,
    /// The token names no device any more and should be forgotten.
    DeviceGone,
}

/// Opens `log://` or `fcm://project?credentials=/path/to/service-account.json`.
pub async fn open(url: &Url, clock: Clock) -> Result<Arc<dyn Push>, OpenError> {
    match url.scheme() {
        "log" => Ok(Arc::new(log::Log::open(url)?)),
        "fcm" => Ok(Arc::new(fcm::Fcm::open(url, clock).await?)),
        _ => Err(OpenError::unknown_scheme(PORT, url, SCHEMES)),
    }
}
