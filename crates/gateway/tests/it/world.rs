//! A gateway with everything that it stands on, in this process, and a client for it.

use std::{
    future::Future,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::{Arc, LazyLock, atomic::Ordering},
    time::{Duration, Instant},
};

use gateway::{Config, Deps, Gateway, Raw};
use kit::{
    Clock,
    access::{AccessLayer, Claims, Policies, ServiceSecret, ServiceTokens, Verifier},
    cache::Limiter,
    testing::Keys,
    upstream::Upstreams,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use prost_reflect::DescriptorPool;
use proto::{auth::tokens_client::TokensClient, options::Role};
use serde_json::Value;
use tokio::{runtime::Runtime, sync::oneshot, task::JoinHandle};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::Server};
use url::Url;

use crate::trial::{Seen, Trial, TrialServer};

/// Nothing in these tests should take this long.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// A running gateway.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) http: reqwest::Client,
    pub(crate) clock: Clock,
    pub(crate) seen: Arc<Seen>,
    /// Auth, as far as the gateway asks it.
    pub(crate) keys: Keys,
    /// What our services know each other by.
    pub(crate) secret: ServiceSecret,
    /// Where the trial service lives; dropping it is its sudden death.
    service: Option<Runtime>,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<Result<(), gateway::Error>>,
}

/// A gateway for the trial service with the configuration of tests.
pub(crate) async fn world() -> World {
    world_with(|_| {}).await
}

pub(crate) async fn world_with(change: impl FnOnce(&mut Config)) -> World {
    let mut config = test_config();
    change(&mut config);
    recorder();
    let clock = Clock::system();
    let keys = Keys::new(clock.clone());
    let secret = ServiceSecret::random();
    let mut builder = Upstreams::builder();
    let auth_place = builder.local("auth");
    // The other one is elsewhere: it can go without this process.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    builder.remote("trial", &Url::parse(&url).unwrap()).unwrap();
    let upstreams = builder.build();
    let auth = Routes::new(health().await).add_service(keys.server());
    tokio::spawn(auth_place.serve(auth, CancellationToken::new()));

    let pool = trial_pool();
    let verifier = Verifier::new(
        TokensClient::new(upstreams.channel("auth").unwrap()),
        secret.clone(),
        clock.clone(),
    );
    let streams = TokensClient::new(upstreams.channel_for_streams("auth").unwrap());
    let follower = verifier.clone();
    tokio::spawn(async move { follower.follow(streams, CancellationToken::new()).await });
    let seen = Arc::new(Seen::default());
    let access = AccessLayer::new(Arc::new(Policies::read(&pool).unwrap()), verifier.clone());
    let trial = TrialServer::new(Trial::new(seen.clone()));
    let service = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let health = health().await;
    let listener = listener.into_std().unwrap();
    service.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let server = Server::builder().layer(access).add_service(health).add_service(trial);
        server.serve_with_incoming(TcpListenerStream::new(listener)).await
    });

    let mut deps = deps(pool, upstreams, verifier, secret.clone(), clock.clone()).await;
    let figures = seen.clone();
    deps.metrics = Some(Arc::new(move || {
        assert!(
            !figures.figures_break.load(Ordering::SeqCst),
            "the figures cannot be written"
        );
        recorder().render()
    }));
    let bound = Gateway::create(deps, config)
        .unwrap()
        .listen(TcpListener::bind("127.0.0.1:0").unwrap())
        .unwrap();
    let address = bound.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(bound.run(async {
        let _ = stopped.await;
    }));
    World {
        address,
        http: client(),
        clock,
        seen,
        keys,
        secret,
        service: Some(service),
        stop: Some(stop),
        running,
    }
}

pub(crate) fn test_config() -> Config {
    let mut config = Config {
        workers: 1,
        drain_seconds: 0,
        ..Config::default()
    };
    config.limits.anonymous_per_minute = 100_000;
    config.limits.user_per_minute = 100_000;
    config
}

