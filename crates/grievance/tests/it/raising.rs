//! Raising a grievance: what is taken, what is refused, what comes of it.

use kit::fault::Kind;
use proto::{
    grievance::{Grievance, GrievancePriority, GrievanceStatus, ListCategoriesRequest, RaiseGrievanceRequest},
    options::Role,
};

use crate::desk::{Desk, fan, told};

#[tokio::test]
async fn a_grievance_has_its_number_and_is_due_by_its_priority() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let now = desk.world.clock.now();
    for (number, priority, hours) in [(1, "high", 24), (2, "medium", 72), (3, "low", 168)] {
        let wanted = RaiseGrievanceRequest {
            priority: priority.to_owned(),
            ..fan()
        };
        let raised = desk.raise_as(&asha, wanted).await;
        assert_eq!(raised.ticket_id, format!("GRV-2026-{number:05}"));
        assert_eq!(raised.status(), GrievanceStatus::Open);
        let due = now + chrono::Duration::hours(hours);
        assert_eq!(raised.due_at, Some(kit::clock::timestamp(due)), "{priority}");
        assert!(!raised.overdue);
        let student = raised.student.unwrap();
        assert_eq!(
            (
                student.name.as_str(),
                student.room_no.as_deref(),
                student.block.as_deref()
            ),
            ("Student 1", Some("A-101"), Some("A"))
        );
    }
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let wrong = RaiseGrievanceRequest {
        category: "elektrik".to_owned(),
        sub_category: Some("fan".to_owned()),
        priority: "urgent".to_owned(),
        description: "too short".to_owned(),
        sensitive: None,
    };
    let fault = told(desk.grievances().raise_grievance(desk.by(&asha, wrong)).await).unwrap_err();
    let fields: Vec<&str> = fault.violations.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(
        (fault.kind, fields),
        (Kind::Validation, vec!["category", "priority", "description"])
    );
    for (field, wrong) in [
        (
            "sub_category",
            RaiseGrievanceRequest {
                sub_category: Some("tap".to_owned()),
                ..fan()
            },
        ),
        (
            "sub_category",
            RaiseGrievanceRequest {
                category: "other".to_owned(),
                ..fan()
            },
        ),
        (
            "description",
            RaiseGrievanceRequest {
                description: "x".repeat(5001),
                ..fan()
            },
        ),
        (
            "description",
            RaiseGrievanceRequest {
                description: "a bell \u{7} rings in it".to_owned(),
                ..fan()
            },
        ),
        (
            "description",
            RaiseGrievanceRequest {
                description: " ".repeat(40),
                ..fan()
            },
        ),
    ] {
        let fault = told(desk.grievances().raise_grievance(desk.by(&asha, wrong)).await).unwrap_err();
        let fields: Vec<&str> = fault.violations.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, [field]);
    }
    assert_eq!(desk.count("ticket").await + desk.count("ticket_number").await, 0);
}

#[tokio::test]
async fn the_longest_description_is_taken_and_only_students_raise() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let long = RaiseGrievanceRequest {
        description: "क".repeat(5000),
        ..fan()
    };
    assert_eq!(desk.raise_as(&asha, long.clone()).await.description, long.description);
    for role in [Role::Warden, Role::Staff, Role::Guard, Role::Teacher, Role::Admin] {
        let request = desk.world.by(role, fan());
        let fault = told(desk.grievances().raise_grievance(request).await).unwrap_err();
        assert_eq!(fault.kind, Kind::Forbidden, "{role:?}");
    }
}

#[tokio::test]
async fn the_same_key_raises_once() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let keyed = |request| {
        let mut request = desk.by(&asha, request);
        request.metadata_mut().insert("idempotency-key", "k-1".parse().unwrap());
        request
    };
    let first = told(desk.grievances().raise_grievance(keyed(fan())).await).unwrap();
    let again = told(desk.grievances().raise_grievance(keyed(fan())).await).unwrap();
    assert_eq!(first, again);
    assert_eq!(desk.count("ticket").await, 1);
    let other = RaiseGrievanceRequest {
        priority: "low".to_owned(),
        ..fan()
    };
    let fault = told(desk.grievances().raise_grievance(keyed(other)).await).unwrap_err();
    assert_eq!(fault.reason, "IDEMPOTENCY_KEY_REUSED");
    // What is kept for it is not to be read in the database.
    let kept = desk.kept_answers().await;
    let holds = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(kept.len() == 1 && kept[0].len() > 200 && !holds(&kept[0], b"ceiling"));
}

#[tokio::test]
async fn what_happened_is_told_without_what_was_written() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let raised = desk.raise(&asha).await;
    let events = desk.told("grievance.raised").await;
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(
        (&event["subject"], &event["version"]),
        (&raised.id.clone().into(), &1.into())
    );
    let record = &event["data"]["grievance"];
    assert_eq!(
        (
            &record["ticket_id"],
            &record["student_id"],
            &record["status"],
            &record["priority"]
        ),
        (
            &"GRV-2026-00001".into(),
            &asha.id.to_string().into(),
            &"open".into(),
            &"high".into()
        )
    );
    assert!(!event.to_string().contains("ceiling"), "{event}");
}

#[tokio::test]
async fn some_are_sensitive_by_category_and_some_by_wish() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let of = async |category: &str, sub_category: &str, sensitive| -> Grievance {
        let request = RaiseGrievanceRequest {
            category: category.to_owned(),
            sub_category: Some(sub_category.to_owned()),
            sensitive,
            ..fan()
        };
        desk.raise_as(&asha, request).await
    };
    assert!(of("security", "ragging", Some(false)).await.sensitive);
    assert!(of("food", "hygiene", Some(true)).await.sensitive);
    assert!(!of("food", "hygiene", None).await.sensitive);
}

#[tokio::test]
async fn a_student_who_is_not_known_yet_may_complain_all_the_same() {
    let desk = Desk::open().await;
    let stranger = crate::desk::Known {
        id: desk.world.clock.new_id(),
        name: String::new(),
        role: Role::Student,
    };
    let raised = desk.raise(&stranger).await;
    let student = raised.student.clone().unwrap();
    assert_eq!((student.id, student.room_no), (stranger.id.to_string(), None));
    assert_eq!(raised.priority(), GrievancePriority::High);
}

#[tokio::test]
async fn what_a_grievance_may_be_about_is_listed() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let request = desk.by(&asha, ListCategoriesRequest {});
    let listed = told(desk.grievances().list_categories(request).await)
        .unwrap()
        .categories;
    let names: Vec<&str> = listed.iter().map(|category| category.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "cleaning",
            "electrical",
            "food",
            "furniture",
            "internet",
            "other",
            "plumbing",
            "security"
        ]
    );
    assert!(listed[1].sub_categories.contains(&"fan".to_owned()));
    assert!(listed[7].sensitive);
}
