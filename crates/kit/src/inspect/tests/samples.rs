//! Files to try, made here byte by byte.

use std::io::{Cursor, Write as _};

use flate2::{Compression, write::ZlibEncoder};
use image::{DynamicImage, ImageFormat, RgbaImage};

use crate::inspect::exif;

/// A ZIP without entries.
pub(super) const ZIP: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// Where a camera says that it was, as it stands in its notes.
pub(super) const PLACE: &[u8] = b"28 deg 36' 50.2\" N";

pub(super) fn picture(width: u32, height: u32) -> DynamicImage {
    let pixel = |x: u32, y: u32| image::Rgba([x, y, x ^ y, 255].map(|value| (value * 7).to_le_bytes()[0]));
    DynamicImage::ImageRgba8(RgbaImage::from_fn(width, height, pixel))
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub(super) fn png() -> Vec<u8> {
    encoded(&picture(33, 21), ImageFormat::Png)
}

pub(super) fn jpeg() -> Vec<u8> {
    encoded(&picture(33, 21).to_rgb8().into(), ImageFormat::Jpeg)
}

/// A JPEG with segments put after its start.
pub(super) fn jpeg_with(segments: &[Vec<u8>]) -> Vec<u8> {
    let jpeg = jpeg();
    [&jpeg[..2], &segments.concat(), &jpeg[2..]].concat()
}

pub(super) fn segment(code: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).unwrap();
    [&[0xff, code], length.to_be_bytes().as_slice(), body].concat()
}

/// What a camera writes: which way up, and where it was.
pub(super) fn camera_notes(orientation: u8) -> Vec<u8> {
    segment(0xe1, &[exif::body(orientation), PLACE.to_vec()].concat())
}

pub(super) fn profile(number: u8, count: u8) -> Vec<u8> {
    let mut body = [b"ICC_PROFILE\0".as_slice(), &[number, count], &[1; 60]].concat();
    if number == 1 {
        body[14 + 36..14 + 40].copy_from_slice(b"acsp");
    }
    segment(0xe2, &body)
}

/// A progressive JPEG: one grey block of eight by eight in three scans.
pub(super) fn progressive() -> Vec<u8> {
    let quantisation = segment(0xdb, &[[0].as_slice(), &[1; 64]].concat());
    let frame = segment(0xc2, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0]);
    let codes = |class: u8| segment(0xc4, &[[class].as_slice(), &[1], &[0; 15], &[0]].concat());
    let scan = |from: u8, to: u8| [segment(0xda, &[1, 1, 0, from, to, 0]), vec![0x7f]].concat();
    let parts = [
        quantisation,
        frame,
        codes(0x00),
        codes(0x10),
        scan(0, 0),
        scan(1, 5),
        scan(6, 63),
    ];
    [b"\xff\xd8".as_slice(), &parts.concat(), b"\xff\xd9"].concat()
}

/// A JPEG whose header says another size.
pub(super) fn jpeg_of_size(width: u16, height: u16) -> Vec<u8> {
    let mut jpeg = jpeg();
    let frame = jpeg.windows(2).position(|bytes| bytes == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    jpeg[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    jpeg
}

pub(super) fn chunk(name: &[u8], body: &[u8]) -> Vec<u8> {
    let named = [name, body].concat();
    let length = u32::try_from(body.len()).unwrap();
    [
        length.to_be_bytes().as_slice(),
        &named,
        &crc32fast::hash(&named).to_be_bytes(),
    ]
    .concat()
}

/// A PNG with chunks put after its header.
pub(super) fn png_with(chunks: &[Vec<u8>]) -> Vec<u8> {
    let png = png();
    let (header, rest) = png.split_at(8 + 25);
    [header, &chunks.concat(), rest].concat()
}

/// A PNG with chunks put before its end.
pub(super) fn png_ending_with(chunks: &[Vec<u8>]) -> Vec<u8> {
    let png = png();
    let (before, end) = png.split_at(png.len() - 12);
    [before, &chunks.concat(), end].concat()
}

pub(super) fn png_of(header: [u8; 13]) -> Vec<u8> {
    let png = png();
    [&png[..8], &chunk(b"IHDR", &header), &png[8 + 25..]].concat()
}

pub(super) fn png_of_size(width: u32, height: u32) -> Vec<u8> {
    let mut header = [0; 13];
    header[..4].copy_from_slice(&width.to_be_bytes());
    header[4..8].copy_from_slice(&height.to_be_bytes());
    header[8..10].copy_from_slice(&[8, 6]);
    png_of(header)
}

/// A PDF of one empty page with more objects.
pub(super) fn pdf_with(objects: &[u8]) -> Vec<u8> {
    let mut pdf = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n\
        1 0 obj\n<</Type /Catalog /Pages 2 0 R>>\nendobj\n\
        2 0 obj\n<</Type /Pages /Kids [3 0 R] /Count 1>>\nendobj\n\
        3 0 obj\n<</Type /Page /Parent 2 0 R /MediaBox [0 0 200 200]>>\nendobj\n"
        .to_vec();
    pdf.extend_from_slice(objects);
    pdf.extend_from_slice(b"\nxref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 4 /Root 1 0 R>>\nstartxref\n9\n%%EOF\n");
    pdf
}

pub(super) fn pdf() -> Vec<u8> {
    pdf_with(&stream("", b"BT (Fees/Launch of the /JS club) Tj ET /JS /JavaScript"))
}

pub(super) fn stream(entries: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("4 0 obj\n<</Length {} {entries}>>\nstream\r\n", data.len());
    [head.as_bytes(), data, b"\nendstream\nendobj\n"].concat()
}

pub(super) fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// Objects packed into a stream, as most programs write them today.
pub(super) fn packed(objects: &[u8]) -> Vec<u8> {
    stream(
        "/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode",
        &deflated(&[b"7 0 ", objects].concat()),
    )
}
