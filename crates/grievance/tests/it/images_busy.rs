//! Pictures on their way: what one can take of the places, and what happens when all are taken.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use image::{DynamicImage, ImageFormat, RgbImage};
use kit::{Fault, fault::Kind};
use proto::{
    grievance::DownloadImageRequest,
    types::{FileChunk, file_chunk::Part},
};
use tokio::task::JoinSet;
use tonic::{Request, Streaming};

use crate::{
    desk::{Desk, told, until},
    images::{add, chunks, link, small},
};

/// More than what is on the way to somebody who does not read.
const PIECES: usize = 80;
const A_PIECE: usize = 64 * 1024;
/// Longer than somebody waits for a place.
const PATIENCE: Duration = Duration::from_secs(30);

/// An upload that never ends; how many of its pieces were taken.
fn endless(ticket: &str) -> (impl Stream<Item = FileChunk> + Send + 'static, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = taken.clone();
    let header = chunks(ticket, b"").into_iter().take(1).map(|mut chunk| {
        if let Some(Part::Header(header)) = &mut chunk.part {
            header.size = None;
        }
        chunk
    });
    let pieces = (0..PIECES).map(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        let part = Some(Part::Data(vec![0; A_PIECE]));
        FileChunk { part }
    });
    let begun = stream::iter(header.collect::<Vec<_>>()).chain(stream::iter(pieces));
    (begun.chain(stream::pending()), taken)
}

#[tokio::test]
async fn one_who_sends_slowly_keeps_nobody_else_waiting() {
    let desk = Desk::open().await;
    let (asha, bilal) = (desk.student(1).await, desk.student(2).await);
    let (slow, quick) = (desk.raise(&asha).await.ticket_id, desk.raise(&bilal).await.ticket_id);
    let (mut sending, mut taken) = (JoinSet::new(), Vec::new());
    for _ in 0..16 {
        let (pieces, counter) = endless(&slow);
        let (mut images, request) = (desk.images(), desk.by(&asha, pieces));
        sending.spawn(async move { told(images.add_image(request).await) });
        taken.push(counter);
    }
    let received = || {
        taken
            .iter()
            .filter(|counter| counter.load(Ordering::Relaxed) == PIECES)
            .count()
    };
    until("two are received", async || (received() >= 2).then_some(())).await;
    add(&desk, &bilal, &quick, &small()).await.unwrap();
    for _ in 0..14 {
        let ended = tokio::time::timeout(PATIENCE, sending.join_next()).await.unwrap();
        let fault = ended.unwrap().unwrap().unwrap_err();
        assert_eq!(fault.kind, Kind::Unavailable, "{fault}");
        assert!(fault.message.contains("Two of your pictures"), "{fault}");
    }
    assert_eq!(received(), 2);
    // Their places are theirs again once they go away.
    sending.abort_all();
    while sending.join_next().await.is_some() {}
    until("a place of hers", async || {
        add(&desk, &asha, &slow, &small()).await.ok()
    })
    .await;
}

/// A picture that cannot be made small.
fn noisy() -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let pixels: Vec<u8> = (0..700 * 700 * 3).map(|_| next()).collect();
    let picture = DynamicImage::from(RgbImage::from_raw(700, 700, pixels).unwrap());
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[tokio::test]
async fn eight_pictures_are_handed_out_at_once_and_the_next_one_after_them() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let ticket = desk.raise(&asha).await.ticket_id;
    let added = add(&desk, &asha, &ticket, &noisy()).await.unwrap();
    assert!(added.size > 1024 * 1024, "{}", added.size);
    let (id, expires, signature) = link(&added);
    let open = async || -> Result<Streaming<FileChunk>, Fault> {
        let request = DownloadImageRequest {
            id: id.clone(),
            expires: Some(expires.clone()),
            signature: Some(signature.clone()),
        };
        told(desk.images().download_image(Request::new(request)).await)
    };
    let mut leaving = Vec::new();
    for _ in 0..8 {
        leaving.push(open().await.unwrap());
    }
    let fault = open().await.unwrap_err();
    assert_eq!(fault.kind, Kind::Unavailable, "{fault}");
    // One is read to its end: its place is free.
    let pieces: Vec<FileChunk> = leaving.pop().unwrap().try_collect().await.unwrap();
    let bytes = pieces.iter().map(|piece| match &piece.part {
        Some(Part::Data(data)) => data.len(),
        _ => 0,
    });
    assert_eq!(bytes.sum::<usize>() as u64, added.size);
    leaving.push(open().await.unwrap());
    // Nobody waits for those who went away.
    drop(leaving);
    for _ in 0..8 {
        open().await.unwrap();
    }
}
