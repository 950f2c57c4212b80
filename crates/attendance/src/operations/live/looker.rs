//! Finds what happened in one roll call and tells it to all who watch it.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use tokio::time::sleep;
use uuid::Uuid;

use super::{bell::Room, watch::Told};
use crate::{
    Error,
    domain::{Counts, Session},
    operations::{
        App,
        sessions::{
            code::{self, Shown},
            read,
        },
    },
    store::{self, scan::Kept},
};

/// Between two looks while the tables cannot be read.
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// What comes at once is told at once: so long it is gathered.
const BREATH: Duration = Duration::from_millis(50);
/// Counts are told at most twice a second.
const BETWEEN_COUNTS: Duration = Duration::from_millis(500);
/// How far back each look goes: commits come out of order, and clocks of replicas differ.
const OVERLAP: chrono::Duration = chrono::Duration::seconds(15);
/// So many scans are told after one look; the rest after the next, which comes at once.
const AT_ONCE: usize = 100;

struct Looker {
    app: Arc<App>,
    room: Arc<Room>,
    /// As it was at the last look.
    session: Session,
    since: DateTime<Utc>,
    scans: HashSet<Uuid>,
    decisions: HashSet<Uuid>,
    /// There is more than one look told.
    is_behind: bool,
    counts: Option<Counts>,
    counted: Instant,
    counts_are_old: bool,
    shown: Option<Shown>,
}

/// Takes the room away when the looker ends, however it ends.
struct Leaving(Arc<App>, Arc<Room>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.happened.close(&self.1);
    }
}

/// Looks as long as anybody watches and the roll call is open.
pub(super) async fn run(app: Arc<App>, room: Arc<Room>) {
    let leaving = Leaving(app.clone(), room.clone());
    let stopping = app.stopping.clone();
    let looking = async {
        let Some(mut looker) = begin(app, room).await else {
            return;
        };
        looker.run().await;
    };
    let _ = stopping.run_until_cancelled(looking).await;
    drop(leaving);
}

/// Learns what was there before; tried again as long as anybody waits for it.
async fn begin(app: Arc<App>, room: Arc<Room>) -> Option<Looker> {
    let mut was_read = true;
    loop {
        match Looker::new(app.clone(), room.clone()).await {
            Ok(looker) => {
                room.ready.send_replace(true);
                return looker;
            }
            Err(error) if was_read => {
                was_read = false;
                tracing::warn!(%error, session = %room.session, "a roll call cannot be watched, trying again");
            }
            Err(_) => {}
        }
        if app.happened.is_left(&room) {
            return None;
        }
        sleep(TRY_AGAIN).await;
    }
}

impl Looker {
    /// `None` where there is no such roll call.
    async fn new(app: Arc<App>, room: Arc<Room>) -> Result<Option<Self>, Error> {
        let db = app.db.reader();
        let Some(session) = store::session::find(db, room.session).await? else {
            return Ok(None);
        };
        let since = app.clock.now() - OVERLAP;
        let scans = store::live::scans_since(db, &session, since).await?;
        let decisions = store::live::decided_since(db, session.id, since).await?;
        Ok(Some(Self {
            shown: code::of(&app, &session),
            app,
            room,
            session,
            since,
            scans: scans.into_iter().collect(),
            decisions: decisions.into_iter().collect(),
            is_behind: false,
            counts: None,
            counted: Instant::now(),
            // Whoever came before this look may have seen other counts.
            counts_are_old: true,
        }))
    }

    async fn run(&mut self) {
        let mut was_read = true;
        // One that was closed before is looked at once, too: those who watch are told.
        while !self.app.happened.is_left(&self.room) {
            let looked = self.look().await;
            if let (Err(error), true) = (&looked, was_read) {
                tracing::warn!(%error, session = %self.room.session, "a roll call cannot be read, trying again twice a second");
            }
            was_read = looked.is_ok();
            let pause = if was_read { self.pause() } else { TRY_AGAIN };
            if let (Ok(()), Some(closed)) = (looked, self.session.closed()) {
                self.tell(Told::Closed(closed));
                return;
            }
            tokio::select! {
                () = self.room.rung.notified() => sleep(BREATH).await,
                () = sleep(pause) => {}
            }
        }
    }

