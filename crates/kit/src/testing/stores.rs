//! Fresh stores for one test, embedded or on the servers that the environment names.

use chrono_tz::Tz;
use tempfile::TempDir;
use url::Url;
use uuid::Uuid;

use crate::config::{Base, Config, Loader};

/// Stores that nobody else uses. What lies on the disk goes with them.
pub struct TestStores {
    folder: TempDir,
    /// Sets what this test leaves on shared servers apart from what others do.
    name: String,
    /// Where files are kept, if not in the folder.
    files: Option<Url>,
    /// Servers in place of those that the environment names.
    database: Option<Url>,
    bus: Option<Url>,
    /// Where the hostel is, if not where it usually is.
    timezone: Option<Tz>,
}

impl Default for TestStores {
    fn default() -> Self {
        #[expect(clippy::disallowed_methods, reason = "names of tests' databases need no clock")]
        let name = Uuid::new_v4().simple().to_string();
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            name,
            files: None,
            database: None,
            bus: None,
            timezone: None,
        }
    }
}

impl TestStores {
    /// Fresh stores with files in this one.
    pub fn with_files(files: Url) -> Self {
        Self {
            files: Some(files),
            ..Self::default()
        }
    }

    /// The same on a database server of the test's own, where tests run on servers.
    #[must_use]
    pub fn on_database(mut self, server: Url) -> Self {
        self.database = Some(server);
        self
    }

    /// The same on a broker of the test's own.
    #[must_use]
    pub fn on_bus(mut self, server: Url) -> Self {
        self.bus = Some(server);
        self
    }

    /// Fresh stores of a hostel in this time zone.
    pub fn in_zone(timezone: Tz) -> Self {
        Self {
            timezone: Some(timezone),
            ..Self::default()
        }
    }

    /// Whether tests run on the servers.
    pub fn on_servers() -> bool {
        variable("HOSTELPULSE_TEST_STORES").as_deref() == Some("servers")
    }

    /// A configuration that uses these stores.
    pub fn config(&self) -> Config {
        let mut config = Loader::empty(crate::service::sections());
        config.base = self.base();
        config
    }

    fn base(&self) -> Base {
        let usual = Base::default();
        let base = Base {
            timezone: self.timezone.unwrap_or(usual.timezone),
            data: self.folder.path().to_owned(),
            database_connections: 4,
            files_url: self.files.clone(),
            ..usual
        };
        if !Self::on_servers() {
            return base;
        }
        let own = |url: &Option<Url>, name| url.clone().unwrap_or_else(|| server(name));
        let mut database = own(&self.database, "HOSTELPULSE_TEST_DATABASE_URL");
        database.set_path(&format!("/t_{}_{{service}}", self.name));
        let mut bus = own(&self.bus, "HOSTELPULSE_TEST_BUS_URL");
        bus.query_pairs_mut().append_pair("prefix", &format!("t{}.", self.name));
        Base {
            database_url: Some(database),
            cache_url: Some(server("HOSTELPULSE_TEST_CACHE_URL")),
            bus_url: Some(bus),
            ..base
        }
    }
}

fn server(name: &str) -> Url {
    let text = variable(name).unwrap_or_else(|| panic!("{name} must be set when HOSTELPULSE_TEST_STORES=servers"));
    Url::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn variable(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told by the environment which servers there are"
    )]
    std::env::var(name).ok()
}
