//! Reading grievances: who sees which, filters, sorts, pages.

use kit::fault::Kind;
use proto::{
    grievance::{GetGrievanceRequest, Grievance, GrievancePriority, GrievanceStatus, ListGrievancesRequest},
    options::Role,
};
use tonic::Request;

use crate::{
    desk::{Desk, Known, told},
    laid::Laid,
};

fn get(id: &str) -> GetGrievanceRequest {
    GetGrievanceRequest { id: id.to_owned() }
}

async fn listed(desk: &Desk, request: Request<ListGrievancesRequest>) -> Vec<String> {
    let answer = told(desk.grievances().list_grievances(request).await).unwrap();
    assert_eq!(answer.page.unwrap().total_items, answer.grievances.len() as u64);
    answer.grievances.into_iter().map(|one| one.ticket_id).collect()
}

/// The last digits of what a warden finds.
pub(crate) async fn found(desk: &Desk, request: ListGrievancesRequest) -> String {
    let mut numbers = listed(desk, desk.by_warden(request)).await;
    numbers.sort();
    numbers
        .iter()
        .map(|number| number.trim_start_matches("GRV-2026-0000"))
        .collect()
}

#[tokio::test]
async fn a_number_or_an_id_names_one_in_whatever_case() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let raised = desk.raise(&asha).await;
    for name in [
        raised.id.clone(),
        raised.id.to_uppercase(),
        "GRV-2026-00001".to_owned(),
        "grv-2026-00001".to_owned(),
    ] {
        let read = told(desk.grievances().get_grievance(desk.by(&asha, get(&name))).await).unwrap();
        assert_eq!(read, raised, "{name}");
    }
    for (name, kind) in [
        ("GRV-2026-00002", Kind::NotFound),
        ("GRV-2025-00001", Kind::NotFound),
        ("GRV-2026-1", Kind::Validation),
        ("nonsense", Kind::Validation),
    ] {
        let fault = told(desk.grievances().get_grievance(desk.by(&asha, get(name))).await).unwrap_err();
        assert_eq!(fault.kind, kind, "{name}");
    }
}

#[tokio::test]
async fn each_sees_what_is_theirs() {
    let desk = Desk::open().await;
    let (asha, bilal) = (desk.student(1).await, desk.student(2).await);
    let (sunita, suresh) = (desk.staff("Sunita").await, desk.staff("Suresh").await);
    let theirs = Laid {
        assigned_to: Some(sunita.id),
        ..Laid::of(&desk, &asha, 1)
    };
    theirs.lay(&desk).await;
    Laid::of(&desk, &bilal, 2).lay(&desk).await;
    let sees = async |known: &Known| {
        let mut seen = Vec::new();
        for name in ["GRV-2026-00001", "GRV-2026-00002"] {
            match told(desk.grievances().get_grievance(desk.by(known, get(name))).await) {
                Ok(read) => seen.push(read.ticket_id),
                Err(fault) => assert_eq!(fault.kind, Kind::NotFound),
            }
        }
        let mut list = listed(&desk, desk.by(known, ListGrievancesRequest::default())).await;
        list.sort();
        assert_eq!(seen, list);
        seen.len()
    };
    assert_eq!((sees(&asha).await, sees(&bilal).await), (1, 1));
    assert_eq!((sees(&sunita).await, sees(&suresh).await), (1, 0));
    for (id, role) in [(desk.warden, Role::Warden), (desk.admin, Role::Admin)] {
        let name = String::new();
        assert_eq!(sees(&Known { id, name, role }).await, 2);
    }
    for role in [Role::Guard, Role::Teacher] {
        let request = desk.world.by(role, ListGrievancesRequest::default());
        let fault = told(desk.grievances().list_grievances(request).await).unwrap_err();
        assert_eq!(fault.kind, Kind::Forbidden);
    }
}

#[tokio::test]
async fn staff_are_not_told_whose_a_sensitive_one_is() {
    let desk = Desk::open().await;
    let asha = desk.enrolled(1, "Student 1").await;
    let sunita = desk.staff("Sunita").await;
    let sensitive = Laid {
        sensitive: true,
        assigned_to: Some(sunita.id),
        ..Laid::of(&desk, &asha, 1)
    };
    sensitive.lay(&desk).await;
    let read = async |request| -> Grievance { told(desk.grievances().get_grievance(request).await).unwrap() };
    let name = "GRV-2026-00001";
    assert!(read(desk.by(&asha, get(name))).await.student.is_some());
    assert!(read(desk.by_warden(get(name))).await.student.is_some());
    assert_eq!(read(desk.by(&sunita, get(name))).await.student, None);
    // Nor do they find it by whose it is.
    let search = |text: &str| ListGrievancesRequest {
        search: Some(text.to_owned()),
        ..ListGrievancesRequest::default()
    };
    for text in ["Student 1", "REG-00001", "A-101"] {
        assert_eq!(listed(&desk, desk.by(&sunita, search(text))).await.len(), 0, "{text}");
        assert_eq!(listed(&desk, desk.by_warden(search(text))).await.len(), 1, "{text}");
    }
    assert_eq!(listed(&desk, desk.by(&sunita, search("out of order"))).await.len(), 1);
}

