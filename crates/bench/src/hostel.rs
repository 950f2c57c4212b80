//! A large hostel: made-up people who fill block after block, and the installation that holds them.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use hostelpulse::SERVICES;
use kit::{
    Clock,
    config::Config,
    service::{Host, sections},
};
use sea_orm::ConnectionTrait as _;
use students::{Beginning, NewBlock, NewRoom, NewStudent, Students};

use crate::product::PASSWORD;

/// The administrator of the installation.
pub(crate) const ADMIN: &str = "admin@bench.example";

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

/// An installation on embedded stores, or with its databases on a PostgreSQL server.
pub(crate) fn config(data: std::path::PathBuf, postgres: Option<&url::Url>) -> Config {
    let mut config: Config = kit::config::Loader::empty(sections());
    config.base.data = data;
    config.base.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.set("limits.enabled", false);
    config.set("auth.admin_email", ADMIN);
    config.set("auth.admin_password", PASSWORD);
    config.base.database_url = postgres.map(|server| {
        let mut url = server.clone();
        url.set_path("/bench_{service}");
        url
    });
    config
}

/// Stores the students before anything is served. What was to be told of them counts as told: the measurement is not of that.
pub(crate) async fn fill(config: Config, students: usize) -> anyhow::Result<Duration> {
    let names = SERVICES.map(hostelpulse::Service::name);
    let host = Host::open(config, &names).await?;
    let (service, db) = host.create::<Students>().await?;
    let begun = Instant::now();
    service.seed(of(students, &host.clock)).await?;
    let took = begun.elapsed();
    let txn = db.begin().await?;
    txn.execute_unprepared("UPDATE outbox SET published_at = occurred_at WHERE published_at IS NULL")
        .await?;
    txn.commit().await?;
    if db.backend() == sea_orm::DbBackend::Postgres {
        // A server that runs for longer than a minute has done so by itself.
        db.reader().execute_unprepared("VACUUM ANALYZE").await?;
    }
    db.close().await?;
    host.lifecycle.run(std::future::ready(())).await?;
    Ok(took)
}
