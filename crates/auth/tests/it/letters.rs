//! Letters: sent once, sent again when the mail server was away, and never kept waiting for ever.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use chrono::{DateTime, Duration, Utc};
use futures_util::future::join_all;
use kit::{
    mail::{Letter, Mail},
    port::PortError,
};
use proto::options::Role;
use sea_orm::{ConnectionTrait as _, Statement, Value};

use crate::{
    hostel::{ADMIN, Hostel, code, config},
    mails::{code_in, process, until},
};

const NEXT: &str = "Copper#41kettle";

/// A mail server that does what it is told to.
#[derive(Default)]
struct Double {
    answer: Mutex<Answer>,
    tried: AtomicUsize,
    last: Mutex<Option<Letter>>,
    sent: Mutex<Vec<Letter>>,
}

#[derive(Clone, Copy, Default)]
enum Answer {
    #[default]
    Taken,
    Away,
    Refused,
}

#[async_trait::async_trait]
impl Mail for Double {
    async fn send(&self, letter: &Letter) -> Result<(), PortError> {
        self.tried.fetch_add(1, Ordering::SeqCst);
        *self.last.lock().unwrap() = Some(letter.clone());
        let (port, why) = ("mail", "told to".to_owned());
        match *self.answer.lock().unwrap() {
            Answer::Taken => {
                self.sent.lock().unwrap().push(letter.clone());
                Ok(())
            }
            Answer::Away => Err(PortError::Unavailable { port, why }),
            Answer::Refused => Err(PortError::Refused { port, why }),
        }
    }

    async fn ping(&self) -> Result<(), PortError> {
        Ok(())
    }
}

impl Double {
    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn sent(&self) -> Vec<Letter> {
        self.sent.lock().unwrap().clone()
    }

    /// Waits until it was tried so many times and what came of it is written down: the letter is put off, or gone.
    async fn tried(&self, hostel: &Hostel, times: usize) {
        until(&format!("try {times}"), async || {
            // In this order: a try that is counted has its lease already.
            let tried = self.tried.load(Ordering::SeqCst);
            let lease = hostel.world.clock.now() + Duration::seconds(60);
            let settled = not_before(hostel).await != Some(lease);
            (tried >= times && settled).then_some(())
        })
        .await;
        assert_eq!(self.tried.load(Ordering::SeqCst), times);
    }
}

async fn not_before(hostel: &Hostel) -> Option<DateTime<Utc>> {
    let sql = "SELECT not_before FROM letter";
    let statement = Statement::from_string(hostel.world.db.backend(), sql);
    let row = hostel.world.db.reader().query_one_raw(statement).await.unwrap();
    row.map(|row| row.try_get("", "not_before").unwrap())
}

#[tokio::test]
async fn a_letter_waits_for_the_mail_server_and_brings_a_code_of_its_own() {
    let mail = Arc::new(Double::default());
    mail.answers(Answer::Away);
    let hostel = Hostel::open_with_mail(mail.clone()).await;
    hostel.forgot(ADMIN).await;
    mail.tried(&hostel, 1).await;
    let lost = mail.last.lock().unwrap().clone().unwrap();
    // Asked for again, it is still one letter.
    hostel.forgot("ADMIN@hostel.example").await;
    mail.answers(Answer::Taken);
    hostel.world.clock.advance(Duration::seconds(13));
    hostel.no_letter_waits().await;
    let sent = mail.sent();
    assert_eq!(sent.len(), 1);
    assert_ne!(sent[0].id, lost.id, "another code is another letter");
    let (first, second) = (code_in(&lost.text), code_in(&sent[0].text));
    if first != second {
        assert_eq!(code(hostel.reset(ADMIN, &first, NEXT).await).1, "OTP_INVALID");
    }
    hostel.reset(ADMIN, &second, NEXT).await.unwrap();
}

#[tokio::test]
async fn after_five_tries_a_letter_is_given_up() {
    let mail = Arc::new(Double::default());
    mail.answers(Answer::Away);
    let hostel = Hostel::open_with_mail(mail.clone()).await;
    hostel.forgot(ADMIN).await;
    for (times, wait) in [(1, 13), (2, 37), (3, 109), (4, 325), (5, 1)] {
        mail.tried(&hostel, times).await;
        hostel.world.clock.advance(Duration::seconds(wait));
    }
    hostel.no_letter_waits().await;
    assert_eq!(mail.tried.load(Ordering::SeqCst), 5);
    assert!(mail.sent().is_empty());
}

