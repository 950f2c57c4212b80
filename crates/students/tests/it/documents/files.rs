//! Files as people send them, and as nobody should.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

/// A PDF of one empty page.
pub(crate) fn pdf() -> Vec<u8> {
    pdf_with(b"")
}

/// A PDF with more objects.
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

/// A PDF of about this length: its page says nothing at length.
pub(super) fn long_pdf(length: usize) -> Vec<u8> {
    let data: Vec<u8> = (0..length).map(|at| b"0123456789 "[at * 7 % 11]).collect();
    let head = format!("4 0 obj\n<</Length {length}>>\nstream\r\n");
    pdf_with(&[head.as_bytes(), &data, b"\nendstream\nendobj\n"].concat())
}

/// A picture whose colour tells one from another.
fn picture(width: u32, height: u32, shade: u8) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([shade, (x % 251) as u8, (y % 241) as u8])).into()
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub(super) fn png(shade: u8) -> Vec<u8> {
    encoded(&picture(400, 300, shade), ImageFormat::Png)
}

pub(super) fn jpeg(shade: u8) -> Vec<u8> {
    encoded(&picture(400, 300, shade), ImageFormat::Jpeg)
}

/// A JPEG that tells where it was taken.
pub(super) fn jpeg_with_notes(secret: &[u8]) -> Vec<u8> {
    let jpeg = jpeg(1);
    let body = [b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0".as_slice(), secret].concat();
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &body, &jpeg[2..]].concat()
}

/// An archive of nothing: the end record is all of it.
fn zip() -> Vec<u8> {
    [b"PK\x05\x06".as_slice(), &[0; 18]].concat()
}

/// A PNG whose header speaks of another size, with a checksum that is right.
fn png_of_size(width: u32, height: u32) -> Vec<u8> {
    let mut png = png(1);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = checksum(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.to_be_bytes());
    png
}

/// CRC-32, bit by bit.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
        crc
    })
}

/// Files that are to be refused: what each is, its name, its bytes, and the code of the refusal.
pub(super) fn hostile() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    const OTHER: &str = "UNSUPPORTED_MEDIA_TYPE";
    const WRONG: &str = "VALIDATION_ERROR";
    let action = |name: &str| format!("7 0 obj <</S /{name} /F (x)>> endobj");
    vec![
        ("nothing", "empty.pdf", Vec::new(), WRONG),
        (
            "a program",
            "invoice.pdf",
            [b"MZ\x90\0".as_slice(), &[0; 200]].concat(),
            OTHER,
        ),
        (
            "an archive",
            "photo.png",
            [b"PK\x03\x04".as_slice(), &[7; 60], &zip()].concat(),
            OTHER,
        ),
        (
            "a drawing with a script",
            "logo.png",
            b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>".to_vec(),
            OTHER,
        ),
        (
            "a page",
            "id.jpg",
            b"<!doctype html><script>alert(1)</script>".to_vec(),
            OTHER,
        ),
        ("an animation", "me.png", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), OTHER),
        (
            "a page before a PDF",
            "a.pdf",
            [b"<html>".as_slice(), &pdf()].concat(),
            OTHER,
        ),
        ("a PNG and an archive", "a.png", [png(1), zip()].concat(), WRONG),
        (
            "a JPEG and a program",
            "a.jpg",
            [jpeg(1), b"MZ\x90\0".to_vec()].concat(),
            WRONG,
        ),
        ("a PDF and an archive", "a.pdf", [pdf(), zip()].concat(), WRONG),
        ("half a JPEG", "a.jpg", jpeg(1)[..2000].to_vec(), WRONG),
        ("half a PNG", "a.png", png(1)[..1000].to_vec(), WRONG),
        ("half a PDF", "a.pdf", pdf()[..100].to_vec(), WRONG),
        (
            "a PDF with a script",
            "a.pdf",
            pdf_with(action("JavaScript").as_bytes()),
            WRONG,
        ),
        (
            "a PDF that starts a program",
            "a.pdf",
            pdf_with(action("Launch").as_bytes()),
            WRONG,
        ),
        (
            "a PDF with a hidden script",
            "a.pdf",
            pdf_with(action("J#61vaScript").as_bytes()),
            WRONG,
        ),
        ("a huge picture", "a.png", png_of_size(65_535, 65_535), WRONG),
        ("a picture without a size", "a.png", png_of_size(0, 10), WRONG),
    ]
}
