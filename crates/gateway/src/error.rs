//! Why a gateway does not start.

use std::io;

/// Why a gateway does not start, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something that an rpc declares does not fit.
    #[error("{rpc}: {why}")]
    Rule { rpc: String, why: String },
    /// The configuration cannot work.
    #[error("{0}")]
    Config(String),
    /// The server ended by itself.
    #[error("the HTTP server failed")]
    Serve(#[source] io::Error),
}

impl Error {
    pub(crate) fn rule(rpc: &str, why: impl Into<String>) -> Self {
        Self::Rule {
            rpc: rpc.to_owned(),
            why: why.into(),
        }
    }
}
