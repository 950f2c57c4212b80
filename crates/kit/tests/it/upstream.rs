//! Calls of a service in the same process: as over a connection, without one.

use std::{convert::Infallible, sync::Arc, time::Duration};

use http::{Request, Response};
use kit::{
    Fault,
    upstream::{Channel, Place, Upstreams},
};
use tokio::{sync::Semaphore, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, body::Body};
use tower::{ServiceExt as _, service_fn};

const PATIENCE: Duration = Duration::from_secs(30);

/// What must not be seen from the other side.
#[derive(Clone)]
struct Private;

/// A service whose work begins, goes on when it may, and is over.
#[derive(Clone)]
struct Slow {
    begun: Arc<Semaphore>,
    may_end: Arc<Semaphore>,
    /// Work that ended, however.
    over: Arc<Semaphore>,
}

struct Over(Arc<Semaphore>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

impl Slow {
    fn new() -> Self {
        let none = || Arc::new(Semaphore::new(0));
        Self {
            begun: none(),
            may_end: none(),
            over: none(),
        }
    }

    async fn work(self, request: Request<Body>) -> Result<Response<Body>, Infallible> {
        let _over = Over(self.over.clone());
        self.begun.add_permits(1);
        one_of(&self.may_end).await;
        let seen = request.extensions().get::<Private>().is_some();
        let answer = if seen {
            Status::from(Fault::internal("it was seen"))
        } else {
            Status::ok("")
        };
        Ok(answer.into_http())
    }

    fn serve(&self, place: Place, stop: CancellationToken) -> JoinHandle<()> {
        let this = self.clone();
        tokio::spawn(place.serve(service_fn(move |request| this.clone().work(request)), stop))
    }
}

async fn one_of(semaphore: &Semaphore) {
    timeout(PATIENCE, semaphore.acquire()).await.unwrap().unwrap().forget();
}

fn way() -> (Place, Channel) {
    let mut builder = Upstreams::builder();
    let place = builder.local("slow");
    (place, builder.build().channel("slow").unwrap())
}

fn request() -> Request<Body> {
    let mut request = Request::new(Body::empty());
    request.extensions_mut().insert(Private);
    request
}

/// Calls, and says how it ended.
async fn call(channel: &Channel, request: Request<Body>) -> Code {
    let answer = timeout(PATIENCE, channel.clone().oneshot(request)).await.unwrap();
    Status::from_header_map(answer.unwrap().headers()).unwrap().code()
}

#[tokio::test]
async fn a_call_waits_for_the_service_to_come() {
    let (place, channel) = way();
    let early = tokio::spawn(async move { call(&channel, request()).await });
    let slow = Slow::new();
    slow.may_end.add_permits(1);
    slow.serve(place, CancellationToken::new());
    assert_eq!(early.await.unwrap(), Code::Ok);
}

#[tokio::test]
async fn a_service_that_has_stopped_is_unavailable_and_ends_what_it_began() {
    let (place, channel) = way();
    let (slow, stop) = (Slow::new(), CancellationToken::new());
    let serving = slow.serve(place, stop.clone());
    let way = channel.clone();
    let begun = tokio::spawn(async move { call(&way, request()).await });
    one_of(&slow.begun).await;
    stop.cancel();
    while call(&channel, request_within("1S")).await != Code::Unavailable {
        // It may not have heard of it yet; what it took before is let through.
        slow.may_end.add_permits(1);
    }
    slow.may_end.add_permits(2);
    assert_eq!(begun.await.unwrap(), Code::Ok);
    timeout(PATIENCE, serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_place_that_nobody_took_is_unavailable() {
    let (place, channel) = way();
    drop(place);
    assert_eq!(call(&channel, request()).await, Code::Unavailable);
}

fn request_within(limit: &str) -> Request<Body> {
    let mut request = request();
    request.headers_mut().insert("grpc-timeout", limit.parse().unwrap());
    request
}

#[tokio::test]
async fn the_callers_time_is_kept_and_the_work_ends_with_it() {
    let (place, channel) = way();
    assert_eq!(
        call(&channel, request_within("20m")).await,
        Code::DeadlineExceeded,
        "nobody is there"
    );
    let slow = Slow::new();
    slow.serve(place, CancellationToken::new());
    assert_eq!(call(&channel, request_within("20m")).await, Code::DeadlineExceeded);
    one_of(&slow.over).await;
}

#[tokio::test]
async fn work_that_nobody_waits_for_is_given_up() {
    let (place, channel) = way();
    let slow = Slow::new();
    slow.serve(place, CancellationToken::new());
    let calling = tokio::spawn(async move { call(&channel, request()).await });
    one_of(&slow.begun).await;
    calling.abort();
    one_of(&slow.over).await;
}

#[tokio::test]
async fn a_panic_is_the_callers_answer() {
    let (place, channel) = way();
    let panics = service_fn(|_: Request<Body>| async { panic!("on purpose") });
    tokio::spawn(place.serve(panics, CancellationToken::new()));
    assert_eq!(call(&channel, request()).await, Code::Internal);
}