    fn pause(&self) -> Duration {
        if self.is_behind {
            return Duration::ZERO;
        }
        let mut every = Duration::from_millis(self.app.config.live_look_milliseconds.into());
        if self.counts_are_old {
            every = every.min(BETWEEN_COUNTS);
        }
        let shown = self.shown.as_ref().map(Shown::holds_until);
        let rotation = shown.map(|until| (until - self.app.clock.now()).to_std().unwrap_or_default());
        // Not at once again where the clock stands still at the very moment.
        rotation.map_or(every, |rotation| rotation.clamp(Duration::from_millis(5), every))
    }

    /// The roll call first: what was committed before it was closed is there when it is read after.
    async fn look(&mut self) -> Result<(), Error> {
        let db = self.app.db.reader().clone();
        let session = store::session::find(&db, self.room.session)
            .await?
            .ok_or(Error::UnknownSession)?;
        self.counts_are_old |= session.version != self.session.version;
        self.session = session;
        self.since = self.since.max(self.app.clock.now() - OVERLAP);
        loop {
            self.look_at_scans(&db).await?;
            if !self.is_behind || self.session.is_open() {
                break;
            }
        }
        self.show();
        // The last counts are told whatever was told just before.
        if self.counts_are_old && (self.counted.elapsed() >= BETWEEN_COUNTS || !self.session.is_open()) {
            let counts = read::counts(&self.app, &self.session).await?;
            self.counts_are_old = false;
            self.counted = Instant::now();
            if self.counts.replace(counts) != Some(counts) {
                self.tell(Told::Counts(counts));
            }
        }
        Ok(())
    }

    async fn look_at_scans(&mut self, db: &sea_orm::DatabaseConnection) -> Result<(), Error> {
        let scans = store::live::scans_since(db, &self.session, self.since).await?;
        let decisions = store::live::decided_since(db, self.session.id, self.since).await?;
        let new_scans = scans.iter().filter(|id| !self.scans.contains(id));
        let new_decisions = decisions.iter().filter(|id| !self.decisions.contains(id));
        let new: Vec<Uuid> = new_scans.chain(new_decisions).copied().collect();
        let told = &new[..new.len().min(AT_ONCE)];
        for scan in store::live::scans(db, &self.session, told).await? {
            self.scan(&scan);
        }
        self.is_behind = told.len() < new.len();
        // What is left for the next look is not known yet; what is older than the look cannot come again.
        let left: HashSet<Uuid> = new[told.len()..].iter().copied().collect();
        self.scans = scans.into_iter().filter(|id| !left.contains(id)).collect();
        self.decisions = decisions.into_iter().filter(|id| !left.contains(id)).collect();
        Ok(())
    }

    fn scan(&mut self, scan: &Kept) {
        self.counts_are_old = true;
        self.tell(if scan.waits() {
            Told::Awaiting(scan.clone())
        } else {
            Told::Scan(scan.clone())
        });
    }

    /// The display changes by the server's clock. The code stays the same while only the digits change.
    fn show(&mut self) {
        let now = self.app.clock.now();
        if self.shown.as_ref().is_some_and(|shown| now < shown.holds_until()) {
            return;
        }
        let mut next = code::of(&self.app, &self.session);
        if let (Some(before), Some(next)) = (&self.shown, &mut next)
            && before.expires_at == next.expires_at
        {
            next.token.clone_from(&before.token);
        }
        if let Some(next) = &next {
            self.tell(Told::Qr(next.clone()));
        }
        self.shown = next;
    }

    fn tell(&self, told: Told) {
        // Nobody listening is nobody to tell.
        let _ = self.room.told.send(Arc::new(told));
    }
}
