//! Small pictures of photos. Costly, so one is made at a time and off the runtime's threads: by the caller.

use image::{DynamicImage, Rgb, RgbImage};
use kit::{
    inspect::Kind,
    picture::{self, PictureError},
};

/// A thumbnail is at most so many pixels a side.
pub(crate) const SIDE: u32 = 256;

/// The longest photo that a thumbnail is made of: all of it is held meanwhile, twice for a JPEG.
pub(crate) const LONGEST_PHOTO: u64 = 20 * 1024 * 1024;

const QUALITY: u8 = 80;

/// A JPEG of at most 256 by 256 pixels, the right way up, on white, without any notes.
pub(crate) fn thumbnail(bytes: &[u8], kind: Kind) -> Result<Vec<u8>, PictureError> {
    if bytes.len() as u64 > LONGEST_PHOTO {
        let length = format!("{} bytes, at most {LONGEST_PHOTO}", bytes.len());
        return Err(PictureError::TooLarge(length));
    }
    let small = picture::decode(bytes, kind, SIDE)?;
    picture::jpeg(&on_white(&small), QUALITY)
}

/// JPEG knows no transparency.
fn on_white(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let picture = picture.to_rgba8();
    let mut flat = RgbImage::new(picture.width(), picture.height());
    for (flat, pixel) in flat.pixels_mut().zip(picture.pixels()) {
        let [red, green, blue, alpha] = pixel.0;
        let blend = |colour: u8| {
            let mixed = (u16::from(colour) * u16::from(alpha) + 255 * (255 - u16::from(alpha))) / 255;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        *flat = Rgb([red, green, blue].map(blend));
    }
    flat
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{GenericImageView as _, ImageFormat, Rgba, RgbaImage};
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

    fn made_of(bytes: &[u8], kind: Kind) -> DynamicImage {
        let small = thumbnail(bytes, kind).unwrap();
        image::load_from_memory_with_format(&small, ImageFormat::Jpeg).unwrap()
    }

    /// A JPEG that says which way up it is.
    fn turned(picture: &DynamicImage, orientation: u8) -> Vec<u8> {
        let jpeg = encoded(picture, ImageFormat::Jpeg);
        let tiff = [
            b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(),
            &[orientation],
            &[0; 6],
        ]
        .concat();
        let length = u16::try_from(tiff.len() + 2).unwrap().to_be_bytes();
        [&jpeg[..2], &[0xff, 0xe1], &length, &tiff, &jpeg[2..]].concat()
    }

    #[test]
    fn pictures_fit_and_keep_their_shape() {
        let jpeg = encoded(&halves(1000, 500), ImageFormat::Jpeg);
        assert_eq!(made_of(&jpeg, Kind::Jpeg).dimensions(), (256, 128));
        let thin = encoded(&halves(2000, 2), ImageFormat::Png);
        assert_eq!(made_of(&thin, Kind::Png).dimensions(), (256, 1));
        let small = encoded(&halves(40, 30), ImageFormat::Png);
        assert_eq!(made_of(&small, Kind::Png).dimensions(), (40, 30));
    }

    #[test]
    fn pictures_are_the_right_way_up() {
        // The black half is the left one; turned by 90 degrees clockwise it is on top.
        let small = made_of(&turned(&halves(400, 200), 6), Kind::Jpeg);
        assert_eq!(small.dimensions(), (128, 256));
        assert!(small.get_pixel(64, 10)[0] < 20 && small.get_pixel(64, 245)[0] > 235);
        let small = made_of(&turned(&halves(400, 200), 3), Kind::Jpeg);
        assert!(small.get_pixel(10, 64)[0] > 235 && small.get_pixel(245, 64)[0] < 20);
    }

    #[test]
    fn nothing_but_the_picture_is_left() {
        let small = thumbnail(&turned(&halves(400, 200), 6), Kind::Jpeg).unwrap();
        assert!(!small.windows(4).any(|window| window == b"Exif"));
    }

    #[test]
    fn what_is_transparent_is_white() {
        let clear: DynamicImage = RgbaImage::from_pixel(300, 300, Rgba([0, 0, 0, 0])).into();
        let small = made_of(&encoded(&clear, ImageFormat::Png), Kind::Png);
        assert!(small.get_pixel(100, 100)[0] > 250);
        let half: DynamicImage = RgbaImage::from_pixel(30, 30, Rgba([0, 0, 0, 128])).into();
        let grey = made_of(&encoded(&half, ImageFormat::Png), Kind::Png).get_pixel(10, 10)[0];
        assert!((120..=135).contains(&grey), "{grey}");
        let deep = DynamicImage::ImageLumaA16(image::ImageBuffer::from_pixel(300, 300, image::LumaA([0, 0])));
        assert!(made_of(&encoded(&deep, ImageFormat::Png), Kind::Png).get_pixel(9, 9)[0] > 250);
    }

    /// A PNG of one colour whose header says that it is huge.
    fn png_bomb(width: u32, height: u32) -> Vec<u8> {
        let mut png = encoded(&halves(8, 8), ImageFormat::Png);
        png[16..20].copy_from_slice(&width.to_be_bytes());
        png[20..24].copy_from_slice(&height.to_be_bytes());
        let checksum = crc32fast::hash(&png[12..29]);
        png[29..33].copy_from_slice(&checksum.to_be_bytes());
        png
    }

    fn jpeg_bomb(width: u16, height: u16, code: u8) -> Vec<u8> {
        let mut jpeg = encoded(&halves(8, 8), ImageFormat::Jpeg);
        let frame = jpeg.windows(2).position(|bytes| bytes == [0xff, 0xc0]).unwrap();
        jpeg[frame + 1] = code;
        jpeg[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
        jpeg[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
        jpeg
    }

    #[test]
    fn small_files_of_huge_pictures_are_refused() {
        let bombs = [
            (png_bomb(65_535, 65_535), Kind::Png),
            (png_bomb(u32::MAX >> 1, u32::MAX >> 1), Kind::Png),
            (png_bomb(6000, 5001), Kind::Png),
            (jpeg_bomb(65_535, 65_535, 0xc0), Kind::Jpeg),
            (jpeg_bomb(6000, 5001, 0xc0), Kind::Jpeg),
            (jpeg_bomb(4000, 3001, 0xc2), Kind::Jpeg),
            (vec![0; usize::try_from(LONGEST_PHOTO).unwrap() + 1], Kind::Jpeg),
        ];
        for (bytes, kind) in bombs {
            let outcome = thumbnail(&bytes, kind);
            assert!(matches!(outcome, Err(PictureError::TooLarge(_))), "{outcome:?}");
        }
        // Within the bound of pixels, beyond that of memory: four colours of 16 bits each.
        let mut deep = png_bomb(5000, 5000);
        deep[24..26].copy_from_slice(&[16, 6]);
        let checksum = crc32fast::hash(&deep[12..29]);
        deep[29..33].copy_from_slice(&checksum.to_be_bytes());
        assert!(matches!(thumbnail(&deep, Kind::Png), Err(PictureError::TooLarge(_))));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        assert!(matches!(
            thumbnail(b"%PDF-1.7", Kind::Pdf),
            Err(PictureError::NoPicture)
        ));
        for kind in [Kind::Jpeg, Kind::Png] {
            assert!(matches!(thumbnail(b"", kind), Err(PictureError::Unreadable(_))));
            assert!(matches!(thumbnail(b"noise", kind), Err(PictureError::Unreadable(_))));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn broken_pictures_make_no_panic(
            of_jpeg in any::<bool>(),
            changes in prop::collection::vec((2..2000_usize, any::<u8>()), 1..6),
        ) {
            let (format, kind) = if of_jpeg { (ImageFormat::Jpeg, Kind::Jpeg) } else { (ImageFormat::Png, Kind::Png) };
            let mut bytes = encoded(&halves(64, 48), format);
            let length = bytes.len();
            for (at, value) in changes {
                bytes[at % length] = value;
            }
            if let Ok(small) = thumbnail(&bytes, kind) {
                prop_assert!(small.starts_with(b"\xff\xd8\xff"));
            }
        }
    }
}
