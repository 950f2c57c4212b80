//! What looks odd among scans, and what wardens say of it.

use attendance::Config;
use kit::Fault;
use proto::attendance::{Flag, FlagKind, FlagVerdict, ListFlagsRequest, ReviewFlagRequest};
use uuid::Uuid;

use crate::{
    gate::{Gate, Pupil, told, until},
    roll_call::RollCall,
    tries::Try,
};

const HERE: (f64, f64) = (28.613_912_345, 77.209_012_345);

/// A gate where somebody looks every second.
async fn gate_with(students: u32) -> (Gate, Uuid, Vec<Pupil>) {
    let config = Config {
        odd_every_seconds: 1,
        ..Config::default()
    };
    let gate = Gate::open_with(config).await;
    let pupils = gate.many_students(students, "A").await;
    let session = RollCall::open(&gate).await.id;
    (gate, session, pupils)
}

async fn list(gate: &Gate, request: ListFlagsRequest) -> Vec<Flag> {
    let answer = told(gate.review().list_flags(gate.by_warden(request)).await).unwrap();
    answer.flags
}

async fn of_kind(gate: &Gate, kind: FlagKind) -> Vec<Flag> {
    let request = ListFlagsRequest {
        kind: Some(kind.into()),
        ..ListFlagsRequest::default()
    };
    list(gate, request).await
}

async fn raised(gate: &Gate, kind: FlagKind) -> Flag {
    until(kind.as_str_name(), async || of_kind(gate, kind).await.pop()).await
}

async fn review(gate: &Gate, id: &str, verdict: &str, note: Option<&str>) -> Result<Flag, Fault> {
    let request = ReviewFlagRequest {
        id: id.to_owned(),
        verdict: verdict.to_owned(),
        note: note.map(str::to_owned),
    };
    told(gate.review().review_flag(gate.by_warden(request)).await)
}

