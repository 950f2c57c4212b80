//! What every process needs to know, whichever services it runs.

use std::{collections::BTreeMap, fmt, net::SocketAddr, path::PathBuf};

use chrono_tz::Tz;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use crate::{access::TokenSecret, cache, db, events, files, mail, port::OpenError, push};

/// The top level of the configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Base {
    /// Where the gateway listens.
    pub listen: SocketAddr,
    /// Where people reach the gateway, `https://hostel.example.org`: links begin so. Where it listens, unless said.
    pub public_url: Option<Url>,
    /// Where services that run on their own listen for gRPC. In one process they need no port.
    pub grpc_listen: Option<SocketAddr>,
    /// The zone whose days the hostel lives by.
    pub timezone: Tz,
    /// Where the embedded stores live.
    pub data: PathBuf,
    /// `sqlite://…` or `postgres://…`; `{service}` in it stands for the service's name.
    pub database_url: Option<Url>,
    /// Most connections to a service's database.
    pub database_connections: u32,
    /// `memory://` or `redis://…`.
    pub cache_url: Option<Url>,
    /// `memory://` or `amqp://…`.
    pub bus_url: Option<Url>,
    /// `file://…` or `s3://bucket?endpoint=…`.
    pub files_url: Option<Url>,
    /// `log://` or `smtp://…`.
    pub mail_url: Option<Url>,
    /// `log://` or `fcm://project`.
    pub push_url: Option<Url>,
    /// Shared by the services of an installation for their tokens to each other. One process makes its own.
    pub service_secret: Option<SecretText>,
    /// Auth signs people's access tokens with it, by HS256, instead of its own keys. The same for all services.
    pub token_secret: Option<SecretText>,
    /// What values are sealed with: `kid:base64`, the current key first, the others still open what they sealed. The same
    /// for all services. One process makes its own, in `master.keys` of its data folder.
    pub master_keys: Option<SecretText>,
    /// Where services of other processes are: name → `http://host:port`.
    pub upstreams: BTreeMap<String, Url>,
    /// Collector of traces, `http://collector:4317`.
    pub otlp_endpoint: Option<String>,
    /// What is logged, as `level` or `target=level,…`.
    pub log: String,
}

impl Default for Base {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            grpc_listen: None,
            timezone: chrono_tz::Asia::Kolkata,
            data: PathBuf::from("./data"),
            database_url: None,
            database_connections: 8,
            cache_url: None,
            bus_url: None,
            files_url: None,
            mail_url: None,
            push_url: None,
            service_secret: None,
            token_secret: None,
            master_keys: None,
            upstreams: BTreeMap::new(),
            otlp_endpoint: None,
            log: "info".to_owned(),
        }
    }
}

/// The stores by URL, with the embedded ones where nothing else is said.
#[derive(Clone, Debug)]
pub struct Stores {
    pub database: Url,
    pub cache: Url,
    pub bus: Url,
    pub files: Url,
    pub mail: Url,
    pub push: Url,
}

impl Base {
    /// Which stores are used.
    pub fn stores(&self) -> Result<Stores, String> {
        let folder = std::path::absolute(&self.data).map_err(|error| format!("data: {error}"))?;
        let embedded = |text: String| Url::parse(&text).map_err(|error| format!("data: {error}"));
        let files = Url::from_file_path(folder.join("files")).map_err(|()| "data: not a folder's path".to_owned())?;
        let memory = || embedded("memory://".to_owned());
        let log = || embedded("log://".to_owned());
        let or = |said: &Option<Url>, else_: Result<Url, String>| said.clone().map_or(else_, Ok);
        Ok(Stores {
            database: or(
                &self.database_url,
                embedded(format!("sqlite://{}/{{service}}.db", folder.display())),
            )?,
            cache: or(&self.cache_url, memory())?,
            bus: or(&self.bus_url, memory())?,
            files: or(&self.files_url, Ok(files))?,
            mail: or(&self.mail_url, log())?,
            push: or(&self.push_url, log())?,
        })
    }

    /// Where links begin.
    pub fn public_url(&self) -> Result<Url, String> {
        let url = match &self.public_url {
            Some(url) => Ok(url.clone()),
            None => Url::parse(&format!("http://{}", self.reached_at())),
        };
        let url = url.map_err(|error| format!("listen: {error}"))?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none();
        if plain {
            Ok(url)
        } else {
            Err("public_url must be an address like https://hostel.example.org".to_owned())
        }
    }

