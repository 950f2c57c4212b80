//! Uploads that break off, and files that are not what was kept.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use kit::files::Body;
use tokio_stream::wrappers::ReceiverStream;

use super::{
    files::{jpeg, long_pdf, pdf, png},
    fixture::{Fetched, Upload, asked},
};
use crate::{
    hostel::{Hostel, code, told, wrong_fields},
    trail::until,
};

#[tokio::test]
async fn uploads_that_end_without_their_end_leave_nothing() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    for number in 0..25 {
        let (upload, cut) = some_upload(&student, number);
        let mut chunks = vec![upload.header()];
        chunks.extend(upload.first(cut));
        let request = hostel.warden(tokio_stream::iter(chunks));
        let refused = told(hostel.documents().add_document(request).await);
        assert_eq!(
            wrong_fields(refused),
            ["file"],
            "cut at {cut} of {}",
            upload.bytes.len()
        );
        hostel.assert_empty(&format!("cut at {cut}")).await;
    }
}

#[tokio::test]
async fn uploads_whose_client_goes_away_leave_nothing() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    for number in 0..25 {
        let (upload, cut) = some_upload(&student, number);
        let (sender, chunks) = tokio::sync::mpsc::channel(4);
        let request = hostel.warden(ReceiverStream::new(chunks));
        let mut documents = hostel.documents();
        let call = tokio::spawn(async move { documents.add_document(request).await });
        sender.send(upload.header()).await.unwrap();
        for chunk in upload.first(cut) {
            sender.send(chunk).await.unwrap();
        }
        if number % 2 == 0 {
            until("something to arrive", async || {
                (hostel.count("stored_file").await > 0).then_some(())
            })
            .await;
        }
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        drop(sender);
        until("the upload to be taken back", async || {
            (hostel.count("stored_file").await == 0).then_some(())
        })
        .await;
        hostel.assert_empty(&format!("gone after {cut}")).await;
    }
    assert_eq!(hostel.reconcile().await, students::Reconciled::default());
}

/// An upload of some kind, and where it is cut.
fn some_upload(student: &str, number: u8) -> (Upload, usize) {
    let (doc_type, bytes) = match number % 4 {
        0 => ("other", long_pdf(300_000)),
        1 => ("photo", png(number)),
        2 => ("id_card", jpeg(number)),
        _ => ("pan", pdf()),
    };
    let cut = rand::random_range(0..=bytes.len());
    (Upload::new(student, doc_type, "a", bytes), cut)
}

#[tokio::test]
async fn a_stored_byte_that_flips_is_noticed_before_the_file_is_whole() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let bytes = long_pdf(300_000);
    let added = hostel
        .upload(&Upload::new(&student, "pan", "a.pdf", bytes.clone()))
        .await
        .unwrap();
    let (key, _) = hostel.keys(&added.id).await;
    let shelf = hostel.shelf().await;
    for at in [0, 150_000, bytes.len() - 1] {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        shelf
            .put(&key, "application/octet-stream", body(flipped))
            .await
            .unwrap();
        let (header, received, end) = hostel.follow(&asked(&added.url)).await.unwrap();
        assert_eq!(header.size, Some(bytes.len() as u64));
        assert!(received.len() < bytes.len(), "a wrong file is never whole");
        assert_eq!(code(end).1, "INTERNAL");
    }
    for wrong in [bytes[1..].to_vec(), [&bytes[..], b"x"].concat(), Vec::new()] {
        shelf.put(&key, "application/octet-stream", body(wrong)).await.unwrap();
        assert_eq!(code(hostel.follow(&asked(&added.url)).await).1, "INTERNAL");
    }
    shelf
        .put(&key, "application/octet-stream", body(bytes.clone()))
        .await
        .unwrap();
    let Fetched { bytes: received, .. } = hostel.fetch(&added.url).await.unwrap();
    assert!(received == bytes);
}

#[tokio::test]
async fn a_small_picture_that_changed_is_noticed_too() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let added = hostel
        .upload(&Upload::new(&student, "photo", "a.png", png(1)))
        .await
        .unwrap();
    let link = asked(&added.thumbnail_url.unwrap());
    let (_, mut bytes, _) = hostel.follow(&link).await.unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let (_, thumbnail) = hostel.keys(&added.id).await;
    let shelf = hostel.shelf().await;
    shelf.put(&thumbnail.unwrap(), "image/jpeg", body(bytes)).await.unwrap();
    let (_, _, end) = hostel.follow(&link).await.unwrap();
    assert_eq!(code(end).1, "INTERNAL");
}

#[tokio::test]
async fn an_upload_is_given_up_when_its_rows_were() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let upload = Upload::new(&student, "pan", "a.pdf", long_pdf(200_000));
    let (sender, chunks) = tokio::sync::mpsc::channel(64);
    let request = hostel.warden(ReceiverStream::new(chunks));
    let mut documents = hostel.documents();
    let call = tokio::spawn(async move { told(documents.add_document(request).await) });
    sender.send(upload.header()).await.unwrap();
    until("the upload to begin", async || {
        (hostel.count("stored_file").await == 1).then_some(())
    })
    .await;
    // The job of another process takes it for abandoned.
    assert_eq!(hostel.write("UPDATE stored_file SET state = 'doomed'", []).await, 1);
    assert_eq!(hostel.reconcile().await.deleted, 1);
    for chunk in upload.first(upload.bytes.len()) {
        sender.send(chunk).await.unwrap();
    }
    let end = proto::types::file_chunk::Part::End(proto::types::Nothing {});
    sender.send(proto::types::FileChunk { part: Some(end) }).await.unwrap();
    drop(sender);
    let outcome = tokio::time::timeout(Duration::from_secs(20), call)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(code(outcome).1, "UNAVAILABLE");
    assert_eq!(hostel.count("document").await, 0);
    // What nobody knows stays until something is known and it is old: then it is an orphan.
    hostel
        .upload(&Upload::new(&student, "pan", "b.pdf", pdf()))
        .await
        .unwrap();
    hostel.grow_old(chrono::Duration::hours(25)).await;
    assert_eq!(hostel.reconcile().await.orphans, 1);
    assert_eq!(hostel.objects().await.len(), 1);
}

fn body(bytes: Vec<u8>) -> Body {
    stream::once(async move { Ok(bytes.into()) }).boxed()
}
