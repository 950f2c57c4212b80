//! What only FCM does, and what it does on a bad day.

use std::time::{Duration, Instant};

use kit::{Clock, port::PortError, push::Delivery};
use serde_json::json;

use super::{
    google::{EMAIL, Google, file_with, key_file},
    notice, open,
};

#[tokio::test]
async fn a_notice_is_written_as_fcm_wants_it() {
    let google = Google::start().await;
    let push = open(&google.url(""), &google.clock).await.unwrap();
    push.send(&notice("phone")).await.unwrap();
    let expected = json!({"message": {
        "token": "phone",
        "notification": {"title": "Leave approved", "body": "Your leave from 3 to 5 March is approved"},
        "data": {"leave_id": "42"},
    }});
    assert_eq!(google.messages(), [expected]);
}

#[tokio::test]
async fn one_token_serves_many_notices_until_it_ends() {
    let google = Google::start().await;
    let push = open(&google.url(""), &google.clock).await.unwrap();
    let notices: Vec<_> = (0..20).map(|number| notice(&format!("phone-{number}"))).collect();
    let sent = futures_util::future::join_all(notices.iter().map(|notice| push.send(notice))).await;
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    assert_eq!(google.given(), 1, "senders at once fetch one token");

    google.clock.advance(chrono::Duration::minutes(58));
    push.send(&notice("phone")).await.unwrap();
    assert_eq!(google.given(), 1);
    google.clock.advance(chrono::Duration::seconds(61));
    push.send(&notice("phone")).await.unwrap();
    assert_eq!(google.given(), 2, "renewed before its last minute");
    google.clock.advance(chrono::Duration::days(3));
    push.send(&notice("phone")).await.unwrap();
    assert_eq!(google.given(), 3);
    assert_eq!(google.sends(), 23, "no send was refused on the way");
}

#[tokio::test]
async fn a_token_that_was_taken_back_is_replaced_once() {
    let google = Google::start().await;
    let push = open(&google.url(""), &google.clock).await.unwrap();
    push.send(&notice("phone")).await.unwrap();
    google.take_back_all_tokens();
    assert_eq!(push.send(&notice("phone")).await.unwrap(), Delivery::Accepted);
    assert_eq!((google.given(), google.sends()), (2, 3));

    google.trust_nobody();
    let error = push.send(&notice("phone")).await.unwrap_err();
    assert!(matches!(error, PortError::Refused { .. }), "{error}");
    assert_eq!((google.given(), google.sends()), (3, 5));
}

#[tokio::test]
async fn what_google_says_is_what_became_of_the_notice() {
    let google = Google::start().await;
    let push = open(&google.url(""), &google.clock).await.unwrap();
    assert_eq!(push.send(&notice("gone")).await.unwrap(), Delivery::DeviceGone);
    for device in ["busy", "too-many", "flood"] {
        let error = push.send(&notice(device)).await.unwrap_err();
        assert!(matches!(error, PortError::Unavailable { .. }), "{device}: {error}");
    }
    for device in ["malformed", "proxy"] {
        let error = push.send(&notice(device)).await.unwrap_err();
        assert!(matches!(error, PortError::Refused { .. }), "{device}: {error}");
    }
    assert_eq!(push.send(&notice("phone")).await.unwrap(), Delivery::Accepted);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_not_waited_for() {
    let google = Google::start().await;
    let push = open(&google.url("&time_limit=1s"), &google.clock).await.unwrap();
    push.send(&notice("phone")).await.unwrap();
    let began = Instant::now();
    let error = push.send(&notice("slow")).await.unwrap_err();
    assert!(matches!(error, PortError::TimedOut { .. }), "{error}");
    assert_eq!(push.send(&notice("phone")).await.unwrap(), Delivery::Accepted);

    google.take_back_all_tokens();
    google.delay_tokens(Duration::from_mins(1));
    let notices = [notice("a"), notice("b")];
    let sent = futures_util::future::join_all(notices.iter().map(|notice| push.send(notice))).await;
    for outcome in sent {
        assert!(matches!(outcome, Err(PortError::TimedOut { .. })), "{outcome:?}");
    }
    google.delay_tokens(Duration::ZERO);
    push.send(&notice("phone")).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn nobody_there_is_unavailable_at_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let file = key_file(EMAIL);
    let path = file.path().display();
    let url = format!("fcm://test-project?credentials={path}&endpoint=http://{free}&token_uri=http://{free}/token");
    let push = open(&url, &Clock::system()).await.unwrap();
    let began = Instant::now();
    let error = push.send(&notice("phone")).await.unwrap_err();
    assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_account_that_google_does_not_know_is_refused() {
    let google = Google::start().await;
    let stranger = key_file("stranger@example.org");
    let push = open(&google.url_with(&stranger, ""), &google.clock).await.unwrap();
    let error = push.send(&notice("phone")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "push refuses: the token server answered 400 invalid_grant to the service account"
    );
    assert_eq!(google.sends(), 0);
}

#[tokio::test]
async fn credentials_that_cannot_be_used_are_said_in_one_sentence() {
    let why = async |url: &str| {
        let error = open(url, &Clock::system()).await.err().unwrap();
        assert!(!error.to_string().contains('\n'), "{error}");
        assert!(!error.to_string().contains("hush"), "{error}");
        error.why
    };
    assert_eq!(
        why("fcm://project?credentials=/no/such/file.json").await,
        "the credentials in /no/such/file.json cannot be read: No such file or directory (os error 2)"
    );
    for (text, expected) in [
        ("hush", "are not the JSON of a service account"),
        (
            r#"{"client_email": "a@b", "private_key": 5, "hush": 1}"#,
            "are not the JSON of a service account",
        ),
        (
            r#"{"client_email": "a@b", "private_key": "hush"}"#,
            "hold no RSA key in private_key",
        ),
    ] {
        let file = file_with(text);
        let why = why(&format!("fcm://project?credentials={}", file.path().display())).await;
        assert!(why.contains(expected), "{why}");
    }
    let file = key_file(EMAIL);
    let path = file.path().display();
    assert_eq!(
        why(&format!("fcm://?credentials={path}")).await,
        "expected fcm://project?credentials=…"
    );
    assert_eq!(
        why(&format!("fcm://p?credentials={path}&endpoint=ftp://x")).await,
        "endpoint must be an http:// or https:// URL"
    );
    assert_eq!(
        why(&format!("fcm://p?credentials={path}&token_uri=x")).await,
        "token_uri must be an http:// or https:// URL"
    );
}
