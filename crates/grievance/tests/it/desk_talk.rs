//! What is said about a grievance: to and fro, in notes of the hostel's own, and what waiting for an answer does to its time.

use chrono::Duration;
use futures_util::future::join_all;
use kit::fault::Kind;
use proto::grievance::{AddCommentRequest, GrievanceStatus};

use crate::{
    deeds::{at, words},
    desk::Desk,
};

#[tokio::test]
async fn time_stands_still_from_the_question_to_the_answer() {
    let desk = Desk::open().await;
    let (asha, warden) = (desk.student(1).await, desk.warden_known());
    let raised = desk.raise(&asha).await;
    let due = at(raised.due_at).unwrap();
    assert_eq!(due, desk.world.clock.now() + Duration::hours(24));

    desk.world.clock.advance(Duration::hours(2));
    let asked = desk.ask(&warden, &raised.id, "Are you in on Monday?").await.unwrap();
    assert_eq!(
        (asked.author_role.as_str(), asked.author_name.as_deref()),
        ("warden", Some("Meera Nair"))
    );
    let waiting = desk.get(&asha, &raised.ticket_id).await.unwrap();
    assert_eq!((waiting.status(), waiting.due_at), (GrievanceStatus::Waiting, None));

    // Long past the day: nothing is due while it waits.
    desk.world.clock.advance(Duration::hours(50));
    let waiting = desk.get(&warden, &raised.ticket_id).await.unwrap();
    assert!(!waiting.overdue);
    desk.say(&warden, &raised.id, "We are still waiting.").await.unwrap();
    assert_eq!(
        desk.get(&asha, &raised.id).await.unwrap().status(),
        GrievanceStatus::Waiting
    );

    desk.say(&asha, &raised.id, "Yes, after four.").await.unwrap();
    let goes_on = desk.get(&asha, &raised.id).await.unwrap();
    assert_eq!(goes_on.status(), GrievanceStatus::Open);
    assert_eq!(at(goes_on.due_at).unwrap(), due + Duration::hours(50));

    let texts: Vec<_> = desk.comments_of(&asha, &raised.id).await.unwrap();
    let texts: Vec<_> = texts.iter().map(|comment| comment.text.as_str()).collect();
    assert_eq!(
        texts,
        ["Are you in on Monday?", "We are still waiting.", "Yes, after four."]
    );
    assert_eq!(desk.told("grievance.commented").await.len(), 3);
    assert_eq!(
        (
            desk.told("grievance.asked").await.len(),
            desk.told("grievance.answered").await.len()
        ),
        (1, 1)
    );
    assert_eq!(desk.versions_told(&raised.id).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(
        desk.history(&asha, &raised.id).await,
        ["status", "comments", "status", "comments", "comments", "status"]
    );
    let outbox = desk.rows("SELECT event AS text FROM outbox").await.concat();
    assert!(
        !outbox.contains("after four") && !outbox.contains("Monday"),
        "no event tells what was said"
    );
}

#[tokio::test]
async fn of_internal_notes_the_student_learns_nothing() {
    let desk = Desk::open().await;
    let (asha, warden) = (desk.student(1).await, desk.warden_known());
    let ravi = desk.staff("Ravi").await;
    let raised = desk.raise(&asha).await;
    let before = desk.assign(&raised.id, &ravi).await;
    let (told, own) = (
        desk.versions_told(&raised.id).await,
        desk.history(&asha, &raised.id).await,
    );

    desk.world.clock.advance(Duration::minutes(5));
    let note = desk.note(&ravi, &raised.id, "Second time this month.").await.unwrap();
    assert!(note.internal);
    desk.note(&warden, &raised.id, "Then buy a new one.").await.unwrap();

    assert_eq!(desk.comments_of(&asha, &raised.id).await.unwrap(), []);
    assert_eq!(desk.history(&asha, &raised.id).await, own);
    let after = desk.get(&asha, &raised.id).await.unwrap();
    assert_eq!((after.version, after.updated_at), (before.version, before.updated_at));
    assert_eq!(desk.versions_told(&raised.id).await, told);
    for known in [&ravi, &warden] {
        assert_eq!(desk.comments_of(known, &raised.id).await.unwrap().len(), 2);
        assert_eq!(desk.history(known, &raised.id).await.len(), own.len() + 2);
    }
}

#[tokio::test]
async fn the_first_word_of_the_hostel_is_a_response_and_a_note_is_none() {
    let desk = Desk::open().await;
    let (asha, warden) = (desk.student(1).await, desk.warden_known());
    let raised = desk.raise(&asha).await;
    desk.say(&asha, &raised.id, "It got worse.").await.unwrap();
    desk.note(&warden, &raised.id, "Who has time?").await.unwrap();
    assert_eq!(desk.count("ticket WHERE first_response_at IS NOT NULL").await, 0);
    desk.say(&warden, &raised.id, "We are coming.").await.unwrap();
    let first = desk
        .rows("SELECT CAST(first_response_at AS text) AS text FROM ticket")
        .await;
    desk.world.clock.advance(Duration::hours(1));
    desk.ask(&warden, &raised.id, "Are you in?").await.unwrap();
    assert_eq!(
        desk.rows("SELECT CAST(first_response_at AS text) AS text FROM ticket")
            .await,
        first
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_its_field() {
    let desk = Desk::open().await;
    let (asha, warden) = (desk.student(1).await, desk.warden_known());
    let raised = desk.raise(&asha).await;
    let both = AddCommentRequest {
        internal: Some(true),
        asks: Some(true),
        ..words(&raised.id, "  ")
    };
    for (known, expected) in [
        (&asha, vec!["text", "internal", "asks"]),
        (&warden, vec!["text", "asks"]),
    ] {
        let refused = desk.comment(known, both.clone()).await.unwrap_err();
        let fields: Vec<_> = refused.violations.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, expected);
    }
    let long = "x".repeat(2001);
    for (id, text) in [("GRV-1", "Hello."), (raised.id.as_str(), &long), (&raised.id, "\u{7}")] {
        let refused = desk.say(&warden, id, text).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Validation, "{id} {refused:?}");
    }
    assert_eq!(desk.count("comment").await, 0);
}

#[tokio::test]
async fn nobody_talks_about_what_is_not_theirs_to_see() {
    let desk = Desk::open().await;
    let (asha, ben) = (desk.student(1).await, desk.student(2).await);
    let ravi = desk.staff("Ravi").await;
    let raised = desk.raise(&asha).await;
    for known in [&ben, &ravi] {
        assert_eq!(
            desk.say(known, &raised.id, "Hello.").await.unwrap_err().kind,
            Kind::NotFound
        );
        assert_eq!(
            desk.comments_of(known, &raised.id).await.unwrap_err().kind,
            Kind::NotFound
        );
    }
    assert_eq!(desk.count("comment").await, 0);
    desk.assign(&raised.id, &ravi).await;
    desk.say(&ravi, &raised.ticket_id, "Hello.").await.unwrap();
}

#[tokio::test]
async fn after_the_end_only_notes_are_written() {
    let desk = Desk::open().await;
    let (asha, warden) = (desk.student(1).await, desk.warden_known());
    let (raised, other) = (desk.raise(&asha).await, desk.raise(&asha).await);
    desk.resolve(&raised.id).await;
    desk.say(&asha, &raised.id, "Thank you.").await.unwrap();
    // Nothing is asked any more.
    assert_eq!(
        desk.ask(&warden, &raised.id, "Is it?").await.unwrap_err().kind,
        Kind::Conflict
    );
    assert_eq!(desk.comments_of(&asha, &raised.id).await.unwrap().len(), 1);

    desk.merge(&other.id, &raised.id).await.unwrap();
    let refused = desk.say(&asha, &other.id, "And mine?").await.unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict, "{refused:?}");
    assert_eq!(refused.details["status"], "merged");
    desk.note(&warden, &other.id, "Same fan.").await.unwrap();
}

