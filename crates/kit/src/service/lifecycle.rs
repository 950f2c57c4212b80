//! How a process runs and stops: in stages, first told to drain, then cut.

use std::{collections::BTreeMap, time::Duration};

use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

/// The stages stop one after the other, so that what still works for others goes last.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// Takes requests from outside.
    Edge,
    /// Answers the edge.
    Services,
    /// Relays, consumers and jobs.
    Background,
}

impl Stage {
    /// How long after being told to stop a stage is cut: whoever is slow takes nothing from the stages behind.
    const fn cut_after(self) -> Duration {
        Duration::from_millis(match self {
            Self::Edge => 7_000,
            Self::Services => 8_500,
            Self::Background => 10_000,
        })
    }
}

/// The tasks of a process.
#[derive(Default)]
pub struct Lifecycle {
    stages: BTreeMap<Stage, Tasks>,
    /// How long the edge goes on taking requests once told to stop; the rest counts from its end.
    drain: Duration,
}

#[derive(Default)]
struct Tasks {
    stop: CancellationToken,
    running: JoinSet<(String, anyhow::Result<()>)>,
}

impl Lifecycle {
    /// The token that tells a stage to drain.
    pub fn stop_of(&mut self, stage: Stage) -> CancellationToken {
        self.stages.entry(stage).or_default().stop.clone()
    }

    /// Gives the edge time to go on after it was told to stop.
    pub fn drain_for(&mut self, time: Duration) {
        self.drain = time;
    }

    /// Starts a task that runs until its stage is told to stop. A task that ends before that fails the process.
    pub fn spawn(
        &mut self,
        stage: Stage,
        name: impl Into<String>,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        let name = name.into();
        self.stages
            .entry(stage)
            .or_default()
            .running
            .spawn(async move { (name, task.await) });
    }

    /// Runs until told to stop or until a task ends, then stops everything, stage by stage.
    pub async fn run(mut self, told_to_stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let outcome = tokio::select! {
            () = told_to_stop => Ok(()),
            failed = self.first_to_end() => Err(failed),
        };
        let stopped = self.stop().await;
        outcome.and(stopped)
    }

    /// Tells each stage to drain and waits for it; what is not done in time is cut.
    async fn stop(self) -> anyhow::Result<()> {
        let begun = Instant::now() + self.drain;
        let mut outcome = Ok(());
        for (stage, mut tasks) in self.stages {
            tasks.stop.cancel();
            let drained = tokio::time::timeout_at(begun + stage.cut_after(), drain(&mut tasks.running)).await;
            let result = drained.unwrap_or_else(|_| {
                tasks.running.abort_all();
                Err(anyhow::anyhow!("{stage:?} did not stop in time and was cut"))
            });
            outcome = outcome.and(result);
        }
        outcome
    }

    async fn first_to_end(&mut self) -> anyhow::Error {
        let ends = self
            .stages
            .values_mut()
            .map(|tasks| Box::pin(next_to_end(&mut tasks.running)));
        let (ended, ..) = futures_util::future::select_all(ends).await;
        match ended {
            (name, Ok(())) => anyhow::anyhow!("{name} ended by itself"),
            (name, Err(error)) => error.context(format!("{name} failed")),
        }
    }
}

async fn next_to_end(running: &mut JoinSet<(String, anyhow::Result<()>)>) -> (String, anyhow::Result<()>) {
    match running.join_next().await {
        Some(Ok(ended)) => ended,
        Some(Err(error)) => ("a task".to_owned(), Err(error.into())),
        // A stage without tasks never ends.
        None => std::future::pending().await,
    }
}

async fn drain(running: &mut JoinSet<(String, anyhow::Result<()>)>) -> anyhow::Result<()> {
    let mut outcome = Ok(());
    while let Some(ended) = running.join_next().await {
        let result = match ended {
            Ok((name, result)) => result.map_err(|error| error.context(format!("{name} failed while stopping"))),
            Err(error) => Err(error.into()),
        };
        outcome = outcome.and(result);
    }
    outcome
}

/// Waits for Ctrl-C or SIGTERM.
pub async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        // Without a handler the default action ends the process at once: nothing left to wait for but Ctrl-C.
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn stages_stop_in_order() {
        let mut lifecycle = Lifecycle::default();
        let order = Arc::new(Mutex::new(Vec::new()));
        for stage in [Stage::Background, Stage::Edge, Stage::Services] {
            let (stop, order) = (lifecycle.stop_of(stage), order.clone());
            lifecycle.spawn(stage, "task", async move {
                stop.cancelled().await;
                order.lock().unwrap().push(stage);
                Ok(())
            });
        }
        lifecycle.run(std::future::ready(())).await.unwrap();
        assert_eq!(
            *order.lock().unwrap(),
            [Stage::Edge, Stage::Services, Stage::Background]
        );
    }

    #[tokio::test]
    async fn a_task_that_ends_early_fails_the_process() {
        let mut lifecycle = Lifecycle::default();
        lifecycle.spawn(Stage::Background, "the relay", async { Ok(()) });
        let error = lifecycle.run(std::future::pending()).await.unwrap_err();
        assert_eq!(error.to_string(), "the relay ended by itself");
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_drain_is_cut() {
        let mut lifecycle = Lifecycle::default();
        lifecycle.spawn(Stage::Services, "stuck", std::future::pending());
        let error = lifecycle.run(std::future::ready(())).await.unwrap_err();
        assert!(error.to_string().contains("was cut"), "{error}");
    }

    /// How long a process takes to stop whose stages are stuck.
    async fn time_to_stop(stuck: &[Stage], drain: Duration) -> Duration {
        let mut lifecycle = Lifecycle::default();
        lifecycle.drain_for(drain);
        for stage in stuck {
            lifecycle.spawn(*stage, "stuck", std::future::pending());
        }
        let begun = Instant::now();
        assert!(lifecycle.run(std::future::ready(())).await.is_err());
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_stage_that_is_slow_takes_nothing_from_the_stages_behind() {
        use Stage::{Background, Edge, Services};
        let none = Duration::ZERO;
        assert_eq!(time_to_stop(&[Edge], none).await.as_millis(), 7_000);
        assert_eq!(time_to_stop(&[Services], none).await.as_millis(), 8_500);
        assert_eq!(time_to_stop(&[Edge, Services], none).await.as_millis(), 8_500);
        assert_eq!(
            time_to_stop(&[Edge, Services, Background], none).await.as_millis(),
            10_000
        );
        let drain = Duration::from_secs(5);
        assert_eq!(time_to_stop(&[Edge, Background], drain).await.as_millis(), 15_000);
    }
}
