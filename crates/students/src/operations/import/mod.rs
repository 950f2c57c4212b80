//! Registering many students from a file: every row has its own result, and the same file again changes nothing.
//!
//! All rows are read and held against what is there first. Those that are new are then registered some at a time, as
//! [`super::register`] does with one: whatever ends in between leaves whole batches and no accounts without records, and
//! importing the file again does the rest.

mod batch;
mod plan;
mod report;
mod row;
mod store;

use std::{sync::Arc, time::Instant};

use chrono::Duration;
use kit::{
    Fault,
    access::Caller,
    idempotency::{self, Claimed},
};
use proto::students::ImportReport;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;

use self::{
    batch::{Done, Fate},
    plan::{Line, New, Standing},
};
use super::App;
use crate::Error;

const RPC: &str = "ImportStudents";
/// Longer than anybody waits for an import.
const LONGEST: Duration = Duration::minutes(15);

/// A file to import.
pub(crate) struct Order {
    pub file: Vec<u8>,
    /// Only say what would happen.
    pub dry_run: bool,
    /// When whoever asked gives up.
    pub until: Option<Instant>,
}

/// Imports a file; the report is kept for repetitions of the request.
pub(crate) async fn import(app: &Arc<App>, caller: &Caller, order: Order) -> Result<ImportReport, Error> {
    let request = format!("{}\n{}", order.dry_run, hex::encode(Sha256::digest(&order.file)));
    let claimed = idempotency::claim::<Vec<u8>>(&app.db, &app.clock, caller, (RPC, LONGEST), &request).await?;
    let claim = match claimed {
        Claimed::First(claim) => claim,
        Claimed::Repeated(sealed) => return Ok(app.answers.opened(caller, RPC, &sealed)?),
    };
    match try_import(app, caller, order).await {
        Ok(lines) => {
            let is_final = lines.iter().all(|line| line.standing.is_final());
            let report = report::of(lines);
            if is_final {
                claim.keep(&app.db, &app.answers.sealed(caller, RPC, &report)).await?;
            } else {
                // The same again does the rest.
                claim.release(&app.db, &app.clock).await?;
            }
            Ok(report)
        }
        Err(error) => {
            claim.release(&app.db, &app.clock).await?;
            Err(error)
        }
    }
}

async fn try_import(app: &Arc<App>, caller: &Caller, order: Order) -> Result<Vec<Line>, Error> {
    let Order { file, dry_run, until } = order;
    let read = app.sheets.take().await?.run(move || row::read(&file)).await;
    let rows = read.map_err(Fault::internal)?;
    let rows = rows.map_err(|error| Fault::invalid("file", error.to_string()))?;
    let mut lines = plan::lines(app, rows, dry_run).await?;
    if !dry_run {
        let taken = register(app, caller, &mut lines, until).await;
        plan::explain_taken(app, &mut lines, taken).await?;
    }
    Ok(lines)
}

/// Registers those that are new; gives back the ones whose address or number turned out to be taken.
async fn register(app: &Arc<App>, caller: &Caller, lines: &mut [Line], until: Option<Instant>) -> Vec<(New, Fate)> {
    let mut taken = Vec::new();
    let mut following: Option<JoinHandle<()>> = None;
    for batch in batch::cut(plan::take_new(lines)) {
        if batch::is_late(until) {
            break;
        }
        let places: Vec<usize> = batch.iter().map(|new| new.place).collect();
        let fates = match registered(app, caller, batch, until).await {
            Ok(Done { fates, follow_up }) => {
                // One batch ahead of auth, and no more.
                finish(following.replace(follow_up)).await;
                fates
            }
            Err(error) => {
                // Whatever is wrong is not wrong with these rows alone: the rest is not tried.
                tracing::warn!(%error, "an import is given up on");
                for place in places {
                    lines[place].standing = Standing::NotStored;
                }
                break;
            }
        };
        for (new, fate) in fates {
            match fate {
                Fate::Created => lines[new.place].standing = Standing::Created(Some(new.student.id)),
                Fate::Wrong(wrong) => lines[new.place].standing = Standing::Wrong(vec![wrong]),
                Fate::Taken(_) => taken.push((new, fate)),
            }
        }
    }
    finish(following).await;
    taken
}

async fn finish(follow_up: Option<JoinHandle<()>>) {
    if let Some(follow_up) = follow_up
        && let Err(error) = follow_up.await
    {
        tracing::error!(%error, "accounts of an import are left to the events");
    }
}

/// A task of its own: a batch is seen through even when whoever asked has left.
async fn registered(app: &Arc<App>, caller: &Caller, batch: Vec<New>, until: Option<Instant>) -> Result<Done, Error> {
    let (app, caller) = (app.clone(), caller.clone());
    let work = tokio::spawn(async move { batch::register(&app, &caller, batch, until).await });
    work.await.map_err(Fault::internal)?
}
