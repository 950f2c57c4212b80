//! Handing out what is behind a link. Every byte is held against the digest that was kept.

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use kit::files::Body;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::super::App;
use crate::{
    Error,
    domain::{
        document::{Document, StoredFile},
        file::{FileName, Kind},
        link::{Link, Variant},
    },
    store,
};

/// Largest piece handed on at once.
const PIECE: usize = 64 * 1024;

/// A file on its way out.
pub(crate) struct Download {
    pub file_name: String,
    pub media_type: &'static str,
    pub size: u64,
    checked: Checked,
}

impl Download {
    /// The bytes. They break off, before the last of them, if they are not those that were kept.
    pub(crate) fn pieces(self) -> impl Stream<Item = Result<Bytes, Error>> + Send {
        stream::try_unfold(self.checked, |mut checked| async {
            Ok(checked.next().await?.map(|piece| (piece, checked)))
        })
    }
}

pub(crate) async fn open(app: &App, link: &Link) -> Result<Download, Error> {
    let document = store::document::by_id(app.db.reader(), link.document).await?;
    let document = document.ok_or(Error::UnknownDocument)?;
    let (file_name, media_type, stored) = match link.variant {
        Variant::File => (
            document.file_name.clone(),
            document.kind.media_type(),
            document.file.clone(),
        ),
        Variant::Thumbnail => {
            let thumbnail = document.thumbnail.clone().ok_or(Error::UnknownDocument)?;
            (thumbnail_name(&document), Kind::Jpeg.media_type(), thumbnail)
        }
    };
    let Some(object) = app.files.get(&stored.key).await? else {
        return Err(lost(app, &document).await?);
    };
    let size = stored.size;
    let checked = Checked {
        document: document.id,
        stored,
        body: object.body,
        rest: Bytes::new(),
        held: None,
        digest: Sha256::new(),
        received: 0,
    };
    if object.length != size {
        return Err(checked.damaged());
    }
    Ok(Download {
        file_name,
        media_type,
        size,
        checked,
    })
}

/// Why there is no object: the document was deleted just now, or its file is lost.
async fn lost(app: &App, document: &Document) -> Result<Error, Error> {
    if store::document::by_id(app.db.reader(), document.id).await?.is_none() {
        return Ok(Error::UnknownDocument);
    }
    super::reconcile::note_missing(app, document).await?;
    Ok(Error::FileLost(document.id))
}

fn thumbnail_name(document: &Document) -> String {
    let stem = document.file_name.rsplit_once('.').map_or("photo", |(stem, _)| stem);
    FileName::of(&format!("{stem} small"), Kind::Jpeg).into_string()
}

/// A body that is held against what was kept. The last piece is given only when all of it is right: whoever knows the length
/// then never has a whole file that is wrong.
struct Checked {
    document: Uuid,
    stored: StoredFile,
    body: Body,
    /// What has come of the body and was not handed on.
    rest: Bytes,
    held: Option<Bytes>,
    digest: Sha256,
    received: u64,
}

impl Checked {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(piece) = self.read().await? {
            self.received += piece.len() as u64;
            self.digest.update(&piece);
            if self.received > self.stored.size {
                return Err(self.damaged());
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
            Err(self.damaged())
        }
    }

    async fn read(&mut self) -> Result<Option<Bytes>, Error> {
        while self.rest.is_empty() {
            match self.body.next().await {
                Some(Ok(piece)) => self.rest = piece,
                Some(Err(error)) => {
                    tracing::warn!(document = %self.document, %error, "the file of document {} broke off", self.document);
                    return Err(Error::FileLost(self.document));
                }
                None => return Ok(None),
            }
        }
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        Ok(Some(piece))
    }

    fn damaged(&self) -> Error {
        let document = self.document;
        tracing::error!(%document, key = %self.stored.key, "the file of document {document} is not what was kept");
        metrics::counter!("documents_damaged_total").increment(1);
        Error::FileLost(document)
    }
}