    /// The address of the gateway as somebody on this machine would write it.
    fn reached_at(&self) -> String {
        if self.listen.ip().is_unspecified() {
            format!("localhost:{}", self.listen.port())
        } else {
            self.listen.to_string()
        }
    }

    /// Whether one process is the whole installation: it needs to agree with nobody.
    pub fn is_alone(&self) -> bool {
        self.upstreams.is_empty() && self.grpc_listen.is_none()
    }

    /// The secret of people's tokens, where HS256 is asked for.
    pub fn token_secret(&self) -> Result<Option<TokenSecret>, String> {
        let secret = self
            .token_secret
            .as_ref()
            .map(|secret| TokenSecret::new(secret.0.clone()));
        secret.transpose().map_err(|why| format!("token_secret {why}"))
    }
}

impl Stores {
    /// Refuses a URL that no adapter opens, before any store is touched.
    pub fn check(&self) -> Result<(), OpenError> {
        for (port, url, known) in [
            ("database", &self.database, db::SCHEMES),
            ("cache", &self.cache, cache::SCHEMES),
            ("bus", &self.bus, events::bus::SCHEMES),
            ("files", &self.files, files::SCHEMES),
            ("mail", &self.mail, mail::SCHEMES),
            ("push", &self.push, push::SCHEMES),
        ] {
            if !known.contains(&url.scheme()) {
                return Err(OpenError::unknown_scheme(port, url, known));
            }
        }
        Ok(())
    }

    /// The database of one service: `{service}` is replaced; a PostgreSQL URL without a path gets `hostelpulse_<service>`.
    pub fn database_of(&self, service: &str) -> Url {
        let mut url = self.database.clone();
        if matches!(url.scheme(), "postgres" | "postgresql") && matches!(url.path(), "" | "/") {
            url.set_path(&format!("/hostelpulse_{service}"));
        }
        let path = url
            .path()
            .replace("%7Bservice%7D", service)
            .replace("{service}", service);
        url.set_path(&path);
        url
    }
}

/// A secret of the configuration: never printed.
#[derive(Clone)]
pub struct SecretText(pub SecretString);

impl SecretText {
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("***")
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str("***")
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(SecretString::from(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(url: &str) -> String {
        let base = Base {
            database_url: Some(Url::parse(url).unwrap()),
            ..Base::default()
        };
        base.stores().unwrap().database_of("auth").to_string()
    }

    #[test]
    fn links_begin_where_people_reach_the_gateway() {
        let base = |listen: &str, said: Option<&str>| Base {
            listen: listen.parse().unwrap(),
            public_url: said.map(|url| Url::parse(url).unwrap()),
            ..Base::default()
        };
        let url = |base: Base| base.public_url().map(|url| url.to_string());
        assert_eq!(url(base("127.0.0.1:8080", None)).unwrap(), "http://127.0.0.1:8080/");
        assert_eq!(url(base("[::1]:81", None)).unwrap(), "http://[::1]:81/");
        assert_eq!(url(base("0.0.0.0:8080", None)).unwrap(), "http://localhost:8080/");
        let said = base("0.0.0.0:8080", Some("https://hostel.example/app"));
        assert_eq!(url(said).unwrap(), "https://hostel.example/app");
        for bad in [
            "javascript:alert(1)",
            "https://hostel.example/?a",
            "ftp://hostel.example",
        ] {
            assert!(url(base("0.0.0.0:8080", Some(bad))).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_short_token_secret_is_refused() {
        let base = |secret: &str| Base {
            token_secret: Some(SecretText(secret.into())),
            ..Base::default()
        };
        assert!(Base::default().token_secret().unwrap().is_none());
        assert!(base(&"s".repeat(32)).token_secret().unwrap().is_some());
        let said = base(&"s".repeat(31)).token_secret().err().unwrap();
        assert_eq!(said, "token_secret must be at least 32 bytes, it has 31");
    }

    #[test]
    fn every_service_has_its_own_database() {
        assert_eq!(database("postgres://hp@db"), "postgres://hp@db/hostelpulse_auth");
        assert_eq!(
            database("postgres://hp@db/campus_{service}"),
            "postgres://hp@db/campus_auth"
        );
        assert_eq!(database("sqlite:///var/{service}.db"), "sqlite:///var/auth.db");
    }
}
