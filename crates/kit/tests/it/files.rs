//! Every store of files behaves the same; what each adds is tested beside it.

mod disk;
mod incoming;
mod kept;
mod s3;
mod s3_server;
mod streams;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use kit::{
    Clock,
    files::{self, Files, Key},
    port::PortError,
};
use tempfile::TempDir;
use url::Url;

use self::{
    s3_server::S3Server,
    streams::{digest_of, generated, read_all, text},
};

const MIB: u64 = 1024 * 1024;

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

/// The keys of a listing.
async fn keys(files: &dyn Files, prefix: &str, after: Option<&Key>, limit: usize) -> Vec<Key> {
    let listed = files.list(prefix, after, limit).await.unwrap();
    listed.into_iter().map(|object| object.key).collect()
}

/// Opens a store in a new folder of this machine.
async fn on_disk() -> (TempDir, Arc<dyn Files>) {
    let folder = TempDir::new().unwrap();
    let url = Url::from_directory_path(folder.path()).unwrap();
    (folder, files::open(&url).await.unwrap())
}

async fn on_every_store(check: impl AsyncFn(&dyn Files)) {
    let (_folder, disk) = on_disk().await;
    println!("on disk");
    check(&*disk).await;
    let server = S3Server::start().await;
    let bucket = files::open(&server.url("")).await.unwrap();
    println!("on S3");
    check(&*bucket).await;
}

