//! Which sessions have ended: told by auth as it happens, kept in memory, looked at for every token.

use std::{collections::HashMap, convert::Infallible, time::Duration};

use chrono::{DateTime, Utc};
use proto::{auth::EndedSessions, types::Nothing};
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

use super::{KeySource, ServiceTokens, verifier::unavailable};
use crate::{Clock, Fault, backoff::Backoff};

/// The longest life that a token may be given is an hour: after this no token of an ended session holds.
const REMEMBERED: chrono::Duration = chrono::Duration::minutes(65);
/// How often what is past its time is looked for.
const TIDY_UP: chrono::Duration = chrono::Duration::minutes(1);
/// How long a token waits for the first report.
const FIRST_REPORT: Duration = Duration::from_secs(3);
/// Auth gives a sign of life every second; after this it is taken for gone.
const SILENCE: Duration = Duration::from_secs(5);
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));

/// The sessions, and API keys, whose tokens are refused.
pub(super) struct Ended {
    /// None until auth has told the first time.
    known: watch::Sender<Option<Known>>,
    clock: Clock,
}

struct Known {
    /// By id, when it was heard.
    ids: HashMap<Uuid, DateTime<Utc>>,
    tidied: DateTime<Utc>,
}

impl Ended {
    pub(super) fn new(clock: Clock) -> Self {
        let (known, _) = watch::channel(None);
        Self { known, clock }
    }

    /// Whether a session is known to have ended.
    pub(super) fn contains(&self, session: Uuid) -> bool {
        self.verdict(session).unwrap_or(false)
    }

    /// Refuses a session that has ended. As long as auth has told nothing nobody can know: that is waited for, and then it
    /// is neither let in nor refused.
    pub(super) async fn refuse(&self, session: Uuid) -> Result<(), Fault> {
        let ended = if let Some(ended) = self.verdict(session) {
            ended
        } else {
            // Once, after the start: its size is no part of each request's task.
            Box::pin(self.first_report()).await?;
            self.contains(session)
        };
        if ended {
            return Err(Fault::unauthenticated("This session has ended, sign in again"));
        }
        Ok(())
    }

    fn verdict(&self, session: Uuid) -> Option<bool> {
        let known = self.known.borrow();
        known.as_ref().map(|known| known.ids.contains_key(&session))
    }

    async fn first_report(&self) -> Result<(), Fault> {
        let mut known = self.known.subscribe();
        let told = timeout(FIRST_REPORT, known.wait_for(Option::is_some)).await;
        told.map_err(|_| unavailable())?.map_err(|_| unavailable()).map(drop)
    }

    /// What auth says of ended sessions, until told to stop. While auth is away, what is known goes on to hold.
    pub(super) async fn follow(&self, auth: &KeySource, tokens: &ServiceTokens, stop: CancellationToken) {
        let mut link = Link::default();
        loop {
            let lost = tokio::select! {
                () = stop.cancelled() => return,
                Err(lost) = self.listen(auth.clone(), tokens, &mut link) => lost,
            };
            let wait = BACKOFF.after(link.lost(&lost));
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Hears one stream of reports to its end.
    async fn listen(&self, mut auth: KeySource, tokens: &ServiceTokens, link: &mut Link) -> Result<Infallible, Status> {
        let request = tokens.request(Nothing {})?;
        let mut reports = before_silence(auth.watch_ended(request)).await?.into_inner();
        loop {
            let report = before_silence(reports.message()).await?;
            self.hear(&report.ok_or_else(|| Status::unavailable("the stream ended"))?);
            link.heard();
        }
    }

    fn hear(&self, report: &EndedSessions) {
        let now = self.clock.now();
        let nothing_new = report.ids.is_empty()
            && self
                .known
                .borrow()
                .as_ref()
                .is_some_and(|known| now - known.tidied < TIDY_UP);
        if nothing_new {
            return;
        }
        let ids = report.ids.iter().filter_map(|text| {
            let id = Uuid::parse_str(text);
            id.inspect_err(|error| tracing::error!(text, %error, "an ended session without an id"))
                .ok()
        });
        self.known.send_modify(|known| {
            let known = known.get_or_insert_with(|| Known {
                ids: HashMap::new(),
                tidied: now,
            });
            if now - known.tidied >= TIDY_UP {
                known.ids.retain(|_, heard| now - *heard < REMEMBERED);
                known.tidied = now;
            }
            known.ids.extend(ids.map(|id| (id, now)));
        });
    }
}

/// How the connection to auth fares, said once when it changes.
#[derive(Default)]
struct Link {
    failures: u32,
}

impl Link {
    fn heard(&mut self) {
        if self.failures > 0 {
            tracing::info!("auth tells of ended sessions again");
        }
        self.failures = 0;
    }

    /// How often in a row it was lost.
    fn lost(&mut self, why: &Status) -> u32 {
        if self.failures == 0 {
            let (code, why) = (why.code(), why.message());
            tracing::warn!(
                ?code,
                why,
                "auth tells of no ended sessions: what is known goes on to hold"
            );
        }
        self.failures = self.failures.saturating_add(1);
        self.failures
    }
}

async fn before_silence<T>(work: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    timeout(SILENCE, work)
        .await
        .unwrap_or_else(|_| Err(Status::deadline_exceeded("no sign of life")))
}
