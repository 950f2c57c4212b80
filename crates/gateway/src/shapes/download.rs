//! A file out: what is known of it first, then its bytes as they come. A file that breaks off never looks complete.

use std::{io, time::Duration};

use actix_web::{
    HttpResponse,
    body::{BodyStream, SizedStream},
    http::header::{self, HeaderValue},
    web::Payload,
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use kit::{Fault, files::attachment};
use prost::Message as _;
use proto::types::{FileChunk, FileHeader, file_chunk::Part};
use tonic::Streaming;

use super::message;
use crate::{call, refusal::Refusal, routes::Input, visit::Visit};

pub(super) async fn serve(
    visit: &mut Visit<'_>,
    input: &Input,
    media_type: &str,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    let message = message(visit, input, Some(payload)).await?;
    let metadata = visit.metadata()?;
    let deadlines = &visit.face.config.deadlines;
    let upstream = visit.route.rpc.server_stream(message, metadata, deadlines.call()).await;
    let mut file = File {
        upstream: upstream.map_err(|fault| visit.refused(fault))?,
        idle: deadlines.idle(),
        sent: 0,
        size: None,
    };
    let head = file
        .header(deadlines.call())
        .await
        .map_err(|fault| visit.refused(fault))?;
    let kind = if head.content_type.is_empty() {
        media_type
    } else {
        &head.content_type
    };
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((
            header::CONTENT_TYPE,
            HeaderValue::from_str(kind).map_err(Fault::internal)?,
        ))
        .insert_header((
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&attachment(&head.file_name)).map_err(Fault::internal)?,
        ));
    file.size = head.size;
    Ok(match head.size {
        Some(size) => answer.body(SizedStream::new(size, Box::pin(bytes(file)))),
        None => answer.body(BodyStream::new(Box::pin(bytes(file)))),
    })
}

struct File {
    upstream: Streaming<Bytes>,
    /// How long the service may give nothing.
    idle: Duration,
    sent: u64,
    size: Option<u64>,
}

impl File {
    async fn header(&mut self, limit: Duration) -> Result<FileHeader, Fault> {
        let first = tokio::time::timeout(limit, self.upstream.message());
        let first = first.await.map_err(|_| Fault::deadline_exceeded())?;
        let first = first.map_err(|status| call::fault(&status))?;
        match first.map(FileChunk::decode) {
            Some(Ok(FileChunk {
                part: Some(Part::Header(head)),
            })) => Ok(head),
            _ => Err(Fault::internal("a download began without its header")),
        }
    }

    /// The next bytes; `None` at the end of the whole file.
    async fn next(&mut self) -> Result<Option<Bytes>, io::Error> {
        let next = tokio::time::timeout(self.idle, self.upstream.message());
        let next = next.await.map_err(|_| broke("the service gave nothing for too long"))?;
        let Some(wire) = next.map_err(|status| broke(status.message()))? else {
            let whole = self.size.is_none_or(|size| size == self.sent);
            return if whole {
                Ok(None)
            } else {
                Err(broke("the file is shorter than was said"))
            };
        };
        match FileChunk::decode(wire) {
            Ok(FileChunk {
                part: Some(Part::Data(data)),
            }) => {
                self.sent += data.len() as u64;
                if self.size.is_some_and(|size| self.sent > size) {
                    return Err(broke("the file is longer than was said"));
                }
                Ok(Some(data.into()))
            }
            _ => Err(broke("a piece of the file holds no data")),
        }
    }
}

/// An error in the body cuts the connection: the status is long sent, and an ordinary end would pass for the file's.
fn broke(why: &str) -> io::Error {
    tracing::warn!(why, "a download broke off");
    io::Error::other("the download broke off")
}

fn bytes(file: File) -> impl Stream<Item = Result<Bytes, io::Error>> {
    stream::try_unfold(file, |mut file| async move {
        loop {
            match file.next().await? {
                // An empty piece would pass for the end of a chunked body.
                Some(data) if data.is_empty() => {}
                Some(data) => return Ok(Some((data, file))),
                None => return Ok(None),
            }
        }
    })
}
