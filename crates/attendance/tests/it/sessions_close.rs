//! Closing roll calls: by whoever leads them, by time.

use futures_util::future::join_all;
use proto::{
    attendance::{ClosedBy, GenerateQrRequest, Session, SessionStatus},
    options::Role,
};

use crate::{
    gate::{Gate, until},
    roll_call::asked,
};

#[tokio::test]
async fn whoever_was_not_marked_is_pending_or_excused() {
    let gate = Gate::of_block_a().await;
    let [asha, bela, chitra, divya, esha] = gate.students("A").await;
    let other_block = gate.student(10, "B", 1).await;
    let other_year = gate.student(11, "A", 2).await;
    let gone = gate.student(12, "A", 1).await;
    gate.write("UPDATE student SET active = FALSE WHERE id = $1", [gone.id.into()])
        .await;
    let session = gate.roll_call().await;
    gate.mark(&session, &asha, "present").await;
    gate.mark(&session, &other_year, "present").await;
    // Two leaves of one day are one excuse; others do not count.
    gate.leave(&bela, -1, 1, true).await;
    gate.leave(&bela, 0, 0, true).await;
    gate.leave(&asha, 0, 0, true).await;
    gate.leave(&chitra, 0, 0, false).await;
    gate.leave(&divya, 1, 2, true).await;

    let closed = gate.close(&session).await;
    assert_eq!(
        (closed.status(), closed.closed_by()),
        (SessionStatus::Closed, ClosedBy::Guard)
    );
    let seconds = |at: Option<prost_types::Timestamp>| at.unwrap().seconds;
    assert_eq!(seconds(closed.closed_at), gate.world.clock.now().timestamp());
    assert_eq!(seconds(closed.settles_at), seconds(closed.closed_at) + 24 * 3600);
    let counts = closed.counts.unwrap();
    assert_eq!(
        (counts.present, counts.excused, counts.pending, counts.absent),
        (2, 1, 3, 0)
    );
    assert_eq!(
        gate.standing(&[&asha, &bela, &chitra, &divya, &esha]).await,
        [
            "present scan",
            "excused leave",
            "pending settlement",
            "pending settlement",
            "pending settlement"
        ]
    );
    assert_eq!(
        gate.standing(&[&other_block, &other_year, &gone]).await,
        ["", "present scan", ""]
    );
    // What a leave did is written down; that nobody knows yet is no change.
    let changes = gate
        .rows("SELECT COALESCE(before, '-') || ' ' || after || ' ' || source AS text FROM mark_change")
        .await;
    assert_eq!(changes, ["- excused leave"]);
    let events = gate.told("roll_call.closed").await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["version"], &events[0]["actor"]["id"]),
        (&2.into(), &gate.guard.to_string().into())
    );
}

#[tokio::test]
async fn closing_again_changes_nothing() {
    let gate = Gate::of_block_a().await;
    gate.students::<3>("A").await;
    let session = gate.roll_call().await;
    let closed = gate.close(&session).await;
    gate.world.clock.advance(chrono::Duration::minutes(5));
    assert_eq!(gate.close(&session).await, closed);
    assert_eq!(
        gate.try_close(gate.warden, Role::Warden, &session).await.unwrap(),
        closed
    );
    assert_eq!(gate.told("roll_call.closed").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_eight_who_close_at_once_one_does() {
    let gate = Gate::of_block_a().await;
    gate.students::<3>("A").await;
    let session = gate.roll_call().await;
    let tries = (0..8).map(|number| match number % 2 {
        0 => gate.try_close(gate.guard, Role::Guard, &session),
        _ => gate.try_close(gate.warden, Role::Warden, &session),
    });
    let answers: Vec<Session> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(
        (gate.told("roll_call.closed").await.len(), gate.count("mark").await),
        (1, 3)
    );
}

#[tokio::test]
async fn only_its_guard_and_wardens_close_a_roll_call() {
    let gate = Gate::of_block_a().await;
    let session = gate.roll_call().await;
    let stranger = gate.world.clock.new_id();
    let refused = gate.try_close(stranger, Role::Guard, &session).await.unwrap_err();
    assert_eq!(refused.reason, "FORBIDDEN");
    assert_eq!(gate.session(&session).await.status(), SessionStatus::Active);
    let closed = gate.try_close(stranger, Role::Warden, &session).await.unwrap();
    assert_eq!(closed.closed_by(), ClosedBy::Warden);
    let refused = gate.try_close(stranger, Role::Guard, &session).await.unwrap_err();
    assert_eq!(refused.reason, "FORBIDDEN", "also when there is nothing left to close");
    let unknown = gate
        .try_close(gate.warden, Role::Warden, &stranger.to_string())
        .await
        .unwrap_err();
    assert_eq!(unknown.reason, "NOT_FOUND");
    let nonsense = gate.try_close(gate.warden, Role::Warden, "1").await.unwrap_err();
    assert_eq!(nonsense.reason, "VALIDATION_ERROR");
}

#[tokio::test]
async fn time_closes_what_nobody_did() {
    let gate = Gate::of_block_a().await;
    let [asha] = gate.students("A").await;
    let longer = GenerateQrRequest {
        year: 2,
        duration_minutes: 60,
        ..asked()
    };
    let (short, long) = (gate.roll_call().await, gate.generate(longer).await.session_id);
    gate.world.clock.advance(chrono::Duration::minutes(30));
    assert_eq!(
        gate.session(&short).await.status(),
        SessionStatus::Closed,
        "also before anybody wrote it down"
    );
    until("the job closes it", async || {
        (gate.count("mark").await > 0).then_some(())
    })
    .await;
    let closed = gate.session(&short).await;
    assert_eq!(
        (closed.closed_by(), closed.closed_at),
        (ClosedBy::Time, closed.valid_until)
    );
    assert_eq!(gate.standing(&[&asha]).await, ["pending settlement"]);
    assert_eq!(gate.session(&long).await.status(), SessionStatus::Active);
    // Whoever comes later finds it closed.
    assert_eq!(gate.close(&short).await, closed);
    let events = gate.told("roll_call.closed").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["subject"], short);
    assert!(events[0]["actor"]["id"].as_str().unwrap_or_default() != gate.guard.to_string());
}
