//! Codes as pictures: what the display of a roll call shows.

use std::fmt::Write as _;

use image::{
    ExtendedColorType, ImageEncoder as _, ImageError,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};
use qrcode::{Color, EcLevel, QrCode, types::QrError};

#[cfg(test)]
mod tests;

/// A screen has no stains to make up for, and what reads a code from afar is large modules: of pictures that were shrunk, blurred
/// and grainy, those with the fewest spare modules were read at the smallest size.
const LEVEL: EcLevel = EcLevel::L;
/// The white frame without which no reader finds a code, in modules.
const QUIET: usize = 4;
const WHITE: u8 = 255;
const BLACK: u8 = 0;

#[derive(Debug, thiserror::Error)]
pub(crate) enum PictureError {
    #[error("a code of this text cannot be made: {0}")]
    Code(#[from] QrError),
    #[error("a code cannot be written as PNG: {0}")]
    Png(#[from] ImageError),
}

/// A code as a PNG so many pixels wide. Every module has the same whole number of pixels, so that no edge is grey; what is left over
/// widens the frame.
pub(crate) fn png(text: &str, wide: u32) -> Result<Vec<u8>, PictureError> {
    let modules = Modules::of(text)?;
    let pixels_a_module = (usize::try_from(wide).unwrap_or(usize::MAX) / modules.framed()).max(1);
    let side = usize::try_from(wide).unwrap_or(usize::MAX).max(modules.framed());
    let before = (side - modules.width * pixels_a_module) / 2;
    let mut pixels = vec![WHITE; side * side];
    for (y, row) in modules.rows().enumerate() {
        let begin = (before + y * pixels_a_module) * side;
        let line = &mut pixels[begin..begin + side];
        for (x, _) in row.iter().enumerate().filter(|(_, module)| **module == Color::Dark) {
            let from = before + x * pixels_a_module;
            line[from..from + pixels_a_module].fill(BLACK);
        }
        for copy in 1..pixels_a_module {
            pixels.copy_within(begin..begin + side, begin + copy * side);
        }
    }
    let mut png = Vec::new();
    let width = u32::try_from(side).unwrap_or(wide);
    PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::NoFilter).write_image(
        &pixels,
        width,
        width,
        ExtendedColorType::L8,
    )?;
    Ok(png)
}

/// A code as an SVG that is so many pixels wide unless it is shown otherwise.
pub(crate) fn svg(text: &str, wide: u32) -> Result<String, PictureError> {
    let modules = Modules::of(text)?;
    let side = modules.framed();
    let mut path = String::new();
    for (y, row) in modules.rows().enumerate() {
        for (x, length) in dark_runs(row) {
            // Writing into a String cannot fail.
            let _ = write!(path, "M{} {}h{length}v1h-{length}z", x + QUIET, y + QUIET);
        }
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{wide}\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

/// Where dark modules stand together in a row: where the first one is, and how many they are.
fn dark_runs(row: &[Color]) -> impl Iterator<Item = (usize, usize)> {
    let runs = row.chunk_by(|one, next| one == next).scan(0, |x, run| {
        let begin = *x;
        *x += run.len();
        Some((begin, run))
    });
    runs.filter(|(_, run)| run[0] == Color::Dark)
        .map(|(begin, run)| (begin, run.len()))
}

/// A code as its modules, without the frame.
struct Modules {
    width: usize,
    colors: Vec<Color>,
}

impl Modules {
    fn of(text: &str) -> Result<Self, QrError> {
        let code = QrCode::with_error_correction_level(text, LEVEL)?;
        Ok(Self {
            width: code.width(),
            colors: code.into_colors(),
        })
    }

    /// How wide it is with its frame.
    fn framed(&self) -> usize {
        self.width + 2 * QUIET
    }

    fn rows(&self) -> impl Iterator<Item = &[Color]> {
        self.colors.chunks(self.width)
    }
}
