//! The demo: one user a role, two blocks of rooms, and forty students who live in them, all with one password.

use std::collections::HashMap;

use auth::NewAccount;
use grievance::{SeedGrievance, domain::Priority};
use leave::FirstLeave;
use proto::options::Role;
use students::{Beginning, NewBlock, NewRoom, NewStudent};
use uuid::Uuid;

pub(crate) const PASSWORD: &str = "Demo@1234";
const STUDENTS: u32 = 40;
const FIRST_NAMES: [&str; 10] = [
    "Asha", "Bilal", "Chitra", "Dev", "Esha", "Farhan", "Gauri", "Harish", "Ila", "Jatin",
];
const LAST_NAMES: [&str; 4] = ["Verma", "Khan", "Iyer", "Das"];
/// Name and location. The second block stands some two hundred metres north of the first.
const BLOCKS: [(&str, f64, f64); 2] = [("A", 28.6139, 77.2090), ("B", 28.6157, 77.2090)];
const ROOMS_A_BLOCK: u32 = 10;
const PLACES_A_ROOM: u32 = 4;
/// Two who share a room have consecutive numbers.
const STUDENTS_A_ROOM: u32 = 2;

/// Who complains, about what, how urgently, in which words.
const GRIEVANCES: [(u32, (&str, &str), Priority, &str); 4] = [
    (
        1,
        ("electrical", "fan"),
        Priority::High,
        "The ceiling fan makes a loud noise and stops after a minute.",
    ),
    (
        2,
        ("internet", "wifi"),
        Priority::Medium,
        "The wireless network of the first floor is gone every evening.",
    ),
    (
        3,
        ("plumbing", "tap"),
        Priority::Low,
        "The tap in the washroom drips all night.",
    ),
    (
        21,
        ("furniture", "chair"),
        Priority::Low,
        "One leg of my chair is broken, it cannot be sat on.",
    ),
];

/// Everybody in the demo.
pub(crate) fn accounts() -> Vec<NewAccount> {
    let staff = [
        ("admin", "Anita Admin", Role::Admin),
        ("warden", "Wahid Warden", Role::Warden),
        ("guard", "Gopal Guard", Role::Guard),
        ("staff", "Sunita Staff", Role::Staff),
        ("teacher", "Tara Teacher", Role::Teacher),
    ];
    let staff = staff.into_iter().map(|(address, name, role)| NewAccount {
        email: format!("{address}@demo.local"),
        name: name.to_owned(),
        role,
        registration_no: None,
    });
    let students = (1..=STUDENTS).map(|number| NewAccount {
        email: email(number),
        name: name(number),
        role: Role::Student,
        registration_no: Some(registration_no(number)),
    });
    staff.chain(students).collect()
}

/// Where everybody lives, given the ids of the accounts by their addresses. Whoever has no account is left out.
pub(crate) fn beginning(accounts: Vec<(String, Uuid)>) -> Beginning {
    let ids: HashMap<String, Uuid> = accounts.into_iter().collect();
    let student = |number| Some(student(number, *ids.get(&email(number))?));
    Beginning {
        blocks: BLOCKS.into_iter().map(block).collect(),
        students: (1..=STUDENTS).filter_map(student).collect(),
    }
}

/// Two leaves: one that is granted and begins tomorrow, one that waits for a warden. Of students whom nobody plays.
pub(crate) fn leaves(accounts: &[(String, Uuid)]) -> Vec<FirstLeave> {
    let id = |address: &str| accounts.iter().find(|(one, _)| one == address).map(|(_, id)| *id);
    let warden = id("warden@demo.local");
    let leave = |number: u32, days: (u64, u64), place: &str, granted_by| {
        Some(FirstLeave {
            student: id(&email(number))?,
            days,
            place: place.to_owned(),
            parent_phone: parent_phone(number),
            granted_by,
        })
    };
    let all = [leave(3, (1, 3), "Pune", warden), leave(5, (7, 9), "Nagpur", None)];
    all.into_iter().flatten().collect()
}

