//! Settling roll calls: late scans have ended, and whoever is still pending was absent.

use attendance::{Attendance, Config};
use kit::service::Host;
use proto::attendance::{GenerateQrRequest, SessionStatus};
use sea_orm::Value;

use crate::{
    gate::{Gate, until},
    roll_call::asked,
};

impl Gate {
    /// Moves on to when the late scans of a roll call that is closed now have ended, and waits until it is settled.
    async fn settled(&self, session: &str) {
        self.world.clock.advance(chrono::Duration::hours(24));
        until("the roll call is settled", async || {
            (self.session(session).await.status() == SessionStatus::Settled).then_some(())
        })
        .await;
    }

    /// Many students of block A and the first year.
    async fn crowd(&self, number: u32) {
        for begin in (0..number).step_by(500) {
            let numbers = begin..number.min(begin + 500);
            let rows: Vec<String> = numbers
                .clone()
                .enumerate()
                .map(|(row, _)| {
                    format!(
                        "(${}, 1, ${}, 'Somebody', 1, 'A', NULL, TRUE, $1)",
                        2 * row + 2,
                        2 * row + 3
                    )
                })
                .collect();
            let values = numbers.flat_map(|number| {
                [
                    Value::from(self.world.clock.new_id()),
                    Value::from(format!("REG-{number:05}")),
                ]
            });
            let now = Value::from(self.world.clock.now());
            let sql = format!(
                "INSERT INTO student (id, version, registration_no, name, year, block_folded, room_no, active, changed_at) \
                 VALUES {}",
                rows.join(", ")
            );
            self.write(&sql, std::iter::once(now).chain(values)).await;
        }
    }

    /// Another process of the same service on the same stores, by the same clock.
    async fn second_replica(&self) -> Host {
        let config = self.world.stores.config();
        let mut host = Host::open_at(config, &["auth", "attendance"], self.world.clock.clone())
            .await
            .unwrap();
        self.world.keys.serve(host.place_of("auth").unwrap());
        let (service, db) = host.create_with::<Attendance>(Config::default()).await.unwrap();
        host.start(service, db).unwrap();
        host.begin().await.unwrap();
        host
    }
}

#[tokio::test]
async fn who_is_pending_becomes_absent_when_late_scans_have_ended() {
    let gate = Gate::of_block_a().await;
    let [asha, bela, chitra] = gate.students("A").await;
    let session = gate.roll_call().await;
    gate.mark(&session, &asha, "present").await;
    gate.leave(&bela, 0, 0, true).await;
    gate.close(&session).await;
    let of_others = GenerateQrRequest { year: 2, ..asked() };
    gate.generate(of_others).await;
    gate.world
        .clock
        .advance(chrono::Duration::hours(24) - chrono::Duration::seconds(1));
    // That it closes another one shows that the job looked.
    until("the job looks", async || {
        (gate.told("roll_call.closed").await.len() == 2).then_some(())
    })
    .await;
    assert_eq!(gate.session(&session).await.status(), SessionStatus::Closed);
    assert!(gate.told("roll_call.settled").await.is_empty());

    gate.settled(&session).await;
    assert_eq!(
        gate.standing(&[&asha, &bela, &chitra]).await,
        ["present scan", "excused leave", "absent settlement"]
    );
    let counts = gate.session(&session).await.counts.unwrap();
    assert_eq!(
        (
            counts.present,
            counts.excused,
            counts.pending,
            counts.absent,
            counts.total
        ),
        (1, 1, 0, 1, 3)
    );
    let changes = gate
        .rows("SELECT before || ' ' || after || ' ' || source AS text FROM mark_change WHERE before IS NOT NULL")
        .await;
    assert_eq!(changes, ["pending absent settlement"]);
    let mut events = gate.told("roll_call.settled").await;
    events.retain(|event| event["subject"] == session);
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["subject"], &events[0]["version"]),
        (&session.into(), &3.into())
    );
    assert_eq!(events[0]["data"]["absent"], serde_json::json!([chitra.id.to_string()]));
    assert_eq!(events[0]["data"]["session"]["status"], "settled");
}

#[tokio::test]
async fn where_nobody_is_absent_that_is_told_too() {
    let gate = Gate::of_block_a().await;
    let session = gate.roll_call().await;
    gate.close(&session).await;
    gate.settled(&session).await;
    let events = gate.told("roll_call.settled").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["data"]["absent"], serde_json::json!([]));
}

#[tokio::test]
async fn many_absences_are_told_in_several_events() {
    let gate = Gate::of_block_a().await;
    gate.crowd(4001).await;
    let session = gate.roll_call().await;
    let closed = gate.close(&session).await;
    assert_eq!(closed.counts.unwrap().pending, 4001);
    gate.settled(&session).await;
    let events = gate.told("roll_call.settled").await;
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event["version"].as_i64().unwrap(),
                event["data"]["absent"].as_array().unwrap().len(),
            )
        })
        .collect();
    assert_eq!(told, [(3, 4000), (4, 1)]);
    assert!(events[0].to_string().len() < 200 * 1024);
    assert_eq!(
        gate.rows("SELECT CAST(version AS TEXT) AS text FROM session").await,
        ["4"]
    );
    assert_eq!(gate.count("mark_change").await, 4001);
    assert_eq!(gate.session(&session).await.counts.unwrap().absent, 4001);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_processes_end_each_roll_call_once() {
    let gate = Gate::of_block_a().await;
    gate.students::<3>("A").await;
    let mut sessions = Vec::new();
    for year in 1..=4 {
        sessions.push(gate.generate(GenerateQrRequest { year, ..asked() }).await.session_id);
    }
    let second = gate.second_replica().await;
    gate.world.clock.advance(chrono::Duration::minutes(30));
    until("all are closed", async || {
        (gate.told("roll_call.closed").await.len() >= 4).then_some(())
    })
    .await;
    for session in &sessions {
        gate.settled(session).await;
    }
    for (kind, version) in [("roll_call.closed", 2), ("roll_call.settled", 3)] {
        let events = gate.told(kind).await;
        let mut subjects: Vec<&str> = events.iter().map(|event| event["subject"].as_str().unwrap()).collect();
        subjects.sort_unstable();
        assert_eq!(subjects, sessions, "{kind}");
        assert!(events.iter().all(|event| event["version"] == version));
    }
    assert_eq!((gate.count("mark").await, gate.count("mark_change").await), (3, 3));
    second.lifecycle.run(std::future::ready(())).await.unwrap();
}
