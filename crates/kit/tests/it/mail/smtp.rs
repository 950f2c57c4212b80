//! What only SMTP does, and what it does on a bad day.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use kit::{
    mail::{Letter, Mail},
    port::PortError,
};

use super::{
    letter, open,
    smtp_server::{Manners, PASSWORD, SmtpServer},
};

async fn by_smtp(url: &str) -> Result<Arc<dyn Mail>, String> {
    open(url, Path::new("unused")).await.map_err(|error| {
        assert!(!error.to_string().contains(PASSWORD), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
        error.why
    })
}

#[tokio::test]
async fn the_envelope_names_sender_and_recipient() {
    let server = SmtpServer::start().await;
    let mail = by_smtp(&server.url("")).await.unwrap();
    mail.send(&letter("x")).await.unwrap();
    let [received] = &server.letters()[..] else {
        panic!("one letter")
    };
    assert_eq!(received.from, "hostelpulse@localhost");
    assert_eq!(received.to, ["asha@example.org"]);
}

#[tokio::test]
async fn one_connection_serves_letter_after_letter() {
    let server = SmtpServer::start().await;
    let mail = by_smtp(&server.url("")).await.unwrap();
    for _ in 0..3 {
        mail.send(&letter("x")).await.unwrap();
    }
    mail.ping().await.unwrap();
    assert_eq!(server.letters().len(), 3);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_wrong_password_stops_the_start_with_one_sentence() {
    let server = SmtpServer::start().await;
    let url = server.url("").replace("desk:p", "desk:wrong");
    let why = by_smtp(&url).await.err().unwrap();
    assert_eq!(
        why,
        "the server does not accept the user name and password: permanent error (535): 5.7.8 not you, (address)"
    );
}

#[tokio::test]
async fn tls_that_is_required_and_not_offered_stops_the_start_before_the_password_is_sent() {
    let server = SmtpServer::start().await;
    let why = by_smtp(&server.url("tls=required")).await.err().unwrap();
    assert_eq!(why, "the server offers no TLS, which is required here");
    assert!(!server.commands().contains(&"AUTH".to_owned()));
}

#[tokio::test]
async fn tls_that_is_offered_and_fails_is_not_done_without() {
    let server = SmtpServer::start().await;
    server.behave(Manners {
        offers_broken_tls: true,
        ..Manners::default()
    });
    let mail = by_smtp(&server.url("")).await.unwrap();
    let error = mail.send(&letter("x")).await.unwrap_err();
    assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
    assert!(!server.commands().contains(&"AUTH".to_owned()));

    let plain = by_smtp(&server.url("tls=none")).await.unwrap();
    plain.send(&letter("x")).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_away_does_not_stop_the_start() {
    let mut server = SmtpServer::start().await;
    server.stop().await;
    let mail = by_smtp(&server.url("")).await.unwrap();
    let error = mail.ping().await.unwrap_err();
    assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
    server.start_again().await;
    mail.ping().await.unwrap();
}

#[tokio::test]
async fn a_server_that_goes_is_unavailable_and_works_when_it_is_back() {
    let mut server = SmtpServer::start().await;
    let mail = by_smtp(&server.url("")).await.unwrap();
    mail.send(&letter("before")).await.unwrap();
    server.stop().await;
    let began = Instant::now();
    let error = mail.send(&letter("away")).await.unwrap_err();
    assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(5));
    server.start_again().await;
    mail.send(&letter("after")).await.unwrap();
    assert_eq!(server.letters().len(), 2);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_not_waited_for_and_its_connection_is_not_used_again() {
    for place in ["", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."] {
        let server = SmtpServer::start().await;
        let mail = by_smtp(&server.url("time_limit=300ms")).await.unwrap();
        // The first connection is busy no more but kept: silence from its next command on, and on every new one.
        server.behave(Manners {
            silent_at: Some(place),
            ..Manners::default()
        });
        if matches!(place, "" | "EHLO" | "AUTH") {
            // Only a new connection gets so far: take the kept one out of the way.
            server.behave(Manners {
                silent_at: Some("NOOP"),
                ..Manners::default()
            });
            mail.ping().await.unwrap_err();
            server.behave(Manners {
                silent_at: Some(place),
                ..Manners::default()
            });
        }
        let began = Instant::now();
        let error = mail.send(&letter("lost")).await.unwrap_err();
        assert!(matches!(error, PortError::TimedOut { .. }), "{place}: {error}");
        assert!(began.elapsed() < Duration::from_secs(5));

        server.behave(Manners::default());
        let before = server.connections();
        mail.send(&letter("found")).await.unwrap();
        assert_eq!(server.connections(), before + 1, "{place}");
        let [received] = &server.letters()[..] else {
            panic!("one letter: {place}")
        };
        assert!(received.data.contains("Subject: found"), "{place}");
    }
}

#[tokio::test]
async fn a_refusal_for_now_is_told_from_one_for_ever() {
    let server = SmtpServer::start().await;
    let mail = by_smtp(&server.url("")).await.unwrap();
    for verb in ["MAIL", "RCPT", "DATA"] {
        server.behave(Manners {
            answers: Some((verb, "451 4.7.1 later")),
            ..Manners::default()
        });
        let error = mail.send(&letter("x")).await.unwrap_err();
        assert!(matches!(error, PortError::Unavailable { .. }), "{verb}: {error}");
        server.behave(Manners {
            answers: Some((verb, "550 5.1.1 <asha@example.org> is unknown")),
            ..Manners::default()
        });
        let error = mail.send(&letter("x")).await.unwrap_err();
        assert!(matches!(error, PortError::Refused { .. }), "{verb}: {error}");
        assert_eq!(
            error.to_string(),
            "mail refuses: permanent error (550): 5.1.1 (address) is unknown"
        );
    }
    server.behave(Manners::default());
    mail.send(&letter("x")).await.unwrap();
    assert_eq!(server.letters().len(), 1);
}

#[tokio::test]
async fn a_letter_that_is_given_up_on_spoils_no_other() {
    let server = SmtpServer::start().await;
    let mail = by_smtp(&server.url("")).await.unwrap();
    server.behave(Manners {
        silent_at: Some("."),
        ..Manners::default()
    });
    let lost = letter("lost");
    let given_up = tokio::time::timeout(Duration::from_millis(300), mail.send(&lost)).await;
    assert!(given_up.is_err());
    server.behave(Manners::default());
    let found = Letter {
        text: "found".to_owned(),
        ..letter("found")
    };
    mail.send(&found).await.unwrap();
    let [received] = &server.letters()[..] else {
        panic!("one letter")
    };
    assert!(received.data.trim_end().ends_with("\r\n\r\nfound"), "{}", received.data);
}
