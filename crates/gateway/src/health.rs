//! Whether the gateway lives, and whether it can do its work.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::join_all;
use http::uri::PathAndQuery;
use kit::upstream::Upstreams;
use prost::Message;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tonic::metadata::MetadataMap;

use crate::call::Rpc;

/// Health is asked for by machines in a hurry.
const ASK_LIMIT: Duration = Duration::from_millis(800);
/// An answer holds this long, however many ask.
const REMEMBERED: Duration = Duration::from_secs(1);
/// `SERVING` of `grpc.health.v1.HealthCheckResponse`.
const SERVING: i32 = 1;

/// `grpc.health.v1.HealthCheckResponse`, the one field of it.
#[derive(Clone, PartialEq, Message)]
struct HealthCheckResponse {
    #[prost(int32, tag = "1")]
    status: i32,
}

pub(crate) struct Health {
    services: Vec<(String, Rpc)>,
    /// When the services were last asked, and who was well.
    seen: Mutex<Option<(Instant, Vec<bool>)>>,
    stopping: AtomicBool,
}

impl Health {
    pub(crate) fn new(upstreams: &Upstreams) -> Self {
        let services = upstreams.names().filter_map(|name| {
            let rpc = Rpc {
                channel: upstreams.channel(name)?,
                path: PathAndQuery::from_static("/grpc.health.v1.Health/Check"),
            };
            Some((name.to_owned(), rpc))
        });
        Self {
            services: services.collect(),
            seen: Mutex::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// From now on the gateway is not ready, so that nobody sends it new work.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether all is well, and each dependency by name.
    pub(crate) async fn ready(&self) -> (bool, Value) {
        let well = self.well().await;
        let word = |well: bool| Value::from(if well { "up" } else { "down" });
        let named = self.services.iter().zip(&well);
        let dependencies: Map<String, Value> = named.map(|((name, _), well)| (name.clone(), word(*well))).collect();
        let stopping = self.stopping.load(Ordering::Relaxed);
        let ready = !stopping && well.iter().all(|well| *well);
        let status = match (ready, stopping) {
            (true, _) => "ready",
            (false, true) => "stopping",
            (false, false) => "not_ready",
        };
        (ready, json!({"status": status, "dependencies": dependencies}))
    }

    /// Asks once for all who wait.
    async fn well(&self) -> Vec<bool> {
        let mut seen = self.seen.lock().await;
        if let Some((when, well)) = &*seen
            && when.elapsed() < REMEMBERED
        {
            return well.clone();
        }
        let well = join_all(self.services.iter().map(|(_, rpc)| is_well(rpc))).await;
        *seen = Some((Instant::now(), well.clone()));
        well
    }
}

async fn is_well(rpc: &Rpc) -> bool {
    let answer = rpc.unary(Bytes::new(), MetadataMap::new(), ASK_LIMIT).await;
    answer.is_ok_and(|wire| HealthCheckResponse::decode(wire).is_ok_and(|answer| answer.status == SERVING))
}
