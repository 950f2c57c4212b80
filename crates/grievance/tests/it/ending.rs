//! How grievances end: resolved, reopened in time, closed, rated.

use chrono::Duration;
use futures_util::future::join_all;
use kit::{Fault, fault::Kind};
use proto::{
    grievance::{
        GetGrievanceRequest, Grievance, GrievanceStatus, RateGrievanceRequest, ReopenGrievanceRequest,
        ResolveGrievanceRequest, UpdateGrievanceRequest,
    },
    options::Role,
};

use crate::desk::{Desk, Known, told, until};

async fn resolve(desk: &Desk, id: &str) -> Result<Grievance, Fault> {
    let request = ResolveGrievanceRequest {
        id: id.to_owned(),
        comments: "The capacitor was replaced.".to_owned(),
    };
    told(desk.grievances().resolve_grievance(desk.by_warden(request)).await)
}

async fn reopen(desk: &Desk, student: &Known, id: &str) -> Result<Grievance, Fault> {
    let request = ReopenGrievanceRequest {
        id: id.to_owned(),
        comments: Some("It stops again.".to_owned()),
    };
    told(desk.grievances().reopen_grievance(desk.by(student, request)).await)
}

async fn rate(desk: &Desk, student: &Known, id: &str, rating: u32) -> Result<Grievance, Fault> {
    let request = RateGrievanceRequest {
        id: id.to_owned(),
        rating,
        comment: Some("Quick.".to_owned()),
    };
    told(desk.grievances().rate_grievance(desk.by(student, request)).await)
}

async fn read(desk: &Desk, id: &str) -> Grievance {
    let request = GetGrievanceRequest { id: id.to_owned() };
    told(desk.grievances().get_grievance(desk.by_warden(request)).await).unwrap()
}

#[tokio::test]
async fn of_ten_wardens_one_resolves() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let id = desk.raise(&asha).await.ticket_id;
    let answers = join_all((0..10).map(|_| resolve(&desk, &id))).await;
    let won: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    let resolved = won[0];
    assert_eq!(
        (
            resolved.status(),
            resolved.resolved_by.clone(),
            resolved.resolution_comments.as_deref(),
            resolved.due_at
        ),
        (
            GrievanceStatus::Resolved,
            Some(desk.warden.to_string()),
            Some("The capacitor was replaced."),
            None
        )
    );
    for fault in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(
            (fault.kind, &fault.details["status"]),
            (Kind::Conflict, &"resolved".into())
        );
    }
    let events = desk.told("grievance.resolved").await;
    assert_eq!(events.len(), 1);
    assert!(!events[0].to_string().contains("capacitor"));
}

#[tokio::test]
async fn resolving_needs_words_and_a_warden() {
    let desk = Desk::open().await;
    let (asha, sunita) = (desk.student(1).await, desk.staff("Sunita").await);
    let id = desk.raise(&asha).await.ticket_id;
    let silent = ResolveGrievanceRequest {
        id: id.clone(),
        comments: "  ".to_owned(),
    };
    let fault = told(
        desk.grievances()
            .resolve_grievance(desk.by_warden(silent.clone()))
            .await,
    )
    .unwrap_err();
    assert_eq!(fault.violations[0].field, "comments");
    for known in [&asha, &sunita] {
        let fault = told(
            desk.grievances()
                .resolve_grievance(desk.by(known, silent.clone()))
                .await,
        )
        .unwrap_err();
        assert_eq!(fault.kind, Kind::Forbidden);
    }
    let unknown = resolve(&desk, "GRV-2026-00099").await.unwrap_err();
    assert_eq!(unknown.kind, Kind::NotFound);
}

