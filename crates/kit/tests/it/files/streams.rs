//! Bodies that are made as they are read, and a reader that keeps nothing of them.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use kit::files::Body;
use sha2::{Digest as _, Sha256};

const PIECE: u64 = 64 * 1024;

/// A body of so many bytes, each piece another; `watch` hears how many were made before each piece.
pub(super) fn generated(length: u64, mut watch: impl FnMut(u64) + Send + 'static) -> Body {
    let pieces = (0..length.div_ceil(PIECE)).map(move |number| {
        let made = number * PIECE;
        watch(made);
        let size = usize::try_from(PIECE.min(length - made)).unwrap();
        let mut piece = vec![b'.'; size];
        let stamp = number.to_le_bytes();
        let stamped = size.min(stamp.len());
        piece[..stamped].copy_from_slice(&stamp[..stamped]);
        Ok(Bytes::from(piece))
    });
    stream::iter(pieces).boxed()
}

pub(super) fn text(text: &'static str) -> Body {
    stream::iter([Ok(Bytes::from_static(text.as_bytes()))]).boxed()
}

/// The digest of a body that is known not to fail.
pub(super) async fn digest_of(body: Body) -> Vec<u8> {
    read_all(body).await.unwrap()
}

/// Reads a body to its end, and says what it was by a digest.
pub(super) async fn read_all(mut body: Body) -> std::io::Result<Vec<u8>> {
    let mut digest = Sha256::new();
    while let Some(piece) = body.next().await {
        digest.update(&piece?);
    }
    Ok(digest.finalize().to_vec())
}
