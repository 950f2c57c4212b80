//! What tests ask of answers, and how they wait.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use tonic::{Response, Status};

use crate::{Fault, fault::Kind};

/// Longer than anything that goes well takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// What was answered, or why it was refused.
pub fn told<T>(answer: Result<Response<T>, Status>) -> Result<T, Fault> {
    answer
        .map(Response::into_inner)
        .map_err(|status| Fault::from_status(&status))
}

/// The fields that were wrong, in their order.
pub fn wrong_fields<T: Debug>(answer: Result<T, Fault>) -> Vec<String> {
    let fault = answer.expect_err("some fields are wrong");
    assert_eq!(fault.reason, "VALIDATION_ERROR", "{fault}");
    fault.violations.into_iter().map(|one| one.field).collect()
}

/// Why it was refused.
pub fn reason<T: Debug>(answer: Result<T, Fault>) -> String {
    answer.expect_err("it is refused").reason.into_owned()
}

/// What comes of asking, for those who ask again when they are told to come back, as happens on a busy machine.
pub async fn patiently<T>(mut ask: impl AsyncFnMut() -> Result<T, Fault>) -> Result<T, Fault> {
    let end = Instant::now() + PATIENCE;
    loop {
        match ask().await {
            Err(busy) if busy.kind == Kind::Unavailable && Instant::now() < end => {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            outcome => return outcome,
        }
    }
}

/// Looks again until something is there.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "{what} did not come within {PATIENCE:?}");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}
