//! Telling whom scans marked.
//!
//! The mark of a scan says by itself that it is still to be told. In a crowd, where batches come many times a second, they leave
//! it at that, and twice a second everything is told at once: an event a roll call instead of one a roll call and batch. Whoever
//! has something else to tell of a roll call tells first what was left, so that events come in the order in which things were.

use std::collections::HashMap;

use chrono::TimeDelta;
use kit::{
    Clock, Db,
    access::Caller,
    db::Txn,
    events::outbox::{self, Written},
};
use sea_orm::DbErr;
use uuid::Uuid;

use crate::{
    events::{self, Marked},
    operations::App,
    store::{
        batch::{self, Locked},
        untold::{self, Left},
    },
};

/// Marks that one event tells, unless a batch has more: some 200 bytes each, and an event has at most 256 KiB.
const MARKS_AN_EVENT: usize = 1000;
/// Roll calls that are told of in one go of the job; the next go takes the next ones.
const AT_ONCE: i64 = 100;
/// Roll calls that are held together while they are told of.
const HELD_AT_ONCE: usize = 4;

/// What is about to be told of a roll call.
struct News {
    session: Uuid,
    /// Up to which version it was told before.
    before: i64,
    /// Up to which version it is told then.
    after: i64,
    events: Vec<Written>,
}

/// Holds roll calls until the transaction ends, with everything told that was left.
pub(crate) async fn hold_in_txn(txn: &Txn, clock: &Clock, sessions: &[Uuid]) -> Result<HashMap<Uuid, Locked>, DbErr> {
    let held = batch::lock_in_txn(txn, sessions).await?;
    tell_in_txn(txn, clock, sessions).await?;
    Ok(held)
}

/// Tells what was left of these roll calls, which the caller holds.
pub(crate) async fn tell_in_txn(txn: &Txn, clock: &Clock, sessions: &[Uuid]) -> Result<(), DbErr> {
    if sessions.is_empty() {
        return Ok(());
    }
    let left = untold::read(&**txn, sessions.iter().copied()).await?;
    write_in_txn(txn, prepare(clock, &left)?).await
}

/// Tells what was left of these roll calls, in transactions of its own. Each is held for as little as it can be: others store marks
/// meanwhile, which are left for the next time.
pub(crate) async fn tell(db: &Db, clock: &Clock, sessions: &[Uuid]) -> Result<(), DbErr> {
    for some in sessions.chunks(HELD_AT_ONCE) {
        let left = untold::read(db.reader(), some.iter().copied()).await?;
        let news = prepare(clock, &left)?;
        if !news.is_empty() {
            tell_prepared(db, clock, news).await?;
        }
    }
    Ok(())
}

async fn tell_prepared(db: &Db, clock: &Clock, news: Vec<News>) -> Result<(), DbErr> {
    let txn = db.begin().await?;
    let ids: Vec<Uuid> = news.iter().map(|news| news.session).collect();
    let held = batch::lock_in_txn(&txn, &ids).await?;
    let is_as_before = |news: &News| held.get(&news.session).map(|held| held.told_version) == Some(news.before);
    let (good, stale): (Vec<_>, Vec<_>) = news.into_iter().partition(is_as_before);
    write_in_txn(&txn, good).await?;
    // Somebody else has told of some since it was read, and perhaps not of everything.
    let stale: Vec<Uuid> = stale.iter().map(|news| news.session).collect();
    tell_in_txn(&txn, clock, &stale).await?;
    txn.commit().await
}

/// Tells what a process left that is no more.
pub(crate) async fn tell_what_was_left(app: &App) -> Result<(), DbErr> {
    // A late scan may be stored in the moment in which its roll call is settled.
    let since = app.clock.now() - TimeDelta::weeks(1);
    let left = untold::sessions(&app.db, since, AT_ONCE).await?;
    tell(&app.db, &app.clock, &left).await
}

fn prepare(clock: &Clock, left: &[Left]) -> Result<Vec<News>, DbErr> {
    let caller = Caller::service(events::SOURCE, String::new());
    let tell = |left: &Left| {
        let events = by_events(&left.marks).into_iter().map(|(version, marks)| {
            events::marked(clock, &caller, (left.session, left.day), version, &marks).written()
        });
        Ok(News {
            session: left.session,
            before: left.told_version,
            after: left.marks.last().map_or(left.told_version, |(version, _)| *version),
            events: events.collect::<Result<_, DbErr>>()?,
        })
    };
    left.iter().map(tell).collect()
}

/// The marks of each event. Its version is the last one of its marks: nothing else is told with that.
fn by_events(marks: &[(i64, Marked)]) -> Vec<(i64, Vec<Marked>)> {
    let mut events: Vec<(i64, Vec<Marked>)> = Vec::new();
    for batch in marks.chunk_by(|(one, _), (next, _)| one == next) {
        let (version, batch) = (batch[0].0, batch.iter().map(|(_, mark)| *mark));
        match events.last_mut() {
            Some((last, marks)) if marks.len() + batch.len() <= MARKS_AN_EVENT => {
                *last = version;
                marks.extend(batch);
            }
            _ => events.push((version, batch.collect())),
        }
    }
    events
}

async fn write_in_txn(txn: &Txn, news: Vec<News>) -> Result<(), DbErr> {
    let told: Vec<(Uuid, i64)> = news.iter().map(|news| (news.session, news.after)).collect();
    outbox::add_written(txn, news.into_iter().flat_map(|news| news.events)).await?;
    untold::told_in_txn(txn, &told).await
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::MarkSource;

    /// Versions and sizes of the events that tell of batches of these sizes.
    fn events_of(batches: &[usize]) -> Vec<(i64, usize)> {
        let mark = Marked {
            student: Uuid::nil(),
            scan: Uuid::nil(),
            source: MarkSource::Scan,
            scanned_at: DateTime::UNIX_EPOCH,
            retracts_absence: false,
        };
        let marks: Vec<(i64, Marked)> = (5..)
            .zip(batches)
            .flat_map(|(version, size)| vec![(version, mark); *size])
            .collect();
        let events = by_events(&marks).into_iter();
        events.map(|(version, marks)| (version, marks.len())).collect()
    }

    #[test]
    fn an_event_tells_of_whole_batches() {
        assert_eq!(events_of(&[]), []);
        assert_eq!(events_of(&[1]), [(5, 1)]);
        assert_eq!(events_of(&[400, 600]), [(6, 1000)]);
        assert_eq!(events_of(&[400, 601, 399, 1]), [(5, 400), (7, 1000), (8, 1)]);
        assert_eq!(events_of(&[1000, 1000, 3]), [(5, 1000), (6, 1000), (7, 3)]);
    }
}
