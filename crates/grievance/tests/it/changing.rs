//! Changing grievances: by wardens, by staff, by two at once; and the history of it.

use futures_util::future::join_all;
use kit::{Fault, fault::Kind};
use proto::{
    grievance::{
        Grievance, GrievanceChange, GrievancePriority, GrievanceStatus, ListGrievanceHistoryRequest,
        UpdateGrievanceRequest,
    },
    options::Role,
};
use tonic::Request;

use crate::desk::{Desk, Known, told};

fn update(id: &str) -> UpdateGrievanceRequest {
    UpdateGrievanceRequest {
        id: id.to_owned(),
        ..UpdateGrievanceRequest::default()
    }
}

fn status(id: &str, status: &str) -> UpdateGrievanceRequest {
    UpdateGrievanceRequest {
        status: Some(status.to_owned()),
        ..update(id)
    }
}

fn assign(id: &str, staff: &str) -> UpdateGrievanceRequest {
    UpdateGrievanceRequest {
        assigned_to: Some(staff.to_owned()),
        ..update(id)
    }
}

async fn put(desk: &Desk, request: Request<UpdateGrievanceRequest>) -> Result<Grievance, Fault> {
    told(desk.grievances().update_grievance(request).await)
}

async fn history(desk: &Desk, known: &Known, id: &str) -> Vec<GrievanceChange> {
    let request = ListGrievanceHistoryRequest {
        id: id.to_owned(),
        ..ListGrievanceHistoryRequest::default()
    };
    told(desk.grievances().list_grievance_history(desk.by(known, request)).await)
        .unwrap()
        .changes
}

#[tokio::test]
async fn a_warden_assigns_and_staff_begin() {
    let desk = Desk::open().await;
    let (asha, sunita) = (desk.student(1).await, desk.staff("Sunita").await);
    let raised = desk.raise(&asha).await;
    let id = raised.ticket_id.as_str();
    let assigned = put(&desk, desk.by_warden(assign(id, &sunita.id.to_string())))
        .await
        .unwrap();
    assert_eq!(
        (
            assigned.assigned_to,
            assigned.assigned_to_name.as_deref(),
            assigned.version
        ),
        (Some(sunita.id.to_string()), Some("Sunita"), 2)
    );
    let begun = put(&desk, desk.by(&sunita, status(id, "in_progress"))).await.unwrap();
    assert_eq!((begun.status(), begun.version), (GrievanceStatus::InProgress, 3));
    assert_eq!(begun.due_at, raised.due_at);
    let again = put(&desk, desk.by(&sunita, status(id, "in_progress"))).await.unwrap();
    assert_eq!(again.version, 3, "nothing changed");
    assert_eq!(desk.told("grievance.assigned").await.len(), 1);
    assert_eq!(desk.told("grievance.updated").await[0]["data"]["changed"][0], "status");

    let changes = history(&desk, &asha, id).await;
    let told: Vec<_> = changes
        .iter()
        .map(|one| {
            let words = [
                one.field.as_str(),
                one.before.as_deref().unwrap_or("-"),
                one.after.as_deref().unwrap_or("-"),
            ];
            format!("{} {}", words.join(" "), one.changed_as)
        })
        .collect();
    let staff = sunita.id;
    assert_eq!(
        told,
        [
            "status - open student".to_owned(),
            format!("assigned_to - {staff} warden"),
            "status open in_progress staff".to_owned()
        ]
    );
    assert_eq!(changes[2].changed_by_name.as_deref(), Some("Sunita"));
    assert_eq!(changes[0].changed_by_name.as_deref(), Some("Student 1"));
}

#[tokio::test]
async fn staff_do_nothing_else() {
    let desk = Desk::open().await;
    let (asha, sunita, other) = (
        desk.student(1).await,
        desk.staff("Sunita").await,
        desk.staff("Other").await,
    );
    let id = desk.raise(&asha).await.ticket_id;
    let fault = put(&desk, desk.by(&sunita, status(&id, "in_progress")))
        .await
        .unwrap_err();
    assert_eq!(fault.kind, Kind::NotFound, "not assigned to her");
    put(&desk, desk.by_warden(assign(&id, &sunita.id.to_string())))
        .await
        .unwrap();
    let low = UpdateGrievanceRequest {
        priority: Some("low".to_owned()),
        ..update(&id)
    };
    for wish in [
        status(&id, "open"),
        status(&id, "waiting"),
        status(&id, "resolved"),
        low,
        assign(&id, &other.id.to_string()),
        assign(&id, ""),
    ] {
        let fault = put(&desk, desk.by(&sunita, wish.clone())).await.unwrap_err();
        assert_eq!(fault.kind, Kind::Forbidden, "{wish:?}");
    }
    for role in [Role::Guard, Role::Teacher, Role::Student] {
        let request = desk.world.by(role, status(&id, "open"));
        assert_eq!(put(&desk, request).await.unwrap_err().kind, Kind::Forbidden);
    }
    assert_eq!(history(&desk, &asha, &id).await.len(), 2);
}

