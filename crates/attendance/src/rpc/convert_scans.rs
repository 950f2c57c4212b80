//! Between messages of scans and the domain.

use chrono::{DateTime, Utc};
use kit::{
    Fault,
    clock::timestamp,
    fault::{Fields, Violation},
};
use prost_types::Timestamp;
use proto::attendance::{
    self as message, ScanAnswer, ScanRecord, ScanRequest, ScanStatus, SeenAccessPoint, SyncOutcome, SyncResult,
};
use uuid::Uuid;

use super::convert;
use crate::{
    domain::{Bssid, Fix, Outcome, Refusal, SeenPoint, Word, evidence},
    operations::scan::{
        Answer, Sent,
        sync::{Late, LateOutcome},
    },
    store::scan::Kept,
};

/// Longer lists of access points are nobody's honest report.
const ACCESS_POINTS: usize = 50;
/// Longer text is no code.
const LONGEST_TOKEN: usize = 1024;
const LONGEST_SIGNATURE: usize = 100;
/// Beyond the last one numbers of JSON are not exact.
const COUNTERS: std::ops::RangeInclusive<u64> = 1..=9_007_199_254_740_991;

/// A scan as a phone sent it; what is wrong with its fields is told all at once.
pub(super) fn sent(request: ScanRequest) -> Result<Sent, Fault> {
    let mut fields = Fields::default();
    let fix = request.location.and_then(|location| fix(&mut fields, location));
    if request.qr_token.len() > LONGEST_TOKEN {
        fields.wrong("qr_token", format!("must be at most {LONGEST_TOKEN} characters"));
    }
    if request.access_points.len() > ACCESS_POINTS {
        fields.wrong("access_points", format!("must be at most {ACCESS_POINTS}"));
    }
    let is_digits = |text: &String| text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    if request.otp.as_ref().is_some_and(|text| !is_digits(text)) {
        fields.wrong("otp", "must be six digits");
    }
    if request
        .signature
        .as_ref()
        .is_some_and(|text| text.len() > LONGEST_SIGNATURE)
    {
        fields.wrong("signature", format!("must be at most {LONGEST_SIGNATURE} characters"));
    }
    if request.counter.is_some_and(|counter| !COUNTERS.contains(&counter)) {
        let (first, last) = COUNTERS.into_inner();
        fields.wrong("counter", format!("must be between {first} and {last}"));
    }
    let device = request.device_id.as_deref().map(Uuid::parse_str).transpose();
    let device_id = fields.take("device_id", device.map_err(|_| "must be a UUID")).flatten();
    let scanned_at = time(&mut fields, "scanned_at", request.scanned_at);
    let server_time = time(&mut fields, "server_time", request.server_time);
    let access_points = access_points(&mut fields, &request.access_points);
    if !fields.is_empty() {
        return Err(fields.fault());
    }
    Ok(Sent {
        token: request.qr_token,
        fix,
        scanned_at,
        digits: request.otp,
        access_points,
        device_id,
        counter: request.counter,
        signature: request.signature,
        server_time,
    })
}

fn access_points(fields: &mut Fields, seen: &[SeenAccessPoint]) -> Vec<SeenPoint> {
    let mut points = Vec::with_capacity(seen.len());
    for (index, one) in seen.iter().enumerate() {
        let bssid = fields.take(&format!("access_points[{index}].bssid"), Bssid::parse(&one.bssid));
        points.extend(bssid.map(|bssid| SeenPoint { bssid, rssi: one.rssi }));
    }
    points
}

fn fix(fields: &mut Fields, location: message::Fix) -> Option<Fix> {
    let latitude = degrees(fields, "location.latitude", location.latitude, 90.0);
    let longitude = degrees(fields, "location.longitude", location.longitude, 180.0);
    if location
        .accuracy_meters
        .is_some_and(|accuracy| !(0.0..=100_000.0).contains(&accuracy))
    {
        fields.wrong("location.accuracy_meters", "must be between 0 and 100000");
    }
    let captured_at = time(fields, "location.captured_at", location.captured_at);
    Some(Fix {
        latitude: latitude?,
        longitude: longitude?,
        accuracy_meters: location.accuracy_meters,
        captured_at,
        mocked: location.mocked.unwrap_or_default(),
    })
}

fn degrees(fields: &mut Fields, field: &str, given: Option<f64>, most: f64) -> Option<f64> {
    let within = |degrees: &f64| (-most..=most).contains(degrees);
    let wrong = || format!("must be between -{most} and {most}");
    match given {
        None => fields.take(field, Err("is needed")),
        Some(_) => fields.take(field, given.filter(within).ok_or_else(wrong)),
    }
}

/// A time that is kept: whole microseconds, of this age of the world.
fn time(fields: &mut Fields, field: &str, given: Option<Timestamp>) -> Option<DateTime<Utc>> {
    let given = given?;
    let nanos = u32::try_from(given.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
    let seconds = Some(given.seconds).filter(|seconds| (0..=253_402_300_799).contains(seconds));
    let at = seconds
        .zip(nanos)
        .and_then(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos / 1000 * 1000));
    fields.take(field, at.ok_or("must be a time between 1970 and 9999"))
}

