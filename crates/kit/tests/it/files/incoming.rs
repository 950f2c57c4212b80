//! Files that come in over gRPC, whole and not.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream, stream::BoxStream};
use kit::{
    Fault,
    fault::Kind,
    files::{Files, Incoming},
    port::PortError,
};
use proto::types::{FileChunk, FileHeader, Nothing, file_chunk::Part};
use tonic::Status;

use super::{key, on_disk};

type Pieces = BoxStream<'static, Result<FileChunk, Status>>;

const LIMIT: u64 = 10;

fn piece(part: Part) -> FileChunk {
    FileChunk { part: Some(part) }
}

fn header(size: Option<u64>) -> FileChunk {
    piece(Part::Header(FileHeader {
        file_name: "a.pdf".to_owned(),
        size,
        ..FileHeader::default()
    }))
}

fn data(text: &str) -> FileChunk {
    piece(Part::Data(text.into()))
}

fn end() -> FileChunk {
    piece(Part::End(Nothing {}))
}

fn stream_of(pieces: impl IntoIterator<Item = FileChunk>) -> Pieces {
    let pieces: Vec<_> = pieces.into_iter().map(Ok).collect();
    stream::iter(pieces).boxed()
}

async fn begun(pieces: Pieces) -> Incoming<Pieces> {
    Incoming::begin(pieces, LIMIT).await.unwrap().1
}

/// Reads to the end or to the fault, which must come again when asked again.
async fn read(mut incoming: Incoming<Pieces>) -> Result<Vec<u8>, Fault> {
    let mut all = Vec::new();
    loop {
        match incoming.next().await {
            Ok(Some(bytes)) => all.extend(bytes),
            Ok(None) => {
                assert_eq!(incoming.next().await, Ok(None::<Bytes>));
                return Ok(all);
            }
            Err(fault) => {
                assert_eq!(incoming.next().await, Err(fault.clone()));
                return Err(fault);
            }
        }
    }
}

/// What is wrong with a file after its header.
async fn fault_of(pieces: impl IntoIterator<Item = FileChunk>) -> Fault {
    let pieces = stream_of([header(None)]).chain(stream_of(pieces)).boxed();
    read(begun(pieces).await).await.unwrap_err()
}

/// What is wrong with a file whose stream fails after its first bytes.
async fn fault_by(status: Status) -> Fault {
    let pieces = stream_of([header(None), data("01234")]).chain(stream::iter([Err(status)]));
    read(begun(pieces.boxed()).await).await.unwrap_err()
}

fn text_of(fault: &Fault) -> &str {
    assert_eq!(
        (fault.kind, fault.violations[0].field.as_str()),
        (Kind::Validation, "file")
    );
    &fault.violations[0].error
}

#[tokio::test]
async fn a_whole_file_is_read_to_its_last_byte() {
    let pieces = stream_of([header(Some(10)), data("01234"), data("56789"), end()]);
    let (known, incoming) = Incoming::begin(pieces, LIMIT).await.unwrap();
    assert_eq!(known.file_name, "a.pdf");
    assert_eq!(read(incoming).await.unwrap(), b"0123456789");
    let nothing = stream_of([header(None), end()]);
    assert_eq!(read(begun(nothing).await).await.unwrap(), b"");
}

#[tokio::test]
async fn a_file_begins_with_its_header() {
    let refused = async |pieces: Vec<_>| Incoming::begin(stream_of(pieces), LIMIT).await.err().unwrap();
    for first in [data("x"), end()] {
        let fault = refused(vec![first, header(None)]).await;
        assert_eq!(text_of(&fault), "must begin with its header");
    }
    assert_eq!(text_of(&refused(vec![]).await), "must begin with its header");
    let empty = refused(vec![FileChunk { part: None }]).await;
    assert_eq!(text_of(&empty), "must have no empty pieces");
    assert_eq!(refused(vec![header(Some(11))]).await.kind, Kind::TooLarge);
}

