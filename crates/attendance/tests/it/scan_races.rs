//! Many scans at once: each marks once, each answer agrees with the rows, and what is too much is told.

use std::time::{Duration, Instant};

use attendance::Config;
use futures_util::{FutureExt as _, StreamExt as _, future, stream};
use kit::{db::Txn, fault::Kind};
use proto::attendance::CloseSessionRequest;
use sea_orm::ConnectionTrait as _;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::{
    gate::{Gate, told, until},
    roll_call::{RollCall, meters_north, request, scan},
};

/// Holds what the storing of scans needs, until it is dropped.
async fn hold(gate: &Gate) -> Txn {
    let txn = gate.world.db.begin().await.unwrap();
    if gate.world.db.backend() == sea_orm::DbBackend::Postgres {
        // Marks wait for the roll call, and what is refused for the place where tries are kept.
        let sql = "SELECT id FROM session FOR UPDATE; LOCK TABLE scan IN SHARE MODE";
        txn.execute_unprepared(sql).await.unwrap();
    }
    txn
}

/// Lets go of it when the scans wait for it: they have long been handed in when others that are not stored have been answered.
async fn release(gate: &Gate, held: Txn) {
    for _ in 0..20 {
        tokio::task::yield_now().await;
        assert_eq!(gate.count("mark").await, 0);
    }
    drop(held);
}

/// Whom events say to be marked, sorted.
fn marked_by(events: &[Value]) -> Vec<String> {
    let marks = events
        .iter()
        .flat_map(|event| event["data"]["marks"].as_array().unwrap());
    let mut students: Vec<String> = marks
        .map(|mark| mark["student_id"].as_str().unwrap().to_owned())
        .collect();
    students.sort_unstable();
    students
}

#[tokio::test]
async fn twenty_scans_of_one_student_mark_once() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    // Each its own code, as phones before a display that changes.
    let scans = (0..20).map(|_| scan(&gate, &asha, call.at_display(&gate)));
    let answers = future::join_all(scans).await;
    let (marked, others): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((marked.len(), others.len()), (1, 19));
    for fault in others {
        assert_eq!(fault.unwrap_err().reason, "ALREADY_MARKED");
    }
    assert_eq!((gate.count("mark").await, gate.count("scan").await), (1, 20));
    assert_eq!(gate.told("attendance.marked").await.len(), 1);
    // One code, sent again and again by a phone that does not hear the answer.
    let ben = gate.student(2, "A", 1).await;
    let sent = call.at_display(&gate);
    let answers = future::join_all((0..20).map(|_| scan(&gate, &ben, sent.clone()))).await;
    let first = answers[0].as_ref().unwrap();
    assert!(answers.iter().all(|answer| answer.as_ref() == Ok(first)));
    assert_eq!(gate.count("mark").await, 2);
}

