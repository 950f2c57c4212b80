//! Imports into rooms.

use futures_util::future::join_all;
use proto::students::ImportStatus;

use super::{counts, file, refused, row, row_in};
use crate::hostel::Hostel;

#[tokio::test]
async fn more_rows_than_beds() {
    let hostel = Hostel::open().await;
    let small = hostel.room("A", "A-101", 2).await;
    let other = hostel.room("B", "102", 3).await;
    let mut rows: Vec<String> = (1..=5).map(|number| row_in(number, "A-101")).collect();
    rows.extend((6..=8).map(|number| row_in(number, "B-102")));
    rows.push(row(9));
    let foreseen = hostel.foresee(file(&rows)).await;
    let report = hostel.import(file(&rows)).await;
    let full = [(4, vec!["room"]), (5, vec!["room"]), (6, vec!["room"])];
    assert_eq!((refused(&foreseen), refused(&report)), (full.to_vec(), full.to_vec()));
    assert_eq!(
        (hostel.occupancy(&small).await, hostel.occupancy(&other).await),
        ((2, 2), (3, 3))
    );
    assert_eq!((hostel.count("student").await, hostel.auth.accounts()), (6, 6));
    assert_eq!(hostel.count("stay").await, 5);
    assert_eq!(hostel.count("account_intent").await, 0);
    // Full from the start: auth is not asked for those.
    let asked = hostel.auth.reserved().len();
    let again = hostel.import(file(&rows)).await;
    assert_eq!(counts(&again), (0, 6, 3));
    assert_eq!(hostel.auth.reserved().len(), asked);
}

#[tokio::test]
async fn a_row_that_auth_refuses_takes_no_bed() {
    let hostel = Hostel::open().await;
    let room = hostel.room("A", "A-101", 2).await;
    hostel.auth.has_stranger("student1@hostel.example");
    let rows: Vec<String> = (1..=3).map(|number| row_in(number, "A-101")).collect();
    let report = hostel.import(file(&rows)).await;
    assert_eq!(refused(&report), [(2, vec!["email"])]);
    assert_eq!(hostel.occupancy(&room).await, (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_file_twice_at_once() {
    let hostel = Hostel::open().await;
    let room = hostel.room("A", "A-101", 500).await;
    let file = file(&(1..=450).map(|number| row_in(number, "A-101")).collect::<Vec<_>>());
    let reports = join_all((0..2).map(|_| hostel.import(&file))).await;
    assert_eq!(hostel.count("student").await, 450, "every student once");
    assert_eq!(hostel.occupancy(&room).await, (450, 450));
    assert_eq!((hostel.auth.accounts(), hostel.count("account_intent").await), (450, 0));
    assert_eq!(hostel.events_of("student.registered").await.len(), 450);
    assert_eq!(reports[0].created + reports[1].created, 450);
    for place in 0..450 {
        let statuses = [0, 1].map(|import: usize| reports[import].rows[place].status());
        assert!(
            statuses.contains(&ImportStatus::Created),
            "line {}: {statuses:?}",
            place + 2
        );
    }
    assert_eq!(counts(&hostel.import(&file).await), (0, 450, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn imports_race_for_beds() {
    let hostel = Hostel::open().await;
    let room = hostel.room("A", "A-101", 10).await;
    let files = (0..4).map(|import| {
        let rows: Vec<String> = (1..=6).map(|number| row_in(import * 6 + number, "A-101")).collect();
        file(&rows)
    });
    let reports = join_all(files.map(|file| hostel.import(file))).await;
    assert_eq!(reports.iter().map(|report| report.created).sum::<u32>(), 10);
    assert_eq!(hostel.occupancy(&room).await, (10, 10));
    assert_eq!((hostel.count("student").await, hostel.auth.accounts()), (10, 10));
}