#[tokio::test]
async fn a_file_without_its_end_is_not_whole() {
    for pieces in [vec![], vec![data("01234")], vec![data("01234"), data("56789")]] {
        let fault = fault_of(pieces).await;
        assert_eq!(text_of(&fault), "broke off before its end");
    }
    for status in [
        Status::cancelled("reset"),
        Status::unknown("h2"),
        Status::unavailable("gone"),
    ] {
        let fault = fault_by(status).await;
        assert_eq!(text_of(&fault), "broke off before its end");
    }
    let too_long = fault_by(Status::out_of_range("message too large")).await;
    assert_eq!(too_long.kind, Kind::TooLarge);
}

#[tokio::test]
async fn nothing_else_than_bytes_and_one_end_follows_the_header() {
    let nothing_after = "must have nothing after its end";
    assert_eq!(text_of(&fault_of([end(), data("x")]).await), nothing_after);
    assert_eq!(text_of(&fault_of([data("x"), end(), end()]).await), nothing_after);
    assert_eq!(text_of(&fault_of([header(None), end()]).await), "must have one header");
    let empty = "must have no empty pieces";
    assert_eq!(text_of(&fault_of([data(""), end()]).await), empty);
    assert_eq!(text_of(&fault_of([FileChunk { part: None }, end()]).await), empty);
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_at_the_byte_that_is_too_many() {
    let whole = stream_of([header(None), data("0123456789"), end()]);
    assert_eq!(read(begun(whole).await).await.unwrap().len(), 10);
    let fault = fault_of([data("0123456789"), data("0"), end()]).await;
    assert_eq!(
        (fault.kind, fault.message.as_ref()),
        (Kind::TooLarge, "The file must be at most 10 bytes")
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_sender_is_given_up_on() {
    let silent = |pieces: Pieces| pieces.chain(stream::pending()).boxed();
    let never = Incoming::begin(silent(stream_of([])), LIMIT).await.err().unwrap();
    assert_eq!(never.kind, Kind::DeadlineExceeded);
    for pieces in [vec![header(None), data("x")], vec![header(None), data("x"), end()]] {
        let begun_at = tokio::time::Instant::now();
        let fault = read(begun(silent(stream_of(pieces))).await).await.unwrap_err();
        assert_eq!(fault.message, "Nothing of the file came for 29 seconds");
        assert!(begun_at.elapsed() < Duration::from_secs(31));
    }
}

async fn put(store: &dyn Files, pieces: Pieces) -> Result<u64, Fault> {
    let (body, arrival) = begun(pieces).await.into_body();
    let stored = store.put(&key("a"), "text/plain", body).await;
    stored.map_err(|error| arrival.explain(error))
}

#[tokio::test]
async fn a_store_keeps_whole_files_only_and_the_sender_hears_why() {
    let (_folder, store) = on_disk().await;
    let stored = put(&*store, stream_of([header(None), data("hello"), end()])).await;
    assert_eq!(stored, Ok(5));
    for (pieces, kind) in [
        (vec![header(None), data("other")], Kind::Validation),
        (vec![header(None), data("other"), end(), data("x")], Kind::Validation),
        (
            vec![header(None), data("other"), data("than this"), end()],
            Kind::TooLarge,
        ),
    ] {
        let fault = put(&*store, stream_of(pieces)).await.unwrap_err();
        assert_eq!(fault.kind, kind);
        let kept = store.get(&key("a")).await.unwrap().unwrap();
        assert_eq!(kept.length, 5, "what was there before stays");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_stalls_is_told_so_and_not_that_a_store_failed() {
    let pieces = stream_of([header(None), data("x")]).chain(stream::pending()).boxed();
    let (body, arrival) = begun(pieces).await.into_body();
    let read = body.collect::<Vec<_>>().await;
    assert!(read.last().unwrap().is_err());
    assert_eq!(arrival.fault().unwrap().kind, Kind::DeadlineExceeded);
}

#[tokio::test]
async fn what_a_store_says_stands_where_the_file_came_whole() {
    let (_, arrival) = begun(stream_of([header(None), end()])).await.into_body();
    let away = PortError::Unavailable {
        port: "files",
        why: "away".to_owned(),
    };
    assert_eq!(arrival.explain(away).kind, Kind::Unavailable);
}
