//! Reading all students and blocks anew: before the first event was heard, and after one of the two databases was lost.

use std::collections::HashMap;

use kit::copies::{self, Copies, Records};
use kit::upstream::Channel;
use proto::students::{StreamBlocksRequest, StreamStudentsRequest, StudentRecord, roster_client::RosterClient};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    domain::{Block, Student},
    heard,
    operations::App,
    store,
};

/// Whose records are copied.
pub(crate) const STUDENTS: &str = "students";

const COPIES: Copies = Copies::new(1, "students and blocks");

/// Fills copies that were never filled, as soon as the students service answers; until told to stop.
pub(crate) async fn fill(app: &App, stop: &CancellationToken) {
    COPIES.fill(&app.db, stop, || rebuild(app)).await;
}

/// Reads every student and block, and keeps what is newer than the copy; how many there were.
pub(crate) async fn rebuild(app: &App) -> anyhow::Result<u64> {
    let mut roster = RosterClient::new(copies::way(&app.upstreams, STUDENTS)?);
    let count = students(app, &mut roster).await? + blocks(app, &mut roster).await?;
    COPIES.note_filled(&app.db, &app.clock).await?;
    Ok(count)
}

async fn students(app: &App, roster: &mut RosterClient<Channel>) -> anyhow::Result<u64> {
    let request = app.tokens.request(StreamStudentsRequest {})?;
    let mut records = Records::of(STUDENTS, roster.stream_students(request)).await?;
    while let Some(batch) = records.batch().await? {
        keep(app, &batch).await?;
    }
    Ok(records.count())
}

async fn keep(app: &App, records: &[StudentRecord]) -> anyhow::Result<()> {
    let student = |record: &StudentRecord| {
        heard::student(record).map_err(|why| anyhow::anyhow!("the record {}: {why}", record.id))
    };
    let mut students = records.iter().map(student).collect::<anyhow::Result<Vec<Student>>>()?;
    // In one order, whoever writes; each once.
    students.sort_unstable_by_key(|student| student.id);
    students.dedup_by_key(|student| student.id);
    let txn = app.db.begin().await?;
    store::student::keep_in_txn(&txn, &students, app.clock.now()).await?;
    txn.commit().await?;
    Ok(())
}

async fn blocks(app: &App, roster: &mut RosterClient<Channel>) -> anyhow::Result<u64> {
    let known = store::block::standing(app.db.reader()).await?;
    let mut missing: HashMap<Uuid, i64> = known.into_iter().map(|block| (block.id, block.version)).collect();
    let request = app.tokens.request(StreamBlocksRequest {})?;
    let mut records = Records::of(STUDENTS, roster.stream_blocks(request)).await?;
    while let Some(record) = records.next().await? {
        let block = heard::block(&record).map_err(|why| anyhow::anyhow!("the block {}: {why}", record.block))?;
        missing.remove(&block.id);
        keep_block(app, block).await?;
    }
    // Those that were there before and are not any more: their removal was never heard of.
    let missing: Vec<(Uuid, i64)> = missing.into_iter().collect();
    let txn = app.db.begin().await?;
    store::block::gone_in_txn(&txn, &missing).await?;
    txn.commit().await?;
    Ok(records.count())
}

/// A hostel has a few blocks.
async fn keep_block(app: &App, block: Block) -> anyhow::Result<()> {
    let txn = app.db.begin().await?;
    store::block::keep_in_txn(&txn, &[block]).await?;
    txn.commit().await?;
    Ok(())
}
