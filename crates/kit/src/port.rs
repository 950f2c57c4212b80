//! What all ports have in common: they are opened by a URL, and they fail in the same few ways.

mod parameters;

use std::time::Duration;

use url::Url;

pub use parameters::Parameters;

use crate::Fault;

/// A port could not be opened: one sentence for the operator, without the URL's password.
#[derive(Debug, thiserror::Error)]
#[error("{port} at {url}: {why}")]
pub struct OpenError {
    pub port: &'static str,
    pub url: String,
    pub why: String,
}

impl OpenError {
    pub fn new(port: &'static str, url: &Url, why: impl Into<String>) -> Self {
        Self {
            port,
            url: masked(url),
            why: why.into(),
        }
    }

    /// The URL's scheme is none that the port knows.
    pub fn unknown_scheme(port: &'static str, url: &Url, known: &[&str]) -> Self {
        let why = format!(
            "unknown scheme \"{}\", expected one of {}",
            url.scheme(),
            known.join(", ")
        );
        Self::new(port, url, why)
    }
}

/// A port failed while it was used.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    #[error("{port} cannot be reached: {why}")]
    Unavailable { port: &'static str, why: String },
    #[error("{port} did not answer within {within:?}")]
    TimedOut { port: &'static str, within: Duration },
    #[error("{port} refuses: {why}")]
    Refused { port: &'static str, why: String },
}

impl From<PortError> for Fault {
    fn from(error: PortError) -> Self {
        match error {
            PortError::Unavailable { .. } | PortError::TimedOut { .. } => {
                tracing::warn!(%error, "a dependency is not available");
                Fault::unavailable("A part of the system is not available at the moment, try again shortly")
            }
            PortError::Refused { .. } => Fault::internal(error),
        }
    }
}

/// The URL with its password and secret-looking parameters replaced, fit for logs and error messages.
pub fn masked(url: &Url) -> String {
    let mut shown = url.clone();
    if shown.password().is_some() {
        // Fails only for URLs that cannot have a password, and this one has.
        let _ = shown.set_password(Some("***"));
    }
    if url.query().is_some() {
        let pairs = url.query_pairs().map(|(name, value)| {
            let secret = ["secret", "password", "key", "token"]
                .iter()
                .any(|word| name.contains(word));
            (
                name.into_owned(),
                if secret { "***".to_owned() } else { value.into_owned() },
            )
        });
        let pairs: Vec<_> = pairs.collect();
        shown.query_pairs_mut().clear().extend_pairs(pairs);
    }
    // The placeholder for a service's name reads better as it was written.
    shown.to_string().replace("%7B", "{").replace("%7D", "}")
}

/// Waits for a port, but not for ever.
pub async fn within<T, E: Into<PortError>>(
    port: &'static str,
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, PortError> {
    match tokio::time::timeout(limit, work).await {
        Ok(outcome) => outcome.map_err(Into::into),
        Err(_) => Err(PortError::TimedOut { port, within: limit }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_url_keeps_no_secret() {
        let url = Url::parse("s3://bucket?endpoint=http://127.0.0.1:9000&secret_key=hush").unwrap();
        assert!(!masked(&url).contains("hush"));
        let url = Url::parse("postgres://hp:hush@127.0.0.1/x").unwrap();
        assert_eq!(masked(&url), "postgres://hp:***@127.0.0.1/x");
    }
}
