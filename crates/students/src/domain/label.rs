//! Rooms as people write them: "A-101".

use super::{BlockName, Room, RoomNumber, RoomRef};

/// What a label says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Found {
    One(Room),
    None,
    /// More than one room may be meant.
    Several,
}

/// The ways of reading a label as block and number, split at each hyphen. Both stand in the form by which they are compared.
pub fn readings(label: &str) -> Vec<(String, String)> {
    let split = |(at, _): (usize, &str)| {
        let block = BlockName::parse(label[..at].trim()).ok()?;
        let number = RoomNumber::parse(&label[at + 1..]).ok()?;
        Some((block.folded(), number.folded()))
    };
    label.match_indices('-').filter_map(split).collect()
}

/// Which of these rooms a label means: that of this very number in whatever block; where there is none, that of block and
/// number.
pub fn choose<'a>(label: &str, rooms: impl Iterator<Item = &'a Room> + Clone) -> Found {
    let Ok(number) = RoomNumber::parse(label) else {
        return only(rooms.filter(|room| is_read_so(label, room)));
    };
    let folded = number.folded();
    match only(rooms.clone().filter(|room| room.room_no.folded() == folded)) {
        Found::None => only(rooms.filter(|room| is_read_so(label, room))),
        found => found,
    }
}

/// The labels by which a room may be found, the plainest first: `A-101` for the room 101 of block A, and for one whose number
/// says the block already.
pub fn writings(room: &RoomRef) -> Vec<String> {
    let (block, number) = (room.block.as_str(), room.room_no.as_str());
    let both = format!("{block}-{number}");
    let says_block = room.room_no.folded().starts_with(&format!("{}-", room.block.folded()));
    if says_block {
        vec![number.to_owned(), both]
    } else {
        vec![both, number.to_owned()]
    }
}

fn is_read_so(label: &str, room: &Room) -> bool {
    readings(label).contains(&(room.block.folded(), room.room_no.folded()))
}

fn only<'a>(mut rooms: impl Iterator<Item = &'a Room>) -> Found {
    match (rooms.next(), rooms.next()) {
        (Some(room), None) => Found::One(room.clone()),
        (Some(_), Some(_)) => Found::Several,
        (None, _) => Found::None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    fn room(block: &str, number: &str) -> Room {
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        Room {
            id: Uuid::nil(),
            room_no: RoomNumber::parse(number).unwrap(),
            block: BlockName::parse(block).unwrap(),
            floor: 1,
            capacity: 2,
            occupied: 0,
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }

    fn found(label: &str, rooms: &[Room]) -> String {
        match choose(label, rooms.iter()) {
            Found::One(room) => format!("{} {}", room.block.as_str(), room.room_no.as_str()),
            Found::None => "none".to_owned(),
            Found::Several => "several".to_owned(),
        }
    }

    #[test]
    fn labels() {
        let rooms = [
            room("A", "A-101"),
            room("B", "101"),
            room("C", "101"),
            room("North-2", "7"),
            room("North", "2-8"),
        ];
        for (label, expected) in [
            ("A-101", "A A-101"),
            (" a-101 ", "A A-101"),
            ("A-A-101", "A A-101"),
            ("101", "several"),
            ("b-101", "B 101"),
            ("C - 101", "C 101"),
            ("North-2-7", "North-2 7"),
            ("north-2-8", "North 2-8"),
            ("D-101", "none"),
            ("", "none"),
            ("-", "none"),
            ("--101", "none"),
        ] {
            assert_eq!(found(label, &rooms), expected, "{label:?}");
        }
    }

    #[test]
    fn rooms_are_written_as_they_are_read() {
        let rooms = [
            room("A", "A-101"),
            room("A", "102"),
            room("B", "102"),
            room("North-2", "7"),
        ];
        for (room, plainest) in rooms.iter().zip(["A-101", "A-102", "B-102", "North-2-7"]) {
            assert_eq!(writings(&room.reference())[0], plainest);
            assert_eq!(choose(plainest, rooms.iter()), Found::One(room.clone()));
        }
    }

    #[test]
    fn a_label_that_can_be_read_in_two_ways_means_neither() {
        let rooms = [room("N-1", "5"), room("N", "1-5")];
        assert_eq!(found("N-1-5", &rooms), "several");
    }
}