fn ids(pupils: &[Pupil]) -> Vec<String> {
    let mut ids: Vec<String> = pupils.iter().map(|pupil| pupil.id.to_string()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn each_oddity_is_found_once() {
    let (gate, session, pupils) = gate_with(5).await;
    let device = gate.world.clock.new_id();
    Try::of(session, &pupils[0])
        .marked()
        .by(device, 4)
        .ago(20)
        .lay(&gate)
        .await;
    Try::of(session, &pupils[1])
        .refused("DEVICE_MISMATCH")
        .by(device, 9)
        .ago(19)
        .lay(&gate)
        .await;
    Try::of(session, &pupils[0])
        .refused("DEVICE_MISMATCH")
        .by(device, 3)
        .ago(18)
        .lay(&gate)
        .await;
    for pupil in &pupils[1..4] {
        Try::of(session, pupil)
            .marked()
            .at(HERE.0, HERE.1)
            .within(5.0)
            .ago(10)
            .lay(&gate)
            .await;
    }
    Try::of(session, &pupils[3])
        .refused("LOCATION_MISMATCH")
        .at(29.613, 77.209)
        .within(5.0)
        .lay(&gate)
        .await;
    for _ in 0..5 {
        Try::of(session, &pupils[4]).refused("QR_EXPIRED").lay(&gate).await;
    }
    let shared = raised(&gate, FlagKind::SharedDevice).await;
    assert_eq!(shared.student_ids, ids(&pupils[..2]));
    assert_eq!(
        (shared.session_id, shared.verdict),
        (session.to_string(), FlagVerdict::Unspecified.into())
    );
    assert_eq!(
        raised(&gate, FlagKind::CounterFork).await.student_ids,
        ids(&pupils[..1])
    );
    assert_eq!(
        raised(&gate, FlagKind::IdenticalCoordinates).await.student_ids,
        ids(&pupils[1..4])
    );
    assert_eq!(
        raised(&gate, FlagKind::ImpossibleTravel).await.student_ids,
        ids(&pupils[3..4])
    );
    assert_eq!(raised(&gate, FlagKind::OldCodes).await.student_ids, ids(&pupils[4..]));
    // One more student with the same coordinates is the same flag, about one more; every other stays.
    Try::of(session, &pupils[0])
        .marked()
        .at(HERE.0, HERE.1)
        .within(5.0)
        .lay(&gate)
        .await;
    until("the fourth student", async || {
        let flag = raised(&gate, FlagKind::IdenticalCoordinates).await;
        (flag.student_ids.len() == 4).then_some(())
    })
    .await;
    assert_eq!(list(&gate, ListFlagsRequest::default()).await.len(), 5);
    let events = gate.told("flag.changed").await;
    assert_eq!(events.len(), 6);
    let versions: Vec<_> = events.iter().map(|event| event["version"].as_i64().unwrap()).collect();
    assert_eq!(versions, [1, 1, 1, 1, 1, 2]);
    assert_eq!(events[0]["actor"]["role"], "service");
    let text = serde_json::to_string(&events).unwrap();
    assert!(!text.contains("28.61"), "no place is told");
}

#[tokio::test]
async fn also_a_code_of_last_week_tells_where_somebody_was() {
    let (gate, session, pupils) = gate_with(1).await;
    Try::of(gate.world.clock.new_id(), &pupils[0])
        .refused("QR_EXPIRED")
        .of_days_ago(7)
        .at(29.613, 77.209)
        .within(5.0)
        .ago(10)
        .lay(&gate)
        .await;
    Try::of(session, &pupils[0])
        .marked()
        .at(HERE.0, HERE.1)
        .within(5.0)
        .lay(&gate)
        .await;
    assert_eq!(
        raised(&gate, FlagKind::ImpossibleTravel).await.student_ids,
        ids(&pupils)
    );
}

#[tokio::test]
async fn a_flag_is_reviewed_once() {
    let (gate, session, pupils) = gate_with(1).await;
    for _ in 0..5 {
        Try::of(session, &pupils[0]).refused("QR_EXPIRED").lay(&gate).await;
    }
    let flag = raised(&gate, FlagKind::OldCodes).await;
    let reviewed = review(&gate, &flag.id, "harmless", Some("A slow phone")).await.unwrap();
    assert_eq!(
        (reviewed.verdict(), reviewed.note.as_deref()),
        (FlagVerdict::Harmless, Some("A slow phone"))
    );
    assert_eq!(reviewed.reviewed_by, Some(gate.warden.to_string()));
    let second = review(&gate, &flag.id, "confirmed", None).await.unwrap_err();
    assert_eq!((second.reason.as_ref(), second.kind.http()), ("CONFLICT", 409));
    assert_eq!(second.details["verdict"], "harmless");
    assert_eq!(second.details["note"], "A slow phone");
    let by = |reviewed| ListFlagsRequest {
        reviewed: Some(reviewed),
        session_id: Some(session.to_string()),
        ..ListFlagsRequest::default()
    };
    assert_eq!(list(&gate, by(true)).await, [reviewed]);
    assert!(list(&gate, by(false)).await.is_empty());
    let unknown = gate.world.clock.new_id().to_string();
    assert_eq!(
        review(&gate, &unknown, "harmless", None).await.unwrap_err().reason,
        "NOT_FOUND"
    );
    let odd = review(&gate, &flag.id, "odd", None).await.unwrap_err();
    assert_eq!(odd.violations[0].field, "verdict");
    assert_eq!(gate.told("flag.changed").await.len(), 2);
}

#[tokio::test]
async fn flags_come_in_pages() {
    let (gate, session, pupils) = gate_with(3).await;
    for pupil in &pupils {
        Try::of(session, pupil).refused("QR_EXPIRED").lay_many(&gate, 5).await;
    }
    until("three flags", async || {
        (of_kind(&gate, FlagKind::OldCodes).await.len() == 3).then_some(())
    })
    .await;
    let page = |page| ListFlagsRequest {
        page: Some(page),
        limit: Some(2),
        ..ListFlagsRequest::default()
    };
    assert_eq!(list(&gate, page(1)).await.len(), 2);
    assert_eq!(list(&gate, page(2)).await.len(), 1);
    let other = ListFlagsRequest {
        session_id: Some(gate.world.clock.new_id().to_string()),
        ..ListFlagsRequest::default()
    };
    assert!(list(&gate, other).await.is_empty());
}
