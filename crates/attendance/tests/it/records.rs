//! Fixtures of the tests of records: roll calls and marks laid down as they would have come to be.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use kit::testing::TestStores;
use proto::{
    leave::{LeaveApproved, LeaveCancelled, LeaveChanged, LeaveRecord, LeaveState},
    types::{FileChunk, FileHeader, file_chunk::Part},
};
use tokio_stream::StreamExt as _;
use tonic::Streaming;
use uuid::Uuid;

use crate::gate::{Gate, Pupil, until};

/// The day on which the clock of these tests stands.
pub(crate) fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 18).unwrap()
}

pub(crate) fn days_ago(days: u64) -> NaiveDate {
    today() - Days::new(days)
}

/// How far a roll call is.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Stage {
    Open,
    Closed,
    Settled,
}

/// A roll call that was laid down.
#[derive(Clone, Copy)]
pub(crate) struct Roll {
    pub id: Uuid,
    pub day: NaiveDate,
}

fn evening(day: NaiveDate) -> DateTime<Utc> {
    day.and_hms_opt(14, 30, 0).unwrap().and_utc()
}

impl Gate {
    pub(crate) async fn lay_roll(&self, block: &str, year: i16, day: NaiveDate, stage: Stage) -> Roll {
        self.make_room(day).await;
        let id = self.world.clock.new_id();
        let begin = evening(day);
        let end = begin + TimeDelta::minutes(10);
        let closed = (stage != Stage::Open).then_some(end);
        self.write(
            "INSERT INTO session (id, handle, block, block_folded, year, day, valid_from, valid_until, rotate_seconds, \
             radius_meters, require, opened_by, closed_at, closed_by, settles_at, settled_at, version, changed_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 25, 2.0, '[\"qr\"]', $9, $10, $11, $12, $13, 1, $7)",
            [
                id.into(),
                id.as_bytes()[8..].to_vec().into(),
                block.into(),
                block.to_uppercase().into(),
                year.into(),
                day.into(),
                begin.into(),
                end.into(),
                self.guard.into(),
                closed.into(),
                closed.map(|_| "time".to_owned()).into(),
                closed.map(|at| at + TimeDelta::days(1)).into(),
                (stage == Stage::Settled).then_some(end + TimeDelta::days(1)).into(),
            ],
        )
        .await;
        Roll { id, day }
    }

    pub(crate) async fn lay_mark(&self, roll: Roll, pupil: &Pupil, status: &str, source: &str) {
        let scanned = (status == "present").then(|| evening(roll.day));
        self.write(
            "INSERT INTO mark (day, session_id, student_id, status, source, scanned_at, marked_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            [
                roll.day.into(),
                roll.id.into(),
                pupil.id.into(),
                status.into(),
                source.into(),
                scanned.into(),
                evening(roll.day).into(),
            ],
        )
        .await;
    }

    /// `status source` of a student's mark.
    pub(crate) async fn how_stands(&self, roll: Roll, pupil: &Pupil) -> String {
        self.mark_of(roll.id, pupil).await.unwrap_or_default()
    }

    /// Room for a month that the service has none for.
    pub(crate) async fn make_room(&self, day: NaiveDate) {
        if !TestStores::on_servers() {
            return;
        }
        let txn = self.world.db.begin().await.unwrap();
        let begin = day.format("%Y-%m-01").to_string();
        let part = day.format("%Y_%m").to_string();
        let sql = format!(
            "SELECT pg_advisory_xact_lock({}); \
             CREATE TABLE IF NOT EXISTS mark_{part} PARTITION OF mark FOR VALUES FROM ('{begin}') TO (date '{begin}' + interval '1 month'); \
             CREATE TABLE IF NOT EXISTS scan_{part} PARTITION OF scan FOR VALUES FROM ('{begin}') TO (date '{begin}' + interval '1 month')",
            0x6d61_726b
        );
        sea_orm::ConnectionTrait::execute_unprepared(&*txn, &sql).await.unwrap();
        txn.commit().await.unwrap();
    }

    /// Waits until so many events of others were applied.
    pub(crate) async fn heard_of(&self, events: i64) {
        until("the last event", async || {
            (self.count("inbox WHERE consumer = 'attendance'").await == events).then_some(())
        })
        .await;
    }

    pub(crate) async fn hear_of_leave(&self, leave: &LeaveRecord) {
        let id = leave.id.parse().unwrap();
        let leave = Some(leave.clone());
        let version = leave.as_ref().map_or(0, |leave| leave.version);
        match leave.as_ref().map(LeaveRecord::state) {
            Some(LeaveState::Cancelled) => {
                self.hear("leave.cancelled", id, version, &LeaveCancelled { leave })
                    .await;
            }
            _ if version == 1 => {
                self.hear("leave.approved", id, version, &LeaveApproved { leave }).await;
            }
            _ => self.hear("leave.changed", id, version, &LeaveChanged { leave }).await,
        }
    }

    pub(crate) fn a_leave(&self, pupil: &Pupil, from: NaiveDate, to: NaiveDate) -> LeaveRecord {
        LeaveRecord {
            id: self.world.clock.new_id().to_string(),
            version: 1,
            student_id: pupil.id.to_string(),
            from_date: from.to_string(),
            to_date: to.to_string(),
            state: LeaveState::Approved.into(),
        }
    }

    /// Students of block A and year 1, as many as wished, each with a mark in a roll call of each of these days: every fifth absent.
    pub(crate) async fn many_marks(&self, students: u32, days: u64) {
        let random = if TestStores::on_servers() {
            "gen_random_uuid()"
        } else {
            "randomblob(16)"
        };
        let sql = format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {students}) \
             INSERT INTO student (id, version, registration_no, name, year, block_folded, room_no, active, changed_at) \
             SELECT {random}, 1, 'REG-' || (100000 + i), 'Student ' || i, 1, 'A', 'A-' || (i % 500), TRUE, $1 FROM n"
        );
        self.write(&sql, [self.world.clock.now().into()]).await;
        for day in 0..days {
            let roll = self.lay_roll("A", 1, days_ago(day), Stage::Settled).await;
            let sql = "INSERT INTO mark (day, session_id, student_id, status, source, marked_at) SELECT $1, $2, id, \
                       CASE WHEN registration_no LIKE '%5' OR registration_no LIKE '%0' THEN 'absent' ELSE 'present' END, \
                       'scan', $3 FROM student";
            let values = [roll.day.into(), roll.id.into(), evening(roll.day).into()];
            self.write(sql, values).await;
        }
    }
}

/// A file that comes in pieces: what it says of itself, and its bytes.
pub(crate) async fn file(mut pieces: Streaming<FileChunk>) -> (FileHeader, Vec<u8>) {
    let (mut header, mut bytes) = (None, Vec::new());
    while let Some(piece) = pieces.next().await {
        match piece.unwrap().part.unwrap() {
            Part::Header(first) => assert!(header.replace(first).is_none()),
            Part::Data(data) => bytes.extend(data),
            Part::End(_) => {}
        }
    }
    (header.unwrap(), bytes)
}
