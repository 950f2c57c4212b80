//! The way to the Redis server: connections that all callers share, a deadline for every call, and no waiting for a
//! server that is known to be away.
//!
//! A connection carries many calls at once, so nobody waits for a free one. Lending each caller a connection of a pool
//! costs a ping before each call, and took two to six times as long in debug builds on a busy machine.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use deadpool_redis::redis::{
    self, AsyncConnectionConfig, Client, ErrorKind, FromRedisValue, IntoConnectionInfo as _, RedisError, RedisResult,
    ServerErrorKind, aio::MultiplexedConnection, io::tcp::TcpSettings,
};
use futures_util::future;
use url::Url;

use crate::{
    cache::PORT,
    port::{OpenError, PortError},
};

/// For a call as a whole.
const ANSWER_LIMIT: Duration = Duration::from_millis(250);
/// For new connections; no caller waits for them.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// Several, so that one long value does not hold up everybody behind it.
const CONNECTIONS: usize = 4;
/// More callers wait their turn, as long as any call may take.
const CALLS_PER_CONNECTION: usize = 256;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

const TIMED_OUT: PortError = PortError::TimedOut {
    port: PORT,
    within: ANSWER_LIMIT,
};

/// While the server is away calls fail at once, and one task tries until it is back.
pub(super) struct Link {
    client: Client,
    /// `None` while the server is away.
    connections: RwLock<Option<Arc<Connections>>>,
}

struct Connections {
    all: Vec<MultiplexedConnection>,
    turn: AtomicUsize,
}

impl Connections {
    fn next(&self) -> MultiplexedConnection {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.all[turn % self.all.len()].clone()
    }
}

/// Many calls share a connection: none may wait until the answers to those before it are acknowledged.
fn client(url: &Url) -> RedisResult<Client> {
    let server = url.as_str().into_connection_info()?;
    Client::open(server.set_tcp_settings(TcpSettings::default().set_nodelay(true)))
}

impl Link {
    /// Connects, and finds out that the server can be used.
    pub(super) async fn open(url: &Url) -> Result<Arc<Self>, OpenError> {
        if url.scheme() == "rediss" {
            // Fails where the process has chosen already, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let refused = |error: RedisError| OpenError::new(PORT, url, words(&error));
        let link = Self {
            client: client(url).map_err(refused)?,
            connections: RwLock::new(None),
        };
        link.connect().await.map_err(|why| OpenError::new(PORT, url, why))?;
        Ok(Arc::new(link))
    }

    pub(super) async fn ask<T: FromRedisValue>(self: &Arc<Self>, command: &redis::Cmd) -> Result<T, PortError> {
        let connections = self.connections()?;
        let mut connection = connections.next();
        self.within_limits(&connections, command.query_async(&mut connection))
            .await
    }

    pub(super) async fn ask_script<T: FromRedisValue>(
        self: &Arc<Self>,
        script: &redis::ScriptInvocation<'_>,
    ) -> Result<T, PortError> {
        let connections = self.connections()?;
        let mut connection = connections.next();
        self.within_limits(&connections, script.invoke_async(&mut connection))
            .await
    }

    fn connections(&self) -> Result<Arc<Connections>, PortError> {
        let connections = self.connections.read().unwrap_or_else(PoisonError::into_inner);
        connections.clone().ok_or_else(|| PortError::Unavailable {
            port: PORT,
            why: "it is away, and tried again every second".to_owned(),
        })
    }

    async fn within_limits<T>(
        self: &Arc<Self>,
        used: &Arc<Connections>,
        work: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, PortError> {
        let error = match tokio::time::timeout(ANSWER_LIMIT, work).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => port_error(&error),
            Err(_) => TIMED_OUT,
        };
        if !matches!(error, PortError::Refused { .. }) {
            self.note_away(used, &error);
        }
        Err(error)
    }

    fn note_away(self: &Arc<Self>, failed: &Arc<Connections>, error: &PortError) {
        {
            let mut connections = self.connections.write().unwrap_or_else(PoisonError::into_inner);
            // Of the many calls that fail together, and perhaps after the server's return, one speaks.
            if !connections.as_ref().is_some_and(|current| Arc::ptr_eq(current, failed)) {
                return;
            }
            *connections = None;
        }
        tracing::warn!(%error, "the cache is away");
        let link = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                tokio::time::sleep(pause).await;
                // Nobody uses the cache any more: nobody waits for its return.
                let Some(link) = link.upgrade() else { return };
                if link.connect().await.is_ok() {
                    tracing::info!("the cache is back");
                    return;
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        });
    }

    async fn connect(&self) -> Result<(), String> {
        let limits = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_LIMIT))
            .set_response_timeout(Some(ANSWER_LIMIT))
            .set_concurrency_limit(CALLS_PER_CONNECTION);
        let work = async {
            let one = || self.client.get_multiplexed_async_connection_with_config(&limits);
            let mut all = future::try_join_all((0..CONNECTIONS).map(|_| one())).await?;
            try_out(&mut all[0]).await?;
            Ok(all)
        };
        let all = match tokio::time::timeout(CONNECT_LIMIT, work).await {
            Ok(outcome) => outcome.map_err(|error| words(&error))?,
            Err(_) => return Err(no_answer()),
        };
        let connections = Connections {
            all,
            turn: AtomicUsize::new(0),
        };
        *self.connections.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(connections));
        Ok(())
    }
}

/// Writes a value: a server that is full, read-only or still loading answers a ping too.
async fn try_out(connection: &mut MultiplexedConnection) -> RedisResult<()> {
    let mut command = redis::cmd("SET");
    command.arg(super::TRIAL_KEY).arg("").arg("PX").arg(1000);
    command.exec_async(connection).await
}

fn port_error(error: &RedisError) -> PortError {
    if error.is_timeout() {
        return TIMED_OUT;
    }
    let (port, why) = (PORT, words(error));
    if is_refusal(error) {
        PortError::Refused { port, why }
    } else {
        PortError::Unavailable { port, why }
    }
}

/// Whether a working server said no to this one command, and others may well succeed.
fn is_refusal(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(kind) => !matches!(
            kind,
            ServerErrorKind::ReadOnly
                | ServerErrorKind::MasterDown
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::TryAgain
        ),
        ErrorKind::Extension => !matches!(
            error.code(),
            Some("OOM" | "MISCONF" | "NOREPLICAS" | "NOAUTH" | "WRONGPASS" | "BUSY")
        ),
        _ => false,
    }
}

/// The server's own words where it spoke, else the library's.
fn words(error: &RedisError) -> String {
    match (error.kind(), error.code()) {
        (ErrorKind::AuthenticationFailed, _) => "it refuses the user or the password of the URL".to_owned(),
        (_, Some("NOAUTH")) => "it asks for a password, and the URL has none".to_owned(),
        (_, Some(code)) => format!("{code} {}", error.detail().unwrap_or_default()),
        _ if error.is_timeout() => no_answer(),
        _ => error.to_string(),
    }
}

fn no_answer() -> String {
    format!("it does not answer within {CONNECT_LIMIT:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_waits_for_those_before_it_to_be_acknowledged() {
        let url = Url::parse("redis://:secret@cache:6380/2").unwrap();
        let client = client(&url).unwrap();
        let server = client.get_connection_info();
        assert!(server.tcp_settings().nodelay());
        assert_eq!(server.redis_settings().db(), 2);
        assert_eq!(server.redis_settings().password(), Some("secret"));
    }
}
