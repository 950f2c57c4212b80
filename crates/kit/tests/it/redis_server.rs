//! A Redis server of a test's own, to kill, stop and start again.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use url::Url;

const START_LIMIT: Duration = Duration::from_secs(10);

pub(crate) struct RedisServer {
    process: Child,
    folder: TempDir,
    port: u16,
    password: Option<&'static str>,
}

impl RedisServer {
    /// `None`, and a line that says so, where the machine has no redis-server.
    pub(crate) async fn start(password: Option<&'static str>) -> Option<Self> {
        if Command::new("redis-server").arg("--version").output().is_err() {
            eprintln!("skipped: there is no redis-server on this machine");
            return None;
        }
        for _ in 0..5 {
            let folder = TempDir::new().expect("a temporary folder");
            let port = free_port();
            let process = launch(port, password, &folder);
            let mut server = Self {
                process,
                folder,
                port,
                password,
            };
            // Else somebody took the port in between.
            if server.answers().await {
                return Some(server);
            }
        }
        panic!("redis-server does not start");
    }

    pub(crate) fn url(&self) -> Url {
        let login = self
            .password
            .map_or_else(String::new, |password| format!(":{password}@"));
        let url = format!("redis://{login}127.0.0.1:{}/0", self.port);
        url.parse().expect("a URL")
    }

    /// Dead at once, with all that it knew.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// On the same port, empty.
    pub(crate) async fn start_again(&mut self) {
        self.kill();
        self.process = launch(self.port, self.password, &self.folder);
        assert!(self.answers().await, "redis-server does not start again");
    }

    /// Keeps its connections and answers nothing.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().expect("kill runs");
        assert!(sent.success());
    }

    async fn answers(&mut self) -> bool {
        let started = Instant::now();
        while started.elapsed() < START_LIMIT {
            if self.process.try_wait().expect("a process").is_some() {
                return false;
            }
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn launch(port: u16, password: Option<&str>, folder: &TempDir) -> Child {
    let mut command = Command::new("redis-server");
    command.args([
        "--port",
        &port.to_string(),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
    ]);
    command.arg("--dir").arg(folder.path());
    if let Some(password) = password {
        command.args(["--requirepass", password]);
    }
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server starts")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
