//! Files that mean harm, or are broken.

mod pdf;

use super::{inspect, inspect_in, samples};
use crate::inspect::{Inspector, Kind, LONGEST_FILE, Refused};

type Case = (&'static str, Vec<u8>);

fn refused(bytes: &[u8]) -> Refused {
    let outcome = inspect(bytes);
    assert_eq!(inspect_in(bytes, 1), outcome, "pieces of one byte");
    outcome.expect_err("it is refused")
}

fn all_refused(cases: Vec<Case>, matches: fn(&Refused) -> bool) {
    for (name, bytes) in cases {
        let why = refused(&bytes);
        assert!(matches(&why), "{name}: {why:?}");
    }
}

fn with(before: Vec<u8>, after: &[u8]) -> Vec<u8> {
    [before, after.to_vec()].concat()
}

#[test]
fn other_kinds_are_not_taken() {
    let utf16 = |text: &str| {
        [0xff, 0xfe]
            .into_iter()
            .chain(text.bytes().flat_map(|byte| [byte, 0]))
            .collect()
    };
    let cases: Vec<Case> = vec![
        (
            "SVG",
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec(),
        ),
        ("SVG with a declaration", b"<?xml version='1.0'?><svg/>".to_vec()),
        ("SVG in UTF-16", utf16("<svg onload='alert(1)'/>")),
        ("SVG after a mark", b"\xef\xbb\xbf<svg/>         ".to_vec()),
        ("HTML", b"<!DOCTYPE html><script>alert(1)</script>".to_vec()),
        ("HTML with a PDF in it", with(b"<html>".to_vec(), &samples::pdf())),
        ("PDF after a blank", with(b"\n".to_vec(), &samples::pdf())),
        (
            "PDF that is HTML",
            samples::pdf_with(b"4 0 obj (<ScRiPt>alert(1)</script>) endobj"),
        ),
        ("PDF of no version", b"%PDF-x.y\n1 0 obj".to_vec()),
        (
            "GIF with an applet",
            with(b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), samples::ZIP),
        ),
        ("GIF that is a script", b"GIF89a=alert(1)//".to_vec()),
        ("ZIP", samples::ZIP.to_vec()),
        ("program for Windows", b"MZ\x90\0\x03\0\0\0\x04".to_vec()),
        ("program for Linux", b"\x7fELF\x02\x01\x01\0\0".to_vec()),
        ("shell script", b"#!/bin/sh\nrm -rf /\n".to_vec()),
        ("PHP", b"<?php system($_GET['c']); ?>".to_vec()),
        ("WebP", b"RIFF\0\0\0\0WEBPVP8 ".to_vec()),
        ("TIFF", b"II*\0\x08\0\0\0\0".to_vec()),
        ("PNG broken by a text transfer", b"\x89PNG\n\x1a\n\0\0\0\0".to_vec()),
        ("start of a JPEG and text", b"\xff\xd8<svg/>".to_vec()),
        ("text", b"hello".to_vec()),
        ("EICAR", b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR".to_vec()),
    ];
    all_refused(cases, |why| *why == Refused::OtherKind);
    assert_eq!(refused(b""), Refused::Empty);
}

#[test]
fn files_that_are_something_else_too_are_refused() {
    let cases: Vec<Case> = vec![
        ("JPEG and ZIP", with(samples::jpeg(), samples::ZIP)),
        (
            "JPEG, padding and ZIP",
            [samples::jpeg(), vec![0; 9], samples::ZIP.to_vec()].concat(),
        ),
        ("JPEG and script", with(samples::jpeg(), b"<script>alert(1)</script>")),
        (
            "JPEG and a picture it did not speak of",
            with(samples::jpeg(), &samples::jpeg()),
        ),
        ("PNG and ZIP", with(samples::png(), samples::ZIP)),
        ("PNG and PHP", with(samples::png(), b"<?php phpinfo();")),
        ("PNG and one byte", with(samples::png(), b"\0")),
        ("PDF and ZIP", with(samples::pdf(), samples::ZIP)),
        ("PDF and JPEG", with(samples::pdf(), &samples::jpeg())),
        ("PDF and a program", with(samples::pdf(), b"MZ\x90\0")),
        ("PDF and two KB of blanks", with(samples::pdf(), &[b' '; 2048])),
    ];
    all_refused(cases, |why| matches!(why, Refused::GoesOn(_)));
    let film = with(samples::jpeg(), b"\0\0\0\x18ftypmp42");
    let cases: Vec<Case> = vec![
        (
            "PDF with a ZIP in a stream",
            samples::pdf_with(&samples::stream("", samples::ZIP)),
        ),
        (
            "PDF with a ZIP before its end",
            with(with(samples::pdf(), samples::ZIP), b"%%EOF"),
        ),
        (
            "PNG with a ZIP in its profile",
            samples::png_with(&[samples::chunk(b"iCCP", samples::ZIP)]),
        ),
        (
            "PNG with a ZIP in a note",
            samples::png_with(&[samples::chunk(b"tEXt", samples::ZIP)]),
        ),
        (
            "JPEG with a ZIP in a comment",
            samples::jpeg_with(&[samples::segment(0xfe, samples::ZIP)]),
        ),
        ("JPEG with a ZIP in its film", with(film, samples::ZIP)),
    ];
    all_refused(cases, |why| matches!(why, Refused::Archive(_)));
}

#[test]
fn files_cut_anywhere_are_refused() {
    for (bytes, kind) in [
        (
            samples::jpeg_with(&[samples::camera_notes(6), samples::profile(1, 1)]),
            Kind::Jpeg,
        ),
        (samples::progressive(), Kind::Jpeg),
        (samples::png(), Kind::Png),
        (samples::pdf(), Kind::Pdf),
    ] {
        // The line's end after a PDF's mark is no part of it.
        let end = bytes.len() - usize::from(kind == Kind::Pdf);
        for length in 1..end {
            let outcome = inspect(&bytes[..length]).expect_err("it is refused");
            assert_eq!(outcome, Refused::Truncated(kind), "at {length} of {}", bytes.len());
        }
    }
}

#[test]
fn pictures_beyond_measure_are_refused() {
    let mut said_late = samples::jpeg_of_size(65_535, 0);
    said_late.truncate(said_late.len() - 2);
    let cases: Vec<Case> = vec![
        ("JPEG of 65,535 a side", samples::jpeg_of_size(65_535, 65_535)),
        ("long JPEG", samples::jpeg_of_size(20_001, 1)),
        ("JPEG of 64 million", samples::jpeg_of_size(8000, 8000)),
        ("JPEG that says its height late", said_late),
        ("PNG of 65,535 a side", samples::png_of_size(65_535, 65_535)),
        ("PNG of all there is", samples::png_of_size(u32::MAX, u32::MAX)),
        ("tall PNG", samples::png_of_size(1, 20_001)),
        ("PNG of 61 million", samples::png_of_size(20_000, 3050)),
    ];
    all_refused(cases, |why| matches!(why, Refused::TooManyPixels { .. }));
    inspect(&samples::png_of_size(20_000, 3000)).unwrap();
}

#[test]
fn broken_jpegs_are_refused() {
    let start = |rest: &[u8]| with(b"\xff\xd8".to_vec(), rest);
    let scan = samples::segment(0xda, &[1, 1, 0, 0, 63, 0]);
    let frame = |code, body: &[u8]| samples::jpeg_with(&[samples::segment(code, body)]);
    let lines = |height: u8| samples::segment(0xdc, &[0, height]);
    let mut two_heights = samples::progressive();
    two_heights.truncate(two_heights.len() - 2);
    let cases: Vec<Case> = vec![
        ("no size", samples::jpeg_of_size(0, 21)),
        ("no height at all", samples::jpeg_of_size(33, 0)),
        ("segment of length 0", start(b"\xff\xe0\0\0abcdef")),
        ("segment of length 1", start(b"\xff\xe0\0\x01abcdef")),
        ("end at once", start(b"\xff\xd9\0\0\0\0")),
        ("start again", start(b"\xff\xd8\xff\xd8\xff\xd9")),
        (
            "text between segments",
            with(start(&samples::segment(0xfe, b"")), b"<svg/>"),
        ),
        ("data before the size", start(&scan)),
        ("second picture's header", frame(0xc0, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0])),
        ("lossless", frame(0xc3, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0])),
        ("arithmetic", frame(0xc9, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0])),
        ("header too short", frame(0xc0, &[8, 0, 8])),
        ("header too long", frame(0xc0, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0, b'x'])),
        ("payload in a table of steps", frame(0xdb, b"\0<script>")),
        (
            "payload after a table of codes",
            frame(0xc4, &[[0].as_slice(), &[0; 16], b"<script>"].concat()),
        ),
        (
            "table of too many codes",
            frame(0xc4, &[[0].as_slice(), &[255; 16]].concat()),
        ),
        ("payload in the restarts", frame(0xdd, b"<script>")),
        ("unknown marker", frame(0xf0, b"x")),
        (
            "two heights",
            [two_heights.clone(), lines(9), b"\xff\xd9".to_vec()].concat(),
        ),
        (
            "scans without end",
            with([two_heights, scan.repeat(200)].concat(), b"\xff\xd9"),
        ),
    ];
    all_refused(cases, |why| matches!(why, Refused::Damaged { kind: Kind::Jpeg, .. }));
}

