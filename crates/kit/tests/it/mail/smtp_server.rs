//! A mail server that speaks as much SMTP as it takes to receive a letter, and misbehaves when told to.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};

pub(super) const PASSWORD: &str = "p@ss/w\u{f6}rd";
/// The same, as it stands in a URL.
const PASSWORD_IN_URL: &str = "p%40ss%2Fw%C3%B6rd";

/// What the server does otherwise than it should.
#[derive(Clone, Debug, Default)]
pub(super) struct Manners {
    /// Says nothing more from this command on; `""` is the greeting.
    pub silent_at: Option<&'static str>,
    /// Answers this command so.
    pub answers: Option<(&'static str, &'static str)>,
    /// Offers STARTTLS, and cuts the connection when it is taken up.
    pub offers_broken_tls: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Received {
    pub from: String,
    pub to: Vec<String>,
    pub data: String,
}

#[derive(Clone, Default)]
struct Desk {
    manners: Arc<Mutex<Manners>>,
    letters: Arc<Mutex<Vec<Received>>>,
    commands: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

pub(super) struct SmtpServer {
    address: SocketAddr,
    desk: Desk,
    accepting: JoinHandle<()>,
}

impl SmtpServer {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Desk::default();
        let accepting = tokio::spawn(accept(listener, desk.clone()));
        Self {
            address,
            desk,
            accepting,
        }
    }

    pub(super) fn url(&self, parameters: &str) -> String {
        format!("smtp://desk:{PASSWORD_IN_URL}@{}?{parameters}", self.address)
    }

    pub(super) fn behave(&self, manners: Manners) {
        *self.desk.manners.lock().unwrap() = manners;
    }

    pub(super) fn letters(&self) -> Vec<Received> {
        self.desk.letters.lock().unwrap().clone()
    }

    /// The commands so far, each by its first word.
    pub(super) fn commands(&self) -> Vec<String> {
        self.desk.commands.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.desk.connections.load(Ordering::SeqCst)
    }

    /// Cuts every connection and listens no more.
    pub(super) async fn stop(&mut self) {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
    }

    /// Listens again where it did before.
    pub(super) async fn start_again(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.accepting = tokio::spawn(accept(listener, self.desk.clone()));
    }
}

/// The conversations end with this task: a set of tasks stops them when it is dropped.
async fn accept(listener: TcpListener, desk: Desk) {
    let mut conversations = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        desk.connections.fetch_add(1, Ordering::SeqCst);
        conversations.spawn(Conversation::new(stream, desk.clone()).hold());
    }
}

struct Conversation {
    lines: Lines<BufReader<OwnedReadHalf>>,
    out: OwnedWriteHalf,
    desk: Desk,
    from: String,
    to: Vec<String>,
}

impl Conversation {
    fn new(stream: TcpStream, desk: Desk) -> Self {
        let (input, out) = stream.into_split();
        Self {
            lines: BufReader::new(input).lines(),
            out,
            desk,
            from: String::new(),
            to: Vec::new(),
        }
    }

    async fn hold(mut self) {
        self.be_silent_at("").await;
        self.say("220 test ESMTP").await;
        while let Ok(Some(line)) = self.lines.next_line().await {
            let verb = line.split([' ', ':']).next().unwrap().to_ascii_uppercase();
            self.desk.commands.lock().unwrap().push(verb.clone());
            self.be_silent_at(&verb).await;
            let manners = self.manners();
            let goes_on = match manners.answers {
                Some((command, answer)) if command == verb => {
                    self.say(answer).await;
                    true
                }
                _ => self.answer(&verb, &line, &manners).await,
            };
            if !goes_on {
                break;
            }
        }
    }

    /// Answers as a server should; `false` ends the conversation.
    async fn answer(&mut self, verb: &str, line: &str, manners: &Manners) -> bool {
        match verb {
            "EHLO" if manners.offers_broken_tls => self.say("250-test\r\n250-STARTTLS\r\n250 AUTH PLAIN").await,
            "EHLO" => self.say("250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN").await,
            "STARTTLS" => {
                self.say("220 go ahead").await;
                return false;
            }
            "AUTH" if line == credentials() => self.say("235 welcome").await,
            "AUTH" => self.say("535 5.7.8 not you, desk@example.org").await,
            "MAIL" => {
                self.from = address(line);
                self.to.clear();
                self.say("250 ok").await;
            }
            "RCPT" => {
                self.to.push(address(line));
                self.say("250 ok").await;
            }
            "DATA" => self.receive().await,
            "NOOP" => self.say("250 ok").await,
            "QUIT" => {
                self.say("221 bye").await;
                return false;
            }
            _ => self.say("502 what?").await,
        }
        true
    }

    /// Reads a letter up to its lonely dot, and takes the added dots away.
    async fn receive(&mut self) {
        self.say("354 go on").await;
        let mut data = String::new();
        while let Ok(Some(line)) = self.lines.next_line().await {
            if line == "." {
                self.be_silent_at(".").await;
                let (from, to) = (self.from.clone(), self.to.clone());
                self.desk.letters.lock().unwrap().push(Received { from, to, data });
                self.say("250 taken").await;
                return;
            }
            data.push_str(line.strip_prefix('.').unwrap_or(&line));
            data.push_str("\r\n");
        }
    }

    async fn say(&mut self, text: &str) {
        // The other side may have hung up.
        let _ = self.out.write_all(format!("{text}\r\n").as_bytes()).await;
    }

    async fn be_silent_at(&self, place: &str) {
        if self.manners().silent_at == Some(place) {
            std::future::pending::<()>().await;
        }
    }

    fn manners(&self) -> Manners {
        self.desk.manners.lock().unwrap().clone()
    }
}

fn credentials() -> String {
    let plain = BASE64_STANDARD.encode(format!("\0desk\0{PASSWORD}"));
    format!("AUTH PLAIN {plain}")
}

fn address(line: &str) -> String {
    let (_, rest) = line.split_once('<').unwrap();
    rest.split_once('>').unwrap().0.to_owned()
}
