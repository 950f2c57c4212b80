//! A connection that comes back: whoever needs it makes it anew when it is gone, one at a time, with growing waits between
//! tries, for ever.

use std::sync::Arc;

use lapin::{Channel, Connection, ConnectionProperties, uri::AMQPUri};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use super::{ANSWER_LIMIT, said};
use crate::{backoff::Backoff, port::PortError};

const RECONNECT: Backoff = Backoff::new(std::time::Duration::from_millis(100), std::time::Duration::from_secs(5));

pub(super) struct Link {
    uri: AMQPUri,
    name: &'static str,
    state: Mutex<State>,
}

struct State {
    connection: Option<Arc<Connection>>,
    failures: u32,
    /// Until then every caller hears of the last failure at once, so that nobody piles up.
    not_before: Instant,
    last_failure: String,
}

impl Link {
    pub(super) fn new(uri: AMQPUri, name: &'static str) -> Self {
        let state = State {
            connection: None,
            failures: 0,
            not_before: Instant::now(),
            last_failure: String::new(),
        };
        Self {
            uri,
            name,
            state: Mutex::new(state),
        }
    }

    pub(super) async fn connection(&self) -> Result<Arc<Connection>, PortError> {
        let mut state = self.state.lock().await;
        if let Some(connection) = &state.connection
            && connection.status().connected()
        {
            return Ok(connection.clone());
        }
        if Instant::now() < state.not_before {
            return Err(away(&state.last_failure));
        }
        // Counted beforehand: a caller that gives up on waiting has seen a failure too.
        state.failures = state.failures.saturating_add(1);
        state.not_before = Instant::now() + RECONNECT.after(state.failures);
        let outcome = timeout(ANSWER_LIMIT, connect(&self.uri, self.name)).await;
        match outcome {
            Ok(Ok(connection)) => {
                if state.failures > 1 {
                    tracing::info!(connection = self.name, "the broker is back");
                }
                let connection = Arc::new(connection);
                state.connection = Some(connection.clone());
                state.failures = 0;
                state.not_before = Instant::now();
                Ok(connection)
            }
            Ok(Err(error)) => Err(state.failed(error.to_string())),
            Err(_) => Err(state.failed(format!("no answer within {ANSWER_LIMIT:?}"))),
        }
    }

    pub(super) async fn channel(&self) -> Result<Channel, PortError> {
        let connection = self.connection().await?;
        connection.create_channel().await.map_err(|error| said(&error))
    }
}

impl State {
    fn failed(&mut self, why: String) -> PortError {
        self.not_before = Instant::now() + RECONNECT.after(self.failures);
        self.last_failure = why;
        away(&self.last_failure)
    }
}

pub(super) async fn connect(uri: &AMQPUri, name: &str) -> lapin::Result<Connection> {
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    Connection::connect_uri(uri.clone(), properties).await
}

fn away(why: &str) -> PortError {
    PortError::Unavailable {
        port: "bus",
        why: why.to_owned(),
    }
}
