//! Work that keeps a thread busy for a while or holds much memory: some at a time, and the others wait.

use std::{sync::Arc, time::Duration};

use kit::Fault;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};

use crate::Error;

/// How long somebody waits for their turn: less than the gateway waits for an answer.
const LONGEST_WAIT: Duration = Duration::from_secs(6);

/// Whose turn it is.
pub(crate) struct Turns {
    permits: Arc<Semaphore>,
    busy: &'static str,
}

/// The right to do one piece of work, until it is dropped.
pub(crate) struct Turn(OwnedSemaphorePermit);

impl Turns {
    /// So many at once; `busy` is what those hear whose turn does not come.
    pub(crate) fn new(at_once: usize, busy: &'static str) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(at_once)),
            busy,
        }
    }

    pub(crate) async fn take(&self) -> Result<Turn, Error> {
        match tokio::time::timeout(LONGEST_WAIT, self.permits.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Turn(permit)),
            _ => Err(Fault::unavailable(self.busy).into()),
        }
    }
}

impl Turn {
    /// Does the work on a thread of its own. The turn goes along: work that was given up on still counts.
    pub(crate) fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place, behind its semaphore")]
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(self.0);
            done
        })
    }
}