/// Six that differ.
async fn six(desk: &Desk) -> (Known, Known) {
    let (asha, sunita) = (desk.enrolled(1, "Student 1").await, desk.staff("Sunita").await);
    let now = desk.world.clock.now();
    let of = |number| Laid {
        raised_at: now - chrono::Duration::hours(10 - number),
        ..Laid::of(desk, &asha, number)
    };
    let all = [
        of(1),
        Laid { priority: 2, ..of(2) },
        Laid {
            category: "food",
            ..of(3)
        },
        Laid {
            assigned_to: Some(sunita.id),
            status: "in_progress",
            ..of(4)
        },
        Laid {
            due_at: Some(now - chrono::Duration::minutes(1)),
            priority: 3,
            ..of(5)
        },
        Laid {
            status: "resolved",
            due_at: None,
            resolved: Some((desk.warden, now)),
            room_no: "B_7%",
            ..of(6)
        },
    ];
    for one in all {
        one.lay(desk).await;
    }
    (asha, sunita)
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let desk = Desk::open().await;
    let (_, sunita) = six(&desk).await;
    let none = ListGrievancesRequest::default;
    let search = |text: &str| ListGrievancesRequest {
        search: Some(text.to_owned()),
        ..none()
    };
    for (request, expected) in [
        (none(), "123456"),
        (
            ListGrievancesRequest {
                status: Some(GrievanceStatus::Open.into()),
                ..none()
            },
            "1235",
        ),
        (
            ListGrievancesRequest {
                status: Some(GrievanceStatus::Resolved.into()),
                ..none()
            },
            "6",
        ),
        (
            ListGrievancesRequest {
                priority: Some(GrievancePriority::High.into()),
                ..none()
            },
            "1346",
        ),
        (
            ListGrievancesRequest {
                category: Some("food".to_owned()),
                ..none()
            },
            "3",
        ),
        (
            ListGrievancesRequest {
                assigned_to: Some(sunita.id.to_string()),
                ..none()
            },
            "4",
        ),
        (
            ListGrievancesRequest {
                overdue: Some(true),
                ..none()
            },
            "5",
        ),
        (
            ListGrievancesRequest {
                overdue: Some(false),
                ..none()
            },
            "12346",
        ),
        (search("OUT OF"), "123456"),
        (search("grv-2026-00004"), "4"),
        (search("00002"), "2"),
        (search("2026-0000"), "123456"),
        (search("V-2026-00003"), "3"),
        (search("0003"), "3"),
        (search("student 1"), "123456"),
        (search("b_7%"), "6"),
        (search("_"), "6"),
        (search("nobody wrote this"), ""),
        (
            ListGrievancesRequest {
                status: Some(GrievanceStatus::Open.into()),
                priority: Some(GrievancePriority::Low.into()),
                overdue: Some(true),
                ..search("order")
            },
            "5",
        ),
    ] {
        assert_eq!(found(&desk, request.clone()).await, expected, "{request:?}");
    }
}

#[tokio::test]
async fn lists_are_sorted_as_they_are_asked_for() {
    let desk = Desk::open().await;
    six(&desk).await;
    for (sort_by, order, expected) in [
        (None, None, "654321"),
        (None, Some("asc"), "123456"),
        (Some("created_at"), Some("desc"), "654321"),
        (Some("due_at"), None, "5"),
        (Some("priority"), None, "643125"),
        (Some("priority"), Some("asc"), "526431"),
    ] {
        let request = ListGrievancesRequest {
            sort_by: sort_by.map(str::to_owned),
            order: order.map(str::to_owned),
            ..ListGrievancesRequest::default()
        };
        let numbers = listed(&desk, desk.by_warden(request)).await;
        let numbers: String = numbers
            .iter()
            .map(|number| number.trim_start_matches("GRV-2026-0000"))
            .collect();
        assert!(numbers.starts_with(expected), "{sort_by:?} {order:?}: {numbers}");
        if sort_by == Some("due_at") {
            assert!(numbers.ends_with('6'), "what is not due comes last: {numbers}");
        }
    }
}

#[tokio::test]
async fn what_a_list_cannot_be_is_refused() {
    let desk = Desk::open().await;
    let none = ListGrievancesRequest::default;
    for (field, request) in [
        (
            "sort_by",
            ListGrievancesRequest {
                sort_by: Some("description".to_owned()),
                ..none()
            },
        ),
        (
            "order",
            ListGrievancesRequest {
                order: Some("up".to_owned()),
                ..none()
            },
        ),
        (
            "page",
            ListGrievancesRequest {
                page: Some(0),
                ..none()
            },
        ),
        (
            "limit",
            ListGrievancesRequest {
                limit: Some(101),
                ..none()
            },
        ),
        (
            "assigned_to",
            ListGrievancesRequest {
                assigned_to: Some("me".to_owned()),
                ..none()
            },
        ),
        (
            "search",
            ListGrievancesRequest {
                search: Some("x".repeat(101)),
                ..none()
            },
        ),
        (
            "status",
            ListGrievancesRequest {
                status: Some(77),
                ..none()
            },
        ),
    ] {
        let fault = told(desk.grievances().list_grievances(desk.by_warden(request)).await).unwrap_err();
        assert_eq!(fault.violations[0].field, field);
    }
    six(&desk).await;
    let request = ListGrievancesRequest {
        page: Some(2),
        limit: Some(4),
        ..none()
    };
    let page = told(desk.grievances().list_grievances(desk.by_warden(request)).await).unwrap();
    assert_eq!((page.grievances.len(), page.page.unwrap().total_pages), (2, 2));
}