pub(super) fn answer(answer: &Answer) -> ScanAnswer {
    let status = if answer.marked {
        ScanStatus::Present
    } else {
        ScanStatus::AwaitingConfirmation
    };
    ScanAnswer {
        attendance_marked: answer.marked,
        status: status.into(),
        scan_id: answer.scan.scan_id.to_string(),
        session_id: answer.session.id.to_string(),
        student_name: answer.student.name.clone(),
        room_no: answer.student.room_no.clone(),
        scanned_at: Some(timestamp(answer.scan.scanned_at)),
        distance_meters: answer.scan.distance_meters.map(rounded),
    }
}

pub(super) fn late(index: usize, late: Late) -> SyncResult {
    let (outcome, code) = match late.outcome {
        LateOutcome::Marked => (SyncOutcome::Marked, None),
        LateOutcome::AlreadyMarked => (SyncOutcome::AlreadyMarked, None),
        LateOutcome::Awaiting => (SyncOutcome::AwaitingConfirmation, None),
        LateOutcome::Refused(code) => (SyncOutcome::Refused, Some(code.to_owned())),
    };
    SyncResult {
        index: u32::try_from(index).unwrap_or(u32::MAX),
        outcome: outcome.into(),
        code,
        scanned_at: late.scanned_at.map(timestamp),
        session_id: late.session_id.map(|id| id.to_string()),
    }
}

pub(super) fn record(kept: Kept) -> ScanRecord {
    let word = kept.word.map(|(word, ..)| word);
    let (status, code) = came_of(&kept);
    let mut held: Vec<message::Evidence> = kept
        .evidence
        .held()
        .iter()
        .map(|held| message::Evidence {
            factor: convert::factor(held.factor).into(),
            strength: held.strength,
        })
        .collect();
    if word == Some(Word::Confirmed) {
        held.push(message::Evidence {
            factor: message::Factor::Guard.into(),
            strength: evidence::GUARD,
        });
    }
    ScanRecord {
        id: kept.id.to_string(),
        session_id: kept.session_id.map(|id| id.to_string()).unwrap_or_default(),
        student_id: kept.student_id.to_string(),
        student_name: kept.student_name.unwrap_or_default(),
        room_no: kept.room_no,
        status: status.into(),
        code,
        distance_meters: kept.distance_meters.map(rounded),
        accuracy_meters: kept.accuracy_meters,
        scanned_at: Some(timestamp(kept.scanned_at)),
        received_at: Some(timestamp(kept.received_at)),
        offline: kept.offline,
        evidence: held,
        decided_by: kept.word.map(|(_, by, _)| by.to_string()),
        decided_at: kept.word.map(|(_, _, at)| timestamp(at)),
    }
}

/// What came of a scan, the guard's word included; why, where it does not count.
pub(super) fn came_of(kept: &Kept) -> (ScanStatus, Option<String>) {
    match (kept.outcome, kept.word.map(|(word, ..)| word)) {
        (Outcome::Marked, _) | (Outcome::Awaiting, Some(Word::Confirmed)) => (ScanStatus::Present, None),
        (Outcome::Awaiting, None) => (ScanStatus::AwaitingConfirmation, None),
        (Outcome::Awaiting, Some(Word::Refused)) => (ScanStatus::Refused, Some(Refusal::ByGuard.code().to_owned())),
        (Outcome::AlreadyMarked, _) => (ScanStatus::Refused, Some("ALREADY_MARKED".to_owned())),
        (Outcome::Refused, _) => (ScanStatus::Refused, kept.code.clone()),
    }
}

/// Why a scan does not count, for the student.
pub(crate) fn refusal(refusal: Refusal) -> Fault {
    let code = refusal.code();
    match refusal {
        Refusal::QrInvalid => Fault::refused(code, "This is no code of a roll call"),
        Refusal::QrExpired => Fault::refused(code, "This code is no longer on display, scan the one that is"),
        Refusal::SessionClosed => Fault::refused(code, "This roll call is closed"),
        Refusal::NotInSession => Fault::refused(code, "This roll call is of another block or year"),
        Refusal::LocationMismatch {
            distance_meters,
            allowed_meters,
        } => Fault::refused(code, "You are too far from the display")
            .detail("distance_meters", rounded(distance_meters))
            .detail("max_allowed_meters", rounded(allowed_meters)),
        Refusal::LocationUnusable(why) => {
            Fault::refused(code, "Where the phone says it is cannot be used, try again").detail("why", why.as_str())
        }
        Refusal::OtpInvalid => Fault::refused(code, "These are not the digits on display"),
        Refusal::OtpMissing => Fault::refused(code, "Type the six digits beside the code as well"),
        Refusal::AccessPointMismatch => Fault::refused(code, "The phone sees no access point of this block"),
        Refusal::DeviceMismatch(why) => {
            Fault::refused(code, "The scan is not signed by your device").detail("why", why)
        }
        Refusal::ByGuard => Fault::refused(code, "The guard did not find you there"),
    }
}

/// Whole centimetres: no phone knows more.
pub(super) fn rounded(meters: f64) -> f64 {
    (meters * 100.0).round() / 100.0
}

/// A list of scans that is no list.
pub(super) fn too_many(count: usize, most: usize) -> Result<(), Fault> {
    match count {
        0 => Err(Fault::validation(vec![Violation::new("scans", "is needed")])),
        count if count > most => Err(Fault::invalid("scans", format!("must be at most {most}"))),
        _ => Ok(()),
    }
}
