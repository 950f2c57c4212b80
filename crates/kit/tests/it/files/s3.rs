//! What only S3 does, and what it does on a bad day.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use kit::{
    files::{self, Files},
    port::PortError,
};
use url::Url;

use super::{
    MIB, eventually, key,
    s3_server::{ACCESS_KEY, S3Server, SECRET_KEY},
    streams::{digest_of, generated, read_all, text},
};

/// What one part and the buffers of the connection hold; far less than the file.
const IN_FLIGHT: u64 = 16 * MIB;

async fn open(server: &S3Server) -> Arc<dyn Files> {
    files::open(&server.url("")).await.unwrap()
}

async fn why_not_open(url: &Url) -> String {
    let error = files::open(url).await.err().unwrap();
    assert!(!error.to_string().contains(SECRET_KEY), "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
    error.why
}

#[tokio::test]
async fn a_large_file_goes_up_and_down_in_parts() {
    let server = S3Server::start().await;
    let files = open(&server).await;
    let sent = server.gate.sent();
    let body = generated(40 * MIB, move |made| {
        assert!(made.saturating_sub(sent()) <= IN_FLIGHT, "{made} made, {} sent", sent());
    });
    files.put(&key("large"), "text/plain", body).await.unwrap();

    let before = server.gate.received()();
    let received = server.gate.received();
    let object = files.get(&key("large")).await.unwrap().unwrap();
    let mut read = 0;
    let watched = object.body.inspect(move |piece| {
        let ahead = (received() - before).saturating_sub(read);
        assert!(ahead <= IN_FLIGHT, "{ahead} bytes are held");
        read += piece.as_ref().unwrap().len() as u64;
    });
    let digest = read_all(watched.boxed()).await.unwrap();
    assert_eq!(digest, digest_of(generated(40 * MIB, |_| {})).await);
    assert_eq!(server.unfinished_uploads(), 0);
}

#[tokio::test]
async fn an_upload_that_fails_or_is_given_up_on_is_taken_back() {
    let server = S3Server::start().await;
    let files = open(&server).await;
    let lost = stream::once(async { Err(io::Error::other("gone")) });
    let body = generated(20 * MIB, |_| {}).chain(lost).boxed();
    files.put(&key("a"), "text/plain", body).await.unwrap_err();
    eventually("no part left of the failed one", || server.unfinished_uploads() == 0).await;

    let body = generated(20 * MIB, |_| {}).chain(stream::pending()).boxed();
    let putting = {
        let files = files.clone();
        tokio::spawn(async move { files.put(&key("a"), "text/plain", body).await })
    };
    eventually("a part", || server.unfinished_uploads() > 0).await;
    putting.abort();
    eventually("no part left of the one given up on", || {
        server.unfinished_uploads() == 0
    })
    .await;
    assert!(files.get(&key("a")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_body_that_stalls_is_not_waited_for() {
    let server = S3Server::start().await;
    let files = open(&server).await;
    tokio::time::pause();
    let body = text("half").chain(stream::pending()).boxed();
    let error = files.put(&key("a"), "text/plain", body).await.unwrap_err();
    assert!(error.to_string().contains("nothing came for 30s"), "{error}");
}

#[tokio::test]
async fn a_signed_url_gives_the_file_to_a_stranger_as_a_download() {
    let server = S3Server::start().await;
    let files = open(&server).await;
    let receipt = key("r/1.pdf");
    files.put(&receipt, "application/pdf", text("receipt")).await.unwrap();
    let url = files.signed_url(&receipt, "R\u{e9}\u{e7}u \"1\".pdf", Duration::from_mins(1));
    let url = url.await.unwrap().unwrap();
    let answer = fetch(url.clone()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers()["content-disposition"],
        "attachment; filename=\"R__u _1_.pdf\"; filename*=UTF-8''R%C3%A9%C3%A7u%20%221%22.pdf"
    );
    assert_eq!(answer.text().await.unwrap(), "receipt");

    let other = url.as_str().replace("1.pdf?", "2.pdf?");
    assert_eq!(fetch(other).await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_signed_url_names_the_server_as_clients_reach_it() {
    let server = S3Server::start().await;
    let url = server.url("&public_endpoint=https://files.example.org");
    let files = files::open(&url).await.unwrap();
    let signed = files
        .signed_url(&key("a"), "a", Duration::from_mins(1))
        .await
        .unwrap()
        .unwrap();
    assert!(
        signed.as_str().starts_with("https://files.example.org/hostel/a?"),
        "{signed}"
    );
}

#[tokio::test]
async fn a_url_that_does_not_fit_is_said_in_one_sentence() {
    let server = S3Server::start().await;
    let url = |change: (&str, &str)| Url::parse(&server.url("").as_str().replace(change.0, change.1)).unwrap();
    assert_eq!(
        why_not_open(&url((SECRET_KEY, "wrong"))).await,
        "the server refuses the secret key"
    );
    assert_eq!(
        why_not_open(&url((ACCESS_KEY, "WRONG"))).await,
        "the server does not know the access key"
    );
    assert_eq!(
        why_not_open(&url(("s3://hostel", "s3://other"))).await,
        "the bucket does not exist"
    );
}

#[tokio::test]
async fn nobody_at_the_endpoint_is_said_at_once() {
    let mut server = S3Server::start().await;
    server.gate.shut().await;
    let began = Instant::now();
    let why = why_not_open(&server.url("")).await;
    assert!(why.starts_with("the server cannot be reached: "), "{why}");
    assert!(why.contains("refused"), "{why}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_server_that_goes_is_unavailable_and_works_when_it_is_back() {
    let mut server = S3Server::start().await;
    let files = open(&server).await;
    let name = key("a");
    files.put(&name, "text/plain", text("x")).await.unwrap();

    server.gate.shut().await;
    let began = Instant::now();
    for error in [
        files.put(&name, "text/plain", text("y")).await.unwrap_err(),
        files
            .put(&name, "text/plain", generated(20 * MIB, |_| {}))
            .await
            .unwrap_err(),
        files.get(&name).await.err().unwrap(),
        files.delete(&name).await.unwrap_err(),
        files.list("", None, 10).await.unwrap_err(),
        files.ping().await.unwrap_err(),
    ] {
        assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
    }
    assert!(began.elapsed() < Duration::from_secs(5));

    server.gate.open();
    files.ping().await.unwrap();
    let object = files.get(&name).await.unwrap().unwrap();
    assert_eq!(read_all(object.body).await.unwrap(), digest_of(text("x")).await);
    files.put(&name, "text/plain", text("y")).await.unwrap();
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_not_waited_for() {
    let server = S3Server::start().await;
    let files = files::open(&server.url("&time_limit=1s")).await.unwrap();
    let name = key("a");
    files.put(&name, "text/plain", text("x")).await.unwrap();
    server.gate.silence();
    let began = Instant::now();
    let (put, get, delete, list, ping) = tokio::join!(
        files.put(&name, "text/plain", text("y")),
        files.get(&name),
        files.delete(&name),
        files.list("", None, 10),
        files.ping(),
    );
    // What has a body is given up by the wire, which may see it first of the others too.
    for error in [
        put.unwrap_err(),
        get.err().unwrap(),
        delete.unwrap_err(),
        list.unwrap_err(),
        ping.unwrap_err(),
    ] {
        let is_late = matches!(error, PortError::TimedOut { .. }) || error.to_string().contains("stood still for 1s");
        assert!(is_late, "{error}");
    }
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(why_not_open(&server.url("&time_limit=1s")).await.contains("1s"));

    server.gate.open_up();
    files.ping().await.unwrap();
}

/// The whole takes longer than a server may stand still, and the server never does. What the system holds of a request for
/// the server, some five mebibytes, passes within the limit of four seconds.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_slow_and_gets_on_is_waited_for() {
    let server = S3Server::start().await;
    let files = open(&server).await;
    server.gate.slow_down(3 * MIB);
    let (length, began) = (15 * MIB, Instant::now());
    let stored = files.put(&key("slow"), "text/plain", generated(length, |_| {})).await;
    assert_eq!(stored.unwrap(), length);
    assert!(began.elapsed() > Duration::from_secs(4), "{:?}", began.elapsed());
}

/// A socket that takes connections, and nothing of what is sent on them.
#[tokio::test]
async fn a_server_that_hangs_in_an_upload_is_given_up_within_five_seconds() {
    let server = S3Server::start().await;
    let files = open(&server).await;
    server.gate.silence();
    for length in [MIB, 20 * MIB] {
        let began = Instant::now();
        let error = files
            .put(&key("a"), "text/plain", generated(length, |_| {}))
            .await
            .unwrap_err();
        let took = began.elapsed();
        assert_eq!(kit::Fault::from(error).kind, kit::fault::Kind::Unavailable);
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    server.gate.open_up();
    let gate = &server.gate;
    let sent = gate.sent();
    let before = sent();
    let body = generated(50 * MIB, |_| {});
    let name = key("a");
    let (outcome, silent_since) = tokio::join!(files.put(&name, "text/plain", body), async {
        eventually("the middle of the upload", || sent() - before > 20 * MIB).await;
        gate.silence();
        Instant::now()
    });
    let took = silent_since.elapsed();
    assert_eq!(
        kit::Fault::from(outcome.unwrap_err()).kind,
        kit::fault::Kind::Unavailable
    );
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_download_that_stalls_fails_and_one_that_breaks_off_is_noticed() {
    let mut server = S3Server::start().await;
    let files = files::open(&server.url("&time_limit=1s")).await.unwrap();
    let patient = open(&server).await;
    patient
        .put(&key("a"), "text/plain", generated(40 * MIB, |_| {}))
        .await
        .unwrap();

    let mut object = files.get(&key("a")).await.unwrap().unwrap();
    object.body.next().await.unwrap().unwrap();
    server.gate.silence();
    let error = read_all(object.body).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");

    server.gate.open_up();
    let mut object = files.get(&key("a")).await.unwrap().unwrap();
    object.body.next().await.unwrap().unwrap();
    server.gate.shut().await;
    read_all(object.body).await.unwrap_err();
}

async fn fetch(url: impl reqwest::IntoUrl) -> reqwest::Result<reqwest::Response> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(std::time::Duration::from_secs(20))
        .build()?;
    client.get(url).send().await
}