#[test]
fn broken_pngs_are_refused() {
    let mut wrong_checksum = samples::png();
    wrong_checksum[29] ^= 1;
    let mut wrong_data = samples::png();
    let last = wrong_data.len() - 20;
    wrong_data[last] ^= 1;
    let head = |length: u32, name: &[u8]| [&samples::png()[..33], &length.to_be_bytes(), name, &[0; 30]].concat();
    let header = chunk_of(&samples::png(), 8, 25);
    let end = samples::chunk(b"IEND", b"");
    let indexed = [0, 0, 0, 9, 0, 0, 0, 9, 8, 3, 0, 0, 0];
    let mut odd_depth = indexed;
    odd_depth[8] = 3;
    let cases: Vec<Case> = vec![
        ("wrong checksum of the header", wrong_checksum),
        ("wrong checksum of the data", wrong_data),
        ("length beyond measure", head(u32::MAX, b"tEXt")),
        ("length beyond half of measure", head(1 << 31, b"tEXt")),
        ("name that is none", head(0, b"a\0bc")),
        (
            "unknown critical chunk",
            samples::png_with(&[samples::chunk(b"CgBI", &[0; 4])]),
        ),
        ("second header", samples::png_with(std::slice::from_ref(&header))),
        ("no header", [&samples::png()[..8], &samples::png()[33..]].concat()),
        ("no data", [&samples::png()[..33], &end].concat()),
        (
            "header too long",
            [&samples::png()[..8], &samples::chunk(b"IHDR", &[1; 14])].concat(),
        ),
        ("no size", samples::png_of_size(0, 9)),
        ("odd depth", samples::png_of(odd_depth)),
        ("palette missing", samples::png_of(indexed)),
        (
            "payload for a palette",
            samples::png_with(&[samples::chunk(b"PLTE", b"<script>")]),
        ),
        (
            "two palettes",
            samples::png_with(&[samples::chunk(b"PLTE", &[0; 3]), samples::chunk(b"PLTE", &[0; 3])]),
        ),
        (
            "end that says something",
            samples::png_ending_with(&[samples::chunk(b"IEND", b"<script>")]),
        ),
        (
            "torn data",
            samples::png_ending_with(&[samples::chunk(b"tEXt", b"a"), samples::chunk(b"IDAT", b"")]),
        ),
    ];
    all_refused(cases, |why| matches!(why, Refused::Damaged { kind: Kind::Png, .. }));
}

fn chunk_of(png: &[u8], from: usize, length: usize) -> Vec<u8> {
    png[from..from + length].to_vec()
}

#[test]
fn no_file_is_longer_than_what_is_taken() {
    let mut inspector = Inspector::new();
    let mut kept = Vec::new();
    inspector.push(&samples::jpeg(), &mut kept).unwrap();
    let piece = vec![0; 1024 * 1024];
    let outcomes = (0..=LONGEST_FILE / 1024 / 1024)
        .map(|_| inspector.push(&piece, &mut kept))
        .collect::<Vec<_>>();
    let pieces = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(pieces, 49);
    assert_eq!(outcomes[49], Err(Refused::TooLong));
    assert_eq!(inspector.push(b"", &mut kept), Err(Refused::TooLong));
    assert_eq!(inspector.finish(), Err(Refused::TooLong));
}

#[test]
fn every_refusal_is_a_sentence() {
    let what_is_taken = Refused::OtherKind.to_string();
    assert!(["PDF", "JPEG", "PNG"].iter().all(|kind| what_is_taken.contains(kind)));
    assert!(refused(b"").to_string().contains("empty"));
    assert_eq!(Refused::Active("JS").to_string().matches("/JS").count(), 1);
}
