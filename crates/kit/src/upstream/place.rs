//! A service of this process, called as a function: the same messages, metadata, access layer and deadlines as over a
//! connection, without HTTP/2 between them.

use std::{convert::Infallible, time::Duration};

use http::{Extensions, Request, Response};
use tokio::{
    runtime::Handle,
    sync::watch,
    task::AbortHandle,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Status, body::Body};
use tower::{Service, ServiceExt as _, util::BoxCloneSyncService};

use super::{Channel, given_time};
use crate::Fault;

/// Whoever is sent a stream hears that it broke off, and has so long to tidy up after it.
const TO_TIDY_UP: Duration = Duration::from_secs(1);

/// Where a service of this process is called.
pub struct Place(watch::Sender<Option<Answering>>);

/// The way to a place.
#[derive(Clone)]
pub(super) struct Way(watch::Receiver<Option<Answering>>);

/// Whoever answers at a place.
#[derive(Clone)]
struct Answering {
    service: BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>,
    /// Services run there, whatever threads they are called from.
    runtime: Handle,
    calls: TaskTracker,
}

pub(super) fn new() -> (Place, Channel) {
    let (sender, receiver) = watch::channel(None);
    (Place(sender), Channel::here(Way(receiver)))
}

impl Place {
    /// Answers calls, those too that came before it was here, until told to stop; what is asked by then is answered.
    pub async fn serve<S>(self, service: S, stop: CancellationToken)
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        let calls = TaskTracker::new();
        self.0.send_replace(Some(Answering {
            service: BoxCloneSyncService::new(service),
            runtime: Handle::current(),
            calls: calls.clone(),
        }));
        stop.cancelled().await;
        drop(self);
        calls.close();
        calls.wait().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.send_replace(None);
    }
}

impl Way {
    pub(super) async fn call(mut self, request: Request<Body>) -> Response<Body> {
        let limit = given_time(request.headers());
        let answer = async {
            let answering = self
                .0
                .wait_for(Option::is_some)
                .await
                .ok()
                .and_then(|here| here.clone());
            answering.ok_or_else(stopped)?.answer(request).await
        };
        let answer = match limit {
            Some(limit) => timeout(limit, answer)
                .await
                .unwrap_or_else(|_| Err(Fault::deadline_exceeded())),
            None => answer.await,
        };
        answer.unwrap_or_else(|fault| Status::from(fault).into_http())
    }
}

/// Work that is given up when nobody waits for it any more.
struct Wanted {
    work: AbortHandle,
    runtime: Handle,
}

impl Drop for Wanted {
    fn drop(&mut self) {
        if self.work.is_finished() {
            return;
        }
        let work = self.work.clone();
        self.runtime.spawn(async move {
            sleep(TO_TIDY_UP).await;
            work.abort();
        });
    }
}

impl Answering {
    async fn answer(self, mut request: Request<Body>) -> Result<Response<Body>, Fault> {
        // What would not go over a connection does not go here.
        *request.extensions_mut() = Extensions::new();
        let work = self.calls.spawn_on(self.service.oneshot(request), &self.runtime);
        let _wanted = Wanted {
            work: work.abort_handle(),
            runtime: self.runtime,
        };
        match work.await {
            Ok(Ok(answer)) => Ok(answer),
            Err(error) if error.is_panic() => Err(Fault::internal(error)),
            Err(_) => Err(stopped()),
        }
    }
}

fn stopped() -> Fault {
    Fault::unavailable("The service is not reachable at the moment")
}
