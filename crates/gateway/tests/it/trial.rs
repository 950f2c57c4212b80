//! The trial service: what it does, and what it has seen.

mod messages;
mod server;

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{Stream, StreamExt as _, stream};
use kit::{
    Fault,
    access::{Caller, Identity},
};
use proto::types::{FileChunk, FileHeader, Page, WebPage, file_chunk::Part};
use sha2::{Digest as _, Sha256};
use tonic::{Request, Response, Status, Streaming};

use self::messages::{
    EchoRequest, EchoResponse, EnterRequest, GuessRequest, ListThingsRequest, ListThingsResponse, OneText, Pass, Thing,
    Tick, UpdateThingRequest, UploadResponse,
};
pub(crate) use self::server::TrialServer;

/// What the service has seen.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) begun: AtomicU64,
    /// Calls that ended before their answer, or their stream, did.
    pub(crate) given_up: AtomicU64,
    pub(crate) uploaded: AtomicU64,
    /// Uploads that ended without their end, and those with it.
    pub(crate) uploads_broken: AtomicU64,
    pub(crate) uploads_whole: AtomicU64,
    /// While set, an upload is not read on.
    pub(crate) hold_uploads: AtomicBool,
    /// While set, guesses are not answered; how many were begun.
    pub(crate) hold_guesses: AtomicBool,
    pub(crate) guesses: AtomicU64,
    pub(crate) sent: AtomicU64,
    /// While set, the gateway's figures cannot be written.
    pub(crate) figures_break: AtomicBool,
    pub(crate) last_echo: Mutex<Option<EchoRequest>>,
    pub(crate) last_update: Mutex<Option<UpdateThingRequest>>,
    /// The passes that were shown at `Renew` and `Leave`; nothing for none.
    pub(crate) passes: Mutex<Vec<String>>,
    /// All that came beside the messages of `Enter`, `Renew` and `Leave`.
    pub(crate) beside: Mutex<String>,
}

/// Counts a call as given up unless it is told that all is done.
struct Call {
    seen: Arc<Seen>,
    done: bool,
}

impl Call {
    fn begin(seen: &Arc<Seen>) -> Self {
        seen.begun.fetch_add(1, Ordering::SeqCst);
        Self {
            seen: seen.clone(),
            done: false,
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.done {
            self.seen.given_up.fetch_add(1, Ordering::SeqCst);
        }
    }
}

type Chunks = Pin<Box<dyn Stream<Item = Result<FileChunk, Status>> + Send>>;
type Ticks = Pin<Box<dyn Stream<Item = Result<Tick, Status>> + Send>>;

#[derive(Clone)]
pub(crate) struct Trial {
    seen: Arc<Seen>,
}

impl Trial {
    pub(crate) fn new(seen: Arc<Seen>) -> Self {
        Self { seen }
    }

    fn form(request: &Request<OneText>) -> Result<Response<WebPage>, Status> {
        match request.get_ref().text.as_str() {
            "used" => Err(Fault::conflict("FORM_USED", "This <form> was sent already").into()),
            name => Ok(Response::new(WebPage {
                html: format!("<form method=\"post\">{name}</form>"),
            })),
        }
    }

    fn sent(request: &Request<GuessRequest>) -> Response<WebPage> {
        let GuessRequest { name, word } = request.get_ref();
        Response::new(WebPage {
            html: format!("<p>{name}: {word}</p>"),
        })
    }

    /// A drawing that holds nothing but the form that was asked for.
    pub(super) fn draw(request: &Request<OneText>) -> Response<Chunks> {
        let header = FileHeader {
            file_name: "drawing".to_owned(),
            ..FileHeader::default()
        };
        let form = request.get_ref().text.clone().into_bytes();
        let parts = [Part::Header(header), Part::Data(form)];
        Response::new(Box::pin(stream::iter(parts.map(|part| Ok(chunk(part))))))
    }

    fn echo<T>(request: &Request<T>, text: String) -> Result<Response<EchoResponse>, Status> {
        let caller = Caller::of(request)?;
        let user = match caller.identity {
            Identity::Nobody => "nobody".to_owned(),
            Identity::User { role, .. } => kit::access::role_name(role),
            Identity::Service { name } => name,
        };
        Ok(Response::new(EchoResponse {
            text,
            request_id: caller.request_id,
            ip: caller.ip.unwrap_or_default(),
            user_agent: caller.user_agent.unwrap_or_default(),
            user,
            idempotency_key: caller.idempotency_key.unwrap_or_default(),
            traceparent: caller.traceparent.unwrap_or_default(),
        }))
    }