#[tokio::test]
async fn said_twice_with_one_key_is_said_once() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let raised = desk.raise(&asha).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut request = desk.by(&asha, words(&raised.id, "Hello."));
        request.metadata_mut().insert("idempotency-key", "one".parse().unwrap());
        ids.push(desk.comment_by(request).await.unwrap().id);
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(
        (
            desk.count("comment").await,
            desk.told("grievance.commented").await.len()
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn many_who_talk_at_once_are_all_heard() {
    const EACH: usize = 6;
    let desk = Desk::open().await;
    let (asha, warden) = (desk.student(1).await, desk.warden_known());
    let raised = desk.raise(&asha).await;
    let both = [&asha, &warden];
    let talk = (0..2 * EACH).map(|turn| desk.ask_or_answer(both[turn % 2], &raised.id));
    join_all(talk).await;
    assert_eq!(desk.comments_of(&asha, &raised.id).await.unwrap().len(), 2 * EACH);
    let told = desk.versions_told(&raised.id).await;
    let mut sorted = told.clone();
    sorted.sort_unstable();
    // One version an event, and no version without one.
    assert_eq!(sorted, (1..).take(told.len()).collect::<Vec<i64>>());
    let stands = desk.get(&asha, &raised.id).await.unwrap();
    assert_eq!(stands.version, *sorted.last().unwrap());
    let waits = i64::from(stands.status() == GrievanceStatus::Waiting);
    assert_eq!(desk.count("pause WHERE ended_at IS NULL").await, waits);
}

impl Desk {
    async fn ask_or_answer(&self, known: &crate::desk::Known, id: &str) {
        let asks = (known.role != proto::options::Role::Student).then_some(true);
        let request = AddCommentRequest {
            asks,
            ..words(id, "Is it?")
        };
        self.comment(known, request).await.unwrap();
    }
}
