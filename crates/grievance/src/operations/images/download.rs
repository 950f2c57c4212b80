//! Handing out the picture behind a link.

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use kit::turns::Turn;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::super::App;
use crate::{Error, domain::Image, store};

/// What sealing adds to a picture, at most.
const SEAL: u64 = 1024;

/// A picture and its bytes, and the turn that is over once they are handed on.
pub(crate) struct Download {
    pub image: Image,
    pub bytes: Bytes,
    pub turn: Turn,
}

pub(crate) async fn open(app: &App, id: Uuid) -> Result<Download, Error> {
    let image = store::image::find(app.db.reader(), id)
        .await?
        .ok_or(Error::UnknownImage)?;
    let turn = app.leaving.take().await?;
    let object = app.files.get(&image.key).await?;
    let Some(object) = object.filter(|object| object.length <= image.size + SEAL) else {
        return Err(lost(id, "it is not in the file store, or has another length"));
    };
    let mut sealed = Vec::with_capacity(usize::try_from(object.length).unwrap_or_default());
    let mut body = object.body;
    while let Some(piece) = body.try_next().await.map_err(|error| lost(id, &error.to_string()))? {
        sealed.extend_from_slice(&piece);
    }
    let bytes = app.pictures.open(&sealed, id.as_bytes());
    let bytes = bytes.map_err(|error| lost(id, &error.to_string()))?;
    if Sha256::digest(&bytes)[..] != image.sha256 {
        return Err(lost(id, "it is not what was kept"));
    }
    Ok(Download {
        image,
        bytes: Bytes::from(bytes),
        turn,
    })
}

fn lost(image: Uuid, why: &str) -> Error {
    tracing::error!(%image, why, "the picture {image} cannot be read");
    metrics::counter!("grievance_images_lost_total").increment(1);
    Error::ImageLost(image)
}
