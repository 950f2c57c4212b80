//! Pictures as they are kept: decoded and written anew, so that nothing of what cameras and programs add to them stays. Costly, so
//! one is made at a time, off the runtime's threads: by the caller.

use image::{DynamicImage, ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};
use kit::{
    inspect::Kind,
    picture::{self, PictureError},
};

use crate::domain::ImageKind;

/// The longest file that is taken.
pub(crate) const LONGEST: u64 = 10 * 1024 * 1024;
/// A kept picture is at most so many pixels a side: enough to see what is wrong.
pub(crate) const LONGEST_SIDE: u32 = 2048;
const QUALITY: u8 = 85;

/// A picture to keep.
pub(crate) struct Picture {
    pub kind: ImageKind,
    pub bytes: Vec<u8>,
    pub width: u32,
    pub height: u32,
}

/// The picture the right way up, no larger than need be, without any notes.
pub(crate) fn anew(bytes: &[u8]) -> Result<Picture, PictureError> {
    let kind = ImageKind::of(bytes).ok_or(PictureError::NoPicture)?;
    let format = match kind {
        ImageKind::Jpeg => Kind::Jpeg,
        ImageKind::Png => Kind::Png,
    };
    let picture = picture::decode(bytes, format, LONGEST_SIDE)?;
    let bytes = match kind {
        ImageKind::Jpeg => picture::jpeg(&picture.to_rgb8(), QUALITY)?,
        ImageKind::Png => png(&picture).map_err(PictureError::Unwritable)?,
    };
    Ok(Picture {
        kind,
        bytes,
        width: picture.width(),
        height: picture.height(),
    })
}

fn png(picture: &DynamicImage) -> image::ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new(&mut bytes);
    let (width, height) = (picture.width(), picture.height());
    if picture.color().has_alpha() {
        encoder.write_image(&picture.to_rgba8(), width, height, ExtendedColorType::Rgba8)?;
    } else {
        encoder.write_image(&picture.to_rgb8(), width, height, ExtendedColorType::Rgb8)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{GenericImageView as _, ImageFormat, Rgb, RgbImage, RgbaImage};
    use proptest::prelude::*;

    use super::*;

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// Left half black, right half white.
    fn halves(width: u32, height: u32) -> DynamicImage {
        let shade = |x| if x < width / 2 { 0 } else { 255 };
        RgbImage::from_fn(width, height, |x, _| Rgb([shade(x); 3])).into()
    }

    /// A JPEG whose notes say which way up it is, and where it was taken.
    fn with_notes(picture: &DynamicImage) -> Vec<u8> {
        let jpeg = encoded(picture, ImageFormat::Jpeg);
        let tiff = [
            b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06".as_slice(),
            &[0; 6],
            b"28.6139N 77.2090E",
        ]
        .concat();
        let length = u16::try_from(tiff.len() + 2).unwrap().to_be_bytes();
        [&jpeg[..2], &[0xff, 0xe1], &length, &tiff, &jpeg[2..]].concat()
    }

    #[test]
    fn nothing_of_the_notes_stays_and_the_picture_stands_upright() {
        let noted = with_notes(&halves(80, 40));
        let kept = anew(&noted).unwrap();
        assert_eq!((kept.kind, kept.width, kept.height), (ImageKind::Jpeg, 40, 80));
        let holds = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        assert!(holds(&noted, b"28.6139N"));
        assert!(!holds(&kept.bytes, b"28.6139N") && !holds(&kept.bytes, b"Exif"));
        let picture = image::load_from_memory_with_format(&kept.bytes, ImageFormat::Jpeg).unwrap();
        // Turned a quarter: what was left is on top.
        assert!(picture.get_pixel(20, 10).0[0] < 60 && picture.get_pixel(20, 70).0[0] > 200);
    }

    #[test]
    fn large_pictures_become_smaller_and_small_ones_stay() {
        let large = anew(&encoded(&halves(4096, 1024), ImageFormat::Png)).unwrap();
        assert_eq!((large.kind, large.width, large.height), (ImageKind::Png, 2048, 512));
        let clear = DynamicImage::from(RgbaImage::new(30, 20));
        let small = anew(&encoded(&clear, ImageFormat::Png)).unwrap();
        assert_eq!((small.width, small.height), (30, 20));
        let picture = image::load_from_memory_with_format(&small.bytes, ImageFormat::Png).unwrap();
        assert!(picture.color().has_alpha());
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        for wrong in [b"".as_slice(), b"%PDF-1.7", b"GIF89a", b"<svg>", b"\xff\xd8"] {
            assert!(matches!(anew(wrong), Err(PictureError::NoPicture)), "{wrong:?}");
        }
        let whole = encoded(&halves(80, 40), ImageFormat::Png);
        assert!(matches!(anew(&whole[..60]), Err(PictureError::Unreadable(_))));
    }

    #[test]
    fn a_picture_that_would_unfold_to_much_is_refused_before_it_does() {
        let mut bomb = encoded(&halves(8, 8), ImageFormat::Png);
        // The header says 60,000 by 60,000; its checksum is made to fit.
        bomb[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        bomb[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        let sum = crc32(&bomb[12..29]).to_be_bytes();
        bomb[29..33].copy_from_slice(&sum);
        assert!(matches!(anew(&bomb), Err(PictureError::TooLarge(_))));
    }

    #[test]
    fn of_a_picture_in_several_scans_fewer_pixels_are_taken() {
        for (code, width) in [(0xc2, 3001), (0xc0, 8001)] {
            let mut jpeg = encoded(&halves(8, 8), ImageFormat::Jpeg);
            let frame = jpeg.windows(2).position(|bytes| bytes == [0xff, 0xc0]).unwrap();
            jpeg[frame + 1] = code;
            jpeg[frame + 5..frame + 7].copy_from_slice(&4000_u16.to_be_bytes());
            jpeg[frame + 7..frame + 9].copy_from_slice(&u16::to_be_bytes(width));
            assert!(
                matches!(anew(&jpeg), Err(PictureError::TooLarge(_))),
                "{code:#x} {width}"
            );
        }
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let mut sum = u32::MAX;
        for byte in bytes {
            sum ^= u32::from(*byte);
            for _ in 0..8 {
                sum = if sum & 1 == 1 {
                    (sum >> 1) ^ 0xedb8_8320
                } else {
                    sum >> 1
                };
            }
        }
        !sum
    }

    proptest! {
        #[test]
        fn no_file_breaks_it(at in 0..2000usize, byte: u8) {
            let mut bytes = encoded(&halves(60, 40), ImageFormat::Jpeg);
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(kept) = anew(&bytes) {
                prop_assert!(kept.width <= LONGEST_SIDE && kept.height <= LONGEST_SIDE);
            }
        }
    }
}