#[tokio::test]
async fn only_active_staff_are_given_work() {
    let desk = Desk::open().await;
    let (asha, sunita) = (desk.student(1).await, desk.staff("Sunita").await);
    let id = desk.raise(&asha).await.ticket_id;
    let stranger = desk.world.clock.new_id();
    for nobody in [desk.warden, asha.id, stranger] {
        let fault = put(&desk, desk.by_warden(assign(&id, &nobody.to_string())))
            .await
            .unwrap_err();
        assert_eq!(
            (fault.kind, fault.reason.as_ref(), &fault.details["field"]),
            (Kind::Refused, "NOT_STAFF", &"assigned_to".into())
        );
    }
    desk.write("UPDATE person SET active = FALSE WHERE id = $1", [sunita.id.into()])
        .await;
    let fault = put(&desk, desk.by_warden(assign(&id, &sunita.id.to_string())))
        .await
        .unwrap_err();
    assert_eq!(fault.reason, "NOT_STAFF");
    desk.write("UPDATE person SET active = TRUE WHERE id = $1", [sunita.id.into()])
        .await;
    put(&desk, desk.by_warden(assign(&id, &sunita.id.to_string())))
        .await
        .unwrap();
    let freed = put(&desk, desk.by_warden(assign(&id, ""))).await.unwrap();
    assert_eq!(freed.assigned_to, None);
    let before = &desk.told("grievance.assigned").await[1]["data"]["before"];
    assert_eq!(before, &serde_json::json!(sunita.id));
}

#[tokio::test]
async fn a_new_priority_is_due_from_the_raising() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let raised = desk.world.clock.now();
    let id = desk.raise(&asha).await.ticket_id;
    desk.world.clock.advance(chrono::Duration::hours(10));
    let low = UpdateGrievanceRequest {
        priority: Some("low".to_owned()),
        ..update(&id)
    };
    let changed = put(&desk, desk.by_warden(low)).await.unwrap();
    assert_eq!(changed.priority(), GrievancePriority::Low);
    let due = raised + chrono::Duration::hours(168);
    assert_eq!(changed.due_at, Some(kit::clock::timestamp(due)));
}

#[tokio::test]
async fn time_stands_still_while_the_student_is_waited_for() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let raised = desk.world.clock.now();
    let id = desk.raise(&asha).await.ticket_id;
    desk.world.clock.advance(chrono::Duration::hours(3));
    let waiting = put(&desk, desk.by_warden(status(&id, "waiting"))).await.unwrap();
    assert_eq!((waiting.status(), waiting.due_at), (GrievanceStatus::Waiting, None));
    desk.world.clock.advance(chrono::Duration::hours(100));
    let goes_on = put(&desk, desk.by_warden(status(&id, "in_progress"))).await.unwrap();
    let due = raised + chrono::Duration::hours(24 + 100);
    assert_eq!(goes_on.due_at, Some(kit::clock::timestamp(due)));
    assert!(!goes_on.overdue);
    assert_eq!(desk.told("grievance.asked").await.len(), 1);
    assert_eq!(desk.told("grievance.answered").await.len(), 1);
}

#[tokio::test]
async fn of_several_at_once_one_wins_and_the_others_learn_what_stands() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let id = desk.raise(&asha).await.ticket_id;
    let wish = |number: usize| UpdateGrievanceRequest {
        priority: Some(["low", "medium"][number % 2].to_owned()),
        version: Some(1),
        ..update(&id)
    };
    let tries = (0..10).map(|number| put(&desk, desk.by_warden(wish(number))));
    let answers = join_all(tries).await;
    let won: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    for fault in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        let priority = ["", "high", "medium", "low"][usize::try_from(won[0].priority).unwrap()];
        assert_eq!((fault.kind, fault.reason.as_ref()), (Kind::Conflict, "CONFLICT"));
        assert_eq!(
            (
                &fault.details["priority"],
                &fault.details["version"],
                &fault.details["status"]
            ),
            (&priority.into(), &2.into(), &"open".into())
        );
    }
    assert_eq!(desk.told("grievance.updated").await.len(), 1);
    let old = put(&desk, desk.by_warden(wish(0))).await.unwrap_err();
    assert_eq!(old.kind, Kind::Conflict);
}

