//! What is drawn is read by another program than the one that drew it: at several sizes, blurred, turned, with noise.

use image::{GrayImage, Luma, imageops};
use proptest::prelude::*;

use super::*;

/// As long as a token is, and one with the longest id of a key.
const TOKEN: &str =
    "AQhmM2IxYzJkNAcQ-_vTd5sYyqZr1mXkQhVn2wLo0PzAiUeJtGfRbDcSxEaMpHuWjKlNvB8dTgYqZr1mXkQhVn2wLo0PzAiUeJtGfRbDcSxEa";
const LONG_TOKEN: &str = "ASBra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2sHEPv703ebGMqma9Zl5EIVZ9sC6NDswIlHibRn0Ww3EsRGjKR7loypTbwfHU4GKma9Zl5EIVZ9sC6NDswIlHibRn0Ww3EsRA";

fn drawn(text: &str, size: u32) -> GrayImage {
    let png = png(text, size).unwrap();
    image::load_from_memory(&png).unwrap().into_luma8()
}

fn read(image: &GrayImage) -> Option<String> {
    let at = |x: usize, y: usize| image.get_pixel(u32::try_from(x).unwrap(), u32::try_from(y).unwrap()).0[0];
    let (width, height) = (image.width() as usize, image.height() as usize);
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, at);
    let grids = prepared.detect_grids();
    grids.iter().find_map(|grid| Some(grid.decode().ok()?.1))
}

/// The image turned around its middle, on a grey wall.
fn turned(image: &GrayImage, degrees: f64) -> GrayImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let middle = f64::from(image.width()) / 2.0;
    let side = image.width() * 3 / 2;
    let wall = f64::from(side) / 2.0;
    GrayImage::from_fn(side, side, |x, y| {
        let (x, y) = (f64::from(x) - wall, f64::from(y) - wall);
        let (x, y) = (x * cos + y * sin + middle, y * cos - x * sin + middle);
        #[expect(clippy::cast_possible_truncation, reason = "a pixel's place is a small number")]
        let sampled = imageops::interpolate_bilinear(image, x as f32, y as f32);
        sampled.unwrap_or(Luma([170]))
    })
}

/// The same noise every time: a test that fails, fails again.
fn noisy(image: &GrayImage, strength: u8) -> GrayImage {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut noise = image.clone();
    for pixel in noise.pixels_mut() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let by = u8::try_from(state % (u64::from(strength) + 1)).unwrap();
        // Less contrast as well: a display in daylight.
        let faded = pixel.0[0] / 2 + 60;
        pixel.0[0] = if state & (1 << 40) == 0 {
            faded.saturating_sub(by)
        } else {
            faded.saturating_add(by)
        };
    }
    noise
}

fn shrunk(image: &GrayImage, side: u32) -> GrayImage {
    imageops::resize(image, side, side, imageops::FilterType::Triangle)
}

#[test]
fn a_picture_is_read_at_every_size() {
    for text in [TOKEN, LONG_TOKEN] {
        for size in [120, 121, 150, 200, 333, 480, 777, 2000] {
            let image = drawn(text, size);
            assert_eq!((image.width(), image.height()), (size, size));
            assert_eq!(read(&image).as_deref(), Some(text), "{size} pixels");
        }
    }
}

#[test]
fn every_pixel_is_black_or_white_and_the_frame_is_wide() {
    for size in [120, 333, 480, 2000] {
        let image = drawn(TOKEN, size);
        assert!(image.pixels().all(|pixel| [BLACK, WHITE].contains(&pixel.0[0])));
        let modules = Modules::of(TOKEN).unwrap();
        let frame = 4 * (size / u32::try_from(modules.framed()).unwrap());
        let is_frame = |at: u32| at < frame || at >= size - frame;
        let mut framed = image
            .enumerate_pixels()
            .filter(|(x, y, _)| is_frame(*x) || is_frame(*y));
        assert!(framed.all(|(_, _, pixel)| pixel.0[0] == WHITE), "{size} pixels");
        let one_module = image
            .enumerate_pixels()
            .find(|(_, _, pixel)| pixel.0[0] == BLACK)
            .unwrap();
        assert!(one_module.0 >= frame && one_module.1 >= frame);
    }
}