#[tokio::test]
async fn a_student_reopens_within_a_week_and_time_begins_anew() {
    let desk = Desk::open().await;
    let (asha, bilal) = (desk.student(1).await, desk.student(2).await);
    let id = desk.raise(&asha).await.ticket_id;
    let early = reopen(&desk, &asha, &id).await.unwrap_err();
    assert_eq!((early.kind, &early.details["status"]), (Kind::Conflict, &"open".into()));
    resolve(&desk, &id).await.unwrap();
    rate(&desk, &asha, &id, 1).await.unwrap();
    desk.world.clock.advance(Duration::days(7));
    assert_eq!(reopen(&desk, &bilal, &id).await.unwrap_err().kind, Kind::NotFound);
    let now = desk.world.clock.now();
    let reopened = reopen(&desk, &asha, &id).await.unwrap();
    assert_eq!(
        (
            reopened.status(),
            reopened.due_at,
            reopened.rating,
            reopened.resolved_at
        ),
        (
            GrievanceStatus::Open,
            Some(kit::clock::timestamp(now + Duration::hours(24))),
            None,
            None
        )
    );
    assert_eq!(desk.told("grievance.reopened").await.len(), 1);
    assert_eq!(desk.rows("SELECT text FROM comment").await, ["It stops again."]);
    let said = desk.told("grievance.commented").await;
    assert_eq!((said.len(), said[0]["version"].as_i64()), (1, Some(reopened.version)));
    let versions = desk.versions_told(&reopened.id).await;
    assert_eq!(versions, (1..=reopened.version).collect::<Vec<i64>>());
    let fields = desk.history(&asha, &reopened.id).await;
    assert_eq!(fields.iter().filter(|field| *field == "comments").count(), 1);
    resolve(&desk, &id).await.unwrap();
    rate(&desk, &asha, &id, 5).await.unwrap();
}

#[tokio::test]
async fn after_a_week_it_is_closed_once_and_for_all() {
    let desk = Desk::open_with(grievance::Config {
        look_every_seconds: 1,
        ..grievance::Config::default()
    })
    .await;
    let asha = desk.student(1).await;
    let id = desk.raise(&asha).await.ticket_id;
    let until_then = resolve(&desk, &id).await.unwrap().reopen_until.unwrap();
    let week = desk.world.clock.now() + Duration::days(7);
    assert_eq!(until_then, kit::clock::timestamp(week));
    desk.world.clock.advance(Duration::days(7) + Duration::seconds(1));
    let late = reopen(&desk, &asha, &id).await.unwrap_err();
    assert_eq!((late.kind, late.reason.as_ref()), (Kind::Refused, "REOPEN_TOO_LATE"));
    let closed = until("the grievance is closed", async || {
        Some(read(&desk, &id).await).filter(|one| one.status() == GrievanceStatus::Closed)
    })
    .await;
    assert!(closed.closed_at.is_some() && closed.resolved_at.is_some() && closed.reopen_until.is_none());
    assert_eq!(desk.told("grievance.closed").await.len(), 1);
    assert_eq!(reopen(&desk, &asha, &id).await.unwrap_err().reason, "REOPEN_TOO_LATE");
    assert_eq!(rate(&desk, &asha, &id, 4).await.unwrap().rating, Some(4));
    let change = UpdateGrievanceRequest {
        id: id.clone(),
        status: Some("open".to_owned()),
        ..UpdateGrievanceRequest::default()
    };
    let fault = told(desk.grievances().update_grievance(desk.by_warden(change)).await).unwrap_err();
    assert_eq!(fault.kind, Kind::Conflict);
}

#[tokio::test]
async fn the_student_rates_once_what_was_resolved() {
    let desk = Desk::open().await;
    let (asha, bilal) = (desk.student(1).await, desk.student(2).await);
    let id = desk.raise(&asha).await.ticket_id;
    let early = rate(&desk, &asha, &id, 4).await.unwrap_err();
    assert_eq!((early.kind, early.reason.as_ref()), (Kind::Refused, "NOT_RESOLVED"));
    resolve(&desk, &id).await.unwrap();
    for stars in [0, 6, 300] {
        let wrong = rate(&desk, &asha, &id, stars).await.unwrap_err();
        assert_eq!(wrong.violations[0].field, "rating", "{stars}");
    }
    assert_eq!(rate(&desk, &bilal, &id, 4).await.unwrap_err().kind, Kind::NotFound);
    let rated = rate(&desk, &asha, &id, 4).await.unwrap();
    assert_eq!(
        (rated.rating, rated.rating_comment.as_deref()),
        (Some(4), Some("Quick."))
    );
    let again = rate(&desk, &asha, &id, 5).await.unwrap_err();
    assert_eq!(
        (again.reason.as_ref(), &again.details["rating"]),
        ("ALREADY_RATED", &4.into())
    );
    let request = RateGrievanceRequest {
        id: id.clone(),
        rating: 3,
        comment: None,
    };
    let fault = told(
        desk.grievances()
            .rate_grievance(desk.of(desk.warden, Role::Warden, request))
            .await,
    )
    .unwrap_err();
    assert_eq!(fault.kind, Kind::Forbidden);
    let events = desk.told("grievance.rated").await;
    assert_eq!((events.len(), &events[0]["data"]["rating"]), (1, &4.into()));
    assert!(!events[0].to_string().contains("Quick"));
}
