//! Sound files: what is kept of them, and what is not.

use image::{ImageDecoder as _, metadata::Orientation};
use sha2::{Digest as _, Sha256};

use super::{contains, inspect, samples};
use crate::inspect::{Inspected, Kind};

#[test]
fn every_kind_is_told_by_its_content() {
    let expected = [
        (samples::jpeg(), Kind::Jpeg, Some(33), Some(21)),
        (samples::progressive(), Kind::Jpeg, Some(8), Some(8)),
        (samples::png(), Kind::Png, Some(33), Some(21)),
        (samples::pdf(), Kind::Pdf, None, None),
    ];
    for (bytes, kind, width, height) in expected {
        assert_eq!(Kind::of_media_type(kind.media_type()), Some(kind));
        let (inspected, kept) = inspect(&bytes).unwrap();
        let sha256 = Sha256::digest(&kept).into();
        assert_eq!(
            inspected,
            Inspected {
                kind,
                width,
                height,
                size: kept.len() as u64,
                sha256
            }
        );
    }
}

#[test]
fn pictures_look_the_same_afterwards() {
    for bytes in [
        samples::jpeg_with(&[samples::camera_notes(1)]),
        samples::png_with(&[samples::chunk(b"tEXt", b"a\0b")]),
    ] {
        let (_, kept) = inspect(&bytes).unwrap();
        assert_ne!(kept, bytes);
        assert_eq!(
            image::load_from_memory(&kept).unwrap(),
            image::load_from_memory(&bytes).unwrap()
        );
    }
    image::load_from_memory(&inspect(&samples::progressive()).unwrap().1).unwrap();
}

#[test]
fn a_pdf_is_kept_as_it_is() {
    assert_eq!(inspect(&samples::pdf()).unwrap().1, samples::pdf());
    let padded = [samples::pdf(), vec![0; 1000]].concat();
    assert_eq!(inspect(&padded).unwrap().1, padded);
}

#[test]
fn what_cameras_write_is_gone_byte_for_byte() {
    let notes = samples::PLACE;
    let jpegs = [
        samples::camera_notes(6),
        samples::segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0".as_slice(), notes].concat()),
        samples::segment(0xed, &[b"Photoshop 3.0\08BIM\x04\x04".as_slice(), notes].concat()),
        samples::segment(0xfe, notes),
        samples::segment(0xe0, &[b"JFXX\0\x10".as_slice(), notes].concat()),
        samples::segment(
            0xe0,
            &[b"JFIF\0\x01\x01\0\0\x01\0\x01\x01\x06".as_slice(), notes].concat(),
        ),
        samples::segment(0xee, &[b"Adobe\0\x64\0\0\0\0\0".as_slice(), notes].concat()),
        samples::segment(0xe2, &[b"MPF\0".as_slice(), notes].concat()),
        samples::segment(0xe2, &[b"ICC_PROFILE\0\x01\x01".as_slice(), &[0; 60], notes].concat()),
        samples::segment(0xe3, notes),
        samples::segment(0xef, notes),
    ];
    for segment in jpegs {
        let (_, kept) = inspect(&samples::jpeg_with(std::slice::from_ref(&segment))).unwrap();
        assert!(!contains(&kept, notes), "segment {:x}", segment[1]);
    }
    for name in [
        b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME", b"prVt", b"caBX", b"acTL", b"fdAT", b"gAMA",
    ] {
        for png in [
            samples::png_with(&[samples::chunk(name, notes)]),
            samples::png_ending_with(&[samples::chunk(name, notes)]),
        ] {
            let (_, kept) = inspect(&png).unwrap();
            assert!(!contains(&kept, notes), "{}", String::from_utf8_lossy(name));
        }
    }
}

#[test]
fn what_is_beside_the_picture_is_gone() {
    let more = samples::jpeg_with(&[samples::segment(0xe2, b"MPF\0")]);
    let film = b"\0\0\0\x18ftypmp42 a film";
    for trailer in [
        samples::jpeg(),
        [vec![0; 100], samples::jpeg()].concat(),
        film.to_vec(),
        [vec![0; 3], film.to_vec()].concat(),
        b"\0\0\x01\x0aPLACE SEFT".to_vec(),
        vec![0; 5000],
    ] {
        let (_, kept) = inspect(&[more.clone(), trailer].concat()).unwrap();
        assert_eq!(kept, inspect(&samples::jpeg()).unwrap().1);
    }
}

#[test]
fn pictures_do_not_fall_over() {
    for (value, orientation) in [
        (3, Orientation::Rotate180),
        (6, Orientation::Rotate90),
        (8, Orientation::Rotate270),
    ] {
        let (_, kept) = inspect(&samples::jpeg_with(&[samples::camera_notes(value)])).unwrap();
        let mut decoder = image::codecs::jpeg::JpegDecoder::new(std::io::Cursor::new(kept)).unwrap();
        assert_eq!(decoder.orientation().unwrap(), orientation);
    }
    let upright = inspect(&samples::jpeg_with(&[samples::camera_notes(1)])).unwrap().1;
    assert!(!contains(&upright, b"Exif"));
}

#[test]
fn colours_stay_true() {
    let profile = [samples::profile(1, 2), samples::profile(2, 2)].concat();
    let (_, kept) = inspect(&samples::jpeg_with(std::slice::from_ref(&profile))).unwrap();
    assert!(contains(&kept, &profile));
    let chunks = [
        samples::chunk(b"gAMA", &[0; 4]),
        samples::chunk(b"pHYs", &[1; 9]),
        samples::chunk(b"iCCP", b"p\0\0x"),
    ];
    let (_, kept) = inspect(&samples::png_with(&chunks)).unwrap();
    assert!(contains(&kept, &chunks.concat()));
}

#[test]
fn packed_and_encrypted_pdfs_are_taken() {
    let link = b"<</A <</S /URI /URI (https://example.org/Launch/JavaScript)>>>>";
    let pdfs = [
        samples::pdf_with(&samples::packed(link)),
        samples::pdf_with(&samples::stream("/Type /ObjStm /N 1 /First 4", b"7 0 <</A 1>>")),
        samples::pdf_with(
            &[
                samples::stream("/Type/ObjStm/Filter/FlateDecode", b"noise"),
                b"<</Encrypt 5 0 R>>".to_vec(),
            ]
            .concat(),
        ),
        samples::pdf_with(&[b"7 0 obj ".as_slice(), link, b"endobj"].concat()),
        samples::pdf_with(b"7 0 obj (a trailer of 1 0 obj) endobj % /JS\n8 0 obj <2f4a53> endobj"),
        [
            samples::pdf(),
            b"9 0 obj <<>> endobj trailer <<>> startxref 1\n%%%EOF\r\n".to_vec(),
        ]
        .concat(),
    ];
    for pdf in pdfs {
        assert_eq!(inspect(&pdf).unwrap().1, pdf, "{}", String::from_utf8_lossy(&pdf));
    }
}
