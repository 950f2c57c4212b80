//! Registrations that end half-way: nothing is left of them, here or in auth.

use std::time::Duration as StdDuration;

use chrono::Duration;
use futures_util::future::join_all;
use proto::{options::Role, students::RegisterStudentRequest};
use students::Config;
use tonic::Code;

use crate::{
    auth::Mood,
    hostel::{Hostel, code, somebody},
    trail::until,
};

/// The job looks often.
fn impatient() -> Config {
    Config {
        registration_seconds: 10,
        ..Config::default()
    }
}

impl Hostel {
    /// Long enough later the job has seen to what was left.
    async fn nothing_is_left(&self) {
        until("the job", async || {
            self.world.clock.advance(Duration::seconds(11));
            (self.count("account_intent").await == 0).then_some(())
        })
        .await;
    }

    /// The one thing that is asked for goes on, as long as it must.
    async fn an_intent(&self) {
        until("an intent", async || {
            (self.count("account_intent").await == 1).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn auth_is_down() {
    let hostel = Hostel::open_with(impatient()).await;
    hostel.auth.is(Mood::Down);
    let refused = code(hostel.try_register(somebody(1)).await);
    assert_eq!(refused, (Code::Unavailable, "UNAVAILABLE".to_owned()));
    assert_eq!(hostel.count("student").await, 0);
    hostel.auth.is(Mood::Well);
    hostel.register(1).await;
    hostel.nothing_is_left().await;
    assert_eq!((hostel.count("student").await, hostel.auth.accounts()), (1, 1));
}

#[tokio::test]
async fn auth_never_answers() {
    let hostel = Hostel::open_with(impatient()).await;
    hostel.auth.is(Mood::Hanging);
    let begun = std::time::Instant::now();
    let refused = code(hostel.try_register(somebody(1)).await);
    assert_eq!(refused, (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".to_owned()));
    assert!(begun.elapsed() < StdDuration::from_secs(10), "every call has its limit");
    hostel.auth.is(Mood::Well);
    hostel.nothing_is_left().await;
    assert_eq!((hostel.count("student").await, hostel.auth.accounts()), (0, 0));
}

#[tokio::test]
async fn the_answer_of_auth_is_lost() {
    let hostel = Hostel::open_with(impatient()).await;
    let token = hostel.world.keys.token(Role::Warden);
    hostel.auth.is(Mood::LosingReservations);
    let lost = hostel.register_with_key(&token, "key-1", somebody(1)).await;
    assert_eq!(code(lost).0, Code::Unavailable);
    assert_eq!(hostel.auth.accounts(), 0, "it is given back at once");
    // And the same request may come again at once.
    hostel.auth.is(Mood::Well);
    let student = hostel.register_with_key(&token, "key-1", somebody(1)).await.unwrap();
    hostel.nothing_is_left().await;
    assert_eq!((hostel.count("student").await, hostel.auth.accounts()), (1, 1));
    assert_eq!(hostel.auth.account(&student.id).unwrap().version, 1);
}

#[tokio::test]
async fn auth_dies_with_the_account_reserved() {
    let hostel = Hostel::open_with(impatient()).await;
    hostel.auth.is(Mood::LosingAndDeaf);
    assert_eq!(code(hostel.try_register(somebody(1)).await).0, Code::Unavailable);
    assert_eq!((hostel.count("student").await, hostel.auth.accounts()), (0, 1));
    hostel.auth.is(Mood::Well);
    hostel.nothing_is_left().await;
    assert_eq!(hostel.auth.accounts(), 0, "the job gives it back");
    hostel.register(1).await;
}

#[tokio::test]
async fn auth_dies_before_it_hears_of_the_record() {
    let hostel = Hostel::open_with(impatient()).await;
    hostel.auth.is(Mood::DeafAfterwards);
    let student = hostel.register(1).await;
    assert_eq!(
        hostel.history(&student.id).await,
        [("student.registered".to_owned(), 1)]
    );
    hostel.auth.is(Mood::Well);
    hostel.nothing_is_left().await;
    assert!(
        hostel.auth.account(&student.id).is_some(),
        "the event will make it active"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refused_record_gives_its_account_back_even_later() {
    let hostel = Hostel::open_with(impatient()).await;
    let room = hostel.room("A", "A-101", 1).await;
    hostel.auth.is(Mood::DeafAfterwards);
    let requests = (1..=4).map(|number| RegisterStudentRequest {
        room_id: Some(room.clone()),
        ..somebody(number)
    });
    let outcomes = join_all(requests.map(|request| hostel.try_register(request))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    hostel.auth.is(Mood::Well);
    hostel.nothing_is_left().await;
    assert_eq!((hostel.count("student").await, hostel.auth.accounts()), (1, 1));
}

#[tokio::test]
async fn this_process_dies_while_auth_is_asked() {
    let hostel = Hostel::open_with(impatient()).await;
    hostel.auth.is(Mood::Pondering);
    let given_up = tokio::time::timeout(StdDuration::from_millis(500), hostel.try_register(somebody(1))).await;
    given_up.unwrap_err();
    let Hostel { world, auth } = hostel;
    let hostel = Hostel::open_on(world.stop().await, auth, impatient()).await;
    hostel.nothing_is_left().await;
    assert_eq!((hostel.count("student").await, hostel.auth.accounts()), (0, 0));
    // What is left of the first process may hear from auth now: it is too late for a record, and takes back what it got.
    hostel.auth.is(Mood::Well);
    hostel.register(2).await;
    until("nothing else is left", async || {
        (hostel.count("student").await == 1 && hostel.auth.accounts() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_was_given_up_is_not_committed_any_more() {
    let hostel = Hostel::open_with(impatient()).await;
    hostel.auth.is(Mood::Pondering);
    let late = hostel.try_register(somebody(1));
    let meanwhile = async {
        hostel.an_intent().await;
        hostel.nothing_is_left().await;
        hostel.auth.is(Mood::Well);
    };
    let (late, ()) = tokio::join!(late, meanwhile);
    assert_eq!(code(late).0, Code::Unavailable);
    assert_eq!((hostel.count("student").await, hostel.auth.accounts()), (0, 0));
}

#[tokio::test]
async fn a_request_with_a_key_does_not_run_twice_at_once() {
    let hostel = Hostel::open().await;
    let token = hostel.world.keys.token(Role::Warden);
    hostel.auth.is(Mood::Pondering);
    let first = hostel.register_with_key(&token, "key-1", somebody(1));
    let meanwhile = async {
        hostel.an_intent().await;
        let second = hostel.register_with_key(&token, "key-1", somebody(1)).await;
        hostel.auth.is(Mood::Well);
        second
    };
    let (first, second) = tokio::join!(first, meanwhile);
    assert_eq!(code(second), (Code::AlreadyExists, "CONFLICT".to_owned()));
    let again = hostel.register_with_key(&token, "key-1", somebody(1)).await;
    assert_eq!(first.unwrap(), again.unwrap());
}