/// What some of them complain about. Whoever has no account is left out.
pub(crate) fn grievances(accounts: &[(String, Uuid)]) -> Vec<SeedGrievance> {
    let ids: HashMap<&str, Uuid> = accounts.iter().map(|(email, id)| (email.as_str(), *id)).collect();
    let of = |address: &str| ids.get(format!("{address}@demo.local").as_str()).copied();
    let raised = |(number, about, priority, words): (u32, (&str, &str), Priority, &str)| {
        let (block, room_no) = student(number, Uuid::nil()).room?;
        Some(SeedGrievance {
            student: *ids.get(email(number).as_str())?,
            block,
            room_no,
            category: about.0.to_owned(),
            sub_category: Some(about.1.to_owned()),
            priority,
            description: words.to_owned(),
            assigned_to: None,
            resolved: None,
        })
    };
    let mut all: Vec<SeedGrievance> = GRIEVANCES.into_iter().filter_map(raised).collect();
    if let [_, second, third, ..] = all.as_mut_slice() {
        second.assigned_to = of("staff");
        third.assigned_to = of("staff");
        third.resolved = of("warden").map(|warden| (warden, "The washer of the tap was replaced.".to_owned()));
    }
    all
}

fn block((name, latitude, longitude): (&str, f64, f64)) -> NewBlock {
    let room = |place| NewRoom {
        room_no: room_no(name, place),
        floor: 1,
        capacity: PLACES_A_ROOM,
    };
    NewBlock {
        name: name.to_owned(),
        latitude,
        longitude,
        rooms: (0..ROOMS_A_BLOCK).map(room).collect(),
    }
}

fn student(number: u32, id: Uuid) -> NewStudent {
    // From 0 on: 1 and 2 share the first room, 3 and 4 the second.
    let pair = (number - 1) / STUDENTS_A_ROOM;
    let year = pair % 4 + 1;
    let (block, place) = if pair < ROOMS_A_BLOCK {
        (BLOCKS[0].0, pair)
    } else {
        (BLOCKS[1].0, pair - ROOMS_A_BLOCK)
    };
    NewStudent {
        id,
        email: email(number),
        registration_no: registration_no(number),
        name: name(number),
        phone: format!("90000000{number:02}"),
        parent_phone: parent_phone(number),
        address: format!("{number} Lake Road, Pune"),
        year,
        semester: 2 * year - 1 + pair / 4 % 2,
        room: Some((block.to_owned(), room_no(block, place))),
    }
}

fn room_no(block: &str, place: u32) -> String {
    format!("{block}-{}", 101 + place)
}

fn email(number: u32) -> String {
    let suffix = if number == 1 { String::new() } else { number.to_string() };
    format!("student{suffix}@demo.local")
}

fn parent_phone(number: u32) -> String {
    format!("90000001{number:02}")
}

fn registration_no(number: u32) -> String {
    format!("REG-2026-{number:03}")
}

fn name(number: u32) -> String {
    let turn = number as usize - 1;
    let (first, last) = (
        FIRST_NAMES[turn % FIRST_NAMES.len()],
        LAST_NAMES[turn / FIRST_NAMES.len()],
    );
    format!("{first} {last}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_demo_is_as_documented() {
        let all = accounts();
        assert_eq!(all.len(), 45);
        assert_eq!(all[5].email, "student@demo.local");
        assert_eq!(all[5].registration_no.as_deref(), Some("REG-2026-001"));
        assert_eq!(all[6].email, "student2@demo.local");
        let names: HashSet<_> = all.iter().map(|one| &one.name).collect();
        assert_eq!(names.len(), 45);
    }

    #[test]
    fn two_blocks_of_ten_rooms_are_lived_in() {
        let ids = accounts().into_iter().map(|one| (one.email, Uuid::nil())).collect();
        let beginning = beginning(ids);
        let rooms: Vec<_> = beginning.blocks.iter().flat_map(|block| &block.rooms).collect();
        assert_eq!(
            (rooms.len(), rooms[0].room_no.as_str(), rooms[9].room_no.as_str()),
            (20, "A-101", "A-110")
        );
        let lives = |student: &NewStudent| student.room.clone().unwrap();
        let home = ("A".to_owned(), "A-101".to_owned());
        let [first, second] = [&beginning.students[0], &beginning.students[1]];
        assert_eq!((lives(first), first.year), (home, 1));
        assert_eq!((&lives(second).0, second.year), (&lives(first).0, first.year));
        assert_eq!(beginning.students.len(), 40);
        let terms: HashSet<_> = beginning.students.iter().map(|one| (one.year, one.semester)).collect();
        assert_eq!(terms.len(), 8, "every semester has students");
        let lived_in: HashSet<_> = beginning.students.iter().map(lives).collect();
        assert_eq!(lived_in.len(), 20);
    }

    #[test]
    fn whoever_has_no_account_is_left_out() {
        assert!(beginning(Vec::new()).students.is_empty());
        assert!(leaves(&[]).is_empty());
    }
}