    async fn fail(self, request: Request<OneText>) -> Result<Response<EchoResponse>, Status> {
        let mut call = Call::begin(&self.seen);
        match request.get_ref().text.as_str() {
            "slow" => std::future::pending().await,
            "panic" => panic!("the service panics"),
            "refuses" => {
                call.done = true;
                let fault = Fault::refused("LOCATION_MISMATCH", "You are too far away");
                Err(fault.detail("distance_meters", 5.5).into())
            }
            "unavailable" => Err(Fault::unavailable("Later, please").into()),
            _ => Err(Status::unknown("connection to 10.0.0.3 refused, password=hunter2")),
        }
    }

    fn export(&self, request: &Request<OneText>) -> Result<Response<Chunks>, Status> {
        let how = request.get_ref().text.as_str();
        let header = |size| {
            chunk(Part::Header(FileHeader {
                file_name: "things/é.csv".to_owned(),
                content_type: String::new(),
                size,
                ..FileHeader::default()
            }))
        };
        let row = || chunk(Part::Data(b"a,b\r\n".to_vec()));
        let mut call = Call::begin(&self.seen);
        let pieces: Chunks = match how {
            "early" => return Err(Fault::not_found("This thing").into()),
            "headless" => stream::iter([row()]).map(Ok).boxed(),
            "unsized" => stream::iter([header(None), row(), chunk(Part::Data(Vec::new())), row()])
                .map(Ok)
                .boxed(),
            "short" => stream::iter([header(Some(11)), row(), row()]).map(Ok).boxed(),
            "long" => stream::iter([header(Some(9)), row(), row()]).map(Ok).boxed(),
            "dies" => stream::iter([Ok(header(None)), Ok(row()), Err(Status::internal("the disk is gone"))]).boxed(),
            "endless" => {
                let seen = self.seen.clone();
                let rows = stream::repeat_with(move || {
                    let _ = &call;
                    seen.sent.fetch_add(65_536, Ordering::SeqCst);
                    chunk(Part::Data(vec![b'x'; 65_536]))
                });
                return Ok(Response::new(stream::iter([header(None)]).chain(rows).map(Ok).boxed()));
            }
            _ => stream::iter([header(Some(10)), row(), row()]).map(Ok).boxed(),
        };
        call.done = true;
        Ok(Response::new(pieces))
    }

    fn watch(&self, request: &Request<OneText>) -> Result<Response<Ticks>, Status> {
        let mut call = Call::begin(&self.seen);
        let tick = |number: u32| {
            Ok(Tick {
                number,
                filling: String::new(),
            })
        };
        let ticks: Ticks = match request.get_ref().text.as_str() {
            "refuses" => return Err(Fault::not_found("This session").into()),
            "three" => {
                call.done = true;
                stream::iter((1..=3).map(tick)).boxed()
            }
            "dies" => {
                call.done = true;
                let fault = Fault::conflict("SESSION_CLOSED", "The session is closed");
                stream::iter([tick(1), Err(fault.into())]).boxed()
            }
            "flood" => {
                let seen = self.seen.clone();
                stream::iter(1..)
                    .map(move |number| {
                        let _ = &call;
                        seen.sent.fetch_add(1, Ordering::SeqCst);
                        Ok(Tick {
                            number,
                            filling: "x".repeat(16 * 1024),
                        })
                    })
                    .boxed()
            }
            _ => {
                let ticks = stream::unfold((1, call), move |(number, call)| async move {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    Some((
                        Ok(Tick {
                            number,
                            filling: String::new(),
                        }),
                        (number + 1, call),
                    ))
                });
                ticks.boxed()
            }
        };
        Ok(Response::new(ticks))
    }

