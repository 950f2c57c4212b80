//! More students out than one look or one round takes.

use chrono::{NaiveDate, TimeDelta};
use leave::Config;
use proto::leave::Leave;
use uuid::Uuid;

use crate::{
    gate::{depart, view},
    hostel::{Hostel, until},
};

const DAY: TimeDelta = TimeDelta::days(1);
const COLUMNS: &str = "version, leave_type, from_date, to_date, asked_to, details, retroactive, extends, chain, state, step, \
                       decided_by, decided_at, guardian_state, document_required, asked_at, changed_at";

/// So many others who are out since now and until then, each on a copy of this leave. What was sealed for one row opens in no other.
async fn others_out(hostel: &Hostel, leave: &Leave, count: usize, until: NaiveDate) {
    let copied: Uuid = leave.id.parse().unwrap();
    let copy = format!(
        "INSERT INTO leave (id, root_id, student_id, {COLUMNS}) SELECT $1, $1, $2, {COLUMNS} FROM leave WHERE id = $3"
    );
    let depart = "INSERT INTO movement (root_id, student_id, departed_at, departed_by, out_until, is_late) \
                  VALUES ($1, $2, $3, $4, $5, FALSE)";
    for _ in 0..count {
        let (id, student) = (hostel.world.clock.new_id(), hostel.world.clock.new_id());
        let rows = hostel.write(&copy, [id.into(), student.into(), copied.into()]).await;
        let now = hostel.world.clock.now();
        let out = [id.into(), student.into(), now.into(), hostel.guard.into(), until.into()];
        assert_eq!((rows, hostel.write(depart, out).await), (1, 1));
    }
}

#[tokio::test]
async fn those_who_cannot_be_told_of_hold_nobody_else_up() {
    let hostel = Hostel::open_with(Config {
        overdue_every_seconds: 1,
        ..Config::default()
    })
    .await;
    let asha = hostel.student(1, "A").await;
    let leave = hostel.granted(&asha, 0, 3).await;
    others_out(&hostel, &leave, 230, hostel.in_days(1)).await;
    depart(&hostel, &leave.id).await.unwrap();
    hostel.world.clock.advance(DAY * 4);
    let told = until("the one who can be told of", async || {
        hostel.told("leave.overstayed").await.pop()
    })
    .await;
    assert_eq!(told["data"]["leave"]["id"], leave.id);
    let left = "movement WHERE overdue_told_at IS NULL";
    assert_eq!(hostel.count(left).await, 230);
    assert_eq!(view(&hostel, None).await.overdue.len(), 231);
}

#[tokio::test]
async fn a_gate_lists_the_first_of_many_and_counts_all() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let leave = hostel.granted(&asha, 0, 3).await;
    depart(&hostel, &leave.id).await.unwrap();
    others_out(&hostel, &leave, 503, hostel.in_days(1)).await;
    let of_a = view(&hostel, Some("A")).await;
    assert_eq!((of_a.out_now.len(), of_a.out_now_total, of_a.overdue_total), (1, 1, 0));
    let now = view(&hostel, None).await;
    assert_eq!((now.out_now.len(), now.out_now_total), (500, 504));
    assert_eq!((now.due_today.len(), now.due_today_total), (0, 0));
    hostel.world.clock.advance(DAY);
    let now = view(&hostel, None).await;
    assert_eq!((now.due_today.len(), now.due_today_total), (500, 503));
    hostel.world.clock.advance(DAY * 3);
    let now = view(&hostel, None).await;
    assert_eq!((now.overdue.len(), now.overdue_total), (500, 504));
    // The first to be back come first.
    assert!(now.out_now.iter().all(|one| one.leave_id != leave.id));
}
