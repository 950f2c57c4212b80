//! Imports that end half-way, and are done again.

use std::time::Duration as StdDuration;

use chrono::Duration;
use students::Config;

use super::{counts, file, pieces, refused, row};
use crate::{auth::Mood, hostel::Hostel, trail::until};

/// The job looks often.
pub(super) fn impatient() -> Config {
    Config {
        registration_seconds: 10,
        ..Config::default()
    }
}

pub(super) fn some(count: u32) -> String {
    file(&(1..=count).map(row).collect::<Vec<_>>())
}

impl Hostel {
    /// Long enough later the job has seen to what was left.
    pub(super) async fn all_is_seen_through(&self) {
        until("the job", async || {
            self.world.clock.advance(Duration::seconds(11));
            (self.count("account_intent").await == 0).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn auth_is_down() {
    let hostel = Hostel::open_with(impatient()).await;
    hostel.auth.is(Mood::Down);
    let report = hostel.import(some(450)).await;
    assert_eq!(counts(&report), (0, 0, 450));
    assert!(
        report
            .rows
            .iter()
            .all(|row| row.errors[0].error.contains("import the file again"))
    );
    assert_eq!(hostel.count("student").await, 0);
    hostel.auth.is(Mood::Well);
    hostel.all_is_seen_through().await;
    assert_eq!(counts(&hostel.import(some(450)).await), (450, 0, 0));
    assert_eq!(hostel.auth.accounts(), 450);
}

#[tokio::test]
async fn auth_dies_with_the_accounts_reserved() {
    let hostel = Hostel::open_with(impatient()).await;
    hostel.auth.is(Mood::LosingAndDeaf);
    assert_eq!(counts(&hostel.import(some(3)).await), (0, 0, 3));
    assert_eq!((hostel.count("student").await, hostel.auth.accounts()), (0, 3));
    hostel.auth.is(Mood::Well);
    hostel.all_is_seen_through().await;
    assert_eq!(hostel.auth.accounts(), 0, "the job gives them back");
    assert_eq!(counts(&hostel.import(some(3)).await), (3, 0, 0));
}

#[tokio::test]
async fn auth_dies_before_it_hears_of_the_records() {
    let hostel = Hostel::open_with(impatient()).await;
    hostel.auth.is(Mood::DeafAfterwards);
    assert_eq!(counts(&hostel.import(some(3)).await), (3, 0, 0));
    assert_eq!(
        hostel.count("account_intent").await,
        0,
        "the events will make them active"
    );
    assert_eq!(counts(&hostel.import(some(3)).await), (0, 3, 0));
}

#[tokio::test]
async fn whoever_asked_has_left() {
    let hostel = Hostel::open_with(impatient()).await;
    hostel.auth.is(Mood::Pondering);
    let file = some(3);
    let given_up = tokio::time::timeout(StdDuration::from_millis(500), hostel.import(&file)).await;
    given_up.unwrap_err();
    hostel.auth.is(Mood::Well);
    until("the batch that was begun", async || {
        (hostel.count("student").await == 3 && hostel.count("account_intent").await == 0).then_some(())
    })
    .await;
    assert_eq!(counts(&hostel.import(&file).await), (0, 3, 0));
    assert_eq!(hostel.auth.accounts(), 3);
}

/// What a process leaves that dies when auth has reserved and nothing is committed: intents, and accounts without records.
#[tokio::test]
async fn this_process_dies_in_between() {
    let hostel = Hostel::open_with(impatient()).await;
    hostel.import(some(2)).await;
    let (id, student) = (hostel.world.clock.new_id(), hostel.world.clock.new_id());
    let now = hostel.world.clock.now();
    let intent = "INSERT INTO account_intent (id, student_id, begun_at) VALUES ($1, $2, $3)";
    hostel.write(intent, [id.into(), student.into(), now.into()]).await;
    hostel
        .auth
        .has_reserved(&student.to_string(), "student3@hostel.example", "REG-003");
    let Hostel { world, auth } = hostel;
    let hostel = Hostel::open_on(world.stop().await, auth, impatient()).await;
    let report = hostel.import(some(4)).await;
    assert_eq!(refused(&report), [(4, vec!["email"])], "the old one is not over yet");
    assert!(report.rows[2].errors[0].error.contains("import the file again"));
    assert_eq!(counts(&report), (1, 2, 1));
    hostel.all_is_seen_through().await;
    assert_eq!(counts(&hostel.import(some(4)).await), (1, 3, 0));
    assert_eq!((hostel.count("student").await, hostel.auth.accounts()), (4, 4));
}

#[tokio::test]
async fn what_there_is_no_time_for_is_said() {
    let hostel = Hostel::open().await;
    let mut request = hostel.warden(pieces(some(3).as_bytes(), &[]));
    request.set_timeout(StdDuration::from_secs(20));
    let report = hostel.send(request).await.unwrap();
    assert_eq!(counts(&report), (0, 0, 3));
    assert!(report.rows[0].errors[0].error.contains("not tried"));
    assert_eq!((hostel.count("student").await, hostel.auth.reserved().len()), (0, 0));
}
