//! One service on fresh stores, called through its own gRPC face.

use std::collections::BTreeMap;

use chrono::DateTime;
use proto::options::Role;
use tokio_util::sync::CancellationToken;
use tonic::{Request, metadata::MetadataValue, service::Routes};
use uuid::Uuid;

use super::{Keys, TestStores};
use crate::{
    Clock, Db,
    access::metadata,
    service::{Host, Service, Stage},
    upstream::Channel,
};

/// A running service and what a test needs to talk to it.
pub struct World {
    pub clock: Clock,
    pub keys: Keys,
    pub db: Db,
    pub channel: Channel,
    pub host: Host,
    pub stores: TestStores,
}

impl World {
    /// Starts a service; where it is not auth itself, tokens are signed by [`Keys`].
    pub async fn start<S: Service>() -> Self {
        Self::start_with::<S>(S::Config::default()).await
    }

    /// The same with a configuration of its own.
    pub async fn start_with<S: Service>(config: S::Config) -> Self {
        let stores = TestStores::default();
        Self::on::<S>(stores, config).await
    }

    /// The same beside other services, each played by the test: [`World::beside`].
    pub async fn start_beside<S: Service>(config: S::Config, others: Vec<(&str, Routes)>) -> Self {
        Self::beside::<S>(TestStores::default(), config, others).await
    }

    /// The same on stores that were used before.
    pub async fn on<S: Service>(stores: TestStores, config: S::Config) -> Self {
        Self::beside::<S>(stores, config, Vec::new()).await
    }

    /// On stores that were used before, beside other services that the test plays: each by its name, with what it answers. Where
    /// auth is among them, the answers of [`Keys`] are added.
    pub async fn beside<S: Service>(stores: TestStores, config: S::Config, others: Vec<(&str, Routes)>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let start = DateTime::from_timestamp(1_795_000_000, 0).expect("a time");
        let clock = Clock::mock(start);
        let keys = Keys::new(clock.clone());
        let mut others: BTreeMap<&str, Routes> = others.into_iter().collect();
        if S::NAME != "auth" {
            let auth = others.remove("auth").unwrap_or_default();
            others.insert("auth", auth.add_service(keys.server()));
        }
        let here: Vec<&str> = others.keys().copied().chain([S::NAME]).collect();
        let mut host = Host::open_at(stores.config(), &here, clock.clone())
            .await
            .expect("the stores open");
        for (name, routes) in others {
            let place = host.place_of(name).expect("a place for every service that is played");
            tokio::spawn(place.serve(routes, CancellationToken::new()));
        }
        let (service, db) = host.create_with::<S>(config).await.expect("the service is created");
        host.start(service, db.clone()).expect("the service starts");
        host.begin().await.expect("relay and consumers start");
        let channel = host.upstreams.channel(S::NAME).expect("a channel");
        Self {
            clock,
            keys,
            db,
            channel,
            host,
            stores,
        }
    }

    /// A request with somebody's token.
    pub fn request<T>(&self, token: &str, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let value: MetadataValue<_> = format!("Bearer {token}").parse().expect("a token is ASCII");
        request.metadata_mut().insert(metadata::AUTHORIZATION, value);
        request
    }

    /// A request by somebody with this role.
    pub fn by<T>(&self, role: Role, message: T) -> Request<T> {
        self.request(&self.keys.token(role), message)
    }

    /// A request by this very user.
    pub fn of<T>(&self, id: Uuid, role: Role, message: T) -> Request<T> {
        self.request(&self.keys.token_of(id, role), message)
    }

    /// Stops the service as a process would; the stores stay.
    pub async fn stop(self) -> TestStores {
        self.host
            .lifecycle
            .run(std::future::ready(()))
            .await
            .expect("a clean stop");
        self.stores
    }

    /// The token that stops a stage, for tests that want to see it happen.
    pub fn stop_of(&mut self, stage: Stage) -> CancellationToken {
        self.host.lifecycle.stop_of(stage)
    }
}
