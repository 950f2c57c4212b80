//! Files of students, in and out.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use kit::{Fault, access::Caller, fault::Fields, files::Incoming};
use proto::{
    students::DownloadStudentsRequest,
    types::{FileChunk, FileHeader, file_chunk::Part},
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_stream::{Stream, StreamExt as _, wrappers::ReceiverStream};
use tonic::{Request, Status, Streaming, metadata::MetadataMap};

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
    let until = given_time(request.metadata()).and_then(|time| Instant::now().checked_add(time));
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

/// How long whoever calls will wait: at most eight digits and a unit.
fn given_time(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count.saturating_mul(3600))),
        "M" => Some(Duration::from_secs(count.saturating_mul(60))),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_is_given() {
        let given = |text: &'static str| {
            let mut metadata = MetadataMap::new();
            metadata.insert("grpc-timeout", text.parse().unwrap());
            given_time(&metadata)
        };
        assert_eq!(given("600000000u"), Some(Duration::from_mins(10)));
        assert_eq!(given("10M"), Some(Duration::from_mins(10)));
        for bad in ["", "S", "-1S", "1", "1x"] {
            assert_eq!(given(bad), None, "{bad:?}");
        }
        assert_eq!(given_time(&MetadataMap::new()), None);
    }
}
