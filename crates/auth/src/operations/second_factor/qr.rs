//! A text as a QR code: a picture that a page shows without asking for anything else.

use std::io::Cursor;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::{GrayImage, ImageFormat, Luma};
use qrcode::{Color, EcLevel, QrCode};

/// Pixels a module: an authenticator app reads it from a screen.
const SCALE: u32 = 6;
/// The quiet zone around it that ISO 18004 asks for, in modules.
const MARGIN: u32 = 4;

/// Why a text cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub(super) enum QrError {
    #[error("the text does not fit into a QR code: {0}")]
    Text(#[from] qrcode::types::QrError),
    #[error("the picture cannot be written: {0}")]
    Picture(#[from] image::ImageError),
}

/// `data:image/png;base64,…`
pub(super) fn data_url(text: &str) -> Result<String, QrError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M)?;
    // At most 177 modules a side.
    let width = u32::try_from(code.width()).unwrap_or_default();
    let modules = code.to_colors();
    let side = (width + 2 * MARGIN) * SCALE;
    let picture = GrayImage::from_fn(side, side, |x, y| {
        let module = (x / SCALE).checked_sub(MARGIN).zip((y / SCALE).checked_sub(MARGIN));
        let inside = module.filter(|(column, row)| *column < width && *row < width);
        let color = inside.map_or(Color::Light, |(column, row)| modules[(row * width + column) as usize]);
        Luma([if color == Color::Dark { 0 } else { 255 }])
    });
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png)?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(png.into_inner())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What another program reads from the picture.
    fn read(data_url: &str) -> String {
        let png = STANDARD
            .decode(data_url.strip_prefix("data:image/png;base64,").unwrap())
            .unwrap();
        let picture = image::load_from_memory(&png).unwrap().to_luma8();
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
            picture
                .get_pixel(u32::try_from(x).unwrap(), u32::try_from(y).unwrap())
                .0[0]
        });
        let (_, text) = prepared.detect_grids()[0].decode().unwrap();
        text
    }

    #[test]
    fn a_picture_is_read_back() {
        for text in [
            "otpauth://totp/HostelPulse:a%40b.example?secret=GEZDGNBVGY3TQOJQ".to_owned(),
            "x".repeat(900),
        ] {
            assert_eq!(read(&data_url(&text).unwrap()), text);
        }
    }

    #[test]
    fn what_fits_into_no_picture_is_an_error() {
        assert!(data_url(&"x".repeat(5_000)).is_err());
    }
}
