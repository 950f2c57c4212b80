//! Calls of a service in the same process, as over a connection without one; and the connections to one elsewhere.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use http::{Request, Response};
use kit::{
    Fault,
    upstream::{Channel, Place, Upstreams},
};
use tokio::{net::TcpListener, runtime, sync::Semaphore, task::JoinHandle, time::timeout};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, body::Body, service::Routes, transport::Server};
use tower::{ServiceExt as _, service_fn};
use url::Url;

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

/// A service elsewhere that knows no rpc: the way to it, and how many connections it was ever sent.
async fn elsewhere() -> (Channel, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    let incoming = TcpListenerStream::new(listener).inspect(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let server = Server::builder().add_routes(Routes::default());
    tokio::spawn(async move { server.serve_with_incoming(incoming).await });
    let mut builder = Upstreams::builder();
    builder.remote("elsewhere", &url).unwrap();
    (builder.build().channel("elsewhere").unwrap(), connections)
}

/// By clones of the channel.
async fn call_three_times(channel: &Channel) {
    for _ in 0..3 {
        let request = Request::post("http://elsewhere/hostelpulse.Nothing/Nothing");
        let request = request.body(Body::empty()).unwrap();
        assert_eq!(call(channel, request).await, Code::Unimplemented);
    }
}

#[test]
fn each_runtime_has_connections_of_its_own() {
    let serving = runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (channel, connections) = serving.block_on(elsewhere());
    assert_eq!(connections.load(Ordering::SeqCst), 0, "nobody has called");
    serving.block_on(call_three_times(&channel));
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    // They end with their calls: that must not be felt by those that go on.
    for runtimes in 2..=3 {
        let another = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        another.block_on(call_three_times(&channel));
        assert_eq!(connections.load(Ordering::SeqCst), runtimes);
    }
    serving.block_on(call_three_times(&channel));
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}
