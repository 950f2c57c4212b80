//! A process as a whole: what it refuses to start with, and that it stops without waiting for long streams.

use std::{
    os::unix::fs::PermissionsExt as _,
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use kit::{
    config::SecretText,
    service::{Deps, Host, Rpcs, Service, Stage},
    testing::{TestStores, World},
};
use proto::{
    auth::{
        EndedSessions, ExchangeApiKeyRequest, ExchangeApiKeyResponse, JwksResponse,
        tokens_server::{Tokens, TokensServer},
    },
    types::Nothing,
};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use tokio_stream::wrappers::IntervalStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

/// An auth service that tells of ended sessions until its process stops, and does nothing else.
#[derive(Clone)]
struct Teller(CancellationToken);

struct Schema;

impl MigratorTrait for Schema {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        kit::events::migrations()
    }
}

#[async_trait::async_trait]
impl Service for Teller {
    const NAME: &'static str = "auth";
    type Config = serde_json::Value;
    type Migrator = Schema;

    fn check(_: &Self::Config) -> anyhow::Result<()> {
        Ok(())
    }

    async fn create(deps: Deps, _: Self::Config) -> anyhow::Result<Self> {
        anyhow::ensure!(deps.token_secret.is_none(), "nobody configured a secret");
        Ok(Self(deps.stopping))
    }

    fn register(&self, rpcs: &mut Rpcs) {
        rpcs.add(TokensServer::new(self.clone()));
    }
}

type Reports = std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<EndedSessions, Status>> + Send>>;

#[tonic::async_trait]
impl Tokens for Teller {
    type WatchEndedStream = Reports;

    async fn jwks(&self, _: Request<Nothing>) -> Result<Response<JwksResponse>, Status> {
        Err(Status::unimplemented("no keys live here"))
    }

    async fn watch_ended(&self, _: Request<Nothing>) -> Result<Response<Reports>, Status> {
        let signs = IntervalStream::new(tokio::time::interval(Duration::from_millis(100)));
        let reports = signs.map(|_| Ok(EndedSessions::default()));
        let stopping = self.0.clone();
        let reports = reports.take_until(async move { stopping.cancelled().await });
        Ok(Response::new(Box::pin(reports)))
    }

    async fn exchange_api_key(
        &self,
        _: Request<ExchangeApiKeyRequest>,
    ) -> Result<Response<ExchangeApiKeyResponse>, Status> {
        Err(Status::unimplemented("no API keys live here"))
    }
}

/// A stream of ended sessions that somebody else than the process itself listens to.
async fn listen(world: &World) -> tonic::Streaming<EndedSessions> {
    let token = world.host.tokens("elsewhere").token().unwrap();
    let mut client = proto::auth::tokens_client::TokensClient::new(world.channel.clone());
    client
        .watch_ended(world.request(&token, Nothing {}))
        .await
        .unwrap()
        .into_inner()
}

#[tokio::test]
async fn a_process_stops_without_waiting_for_its_long_streams() {
    let mut world = World::start::<Teller>().await;
    let mut reports = listen(&world).await;
    assert!(reports.message().await.unwrap().is_some());
    let stopping = world.stop_of(Stage::Services);
    assert!(!stopping.is_cancelled());
    let begun = Instant::now();
    let (_stores, rest) = tokio::join!(world.stop(), async move {
        while let Ok(Some(_)) = reports.message().await {}
    });
    let () = rest;
    assert!(stopping.is_cancelled());
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn nobody_else_than_a_service_hears_of_ended_sessions() {
    let world = World::start::<Teller>().await;
    let mut client = proto::auth::tokens_client::TokensClient::new(world.channel.clone());
    let refused = client.watch_ended(Nothing {}).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
    world.stop().await;
}

#[tokio::test]
async fn the_data_folder_is_private() {
    let stores = TestStores::default();
    let mut config = stores.config();
    config.base.data = config.base.data.join("new/folder");
    let data = config.base.data.clone();
    let _host = Host::open(config, &["auth"]).await.unwrap();
    for folder in [data.as_path(), data.parent().unwrap()] {
        let mode = std::fs::metadata(folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{}", folder.display());
    }
}

#[tokio::test]
async fn a_short_token_secret_is_refused_before_anything_is_touched() {
    let stores = TestStores::default();
    let mut config = stores.config();
    config.base.data = config.base.data.join("new");
    config.base.token_secret = Some(SecretText("too short".into()));
    let data = config.base.data.clone();
    let said = Host::open(config, &["auth"]).await.err().unwrap().to_string();
    assert_eq!(said, "token_secret must be at least 32 bytes, it has 9");
    assert!(!data.exists());
}

#[tokio::test]
async fn services_of_several_processes_need_a_shared_secret_and_a_way_to_auth() {
    let stores = TestStores::default();
    let mut config = stores.config();
    let said = Host::open(config.clone(), &["audit"]).await.err().unwrap().to_string();
    assert!(said.contains("upstreams.auth"), "{said}");
    config
        .base
        .upstreams
        .insert("auth".to_owned(), url::Url::parse("http://127.0.0.1:1").unwrap());
    let said = Host::open(config, &["audit"]).await.err().unwrap().to_string();
    assert!(said.starts_with("service_secret is needed"), "{said}");
}
