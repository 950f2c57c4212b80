//! Work that keeps a thread busy for a while or holds much memory: some at a time, and the others wait.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};

use crate::Fault;

/// How long somebody waits for their turn: less than the gateway waits for an answer.
const LONGEST_WAIT: Duration = Duration::from_secs(6);

/// Whose turn it is.
pub struct Turns {
    permits: Arc<Semaphore>,
    busy: &'static str,
}

/// The right to do one piece of work, until it is dropped.
pub struct Turn(OwnedSemaphorePermit);

impl Turns {
    /// So many at once; `busy` is what those hear whose turn does not come.
    pub fn new(at_once: usize, busy: &'static str) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(at_once)),
            busy,
        }
    }

    /// Waits for a turn, though not for ever.
    pub async fn take(&self) -> Result<Turn, Fault> {
        match tokio::time::timeout(LONGEST_WAIT, self.permits.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Turn(permit)),
            _ => Err(Fault::unavailable(self.busy)),
        }
    }
}

impl Turn {
    /// Does the work on a thread of its own. The turn goes along: work that was given up on still counts.
    pub fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place, behind its semaphore")]
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(self.0);
            done
        })
    }
}