#[tokio::test]
async fn a_letter_that_is_refused_is_not_tried_again() {
    let mail = Arc::new(Double::default());
    mail.answers(Answer::Refused);
    let hostel = Hostel::open_with_mail(mail.clone()).await;
    hostel.forgot(ADMIN).await;
    mail.tried(&hostel, 1).await;
    hostel.no_letter_waits().await;
    assert_eq!(mail.tried.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_letter_that_waited_too_long_is_not_sent() {
    let mail = Arc::new(Double::default());
    mail.answers(Answer::Away);
    let hostel = Hostel::open_with_mail(mail.clone()).await;
    hostel.forgot(ADMIN).await;
    mail.tried(&hostel, 1).await;
    mail.answers(Answer::Taken);
    hostel.world.clock.advance(Duration::seconds(601));
    hostel.no_letter_waits().await;
    assert_eq!((mail.tried.load(Ordering::SeqCst), mail.sent().len()), (1, 0));
}

#[tokio::test]
async fn two_processes_send_each_letter_once() {
    let mail = Arc::new(Double::default());
    let hostel = Hostel::open_with_mail(mail.clone()).await;
    let (clock, stores) = (&hostel.world.clock, &hostel.world.stores);
    let (_other, _db) = process(stores, clock, config(), mail.clone()).await;
    let admin = hostel.login(ADMIN).await;
    let addresses: Vec<_> = (0..12).map(|number| format!("guard{number}@hostel.example")).collect();
    for address in &addresses {
        hostel.create(&admin, address, Role::Guard).await;
    }
    join_all(addresses.iter().map(|address| hostel.forgot(address))).await;
    hostel.no_letter_waits().await;
    let mut receivers: Vec<_> = mail.sent().into_iter().map(|letter| letter.to).collect();
    receivers.sort();
    let mut expected = addresses;
    expected.sort();
    assert_eq!(receivers, expected);
}

#[tokio::test]
async fn a_mail_has_both_parts_and_names_the_installation() {
    let hostel = Hostel::open_with(auth::Config {
        product_name: "North Campus <hostel>".to_owned(),
        public_url: Some("https://hostel.example.org".to_owned()),
        ..config()
    })
    .await;
    hostel.forgot(ADMIN).await;
    let mail = hostel.mail(ADMIN, 1).await;
    assert!(mail.contains("Content-Type: multipart/alternative"));
    assert!(mail.contains("Content-Type: text/plain"));
    assert!(mail.contains("Content-Type: text/html"));
    assert!(mail.contains("Subject: North Campus <hostel>: your code for a new password"));
    assert!(mail.contains("at https://hostel.example.org"));
    assert!(mail.contains("North Campus &lt;hostel&gt;"));
    let numbers = mail.split(|c: char| !c.is_ascii_alphanumeric());
    let numbers = numbers.filter(|word| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit()));
    let otp = code_in(&mail);
    assert!(numbers.into_iter().all(|number| number == otp), "{mail}");
}

#[tokio::test]
async fn an_address_that_no_mail_can_go_to_holds_nobody_up() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    hostel.create(&admin, "a..b@hostel.example", Role::Guard).await;
    hostel.forgot("a..b@hostel.example").await;
    hostel.forgot(ADMIN).await;
    hostel.mail(ADMIN, 1).await;
    hostel.no_letter_waits().await;
}

#[tokio::test]
async fn a_notice_of_a_session_that_was_ended_holds_no_code() {
    let mail = Arc::new(Double::default());
    let hostel = Hostel::open_with_mail(mail.clone()).await;
    let admin = hostel.login(ADMIN).await;
    let user: uuid::Uuid = hostel.me(&admin).await.unwrap().id.parse().unwrap();
    let now = hostel.world.clock.now();
    let (notice, context) = (
        hostel.world.clock.new_id(),
        r#"{"device":"Firefox on <Linux>","ip":"203.0.113.9"}"#,
    );
    let values: [Value; 7] = [
        notice.into(),
        "token_reused".into(),
        user.into(),
        context.into(),
        0.into(),
        now.into(),
        now.into(),
    ];
    let txn = hostel.world.db.begin().await.unwrap();
    let sql = "INSERT INTO letter (id, kind, user_id, context, tries, created_at, not_before)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let statement = Statement::from_sql_and_values(hostel.world.db.backend(), sql, values);
    txn.execute_raw(statement).await.unwrap();
    txn.commit().await.unwrap();
    hostel.no_letter_waits().await;
    let sent = mail.sent();
    assert_eq!((sent.len(), sent[0].id, sent[0].to.as_str()), (1, notice, ADMIN));
    assert!(
        sent[0]
            .text
            .contains("Device: Firefox on <Linux>\n    Address: 203.0.113.9\n")
    );
    assert!(sent[0].html.as_ref().unwrap().contains("Firefox on &lt;Linux&gt;<br>"));
    assert!(hostel.rows("SELECT hash AS text FROM one_time_code").await.is_empty());
}
