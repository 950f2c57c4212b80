//! Telling whom scans marked: also what was left for later, and before anything else of the roll call.

use attendance::Config;
use chrono::Duration;
use proto::attendance::{ConfirmScanRequest, MarkByHandRequest};
use serde_json::Value;

use crate::{
    gate::{Gate, Pupil, told, until},
    roll_call::{RollCall, about, request, scan},
};

/// A roll call in which three were marked by scans, in the state in which a crowd leaves it: nobody was told of them. It is of
/// version 4.
async fn left_untold() -> (Gate, RollCall, [Pupil; 3]) {
    let gate = Gate::open().await;
    let pupils = gate.students("A").await;
    let call = RollCall::open(&gate).await;
    for pupil in &pupils {
        scan(&gate, pupil, call.at_display(&gate)).await.unwrap();
    }
    assert_eq!(versions(&gate).await, ["4 4"]);
    let forget = "DELETE FROM outbox WHERE version > $1";
    assert_eq!(gate.write(forget, [1.into()]).await, 3);
    gate.write("UPDATE session SET told_version = $1", [1.into()]).await;
    (gate, call, pupils)
}

/// Of each roll call its version, and the one up to which its marks were told.
async fn versions(gate: &Gate) -> Vec<String> {
    gate.rows("SELECT CAST(version AS text) || ' ' || CAST(told_version AS text) AS text FROM session")
        .await
}

/// What was told of the roll call from this version on.
async fn told_from(gate: &Gate, version: i64) -> Vec<String> {
    let told = "SELECT CAST(version AS text) || ' ' || kind AS text FROM outbox WHERE kind NOT LIKE '%.opened.%' \
                ORDER BY version";
    let told = gate.rows(told).await.into_iter();
    let version_of = |event: &str| event.split(' ').next().unwrap().parse::<i64>().unwrap();
    told.filter(|event| version_of(event) >= version).collect()
}

/// Whom an event says to be marked, sorted.
fn marked_by(event: &Value) -> Vec<&str> {
    let marks = event["data"]["marks"].as_array().unwrap().iter();
    let mut students: Vec<&str> = marks.map(|mark| mark["student_id"].as_str().unwrap()).collect();
    students.sort_unstable();
    students
}

/// The event of version 4 tells of all three, the one of version 5 of something else.
async fn first_whom_scans_marked_then(gate: &Gate, pupils: &[Pupil; 3], what: &str) {
    let told = told_from(gate, 2).await;
    let expected = [
        "4 hostelpulse.attendance.marked.v1".to_owned(),
        format!("5 hostelpulse.{what}.v1"),
    ];
    assert_eq!(told[..2], expected);
    let events = gate.told("attendance.marked").await;
    let mut expected = pupils.each_ref().map(|pupil| pupil.id.to_string());
    expected.sort_unstable();
    assert_eq!(marked_by(&events[0]), expected);
}

#[tokio::test]
async fn a_correction_comes_after_the_scan_that_it_corrects() {
    let (gate, call, pupils) = left_untold().await;
    let word = MarkByHandRequest {
        session_id: call.id.to_string(),
        student_id: pupils[0].id.to_string(),
        status: "absent".to_owned(),
        reason: "Somebody else held the phone".to_owned(),
    };
    told(gate.marks().mark_by_hand(gate.by_warden(word)).await).unwrap();
    first_whom_scans_marked_then(&gate, &pupils, "attendance.corrected").await;
    assert_eq!(versions(&gate).await, ["5 4"]);
    // It is told once.
    scan(&gate, &gate.student(9, "A", 1).await, call.at_display(&gate))
        .await
        .unwrap();
    assert_eq!(told_from(&gate, 6).await, ["6 hostelpulse.attendance.marked.v1"]);
    assert_eq!(versions(&gate).await, ["6 6"]);
    let last = gate.told("attendance.marked").await.pop().unwrap();
    assert_eq!(marked_by(&last).len(), 1);
}

#[tokio::test]
async fn a_roll_call_is_closed_after_its_scans() {
    let (gate, call, pupils) = left_untold().await;
    gate.close(&call.id.to_string()).await;
    first_whom_scans_marked_then(&gate, &pupils, "roll_call.closed").await;
}

