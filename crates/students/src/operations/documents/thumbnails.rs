//! Small pictures of photos, one at a time: a picture that is being decoded takes much memory.

use futures_util::StreamExt as _;
use kit::{
    Fault,
    files::{Key, kept::StoredFile},
    inspect::Inspected,
    picture::PictureError,
};
use sha2::{Digest as _, Sha256};

use super::super::App;
use crate::{
    Error,
    thumbnail::{LONGEST_PHOTO, thumbnail},
};

const MEDIA_TYPE: &str = "image/jpeg";

/// Makes the small picture of a photo that is in the store, and stores it. A photo that is too large to be made small has none.
pub(super) async fn make(
    app: &App,
    photo: &Key,
    inspected: &Inspected,
    place: &Key,
) -> Result<Option<StoredFile>, Error> {
    if inspected.size > LONGEST_PHOTO {
        return Ok(None);
    }
    // Before the photo is read: those that wait hold nothing.
    let turn = app.thumbnails.take().await?;
    let bytes = read(app, photo, inspected).await?;
    let kind = inspected.kind;
    let drawing = turn.run(move || thumbnail(&bytes, kind));
    let small = match drawing.await.map_err(Fault::internal)? {
        Ok(small) => small,
        Err(PictureError::TooLarge(_)) => return Ok(None),
        // A picture that nobody can show is no photo.
        Err(why) => return Err(Fault::invalid("file", why.to_string()).into()),
    };
    let (size, sha256) = (small.len() as u64, Sha256::digest(&small).into());
    let body = futures_util::stream::once(async move { Ok(small.into()) }).boxed();
    app.files.put(place, MEDIA_TYPE, body).await?;
    Ok(Some(StoredFile {
        key: place.clone(),
        size,
        sha256,
    }))
}

/// The photo as it was kept.
async fn read(app: &App, photo: &Key, inspected: &Inspected) -> Result<Vec<u8>, Error> {
    let lost = || Error::from(Fault::unavailable("The photo could not be read back, try again"));
    let mut object = app.files.get(photo).await?.ok_or_else(lost)?;
    if object.length != inspected.size {
        return Err(lost());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(inspected.size).unwrap_or_default());
    while let Some(piece) = object.body.next().await {
        bytes.extend_from_slice(&piece.map_err(|_| lost())?);
    }
    let is_whole = Sha256::digest(&bytes)[..] == inspected.sha256;
    is_whole.then_some(bytes).ok_or_else(lost)
}