#[test]
fn a_picture_is_read_blurred() {
    let image = drawn(TOKEN, 480);
    for radius in [1.0, 2.0, 3.0] {
        assert_eq!(
            read(&imageops::blur(&image, radius)).as_deref(),
            Some(TOKEN),
            "{radius}"
        );
    }
}

#[test]
fn a_picture_is_read_turned() {
    let image = drawn(TOKEN, 480);
    for degrees in [3.0, 10.0, 30.0, 45.0, 90.0, 137.0, 180.0, 271.0] {
        assert_eq!(read(&turned(&image, degrees)).as_deref(), Some(TOKEN), "{degrees}°");
    }
}

#[test]
fn a_picture_is_read_through_noise() {
    let image = drawn(TOKEN, 480);
    for strength in [10, 20, 30, 50] {
        // No lens is as sharp as its grain.
        let seen = imageops::blur(&noisy(&image, strength), 0.8);
        assert_eq!(read(&seen).as_deref(), Some(TOKEN), "{strength}");
    }
}

/// What a cheap phone sees of a tablet three metres away: three to four pixels a module, pale, askew, out of focus, grainy. It
/// takes many pictures a second and needs one that is read; here every second one has to be.
#[test]
fn a_picture_is_read_from_afar() {
    for text in [TOKEN, LONG_TOKEN] {
        let modules = u32::try_from(Modules::of(text).unwrap().framed()).unwrap();
        let shown = drawn(text, 980);
        let frames = [30, 33, 36, 39]
            .into_iter()
            .flat_map(|tenths| [0.0, 2.0, 5.0].map(|degrees| (tenths, degrees)));
        let seen = frames.map(|(tenths, degrees)| {
            let frame = turned(&shrunk(&shown, tenths * modules / 10), degrees);
            noisy(&imageops::blur(&frame, 0.5), 6)
        });
        let texts: Vec<Option<String>> = seen.map(|frame| read(&frame)).collect();
        let good = texts.iter().filter(|read| read.as_deref() == Some(text)).count();
        assert!(2 * good >= texts.len(), "{good} of {}", texts.len());
        assert!(
            texts.iter().flatten().all(|read| read == text),
            "nothing is read wrongly"
        );
    }
}

#[test]
fn an_svg_holds_the_same_modules() {
    let svg = svg(TOKEN, 300).unwrap();
    let modules = Modules::of(TOKEN).unwrap();
    let side = modules.framed();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"300\" height=\"300\" "));
    assert!(svg.contains(&format!("viewBox=\"0 0 {side} {side}\"")));
    let dark = svg
        .split("<path fill=\"#000\" d=\"M")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let mut image = GrayImage::from_pixel(
        4 * u32::try_from(side).unwrap(),
        4 * u32::try_from(side).unwrap(),
        Luma([WHITE]),
    );
    for run in dark.split('M') {
        let (place, run) = run.split_once('h').unwrap();
        let (x, y) = place.split_once(' ').unwrap();
        let (x, y): (u32, u32) = (x.parse().unwrap(), y.parse().unwrap());
        let length: u32 = run.split('v').next().unwrap().parse().unwrap();
        for (dx, dy) in (0..4 * length).flat_map(|dx| (0..4).map(move |dy| (dx, dy))) {
            image.put_pixel(4 * x + dx, 4 * y + dy, Luma([BLACK]));
        }
    }
    assert_eq!(read(&image).as_deref(), Some(TOKEN));
}

#[test]
fn what_does_not_fit_a_code_is_an_error() {
    assert!(matches!(png(&"A".repeat(5000), 480), Err(PictureError::Code(_))));
    assert!(matches!(svg(&"A".repeat(5000), 480), Err(PictureError::Code(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn whatever_a_token_says_is_read(text in "[A-Za-z0-9_-]{100,180}", size in 200_u32..700) {
        prop_assert_eq!(read(&drawn(&text, size)), Some(text));
    }
}