pub(crate) async fn deps(
    pool: DescriptorPool,
    upstreams: Upstreams,
    verifier: Verifier,
    secret: ServiceSecret,
    clock: Clock,
) -> Deps {
    let cache = kit::cache::open(&Url::parse("memory://").unwrap()).await.unwrap();
    Deps {
        pool,
        upstreams,
        verifier,
        service_tokens: ServiceTokens::new("gateway", secret, clock.clone()),
        limiter: Arc::new(Limiter::new(cache, clock.clone())),
        clock,
        metrics: None,
        raw: vec![Raw {
            path: "/.well-known/jwks.json".to_owned(),
            rpc: "hostelpulse.auth.v1.Tokens.Jwks".to_owned(),
            field: "jwks".to_owned(),
        }],
        files: Vec::new(),
        info: gateway::openapi::Info::default(),
    }
}

/// The figures of this process.
fn recorder() -> &'static PrometheusHandle {
    static RECORDER: LazyLock<PrometheusHandle> =
        LazyLock::new(|| PrometheusBuilder::new().install_recorder().unwrap());
    &RECORDER
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(BOUND)
        .connect_timeout(BOUND)
        .no_proxy()
        .build()
        .unwrap()
}

/// The contract of the product with the trial service beside it.
pub(crate) fn trial_pool() -> DescriptorPool {
    pool_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proto"))
}

/// The contract of the product with `hostelpulse/trial/v1/trial.proto` of a folder.
pub(crate) fn pool_of(folder: &Path) -> DescriptorPool {
    let product = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let mut compiler = protox::Compiler::new([folder, product.as_path()]).unwrap();
    compiler.include_imports(true).include_source_info(true);
    compiler
        .open_files(["hostelpulse/trial/v1/trial.proto", "hostelpulse/auth/v1/tokens.proto"])
        .unwrap();
    DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap()
}

async fn health() -> tonic_health::pb::health_server::HealthServer<impl tonic_health::pb::health_server::Health> {
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter
        .set_service_status("", tonic_health::ServingStatus::Serving)
        .await;
    service
}

impl World {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn token(&self, role: &str) -> String {
        self.token_for(role, 900)
    }

    pub(crate) fn token_for(&self, role: &str, seconds: i64) -> String {
        let mut claims = self.claims(role);
        claims.exp = claims.iat + seconds;
        self.keys.sign(&claims)
    }

    /// What a good token says, and with it which session it belongs to.
    pub(crate) fn claims(&self, role: &str) -> Claims {
        let mut claims = self.keys.claims(self.clock.new_id(), Role::Student);
        role.clone_into(&mut claims.role);
        claims
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.http.get(self.url(path))).await
    }

    pub(crate) async fn get_as(&self, token: &str, path: &str) -> Answer {
        Answer::of(self.http.get(self.url(path)).bearer_auth(token)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.http.post(self.url(path)).json(body)).await
    }

    /// The trial service dies, with all its connections.
    pub(crate) fn kill_service(&mut self) {
        self.service.take().unwrap().shutdown_background();
    }

    /// Asks the gateway to stop.
    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits for the end of a gateway that was asked to stop.
    pub(crate) async fn stopped(mut self) {
        let running = std::mem::replace(&mut self.running, tokio::spawn(async { Ok(()) }));
        tokio::time::timeout(BOUND, running).await.unwrap().unwrap().unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(service) = self.service.take() {
            service.shutdown_background();
        }
    }
}

/// What came back, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Self {
            status,
            headers,
            text: answer.text().await.unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn data(&self) -> Value {
        let json = self.json();
        assert_eq!(json["success"], true, "{}", self.text);
        json["data"].clone()
    }

    /// The code of a failure, whose envelope is checked on the way.
    pub(crate) fn code(&self) -> String {
        let json = self.json();
        assert_eq!(json["success"], false, "{}", self.text);
        assert!(json["timestamp"].as_str().unwrap().ends_with('Z'));
        assert!(json["error"]["message"].is_string() && !json["error"]["details"].is_null());
        json["error"]["code"].as_str().unwrap().to_owned()
    }

    /// The fields that a validation error names.
    pub(crate) fn fields(&self) -> Vec<String> {
        assert_eq!(
            (self.status, self.code().as_str()),
            (400, "VALIDATION_ERROR"),
            "{}",
            self.text
        );
        let json = self.json();
        let details = json["error"]["details"].as_array().unwrap();
        details
            .iter()
            .map(|detail| detail["field"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Waits until something is so, within a bound.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < BOUND, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits for something that must not take for ever.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, work).await.expect("it took too long")
}
