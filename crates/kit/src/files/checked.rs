//! A file on its way out, held against what was kept of it.

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use sha2::{Digest as _, Sha256};

use super::{Body, Object, kept::StoredFile};

/// Largest piece handed on at once.
const PIECE: usize = 64 * 1024;

/// The file store does not give what was kept in it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Damaged {
    #[error("it broke off: {0}")]
    BrokeOff(String),
    #[error("it is not what was kept")]
    Other,
}

/// A body that is held against what was kept. The last piece is given only when all of it is right: whoever knows the length
/// then never has a whole file that is wrong.
pub struct Checked {
    stored: StoredFile,
    body: Body,
    /// What has come of the body and was not handed on.
    rest: Bytes,
    held: Option<Bytes>,
    digest: Sha256,
    received: u64,
}

impl Checked {
    pub fn new(stored: StoredFile, object: Object) -> Result<Self, Damaged> {
        if object.length != stored.size {
            return Err(Damaged::Other);
        }
        Ok(Self {
            stored,
            body: object.body,
            rest: Bytes::new(),
            held: None,
            digest: Sha256::new(),
            received: 0,
        })
    }

    /// The bytes. They break off, before the last of them, if they are not those that were kept.
    pub fn pieces(self) -> impl Stream<Item = Result<Bytes, Damaged>> + Send {
        stream::try_unfold(self, |mut checked| async {
            Ok(checked.next().await?.map(|piece| (piece, checked)))
        })
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Damaged> {
        while let Some(piece) = self.read().await? {
            self.received += piece.len() as u64;
            self.digest.update(&piece);
            if self.received > self.stored.size {
                return Err(Damaged::Other);
            }
            if let Some(before) = self.held.replace(piece) {
                return Ok(Some(before));
            }
        }
        let Some(last) = self.held.take() else {
            return Ok(None);
        };
        let is_whole = self.received == self.stored.size;
        if is_whole && self.digest.finalize_reset()[..] == self.stored.sha256 {
            Ok(Some(last))
        } else {
            Err(Damaged::Other)
        }
    }

    async fn read(&mut self) -> Result<Option<Bytes>, Damaged> {
        while self.rest.is_empty() {
            match self.body.next().await {
                Some(Ok(piece)) => self.rest = piece,
                Some(Err(error)) => return Err(Damaged::BrokeOff(error.to_string())),
                None => return Ok(None),
            }
        }
        Ok(Some(self.rest.split_to(self.rest.len().min(PIECE))))
    }
}
