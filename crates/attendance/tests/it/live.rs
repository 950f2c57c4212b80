//! A roll call as it happens, for those who watch it.

use std::{collections::HashSet, time::Duration};

use attendance::Config;
use proto::attendance::{
    CloseSessionRequest, ClosedBy, ConfirmScanRequest, Counts, Happening, LiveScan, LiveState, MarkByHandRequest,
    ScanRequest, ScanStatus, SessionStatus, WatchSessionRequest, happening::Happening as Kind,
};
use proto::options::Role;
use tokio::time::timeout;
use tonic::Streaming;
use uuid::Uuid;

use crate::{
    gate::{Gate, Pupil, told},
    roll_call::{RollCall, Terms, about, scan},
    tries::Try,
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

async fn gate_with(students: u32) -> (Gate, RollCall, Vec<Pupil>) {
    let gate = Gate::open().await;
    let pupils = gate.many_students(students, "A").await;
    let call = RollCall::open(&gate).await;
    (gate, call, pupils)
}

#[tokio::test]
async fn the_present_state_comes_first() {
    let (gate, call, pupils) = gate_with(4).await;
    gate.write(
        "INSERT INTO leave (id, version, student_id, from_date, to_date, approved) VALUES ($1, 1, $2, $3, $4, TRUE)",
        [
            gate.world.clock.new_id().into(),
            pupils[3].id.into(),
            crate::tries::day(&gate).into(),
            crate::tries::day(&gate).into(),
        ],
    )
    .await;
    Try::of(call.id, &pupils[0]).marked().lay(&gate).await;
    Try::of(call.id, &pupils[1])
        .refused("LOCATION_MISMATCH")
        .lay(&gate)
        .await;
    let waiting = Try::of(call.id, &pupils[2]).awaiting().lay(&gate).await;

    let mut screen = Screen::of(&gate, gate.guard, Role::Guard, call.id).await.unwrap();
    let state = screen.state().await;
    let shown = state.session.unwrap();
    assert_eq!(
        (shown.id, shown.status),
        (call.id.to_string(), SessionStatus::Active.into())
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
            .ends_with(&format!("/api/v1/attendance/sessions/{}/qr-image", call.id))
    );
    assert_eq!(code.otp.len(), 6);
}

#[tokio::test]
async fn who_may_not_show_the_code_watches_without_it() {
    let (gate, call, _) = gate_with(1).await;
    let mut own = Screen::of(&gate, gate.guard, Role::Guard, call.id).await.unwrap();
    let mut warden = Screen::of(&gate, gate.warden, Role::Warden, call.id).await.unwrap();
    let mut other = Screen::of(&gate, gate.world.clock.new_id(), Role::Guard, call.id)
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
    call.close(&gate).await;
    assert!(
        matches!(other.news().await, Some(Kind::Closed(_))),
        "nothing of the code was told"
    );
}

#[tokio::test]
async fn scans_are_told_once_each_whatever_their_order() {
    let (gate, call, pupils) = gate_with(6).await;
    Try::of(call.id, &pupils[0]).marked().lay(&gate).await;
    let mut screen = Screen::of(&gate, gate.guard, Role::Guard, call.id).await.unwrap();
    assert_eq!(screen.state().await.recent.len(), 1);
    Try::of(call.id, &pupils[1]).marked().lay(&gate).await;
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
    Try::of(call.id, &pupils[2])
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
    Try::of(call.id, &pupils[1]).already_marked().lay(&gate).await;
    Try::of(gate.world.clock.new_id(), &pupils[3]).marked().lay(&gate).await;
    let mut told = HashSet::new();
    for pupil in &pupils[3..] {
        Try::of(call.id, pupil).marked().lay(&gate).await;
    }
    for _ in &pupils[3..] {
        told.insert(screen.scan().await.student_id);
    }
    let expected: HashSet<String> = pupils[3..].iter().map(|pupil| pupil.id.to_string()).collect();
    assert_eq!(told, expected);
    call.close(&gate).await;
    assert!(
        matches!(screen.news().await, Some(Kind::Closed(_))),
        "nothing was told twice"
    );
}

#[tokio::test]
async fn what_waits_is_told_and_so_is_the_guards_word() {
    let (gate, call, pupils) = gate_with(2).await;
    let mut screen = Screen::of(&gate, gate.guard, Role::Guard, call.id).await.unwrap();
    screen.state().await;
    for (pupil, verdict, status) in [
        (&pupils[0], "confirmed", ScanStatus::Present),
        (&pupils[1], "refused", ScanStatus::Refused),
    ] {
        let id = Try::of(call.id, pupil).awaiting().lay(&gate).await;
        let Some(Kind::Awaiting(waiting)) = screen.news().await else {
            panic!("nobody was asked");
        };
        assert_eq!((waiting.scan_id, waiting.distance_meters), (id.to_string(), Some(3.5)));
        crate::tries::decide(&gate, id, verdict).await;
        let scan = screen.scan().await;
        assert_eq!(
            (scan.scan_id.as_str(), scan.status()),
            (id.to_string().as_str(), status)
        );
    }
}

#[tokio::test]
async fn counts_follow_the_marks() {
    let (gate, call, pupils) = gate_with(3).await;
    let mut screen = Screen::of(&gate, gate.guard, Role::Guard, call.id).await.unwrap();
    screen.state().await;
    Try::of(call.id, &pupils[0]).marked().lay(&gate).await;
    Try::of(call.id, &pupils[1]).awaiting().lay(&gate).await;
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
    let (gate, call, pupils) = gate_with(1).await;
    let mut screen = Screen::of(&gate, gate.warden, Role::Warden, call.id).await.unwrap();
    screen.state().await;
    Try::of(call.id, &pupils[0]).marked().lay(&gate).await;
    call.close(&gate).await;
    assert_eq!(screen.scan().await.student_id, pupils[0].id.to_string());
    let Some(Kind::Closed(closed)) = screen.news().await else {
        panic!("the end was not told");
    };
    assert_eq!(closed.closed_by(), ClosedBy::Warden);
    assert!(closed.closed_at.is_some());
    assert!(screen.next().await.is_none());
    // Whoever comes later learns the same.
    let mut late = Screen::of(&gate, gate.guard, Role::Guard, call.id).await.unwrap();
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
    let (gate, call, pupils) = gate_with(1).await;
    let mut screen = Screen::of(&gate, gate.guard, Role::Guard, call.id).await.unwrap();
    screen.state().await;
    let mut keen = Screen::of(&gate, gate.warden, Role::Warden, call.id).await.unwrap();
    keen.state().await;
    // Far more than is held for one who does not read, each large enough to fill what lies between.
    let long_name = "x".repeat(250);
    gate.write("UPDATE student SET name = $1", [long_name.into()]).await;
    let mut last = Uuid::nil();
    for _ in 0..60 {
        last = Try::of(call.id, &pupils[0])
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
    let (gate, call, _) = gate_with(1).await;
    let mut screen = Screen::of(&gate, gate.guard, Role::Guard, call.id).await.unwrap();
    screen.state().await;
    let stop = tokio::spawn(gate.world.stop());
    while screen.next().await.is_some() {}
    timeout(PATIENCE, stop).await.unwrap().unwrap();
}

/// The tables are not looked at while this test waits: what is told comes by the bell that commits ring.
#[tokio::test]
async fn what_this_process_does_is_told_by_itself() {
    let config = Config {
        live_look_milliseconds: 60_000,
        ..Config::default()
    };
    let gate = Gate::open_with(config).await;
    let pupils = gate.many_students(3, "A").await;
    let terms = Terms {
        rotate_seconds: 0,
        ..Terms::default()
    };
    let call = RollCall::open_on(&gate, "A", 1, terms).await;
    let mut screen = Screen::of(&gate, gate.guard, Role::Guard, call.id).await.unwrap();
    screen.state().await;
    let nobody_yet = Counts {
        pending: 3,
        total: 3,
        ..Counts::default()
    };
    // From here on there is nothing to look for.
    screen.counts(nobody_yet).await;

    scan(&gate, &pupils[0], call.at_display(&gate)).await.unwrap();
    let first = screen.scan().await;
    assert_eq!(
        (first.student_id.as_str(), first.status()),
        (&*pupils[0].id.to_string(), ScanStatus::Present)
    );
    let unsure = ScanRequest {
        location: Some(about(5.0, 10.0)),
        ..call.at_display(&gate)
    };
    let asked = scan(&gate, &pupils[1], unsure).await.unwrap();
    let Some(Kind::Awaiting(waiting)) = screen.news().await else {
        panic!("nobody was asked");
    };
    assert_eq!(waiting.scan_id, asked.scan_id);
    let word = ConfirmScanRequest {
        id: asked.scan_id.clone(),
    };
    told(gate.scans().confirm_scan(gate.by_guard(word)).await).unwrap();
    let decided = screen.scan().await;
    assert_eq!(
        (decided.status(), decided.scan_id),
        (ScanStatus::Present, asked.scan_id)
    );
    let by_hand = MarkByHandRequest {
        session_id: call.id.to_string(),
        student_id: pupils[2].id.to_string(),
        status: "excused".to_owned(),
        reason: "Was at the infirmary".to_owned(),
    };
    told(gate.marks().mark_by_hand(gate.by_warden(by_hand)).await).unwrap();
    let all = Counts {
        present: 2,
        excused: 1,
        total: 3,
        ..Counts::default()
    };
    screen.counts(all).await;
    let end = CloseSessionRequest {
        id: call.id.to_string(),
    };
    told(gate.sessions().close_session(gate.by_guard(end)).await).unwrap();
    assert!(matches!(screen.news().await, Some(Kind::Closed(_))));
}
