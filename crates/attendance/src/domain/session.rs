//! A roll call: its state and how it ends.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use uuid::Uuid;

use super::Requirement;

/// What a code names its roll call by: drawn at random, it tells nothing.
pub type Handle = [u8; 8];

/// Where a roll call is held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub latitude: f64,
    pub longitude: f64,
    /// The radius within which it is with 95 % certainty; 0 where nobody said.
    pub accuracy_meters: f64,
}

impl Place {
    /// Where a block stands, by latitude and longitude: somebody chose the point on a map, and nobody asks how well.
    pub fn of_block((latitude, longitude): (f64, f64)) -> Self {
        Self {
            latitude,
            longitude,
            accuracy_meters: 0.0,
        }
    }
}

/// A block, as far as a roll call needs to know it.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownBlock {
    /// As it is called.
    pub name: String,
    /// `None` where nobody said.
    pub place: Option<Place>,
}

/// A roll call about to be opened.
#[derive(Clone, Debug)]
pub struct NewSession {
    pub block: String,
    pub year: u8,
    pub duration: Duration,
    /// Where it is held; `None` for the block's own place.
    pub place: Option<Place>,
    pub rotate_seconds: u32,
    pub radius_meters: f64,
    pub require: Requirement,
}

/// Who opens a roll call and when, and what it is given to be known by.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    pub id: Uuid,
    pub handle: Handle,
    pub by: Uuid,
    pub at: DateTime<Utc>,
    /// The hostel's day of that time.
    pub day: NaiveDate,
}

/// A roll call.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub id: Uuid,
    pub handle: Handle,
    pub block: String,
    pub block_folded: String,
    pub year: u8,
    /// The hostel's day on which it began.
    pub day: NaiveDate,
    pub valid_from: DateTime<Utc>,
    pub valid_until: DateTime<Utc>,
    pub rotate_seconds: u32,
    pub radius_meters: f64,
    pub require: Requirement,
    /// `None` where proximity is not asked for and no place is known.
    pub place: Option<Place>,
    pub opened_by: Uuid,
    pub state: SessionState,
    /// How many events were told of it.
    pub version: i64,
}

/// How a roll call stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SessionState {
    Open,
    /// Only late scans still come in, until `settles_at`.
    Closed(Closed),
    /// Whoever was not there is absent.
    Settled(Closed),
}

/// How and when a roll call ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Closed {
    pub at: DateTime<Utc>,
    pub by: Closing,
    pub settles_at: DateTime<Utc>,
}

/// Who or what ended a roll call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Closing {
    Time,
    Guard,
    Warden,
}

impl Closing {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Guard => "guard",
            Self::Warden => "warden",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Time, Self::Guard, Self::Warden]
            .into_iter()
            .find(|closing| closing.as_str() == text)
    }
}

impl NewSession {
    /// The roll call, open from now on.
    pub fn open(self, opening: Opening) -> Session {
        Session {
            id: opening.id,
            handle: opening.handle,
            block_folded: super::folded(&self.block),
            block: self.block,
            year: self.year,
            day: opening.day,
            valid_from: opening.at,
            valid_until: opening.at + self.duration,
            rotate_seconds: self.rotate_seconds,
            radius_meters: self.radius_meters,
            require: self.require,
            place: self.place,
            opened_by: opening.by,
            state: SessionState::Open,
            version: 1,
        }
    }
}

impl Session {
    /// How it ends when somebody ends it now: once its time is over, that was what ended it, at that very moment.
    pub fn ended(&self, by: Closing, now: DateTime<Utc>, late_sync: Duration) -> Closed {
        let (at, by) = if self.is_over(now) {
            (self.valid_until, Closing::Time)
        } else {
            (now, by)
        };
        let settles_at = at + late_sync;
        Closed { at, by, settles_at }
    }

