//! Telling whoever verifies tokens which sessions ended, and which API keys were revoked.
//!
//! Each stream begins with all of them whose access tokens may still hold, and goes on with those that end: what this
//! process ends is told at once, what other processes end is found in the database by one task for all streams. An id may
//! be told twice, never not at all.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::{Stream, stream};
use kit::ticks::Ticks;
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{App, sessions::Ended};
use crate::{Error, store};

/// How often the database is asked for what other processes ended.
const POLL: Duration = Duration::from_millis(250);
/// How far back it is asked each time: other clocks differ, and what ended may be committed later.
const OVERLAP: chrono::Duration = chrono::Duration::minutes(5);
/// A token may have been signed a moment after its session ended, by a clock that is ahead.
const SLACK: chrono::Duration = chrono::Duration::minutes(2);
/// So often a stream says something, be it nothing.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// A stream that is so many announcements behind begins again.
const WAITING: usize = 256;
/// A message of so many ids stays under what a message may hold.
const IDS_A_MESSAGE: usize = 50_000;

/// Where ends are announced within this process.
pub(super) struct Announcements(broadcast::Sender<Arc<[Uuid]>>);

impl Announcements {
    pub(super) fn new() -> Self {
        Self(broadcast::Sender::new(WAITING))
    }

    pub(super) fn tell(&self, ended: &[Uuid]) {
        if !ended.is_empty() {
            // Nobody listening is nobody to tell.
            let _ = self.0.send(ended.into());
        }
    }
}

/// The ends as one stream tells them.
struct Watching {
    app: Arc<App>,
    announced: broadcast::Receiver<Arc<[Uuid]>>,
    has_told_all: bool,
    /// What did not fit into the last message.
    left: Vec<Uuid>,
}

/// All that ended lately, then what ends, until the service is told to stop.
pub(crate) fn watch(app: Arc<App>) -> impl Stream<Item = Result<Vec<Uuid>, Error>> + Send + 'static {
    // Listens before it reads: nothing falls between the two.
    let watching = Watching {
        announced: app.announcements.0.subscribe(),
        app,
        has_told_all: false,
        left: Vec::new(),
    };
    stream::unfold(watching, |mut watching| async move {
        let stopping = watching.app.stopping.clone();
        tokio::select! {
            () = stopping.cancelled() => None,
            next = watching.next() => next.map(|told| (told, watching)),
        }
    })
}

impl Watching {
    async fn next(&mut self) -> Option<Result<Vec<Uuid>, Error>> {
        if !self.has_told_all {
            self.has_told_all = true;
            return Some(self.all().await);
        }
        if !self.left.is_empty() {
            return Some(Ok(self.fitting()));
        }
        match timeout(SIGN_OF_LIFE, self.announced.recv()).await {
            Err(_) => Some(Ok(Vec::new())),
            Ok(Ok(ended)) => {
                self.left = ended.to_vec();
                Some(Ok(self.fitting()))
            }
            Ok(Err(RecvError::Lagged(_))) => Some(self.all().await),
            Ok(Err(RecvError::Closed)) => None,
        }
    }

    async fn all(&mut self) -> Result<Vec<Uuid>, Error> {
        let life = chrono::Duration::minutes(self.app.config.access_token_minutes.into());
        let since = self.app.clock.now() - life - SLACK;
        self.left = store::session::ended_since(self.app.db.reader(), since).await?;
        Ok(self.fitting())
    }

    fn fitting(&mut self) -> Vec<Uuid> {
        let rest = self.left.split_off(self.left.len().min(IDS_A_MESSAGE));
        std::mem::replace(&mut self.left, rest)
    }
}

/// Announces what other processes end, as long as anybody listens, until told to stop.
pub(crate) async fn follow(app: &App, stop: &CancellationToken) {
    let mut ticks = Ticks::every(POLL, stop);
    let mut told = HashSet::new();
    let mut was_read = true;
    while ticks.next().await {
        if app.announcements.0.receiver_count() == 0 {
            continue;
        }
        let read = store::session::ended_since(app.db.reader(), app.clock.now() - OVERLAP).await;
        if was_read && let Err(error) = &read {
            tracing::warn!(%error, "ended sessions cannot be read, trying again four times a second");
        }
        was_read = read.is_ok();
        let Ok(ended) = read else { continue };
        let new: Vec<Uuid> = ended.iter().copied().filter(|id| !told.contains(id)).collect();
        told = ended.into_iter().collect();
        app.sessions_ended(&Ended(new));
    }
}
