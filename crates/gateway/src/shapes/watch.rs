//! What can happen while a client watches a stream: a message, the end, a failure, the end of its token, our own stop.

use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use kit::{Fault, access::Verifier, fault::Kind, json::Shape};
use serde_json::json;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use crate::{call, visit::Visit};

/// How often a token, or an API key, is looked at: whoever signed out sees nothing more after this.
const LOOK_AT_TOKEN: Duration = Duration::from_secs(1);

/// A stream from a service on its way to one client.
pub(super) struct Watch {
    upstream: Streaming<Bytes>,
    shape: Shape,
    /// None on a public stream.
    bearer: Option<Bearer>,
    looks: Interval,
    stopping: CancellationToken,
}

/// What the client came with, a token or an API key, and from where.
struct Bearer {
    verifier: Verifier,
    text: String,
    ip: Option<IpAddr>,
}

pub(super) enum Happening {
    /// A message, as JSON.
    Message(String),
    Ended,
    /// The service failed, or the token holds no longer.
    Failed(Fault),
    Stopping,
}

impl Watch {
    pub(super) fn new(upstream: Streaming<Bytes>, shape: Shape, visit: &Visit<'_>) -> Self {
        let mut looks = interval(LOOK_AT_TOKEN);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            upstream,
            shape,
            bearer: visit.bearer.map(|text| Bearer {
                verifier: visit.face.verifier.clone(),
                text: text.to_owned(),
                ip: visit.ip,
            }),
            looks,
            stopping: visit.face.stopping.clone(),
        }
    }

    /// The next thing that happens. Nothing is lost when the wait is given up.
    pub(super) async fn next(&mut self) -> Happening {
        loop {
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => return Happening::Stopping,
                _ = self.looks.tick(), if self.bearer.is_some() => {
                    if let Err(fault) = self.look_at_bearer().await {
                        return Happening::Failed(fault);
                    }
                }
                message = self.upstream.message() => return self.arrived(message),
            }
        }
    }

    fn arrived(&self, message: Result<Option<Bytes>, tonic::Status>) -> Happening {
        let wire = match message {
            Ok(Some(wire)) => wire,
            Ok(None) => return Happening::Ended,
            Err(status) => return Happening::Failed(call::fault(&status)),
        };
        let mut text = Vec::with_capacity(wire.len() * 2);
        let written = self.shape.write(&wire, &mut text).map_err(Fault::internal);
        // What a shape writes is JSON, and so is UTF-8.
        match written.and_then(|()| String::from_utf8(text).map_err(Fault::internal)) {
            Ok(text) => Happening::Message(text),
            Err(fault) => Happening::Failed(fault),
        }
    }

    /// An API key is exchanged anew when its token ends: whoever came with one stays as long as the key holds. That auth is
    /// away says nothing about either.
    async fn look_at_bearer(&self) -> Result<(), Fault> {
        let Some(Bearer { verifier, text, ip }) = &self.bearer else {
            return Ok(());
        };
        match verifier.admit(text, *ip).await {
            Err(fault) if matches!(fault.kind, Kind::Unauthenticated | Kind::Forbidden) => Err(fault),
            _ => Ok(()),
        }
    }
}

/// The last message of a stream that failed.
pub(super) fn error_message(fault: &Fault) -> String {
    json!({"type": "error", "code": fault.reason, "message": fault.message}).to_string()
}
