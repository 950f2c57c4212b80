//! Reports on paper. Making one keeps a thread busy for a while: some at a time, and the others wait.

use std::{sync::Arc, time::Duration};

use kit::Fault;
use tokio::{sync::Semaphore, time::timeout};

use super::{paper, whole};
use crate::{
    Error,
    domain::{GroupBy, Scope},
    operations::App,
};

const AT_ONCE: usize = 2;
/// How long somebody waits for their turn: less than the gateway waits for an answer.
const LONGEST_WAIT: Duration = Duration::from_secs(6);

/// Where reports are printed.
#[derive(Clone)]
pub(crate) struct Press(Arc<Semaphore>);

impl Default for Press {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// The report as a PDF file.
pub(crate) async fn print(app: &App, scope: Scope, group_by: GroupBy) -> Result<Vec<u8>, Error> {
    let turn = timeout(LONGEST_WAIT, app.press.0.clone().acquire_owned()).await;
    let Ok(Ok(turn)) = turn else {
        return Err(Fault::unavailable("Other reports are being printed, try again shortly").into());
    };
    let report = whole(app, scope, group_by).await?;
    let paper = paper::paper(&report, app.timezone, app.clock.now());
    #[expect(clippy::disallowed_methods, reason = "this is the one place, behind its semaphore")]
    let printing = tokio::task::spawn_blocking(move || {
        let file = paper.print();
        // Work that was given up on still counts until it is done.
        drop(turn);
        file
    });
    let printed = printing.await.map_err(Fault::internal)?;
    Ok(printed.map_err(Fault::internal)?)
}
