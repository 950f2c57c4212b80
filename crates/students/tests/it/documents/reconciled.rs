//! The file store and what is written down, held against each other.

use chrono::Duration;
use futures_util::{StreamExt as _, stream};
use kit::files::{Body, Key};
use students::Reconciled;

use super::{
    files::{pdf, png},
    fixture::Upload,
    s3_server::S3Server,
};
use crate::{
    auth::PlayedAuth,
    hostel::{Hostel, code},
    trail::until,
};

fn key(number: u32) -> Key {
    let random = format!("{number:032x}");
    Key::parse(format!("documents/{}/{random}", &random[..2])).unwrap()
}

fn body(bytes: Vec<u8>) -> Body {
    stream::once(async move { Ok(bytes.into()) }).boxed()
}

/// What a service that was stopped in the middle leaves: the row, and perhaps the object.
async fn leave(hostel: &Hostel, number: u32, state: &str, with_object: bool) {
    let values = [
        key(number).as_str().into(),
        state.into(),
        hostel.world.clock.now().into(),
    ];
    let sql = "INSERT INTO stored_file (file_key, state, since) VALUES ($1, $2, $3)";
    assert_eq!(hostel.write(sql, values).await, 1);
    if with_object {
        put(hostel, &key(number)).await;
    }
}

async fn put(hostel: &Hostel, key: &Key) {
    let shelf = hostel.shelf().await;
    shelf.put(key, "application/octet-stream", body(pdf())).await.unwrap();
}

#[tokio::test]
async fn what_a_stopped_service_left_is_swept() {
    sweep(&Hostel::open().await).await;
}

#[tokio::test]
async fn what_a_stopped_service_left_is_swept_on_s3() {
    let server = S3Server::start().await;
    sweep(&Hostel::open_on(server.stores(), PlayedAuth::default(), students::Config::default()).await).await;
}

async fn sweep(hostel: &Hostel) {
    let student = hostel.enrol(1).await;
    hostel
        .upload(&Upload::new(&student, "photo", "a.png", png(1)))
        .await
        .unwrap();
    leave(hostel, 1, "arriving", true).await;
    leave(hostel, 2, "arriving", false).await;
    leave(hostel, 3, "doomed", true).await;
    leave(hostel, 4, "doomed", false).await;
    for number in 5..=9 {
        put(hostel, &key(number)).await;
    }
    let foreign = Key::parse("documents/readme.txt").unwrap();
    put(hostel, &foreign).await;
    let expected = Reconciled {
        deleted: 2,
        ..Reconciled::default()
    };
    assert_eq!(hostel.reconcile().await, expected);
    hostel.world.clock.advance(Duration::minutes(59));
    assert_eq!(hostel.reconcile().await, Reconciled::default(), "it may still arrive");
    hostel.world.clock.advance(Duration::minutes(2));
    let expected = Reconciled {
        abandoned: 2,
        deleted: 2,
        ..Reconciled::default()
    };
    assert_eq!(hostel.reconcile().await, expected);
    hostel.grow_old(Duration::hours(24) - Duration::seconds(1)).await;
    let young = "the database may have been restored to what it was before them";
    assert_eq!(hostel.reconcile().await, Reconciled::default(), "{young}");
    hostel.grow_old(Duration::hours(24) + Duration::minutes(5)).await;
    let expected = Reconciled {
        orphans: 5,
        ..Reconciled::default()
    };
    assert_eq!(hostel.reconcile().await, expected);
    let left = hostel.objects().await;
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(
        left.contains(&foreign),
        "what this service would not name so is not its own"
    );
    assert_eq!(hostel.count("stored_file").await, 2);
    assert_eq!(hostel.reconcile().await, Reconciled::default());
}

#[tokio::test]
async fn a_database_that_knows_of_nothing_deletes_nothing() {
    let hostel = Hostel::open().await;
    put(&hostel, &key(1)).await;
    assert_eq!(hostel.reconcile().await, Reconciled::default());
    assert_eq!(hostel.objects().await, [key(1)]);
}

#[tokio::test]
async fn a_lost_file_is_known_and_known_again_when_it_is_back() {
    let hostel = Hostel::open().await;
    let student = hostel.enrol(1).await;
    let photo = hostel
        .upload(&Upload::new(&student, "photo", "a.png", png(1)))
        .await
        .unwrap();
    let paper = hostel
        .upload(&Upload::new(&student, "pan", "a.pdf", pdf()))
        .await
        .unwrap();
    hostel
        .upload(&Upload::new(&student, "other", "b.pdf", pdf()))
        .await
        .unwrap();
    let shelf = hostel.shelf().await;
    let (file, _) = hostel.keys(&paper.id).await;
    let (_, thumbnail) = hostel.keys(&photo.id).await;
    let thumbnail = thumbnail.unwrap();
    let small = hostel
        .fetch(photo.thumbnail_url.as_deref().unwrap())
        .await
        .unwrap()
        .bytes;
    shelf.delete(&file).await.unwrap();
    shelf.delete(&thumbnail).await.unwrap();
    let missing = "document WHERE missing_since IS NOT NULL";

    assert_eq!(code(hostel.fetch(&paper.url).await).1, "INTERNAL");
    assert_eq!(hostel.count(missing).await, 1, "whoever fetches it finds out");
    assert_eq!(hostel.reconcile().await.missing, 1);
    assert_eq!(hostel.count(missing).await, 2);
    assert_eq!(hostel.reconcile().await, Reconciled::default(), "it is said once");

    shelf.put(&thumbnail, "image/jpeg", body(small)).await.unwrap();
    assert_eq!(hostel.reconcile().await.found, 1);
    shelf.put(&file, "application/octet-stream", body(pdf())).await.unwrap();
    assert_eq!(hostel.reconcile().await.found, 1);
    assert_eq!(hostel.count(missing).await, 0);
    assert_eq!(hostel.fetch(&paper.url).await.unwrap().bytes, pdf());
}

#[tokio::test]
async fn more_objects_than_a_page_are_compared() {
    let hostel = Hostel::open().await;
    for number in 0..450 {
        // Every third was lost, every fourth is nobody's; spread over the whole range of keys.
        let number = number * 9_000_000;
        match number / 9_000_000 % 12 {
            3 | 7 | 11 => put(&hostel, &spread(number)).await,
            _ => {
                let values = [spread(number).as_str().into(), hostel.world.clock.now().into()];
                let sql = "INSERT INTO stored_file (file_key, state, since) VALUES ($1, 'kept', $2)";
                hostel.write(sql, values).await;
                if number / 9_000_000 % 3 != 0 {
                    put(&hostel, &spread(number)).await;
                }
            }
        }
    }
    let before = hostel.objects().await.len() as u64;
    hostel.grow_old(Duration::hours(25)).await;
    let done = hostel.reconcile().await;
    assert_eq!(done.orphans, 450 / 4, "{done:?}");
    assert_eq!(hostel.objects().await.len() as u64, before - done.orphans);
}

/// Keys in all folders.
fn spread(number: u32) -> Key {
    let random = format!("{number:08x}{number:024x}");
    Key::parse(format!("documents/{}/{random}", &random[..2])).unwrap()
}

#[tokio::test]
async fn a_service_reconciles_by_itself() {
    let hostel = Hostel::open().await;
    leave(&hostel, 1, "doomed", true).await;
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(61)).await;
    tokio::time::resume();
    until("the sweep", async || hostel.objects().await.is_empty().then_some(())).await;
    until("the rows", async || {
        (hostel.count("stored_file").await == 0).then_some(())
    })
    .await;
}
