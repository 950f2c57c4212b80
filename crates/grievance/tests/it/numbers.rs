//! Numbers of tickets: gapless and unique, whoever raises when.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration};
use futures_util::future::join_all;
use kit::testing::patiently;
use proto::grievance::RaiseGrievanceRequest;

use crate::desk::{Desk, Known, fan, told};

async fn numbers_of(desk: &Desk) -> Vec<String> {
    desk.rows("SELECT CAST(year AS text) || '-' || CAST(number AS text) AS text FROM ticket ORDER BY year, number")
        .await
}

#[tokio::test]
async fn many_at_once_have_numbers_without_gaps() {
    const EACH: usize = 5;
    let desk = Desk::open().await;
    let mut students = Vec::new();
    for number in 0..20 {
        students.push(desk.student(number).await);
    }
    let raise = async |student: &Known| {
        let mut given = Vec::new();
        while given.len() < EACH {
            // Some come to nothing in between.
            let short = RaiseGrievanceRequest {
                description: "short".to_owned(),
                ..fan()
            };
            let refused = told(desk.grievances().raise_grievance(desk.by(student, short)).await);
            assert!(refused.is_err());
            // On a busy machine somebody waits too long for their turn, and asks again.
            let raised =
                patiently(async || told(desk.grievances().raise_grievance(desk.by(student, fan())).await)).await;
            given.push(raised.unwrap().ticket_id);
        }
        given
    };
    let given: Vec<String> = join_all(students.iter().map(raise))
        .await
        .into_iter()
        .flatten()
        .collect();
    let each: BTreeSet<&String> = given.iter().collect();
    let all = students.len() * EACH;
    assert_eq!((given.len(), each.len()), (all, all));
    let expected: Vec<String> = (1..=all).map(|number| format!("2026-{number}")).collect();
    assert_eq!(numbers_of(&desk).await, expected);
}

#[tokio::test]
async fn a_transaction_that_comes_to_nothing_gives_its_number_back() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    desk.raise(&asha).await;
    // Room for no other ticket with the number to come: what is raised next fails after it took its number.
    desk.write("UPDATE ticket SET number = 2", []).await;
    let failed = desk.grievances().raise_grievance(desk.by(&asha, fan())).await;
    assert!(failed.is_err());
    desk.write("UPDATE ticket SET number = 1", []).await;
    assert_eq!(desk.raise(&asha).await.ticket_id, "GRV-2026-00002");
}

#[tokio::test]
async fn a_year_begins_where_the_hostel_is() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    // Midnight in Kolkata is half past six in the evening before, in UTC.
    let new_year = DateTime::parse_from_rfc3339("2026-12-31T18:30:00Z").unwrap().to_utc();
    let now = desk.world.clock.now();
    desk.world.clock.advance(new_year - now - Duration::seconds(1));
    assert_eq!(desk.raise(&asha).await.ticket_id, "GRV-2026-00001");
    desk.world.clock.advance(Duration::seconds(1));
    assert_eq!(desk.raise(&asha).await.ticket_id, "GRV-2027-00001");
}

#[tokio::test]
async fn the_hundred_thousandth_has_six_digits() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    desk.write("INSERT INTO ticket_number (year, last) VALUES (2026, 99998)", [])
        .await;
    assert_eq!(desk.raise(&asha).await.ticket_id, "GRV-2026-99999");
    assert_eq!(desk.raise(&asha).await.ticket_id, "GRV-2026-100000");
}
