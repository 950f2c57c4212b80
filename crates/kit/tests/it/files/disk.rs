//! What only the folder of this machine does.

use std::{fs, path::Path};

use futures_util::{StreamExt as _, stream};
use kit::{files, port::PortError};
use tempfile::TempDir;
use url::Url;

use super::{
    MIB, eventually, key, keys, on_disk,
    streams::{digest_of, generated, read_all, text},
};

fn drafts(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder.join("~drafts")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

async fn why_not_open(url: &str) -> String {
    files::open(&Url::parse(url).unwrap()).await.err().unwrap().why
}

#[tokio::test]
async fn a_key_may_begin_with_another_key() {
    let (folder, files) = on_disk().await;
    let names = ["a", "a-", "a.", "a/a", "a/a/a", "b"];
    for name in names {
        files.put(&key(name), "text/plain", text("x")).await.unwrap();
    }
    assert_eq!(keys(&*files, "", None, 10).await, names.map(key));
    assert_eq!(keys(&*files, "a/a", None, 10).await, ["a/a", "a/a/a"].map(key));
    let behind = keys(&*files, "", Some(&key("a/a")), 10).await;
    assert_eq!(behind, ["a/a/a", "b"].map(key));
    fs::create_dir(folder.path().join("foreign")).unwrap();
    assert_eq!(keys(&*files, "", Some(&key("b")), 10).await, []);
    files.delete(&key("a")).await.unwrap();
    assert!(files.get(&key("a/a")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_store_opened_again_finds_everything() {
    let (folder, files) = on_disk().await;
    files.put(&key("a/b.txt"), "text/plain", text("kept")).await.unwrap();
    let again = files::open(&Url::from_directory_path(folder.path()).unwrap())
        .await
        .unwrap();
    let object = again.get(&key("a/b.txt")).await.unwrap().unwrap();
    assert_eq!(object.content_type, "text/plain");
    assert_eq!(read_all(object.body).await.unwrap(), digest_of(text("kept")).await);
}

#[tokio::test]
async fn the_bytes_go_to_the_disk_as_they_come() {
    let (folder, files) = on_disk().await;
    let root = folder.path().to_owned();
    let body = generated(24 * MIB, move |made| {
        let written: u64 = drafts(&root).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
        assert!(made - written <= 4 * MIB, "{made} made, {written} written");
    });
    files.put(&key("large"), "text/plain", body).await.unwrap();
    assert!(drafts(folder.path()).is_empty());
}

#[tokio::test]
async fn a_put_that_is_given_up_on_leaves_no_draft() {
    let (folder, files) = on_disk().await;
    let body = generated(MIB, |_| {}).chain(stream::pending()).boxed();
    let putting = {
        let files = files.clone();
        tokio::spawn(async move { files.put(&key("a"), "text/plain", body).await })
    };
    eventually("a draft", || !drafts(folder.path()).is_empty()).await;
    putting.abort();
    eventually("no draft", || drafts(folder.path()).is_empty()).await;
    assert!(files.get(&key("a")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_file_that_is_not_whole_is_not_served() {
    let (folder, files) = on_disk().await;
    files
        .put(&key("a"), "text/plain", generated(1000, |_| {}))
        .await
        .unwrap();
    let path = folder.path().join("a");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..500]).unwrap();
    let error = files.get(&key("a")).await.err().unwrap();
    assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("not whole"), "{error}");
}

#[tokio::test]
async fn old_drafts_are_swept_when_the_store_is_opened_and_young_ones_stay() {
    let (folder, _files) = on_disk().await;
    for (name, age) in [("old", 25), ("young", 1)] {
        let file = fs::File::create(folder.path().join("~drafts").join(name)).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - std::time::Duration::from_hours(age)).unwrap();
    }
    files::open(&Url::from_directory_path(folder.path()).unwrap())
        .await
        .unwrap();
    assert_eq!(drafts(folder.path()), [folder.path().join("~drafts").join("young")]);
}

#[tokio::test]
async fn a_folder_has_no_url_to_hand_out() {
    let (_folder, files) = on_disk().await;
    let url = files
        .signed_url(&key("a"), "a.pdf", std::time::Duration::from_mins(1))
        .await;
    assert!(url.unwrap().is_none());
}

#[tokio::test]
async fn a_folder_that_goes_away_is_unavailable_and_works_when_it_is_back() {
    let (folder, files) = on_disk().await;
    let (here, away) = (folder.path().join("~drafts"), folder.path().join("~away"));
    fs::rename(&here, &away).unwrap();
    for error in [
        files.ping().await.unwrap_err(),
        files.put(&key("a"), "text/plain", text("x")).await.unwrap_err(),
    ] {
        assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
    }
    fs::rename(&away, &here).unwrap();
    files.ping().await.unwrap();
    files.put(&key("a"), "text/plain", text("x")).await.unwrap();
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_said_in_one_sentence() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let why = why_not_open(&format!("file://{}/store", file.display())).await;
    assert!(why.contains("Not a directory"), "{why}");
    assert_eq!(
        why_not_open("file://relative/folder").await,
        "expected an absolute path: file:///folder"
    );
    assert_eq!(
        why_not_open("file:///x?region=y").await,
        "unknown parameter \"region\", none is expected"
    );
}
