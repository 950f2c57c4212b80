//! A large hostel: made-up people who fill block after block.

use kit::Clock;
use students::{Beginning, NewBlock, NewRoom, NewStudent};

const FIRST_NAMES: [&str; 25] = [
    "Asha", "Bilal", "Chitra", "Dev", "Esha", "Farhan", "Gauri", "Harish", "Ila", "Jatin", "Kavya", "Lakshmi", "Manoj",
    "Nisha", "Omkar", "Priya", "Rahul", "Sara", "Tarun", "Uma", "Vera", "Wasim", "Yash", "Zoya", "Arjun",
];
const LAST_NAMES: [&str; 40] = [
    "Verma",
    "Khan",
    "Iyer",
    "Das",
    "Nair",
    "Patel",
    "Singh",
    "Reddy",
    "Joshi",
    "Mehta",
    "Rao",
    "Gupta",
    "Sharma",
    "Bose",
    "Pillai",
    "Menon",
    "Chopra",
    "Dutta",
    "Ghosh",
    "Kulkarni",
    "Mishra",
    "Naidu",
    "Pandey",
    "Qureshi",
    "Saxena",
    "Thakur",
    "Tripathi",
    "Varghese",
    "Yadav",
    "Ansari",
    "Bhat",
    "Chauhan",
    "Desai",
    "Fernandes",
    "Goswami",
    "Hegde",
    "Jain",
    "Kapoor",
    "Lal",
    "Malhotra",
];
const ROOMS_A_BLOCK: usize = 250;
const PLACES_A_ROOM: usize = 4;
const CAPACITY: u32 = 4;

/// So many students, and the rooms that hold them.
pub(crate) fn of(students: usize, clock: &Clock) -> Beginning {
    let blocks = students.div_ceil(ROOMS_A_BLOCK * PLACES_A_ROOM);
    Beginning {
        blocks: (0..blocks).map(block).collect(),
        students: (0..students).map(|turn| student(turn, clock)).collect(),
    }
}

fn block(turn: usize) -> NewBlock {
    let room = |place| NewRoom {
        room_no: room_no(turn, place),
        floor: 1,
        capacity: CAPACITY,
    };
    #[expect(clippy::cast_precision_loss, reason = "a block more or less to the north")]
    let latitude = 28.0 + turn as f64 / 1000.0;
    NewBlock {
        name: block_name(turn),
        latitude,
        longitude: 77.2090,
        rooms: (0..ROOMS_A_BLOCK).map(room).collect(),
    }
}

fn student(turn: usize, clock: &Clock) -> NewStudent {
    let (block, room) = (
        turn / PLACES_A_ROOM / ROOMS_A_BLOCK,
        turn / PLACES_A_ROOM % ROOMS_A_BLOCK,
    );
    let (years, half): ([u32; 4], _) = ([1, 2, 3, 4], (turn / 4).is_multiple_of(2));
    let year = years[turn % years.len()];
    // Primes, so that namesakes do not live in one room.
    let (first, last) = (
        FIRST_NAMES[turn * 7 % FIRST_NAMES.len()],
        LAST_NAMES[turn * 13 / FIRST_NAMES.len() % LAST_NAMES.len()],
    );
    NewStudent {
        id: clock.new_id(),
        email: format!("student{turn}@hostel.example"),
        registration_no: format!("REG-2026-{turn:05}"),
        name: format!("{first} {last}"),
        phone: format!("90000{turn:05}"),
        parent_phone: format!("91000{turn:05}"),
        address: format!("{turn} Lake Road, Pune"),
        year,
        semester: 2 * year - u32::from(half),
        room: Some((block_name(block), room_no(block, room))),
    }
}

fn block_name(turn: usize) -> String {
    format!("B{turn:02}")
}

fn room_no(block: usize, place: usize) -> String {
    format!("{}-{place:03}", block_name(block))
}
