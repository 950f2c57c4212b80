//! The binary as an operator runs it.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use kit::testing::TestStores;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// Nothing here takes longer, also on a slow machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often a busy machine is asked again.
const MOST_TRIES: u32 = 20;

/// `hostelpulse` with arguments, in an environment that holds nothing of ours.
pub(crate) fn hostelpulse(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hostelpulse"));
    command.args(arguments).env_clear().current_dir(std::env::temp_dir());
    command
}

/// A running `hostelpulse up`.
pub(crate) struct Running {
    child: Child,
    pub ready: String,
    url: String,
    client: Client,
}

/// An answer as a client sees it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Answer {
    pub(crate) fn data(&self) -> &Value {
        &self.body["data"]
    }
}

impl Running {
    /// Starts the demo on these stores and waits for the line that says it is ready.
    pub(crate) fn demo(stores: &TestStores) -> Self {
        Self::up(stores, &["--demo"], &[])
    }

    pub(crate) fn up(stores: &TestStores, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let up = ["up", "--listen", "127.0.0.1:0"];
        Self::start(stores, &[&up, arguments].concat(), environment)
    }

    /// Starts a command that serves, on these stores, and waits for the line that says it is ready.
    pub(crate) fn start(stores: &TestStores, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::start_on(on(stores), arguments, environment)
    }

    /// The same with the flags that name the stores.
    pub(crate) fn start_on(flags: Vec<String>, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = hostelpulse(arguments);
        command.args(flags);
        // A cheap hash: these tests are about everything else.
        command
            .env("HOSTELPULSE_AUTH__BCRYPT_COST", "4")
            .envs(environment.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut ready)
            .unwrap();
        assert!(ready.starts_with("HostelPulse is ready: "), "{ready:?}");
        let url = ready.split_whitespace().nth(3).unwrap().to_owned();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self {
            child,
            ready,
            url,
            client,
        }
    }

    pub(crate) async fn call(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        let mut request = self.request(method, path);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        assert!(response.headers().contains_key("x-request-id"));
        let status = response.status();
        let text = response.text().await.unwrap();
        Answer {
            status,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        }
    }

    /// Posts something under a key: it is done once, however often a busy machine says that it is to be asked again.
    pub(crate) async fn insist(&self, path: &str, token: &str, body: &Value, key: &str) -> Answer {
        let mut tries = 0;
        loop {
            let request = self.request(Method::POST, path).bearer_auth(token).json(body);
            let response = request.header("idempotency-key", key).send().await.unwrap();
            let answer = Answer {
                status: response.status(),
                body: response.json().await.unwrap(),
            };
            tries += 1;
            if answer.status != StatusCode::SERVICE_UNAVAILABLE || tries == MOST_TRIES {
                return answer;
            }
        }
    }

    /// A request as a browser or a forger would make it.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.call(Method::GET, path, Some(token), None).await
    }

    /// Signs in; the access token.
    pub(crate) async fn login(&self, identifier: &str) -> String {
        let body = json!({ "identifier": identifier, "password": "Demo@1234" });
        let answer = self.call(Method::POST, "/api/v1/auth/login", None, Some(body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.data()["access_token"].as_str().unwrap().to_owned()
    }

    /// Asks again until the answer is as wanted: what follows from an event comes a moment later.
    pub(crate) async fn eventually(&self, path: &str, token: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(path, token).await;
            if wanted(&answer) {
                return answer;
            }
            assert!(Instant::now() < end, "not as wanted within {PATIENCE:?}: {answer:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Dies without a word, as when the power goes.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Is told to stop, and how that went.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that failed half-way leaves no process behind; one that ended is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The flags by which a command uses these stores.
pub(crate) fn on(stores: &TestStores) -> Vec<String> {
    let base = stores.config().base;
    let urls = [
        ("--database-url", base.database_url),
        ("--cache-url", base.cache_url),
        ("--bus-url", base.bus_url),
    ];
    let urls = urls
        .into_iter()
        .filter_map(|(flag, url)| Some([flag.to_owned(), url?.to_string()]));
    let data = ["--data".to_owned(), base.data.display().to_string()];
    urls.flatten().chain(data).collect()
}

/// Runs a command that is to go well; what it prints.
pub(crate) fn done(mut command: Command, input: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that is to fail; what it says.
pub(crate) fn refused(mut command: Command) -> String {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let end = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > end {
            child.kill().unwrap();
            panic!("still running after {PATIENCE:?}");
        }
        std::thread::yield_now();
    };
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!status.success(), "{said}");
    said.lines().last().unwrap_or_default().to_owned()
}

/// What lies in a folder, however deep.
pub(crate) fn files_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        found.push(entry.path().display().to_string());
        found.extend(files_in(&entry.path()));
    }
    found
}
