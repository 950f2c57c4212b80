//! Files of students, in and out.

use std::{sync::Arc, time::Instant};

use kit::{Fault, access::Caller, fault::Fields, files::Incoming, upstream};
use proto::{
    students::DownloadStudentsRequest,
    types::{FileChunk, FileHeader, file_chunk::Part},
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_stream::{Stream, StreamExt as _, wrappers::ReceiverStream};
use tonic::{Request, Status, Streaming};

use super::{Pieces, convert};
use crate::{
    Error,
    domain::table::LONGEST_FILE,
    operations::{App, download, import::Order},
    store::student::list::Filter,
};

/// Pieces of a file that may wait for a slow reader.
const PIECES_WAITING: usize = 4;

/// A file that comes in to be imported. It is small enough to be held whole.
pub(super) async fn order(request: Request<Streaming<FileChunk>>) -> Result<Order, Fault> {
    let until = upstream::given_time(request.metadata().as_ref()).and_then(|time| Instant::now().checked_add(time));
    let (header, mut incoming) = Incoming::begin(request.into_inner(), LONGEST_FILE as u64).await?;
    let dry_run = match header.fields.get("dry_run").map(String::as_str) {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Fault::invalid("dry_run", "must be one of: true, false")),
    };
    let mut file = Vec::new();
    while let Some(piece) = incoming.next().await? {
        file.extend_from_slice(&piece);
    }
    Ok(Order { file, dry_run, until })
}

pub(super) fn filter(request: &DownloadStudentsRequest) -> Result<Filter, Fault> {
    let mut fields = Fields::default();
    if request.format != "csv" {
        fields.wrong("format", "must be one of: csv");
    }
    let room = fields.take("room_id", request.room_id.as_deref().map(kit::id::parse).transpose());
    let terms = fields.take("search", convert::search(request.search.as_deref().unwrap_or_default()));
    let (Some(room), Some(terms), true) = (room, terms, fields.is_empty()) else {
        return Err(fields.fault());
    };
    Ok(Filter {
        block: convert::block(request.block.as_deref()),
        year: request.year,
        semester: request.semester,
        is_active: request.is_active,
        room,
        terms,
    })
}

/// The file that a filter asks for, made as it is read.
pub(super) fn file(app: Arc<App>, caller: Caller, filter: Filter) -> Pieces<FileChunk> {
    let (sender, pieces) = mpsc::channel(PIECES_WAITING);
    let work = tokio::spawn(async move { download::download(&app, &caller, &filter, &sender).await });
    let header = FileHeader {
        file_name: "students.csv".to_owned(),
        content_type: "text/csv; charset=utf-8".to_owned(),
        ..FileHeader::default()
    };
    let header = tokio_stream::once(Ok(piece(Part::Header(header))));
    let data = ReceiverStream::new(pieces).map(|bytes| Ok(piece(Part::Data(bytes))));
    Box::pin(header.chain(data).chain(failure_of(work)))
}

fn piece(part: Part) -> FileChunk {
    FileChunk { part: Some(part) }
}

/// Nothing when the work went well, else its failure as the end of the stream.
fn failure_of(work: JoinHandle<Result<(), Error>>) -> impl Stream<Item = Result<FileChunk, Status>> {
    let ending = async move {
        match work.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Err(error.into())),
            Err(panic) => Some(Err(Fault::internal(panic).into())),
        }
    };
    futures_util::StreamExt::filter_map(futures_util::stream::once(ending), std::future::ready)
}
