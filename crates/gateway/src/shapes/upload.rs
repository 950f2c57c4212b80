//! A file in: a multipart form, streamed on as it arrives and never held whole.

use std::{rc::Rc, time::Duration};

use actix_multipart::{Field, Multipart};
use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderMap},
    },
    web::Payload,
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use kit::Fault;
use prost::Message as _;
use proto::{
    options::FormField,
    types::{FileChunk, FileHeader, Nothing, file_chunk::Part},
};
use serde_json::Map;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::json;
use crate::{
    body::{self, Cut, Pace, Paced},
    envelope::Success,
    form::{self, Fields, LONGEST_VALUE},
    refusal::Refusal,
    visit::Visit,
};

/// Largest piece of a file in one message.
const PIECE: usize = 64 * 1024;
/// How much of a file is held back, so that fields of the form may stand after a small one.
const HELD_BACK: usize = 64 * 1024;
/// Messages on their way to the service. The client waits when they are this many.
const IN_FLIGHT: usize = 4;
/// What the form may be beside its file.
const FORM_ROOM: u64 = 128 * 1024;
const LONGEST_FILE_NAME: usize = 255;

pub(super) async fn serve(
    visit: &mut Visit<'_>,
    declared: &[FormField],
    success: &Success,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    let config = &visit.face.config;
    let headers = visit.request.headers();
    if !is_form(headers) {
        return Err(Refusal::unsupported_media_type("multipart/form-data"));
    }
    let (largest, whole) = (config.sizes.upload, config.sizes.upload + FORM_ROOM);
    if body::announced_length(headers).is_some_and(|length| length > whole) {
        return Err(too_large(largest));
    }
    let route = visit.route;
    let when = route.when.as_ref().map(|(name, _)| name.as_str());
    let fields = Fields::before_the_body(declared, std::mem::take(&mut visit.path), &visit.query, when)?;
    visit.spend_read(&Map::new()).await?;
    let paced = Paced::new(payload, whole, config.deadlines.idle());
    let mut arriving = Arriving {
        pace: paced.pace(),
        multipart: Multipart::new(headers, paced),
        fields,
        largest,
        received: 0,
    };
    let beginning = arriving.begin().await?;
    let limit = Duration::from_secs(config.deadlines.upload_seconds);
    let answer = arriving.send_on(visit, beginning, limit).await?;
    let body = success
        .write(&answer, visit.face.clock.now())
        .map_err(Fault::internal)?;
    let status = if visit.route.creates {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(json(status, body))
}

fn is_form(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = declared.and_then(|text| text.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("multipart/form-data"))
}

fn too_large(largest: u64) -> Refusal {
    Refusal::too_large("The file", largest)
}

/// A form on its way in.
struct Arriving<'a> {
    multipart: Multipart,
    pace: Rc<Pace>,
    /// Path and query, and what came of the form.
    fields: Fields<'a>,
    largest: u64,
    received: u64,
}

/// A form up to the first bytes of its file.
struct Beginning {
    header: FileHeader,
    held: Bytes,
    /// The file where it is not over yet.
    rest: Option<Field>,
}