#[tokio::test]
async fn a_guard_decides_after_the_scans_before_it() {
    let (gate, call, pupils) = left_untold().await;
    let other = gate.student(9, "A", 1).await;
    let asked = scan(&gate, &other, request(&call.code_now(&gate), about(5.0, 10.0))).await;
    let confirm = ConfirmScanRequest {
        id: asked.unwrap().scan_id,
    };
    told(gate.scans().confirm_scan(gate.by_guard(confirm)).await).unwrap();
    first_whom_scans_marked_then(&gate, &pupils, "scan.decided").await;
    assert_eq!(told_from(&gate, 6).await, ["6 hostelpulse.attendance.marked.v1"]);
    assert_eq!(versions(&gate).await, ["6 4"]);
}

#[tokio::test]
async fn a_leave_excuses_after_the_scans_before_it() {
    let (gate, call, pupils) = left_untold().await;
    let other = gate.student(9, "A", 1).await;
    call.lay_mark(&gate, &other, "absent", "settlement").await;
    let today = gate.world.clock.now().date_naive();
    gate.hear_of_leave(&gate.a_leave(&other, today, today)).await;
    gate.heard_of(1).await;
    first_whom_scans_marked_then(&gate, &pupils, "excuse.changed").await;
}

#[tokio::test]
async fn a_roll_call_is_settled_after_its_late_scans() {
    let (gate, call, pupils) = left_untold().await;
    // Closing it by itself tells nobody here.
    call.close(&gate).await;
    gate.write("UPDATE session SET version = $1", [4.into()]).await;
    gate.world.clock.advance(Duration::hours(24));
    until("the roll call is settled", async || {
        (gate.told("roll_call.settled").await.len() == 1).then_some(())
    })
    .await;
    first_whom_scans_marked_then(&gate, &pupils, "roll_call.settled").await;
}

#[tokio::test]
async fn the_next_scan_tells_of_those_before_it() {
    let (gate, call, pupils) = left_untold().await;
    let other = gate.student(9, "A", 1).await;
    scan(&gate, &other, call.at_display(&gate)).await.unwrap();
    assert_eq!(told_from(&gate, 2).await, ["5 hostelpulse.attendance.marked.v1"]);
    let last = gate.told("attendance.marked").await.pop().unwrap();
    assert_eq!(marked_by(&last).len(), pupils.len() + 1);
    assert_eq!(versions(&gate).await, ["5 5"]);
}

#[tokio::test]
async fn what_a_process_left_is_told_by_the_next_one() {
    const PUPILS: usize = 2300;
    const A_BATCH: usize = 400;
    let gate = Gate::open().await;
    let pupils = gate.many_students(PUPILS.try_into().unwrap(), "A").await;
    RollCall::open(&gate).await;
    // Six batches, the last of which is a smaller one.
    let stored = format!(
        "INSERT INTO mark (day, session_id, student_id, status, source, scan_id, scanned_at, marked_at, version) \
         SELECT session.day, session.id, student.id, 'present', 'scan', student.id, $1, $1, \
         2 + (ROW_NUMBER() OVER (ORDER BY student.id) - 1) / {A_BATCH} FROM session CROSS JOIN student"
    );
    gate.write(&stored, [gate.world.clock.now().into()]).await;
    gate.write("UPDATE session SET version = $1", [7.into()]).await;
    let gate = Gate::open_beside(gate.world.stop().await, Config::default(), Vec::new()).await;
    until("the last event", async || {
        (versions(&gate).await == ["7 7"]).then_some(())
    })
    .await;
    let events = gate.told("attendance.marked").await;
    let mut told: Vec<&str> = events.iter().flat_map(marked_by).collect();
    told.sort_unstable();
    let mut expected: Vec<String> = pupils.iter().map(|pupil| pupil.id.to_string()).collect();
    expected.sort_unstable();
    assert_eq!(told, expected);
    let expected = [3, 5, 7].map(|version| format!("{version} hostelpulse.attendance.marked.v1"));
    assert_eq!(told_from(&gate, 2).await, expected);
}
