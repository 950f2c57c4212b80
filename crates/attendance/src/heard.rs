//! What this service does on events of others: it keeps its copies of students, blocks and leaves.

mod privacy;

use std::sync::Arc;

use kit::{
    db::Txn,
    events::{Consumer, Event, Hear, Heard, Subscription},
};
use proto::{
    leave::{LeaveApproved, LeaveCancelled, LeaveChanged, LeaveRecord, LeaveState},
    students::{
        BlockRecord, BlockRemoved, BlockUpdated, StudentDeactivated, StudentErased, StudentMoved, StudentRecord,
        StudentRegistered, StudentState, StudentUpdated,
    },
};
use uuid::Uuid;

use crate::{
    domain::{Block, Leave, Student, folded},
    operations::{App, copies::excuse},
    store,
};

const REGISTERED: &str = "hostelpulse.student.registered.v1";
const UPDATED: &str = "hostelpulse.student.updated.v1";
const MOVED: &str = "hostelpulse.student.moved.v1";
const DEACTIVATED: &str = "hostelpulse.student.deactivated.v1";
const ERASED: &str = "hostelpulse.student.erased.v1";
const BLOCK_UPDATED: &str = "hostelpulse.block.updated.v1";
const BLOCK_REMOVED: &str = "hostelpulse.block.removed.v1";
const LEAVE_APPROVED: &str = "hostelpulse.leave.approved.v1";
const LEAVE_CHANGED: &str = "hostelpulse.leave.changed.v1";
const LEAVE_CANCELLED: &str = "hostelpulse.leave.cancelled.v1";

struct Copies(Arc<App>);

#[async_trait::async_trait]
impl Hear for Copies {
    async fn apply(&self, txn: &Txn, event: &Event) -> Result<(), Heard> {
        match event.kind.as_str() {
            REGISTERED => self.student(txn, event.read::<StudentRegistered>()?.student).await,
            UPDATED => self.student(txn, event.read::<StudentUpdated>()?.student).await,
            MOVED => self.student(txn, event.read::<StudentMoved>()?.student).await,
            DEACTIVATED => self.student(txn, event.read::<StudentDeactivated>()?.student).await,
            ERASED => self.student(txn, event.read::<StudentErased>()?.student).await,
            BLOCK_UPDATED => self.block(txn, event.read::<BlockUpdated>()?.block, false).await,
            BLOCK_REMOVED => self.block(txn, event.read::<BlockRemoved>()?.block, true).await,
            LEAVE_APPROVED => self.leave(txn, event, event.read::<LeaveApproved>()?.leave).await,
            LEAVE_CHANGED => self.leave(txn, event, event.read::<LeaveChanged>()?.leave).await,
            LEAVE_CANCELLED => self.leave(txn, event, event.read::<LeaveCancelled>()?.leave).await,
            _ => Err(Heard::unexpected(event)),
        }
    }
}

impl Copies {
    async fn student(&self, txn: &Txn, record: Option<StudentRecord>) -> Result<(), Heard> {
        let record = record.ok_or_else(|| Heard::lacks("student"))?;
        let student = student(&record).map_err(|why| Heard::Fail(format!("the record {}: {why}", record.id)))?;
        store::student::keep_in_txn(txn, &[student], self.0.clock.now()).await?;
        Ok(())
    }

    async fn block(&self, txn: &Txn, record: Option<BlockRecord>, removed: bool) -> Result<(), Heard> {
        let record = record.ok_or_else(|| Heard::lacks("block"))?;
        let block = block(&record).map_err(|why| Heard::Fail(format!("the block {}: {why}", record.block)))?;
        // A removal tells the block as it was, and is its last version.
        let block = Block {
            version: block.version + i64::from(removed),
            removed,
            ..block
        };
        store::block::keep_in_txn(txn, &[block]).await?;
        Ok(())
    }

    async fn leave(&self, txn: &Txn, event: &Event, record: Option<LeaveRecord>) -> Result<(), Heard> {
        let record = record.ok_or_else(|| Heard::lacks("leave"))?;
        let leave = leave(&record).map_err(|why| Heard::Fail(format!("the leave {}: {why}", record.id)))?;
        let caller = event.heard_by("attendance");
        let kept = excuse::keep_in_txn(&self.0, &caller, txn, &leave).await;
        kept.map_err(Heard::again)
    }
}

/// A student's record as a roll call sees it.
pub(crate) fn student(record: &StudentRecord) -> Result<Student, &'static str> {
    let room = record.room.as_ref();
    Ok(Student {
        id: Uuid::parse_str(&record.id).map_err(|_| "its id is no UUID")?,
        version: record.version,
        registration_no: record.registration_no.clone(),
        name: record.name.clone(),
        year: u8::try_from(record.year).map_err(|_| "its year is too large")?,
        block_folded: room.map(|room| folded(&room.block)),
        room_no: room.map(|room| room.room_no.clone()),
        active: match record.state() {
            StudentState::Active => true,
            StudentState::Deactivated | StudentState::Erased => false,
            StudentState::Unspecified => return Err("it does not say where the student stands"),
        },
    })
}

/// A block's record as a roll call sees it.
pub(crate) fn block(record: &BlockRecord) -> Result<Block, &'static str> {
    let location = record.location.as_ref();
    Ok(Block {
        id: Uuid::parse_str(&record.id).map_err(|_| "its id is no UUID")?,
        version: record.version,
        name: record.block.clone(),
        location: location.map(|location| (location.latitude, location.longitude)),
        removed: false,
    })
}

/// A leave's record as far as it excuses somebody.
pub(crate) fn leave(record: &LeaveRecord) -> Result<Leave, &'static str> {
    let leave = Leave {
        id: Uuid::parse_str(&record.id).map_err(|_| "its id is no UUID")?,
        version: record.version,
        student_id: Uuid::parse_str(&record.student_id).map_err(|_| "its student's id is no UUID")?,
        from: record.from_date.parse().map_err(|_| "from_date is no day")?,
        to: record.to_date.parse().map_err(|_| "to_date is no day")?,
        approved: match record.state() {
            LeaveState::Approved => true,
            LeaveState::Pending | LeaveState::Rejected | LeaveState::Cancelled => false,
            LeaveState::Unspecified => return Err("it does not say how the leave stands"),
        },
    };
    if leave.to < leave.from {
        return Err("it ends before it begins");
    }
    Ok(leave)
}

pub(crate) fn consumers(app: &Arc<App>) -> Vec<Consumer> {
    let topics = [
        REGISTERED,
        UPDATED,
        MOVED,
        DEACTIVATED,
        ERASED,
        BLOCK_UPDATED,
        BLOCK_REMOVED,
        LEAVE_APPROVED,
        LEAVE_CHANGED,
        LEAVE_CANCELLED,
    ];
    let copies = Arc::new(Copies(app.clone()));
    let subscription = Subscription::new("attendance", &topics);
    vec![
        Consumer::new(subscription, app.db.clone(), app.clock.clone(), copies),
        privacy::consumer(app),
    ]
}
