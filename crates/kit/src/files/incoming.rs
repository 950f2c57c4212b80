//! A file on its way in over gRPC: read piece by piece, and whole only when its end was said.
//!
//! gRPC shows a server a stream that broke off as one that ended, so nothing but the explicit end makes a file whole.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use proto::types::{FileChunk, FileHeader, file_chunk::Part};
use tonic::{Code, Status, Streaming};

use super::{Body, SENDER_LIMIT};
use crate::{Fault, fault::Kind, port::PortError};

/// How long the sender may give nothing. A little less than the stores wait for a body, so that the sender is told what
/// it did and not that a store failed.
const SILENCE: Duration = SENDER_LIMIT.saturating_sub(Duration::from_secs(1));
const FIELD: &str = "file";

/// The bytes of a file that somebody sends.
pub struct Incoming<S = Streaming<FileChunk>> {
    pieces: S,
    limit: u64,
    received: u64,
    state: State,
}

enum State {
    Arriving,
    Whole,
    Failed(Fault),
}

/// Why a body of [`Incoming::into_body`] failed, if it did.
#[derive(Clone, Default)]
pub struct Arrival(Arc<Mutex<Option<Fault>>>);

impl<S> Incoming<S>
where
    S: Stream<Item = Result<FileChunk, Status>> + Send + Unpin + 'static,
{
    /// Reads what is known of the file. It may have at most `limit` bytes.
    pub async fn begin(pieces: S, limit: u64) -> Result<(FileHeader, Self), Fault> {
        let mut incoming = Self {
            pieces,
            limit,
            received: 0,
            state: State::Arriving,
        };
        let Some(Part::Header(header)) = incoming.part().await? else {
            return Err(Fault::invalid(FIELD, "must begin with its header"));
        };
        if header.size.is_some_and(|size| size > limit) {
            return Err(incoming.too_large());
        }
        Ok((header, incoming))
    }

    /// The next bytes, at least one; `None` when the file is whole. What failed once fails the same way again.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        match &self.state {
            State::Arriving => {}
            State::Whole => return Ok(None),
            State::Failed(fault) => return Err(fault.clone()),
        }
        let next = self.advance().await;
        match &next {
            Ok(Some(_)) => {}
            Ok(None) => self.state = State::Whole,
            Err(fault) => self.state = State::Failed(fault.clone()),
        }
        next
    }

    /// The bytes as a body for [`super::Files::put`], which fails unless the file is whole, and what tells afterwards why
    /// it failed.
    pub fn into_body(self) -> (Body, Arrival) {
        let arrival = Arrival::default();
        let told = arrival.clone();
        let bytes = stream::try_unfold(self, move |mut incoming| {
            let told = told.clone();
            async move {
                match incoming.next().await {
                    Ok(next) => Ok(next.map(|bytes| (bytes, incoming))),
                    Err(fault) => {
                        let error = io::Error::other(fault.to_string());
                        told.note(fault);
                        Err(error)
                    }
                }
            }
        });
        (bytes.boxed(), arrival)
    }

    async fn advance(&mut self) -> Result<Option<Bytes>, Fault> {
        match self.part().await? {
            Some(Part::Data(data)) if data.is_empty() => Err(Fault::invalid(FIELD, "must have no empty pieces")),
            Some(Part::Data(data)) => {
                self.received = self.received.saturating_add(data.len() as u64);
                if self.received > self.limit {
                    return Err(self.too_large());
                }
                Ok(Some(Bytes::from(data)))
            }
            Some(Part::End(_)) => self.nothing_more().await,
            Some(Part::Header(_)) => Err(Fault::invalid(FIELD, "must have one header")),
            None => Err(broke_off()),
        }
    }

    async fn nothing_more(&mut self) -> Result<Option<Bytes>, Fault> {
        match self.message().await? {
            None => Ok(None),
            Some(_) => Err(Fault::invalid(FIELD, "must have nothing after its end")),
        }
    }

    /// What the next message says; `None` when the stream ends.
    async fn part(&mut self) -> Result<Option<Part>, Fault> {
        match self.message().await? {
            None => Ok(None),
            Some(FileChunk { part: Some(part) }) => Ok(Some(part)),
            Some(FileChunk { part: None }) => Err(Fault::invalid(FIELD, "must have no empty pieces")),
        }
    }

    async fn message(&mut self) -> Result<Option<FileChunk>, Fault> {
        let Ok(next) = tokio::time::timeout(SILENCE, self.pieces.next()).await else {
            let message = format!("Nothing of the file came for {} seconds", SILENCE.as_secs());
            return Err(Fault::new(
                Kind::DeadlineExceeded,
                Kind::DeadlineExceeded.reason(),
                message,
            ));
        };
        next.transpose().map_err(|status| match status.code() {
            Code::Cancelled | Code::Unknown | Code::Unavailable => broke_off(),
            _ => Fault::from_status(&status),
        })
    }

    fn too_large(&self) -> Fault {
        Fault::too_large("The file", self.limit)
    }
}

fn broke_off() -> Fault {
    Fault::invalid(FIELD, "broke off before its end")
}

impl Arrival {
    /// Why the file did not come whole, if that is why the store refused it; else what the store said.
    pub fn explain(&self, error: PortError) -> Fault {
        self.fault().unwrap_or_else(|| error.into())
    }

    /// Why the file did not come whole.
    pub fn fault(&self) -> Option<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, fault: Fault) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }
}
