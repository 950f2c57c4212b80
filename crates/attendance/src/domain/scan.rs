//! A try of a student to be marked, and what comes of it.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use uuid::Uuid;

use super::{Evidence, Session, Unusable, proximity};

/// Late scans may be off by so many codes: phones' clocks run ahead and behind.
const SLOTS_OFF: u32 = 2;

/// Why a scan does not count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Refusal {
    QrInvalid,
    QrExpired,
    SessionClosed,
    NotInSession,
    LocationMismatch {
        distance_meters: f64,
        allowed_meters: f64,
    },
    LocationUnusable(Unusable),
    OtpInvalid,
    /// The roll call asks for digits, and none were sent: nothing was guessed.
    OtpMissing,
    AccessPointMismatch,
    /// Why, in words for the student.
    DeviceMismatch(&'static str),
    /// The guard looked, and did not find them there.
    ByGuard,
}

impl Refusal {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::QrInvalid => "QR_INVALID",
            Self::QrExpired => "QR_EXPIRED",
            Self::SessionClosed => "SESSION_CLOSED",
            Self::NotInSession => "NOT_IN_SESSION",
            Self::LocationMismatch { .. } => "LOCATION_MISMATCH",
            Self::LocationUnusable(_) => "LOCATION_UNUSABLE",
            Self::OtpInvalid | Self::OtpMissing => "OTP_INVALID",
            Self::AccessPointMismatch => "ACCESS_POINT_MISMATCH",
            Self::DeviceMismatch(_) => "DEVICE_MISMATCH",
            Self::ByGuard => "REFUSED_BY_GUARD",
        }
    }

    /// As it is kept: guesses are counted, and what was no guess is not.
    pub const fn kept_code(&self) -> &'static str {
        match self {
            Self::OtpMissing => "OTP_MISSING",
            other => other.code(),
        }
    }
}

/// A try, before it is known what comes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    pub id: Uuid,
    /// The roll call's day; of a try that names none, the day of the try.
    pub day: NaiveDate,
    pub session_id: Option<Uuid>,
    pub student_id: Uuid,
    /// The phone was not connected when it read the code.
    pub offline: bool,
    pub scanned_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub distance_meters: Option<f64>,
    pub accuracy_meters: Option<f64>,
    /// Latitude and longitude.
    pub point: Option<(f64, f64)>,
    pub evidence: Evidence,
    pub device: Option<(Uuid, u64)>,
    /// Which of the roll call's codes was read.
    pub slot: Option<u32>,
}

/// What came of a try, as it is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    Marked,
    AlreadyMarked,
    Awaiting,
    Refused,
}

impl Outcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Marked => "marked",
            Self::AlreadyMarked => "already_marked",
            Self::Awaiting => "awaiting",
            Self::Refused => "refused",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Marked, Self::AlreadyMarked, Self::Awaiting, Self::Refused]
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
    }
}

/// What the guard said of a scan that was not certain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Word {
    Confirmed,
    Refused,
}

impl Word {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Confirmed, Self::Refused]
            .into_iter()
            .find(|word| word.as_str() == text)
    }
}

impl Session {
    /// Whether a scan that comes late can have been made when it says: its code was on display about then, the roll call
    /// went on, and it is not too long ago.
    pub fn takes_late(
        &self,
        slot: Option<u32>,
        scanned_at: DateTime<Utc>,
        now: DateTime<Utc>,
        late: Duration,
    ) -> Result<(), Refusal> {
        let off = Duration::seconds(i64::from(self.rotate_seconds) * i64::from(SLOTS_OFF));
        let in_window = scanned_at >= self.valid_from - off && scanned_at < self.valid_until + off;
        let agrees = slot.is_none_or(|slot| slot.abs_diff(self.slot_at(scanned_at)) <= SLOTS_OFF);
        if scanned_at > now + proximity::AHEAD || now - scanned_at > late || !in_window || !agrees {
            return Err(Refusal::QrExpired);
        }
        if self.closed().is_some_and(|closed| scanned_at >= closed.at + off) {
            return Err(Refusal::SessionClosed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Closed, Closing, Requirement, SessionState};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000 + seconds, 0).unwrap()
    }

    fn session(rotate_seconds: u32) -> Session {
        Session {
            id: Uuid::nil(),
            handle: [0; 8],
            block: "A".to_owned(),
            block_folded: "A".to_owned(),
            year: 1,
            day: at(0).date_naive(),
            valid_from: at(0),
            valid_until: at(600),
            rotate_seconds,
            radius_meters: 2.0,
            require: Requirement::of(&[]).unwrap(),
            place: None,
            opened_by: Uuid::nil(),
            state: SessionState::Open,
            version: 1,
        }
    }

    #[test]
    fn a_late_scan_agrees_with_its_code_within_two_changes() {
        let (session, late) = (session(20), Duration::hours(24));
        let takes = |slot, seconds| session.takes_late(Some(slot), at(seconds), at(3600), late).is_ok();
        // Slot 10 was on display from 200 to 220 seconds.
        let good: Vec<i64> = (0..600).filter(|seconds| takes(10, *seconds)).collect();
        assert_eq!((good.first(), good.last(), good.len()), (Some(&160), Some(&259), 100));
        assert!(takes(0, -40) && !takes(0, -41) && takes(29, 639) && !takes(31, 640));
    }

    #[test]
    fn a_code_that_never_changes_holds_for_the_window_alone() {
        let (session, late) = (session(0), Duration::hours(24));
        let takes = |seconds| session.takes_late(Some(0), at(seconds), at(3600), late).is_ok();
        assert!(takes(0) && takes(599) && !takes(-1) && !takes(600));
        let of_another = session.takes_late(Some(3), at(10), at(3600), late);
        assert_eq!(of_another, Err(Refusal::QrExpired));
    }

    #[test]
    fn late_has_an_end_and_the_future_is_not_taken() {
        let mut session = session(20);
        let late = Duration::minutes(60);
        let takes = |session: &Session, now| session.takes_late(Some(10), at(210), at(now), late);
        assert_eq!(takes(&session, 210 + 3600), Ok(()));
        assert_eq!(takes(&session, 211 + 3600), Err(Refusal::QrExpired));
        assert_eq!(takes(&session, 150), Ok(()));
        assert_eq!(takes(&session, 149), Err(Refusal::QrExpired));
        let closed = |seconds| Closed {
            at: at(seconds),
            by: Closing::Guard,
            settles_at: at(seconds) + late,
        };
        session.state = SessionState::Closed(closed(171));
        assert_eq!(takes(&session, 300), Ok(()));
        session.state = SessionState::Closed(closed(170));
        assert_eq!(takes(&session, 300), Err(Refusal::SessionClosed));
        // A scan that is early enough takes an absence back.
        session.state = SessionState::Settled(closed(600));
        assert_eq!(takes(&session, 300), Ok(()));
    }
}
