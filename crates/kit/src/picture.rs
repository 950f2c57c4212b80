//! Pictures, decoded within bounds of time and memory. Costly, so some at a time and off the runtime's threads: by the caller.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageResult, Limits, RgbImage,
    codecs::{
        jpeg::{JpegDecoder, JpegEncoder},
        png::PngDecoder,
    },
    metadata::Orientation,
};

use crate::inspect::{Kind, is_progressive};

/// The most pixels that are decoded. Phones take more, but send fewer.
const MOST_PIXELS: u64 = 30_000_000;
/// A progressive JPEG is held twice as large again before its first pixel stands.
const MOST_PIXELS_PROGRESSIVE: u64 = 12_000_000;
/// What the picture itself may take meanwhile.
const MOST_MEMORY: u64 = 100 * 1024 * 1024;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error("the file is no JPEG or PNG")]
    NoPicture,
    #[error("the picture is too large: {0}")]
    TooLarge(String),
    #[error("the picture cannot be read")]
    Unreadable(#[source] ImageError),
    #[error("the picture cannot be written")]
    Unwritable(#[source] ImageError),
}

/// The picture of a file, the right way up and at most so many pixels a side. Nothing of the notes of cameras and programs is in it.
pub fn decode(bytes: &[u8], kind: Kind, longest_side: u32) -> Result<DynamicImage, PictureError> {
    let (picture, orientation) = match kind {
        Kind::Jpeg => {
            let most = if is_progressive(bytes) {
                MOST_PIXELS_PROGRESSIVE
            } else {
                MOST_PIXELS
            };
            decoded(JpegDecoder::new(Cursor::new(bytes)), most)?
        }
        Kind::Png => decoded(PngDecoder::with_limits(Cursor::new(bytes), limits()), MOST_PIXELS)?,
        Kind::Pdf => return Err(PictureError::NoPicture),
    };
    let mut picture = fitted(picture, longest_side);
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// A picture as a JPEG, without any notes.
pub fn jpeg(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, PictureError> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode_image(picture)
        .map_err(PictureError::Unwritable)?;
    Ok(bytes)
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    limits
}

fn decoded<D: ImageDecoder>(
    decoder: ImageResult<D>,
    most_pixels: u64,
) -> Result<(DynamicImage, Orientation), PictureError> {
    let mut decoder = decoder.map_err(unreadable)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > most_pixels {
        return Err(PictureError::TooLarge(format!("{width} by {height} pixels")));
    }
    let mut limits = limits();
    limits.reserve(decoder.total_bytes()).map_err(unreadable)?;
    decoder.set_limits(limits).map_err(unreadable)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
    Ok((picture, orientation))
}

fn unreadable(error: ImageError) -> PictureError {
    match error {
        ImageError::Limits(limit) => PictureError::TooLarge(limit.to_string()),
        error => PictureError::Unreadable(error),
    }
}

/// Makes a large picture smaller, before anything else is done with it: the large one is there but once.
fn fitted(picture: DynamicImage, longest_side: u32) -> DynamicImage {
    if picture.width() <= longest_side && picture.height() <= longest_side {
        return picture;
    }
    picture.thumbnail(longest_side, longest_side)
}
