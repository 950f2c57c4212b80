//! A server of a test's own, to kill, stop and start again.

use std::{
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use url::Url;

use crate::{Db, cache, events::bus};

/// What makes a folder ready and becomes a server in it.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/test/servers.sh");
/// Also on a busy machine, and after it was killed.
const START_LIMIT: Duration = Duration::from_secs(90);
const TRY_LIMIT: Duration = Duration::from_secs(10);
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// Which server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Postgres,
    Redis,
    RabbitMq,
}

/// A server that nobody else uses. It keeps what it promised: started again after it was killed it has lost nothing, but for
/// Redis, which promises nothing.
pub struct Server {
    kind: Kind,
    process: Child,
    folder: TempDir,
    port: u16,
    password: &'static str,
}

impl Server {
    /// PostgreSQL that waits for its disk.
    pub async fn postgres() -> Self {
        Self::start(Kind::Postgres, "a-password-of-one-test").await
    }

    pub async fn rabbitmq() -> Self {
        Self::start(Kind::RabbitMq, "a-password-of-one-test").await
    }

    /// `None`, and a line that says so, where the machine has no redis-server.
    pub async fn redis(password: Option<&'static str>) -> Option<Self> {
        if Command::new("redis-server").arg("--version").output().is_err() {
            eprintln!("skipped: there is no redis-server on this machine");
            return None;
        }
        Some(Self::start(Kind::Redis, password.unwrap_or_default()).await)
    }

    async fn start(kind: Kind, password: &'static str) -> Self {
        // Where a port is taken between the look and the start, or a start fails for another reason, it is tried anew.
        for _ in 0..3 {
            let folder = TempDir::new().expect("a temporary folder");
            // PostgreSQL does not run as root, and has to find its own folder in there.
            std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o711)).expect("a folder of ours");
            let port = free_port();
            let process = launch(kind, folder.path(), port, password);
            let mut server = Self {
                kind,
                process,
                folder,
                port,
                password,
            };
            if server.answers().await {
                return server;
            }
        }
        panic!("{kind:?} does not start");
    }

    pub fn url(&self) -> Url {
        let (port, password) = (self.port, self.password);
        let url = match self.kind {
            Kind::Postgres => format!("postgres://hostelpulse:{password}@127.0.0.1:{port}"),
            Kind::RabbitMq => format!("amqp://hostelpulse:{password}@127.0.0.1:{port}"),
            Kind::Redis if password.is_empty() => format!("redis://127.0.0.1:{port}/0"),
            Kind::Redis => format!("redis://:{password}@127.0.0.1:{port}/0"),
        };
        url.parse().expect("a URL")
    }

    /// Dead at once, without a last word.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// On the same port, with what it kept.
    pub async fn start_again(&mut self) {
        self.kill();
        let end = Instant::now() + START_LIMIT;
        loop {
            self.process = launch(self.kind, self.folder.path(), self.port, self.password);
            if self.answers().await {
                return;
            }
            // PostgreSQL waits until what the dead one left has noticed that it is dead.
            assert!(Instant::now() < end, "{:?} does not start again", self.kind);
            sleep(BETWEEN_TRIES).await;
        }
    }

    /// Keeps its connections and answers nothing.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Waits until it answers; `false` when it ended instead.
    async fn answers(&mut self) -> bool {
        let started = Instant::now();
        while started.elapsed() < START_LIMIT {
            if self.process.try_wait().expect("a process").is_some() {
                return false;
            }
            if timeout(TRY_LIMIT, self.is_there()).await.unwrap_or_default() {
                return true;
            }
            sleep(BETWEEN_TRIES).await;
        }
        false
    }

    async fn is_there(&self) -> bool {
        let url = self.url();
        match self.kind {
            Kind::Postgres => {
                let mut database = url;
                database.set_path("/postgres");
                Db::open(&database, 1).await.is_ok()
            }
            Kind::RabbitMq => match bus::open(&url).await {
                Ok(bus) => bus.ping().await.is_ok(),
                Err(_) => false,
            },
            Kind::Redis => cache::open(&url).await.is_ok(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn launch(kind: Kind, folder: &Path, port: u16, password: &str) -> Child {
    let name = match kind {
        Kind::Postgres => "postgres",
        Kind::Redis => "redis",
        Kind::RabbitMq => "rabbitmq",
    };
    let log = std::fs::File::create(folder.join("log")).expect("a file for what it says");
    let mut command = Command::new(SCRIPT);
    command.arg(name).arg(folder.join("home")).arg(port.to_string());
    command
        .env("PASSWORD", password)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle"))
        .stderr(log)
        .spawn()
        .expect("the script runs")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
