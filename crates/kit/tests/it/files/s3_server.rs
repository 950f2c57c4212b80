//! An S3 server inside the test that checks signatures, behind a gate that can be shut or fall silent.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::JoinHandle,
    time::Instant,
};
use url::Url;

pub(super) const ACCESS_KEY: &str = "TESTACCESS";
pub(super) const SECRET_KEY: &str = "test-secret-9f2c";
const BUCKET: &str = "hostel";

pub(super) struct S3Server {
    pub gate: Gate,
    folder: TempDir,
}

impl S3Server {
    pub(super) async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    // A connection that the gate cut is no failure of the server.
                    let builder = auto::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self {
            gate: Gate::before(address),
            folder,
        }
    }

    pub(super) fn url(&self, more: &str) -> Url {
        let address = self.gate.address;
        let url =
            format!("s3://{BUCKET}?endpoint=http://{address}&access_key={ACCESS_KEY}&secret_key={SECRET_KEY}{more}");
        Url::parse(&url).unwrap()
    }

    /// How many files the server keeps for uploads that were begun and not finished.
    pub(super) fn unfinished_uploads(&self) -> usize {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(".upload")).count()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    /// Connections stand, and nothing passes.
    Silent,
    Shut,
}

/// A way to the server that can be closed.
pub(super) struct Gate {
    pub address: SocketAddr,
    server: SocketAddr,
    state: watch::Sender<State>,
    sent: Arc<AtomicU64>,
    received: Arc<AtomicU64>,
    /// Bytes a second that pass to the server; any number where it is 0.
    pace: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Gate {
    fn before(server: SocketAddr) -> Self {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0)));
        let address = listener.local_addr().unwrap();
        let mut gate = Self {
            address,
            server,
            state: watch::Sender::new(State::Open),
            sent: Arc::default(),
            received: Arc::default(),
            pace: Arc::default(),
            accepting: tokio::spawn(async {}),
        };
        gate.accept(listener);
        gate
    }

    fn accept(&mut self, listener: TcpListener) {
        let (server, state) = (self.server, self.state.subscribe());
        let (sent, received, pace) = (self.sent.clone(), self.received.clone(), self.pace.clone());
        self.accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let passage = pass(client, server, (sent.clone(), pace.clone()), received.clone());
                tokio::spawn(under(state.clone(), passage));
            }
        });
    }

    /// Bytes that went to the server.
    pub(super) fn sent(&self) -> impl Fn() -> u64 + Clone + Send + use<> {
        let sent = self.sent.clone();
        move || sent.load(Ordering::SeqCst)
    }

    /// Bytes that came from the server.
    pub(super) fn received(&self) -> impl Fn() -> u64 + Clone + Send + use<> {
        let received = self.received.clone();
        move || received.load(Ordering::SeqCst)
    }

    /// Lets so many bytes a second pass to the server.
    pub(super) fn slow_down(&self, pace: u64) {
        self.pace.store(pace, Ordering::SeqCst);
    }

    pub(super) fn silence(&self) {
        self.state.send_replace(State::Silent);
    }

    /// Ends a silence.
    pub(super) fn open_up(&self) {
        self.state.send_replace(State::Open);
    }

    /// Cuts every connection and listens no more.
    pub(super) async fn shut(&mut self) {
        self.state.send_replace(State::Shut);
        self.accepting.abort();
        // Ended by the abort: the listener is gone when it returns.
        let _ = (&mut self.accepting).await;
    }

    /// Listens again where it did before.
    pub(super) fn open(&mut self) {
        self.state.send_replace(State::Open);
        self.accept(listen(self.address));
    }
}

/// The system keeps little of what the gate has not taken yet: what stands still here stands still for the sender soon.
fn listen(address: SocketAddr) -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.set_recv_buffer_size(256 * 1024).unwrap();
    socket.bind(address).unwrap();
    socket.listen(128).unwrap()
}

/// Lets a connection live while the gate is open; after a silence it is cut, as a firewall would.
async fn under(mut state: watch::Receiver<State>, passage: impl Future<Output = io::Result<()>>) {
    let mut passage = std::pin::pin!(passage);
    tokio::select! {
        _ = state.wait_for(|state| *state != State::Open) => {}
        _ = &mut passage => return,
    }
    // The sockets live on in the passage that nobody polls.
    let _ = state.wait_for(|state| *state != State::Silent).await;
}

async fn pass(
    client: TcpStream,
    server: SocketAddr,
    (sent, pace): (Arc<AtomicU64>, Arc<AtomicU64>),
    received: Arc<AtomicU64>,
) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    let unhindered = AtomicU64::new(0);
    tokio::try_join!(
        pump(client_in, server_out, &sent, &pace),
        pump(server_in, client_out, &received, &unhindered)
    )?;
    Ok(())
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    count: &AtomicU64,
    pace: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let mut due = Instant::now();
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
        count.fetch_add(length as u64, Ordering::SeqCst);
        let micros = (length as u64 * 1_000_000).checked_div(pace.load(Ordering::SeqCst));
        if let Some(micros) = micros {
            // From when it was due, not from now: timers are late, and that would add up. A pause is not made up for.
            due = due.max(Instant::now() - Duration::from_millis(200)) + Duration::from_micros(micros);
            tokio::time::sleep_until(due).await;
        }
    }
}
