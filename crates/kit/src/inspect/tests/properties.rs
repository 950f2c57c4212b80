//! What holds for every file.

use std::time::{Duration, Instant};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRng, TestRunner},
};

use super::{contains, inspect, inspect_in, samples};
use crate::inspect::{Inspected, Inspector, Kind, Refused};

/// As many as the time allows for, and no more.
const CASES: u32 = 20_000;
const TIME: Duration = Duration::from_secs(6);

fn sound_files() -> Vec<Vec<u8>> {
    vec![
        samples::jpeg(),
        samples::jpeg_with(&[
            samples::camera_notes(6),
            samples::profile(1, 1),
            samples::segment(0xfe, b"note"),
        ]),
        samples::progressive(),
        samples::png(),
        samples::png_with(&[samples::chunk(b"tEXt", b"a\0b"), samples::chunk(b"gAMA", &[0; 4])]),
        samples::pdf(),
        samples::pdf_with(&samples::packed(b"<</A (text) /B [1 2]>>")),
    ]
}

/// A change to a file, at a place given as a part of its length.
#[derive(Clone, Debug)]
enum Mutation {
    Set(u8),
    Flip(u8),
    Insert(Vec<u8>),
    Remove(usize),
    Repeat(usize),
    Cut,
}

fn mutation() -> impl Strategy<Value = (f64, Mutation)> {
    let telling = prop::sample::select(vec![
        b"\xff\xd9".as_slice(),
        b"\xff\xd8",
        b"\xff\xda\0\x02",
        b"\0\0\0\0IEND",
        b"\xff\xff\xff\xffIDAT",
        b"stream\n",
        b"endstream",
        b"1 0 obj",
        b"/JS ",
        b"<<",
        b"(",
        b"%%EOF",
        b"PK\x05\x06",
        b"Exif\0\0II*\0\xff\xff\xff\x7f",
    ]);
    let mutation = prop_oneof![
        any::<u8>().prop_map(Mutation::Set),
        (0..8_u8).prop_map(|bit| Mutation::Flip(1 << bit)),
        telling.prop_map(|bytes| Mutation::Insert(bytes.to_vec())),
        prop::collection::vec(any::<u8>(), 1..20).prop_map(Mutation::Insert),
        (1..40_usize).prop_map(Mutation::Remove),
        (1..200_usize).prop_map(Mutation::Repeat),
        Just(Mutation::Cut),
    ];
    (0.0..1.0, mutation)
}

fn mutated(file: &[u8], mutations: &[(f64, Mutation)]) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for (place, mutation) in mutations {
        if bytes.is_empty() {
            break;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place in a short file"
        )]
        let at = (place * bytes.len() as f64) as usize;
        let to = |length: usize| (at + length).min(bytes.len());
        match mutation {
            Mutation::Set(value) => bytes[at] = *value,
            Mutation::Flip(bits) => bytes[at] ^= bits,
            Mutation::Insert(more) => drop(bytes.splice(at..at, more.iter().copied())),
            Mutation::Remove(length) => drop(bytes.drain(at..to(*length))),
            Mutation::Repeat(length) => {
                let part = bytes[at..to(*length)].to_vec();
                drop(bytes.splice(at..at, part));
            }
            Mutation::Cut => bytes.truncate(at),
        }
    }
    bytes
}

/// What must hold for whatever came of a file.
fn check(outcome: &Result<(Inspected, Vec<u8>), Refused>) -> Result<(), TestCaseError> {
    let Ok((inspected, kept)) = outcome else { return Ok(()) };
    prop_assert_eq!(inspected.size, kept.len() as u64);
    if inspected.kind != Kind::Pdf {
        prop_assert!(!contains(kept, samples::PLACE));
        let pixels = u64::from(inspected.width.unwrap()) * u64::from(inspected.height.unwrap());
        prop_assert!((1..=60_000_000).contains(&pixels));
    }
    // What was accepted once is accepted again, and stays as it is.
    prop_assert_eq!(&inspect(kept), outcome);
    Ok(())
}

#[test]
fn mutated_files_are_followed_without_fail() {
    let config = Config {
        cases: 1,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(
        config,
        TestRng::from_seed(prop::test_runner::RngAlgorithm::ChaCha, &[7; 32]),
    );
    let files = (
        prop::sample::select(sound_files()),
        prop::collection::vec(mutation(), 1..4),
        1..300_usize,
    );
    let started = Instant::now();
    let mut cases = 0;
    while cases < CASES && started.elapsed() < TIME {
        runner
            .run(&files, |(file, mutations, piece)| {
                let bytes = mutated(&file, &mutations);
                let outcome = inspect_in(&bytes, piece);
                prop_assert_eq!(&inspect(&bytes), &outcome);
                check(&outcome)
            })
            .unwrap();
        cases += 1;
    }
    println!("{cases} files in {:?}", started.elapsed());
    assert!(cases >= 500, "only {cases} files in {TIME:?}");
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_bytes_are_followed_without_fail(
        magic in prop::sample::select(vec![b"".as_slice(), b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"%PDF-1.7\n1 0 obj"]),
        noise in prop::collection::vec(any::<u8>(), 0..400),
        piece in 1..50_usize,
    ) {
        let bytes = [magic, &noise].concat();
        let outcome = inspect_in(&bytes, piece);
        prop_assert_eq!(&inspect(&bytes), &outcome);
        check(&outcome)?;
    }

    #[test]
    fn the_cut_into_pieces_changes_nothing(
        file in prop::sample::select(sound_files()),
        cuts in prop::collection::vec(0..1000_usize, 0..20),
    ) {
        let mut inspector = Inspector::new();
        let mut kept = Vec::new();
        let mut rest = file.as_slice();
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            inspector.push(piece, &mut kept).unwrap();
            rest = after;
        }
        inspector.push(rest, &mut kept).unwrap();
        prop_assert_eq!((inspector.finish().unwrap(), kept), inspect(&file).unwrap());
    }
}
