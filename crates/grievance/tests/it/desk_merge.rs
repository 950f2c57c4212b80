//! Two grievances that are the same: one ends, the other goes on.

use futures_util::future::join_all;
use kit::fault::Kind;
use proto::grievance::{GrievanceStatus, MergeGrievanceRequest};

use crate::desk::{Desk, told};

#[tokio::test]
async fn who_raised_the_duplicate_follows_the_other_one() {
    let desk = Desk::open().await;
    let (asha, ben) = (desk.student(1).await, desk.student(2).await);
    let (first, second) = (desk.raise(&asha).await, desk.raise(&ben).await);
    desk.ask(&desk.warden_known(), &second.id, "Which one?").await.unwrap();

    let merged = desk.merge(&second.ticket_id, &first.ticket_id).await.unwrap();
    assert_eq!((merged.status(), merged.due_at), (GrievanceStatus::Merged, None));
    assert_eq!(desk.count("pause WHERE ended_at IS NULL").await, 0);
    let target = desk.get(&ben, &second.id).await.unwrap().merged_into.unwrap();
    assert_eq!(
        (target.ticket_id.as_str(), target.status()),
        (first.ticket_id.as_str(), GrievanceStatus::Open)
    );
    // More of it is not theirs to see.
    assert_eq!(desk.get(&ben, &first.id).await.unwrap_err().kind, Kind::NotFound);

    desk.resolve(&first.id).await;
    let target = desk.get(&ben, &second.id).await.unwrap().merged_into.unwrap();
    assert_eq!(target.status(), GrievanceStatus::Resolved);
    let events = desk.told("grievance.merged").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["data"]["grievance"]["merged_into"], first.id.as_str());
}

#[tokio::test]
async fn what_was_merged_already_is_not_merged_again() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let (first, second, third) = (
        desk.raise(&asha).await,
        desk.raise(&asha).await,
        desk.raise(&asha).await,
    );
    let itself = desk.merge(&first.id, &first.ticket_id).await.unwrap_err();
    assert_eq!((itself.kind, &*itself.reason), (Kind::Refused, "CANNOT_MERGE"));
    desk.merge(&second.id, &first.id).await.unwrap();
    let twice = desk.merge(&second.id, &third.id).await.unwrap_err();
    assert_eq!(
        (twice.kind, twice.details["status"].as_str()),
        (Kind::Conflict, Some("merged"))
    );
    let into_merged = desk.merge(&third.id, &second.id).await.unwrap_err();
    assert_eq!(
        (into_merged.kind, &*into_merged.reason),
        (Kind::Refused, "CANNOT_MERGE")
    );
    // Back again would be a circle.
    assert_eq!(desk.merge(&first.id, &second.id).await.unwrap_err().kind, Kind::Refused);
    assert_eq!(desk.count("ticket WHERE status = 'merged'").await, 1);
}

#[tokio::test]
async fn those_that_were_merged_before_follow_along() {
    let desk = Desk::open().await;
    let (asha, ben) = (desk.student(1).await, desk.student(2).await);
    let (first, second, third) = (desk.raise(&asha).await, desk.raise(&asha).await, desk.raise(&ben).await);
    desk.merge(&third.id, &second.id).await.unwrap();
    desk.merge(&second.id, &first.id).await.unwrap();
    let target = desk.get(&ben, &third.id).await.unwrap().merged_into.unwrap();
    assert_eq!(target.ticket_id, first.ticket_id);
    assert_eq!(desk.versions_told(&third.id).await, [1, 2, 3]);
    let merged = desk.history(&desk.warden_known(), &third.id).await;
    assert_eq!(merged.iter().filter(|field| *field == "merged_into").count(), 2);
}

#[tokio::test]
async fn what_is_done_or_unknown_is_not_merged() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let (first, second) = (desk.raise(&asha).await, desk.raise(&asha).await);
    let unknown = desk.merge(&first.id, "GRV-2020-00001").await.unwrap_err();
    assert_eq!(
        (unknown.kind, unknown.violations[0].field.as_str()),
        (Kind::Validation, "into")
    );
    assert_eq!(
        desk.merge("GRV-2020-00001", &first.id).await.unwrap_err().kind,
        Kind::NotFound
    );
    desk.resolve(&second.id).await;
    assert_eq!(
        desk.merge(&second.id, &first.id).await.unwrap_err().kind,
        Kind::Conflict
    );
    // It was solved with the other one.
    desk.merge(&first.id, &second.id).await.unwrap();
    let wrong = desk.merge("nothing", "").await.unwrap_err();
    let fields: Vec<_> = wrong.violations.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields, ["id", "into"]);
}

#[tokio::test]
async fn of_two_that_are_merged_into_each_other_at_once_one_goes_on() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    for _ in 0..5 {
        let (first, second) = (desk.raise(&asha).await, desk.raise(&asha).await);
        let outcomes = join_all([desk.merge(&first.id, &second.id), desk.merge(&second.id, &first.id)]).await;
        assert_eq!(
            outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
            1,
            "{outcomes:?}"
        );
    }
    assert_eq!(desk.count("ticket WHERE status = 'merged'").await, 5);
    let lost = "ticket a JOIN ticket b ON b.id = a.merged_into WHERE b.status = 'merged'";
    assert_eq!(desk.count(lost).await, 0);
}

#[tokio::test]
async fn only_wardens_say_what_is_the_same() {
    let desk = Desk::open().await;
    let (asha, ravi) = (desk.student(1).await, desk.staff("Ravi").await);
    let (first, second) = (desk.raise(&asha).await, desk.raise(&asha).await);
    desk.assign(&first.id, &ravi).await;
    for known in [&asha, &ravi] {
        let request = MergeGrievanceRequest {
            id: first.id.clone(),
            into: second.id.clone(),
        };
        let refused = told(desk.comments().merge_grievance(desk.by(known, request)).await);
        assert_eq!(refused.unwrap_err().kind, Kind::Forbidden);
    }
}
