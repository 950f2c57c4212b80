//! Files in.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use reqwest::Body;
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::world::{Answer, World, until, world, world_with};

const FORM: &str = "multipart/form-data; boundary=edge";

fn field(name: &str, value: &str) -> String {
    format!("--edge\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn file_head(name: &str) -> String {
    format!(
        "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: image/png\r\n\r\n"
    )
}

fn file(name: &str, content: &str) -> String {
    format!("{}{content}\r\n", file_head(name))
}

async fn send(world: &World, parts: &[String]) -> Answer {
    let body = format!("{}--edge--\r\n", parts.concat());
    let request = world
        .http
        .post(world.url("/api/v1/things/7/file"))
        .header("content-type", FORM);
    Answer::of(request.body(body)).await
}

#[tokio::test]
async fn a_file_goes_in_with_its_fields() {
    let world = world().await;
    let answer = send(
        &world,
        &[
            field("doc_type", "photo"),
            file("../a/é.png", "hello"),
            field("note", "after"),
        ],
    )
    .await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let data = answer.data();
    let digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let expected = json!({"bytes": 5, "file_name": "é.png", "content_type": "image/png", "id": "7", "doc_type": "photo",
        "note": "after", "digest": digest, "idempotency_key": "", "from": ""});
    assert_eq!(data, expected);
}

async fn import(world: &World, query: &str, parts: &[String]) -> Answer {
    let body = format!("{}--edge--\r\n", parts.concat());
    let request = world
        .http
        .post(world.url(&format!("/api/v1/lists/7{query}")))
        .header("content-type", FORM);
    Answer::of(request.body(body)).await
}

#[tokio::test]
async fn fields_that_are_declared_so_come_from_the_query() {
    let world = world().await;
    let parts = [field("from", "office"), file("a", "hello")];
    let answer = import(&world, "?doc_type=pan&note=a%20b+c", &parts).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let data = answer.data();
    let told = ["id", "doc_type", "note", "from", "bytes"].map(|name| data[name].clone());
    assert_eq!(json!(told), json!(["7", "pan", "a b c", "office", 5]));
    let without = import(&world, "?doc_type=pan", &parts[1..]).await;
    assert_eq!((without.status, without.data()["note"].clone()), (201, json!("")));
}

#[tokio::test]
async fn fields_in_the_wrong_place_and_wrong_values_are_refused_by_name() {
    let world = world().await;
    let file = [file("a", "x")];
    let wrong = async |query: &str, parts: &[String]| import(&world, query, parts).await.fields();
    for (query, named) in [
        ("", vec!["doc_type"]),
        ("?note=x", vec!["doc_type"]),
        ("?doc_type=", vec!["doc_type"]),
        ("?doc_type=poem", vec!["doc_type"]),
        ("?doc_type=PAN", vec!["doc_type"]),
        ("?doc_type=pan&doc_type=pan", vec!["doc_type"]),
        ("?doc_type=pan&doc%5Ftype=photo", vec!["doc_type"]),
        ("?doc_type=pan&colour=red", vec!["colour"]),
        ("?doc_type=pan&from=office", vec!["from"]),
        ("?doc_type=pan&id=8", vec!["id"]),
        ("?doc_type=pan&file=x", vec!["file"]),
        ("?doc_type=pan&note=a%0Ab", vec!["note"]),
        ("?doc_type=pan&note=a%C2%85b", vec!["note"]),
        (
            "?doc_type=poem&colour=red&note=a%1B",
            vec!["doc_type", "colour", "note"],
        ),
    ] {
        assert_eq!(wrong(query, &file).await, named, "{query}");
    }
    let long = format!("?doc_type=pan&note={}", "x".repeat(4097));
    assert_eq!(wrong(&long, &file).await, ["note"]);
    let in_form = [field("doc_type", "pan"), file[0].clone()];
    assert_eq!(wrong("", &in_form).await, ["doc_type"]);
    assert_eq!(wrong("?doc_type=pan", &in_form).await, ["doc_type"]);
    assert_eq!(world.seen.uploads_whole.load(Ordering::SeqCst), 0);
    // And what is declared for the form stays out of the query.
    let request = world.http.post(world.url("/api/v1/things/7/file?doc_type=pan"));
    let body = format!("{}--edge--\r\n", file[0]);
    let answer = Answer::of(request.header("content-type", FORM).body(body)).await;
    assert_eq!(answer.fields(), ["doc_type"]);
}

#[tokio::test]
async fn the_key_of_a_creation_is_passed_on_with_its_file() {
    let world = world().await;
    let upload = |key: &str| {
        let body = format!("{}{}--edge--\r\n", field("doc_type", "pan"), file("a", "x"));
        let request = world.http.post(world.url("/api/v1/things/7/file"));
        Answer::of(
            request
                .header("content-type", FORM)
                .header("idempotency-key", key)
                .body(body),
        )
    };
    assert_eq!(upload("key-1").await.data()["idempotency_key"], "key-1");
    let wrong = upload(&"k".repeat(300)).await;
    assert_eq!(wrong.fields(), ["Idempotency-Key"]);
    assert_eq!(world.seen.uploads_whole.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn forms_that_do_not_fit_are_refused_by_name() {
    let world = world().await;
    let fields = async |parts: &[String]| send(&world, parts).await.fields();
    let (photo, file) = (field("doc_type", "photo"), file("a", "x"));
    assert_eq!(fields(std::slice::from_ref(&file)).await, ["doc_type"]);
    assert_eq!(fields(std::slice::from_ref(&photo)).await, ["file"]);
    assert_eq!(fields(&[field("doc_type", "poem"), file.clone()]).await, ["doc_type"]);
    assert_eq!(
        fields(&[photo.clone(), photo.clone(), file.clone()]).await,
        ["doc_type"]
    );
    assert_eq!(
        fields(&[photo.clone(), field("colour", "red"), file.clone()]).await,
        ["colour"]
    );
    assert_eq!(fields(&[photo.clone(), field("id", "8"), file.clone()]).await, ["id"]);
    assert_eq!(fields(&[photo.clone(), file.clone(), file.clone()]).await, ["file"]);
    assert_eq!(
        fields(&[photo.clone(), field("note", &"x".repeat(5000)), file.clone()]).await,
        ["note"]
    );
    let large = crate::uploads::file("a", &"x".repeat(200_000));
    assert_eq!(fields(&[large.clone(), photo.clone()]).await, ["doc_type"]);
    assert_eq!(fields(&[photo.clone(), large, field("note", "late")]).await, ["note"]);
    let url = world.url("/api/v1/things/7/file");
    let answer = Answer::of(world.http.post(&url).json(&json!({}))).await;
    assert_eq!((answer.status, answer.code().as_str()), (415, "UNSUPPORTED_MEDIA_TYPE"));
    let answer = Answer::of(world.http.post(&url).header("content-type", FORM).body("nonsense")).await;
    assert_eq!(answer.fields(), ["body"]);
    assert_eq!(
        world.seen.uploads_whole.load(Ordering::SeqCst),
        0,
        "nothing incomplete passed for whole"
    );
    // A rule of the service refuses, in the midst of a file.
    let answer = send(
        &world,
        &[
            photo,
            field("note", "refuse"),
            crate::uploads::file("a", &"x".repeat(200_000)),
        ],
    )
    .await;
    assert_eq!((answer.status, answer.code().as_str()), (422, "NOT_NOW"));
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_and_never_looks_whole() {
    let world = world_with(|config| config.sizes.upload = 300_000).await;
    let sized = |bytes: usize| [field("doc_type", "pan"), file("a", &"x".repeat(bytes))];
    assert_eq!(send(&world, &sized(300_000)).await.data()["bytes"], 300_000);
    assert_eq!(send(&world, &sized(300_001)).await.code(), "PAYLOAD_TOO_LARGE");
    assert_eq!(send(&world, &sized(3_000_000)).await.status, 413);
    // Without a length said in advance.
    let pieces = stream::iter([field("doc_type", "pan"), file_head("a")]).map(Bytes::from);
    let pieces = pieces
        .chain(stream::repeat(Bytes::from(vec![b'x'; 50_000])).take(20))
        .map(Ok::<_, io::Error>);
    let request = world
        .http
        .post(world.url("/api/v1/things/7/file"))
        .header("content-type", FORM);
    assert_eq!(Answer::of(request.body(Body::wrap_stream(pieces))).await.status, 413);
    assert_eq!(world.seen.uploads_whole.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_client_that_breaks_off_leaves_no_whole_file() {
    let world = world().await;
    let mut connection = TcpStream::connect(world.address).await.unwrap();
    let head = format!(
        "POST /api/v1/things/7/file HTTP/1.1\r\nhost: x\r\ncontent-type: {FORM}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    let body = format!("{}{}{}", field("doc_type", "pan"), file_head("a"), "x".repeat(200_000));
    connection
        .write_all(format!("{:x}\r\n{body}\r\n", body.len()).as_bytes())
        .await
        .unwrap();
    until("the file begins", || {
        world.seen.uploaded.load(Ordering::SeqCst) > 100_000
    })
    .await;
    drop(connection);
    until("the service hears of it", || {
        world.seen.uploads_broken.load(Ordering::SeqCst) == 1
    })
    .await;
    assert_eq!(world.seen.uploads_whole.load(Ordering::SeqCst), 0);
}

/// Kilobytes of memory that this process holds now.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn two_hundred_megabytes_pass_through_constant_memory() {
    const PIECE: u64 = 64 * 1024;
    const PIECES: u64 = 3200;
    let world = world_with(|config| config.sizes.upload = 1_000_000_000).await;
    let sent = Arc::new(AtomicU64::new(0));
    let (counter, seen) = (sent.clone(), world.seen.clone());
    let most = Arc::new(AtomicU64::new(0));
    let highest = most.clone();
    let piece = Bytes::from(vec![7; usize::try_from(PIECE).unwrap()]);
    let data = stream::repeat(piece)
        .take(usize::try_from(PIECES).unwrap())
        .inspect(move |_| {
            let sent = counter.fetch_add(PIECE, Ordering::SeqCst);
            highest.fetch_max(
                sent.saturating_sub(seen.uploaded.load(Ordering::SeqCst)),
                Ordering::SeqCst,
            );
        });
    let before = stream::iter([field("doc_type", "pan"), file_head("a")]).map(Bytes::from);
    let after = stream::iter([Bytes::from("\r\n--edge--\r\n")]);
    let body = Body::wrap_stream(before.chain(data).chain(after).map(Ok::<_, io::Error>));

    // The service does not read at first: the client must be held back, not memory filled.
    world.seen.hold_uploads.store(true, Ordering::SeqCst);
    let memory = resident();
    let request = world
        .http
        .post(world.url("/api/v1/things/7/file"))
        .header("content-type", FORM)
        .body(body);
    let upload = tokio::spawn(Answer::of(request));
    let (mut known, mut quiet) = (0, 0);
    until("the client is held back", || {
        let now = sent.load(Ordering::SeqCst);
        quiet = if now == known && now > 0 { quiet + 1 } else { 0 };
        known = now;
        quiet > 40
    })
    .await;
    world.seen.hold_uploads.store(false, Ordering::SeqCst);
    let mut peak = resident();
    while !upload.is_finished() {
        peak = peak.max(resident());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(upload.await.unwrap().data()["bytes"], PIECE * PIECES);
    let most = most.load(Ordering::SeqCst);
    println!(
        "at most {most} bytes under way; memory grew by {} KiB",
        peak.saturating_sub(memory)
    );
    // Sockets of the system hold some megabytes on either side; the gateway adds little to them.
    assert!(most < 24 * 1024 * 1024, "{most} bytes were under way");
}
