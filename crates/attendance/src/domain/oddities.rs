//! What looks odd among scans. Nothing follows from it by itself: somebody is asked to look.
//!
//! The rules look at scans after they were answered, all tries of a roll call or of a student together.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// So many students with the very same coordinates look odd.
const SAME_PLACE: usize = 3;
/// What a place without an accuracy may be off by, in metres.
const UNSAID_ACCURACY: f64 = 100.0;
/// Two scans nearer in time than this are taken as this far apart: the clocks of phones are not better.
const LEAST_SECONDS: f64 = 1.0;
const EARTH_RADIUS: f64 = 6_371_008.8;

/// A kind of oddity.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum OddityKind {
    SharedDevice,
    ImpossibleTravel,
    IdenticalCoordinates,
    OldCodes,
    CounterFork,
}

/// Something that looks odd in a roll call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Oddity {
    pub kind: OddityKind,
    pub session_id: Uuid,
    /// What tells it from others of its kind in the roll call. Never a place: places are forgotten.
    pub about: String,
    pub students: BTreeSet<Uuid>,
    pub detail: String,
}

/// A flag: an oddity that was kept, and what somebody made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    pub id: Uuid,
    pub kind: OddityKind,
    pub session_id: Uuid,
    pub students: Vec<Uuid>,
    pub detail: String,
    pub raised_at: DateTime<Utc>,
    pub review: Option<FlagReview>,
    pub version: i64,
}

/// What somebody said of a flag.
#[derive(Clone, Debug, PartialEq)]
pub struct FlagReview {
    pub verdict: Verdict,
    pub note: Option<String>,
    pub by: Uuid,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Nothing was wrong.
    Harmless,
    /// Something was.
    Confirmed,
}

/// A try, as far as the rules look at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    pub id: Uuid,
    pub session_id: Uuid,
    pub student_id: Uuid,
    pub scanned_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    /// Degrees north and east.
    pub place: Option<(f64, f64)>,
    pub accuracy_meters: Option<f64>,
    pub device: Option<Uuid>,
    /// The device's counter, and that of the code.
    pub counter: Option<u64>,
    pub slot: Option<i64>,
    /// Why it was refused.
    pub code: Option<String>,
}

