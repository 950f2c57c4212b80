//! Grievances that are raised at the same time: written together, and each by itself where that is needed.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use grievance::SeedGrievance;
use kit::{Fault, testing::patiently};
use proto::grievance::{Grievance, RaiseGrievanceRequest};
use sea_orm::DbBackend;

use crate::desk::{Desk, Known, fan, told};

/// Who waits too long for their turn on a busy machine asks again.
async fn raise(
    desk: &Desk,
    known: &Known,
    key: Option<&str>,
    request: RaiseGrievanceRequest,
) -> Result<Grievance, Fault> {
    patiently(async || {
        let mut request = desk.by(known, request.clone());
        if let Some(key) = key {
            request.metadata_mut().insert("idempotency-key", key.parse().unwrap());
        }
        told(desk.grievances().raise_grievance(request).await)
    })
    .await
}

fn about(description: &str) -> RaiseGrievanceRequest {
    RaiseGrievanceRequest {
        description: description.to_owned(),
        ..fan()
    }
}

impl Desk {
    async fn is_gapless(&self, count: usize) {
        let numbers = self
            .rows("SELECT CAST(number AS text) AS text FROM ticket ORDER BY number")
            .await;
        let expected: Vec<String> = (1..=count).map(|number| number.to_string()).collect();
        assert_eq!(numbers, expected);
    }
}

#[tokio::test]
async fn the_same_key_at_once_raises_once_and_answers_all_alike() {
    let desk = Desk::open().await;
    let (asha, bilal) = (desk.student(1).await, desk.student(2).await);
    let same = join_all((0..12).map(|_| raise(&desk, &asha, Some("k-1"), fan())));
    // A key is its sender's own.
    let other = join_all((0..12).map(|_| raise(&desk, &bilal, Some("k-1"), fan())));
    let plain = join_all((0..12).map(|_| raise(&desk, &asha, None, fan())));
    let (same, other, plain) = tokio::join!(same, other, plain);
    for answers in [same, other] {
        let first = answers[0].clone().unwrap();
        assert!(
            answers.iter().all(|answer| answer.as_ref() == Ok(&first)),
            "{answers:?}"
        );
    }
    let numbers: BTreeSet<String> = plain.into_iter().map(|answer| answer.unwrap().ticket_id).collect();
    assert_eq!(numbers.len(), 12);
    desk.is_gapless(14).await;
    assert_eq!(desk.told("grievance.raised").await.len(), 14);
}

#[tokio::test]
async fn one_key_for_two_requests_at_once_is_good_for_one() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let (first, second) = (
        about("The first of two requests."),
        about("The second of two requests."),
    );
    let (first, second) = tokio::join!(
        raise(&desk, &asha, Some("k-1"), first),
        raise(&desk, &asha, Some("k-1"), second)
    );
    let refused: Vec<String> = [first, second]
        .into_iter()
        .filter_map(Result::err)
        .map(|fault| fault.reason.into())
        .collect();
    assert_eq!(refused, ["IDEMPOTENCY_KEY_REUSED"]);
    desk.is_gapless(1).await;
}

#[tokio::test]
async fn one_that_cannot_be_written_fails_none_beside_it() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let poisoned = match desk.world.db.backend() {
        DbBackend::Postgres => "ALTER TABLE ticket ADD CHECK (description NOT LIKE 'poison%')",
        _ => {
            "CREATE TRIGGER poisoned BEFORE INSERT ON ticket WHEN NEW.description LIKE 'poison%' \
             BEGIN SELECT RAISE(ABORT, 'poisoned'); END"
        }
    };
    desk.write(poisoned, []).await;
    let raising = (0..30).map(|number| {
        let text = if number % 10 == 3 {
            "poison, and more of it"
        } else {
            "It is out of order."
        };
        raise(&desk, &asha, None, about(text))
    });
    let (raised, failed): (Vec<_>, Vec<_>) = join_all(raising).await.into_iter().partition(Result::is_ok);
    assert_eq!((raised.len(), failed.len()), (27, 3));
    desk.is_gapless(27).await;
}

#[tokio::test]
async fn what_was_accepted_is_answered_before_the_service_stops() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let raising: Vec<_> = (0..20)
        .map(|_| {
            let (mut grievances, request) = (desk.grievances(), desk.by(&asha, fan()));
            tokio::spawn(async move { told(grievances.raise_grievance(request).await) })
        })
        .collect();
    crate::desk::until("the first is raised", async || {
        (desk.count("ticket").await > 0).then_some(())
    })
    .await;
    let stores = desk.world.stop().await;
    let answers = join_all(raising).await;
    let raised = answers.into_iter().filter_map(|answer| answer.unwrap().ok());
    let numbers: BTreeSet<String> = raised.map(|raised| raised.ticket_id).collect();
    let desk = Desk::open_beside(stores, grievance::Config::default(), Vec::new()).await;
    let kept = desk
        .rows("SELECT CAST(number AS text) AS text FROM ticket ORDER BY number")
        .await;
    desk.is_gapless(kept.len()).await;
    // Nobody was told of one that is not there.
    let kept: BTreeSet<String> = kept.iter().map(|number| format!("GRV-2026-{number:0>5}")).collect();
    assert!(numbers.is_subset(&kept), "{numbers:?} {kept:?}");
}

#[tokio::test]
async fn a_demo_that_begins_twice_at_once_begins_once() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let seeds = || -> Vec<SeedGrievance> {
        let one = SeedGrievance {
            student: asha.id,
            block: "A".to_owned(),
            room_no: "A-101".to_owned(),
            category: "electrical".to_owned(),
            sub_category: None,
            priority: grievance::domain::Priority::High,
            description: "The ceiling fan makes a loud noise.".to_owned(),
            assigned_to: None,
            resolved: Some((desk.warden, "It was repaired.".to_owned())),
        };
        vec![one; 5]
    };
    let (one, _) = desk
        .world
        .host
        .create_with::<grievance::Grievances>(grievance::Config::default())
        .await
        .unwrap();
    let (other, _) = desk
        .world
        .host
        .create_with::<grievance::Grievances>(grievance::Config::default())
        .await
        .unwrap();
    let (first, second) = tokio::join!(one.seed(seeds()), other.seed(seeds()));
    first.unwrap();
    second.unwrap();
    desk.is_gapless(5).await;
    assert_eq!(desk.count("ticket WHERE status = 'resolved'").await, 5);
}
