//! Handing out what is behind a link. Every byte is held against the digest that was kept.

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use kit::files::{Checked, Damaged};
use uuid::Uuid;

use crate::{Error, domain::Document, operations::App, store};

/// A file on its way out.
pub(crate) struct Download {
    pub document: Document,
    checked: Checked,
}

impl Download {
    /// The bytes. They break off, before the last of them, if they are not those that were kept.
    pub(crate) fn pieces(self) -> impl Stream<Item = Result<Bytes, Error>> + Send {
        let id = self.document.id;
        self.checked.pieces().map_err(move |damaged| lost(id, &damaged))
    }
}

pub(crate) async fn open(app: &App, id: Uuid) -> Result<Download, Error> {
    let document = store::document::by_id(app.db.reader(), id).await?;
    let document = document.ok_or(Error::UnknownDocument)?;
    let Some(object) = app.files.get(&document.file.key).await? else {
        // Another may have taken its place just now.
        let still = store::document::by_id(app.db.reader(), id).await?;
        still.ok_or(Error::UnknownDocument)?;
        tracing::error!(document = %id, "the file of document {id} is missing in the file store");
        return Err(Error::FileLost(id));
    };
    let checked = Checked::new(document.file.clone(), object).map_err(|damaged| lost(id, &damaged))?;
    Ok(Download { document, checked })
}

fn lost(document: Uuid, damaged: &Damaged) -> Error {
    tracing::error!(%document, %damaged, "the file of document {document} cannot be read");
    Error::FileLost(document)
}