    /// Whether its time is over, though perhaps nobody wrote that down yet.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        now >= self.valid_until
    }

    pub fn is_open(&self) -> bool {
        self.state == SessionState::Open
    }

    /// Which code is on display at this time, counted from the beginning; 0 for all time where it does not change.
    pub fn slot_at(&self, at: DateTime<Utc>) -> u32 {
        if self.rotate_seconds == 0 {
            return 0;
        }
        let elapsed = (at - self.valid_from).num_seconds().max(0);
        u32::try_from(elapsed / i64::from(self.rotate_seconds)).unwrap_or(u32::MAX)
    }

    /// When the code changes that is on display at this time; never later than the end of the roll call.
    pub fn slot_ends(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        if self.rotate_seconds == 0 {
            return self.valid_until;
        }
        let seconds = (i64::from(self.slot_at(at)) + 1) * i64::from(self.rotate_seconds);
        (self.valid_from + Duration::seconds(seconds)).min(self.valid_until)
    }

    /// Whether a code holds at this time: the one on display, or the one before it.
    pub fn slot_holds(&self, slot: u32, at: DateTime<Utc>) -> bool {
        let now = self.slot_at(at);
        at >= self.valid_from && at < self.valid_until && (slot == now || slot.checked_add(1) == Some(now))
    }

    pub fn closed(&self) -> Option<Closed> {
        match self.state {
            SessionState::Open => None,
            SessionState::Closed(closed) | SessionState::Settled(closed) => Some(closed),
        }
    }

    pub fn is_settled(&self) -> bool {
        matches!(self.state, SessionState::Settled(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000 + seconds, 0).unwrap()
    }

    fn session(rotate_seconds: u32) -> Session {
        let new = NewSession {
            block: " a".to_owned(),
            year: 1,
            duration: Duration::seconds(100),
            place: None,
            rotate_seconds,
            radius_meters: 2.0,
            require: Requirement::of(&[]).unwrap(),
        };
        new.open(Opening {
            id: Uuid::from_u128(1),
            handle: *b"rollcall",
            by: Uuid::from_u128(2),
            at: at(0),
            day: at(0).date_naive(),
        })
    }

    #[test]
    fn the_code_changes_and_the_one_before_holds() {
        let session = session(25);
        assert_eq!(session.block_folded, "A");
        for (now, slot, ends) in [(0, 0, 25), (24, 0, 25), (25, 1, 50), (99, 3, 100)] {
            assert_eq!(
                (session.slot_at(at(now)), session.slot_ends(at(now))),
                (slot, at(ends)),
                "{now}"
            );
        }
        assert!(session.slot_holds(1, at(49)) && session.slot_holds(1, at(74)));
        assert!(!session.slot_holds(1, at(24)), "codes of later are not shown yet");
        assert!(!session.slot_holds(1, at(75)), "older codes are over");
        assert!(!session.slot_holds(3, at(100)) && !session.slot_holds(0, at(-1)));
        assert!(!session.slot_holds(u32::MAX, at(0)));
    }

    #[test]
    fn one_code_for_the_whole_time() {
        let session = session(0);
        assert_eq!((session.slot_at(at(99)), session.slot_ends(at(0))), (0, at(100)));
        assert!(session.slot_holds(0, at(99)) && !session.slot_holds(0, at(100)) && !session.slot_holds(1, at(99)));
    }

    #[test]
    fn whoever_comes_too_late_to_close_it_finds_it_ended_by_time() {
        let late = Duration::minutes(5);
        let closed = session(25).ended(Closing::Guard, at(99), late);
        assert_eq!(
            (closed.by, closed.at, closed.settles_at),
            (Closing::Guard, at(99), at(99) + late)
        );
        let closed = session(25).ended(Closing::Guard, at(100), late);
        assert_eq!((closed.by, closed.at), (Closing::Time, at(100)));
        let closed = session(25).ended(Closing::Time, at(5000), late);
        assert_eq!((closed.at, closed.settles_at), (at(100), at(100) + late));
    }

    #[test]
    fn what_ended_it_is_read_as_it_was_written() {
        for closing in [Closing::Time, Closing::Guard, Closing::Warden] {
            assert_eq!(Closing::parse(closing.as_str()), Some(closing));
        }
        assert_eq!(Closing::parse("nobody"), None);
    }
}
