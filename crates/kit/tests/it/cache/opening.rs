//! A cache that cannot be used is one clear sentence at the start.

use std::time::{Duration, Instant};

use kit::{cache, testing::Server};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

const PASSWORD: &str = "hush-canary";

async fn refusal(url: &str) -> String {
    let opened = cache::open(&url.parse().expect("a URL")).await;
    opened.err().expect("it does not open").to_string()
}

/// A server that says the same to everything; to say nothing is to hang.
async fn stub(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut bytes = [0; 4096];
                while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {
                    // One answer for each command that came; a command starts with the number of its words.
                    let commands = bytes.split(|byte| *byte == b'*').count() - 1;
                    let said = stream.write_all(answer.repeat(commands).as_bytes()).await;
                    if said.is_err() {
                        return;
                    }
                    bytes.fill(0);
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn an_unknown_scheme_names_the_known_ones() {
    assert_eq!(
        refusal("memcached://127.0.0.1").await,
        "cache at memcached://127.0.0.1: unknown scheme \"memcached\", expected one of memory, redis, rediss"
    );
}

#[tokio::test]
async fn memory_opens() {
    let cache = cache::open(&"memory://".parse().unwrap()).await.unwrap();
    cache.ping().await.unwrap();
}

#[tokio::test]
async fn no_server_is_said() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = gone.local_addr().unwrap().port();
    drop(gone);
    assert_eq!(
        refusal(&format!("redis://:{PASSWORD}@127.0.0.1:{port}/0")).await,
        format!("cache at redis://:***@127.0.0.1:{port}/0: Connection refused (os error 111)")
    );
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let port = stub("").await;
    let started = Instant::now();
    assert_eq!(
        refusal(&format!("redis://127.0.0.1:{port}")).await,
        format!("cache at redis://127.0.0.1:{port}: it does not answer within 1s")
    );
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_refused_password_is_said_and_not_shown() {
    let port = stub("-WRONGPASS invalid username-password pair or user is disabled.\r\n").await;
    assert_eq!(
        refusal(&format!("redis://:{PASSWORD}@127.0.0.1:{port}")).await,
        format!("cache at redis://:***@127.0.0.1:{port}: it refuses the user or the password of the URL")
    );
}

#[tokio::test]
async fn passwords_wrong_missing_and_right_on_a_real_server() {
    let Some(server) = Server::redis(Some(PASSWORD)).await else {
        return;
    };
    let mut url = server.url();
    cache::open(&url).await.unwrap().ping().await.unwrap();
    url.set_password(Some("wrong-canary")).unwrap();
    let said = refusal(url.as_str()).await;
    assert!(
        said.ends_with(": it refuses the user or the password of the URL"),
        "{said}"
    );
    assert!(!said.contains("canary"), "{said}");
    url.set_password(None).unwrap();
    let said = refusal(url.as_str()).await;
    assert!(
        said.ends_with(": it asks for a password, and the URL has none"),
        "{said}"
    );
}

#[tokio::test]
async fn a_server_that_cannot_be_written_is_said() {
    let port = stub("-READONLY You can't write against a read only replica.\r\n").await;
    assert_eq!(
        refusal(&format!("redis://127.0.0.1:{port}")).await,
        format!("cache at redis://127.0.0.1:{port}: READONLY You can't write against a read only replica.")
    );
}

#[tokio::test]
async fn something_that_is_no_redis_is_an_error() {
    let port = stub("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let said = refusal(&format!("redis://127.0.0.1:{port}")).await;
    assert!(
        said.starts_with(&format!("cache at redis://127.0.0.1:{port}: ")),
        "{said}"
    );
}

#[tokio::test]
async fn tls_to_a_server_without_it_is_an_error() {
    let port = stub("-ERR what?\r\n").await;
    let said = refusal(&format!("rediss://127.0.0.1:{port}")).await;
    assert!(
        said.starts_with(&format!("cache at rediss://127.0.0.1:{port}: ")),
        "{said}"
    );
}
