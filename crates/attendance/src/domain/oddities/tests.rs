//! What looks odd, and what only seems to.

use super::*;

const HERE: (f64, f64) = (28.613_912_345, 77.209_012_345);

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// The try number `number` of a student, so many seconds after the first.
fn sighting(number: u128, student: u128) -> Sighting {
    let at = DateTime::from_timestamp(1_795_000_000 + i64::try_from(number).unwrap(), 0).unwrap();
    Sighting {
        id: id(1000 + number),
        session_id: id(1),
        student_id: id(student),
        scanned_at: at,
        received_at: at,
        place: None,
        accuracy_meters: None,
        device: None,
        counter: None,
        slot: None,
        code: None,
    }
}

fn placed(number: u128, student: u128, place: (f64, f64)) -> Sighting {
    Sighting {
        place: Some(place),
        accuracy_meters: Some(5.0),
        ..sighting(number, student)
    }
}

fn signed(number: u128, counter: u64, slot: i64, code: Option<&str>) -> Sighting {
    Sighting {
        device: Some(id(77)),
        counter: Some(counter),
        slot: Some(slot),
        code: code.map(str::to_owned),
        ..sighting(number, 2)
    }
}

#[test]
fn one_device_for_several_students() {
    let with = |number, student, device| Sighting {
        device: Some(id(device)),
        ..sighting(number, student)
    };
    let tries = [with(0, 2, 77), with(1, 2, 77), with(2, 3, 88), with(3, 4, 77)];
    let found = in_session(&tries, 5);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, OddityKind::SharedDevice);
    assert_eq!(found[0].students, BTreeSet::from([id(2), id(4)]));
    assert_eq!(found[0].about, id(77).to_string());
}

#[test]
fn the_very_same_place_for_three() {
    let same = [placed(0, 2, HERE), placed(1, 3, HERE), placed(2, 4, HERE)];
    let found = in_session(&same, 5);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].kind, found[0].students.len()),
        (OddityKind::IdenticalCoordinates, 3)
    );
    assert!(!format!("{found:?}").contains("28.6"), "the place itself is not kept");
    // A fourth makes it no other flag.
    let more = [&same[..], &[placed(3, 5, HERE)]].concat();
    assert_eq!(in_session(&more, 5)[0].about, found[0].about);
    assert!(in_session(&same[..2], 5).is_empty());
    let twice = [placed(0, 2, HERE), placed(1, 2, HERE), placed(2, 4, HERE)];
    assert!(in_session(&twice, 5).is_empty());
    let last_bit = f64::from_bits(HERE.0.to_bits() + 1);
    let beside = [placed(0, 2, HERE), placed(1, 3, HERE), placed(2, 4, (last_bit, HERE.1))];
    assert!(in_session(&beside, 5).is_empty());
    // Phones that round say the same without any trick.
    for rounded in [(28.6139, 77.209), (28.61391, 77.20901), (28.0, HERE.1)] {
        let tries = [2, 3, 4].map(|student| placed(student, student, rounded));
        assert!(in_session(&tries, 5).is_empty(), "{rounded:?}");
    }
}

#[test]
fn bursts_of_old_codes() {
    let old = |number, student| Sighting {
        code: Some("QR_EXPIRED".to_owned()),
        ..sighting(number, student)
    };
    let mut tries: Vec<_> = (0..4).map(|number| old(number, 2)).collect();
    tries.extend((4..8).map(|number| old(number, 3)));
    assert!(in_session(&tries, 5).is_empty());
    tries.push(old(9, 2));
    let found = in_session(&tries, 5);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].kind, found[0].about.clone()),
        (OddityKind::OldCodes, id(2).to_string())
    );
    tries.push(old(10, 2));
    assert_eq!(in_session(&tries, 5), found, "one more is the same flag");
}

#[test]
fn nobody_travels_that_fast() {
    let there = (28.7, 77.3);
    let meters = distance(HERE, there);
    assert!((meters - 13_000.0).abs() < 200.0, "{meters}");
    let found = of_student(&[placed(60, 2, there), placed(0, 2, HERE)], 300.0);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].kind, found[0].about.clone()),
        (OddityKind::ImpossibleTravel, id(1060).to_string())
    );
    // Ten times slower is a train.
    assert!(of_student(&[placed(0, 2, HERE), placed(600, 2, there)], 300.0).is_empty());
    // A fix that may be off by that much says nothing.
    let vague = Sighting {
        accuracy_meters: Some(13_000.0),
        ..placed(60, 2, there)
    };
    assert!(of_student(&[placed(0, 2, HERE), vague], 300.0).is_empty());
    // Neither do two phones of one moment that stand side by side.
    let beside = (HERE.0 + 0.0001, HERE.1);
    assert!(of_student(&[placed(0, 2, HERE), placed(0, 2, beside)], 300.0).is_empty());
    assert!(of_student(&[sighting(0, 2), placed(1, 2, there)], 300.0).is_empty());
}

#[test]
fn a_counter_that_comes_again() {
    let mismatch = Some("DEVICE_MISMATCH");
    let forks = |tries: &[Sighting]| of_student(tries, 300.0).len();
    let good = [signed(0, 5, 1, None), signed(1, 6, 2, None)];
    assert_eq!(forks(&good), 0);
    let after = |one: Sighting| [&good[..], &[one]].concat();
    // The same scan sent again.
    assert_eq!(forks(&after(signed(2, 6, 2, mismatch))), 0);
    // The same counter for another code, and one that went back.
    assert_eq!(forks(&after(signed(2, 6, 3, mismatch))), 1);
    assert_eq!(forks(&after(signed(2, 5, 3, mismatch))), 1);
    // A signature that did not hold, with a counter of its own.
    assert_eq!(forks(&after(signed(2, 7, 3, mismatch))), 0);
    // One of a phone that was offline came late and was good.
    assert_eq!(forks(&after(signed(2, 4, 0, None))), 0);
    let twice = [&after(signed(2, 5, 3, mismatch))[..], &[signed(3, 4, 3, mismatch)]].concat();
    assert_eq!(forks(&twice), 1, "one flag a device");
}

#[test]
fn kinds_and_verdicts_are_read_as_they_are_written() {
    for kind in OddityKind::ALL {
        assert_eq!(OddityKind::parse(kind.as_str()), Some(kind));
    }
    for verdict in [Verdict::Harmless, Verdict::Confirmed] {
        assert_eq!(Verdict::parse(verdict.as_str()), Some(verdict));
    }
    assert_eq!(OddityKind::parse("other"), None);
}
