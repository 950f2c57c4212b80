//! One who watches: the state of now first, then what happens.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use futures_util::{Stream, stream};
use kit::{Fault, access::Caller};
use proto::options::Role;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::timeout,
};
use uuid::Uuid;

use crate::{
    Error,
    domain::{Closed, Counts, Session},
    operations::{
        App,
        sessions::{
            code::{self, Shown},
            read,
        },
    },
    store::{self, scan::Kept},
};

const MOST_WAITING: u32 = 100;
const MOST_RECENT: u32 = 20;
/// How long the first look at a roll call may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something that happened in a roll call.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    State(Box<State>),
    Scan(Kept),
    Awaiting(Kept),
    Counts(Counts),
    Qr(Shown),
    Closed(Closed),
}

/// How a roll call stands.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub session: Session,
    pub counts: Counts,
    pub awaiting: Vec<Kept>,
    pub recent: Vec<Kept>,
    pub shown: Option<Shown>,
}

struct Watching {
    app: Arc<App>,
    session: Uuid,
    may_show: bool,
    room: Receiver<Arc<Told>>,
    /// What is told next.
    next: VecDeque<Told>,
    /// What the state told already: scans, and whether they waited.
    known: HashSet<(Uuid, bool)>,
    needs_state: bool,
    is_over: bool,
}

/// The state of a roll call and what happens in it, until it is closed or the service is told to stop.
pub(crate) async fn watch(
    app: &Arc<App>,
    caller: &Caller,
    session: Uuid,
) -> Result<impl Stream<Item = Result<Told, Error>> + Send + 'static, Error> {
    let (user, role) = caller.user()?;
    let found = store::session::find(app.db.reader(), session).await?;
    let found = found.ok_or(Error::UnknownSession)?;
    // Listens before it reads: nothing falls between the two.
    let (room, mut ready) = app.happened.join(app, session);
    let is_ready = timeout(PATIENCE, ready.wait_for(|is_ready| *is_ready)).await;
    if !matches!(is_ready, Ok(Ok(_))) {
        return Err(Fault::unavailable("The roll call cannot be read at the moment, try again shortly").into());
    }
    let watching = Watching {
        app: app.clone(),
        session,
        may_show: role == Role::Warden || user == found.opened_by,
        room,
        next: VecDeque::new(),
        known: HashSet::new(),
        needs_state: true,
        is_over: false,
    };
    Ok(stream::unfold(watching, |mut watching| async move {
        let stopping = watching.app.stopping.clone();
        let next = stopping.run_until_cancelled(watching.next()).await??;
        Some((next, watching))
    }))
}

impl Watching {
    async fn next(&mut self) -> Option<Result<Told, Error>> {
        loop {
            if let Some(told) = self.next.pop_front() {
                return Some(Ok(told));
            }
            if self.is_over {
                return None;
            }
            if self.needs_state {
                self.needs_state = false;
                if let Err(error) = self.begin().await {
                    self.is_over = true;
                    return Some(Err(error));
                }
                continue;
            }
            match self.room.recv().await {
                Ok(told) => self.hear(&told),
                Err(RecvError::Lagged(_)) => {
                    // Too slow for all of it; what was missed stands in the state.
                    self.room = self.room.resubscribe();
                    self.needs_state = true;
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    async fn begin(&mut self) -> Result<(), Error> {
        let state = state(&self.app, self.session, self.may_show).await?;
        let told = state.awaiting.iter().chain(&state.recent);
        self.known = told.map(|scan| (scan.id, scan.waits())).collect();
        let closed = state.session.closed();
        self.next.push_back(Told::State(Box::new(state)));
        if let Some(closed) = closed {
            self.next.push_back(Told::Closed(closed));
            self.is_over = true;
        }
        Ok(())
    }

    fn hear(&mut self, told: &Told) {
        let is_news = match told {
            Told::Scan(scan) | Told::Awaiting(scan) => !self.known.remove(&(scan.id, scan.waits())),
            Told::Qr(_) => self.may_show,
            Told::Closed(_) => {
                self.is_over = true;
                true
            }
            Told::State(_) | Told::Counts(_) => true,
        };
        if is_news {
            self.next.push_back(told.clone());
        }
    }
}

async fn state(app: &App, session: Uuid, may_show: bool) -> Result<State, Error> {
    let db = app.db.reader();
    let session = store::session::find(db, session).await?.ok_or(Error::UnknownSession)?;
    Ok(State {
        counts: read::counts(app, &session).await?,
        awaiting: store::live::waiting(db, &session, MOST_WAITING).await?,
        recent: store::live::recent(db, &session, MOST_RECENT).await?,
        shown: may_show.then(|| code::of(app, &session)).flatten(),
        session,
    })
}
