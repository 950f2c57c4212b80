//! Leaves and marks: what an approved leave excuses, and what is left when it is taken back.

use proto::leave::{LeaveRecord, LeaveState};

use crate::{
    gate::Gate,
    records::{Stage, days_ago},
};

fn cancelled(leave: &LeaveRecord) -> LeaveRecord {
    LeaveRecord {
        version: leave.version + 1,
        state: LeaveState::Cancelled.into(),
        ..leave.clone()
    }
}

#[tokio::test]
async fn a_leave_excuses_where_nobody_was_seen_and_nobody_said_otherwise() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let ravi = gate.student(2, "A", 1).await;
    let closed = gate.lay_roll("A", 1, days_ago(1), Stage::Closed).await;
    let settled = gate.lay_roll("A", 1, days_ago(2), Stage::Settled).await;
    let seen = gate.lay_roll("A", 1, days_ago(3), Stage::Settled).await;
    let said = gate.lay_roll("A", 1, days_ago(4), Stage::Settled).await;
    let before = gate.lay_roll("A", 1, days_ago(5), Stage::Settled).await;
    gate.lay_mark(closed, &asha, "pending", "settlement").await;
    gate.lay_mark(closed, &ravi, "pending", "settlement").await;
    gate.lay_mark(settled, &asha, "absent", "settlement").await;
    gate.lay_mark(seen, &asha, "present", "scan").await;
    gate.lay_mark(said, &asha, "absent", "manual").await;
    gate.lay_mark(before, &asha, "absent", "settlement").await;

    let leave = gate.a_leave(&asha, days_ago(4), days_ago(1));
    gate.hear_of_leave(&leave).await;
    gate.heard_of(1).await;
    assert_eq!(gate.how_stands(closed, &asha).await, "excused leave");
    assert_eq!(gate.how_stands(settled, &asha).await, "excused leave");
    assert_eq!(gate.how_stands(seen, &asha).await, "present scan");
    assert_eq!(gate.how_stands(said, &asha).await, "absent manual");
    assert_eq!(gate.how_stands(before, &asha).await, "absent settlement");
    assert_eq!(gate.how_stands(closed, &ravi).await, "pending settlement");

    let told = gate.told("excuse.changed").await;
    assert_eq!(told.len(), 2);
    for event in &told {
        assert_eq!(event["data"]["status"], "excused");
        assert_eq!(event["data"]["student_id"], asha.id.to_string());
        assert_eq!(event["subject"], event["data"]["session_id"]);
        assert_eq!(event["version"], 2);
    }

    gate.hear_of_leave(&cancelled(&leave)).await;
    gate.heard_of(2).await;
    assert_eq!(gate.how_stands(closed, &asha).await, "pending settlement");
    assert_eq!(gate.how_stands(settled, &asha).await, "absent settlement");
    assert_eq!(gate.told("excuse.changed").await.len(), 4);
    let changes = "SELECT before || ' ' || after || ' ' || source AS text FROM mark_change ORDER BY id";
    let mut changes = gate.rows(changes).await;
    changes.sort();
    let expected = [
        "absent excused leave",
        "excused absent leave",
        "excused pending leave",
        "pending excused leave",
    ];
    assert_eq!(changes, expected);
}

#[tokio::test]
async fn a_leave_that_ends_early_excuses_only_its_days_and_another_still_holds() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let mut rolls = Vec::new();
    for ago in 1..=4 {
        let roll = gate.lay_roll("A", 1, days_ago(ago), Stage::Settled).await;
        gate.lay_mark(roll, &asha, "absent", "settlement").await;
        rolls.push(roll);
    }
    let long = gate.a_leave(&asha, days_ago(4), days_ago(1));
    gate.hear_of_leave(&long).await;
    gate.heard_of(1).await;
    gate.hear_of_leave(&gate.a_leave(&asha, days_ago(2), days_ago(2))).await;
    gate.heard_of(2).await;
    let shorter = LeaveRecord {
        version: 2,
        to_date: days_ago(4).to_string(),
        ..long
    };
    gate.hear_of_leave(&shorter).await;
    gate.heard_of(3).await;
    let mut standings = Vec::new();
    for roll in rolls {
        standings.push(gate.how_stands(roll, &asha).await);
    }
    assert_eq!(
        standings,
        [
            "absent settlement",
            "excused leave",
            "absent settlement",
            "excused leave"
        ]
    );
}

#[tokio::test]
async fn what_is_heard_late_or_twice_changes_nothing() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let roll = gate.lay_roll("A", 1, days_ago(1), Stage::Settled).await;
    gate.lay_mark(roll, &asha, "absent", "settlement").await;
    let leave = gate.a_leave(&asha, days_ago(1), days_ago(1));
    gate.hear_of_leave(&cancelled(&leave)).await;
    gate.heard_of(1).await;
    gate.hear_of_leave(&leave).await;
    gate.hear_of_leave(&leave).await;
    gate.heard_of(3).await;
    assert_eq!(gate.how_stands(roll, &asha).await, "absent settlement");
    assert_eq!(gate.count("mark_change").await, 0);
    assert_eq!(gate.told("excuse.changed").await.len(), 0);
}
