//! Handing out what is behind a link. Every byte is held against the digest that was kept.

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use kit::{
    files::{
        Checked, Damaged, Key,
        link::{Link, Variant},
    },
    inspect::{FileName, Kind},
};
use uuid::Uuid;

use super::super::App;
use crate::{Error, domain::document::Document, store};

/// A file on its way out.
pub(crate) struct Download {
    pub file_name: String,
    pub media_type: &'static str,
    pub size: u64,
    document: Uuid,
    key: Key,
    checked: Checked,
}

impl Download {
    /// The bytes. They break off, before the last of them, if they are not those that were kept.
    pub(crate) fn pieces(self) -> impl Stream<Item = Result<Bytes, Error>> + Send {
        let (document, key) = (self.document, self.key);
        self.checked
            .pieces()
            .map_err(move |damaged| damaged_file(document, &key, &damaged))
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
    let (size, key) = (stored.size, stored.key.clone());
    let checked = Checked::new(stored, object).map_err(|damaged| damaged_file(document.id, &key, &damaged))?;
    Ok(Download {
        file_name,
        media_type,
        size,
        document: document.id,
        key,
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

fn damaged_file(document: Uuid, key: &Key, damaged: &Damaged) -> Error {
    match damaged {
        Damaged::BrokeOff(why) => tracing::warn!(%document, why, "the file of document {document} broke off"),
        Damaged::Other => {
            tracing::error!(%document, %key, "the file of document {document} is not what was kept");
            metrics::counter!("documents_damaged_total").increment(1);
        }
    }
    Error::FileLost(document)
}
