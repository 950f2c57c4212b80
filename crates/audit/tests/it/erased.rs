//! Of somebody who was erased the trail keeps that something happened, and no more.

use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use kit::{
    access::{Caller, Identity},
    clock::timestamp,
    events::{Draft, outbox},
    files::{Files, exports},
};
use proto::{
    audit::ListEntriesRequest,
    auth::{User, UserCreated, UserSignedIn},
    options::Role,
    students::{StudentErased, StudentExportRequested},
};
use uuid::Uuid;

use crate::{PATIENCE, Trail};

fn created(user: Uuid) -> UserCreated {
    UserCreated {
        user: Some(User {
            id: user.to_string(),
            name: "Asha Verma".to_owned(),
            ..User::default()
        }),
    }
}

fn as_oneself(user: Uuid) -> Caller {
    let mut caller = Caller::service("tests", String::new());
    caller.identity = Identity::User {
        id: user,
        role: Role::Student,
        session: user,
    };
    caller.ip = Some("203.0.113.77".to_owned());
    caller
}

/// Everything that the database of the trail still says, in one text.
async fn said(trail: &Trail) -> String {
    let all = ListEntriesRequest {
        limit: Some(100),
        ..ListEntriesRequest::default()
    };
    let (entries, _) = trail.list(all).await;
    format!("{entries:?}")
}

#[tokio::test]
async fn whoever_is_erased_is_forgotten_also_by_what_comes_late() {
    let trail = Trail::begin().await;
    let service = Caller::service("tests", String::new());
    let (asha, other) = (trail.world.clock.new_id(), trail.world.clock.new_id());
    trail.happens(&service, asha, 1, &created(asha)).await;
    trail.happens(&service, other, 1, &created(other)).await;
    let signed_in = UserSignedIn {
        user_id: asha.to_string(),
        ..UserSignedIn::default()
    };
    trail.happens(&as_oneself(asha), asha, 2, &signed_in).await;
    assert!(said(&trail).await.contains("203.0.113.77"));

    trail.happens(&service, asha, 3, &StudentErased::default()).await;
    trail.happens(&as_oneself(asha), asha, 4, &signed_in).await;

    let said = said(&trail).await;
    assert!(!said.contains("203.0.113.77"), "{said}");
    assert_eq!(
        said.matches("Asha Verma").count(),
        1,
        "the other one's entry stays: {said}"
    );
    let verdict = trail.verify().await;
    assert!(verdict.intact, "{verdict:?}");
    assert_eq!(verdict.entries, 5);
}

/// What is recorded in one transaction with an erasure, before it and after it, is forgotten with the rest.
#[tokio::test]
async fn whoever_is_erased_amid_much_is_forgotten_in_all_of_it() {
    let trail = Trail::begin().await;
    let clock = &trail.world.clock;
    let (asha, service) = (clock.new_id(), Caller::service("tests", String::new()));
    let erased = Draft::new(clock, &service, "tests", asha, 1, &StudentErased::default());
    let done_by_her = |_| {
        let other = clock.new_id();
        Draft::new(clock, &as_oneself(asha), "tests", other, 1, &created(other))
    };
    let drafts = (0..40).map(done_by_her).chain([erased]).collect::<Vec<_>>();
    let drafts = drafts.into_iter().chain((0..40).map(done_by_her));
    let txn = trail.world.db.begin().await.unwrap();
    outbox::add_many(&txn, drafts).await.unwrap();
    txn.commit().await.unwrap();
    let end = Instant::now() + PATIENCE;
    while trail.verify().await.entries < 81 {
        assert!(Instant::now() < end, "not everything reached the trail");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let said = said(&trail).await;
    assert!(!said.contains("203.0.113.77") && !said.contains("Asha Verma"), "{said}");
    assert!(trail.verify().await.intact);
}

#[tokio::test]
async fn details_that_vanish_without_an_erasure_are_found() {
    let trail = Trail::begin().await;
    let users = trail.happen(4).await;
    let service = Caller::service("tests", String::new());
    trail.happens(&service, users[2], 2, &StudentErased::default()).await;
    assert!(trail.verify().await.intact);
    let blank = |user: Uuid| format!("UPDATE entry SET details = NULL, salt = '' WHERE resource_id = '{user}'");
    trail.tamper(&blank(users[1])).await;
    trail.tamper(&blank(users[3])).await;
    // Events of several subjects come in any order.
    let (entries, _) = trail.list(ListEntriesRequest::default()).await;
    let blanked = entries.iter().filter(|entry| {
        [users[1], users[3]]
            .iter()
            .any(|user| entry.resource_id == user.to_string())
    });
    let first = blanked.map(|entry| entry.sequence).min();
    let verdict = trail.verify().await;
    assert_eq!((verdict.intact, verdict.first_broken), (false, first));
}

async fn part(files: &dyn Files, export: Uuid) -> serde_json::Value {
    let key = exports::part(export, "audit").unwrap();
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(object) = files.get(&key).await.unwrap() {
            let pieces: Vec<_> = object.body.try_collect().await.unwrap();
            return serde_json::from_slice(&pieces.concat()).unwrap();
        }
        assert!(Instant::now() < end, "no part came");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_export_gets_all_that_is_held_of_somebody_and_no_more() {
    let trail = Trail::begin().await;
    let users = trail.happen(3).await;
    let service = Caller::service("tests", String::new());
    for version in 2..=7 {
        trail
            .happens(&as_oneself(users[1]), users[1], version, &created(users[1]))
            .await;
    }
    let files = kit::files::open(&trail.world.host.stores.files).await.unwrap();
    for (whose, entries) in [(users[1], 7), (users[0], 1), (Uuid::nil(), 0)] {
        let export = trail.world.clock.new_id();
        let wanted = StudentExportRequested {
            student_id: whose.to_string(),
            export_id: export.to_string(),
            wanted_until: Some(timestamp(trail.world.clock.now() + chrono::Duration::seconds(5))),
        };
        trail.happens(&service, export, 1, &wanted).await;
        let part = part(&*files, export).await;
        assert_eq!(part.as_array().unwrap().len(), entries, "{part}");
    }
}