#[tokio::test]
async fn an_assignment_made_with_a_status_is_told_beside_it() {
    let desk = Desk::open().await;
    let (asha, sunita) = (desk.student(1).await, desk.staff("Sunita").await);
    let id = desk.raise(&asha).await.id;
    let both = UpdateGrievanceRequest {
        priority: Some("low".to_owned()),
        assigned_to: Some(sunita.id.to_string()),
        ..status(&id, "in_progress")
    };
    let changed = put(&desk, desk.by_warden(both.clone())).await.unwrap();
    assert_eq!((changed.status(), changed.version), (GrievanceStatus::InProgress, 3));
    let (assigned, updated) = (
        desk.told("grievance.assigned").await,
        desk.told("grievance.updated").await,
    );
    assert_eq!((assigned.len(), updated.len()), (1, 1));
    let told = |event: &serde_json::Value| {
        let grievance = &event["data"]["grievance"];
        (
            grievance["assigned_to"].clone(),
            grievance["status"].clone(),
            event["data"]["changed"].clone(),
        )
    };
    let sunita = serde_json::json!(sunita.id);
    assert_eq!(
        told(&assigned[0]),
        (
            sunita.clone(),
            "open".into(),
            serde_json::json!(["priority", "assigned_to"])
        )
    );
    assert_eq!(
        told(&updated[0]),
        (sunita, "in_progress".into(), serde_json::json!(["status"]))
    );
    assert_eq!(desk.versions_told(&id).await, [1, 2, 3]);
    assert_eq!(put(&desk, desk.by_warden(both)).await.unwrap().version, 3);
}

#[tokio::test]
async fn of_many_who_ask_at_once_beside_answers_one_pause_stands() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let id = desk.raise(&asha).await.id;
    let asking = join_all((0..10).map(|_| put(&desk, desk.by_warden(status(&id, "waiting")))));
    let talking = join_all((0..5).map(|_| desk.say(&asha, &id, "I am in after four.")));
    let (asked, said) = tokio::join!(asking, talking);
    assert!(said.iter().all(Result::is_ok), "{said:?}");
    for answer in &asked {
        assert!(
            answer.as_ref().err().is_none_or(|fault| fault.kind == Kind::Conflict),
            "{answer:?}"
        );
    }
    // An answer that came last let it go on.
    put(&desk, desk.by_warden(status(&id, "waiting"))).await.unwrap();
    assert_eq!(desk.count("pause WHERE ended_at IS NULL").await, 1);
}

#[tokio::test]
async fn staff_learn_nothing_of_what_is_somebody_elses_by_now() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let (sunita, other) = (desk.staff("Sunita").await, desk.staff("Other").await);
    for _ in 0..5 {
        let id = desk.raise(&asha).await.id;
        put(&desk, desk.by_warden(assign(&id, &sunita.id.to_string())))
            .await
            .unwrap();
        let (_, begun) = tokio::join!(
            put(&desk, desk.by_warden(assign(&id, &other.id.to_string()))),
            put(&desk, desk.by(&sunita, status(&id, "in_progress")))
        );
        assert!(
            begun.as_ref().err().is_none_or(|fault| fault.kind == Kind::NotFound),
            "{begun:?}"
        );
    }
}

#[tokio::test]
async fn all_that_is_wrong_with_a_change_is_told_at_once() {
    let desk = Desk::open().await;
    let wrong = UpdateGrievanceRequest {
        id: "x".to_owned(),
        status: Some("merged".to_owned()),
        priority: Some("urgent".to_owned()),
        assigned_to: Some("Sunita".to_owned()),
        version: Some(0),
    };
    let fault = put(&desk, desk.by_warden(wrong)).await.unwrap_err();
    let fields: Vec<&str> = fault.violations.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields, ["id", "status", "priority", "assigned_to", "version"]);
}