/// A campus before one display, a hundred at once, and the guard closes the roll call in the midst of it.
#[tokio::test]
async fn a_roll_call_that_closes_amid_scans_agrees_with_every_answer() {
    const PUPILS: u32 = 2000;
    const AT_ONCE: usize = 100;
    const BEFORE_IT_CLOSES: i64 = 700;
    let gate = Gate::open().await;
    let pupils = gate.many_students(PUPILS, "A").await;
    let call = RollCall::open(&gate).await;
    let answered = Semaphore::new(0);
    let scans = stream::iter(&pupils).map(|pupil| {
        let answer = scan(&gate, pupil, call.at_display(&gate));
        answer.inspect(|_| answered.add_permits(1))
    });
    let closing = async {
        let _enough = answered
            .acquire_many(BEFORE_IT_CLOSES.try_into().unwrap())
            .await
            .unwrap();
        let request = CloseSessionRequest {
            id: call.id.to_string(),
        };
        told(gate.sessions().close_session(gate.by_guard(request)).await).unwrap()
    };
    let (answers, closed) = future::join(scans.buffered(AT_ONCE).collect::<Vec<_>>(), closing).await;
    // In the order of the students: who was too late waits for what comes after the end.
    let sql = "SELECT status || ' ' || source AS text FROM mark ORDER BY student_id";
    let marks = gate.rows(sql).await;
    assert_eq!(marks.len(), pupils.len());
    let mut marked = 0;
    for (mark, answer) in marks.iter().zip(answers) {
        match answer {
            Ok(answer) => {
                assert!(answer.attendance_marked);
                assert_eq!(mark, "present scan", "{}", answer.student_name);
                marked += 1;
            }
            Err(fault) => assert_eq!(
                (fault.reason.as_ref(), mark.as_str()),
                ("SESSION_CLOSED", "pending settlement")
            ),
        }
    }
    assert!(
        (BEFORE_IT_CLOSES..i64::from(PUPILS)).contains(&marked),
        "{marked} were marked"
    );
    let present = closed.counts.unwrap().present;
    assert_eq!(
        i64::from(present),
        marked,
        "nobody is marked after the roll call was closed"
    );
    assert_eq!(gate.count("scan WHERE outcome = 'marked'").await, marked);
    assert_eq!(gate.count("scan").await, i64::from(PUPILS));
    // What was told is what is there.
    let events = gate.told("attendance.marked").await;
    assert_eq!(i64::try_from(marked_by(&events).len()).unwrap(), marked);
    let versions: Vec<i64> = events.iter().map(|event| event["version"].as_i64().unwrap()).collect();
    assert!(versions.is_sorted_by(|one, next| one < next), "{versions:?}");
    // The end comes last.
    let end = gate.told("roll_call.closed").await[0]["version"].as_i64();
    assert_eq!(end, versions.last().map(|last| last + 1));
}

#[tokio::test]
async fn scans_that_wait_together_are_stored_together() {
    let gate = Gate::open().await;
    let pupils = gate.many_students(21, "A").await;
    let call = RollCall::open(&gate).await;
    let held = hold(&gate).await;
    let scans = pupils.iter().map(|pupil| scan(&gate, pupil, call.at_display(&gate)));
    let (answers, ()) = future::join(future::join_all(scans), release(&gate, held)).await;
    assert!(answers.iter().all(Result::is_ok));
    let events = gate.told("attendance.marked").await;
    assert!(events.len() <= 4, "{} events for 21 scans", events.len());
    assert_eq!(marked_by(&events).len(), 21);
}

/// Batches that leave it to others to tell whom they marked are told of without anybody's asking.
#[tokio::test]
async fn a_crowd_is_told_soon_and_once() {
    const SOON: Duration = Duration::from_secs(10);
    let gate = Gate::open_with(Config {
        batch: 20,
        ..Config::default()
    })
    .await;
    let pupils = gate.many_students(200, "A").await;
    let call = RollCall::open(&gate).await;
    let held = hold(&gate).await;
    let scans = pupils.iter().map(|pupil| scan(&gate, pupil, call.at_display(&gate)));
    let (answers, ()) = future::join(future::join_all(scans), release(&gate, held)).await;
    assert!(answers.iter().all(Result::is_ok));
    let begun = Instant::now();
    let told = until("everybody is told", async || {
        let events = gate.told("attendance.marked").await;
        let told = marked_by(&events);
        (told.len() >= pupils.len()).then_some(told)
    })
    .await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    let mut expected: Vec<String> = pupils.iter().map(|pupil| pupil.id.to_string()).collect();
    expected.sort_unstable();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn whoever_was_answered_is_marked_whatever_stops() {
    let gate = Gate::open().await;
    let pupils = gate.many_students(100, "A").await;
    let call = RollCall::open(&gate).await;
    let scans: Vec<_> = pupils
        .iter()
        .map(|pupil| {
            let (mut client, request) = (gate.scans(), gate.by_student(pupil, call.at_display(&gate)));
            tokio::spawn(async move { client.scan(request).await.is_ok() })
        })
        .collect();
    until("the first mark", async || (gate.count("mark").await > 0).then_some(())).await;
    let stores = gate.world.stop().await;
    let answered = future::join_all(scans).await;
    let gate = Gate::open_beside(stores, Config::default(), Vec::new()).await;
    for (pupil, answered) in pupils.iter().zip(answered) {
        if answered.unwrap() {
            assert_eq!(call.mark_of(&gate, pupil).await.unwrap(), "present scan");
        }
    }
    assert_eq!(gate.count("mark").await, gate.count("scan").await);
}

#[tokio::test]
async fn a_batch_is_stored_whole_or_not_at_all() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let call = RollCall::open(&gate).await;
    // The next version of the roll call is taken: the event cannot be written.
    gate.write(
        "INSERT INTO outbox (id, subject, version, kind, event, occurred_at, attempts, published_at) \
         VALUES ($1, $2, 2, 'x', '{}', $3, 0, $3)",
        [
            gate.world.clock.new_id().into(),
            call.id.into(),
            gate.world.clock.now().into(),
        ],
    )
    .await;
    let fault = scan(&gate, &asha, call.at_display(&gate)).await.unwrap_err();
    assert_eq!(fault.kind, Kind::Internal);
    assert_eq!(gate.count("mark").await + gate.count("scan").await, 0);
    assert_eq!(
        gate.rows("SELECT CAST(version AS TEXT) AS text FROM session").await,
        ["1"]
    );
    gate.write("DELETE FROM outbox WHERE kind = $1", ["x".into()]).await;
    assert!(
        scan(&gate, &asha, call.at_display(&gate))
            .await
            .unwrap()
            .attendance_marked
    );
}

