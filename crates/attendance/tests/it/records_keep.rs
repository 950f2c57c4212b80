//! Keeping house: room for the months to come, and an end for what is too old.

use attendance::Config;
use chrono::{Months, TimeDelta};
use kit::testing::TestStores;

use crate::{
    gate::{Gate, Pupil, until},
    records::{Roll, Stage, today},
};

impl Gate {
    /// The same stores, served anew.
    async fn again(self) -> Self {
        Self::open_beside(self.world.stop().await, Config::default(), Vec::new()).await
    }

    async fn parts(&self) -> Vec<String> {
        self.rows("SELECT relname::text AS text FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY relname")
            .await
    }

    async fn lay_scan(&self, roll: Roll, pupil: &Pupil, ago: TimeDelta) {
        self.write(
            "INSERT INTO scan (id, day, session_id, student_id, outcome, offline, scanned_at, received_at, latitude, \
             longitude, distance_meters, evidence) VALUES ($1, $2, $3, $4, 'refused', FALSE, $5, $5, 28.6, 77.2, 4.5, '[]')",
            [
                self.world.clock.new_id().into(),
                roll.day.into(),
                roll.id.into(),
                pupil.id.into(),
                (self.world.clock.now() - ago).into(),
            ],
        )
        .await;
    }

    /// A roll call with one of everything that hangs on it.
    async fn lay_all(&self, pupil: &Pupil, months_ago: u32) -> Roll {
        let day = today() - Months::new(months_ago);
        let roll = self.lay_roll("A", 1, day, Stage::Settled).await;
        self.lay_mark(roll, pupil, "absent", "settlement").await;
        self.lay_scan(roll, pupil, TimeDelta::days(30 * i64::from(months_ago)))
            .await;
        let ids = [roll.id.into(), pupil.id.into(), day.into()];
        let change = "INSERT INTO mark_change (id, day, session_id, student_id, after, source, changed_at) \
                      VALUES ($1, $3, $1, $2, 'absent', 'manual', '2024-01-01 00:00:00+00')";
        self.write(change, ids.clone()).await;
        let awaiting = "INSERT INTO awaiting (scan_id, day, session_id, student_id, asked_at, decided_at) \
                        VALUES ($1, $3, $1, $2, '2024-01-01 00:00:00+00', '2024-01-01 00:00:00+00')";
        self.write(awaiting, ids).await;
        roll
    }
}

#[tokio::test]
async fn there_is_room_for_the_months_to_come() {
    let gate = Gate::open().await;
    if !TestStores::on_servers() {
        // One table holds all months there.
        let asha = gate.student(1, "A", 1).await;
        let later = gate.lay_roll("A", 1, today() + Months::new(3), Stage::Closed).await;
        gate.lay_mark(later, &asha, "pending", "settlement").await;
        return;
    }
    let expected: Vec<String> = ["mark", "scan"]
        .iter()
        .flat_map(|table| ["2026_11", "2026_12", "2027_01", "2027_02"].map(|month| format!("{table}_{month}")))
        .collect();
    until("the room", async || (gate.parts().await == expected).then_some(())).await;
    let gate = gate.again().await;
    assert_eq!(gate.parts().await, expected);
}

#[tokio::test]
async fn what_is_too_old_goes_with_everything_that_hangs_on_it() {
    // It is laid where nothing is too old yet: house is kept as soon as the service is there.
    let gate = Gate::open_with(Config {
        keep_months: 240,
        ..Config::default()
    })
    .await;
    let asha = gate.student(1, "A", 1).await;
    gate.lay_all(&asha, 25).await;
    gate.lay_all(&asha, 30).await;
    let kept = gate.lay_all(&asha, 24).await;
    let gate = gate.again().await;
    // A table after the other: none is before the rest.
    for table in ["session", "mark", "scan", "awaiting", "mark_change"] {
        until("the end of the old", async || {
            (gate.count(table).await == 1).then_some(())
        })
        .await;
    }
    assert_eq!(gate.how_stands(kept, &asha).await, "absent settlement");
    if TestStores::on_servers() {
        let parts = gate.parts().await;
        assert!(parts.contains(&"mark_2024_11".to_owned()) && !parts.contains(&"mark_2024_10".to_owned()));
    }
}

#[tokio::test]
async fn coordinates_go_after_some_days_and_the_verdict_stays() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let roll = gate.lay_roll("A", 1, today(), Stage::Closed).await;
    gate.lay_scan(roll, &asha, TimeDelta::days(6)).await;
    for _ in 0..3 {
        gate.lay_scan(roll, &asha, TimeDelta::days(8)).await;
    }
    let gate = gate.again().await;
    until("the end of old coordinates", async || {
        (gate.count("scan WHERE latitude IS NULL AND longitude IS NULL").await == 3).then_some(())
    })
    .await;
    assert_eq!(gate.count("scan WHERE latitude IS NOT NULL").await, 1);
    assert_eq!(
        gate.count("scan WHERE distance_meters = 4.5 AND outcome = 'refused'")
            .await,
        4
    );
}

#[tokio::test]
async fn what_devices_signed_goes_when_no_late_scan_is_held_against_it_any_more() {
    let gate = Gate::open().await;
    let device = gate.world.clock.new_id();
    for (counter, hours) in [(1_i64, 60), (2, 49), (3, 47)] {
        let at = gate.world.clock.now() - TimeDelta::hours(hours);
        gate.write(
            "INSERT INTO device_stamp (device_id, counter, scanned_at, digest, noted_at) VALUES ($1, $2, $3, $4, $3)",
            [device.into(), counter.into(), at.into(), vec![7_u8; 32].into()],
        )
        .await;
    }
    let gate = gate.again().await;
    until("the end of old stamps", async || {
        (gate.count("device_stamp").await == 1).then_some(())
    })
    .await;
    assert_eq!(gate.count("device_stamp WHERE counter = 3").await, 1);
}
