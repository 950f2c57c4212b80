//! Mail by SMTP.
//!
//! lettre speaks the protocol; the connections are kept here. A connection is kept for the next letter only after a
//! whole exchange: one that was given up on in the middle would take the reply to one letter for that to another.

mod server;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use lettre::{
    message::Mailbox,
    transport::smtp::{Error, client::AsyncSmtpConnection},
};
use tokio::sync::Semaphore;
use url::Url;

use self::server::Server;
use super::{Letter, Mail, PORT, message};
use crate::{
    Clock,
    port::{OpenError, Parameters, PortError, within},
};

const MOST_CONNECTIONS: usize = 4;
/// Many servers close a silent connection after a minute.
const IDLE_LIMIT: Duration = Duration::from_secs(30);
/// One letter, from waiting for a connection to the server's last word.
const TIME_LIMIT: Duration = Duration::from_secs(30);

pub(super) struct Smtp {
    server: Server,
    from: Mailbox,
    clock: Clock,
    time_limit: Duration,
    turns: Semaphore,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: AsyncSmtpConnection,
    since: Instant,
}

impl Smtp {
    /// Opens the port. A server that says no (wrong password, no TLS) stops the start; one that is away does not:
    /// letters wait in their queue until it is back.
    pub(super) async fn open(url: &Url, clock: Clock) -> Result<Self, OpenError> {
        let given = Parameters::read(PORT, url, &["from", "tls", "time_limit"])?;
        let smtp = Self {
            server: Server::read(url, &given)?,
            from: message::sender(&given)?,
            clock,
            time_limit: given.duration("time_limit", TIME_LIMIT)?,
            turns: Semaphore::new(MOST_CONNECTIONS),
            idle: Mutex::new(Vec::new()),
        };
        match smtp.ping().await {
            Ok(()) => {}
            Err(PortError::Refused { why, .. }) => return Err(OpenError::new(PORT, url, why)),
            Err(error) => tracing::warn!(%error, "the mail server is away, letters will wait"),
        }
        Ok(smtp)
    }

    /// A connection on which the server has just answered.
    async fn connection(&self) -> Result<AsyncSmtpConnection, PortError> {
        // Ends: each turn takes one away.
        while let Some(mut idle) = self.take_idle() {
            if idle.since.elapsed() < IDLE_LIMIT && idle.connection.test_connected().await {
                return Ok(idle.connection);
            }
        }
        self.server.connect().await
    }

    fn take_idle(&self) -> Option<Idle> {
        self.idle().pop()
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let since = Instant::now();
        self.idle().push(Idle { connection, since });
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs an exchange when it is its turn, and keeps the connection when all of it went well.
    async fn exchange(&self, letter: Option<&lettre::Message>) -> Result<(), PortError> {
        let _turn = self.turns.acquire().await.map_err(|closed| PortError::Unavailable {
            port: PORT,
            why: closed.to_string(),
        })?;
        let mut connection = self.connection().await?;
        if let Some(letter) = letter {
            let sent = connection.send(letter.envelope(), &letter.formatted()).await;
            sent.map_err(|error| port_error(&error))?;
        }
        self.keep(connection);
        Ok(())
    }
}

#[async_trait::async_trait]
impl Mail for Smtp {
    async fn send(&self, letter: &Letter) -> Result<(), PortError> {
        let message = message::message(letter, &self.from, &self.clock)?;
        within(PORT, self.time_limit, self.exchange(Some(&message))).await
    }

    async fn ping(&self) -> Result<(), PortError> {
        within(PORT, self.time_limit, self.exchange(None)).await
    }
}

/// 5xx is for ever; 4xx and trouble on the way are not.
fn port_error(error: &Error) -> PortError {
    let why = without_addresses(&error.to_string());
    if error.is_permanent() || error.is_client() {
        return PortError::Refused { port: PORT, why };
    }
    PortError::Unavailable { port: PORT, why }
}

/// Servers like to repeat the recipient; our logs do not.
fn without_addresses(text: &str) -> String {
    let words = text.split_whitespace();
    let words = words.map(|word| if word.contains('@') { "(address)" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_loses_its_addresses() {
        assert_eq!(
            without_addresses("permanent error (550): 5.1.1 <asha@example.org>: no such user"),
            "permanent error (550): 5.1.1 (address) no such user"
        );
    }
}