#[tokio::test]
async fn more_than_can_wait_is_told_to_come_back() {
    let config = Config {
        queue: 2,
        batch: 1,
        ..Config::default()
    };
    let gate = Gate::open_with(config).await;
    let pupils = gate.many_students(12, "A").await;
    let call = RollCall::open(&gate).await;
    let held = hold(&gate).await;
    let scans = pupils.iter().map(|pupil| scan(&gate, pupil, call.at_display(&gate)));
    let mut scans: Vec<_> = scans.map(Box::pin).collect();
    // With the store held, the first answers there are say that the queue is full.
    let mut full = 0;
    while full < 9 {
        let (answer, _, rest) = future::select_all(scans).await;
        let fault = answer.unwrap_err();
        assert_eq!((fault.kind, fault.retry_after.is_some()), (Kind::Unavailable, true));
        (scans, full) = (rest, full + 1);
    }
    drop(held);
    let answers = future::join_all(scans).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().attendance_marked));
    assert_eq!(gate.count("mark").await, 3);
    // What is refused anyway is told sooner.
    assert_eq!(
        scan(&gate, &pupils[0], request("nothing", meters_north(0.0)))
            .await
            .unwrap_err()
            .reason,
        "QR_INVALID"
    );
}

#[tokio::test]
async fn what_is_refused_anyway_takes_no_place_from_what_counts() {
    let config = Config {
        queue: 4,
        batch: 1,
        ..Config::default()
    };
    let gate = Gate::open_with(config).await;
    let pupils = gate.many_students(13, "A").await;
    let call = RollCall::open(&gate).await;
    let held = hold(&gate).await;
    let nothing = pupils[1..]
        .iter()
        .map(|pupil| scan(&gate, pupil, request("nothing", meters_north(0.0))));
    let mut waiting: Vec<_> = nothing.map(Box::pin).collect();
    // One is being stored, three wait.
    for _ in 0..8 {
        let (answer, _, rest) = future::select_all(waiting).await;
        assert_eq!(answer.unwrap_err().kind, Kind::Unavailable);
        waiting = rest;
    }
    let counts = scan(&gate, &pupils[0], call.at_display(&gate));
    let release = async {
        // By the time these are answered the one that counts has long been handed in.
        for pupil in &pupils[1..6] {
            let fault = scan(&gate, pupil, request("nothing", meters_north(0.0))).await;
            assert_eq!(fault.unwrap_err().kind, Kind::Unavailable);
        }
        drop(held);
    };
    let (answer, ()) = future::join(counts, release).await;
    assert!(answer.unwrap().attendance_marked);
    for answer in future::join_all(waiting).await {
        assert_eq!(answer.unwrap_err().reason, "QR_INVALID");
    }
}
