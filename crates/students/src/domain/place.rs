//! Rooms and blocks.

use chrono::{DateTime, Utc};
use uuid::Uuid;

const LONGEST: usize = 20;
pub const MOST_PLACES: u32 = 100;
const LOWEST: i32 = -5;
const HIGHEST: i32 = 200;

/// How many may live in a room.
pub fn capacity(places: u32) -> Result<u32, &'static str> {
    if (1..=MOST_PLACES).contains(&places) {
        Ok(places)
    } else {
        Err("must be between 1 and 100")
    }
}

/// A floor; 0 is the ground floor.
pub fn floor(number: i32) -> Result<i32, &'static str> {
    if (LOWEST..=HIGHEST).contains(&number) {
        Ok(number)
    } else {
        Err("must be between -5 and 200")
    }
}

/// The name of a block; compared without regard to case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BlockName(String);

impl BlockName {
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-');
        let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !begins || text.len() > LONGEST || !text.chars().all(plain) {
            return Err("must be 1 to 20 letters, digits, spaces, hyphens or underscores, the first a letter or digit");
        }
        Ok(Self(text.trim_end().to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which names are compared.
    pub fn folded(&self) -> String {
        self.0.to_ascii_uppercase()
    }
}

/// The number of a room, unique in its block; compared without regard to case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoomNumber(String);

impl RoomNumber {
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        kit::contact::line(text, LONGEST, "must be at most 20 characters").map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which numbers are compared.
    pub fn folded(&self) -> String {
        self.0.to_uppercase()
    }
}

/// A room, as others speak of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoomRef {
    pub id: Uuid,
    pub room_no: RoomNumber,
    pub block: BlockName,
}

/// A room.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Room {
    pub id: Uuid,
    pub room_no: RoomNumber,
    pub block: BlockName,
    pub floor: i32,
    pub capacity: u32,
    pub occupied: u32,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What is to change of a room; what is left out stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub room_no: Option<RoomNumber>,
    pub floor: Option<i32>,
    pub capacity: Option<u32>,
}

/// A time that somebody lived in a room, which is named as it was then.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stay {
    pub student: Uuid,
    pub room: RoomRef,
    pub moved_in_at: DateTime<Utc>,
    pub moved_out_at: Option<DateTime<Utc>>,
}

impl Room {
    /// The room after a change, as its next version; the very same room where nothing changes.
    #[must_use]
    pub fn change(self, change: Change, at: DateTime<Utc>) -> Self {
        let after = Self {
            room_no: change.room_no.unwrap_or_else(|| self.room_no.clone()),
            floor: change.floor.unwrap_or(self.floor),
            capacity: change.capacity.unwrap_or(self.capacity),
            ..self.clone()
        };
        if after == self {
            return self;
        }
        Self {
            version: self.version + 1,
            updated_at: at,
            ..after
        }
    }

    pub fn reference(&self) -> RoomRef {
        RoomRef {
            id: self.id,
            room_no: self.room_no.clone(),
            block: self.block.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacities_and_floors() {
        assert!(capacity(1).is_ok() && capacity(100).is_ok());
        assert!(capacity(0).is_err() && capacity(101).is_err());
        assert!(floor(-5).is_ok() && floor(200).is_ok());
        assert!(floor(-6).is_err() && floor(201).is_err());
    }

    #[test]
    fn a_change_that_changes_nothing_is_no_new_version() {
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let room = Room {
            id: Uuid::nil(),
            room_no: RoomNumber::parse("101").unwrap(),
            block: BlockName::parse("A").unwrap(),
            floor: 1,
            capacity: 2,
            occupied: 1,
            version: 3,
            created_at: at,
            updated_at: at,
        };
        let later = at + chrono::Duration::hours(1);
        let same = Change {
            floor: Some(1),
            ..Change::default()
        };
        assert_eq!(room.clone().change(same, later), room);
        let larger = Change {
            capacity: Some(3),
            ..Change::default()
        };
        let after = room.change(larger, later);
        assert_eq!((after.version, after.capacity, after.updated_at), (4, 3, later));
    }

    #[test]
    fn names_of_blocks() {
        for good in ["A", "North Wing", "b-2", "9_x"] {
            assert!(BlockName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", " A", "-A", "A/B", "Blöck", "a\u{0}", &"A".repeat(21)] {
            assert!(BlockName::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(
            BlockName::parse("a").unwrap().folded(),
            BlockName::parse("A").unwrap().folded()
        );
    }
}
