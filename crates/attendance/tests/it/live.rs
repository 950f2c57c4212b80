//! A roll call as it happens, for those who watch it.

use std::{collections::HashSet, time::Duration};

use proto::attendance::{
    ClosedBy, Counts, Happening, LiveScan, LiveState, ScanStatus, SessionStatus, WatchSessionRequest,
    happening::Happening as Kind,
};
use proto::options::Role;
use tokio::time::timeout;
use tonic::Streaming;
use uuid::Uuid;

use crate::{
    gate::{Gate, Pupil, told},
    laid::{Try, lay_session},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody before a screen.
struct Screen(Streaming<Happening>);

impl Screen {
    async fn of(gate: &Gate, user: Uuid, role: Role, session: Uuid) -> Result<Self, kit::Fault> {
        let request = WatchSessionRequest {
            session_id: session.to_string(),
        };
        told(gate.live().watch_session(gate.of(user, role, request)).await).map(Self)
    }

    async fn next(&mut self) -> Option<Kind> {
        let message = timeout(PATIENCE, self.0.message()).await.expect("something is told");
        message.unwrap().map(|happening| happening.happening.unwrap())
    }

    async fn state(&mut self) -> LiveState {
        match self.next().await {
            Some(Kind::State(state)) => state,
            other => panic!("a state comes first, not {other:?}"),
        }
    }

    /// The next that is not about counts.
    async fn news(&mut self) -> Option<Kind> {
        loop {
            match self.next().await {
                Some(Kind::Counts(_)) => {}
                other => return other,
            }
        }
    }

    async fn scan(&mut self) -> LiveScan {
        match self.news().await {
            Some(Kind::Scan(scan)) => scan,
            other => panic!("a scan was expected, not {other:?}"),
        }
    }

    /// Counts come until they are these.
    async fn counts(&mut self, wanted: Counts) {
        let mut last = None;
        while last != Some(wanted) {
            match self.next().await {
                Some(Kind::Counts(counts)) => last = counts.counts,
                Some(_) => {}
                None => panic!("the counts never were {wanted:?}, but {last:?}"),
            }
        }
    }
}

async fn gate_with(students: u32) -> (Gate, Uuid, Vec<Pupil>) {
    let gate = Gate::open().await;
    let mut pupils = Vec::new();
    for number in 1..=students {
        pupils.push(gate.student(number, "A", 1).await);
    }
    let session = lay_session(&gate, "A", 1).await;
    (gate, session, pupils)
}

#[tokio::test]
async fn the_present_state_comes_first() {
    let (gate, session, pupils) = gate_with(4).await;
    gate.write(
        "INSERT INTO leave (id, version, student_id, from_date, to_date, approved) VALUES ($1, 1, $2, $3, $4, TRUE)",
        [
            gate.world.clock.new_id().into(),
            pupils[3].id.into(),
            crate::laid::day(&gate).into(),
            crate::laid::day(&gate).into(),
        ],
    )
    .await;
    Try::of(session, &pupils[0]).marked().lay(&gate).await;
    Try::of(session, &pupils[1])
        .refused("LOCATION_MISMATCH")
        .lay(&gate)
        .await;
    let waiting = Try::of(session, &pupils[2]).awaiting().lay(&gate).await;

    let mut screen = Screen::of(&gate, gate.guard, Role::Guard, session).await.unwrap();
    let state = screen.state().await;
    let shown = state.session.unwrap();
    assert_eq!(
        (shown.id, shown.status),
        (session.to_string(), SessionStatus::Active.into())
    );
    let expected = Counts {
        present: 1,
        absent: 0,
        excused: 1,
        pending: 2,
        total: 4,
        awaiting: 1,
    };
    assert_eq!(shown.counts, Some(expected));
    assert_eq!(state.awaiting.len(), 1);
    assert_eq!(state.awaiting[0].id, waiting.to_string());
    assert_eq!(state.awaiting[0].student_name, pupils[2].name);
    let statuses: Vec<i32> = state.recent.iter().map(|scan| scan.status).collect();
    let expected = [
        ScanStatus::AwaitingConfirmation,
        ScanStatus::Refused,
        ScanStatus::Present,
    ];
    assert_eq!(statuses, expected.map(i32::from));
    assert_eq!(state.recent[1].code.as_deref(), Some("LOCATION_MISMATCH"));
    let code = state.qr.unwrap();
    assert!(
        code.qr_image_url
            .ends_with(&format!("/api/v1/attendance/sessions/{session}/qr-image"))
    );
    assert_eq!(code.otp.len(), 6);
}

#[tokio::test]
async fn who_may_not_show_the_code_watches_without_it() {
    let (gate, session, _) = gate_with(1).await;
    let mut own = Screen::of(&gate, gate.guard, Role::Guard, session).await.unwrap();
    let mut warden = Screen::of(&gate, gate.warden, Role::Warden, session).await.unwrap();
    let mut other = Screen::of(&gate, gate.world.clock.new_id(), Role::Guard, session)
        .await
        .unwrap();
    let first = own.state().await.qr.unwrap();
    assert!(warden.state().await.qr.is_some());
    assert!(other.state().await.qr.is_none());
    // The next code comes by the server's clock.
    gate.world.clock.advance(chrono::Duration::seconds(25));
    for screen in [&mut own, &mut warden] {
        let Some(Kind::Qr(next)) = screen.news().await else {
            panic!("the code did not change");
        };
        assert_ne!(next.qr_token, first.qr_token);
        let (before, after) = (first.expires_at.unwrap(), next.expires_at.unwrap());
        assert_eq!(after.seconds - before.seconds, 25);
    }
    crate::laid::close(&gate, session).await;
    assert!(
        matches!(other.news().await, Some(Kind::Closed(_))),
        "nothing of the code was told"
    );
}

#[tokio::test]
async fn scans_are_told_once_each_whatever_their_order() {
    let (gate, session, pupils) = gate_with(6).await;
    Try::of(session, &pupils[0]).marked().lay(&gate).await;
    let mut screen = Screen::of(&gate, gate.guard, Role::Guard, session).await.unwrap();
    assert_eq!(screen.state().await.recent.len(), 1);
    Try::of(session, &pupils[1]).marked().lay(&gate).await;
    let scan = screen.scan().await;
    assert_eq!(
        (scan.student_id.clone(), scan.status()),
        (pupils[1].id.to_string(), ScanStatus::Present)
    );
    assert_eq!(
        (scan.student_name, scan.room_no.as_deref()),
        (pupils[1].name.clone(), Some("A-102"))
    );
    // One that came in earlier and was committed later.
    Try::of(session, &pupils[2])
        .refused("QR_EXPIRED")
        .ago(5)
        .lay(&gate)
        .await;
    let scan = screen.scan().await;
    assert_eq!(
        (scan.student_id, scan.code.as_deref()),
        (pupils[2].id.to_string(), Some("QR_EXPIRED"))
    );
    // Who was marked already is not told, and neither is another roll call.
    Try::of(session, &pupils[1]).already_marked().lay(&gate).await;
    Try::of(gate.world.clock.new_id(), &pupils[3]).marked().lay(&gate).await;
    let mut told = HashSet::new();
    for pupil in &pupils[3..] {
        Try::of(session, pupil).marked().lay(&gate).await;
    }
    for _ in &pupils[3..] {
        told.insert(screen.scan().await.student_id);
    }
    let expected: HashSet<String> = pupils[3..].iter().map(|pupil| pupil.id.to_string()).collect();
    assert_eq!(told, expected);
    crate::laid::close(&gate, session).await;
    assert!(
        matches!(screen.news().await, Some(Kind::Closed(_))),
        "nothing was told twice"
    );
}

#[tokio::test]
async fn what_waits_is_told_and_so_is_the_guards_word() {
    let (gate, session, pupils) = gate_with(2).await;
    let mut screen = Screen::of(&gate, gate.guard, Role::Guard, session).await.unwrap();
    screen.state().await;
    for (pupil, verdict, status) in [
        (&pupils[0], "confirmed", ScanStatus::Present),
        (&pupils[1], "refused", ScanStatus::Refused),
    ] {
        let id = Try::of(session, pupil).awaiting().lay(&gate).await;
        let Some(Kind::Awaiting(waiting)) = screen.news().await else {
            panic!("nobody was asked");
        };
        assert_eq!((waiting.scan_id, waiting.distance_meters), (id.to_string(), Some(3.5)));
        crate::laid::decide(&gate, id, verdict).await;
        let scan = screen.scan().await;
        assert_eq!(
            (scan.scan_id.as_str(), scan.status()),
            (id.to_string().as_str(), status)
        );
    }
}

#[tokio::test]
async fn counts_follow_the_marks() {
    let (gate, session, pupils) = gate_with(3).await;
    let mut screen = Screen::of(&gate, gate.guard, Role::Guard, session).await.unwrap();
    screen.state().await;
    Try::of(session, &pupils[0]).marked().lay(&gate).await;
    Try::of(session, &pupils[1]).awaiting().lay(&gate).await;
    screen
        .counts(Counts {
            present: 1,
            absent: 0,
            excused: 0,
            pending: 2,
            total: 3,
            awaiting: 1,
        })
        .await;
}

#[tokio::test]
async fn the_stream_ends_with_the_roll_call() {
    let (gate, session, pupils) = gate_with(1).await;
    let mut screen = Screen::of(&gate, gate.warden, Role::Warden, session).await.unwrap();
    screen.state().await;
    Try::of(session, &pupils[0]).marked().lay(&gate).await;
    crate::laid::close(&gate, session).await;
    assert_eq!(screen.scan().await.student_id, pupils[0].id.to_string());
    let Some(Kind::Closed(closed)) = screen.news().await else {
        panic!("the end was not told");
    };
    assert_eq!(closed.closed_by(), ClosedBy::Warden);
    assert!(closed.closed_at.is_some());
    assert!(screen.next().await.is_none());
    // Whoever comes later learns the same.
    let mut late = Screen::of(&gate, gate.guard, Role::Guard, session).await.unwrap();
    let state = late.state().await;
    assert_eq!(state.session.unwrap().status(), SessionStatus::Closed);
    assert!(state.qr.is_none());
    assert!(matches!(late.news().await, Some(Kind::Closed(_))));
    assert!(late.next().await.is_none());
}

#[tokio::test]
async fn an_unknown_roll_call_is_not_found() {
    let gate = Gate::open().await;
    let unknown = Screen::of(&gate, gate.guard, Role::Guard, gate.world.clock.new_id()).await;
    assert_eq!(unknown.err().unwrap().reason, "NOT_FOUND");
}

#[tokio::test]
async fn whoever_takes_nothing_begins_again_with_the_state() {
    let (gate, session, pupils) = gate_with(1).await;
    let mut screen = Screen::of(&gate, gate.guard, Role::Guard, session).await.unwrap();
    screen.state().await;
    let mut keen = Screen::of(&gate, gate.warden, Role::Warden, session).await.unwrap();
    keen.state().await;
    // Far more than is held for one who does not read, each large enough to fill what lies between.
    let long_name = "x".repeat(250);
    gate.write("UPDATE student SET name = $1", [long_name.into()]).await;
    let mut last = Uuid::nil();
    for _ in 0..60 {
        last = Try::of(session, &pupils[0])
            .refused("OTP_INVALID")
            .lay_many(&gate, 100)
            .await;
    }
    // All of it is told when one who reads has heard the last.
    loop {
        match keen.news().await {
            Some(Kind::Scan(scan)) if scan.scan_id == last.to_string() => break,
            Some(Kind::State(state)) if state.recent[0].id == last.to_string() => break,
            Some(_) => {}
            None => panic!("the stream ended"),
        }
    }
    let mut again = None;
    while again.is_none() {
        match screen.news().await {
            Some(Kind::State(state)) => again = Some(state),
            Some(_) => {}
            None => panic!("the stream ended"),
        }
    }
    let state = again.unwrap();
    assert_eq!(state.recent.len(), 20);
    assert_eq!(state.recent[0].id, last.to_string());
}

#[tokio::test]
async fn streams_end_when_the_service_stops() {
    let (gate, session, _) = gate_with(1).await;
    let mut screen = Screen::of(&gate, gate.guard, Role::Guard, session).await.unwrap();
    screen.state().await;
    let stop = tokio::spawn(gate.world.stop());
    while screen.next().await.is_some() {}
    timeout(PATIENCE, stop).await.unwrap().unwrap();
}
