//! The product's own binary as a process of its own, so that its memory is its own too. It stands beside this one.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    process::{Child, ChildStdout, Command},
};

use crate::{load::read_answer, product::PASSWORD, usage};

const ADMIN: &str = "admin@bench.example";
const START_LIMIT: Duration = Duration::from_mins(1);
const ANSWER_LIMIT: Duration = Duration::from_mins(5);
/// What is written at once.
const PIECE: usize = 64 * 1024;
const BOUNDARY: &str = "----bench-7d1c0e52";

pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    /// Where it says what it has to say; closed it could not.
    _said: BufReader<ChildStdout>,
    _folder: tempfile::TempDir,
}

/// A file, and the fields that go with it.
pub(crate) struct Form<'a> {
    pub fields: &'a [(&'a str, &'a str)],
    pub file_name: &'a str,
    pub content: &'a [u8],
}

impl Server {
    /// On empty embedded stores, with an administrator.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let binary = std::env::current_exe()?.with_file_name("hostelpulse");
        let mut child = Command::new(&binary)
            .args(["up", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path())
            .env("HOSTELPULSE_LOG", "warn")
            .env("HOSTELPULSE_LIMITS__ENABLED", "false")
            .env("HOSTELPULSE_ADMIN_EMAIL", ADMIN)
            .env("HOSTELPULSE_ADMIN_PASSWORD", PASSWORD)
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be run; `make build` makes it", binary.display()))?;
        let said = child.stdout.take().context("the binary has no output")?;
        let (mut said, mut ready) = (BufReader::new(said), String::new());
        tokio::time::timeout(START_LIMIT, said.read_line(&mut ready)).await??;
        let url = ready.split_whitespace().find_map(|word| word.strip_prefix("http://"));
        let address = url.with_context(|| format!("it is not ready: {ready:?}"))?.parse()?;
        Ok(Self {
            child,
            address,
            _said: said,
            _folder: folder,
        })
    }

    /// The administrator's access token.
    pub(crate) async fn sign_in(&self) -> anyhow::Result<String> {
        let answer = self
            .post(
                "/api/v1/auth/login",
                "",
                &json!({"identifier": ADMIN, "password": PASSWORD}),
            )
            .await?;
        let token = answer["access_token"].as_str().context("no access token")?;
        Ok(token.to_owned())
    }

    /// Sends JSON; what the answer holds.
    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> anyhow::Result<Value> {
        let body = body.to_string();
        self.ask("POST", path, token, "application/json", &[body.as_bytes()])
            .await
    }

    /// Uploads a file; what the answer holds.
    pub(crate) async fn upload(&self, path: &str, token: &str, form: &Form<'_>) -> anyhow::Result<Value> {
        let mut head = String::new();
        for (name, value) in form.fields {
            let part = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            head += &part;
        }
        let file = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
             content-type: application/octet-stream\r\n\r\n",
            form.file_name
        );
        head += &file;
        let tail = format!("\r\n--{BOUNDARY}--\r\n");
        let media_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let body = [head.as_bytes(), form.content, tail.as_bytes()];
        self.ask("POST", path, token, &media_type, &body).await
    }

    /// Fetches a file and throws it away; how long it was.
    pub(crate) async fn download(&self, path: &str, token: &str) -> anyhow::Result<u64> {
        let mut stream = self.send("GET", path, token, "text/plain", &[]).await?;
        let (mut head, mut piece, mut received) = (Vec::new(), vec![0; PIECE], 0);
        let end = loop {
            anyhow::ensure!(
                stream.read_buf(&mut head).await? > 0,
                "the server closed the connection"
            );
            if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let text = String::from_utf8_lossy(&head[..end]);
        anyhow::ensure!(text.starts_with("HTTP/1.1 200"), "{path}: {text}");
        received += (head.len() - end) as u64;
        // The server closes the connection behind the file, as it was asked to.
        loop {
            let length = tokio::time::timeout(ANSWER_LIMIT, stream.read(&mut piece)).await??;
            if length == 0 {
                return Ok(received);
            }
            received += length as u64;
        }
    }

    /// The most memory that the process has held so far, in MiB.
    pub(crate) fn peak_memory(&self) -> anyhow::Result<f64> {
        usage::peak_memory(self.child.id().context("the binary has ended")?)
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        token: &str,
        media_type: &str,
        body: &[&[u8]],
    ) -> anyhow::Result<Value> {
        let mut stream = self.send(method, path, token, media_type, body).await?;
        let mut buffer = Vec::new();
        let status = tokio::time::timeout(ANSWER_LIMIT, read_answer(&mut stream, &mut buffer)).await??;
        let text = String::from_utf8_lossy(&buffer);
        anyhow::ensure!((200..300).contains(&status), "{method} {path}: {text}");
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        let mut envelope: Value = serde_json::from_str(body)?;
        Ok(envelope["data"].take())
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        token: &str,
        media_type: &str,
        body: &[&[u8]],
    ) -> anyhow::Result<TcpStream> {
        let mut stream = TcpStream::connect(self.address).await?;
        let length: usize = body.iter().map(|part| part.len()).sum();
        let authorization = if token.is_empty() {
            String::new()
        } else {
            format!("authorization: Bearer {token}\r\n")
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{authorization}content-type: {media_type}\r\n\
             content-length: {length}\r\n\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).await?;
        for piece in body.iter().flat_map(|part| part.chunks(PIECE)) {
            tokio::time::timeout(ANSWER_LIMIT, stream.write_all(piece)).await??;
        }
        Ok(stream)
    }
}