    async fn upload(self, request: Request<Streaming<FileChunk>>) -> Result<Response<UploadResponse>, Status> {
        let idempotency_key = Caller::of(&request)?.idempotency_key.unwrap_or_default();
        let mut pieces = request.into_inner();
        let Some(FileChunk {
            part: Some(Part::Header(header)),
        }) = pieces.message().await?
        else {
            return Err(Fault::invalid("file", "has no header").into());
        };
        let field = |name: &str| header.fields.get(name).cloned().unwrap_or_default();
        if field("note") == "refuse" {
            return Err(Fault::refused("NOT_NOW", "Not now").into());
        }
        let (mut digest, mut bytes) = (Sha256::new(), 0);
        let whole = loop {
            while self.seen.hold_uploads.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            match pieces.message().await {
                Ok(Some(FileChunk {
                    part: Some(Part::Data(data)),
                })) => {
                    assert!(data.len() <= 64 * 1024);
                    digest.update(&data);
                    bytes += data.len() as u64;
                    self.seen.uploaded.fetch_add(data.len() as u64, Ordering::SeqCst);
                }
                Ok(Some(FileChunk {
                    part: Some(Part::End(_)),
                })) => break true,
                _ => break false,
            }
        };
        if !whole {
            self.seen.uploads_broken.fetch_add(1, Ordering::SeqCst);
            return Err(Fault::invalid("file", "broke off").into());
        }
        self.seen.uploads_whole.fetch_add(1, Ordering::SeqCst);
        Ok(Response::new(UploadResponse {
            bytes,
            digest: hex::encode(digest.finalize()),
            id: field("id"),
            doc_type: field("doc_type"),
            note: field("note"),
            from: field("from"),
            idempotency_key,
            file_name: header.file_name,
            content_type: header.content_type,
        }))
    }

    fn list(request: &Request<ListThingsRequest>) -> ListThingsResponse {
        let thing = Thing {
            id: "1".to_owned(),
            name: request.get_ref().search.clone().unwrap_or_default(),
        };
        let current_page = request.get_ref().page.unwrap_or(1);
        let page = Page {
            current_page,
            per_page: 20,
            total_pages: 1,
            total_items: 1,
        };
        ListThingsResponse {
            things: vec![thing],
            page: Some(page),
        }
    }

    async fn guess(self, request: Request<GuessRequest>) -> Result<Response<EchoResponse>, Status> {
        self.seen.guesses.fetch_add(1, Ordering::SeqCst);
        while self.seen.hold_guesses.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        match request.get_ref().word.as_str() {
            "open" => Self::echo(&request, "open".to_owned()),
            "broken" => Err(Fault::unavailable("Later, please").into()),
            _ => Err(Fault::unauthenticated("Wrong").into()),
        }
    }
}

/// The rpcs with a pass. `Renew` knows every pass that begins with `good`; one more letter makes the next one.
impl Trial {
    fn note_pass<T>(&self, request: &Request<T>, pass: &str) {
        let metadata = format!("{:?}\n", request.metadata());
        self.seen.beside.lock().unwrap().push_str(&metadata);
        self.seen.passes.lock().unwrap().push(pass.to_owned());
    }

    fn enter(&self, request: &Request<EnterRequest>) -> Response<Pass> {
        self.note_pass(request, "");
        let name = request.get_ref().name.clone();
        let pass = match name.as_str() {
            "nobody" => None,
            "odd" => Some("a b;c".to_owned()),
            _ => Some("good".to_owned()),
        };
        Response::new(Pass { pass, name })
    }

    fn renew(&self, request: &Request<OneText>) -> Result<Response<Pass>, Status> {
        let pass = &request.get_ref().text;
        self.note_pass(request, pass);
        if pass == "broken" {
            return Err(Fault::unavailable("Later, please").into());
        }
        if !pass.starts_with("good") {
            return Err(Fault::unauthenticated("Nobody knows this pass").into());
        }
        Ok(Response::new(Pass {
            pass: Some(format!("{pass}x")),
            name: String::new(),
        }))
    }

    fn leave(&self, request: &Request<Pass>) -> Result<Response<EchoResponse>, Status> {
        let pass = request.get_ref().pass.clone().unwrap_or_default();
        self.note_pass(request, &pass);
        if pass == "stuck" {
            return Err(Fault::conflict("STUCK", "Not now").into());
        }
        Self::echo(request, pass)
    }
}

fn chunk(part: Part) -> FileChunk {
    FileChunk { part: Some(part) }
}
