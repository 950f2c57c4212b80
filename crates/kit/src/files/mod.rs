//! The files port: objects under keys, streamed both ways.

mod attachment;
mod checked;
mod disk;
mod dispatcher;
pub mod exports;
mod incoming;
pub mod kept;
mod key;
pub mod link;
mod s3;

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use url::Url;

pub use attachment::attachment;
pub use checked::{Checked, Damaged};
pub use incoming::{Arrival, Incoming};
pub use key::{Key, KeyError};

use crate::port::{OpenError, PortError};

const PORT: &str = "files";

/// The schemes of URLs that this port opens.
pub const SCHEMES: &[&str] = &["file", "s3"];

/// How long a store may stand still: a step that is small takes no longer, and a large one gets on within each such time.
/// Whoever waits for an answer has it within 5 seconds.
const TIME_LIMIT: Duration = Duration::from_secs(4);
/// How long whoever sends a file may give nothing: people are on worse lines than stores.
const SENDER_LIMIT: Duration = Duration::from_secs(30);

/// The bytes of an object, in pieces.
pub type Body = BoxStream<'static, io::Result<Bytes>>;

/// A store of files, chosen by URL.
#[async_trait::async_trait]
pub trait Files: Send + Sync {
    /// Stores a stream under a key; nothing is visible under the key until all of it is there. Returns the length.
    ///
    /// When the body breaks off or stalls, or the call is given up on before its last step, what was there before stays.
    async fn put(&self, key: &Key, content_type: &str, body: Body) -> Result<u64, PortError>;
    /// Opens an object; `None` when there is none under the key.
    async fn get(&self, key: &Key) -> Result<Option<Object>, PortError>;
    /// Removes an object; nothing happens when there is none.
    async fn delete(&self, key: &Key) -> Result<(), PortError>;
    /// The objects whose keys start so, in the order of their keys, at most `limit`, after `after`.
    async fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, PortError>;
    /// A URL under which the object can be fetched without our services, where the store can make one.
    async fn signed_url(&self, key: &Key, file_name: &str, ttl: Duration) -> Result<Option<Url>, PortError>;
    /// Whether the store answers.
    async fn ping(&self) -> Result<(), PortError>;
}

/// An object as a listing tells of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    pub key: Key,
    /// When it was stored, by the clock of the store.
    pub stored_at: DateTime<Utc>,
}

/// An object that is being read.
pub struct Object {
    pub content_type: String,
    pub length: u64,
    pub body: Body,
}

/// Opens `file:///folder` or `s3://bucket?endpoint=…&region=…&access_key=…&secret_key=…`.
pub async fn open(url: &Url) -> Result<Arc<dyn Files>, OpenError> {
    match url.scheme() {
        "file" => Ok(Arc::new(disk::Disk::open(url).await?)),
        "s3" => Ok(Arc::new(s3::S3Store::open(url).await?)),
        _ => Err(OpenError::unknown_scheme(PORT, url, SCHEMES)),
    }
}

/// The body, which fails when it is silent for longer than the limit.
fn with_stall_limit(body: Body, limit: Duration) -> Body {
    let steps = stream::try_unfold(body, move |mut body| async move {
        match tokio::time::timeout(limit, body.next()).await {
            Ok(next) => Ok(next.transpose()?.map(|piece| (piece, body))),
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("nothing came for {limit:?}"),
            )),
        }
    });
    steps.boxed()
}

/// The caller's stream failed; the store is not to blame.
fn broke_off(error: &io::Error) -> PortError {
    PortError::Refused {
        port: PORT,
        why: format!("the body of the upload broke off: {error}"),
    }
}

/// A content type is handed out as an HTTP header and kept in one byte's length, so it is checked before it is kept.
fn check_content_type(content_type: &str) -> Result<(), PortError> {
    let fits = (1..=255).contains(&content_type.len());
    if fits && content_type.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Ok(());
    }
    Err(PortError::Refused {
        port: PORT,
        why: "a content type is 1 to 255 printable ASCII characters".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_silent_body_fails_after_the_limit() {
        let body = stream::once(async { Ok(Bytes::from_static(b"a")) }).chain(stream::pending());
        let mut body = with_stall_limit(body.boxed(), Duration::from_millis(50));
        assert_eq!(body.next().await.unwrap().unwrap(), "a");
        let error = body.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(body.next().await.is_none());
    }

    #[test]
    fn a_content_type_fits_into_a_header() {
        assert!(check_content_type("application/pdf; charset=utf-8").is_ok());
        for wrong in ["", "text/html\r\nX: y", "a\u{e9}", &"x".repeat(256)] {
            assert!(check_content_type(wrong).is_err(), "{wrong:?}");
        }
    }
}
