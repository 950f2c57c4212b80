//! How to reach a mail server and be known to it.

use std::time::Duration;

use lettre::transport::smtp::{
    authentication::{Credentials, Mechanism},
    client::{AsyncSmtpConnection, TlsParameters},
    extension::ClientId,
};
use percent_encoding::percent_decode_str;
use url::Url;

use super::{super::PORT, port_error, without_addresses};
use crate::port::{OpenError, Parameters, PortError};

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const SUBMISSION: u16 = 587;
const SUBMISSION_OVER_TLS: u16 = 465;

pub(super) struct Server {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
    hello: ClientId,
}

enum Security {
    /// TLS from the first byte.
    Wrapped(TlsParameters),
    /// TLS after a first exchange, where the server offers it.
    Offered(TlsParameters),
    /// The same, and no letter without it.
    Required(TlsParameters),
    Plain,
}

impl Server {
    pub(super) fn read(url: &Url, given: &Parameters<'_>) -> Result<Self, OpenError> {
        // Fails only when a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        if host.is_empty() || !matches!(url.path(), "" | "/") {
            let why = format!("expected {}://user:password@host:port", url.scheme());
            return Err(OpenError::new(PORT, url, why));
        }
        let tls = TlsParameters::new(host.to_owned());
        let tls = tls.map_err(|error| OpenError::new(PORT, url, error.to_string()))?;
        let is_wrapped = url.scheme() == "smtps";
        let security = match (is_wrapped, given.get("tls")) {
            (true, None) => Security::Wrapped(tls),
            (true, Some(_)) => return Err(given.wrong("tls", "left out: smtps:// is always TLS")),
            (false, None) => Security::Offered(tls),
            (false, Some("required")) => Security::Required(tls),
            (false, Some("none")) => Security::Plain,
            (false, Some(_)) => return Err(given.wrong("tls", "required or none")),
        };
        let default_port = if is_wrapped { SUBMISSION_OVER_TLS } else { SUBMISSION };
        Ok(Self {
            host: host.to_owned(),
            port: url.port().unwrap_or(default_port),
            security,
            credentials: credentials(url),
            hello: ClientId::default(),
        })
    }

    /// A new connection, greeted, encrypted as configured and signed in.
    pub(super) async fn connect(&self) -> Result<AsyncSmtpConnection, PortError> {
        let wrapped = match &self.security {
            Security::Wrapped(tls) => Some(tls.clone()),
            _ => None,
        };
        let place = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(place, Some(CONNECT_LIMIT), &self.hello, wrapped, None)
                .await
                .map_err(|error| port_error(&error))?;
        match &self.security {
            Security::Offered(tls) | Security::Required(tls) if connection.can_starttls() => {
                let upgraded = connection.starttls(tls.clone(), &self.hello).await;
                upgraded.map_err(|error| port_error(&error))?;
            }
            Security::Required(_) => {
                let why = "the server offers no TLS, which is required here".to_owned();
                return Err(PortError::Refused { port: PORT, why });
            }
            Security::Wrapped(_) | Security::Offered(_) | Security::Plain => {}
        }
        self.sign_in(&mut connection).await?;
        Ok(connection)
    }

    async fn sign_in(&self, connection: &mut AsyncSmtpConnection) -> Result<(), PortError> {
        let Some(credentials) = &self.credentials else {
            return Ok(());
        };
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        match connection.auth(&mechanisms, credentials).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => {
                let reply = without_addresses(&error.to_string());
                let why = format!("the server does not accept the user name and password: {reply}");
                Err(PortError::Refused { port: PORT, why })
            }
            Err(error) => Err(port_error(&error)),
        }
    }
}

fn credentials(url: &Url) -> Option<Credentials> {
    let password = url.password()?;
    let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some(Credentials::new(decoded(url.username()), decoded(password)))
}