impl OddityKind {
    pub const ALL: [Self; 5] = [
        Self::SharedDevice,
        Self::ImpossibleTravel,
        Self::IdenticalCoordinates,
        Self::OldCodes,
        Self::CounterFork,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SharedDevice => "shared_device",
            Self::ImpossibleTravel => "impossible_travel",
            Self::IdenticalCoordinates => "identical_coordinates",
            Self::OldCodes => "old_codes",
            Self::CounterFork => "counter_fork",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl Verdict {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Harmless => "harmless",
            Self::Confirmed => "confirmed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Harmless, Self::Confirmed]
            .into_iter()
            .find(|verdict| verdict.as_str() == text)
    }
}

/// What looks odd among the tries of one roll call; so many refusals of old codes are many.
pub fn in_session(tries: &[Sighting], many_old_codes: usize) -> Vec<Oddity> {
    let mut found = shared_devices(tries);
    found.append(&mut identical_coordinates(tries));
    found.append(&mut old_codes(tries, many_old_codes));
    found
}

/// What looks odd among the tries of one student in several roll calls; nobody travels faster than this.
pub fn of_student(tries: &[Sighting], kmh: f64) -> Vec<Oddity> {
    let mut found = impossible_travel(tries, kmh);
    found.append(&mut counter_forks(tries));
    found
}

/// One device that scanned for several students.
fn shared_devices(tries: &[Sighting]) -> Vec<Oddity> {
    let mut students: BTreeMap<(Uuid, Uuid), BTreeSet<Uuid>> = BTreeMap::new();
    for sighting in tries {
        if let Some(device) = sighting.device {
            let of_device = students.entry((sighting.session_id, device)).or_default();
            of_device.insert(sighting.student_id);
        }
    }
    let shared = students.into_iter().filter(|(_, students)| students.len() > 1);
    let oddity = |((session_id, device), students): ((Uuid, Uuid), BTreeSet<Uuid>)| Oddity {
        kind: OddityKind::SharedDevice,
        session_id,
        about: device.to_string(),
        detail: format!("One device scanned for {} students", students.len()),
        students,
    };
    shared.map(oddity).collect()
}

/// Several students at the very same place, to the last bit. Phones that round to five decimals (a metre) or fewer may well
/// say the same, so such places say nothing.
fn identical_coordinates(tries: &[Sighting]) -> Vec<Oddity> {
    let mut places: BTreeMap<(Uuid, u64, u64), Vec<&Sighting>> = BTreeMap::new();
    for sighting in tries {
        if let Some((latitude, longitude)) = sighting.place
            && is_fine(latitude)
            && is_fine(longitude)
        {
            let place = (sighting.session_id, latitude.to_bits(), longitude.to_bits());
            places.entry(place).or_default().push(sighting);
        }
    }
    let mut found = Vec::new();
    for ((session_id, ..), sightings) in places {
        let students: BTreeSet<Uuid> = sightings.iter().map(|one| one.student_id).collect();
        let first = sightings.iter().min_by_key(|one| (one.received_at, one.id));
        let (Some(first), true) = (first, students.len() >= SAME_PLACE) else {
            continue;
        };
        found.push(Oddity {
            kind: OddityKind::IdenticalCoordinates,
            session_id,
            about: first.id.to_string(),
            detail: format!("{} students reported the very same coordinates", students.len()),
            students,
        });
    }
    found
}

/// Whether a number has more than five decimals.
fn is_fine(degrees: f64) -> bool {
    let scaled = degrees * 1e5;
    (scaled - scaled.round()).abs() > 1e-4
}

/// Many scans of codes that were no longer on display.
fn old_codes(tries: &[Sighting], many: usize) -> Vec<Oddity> {
    let mut counts: BTreeMap<(Uuid, Uuid), usize> = BTreeMap::new();
    for sighting in tries {
        if sighting.code.as_deref() == Some("QR_EXPIRED") {
            *counts.entry((sighting.session_id, sighting.student_id)).or_default() += 1;
        }
    }
    let bursts = counts.into_iter().filter(|(_, count)| *count >= many);
    let oddity = |((session_id, student), _): ((Uuid, Uuid), usize)| Oddity {
        kind: OddityKind::OldCodes,
        session_id,
        about: student.to_string(),
        students: BTreeSet::from([student]),
        detail: format!("{many} or more scans of codes that were no longer on display"),
    };
    bursts.map(oddity).collect()
}

/// Two scans, one after the other, farther apart than anybody travels in that time; each place may be off by its accuracy.
fn impossible_travel(tries: &[Sighting], kmh: f64) -> Vec<Oddity> {
    let mut placed: Vec<_> = tries
        .iter()
        .filter_map(|one| one.place.map(|place| (one, place)))
        .collect();
    placed.sort_by_key(|(one, _)| (one.scanned_at, one.id));
    let mut found = Vec::new();
    for pair in placed.windows(2) {
        let [(before, from), (after, to)] = pair else { continue };
        let off = |one: &Sighting| one.accuracy_meters.unwrap_or(UNSAID_ACCURACY);
        let meters = (distance(*from, *to) - off(before) - off(after)).max(0.0);
        let seconds = (after.scanned_at - before.scanned_at)
            .as_seconds_f64()
            .max(LEAST_SECONDS);
        if meters / seconds * 3.6 > kmh {
            found.push(Oddity {
                kind: OddityKind::ImpossibleTravel,
                session_id: after.session_id,
                about: after.id.to_string(),
                students: BTreeSet::from([after.student_id]),
                detail: format!("At least {meters:.0} m between two scans within {seconds:.0} s"),
            });
        }
    }
    found
}

/// A device whose counter went back, or stood at the same number for two codes. The same scan sent again is neither.
fn counter_forks(tries: &[Sighting]) -> Vec<Oddity> {
    let mut ordered: Vec<&Sighting> = tries.iter().collect();
    ordered.sort_by_key(|one| (one.received_at, one.id));
    let mut last: BTreeMap<Uuid, (u64, Option<i64>)> = BTreeMap::new();
    let mut found: BTreeMap<Uuid, Oddity> = BTreeMap::new();
    for one in ordered {
        let (Some(device), Some(counter)) = (one.device, one.counter) else {
            continue;
        };
        if one.code.as_deref() != Some("DEVICE_MISMATCH") {
            let held = last.entry(device).or_insert((counter, one.slot));
            if counter > held.0 {
                *held = (counter, one.slot);
            }
            continue;
        }
        let Some((highest, slot)) = last.get(&device) else {
            continue;
        };
        let went_back = counter < *highest || (counter == *highest && one.slot != *slot);
        if went_back {
            found.entry(device).or_insert_with(|| Oddity {
                kind: OddityKind::CounterFork,
                session_id: one.session_id,
                about: device.to_string(),
                students: BTreeSet::from([one.student_id]),
                detail: format!("A device's counter stood at {highest} and came again as {counter}"),
            });
        }
    }
    found.into_values().collect()
}

/// Metres between two places on the sphere (haversine).
fn distance((lat1, lon1): (f64, f64), (lat2, lon2): (f64, f64)) -> f64 {
    let half = |one: f64, other: f64| ((other - one).to_radians() / 2.0).sin().powi(2);
    let a = half(lat1, lat2) + lat1.to_radians().cos() * lat2.to_radians().cos() * half(lon1, lon2);
    2.0 * EARTH_RADIUS * a.min(1.0).sqrt().asin()
}