impl Arriving<'_> {
    /// Reads all fields before the file, and those after it where the file is small.
    async fn begin(&mut self) -> Result<Beginning, Refusal> {
        let mut file = loop {
            match self.next_field().await? {
                Some(field) if field.name() == Some("file") => break field,
                Some(field) => self.keep(field).await?,
                None => return Err(Refusal::invalid("file", "is needed")),
            }
        };
        let (file_name, content_type) = description(&file);
        let mut held = BytesMut::new();
        let mut over = false;
        while held.len() < HELD_BACK && !over {
            match self.next_bytes(&mut file).await? {
                Some(bytes) => held.extend_from_slice(&bytes),
                None => over = true,
            }
        }
        let rest = if over {
            drop(file);
            while let Some(field) = self.next_field().await? {
                self.keep(field).await?;
            }
            None
        } else {
            Some(file)
        };
        let fields = self.fields.complete()?;
        let header = FileHeader {
            file_name,
            content_type,
            size: None,
            fields,
        };
        Ok(Beginning {
            header,
            held: held.freeze(),
            rest,
        })
    }

    /// Sends the file to the service while it arrives, and waits for the answer.
    async fn send_on(
        &mut self,
        visit: &mut Visit<'_>,
        beginning: Beginning,
        limit: Duration,
    ) -> Result<Bytes, Refusal> {
        let (sender, receiver) = mpsc::channel(IN_FLIGHT);
        let metadata = visit.metadata()?;
        let call = visit
            .route
            .rpc
            .client_stream(ReceiverStream::new(receiver), metadata, limit);
        let feed = self.feed(beginning, sender);
        tokio::pin!(call);
        tokio::pin!(feed);
        let answer = tokio::select! {
            biased;
            // A service may refuse before it has heard the end.
            answer = &mut call => answer,
            sent = &mut feed => {
                sent?;
                call.await
            }
        };
        answer.map_err(|fault| visit.refused(fault))
    }

    async fn feed(&mut self, beginning: Beginning, sender: mpsc::Sender<Bytes>) -> Result<(), Refusal> {
        send(&sender, Part::Header(beginning.header)).await;
        send_data(&sender, beginning.held).await;
        if let Some(mut file) = beginning.rest {
            while let Some(bytes) = self.next_bytes(&mut file).await? {
                send_data(&sender, bytes).await;
            }
            drop(file);
            if let Some(late) = self.next_field().await? {
                let name = late.name().unwrap_or("file");
                return Err(Refusal::invalid(name, "must stand before a large file"));
            }
        }
        // Without this the service takes what it has for broken off, whichever way the stream ends.
        send(&sender, Part::End(Nothing {})).await;
        Ok(())
    }

    async fn next_field(&mut self) -> Result<Option<Field>, Refusal> {
        self.pace.resume();
        match self.multipart.next().await {
            None => Ok(None),
            Some(Ok(field)) => Ok(Some(field)),
            Some(Err(error)) => Err(self.broken(&error)),
        }
    }

    async fn next_bytes(&mut self, file: &mut Field) -> Result<Option<Bytes>, Refusal> {
        self.pace.resume();
        let bytes = match file.next().await {
            None => return Ok(None),
            Some(Ok(bytes)) => bytes,
            Some(Err(error)) => return Err(self.broken(&error)),
        };
        self.received += bytes.len() as u64;
        if self.received > self.largest {
            return Err(too_large(self.largest));
        }
        Ok(Some(bytes))
    }

    /// Keeps a field beside the file, if the rpc knows it.
    async fn keep(&mut self, mut field: Field) -> Result<(), Refusal> {
        let name = field.name().unwrap_or_default().to_owned();
        let refused = |why: String| Refusal::invalid(&name, why);
        self.fields.belongs_in_form(&name).map_err(refused)?;
        let Ok(bytes) = field.bytes(LONGEST_VALUE).await else {
            return Err(refused(form::too_long()));
        };
        let bytes = bytes.map_err(|error| self.broken(&error))?;
        let Ok(text) = String::from_utf8(bytes.into()) else {
            return Err(refused("must be UTF-8".to_owned()));
        };
        self.fields.keep_of_form(&name, text).map_err(refused)
    }

    fn broken(&self, error: &actix_multipart::MultipartError) -> Refusal {
        match self.pace.cut() {
            Some(Cut::TooLarge) => too_large(self.largest),
            Some(Cut::TooSlow) => Refusal::too_slow(),
            None => Refusal::invalid("body", format!("is no well-formed form: {error}")),
        }
    }
}

/// The file's name without folders and control characters, and its type, both as the client declares them.
fn description(file: &Field) -> (String, String) {
    let disposition = file.content_disposition();
    let declared = disposition.and_then(|disposition| {
        let exact = disposition
            .get_filename_ext()
            .and_then(|name| String::from_utf8(name.value.clone()).ok());
        exact.or_else(|| disposition.get_filename().map(str::to_owned))
    });
    let declared = declared.unwrap_or_default();
    let name = declared.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name
        .chars()
        .filter(|character| !character.is_control())
        .take(LONGEST_FILE_NAME)
        .collect();
    let kind = file
        .content_type()
        .map_or_else(|| "application/octet-stream".to_owned(), ToString::to_string);
    (name, kind)
}

async fn send_data(sender: &mpsc::Sender<Bytes>, mut data: Bytes) {
    while !data.is_empty() {
        let piece = data.split_to(data.len().min(PIECE));
        send(sender, Part::Data(piece.into())).await;
    }
}

async fn send(sender: &mpsc::Sender<Bytes>, part: Part) {
    let message = FileChunk { part: Some(part) }.encode_to_vec();
    if sender.send(message.into()).await.is_err() {
        // The call is over; its answer is what counts, and it is being waited for beside this.
        std::future::pending::<()>().await;
    }
}
