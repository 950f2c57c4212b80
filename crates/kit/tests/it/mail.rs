//! Both ways of mail hand over the same letter; what each adds is tested beside it.

mod folder;
mod smtp;
mod smtp_server;

use std::{fs, path::Path};

use kit::{
    Clock,
    mail::{self, Letter, Mail},
    port::PortError,
};
use tempfile::TempDir;
use url::Url;

use self::smtp_server::SmtpServer;
use crate::log::Heard;

fn letter(subject: &str) -> Letter {
    Letter {
        id: Clock::system().new_id(),
        to: "asha@example.org".to_owned(),
        subject: subject.to_owned(),
        text: "Your code is 123456.\n.\n..\nIt ends in 10 minutes.\n".to_owned(),
        html: None,
    }
}

async fn open(url: &str, folder: &Path) -> Result<std::sync::Arc<dyn Mail>, kit::port::OpenError> {
    mail::open(&Url::parse(url).unwrap(), folder, Clock::system()).await
}

/// The letters of a folder, by their names.
fn letters_in(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names.iter().map(|name| fs::read_to_string(name).unwrap()).collect()
}

/// Checks a way of mail, and what came out of it at the other end.
async fn on_every_way(check: impl AsyncFn(&dyn Mail, &dyn Fn() -> Vec<String>)) {
    let folder = TempDir::new().unwrap();
    let mail = open("log://?from=Hostel <desk@example.org>", folder.path())
        .await
        .unwrap();
    println!("in a folder");
    check(&*mail, &|| letters_in(folder.path())).await;

    let server = SmtpServer::start().await;
    let mail = open(&server.url("from=Hostel <desk@example.org>"), folder.path())
        .await
        .unwrap();
    println!("by SMTP");
    check(&*mail, &|| server.letters().into_iter().map(|one| one.data).collect()).await;
}

#[tokio::test]
async fn a_letter_arrives_as_it_was_written() {
    on_every_way(async |mail, arrived| {
        let letter = letter("Your code");
        mail.send(&letter).await.unwrap();
        let [message] = &arrived()[..] else {
            panic!("one letter")
        };
        let (head, body) = message.split_once("\r\n\r\n").unwrap();
        let head: Vec<_> = head.split("\r\n").collect();
        assert!(head.contains(&"From: Hostel <desk@example.org>"), "{head:?}");
        assert!(head.contains(&"To: asha@example.org"), "{head:?}");
        assert!(head.contains(&"Subject: Your code"), "{head:?}");
        let id = format!("Message-ID: <{}@example.org>", letter.id);
        assert!(head.contains(&&*id), "{head:?}");
        assert_eq!(body.trim_end(), letter.text.replace('\n', "\r\n").trim_end());
    })
    .await;
}

#[tokio::test]
async fn a_letter_has_its_text_and_its_html_side_by_side() {
    on_every_way(async |mail, arrived| {
        let letter = Letter {
            text: "नमस्ते".to_owned(),
            html: Some("<p>Welcome</p>".to_owned()),
            ..letter("स्वागत है")
        };
        mail.send(&letter).await.unwrap();
        let [message] = &arrived()[..] else {
            panic!("one letter")
        };
        assert!(message.is_ascii(), "encoded for the way: {message}");
        for expected in [
            "Content-Type: multipart/alternative",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Type: text/html; charset=utf-8",
            "<p>Welcome</p>",
            "Subject: =?utf-8?",
        ] {
            assert!(message.contains(expected), "{expected}: {message}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_letter_with_more_than_a_letter_in_it_is_refused() {
    on_every_way(async |mail, arrived| {
        for hostile in [
            Letter {
                subject: "x\r\nBcc: all@example.org".to_owned(),
                ..letter("")
            },
            Letter {
                to: "a@example.org>\r\nRCPT TO:<b@example.org".to_owned(),
                ..letter("x")
            },
            Letter {
                to: "a@example.org, b@example.org".to_owned(),
                ..letter("x")
            },
        ] {
            let error = mail.send(&hostile).await.unwrap_err();
            assert!(matches!(error, PortError::Refused { .. }), "{error}");
            assert!(!error.to_string().contains("example.org"), "{error}");
        }
        assert!(arrived().is_empty());
    })
    .await;
}

#[tokio::test]
async fn many_letters_at_once_all_arrive() {
    on_every_way(async |mail, arrived| {
        let letters: Vec<_> = (0..20).map(|number| letter(&format!("Letter {number}"))).collect();
        let sent = futures_util::future::join_all(letters.iter().map(|letter| mail.send(letter))).await;
        assert!(sent.iter().all(Result::is_ok), "{sent:?}");
        let all = arrived().concat();
        assert_eq!(arrived().len(), letters.len());
        for letter in &letters {
            assert!(
                all.contains(&format!("Subject: {}\r\n", letter.subject)),
                "{}",
                letter.subject
            );
        }
        mail.ping().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_url_that_does_not_fit_is_said_in_one_sentence() {
    let folder = TempDir::new().unwrap();
    let why = async |url: &str| open(url, folder.path()).await.err().unwrap().why;
    let address = "from must be an address, or a name and an address: Name <name@example.org>";
    assert_eq!(why("log://?from=nobody").await, address);
    assert_eq!(why("smtp://127.0.0.1?from=a@b%0d%0aBcc: c@d").await, address);
    assert_eq!(why("smtp://127.0.0.1?tls=maybe").await, "tls must be required or none");
    assert_eq!(
        why("smtps://127.0.0.1?tls=none").await,
        "tls must be left out: smtps:// is always TLS"
    );
    assert_eq!(why("smtp:///x").await, "expected smtp://user:password@host:port");
    assert_eq!(
        why("smtp://127.0.0.1?form=a@b").await,
        "unknown parameter \"form\", expected one of from, tls, time_limit"
    );
    assert_eq!(
        why("pop://127.0.0.1").await,
        "unknown scheme \"pop\", expected one of log, smtp, smtps"
    );
}

#[tokio::test]
async fn the_log_says_nothing_of_what_was_written_to_whom() {
    let heard = Heard::listen();
    on_every_way(async |mail, _| mail.send(&letter("A secret subject")).await.unwrap()).await;
    let text = heard.text();
    assert!(text.contains(".eml"), "{text}");
    for private in ["asha", "example.org", "secret", "123456"] {
        assert!(!text.contains(private), "{private}: {text}");
    }
}