#[tokio::test]
async fn what_is_put_is_got_back() {
    on_every_store(async |files| {
        for (name, length) in [("empty", 0), ("one", 1), ("part", 8 * MIB), ("large", 20 * MIB + 7)] {
            let key = key(name);
            let put = files.put(&key, "application/pdf", generated(length, |_| {}));
            assert_eq!(put.await.unwrap(), length, "{name}");
            let object = files.get(&key).await.unwrap().unwrap();
            assert_eq!(object.content_type, "application/pdf");
            assert_eq!(object.length, length);
            let read = read_all(object.body).await.unwrap();
            assert_eq!(read, digest_of(generated(length, |_| {})).await, "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_second_put_takes_the_place_of_the_first() {
    on_every_store(async |files| {
        let key = key("students/7/photo.jpg");
        files
            .put(&key, "image/jpeg", text("a long first version"))
            .await
            .unwrap();
        files.put(&key, "image/png", text("second")).await.unwrap();
        let object = files.get(&key).await.unwrap().unwrap();
        assert_eq!((object.content_type.as_str(), object.length), ("image/png", 6));
        assert_eq!(read_all(object.body).await.unwrap(), digest_of(text("second")).await);
        assert_eq!(keys(files, "", None, 10).await, [key]);
    })
    .await;
}

#[tokio::test]
async fn a_key_without_an_object_is_empty() {
    on_every_store(async |files| {
        assert!(files.get(&key("nothing")).await.unwrap().is_none());
        assert!(files.get(&key("nothing/here/at-all")).await.unwrap().is_none());
        assert!(keys(files, "", None, 10).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn deleting_twice_is_deleting_once() {
    on_every_store(async |files| {
        let (gone, other) = (key("a/gone"), key("a/other"));
        for key in [&gone, &other] {
            files.put(key, "text/plain", text("x")).await.unwrap();
        }
        files.delete(&gone).await.unwrap();
        files.delete(&gone).await.unwrap();
        assert!(files.get(&gone).await.unwrap().is_none());
        assert_eq!(keys(files, "", None, 10).await, [other]);
    })
    .await;
}

#[tokio::test]
async fn keys_are_listed_in_order_and_in_pages() {
    on_every_store(async |files| {
        let names = [
            "a-b", "a.b", "a/b", "a/c/d", "a0", "b", "zz/1", "zz/10", "zz/2", "zz/Z", "zz_",
        ];
        for name in names.iter().rev() {
            files.put(&key(name), "text/plain", text("x")).await.unwrap();
        }
        let all: Vec<Key> = names.iter().map(|name| key(name)).collect();
        assert!(all.is_sorted());
        assert_eq!(keys(files, "", None, 100).await, all);
        assert!(keys(files, "", None, 0).await.is_empty());

        let mut paged: Vec<Key> = Vec::new();
        loop {
            let page = keys(files, "", paged.last(), 3).await;
            assert!(page.len() <= 3);
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, all);

        for prefix in ["a", "a/", "a/c", "zz/1", "zz/", "zz", "b", "c", "../", "/"] {
            let expected: Vec<Key> = all
                .iter()
                .filter(|key| key.as_str().starts_with(prefix))
                .cloned()
                .collect();
            // A leading slash is no part of a key; servers differ in what they make of it, we ask for the others.
            if prefix != "/" {
                assert_eq!(keys(files, prefix, None, 100).await, expected, "{prefix}");
            }
        }
        let behind = keys(files, "zz/", Some(&key("zz/1")), 2).await;
        assert_eq!(behind, [key("zz/10"), key("zz/2")]);
    })
    .await;
}

#[tokio::test]
async fn a_listing_says_when_each_object_was_stored() {
    on_every_store(async |files| {
        // A store tells its own time, some of them in whole seconds: it is compared with what it said of another object.
        let stored_at = async |name: &str| files.list(name, None, 1).await.unwrap().remove(0).stored_at;
        files.put(&key("marker"), "text/plain", text("x")).await.unwrap();
        let began = stored_at("marker").await;
        for (name, length) in [("small/a", 10), ("large/a", 9 * MIB)] {
            files
                .put(&key(name), "text/plain", generated(length, |_| {}))
                .await
                .unwrap();
            let age = stored_at(name).await - began;
            assert!((0..60).contains(&age.num_seconds()), "{name} is {age} younger");
        }
        let first = stored_at("marker").await;
        assert_eq!(first, began, "time passes and an object stays as old as it is");
        let ahead = Clock::system().now() - began;
        assert!(ahead.num_seconds().abs() < 120, "{ahead}");
    })
    .await;
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing_behind() {
    on_every_store(async |files| {
        let key = key("broken");
        for length in [100, 20 * MIB] {
            let lost = stream::once(async { Err(std::io::Error::other("the phone is gone")) });
            let body = generated(length, |_| {}).chain(lost).boxed();
            let error = files.put(&key, "text/plain", body).await.unwrap_err();
            assert!(matches!(error, PortError::Refused { .. }), "{error}");
            assert!(error.to_string().contains("the phone is gone"), "{error}");
            assert!(files.get(&key).await.unwrap().is_none());
            assert!(keys(files, "", None, 10).await.is_empty());
        }
        files.put(&key, "text/plain", text("whole")).await.unwrap();
        let broken = stream::iter([Ok(Bytes::from_static(b"half")), Err(std::io::Error::other("gone"))]);
        files.put(&key, "image/png", broken.boxed()).await.unwrap_err();
        let object = files.get(&key).await.unwrap().unwrap();
        assert_eq!(object.content_type, "text/plain");
        assert_eq!(read_all(object.body).await.unwrap(), digest_of(text("whole")).await);
    })
    .await;
}

#[tokio::test]
async fn a_content_type_that_is_none_is_refused() {
    on_every_store(async |files| {
        for wrong in ["", "text/html\r\nSet-Cookie: a=b"] {
            let error = files.put(&key("a"), wrong, text("x")).await.unwrap_err();
            assert!(matches!(error, PortError::Refused { .. }), "{error}");
        }
        assert!(files.get(&key("a")).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn puts_at_once_leave_one_of_them_whole() {
    on_every_store(async |files| {
        let key = key("contested");
        let puts = (1..=8_u64).map(|number| {
            let content_type = format!("x/{number}");
            let key = &key;
            async move { files.put(key, &content_type, generated(number * 1000, |_| {})).await }
        });
        for outcome in futures_util::future::join_all(puts).await {
            outcome.unwrap();
        }
        let object = files.get(&key).await.unwrap().unwrap();
        let number = object.length / 1000;
        let read = read_all(object.body).await.unwrap();
        assert_eq!(read, digest_of(generated(number * 1000, |_| {})).await);
    })
    .await;
}

#[tokio::test]
async fn a_store_that_is_there_answers() {
    on_every_store(async |files| files.ping().await.unwrap()).await;
}

#[tokio::test]
async fn another_scheme_is_refused_by_name() {
    let refused = files::open(&Url::parse("ftp://somewhere/x").unwrap()).await;
    assert_eq!(
        refused.err().unwrap().to_string(),
        "files at ftp://somewhere/x: unknown scheme \"ftp\", expected one of file, s3"
    );
}

/// Waits until it is so, but not for ever.
async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "never: {what}");
}
