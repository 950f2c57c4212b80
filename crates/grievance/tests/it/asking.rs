//! Asking for lists: text is found in whatever case, and all that is wrong is told at once.

use kit::Fault;
use proto::grievance::{
    ListCommentsRequest, ListGrievanceHistoryRequest, ListGrievancesRequest, ListImagesRequest, RaiseGrievanceRequest,
};

use crate::{
    desk::{Desk, fan, told},
    reading::found,
};

#[tokio::test]
async fn letters_of_all_alphabets_are_found_in_whatever_case() {
    let desk = Desk::open().await;
    let zoe = desk.enrolled(1, "ZOË Ärmel").await;
    let request = RaiseGrievanceRequest {
        description: "L'ÉCLAIRAGE à côté de la \u{42D}лектричка est en panne.".to_owned(),
        ..fan()
    };
    desk.raise_as(&zoe, request).await;
    let search = |text: &str| ListGrievancesRequest {
        search: Some(text.to_owned()),
        ..ListGrievancesRequest::default()
    };
    for text in [
        "éclairage",
        "ÉCLAIRAGE À CÔTÉ",
        "ЭЛЕКТРИЧКА",
        "zoë",
        "ärm",
        "ÄRMEL",
        "reg-00001",
    ] {
        assert_eq!(found(&desk, search(text)).await, "1", "{text}");
    }
    for text in ["eclairage", "zoe", "электричкa"] {
        assert_eq!(found(&desk, search(text)).await, "", "{text}");
    }
}

#[tokio::test]
async fn all_that_a_list_cannot_be_is_told_at_once() {
    let desk = Desk::open().await;
    let (asha, bad) = (desk.student(1).await, "x".repeat(101));
    let fields = |fault: Fault| -> Vec<String> { fault.violations.into_iter().map(|one| one.field).collect() };
    let request = ListGrievancesRequest {
        page: Some(0),
        limit: Some(101),
        order: Some("up".to_owned()),
        search: Some(bad),
        ..ListGrievancesRequest::default()
    };
    let fault = told(desk.grievances().list_grievances(desk.by_warden(request)).await).unwrap_err();
    assert_eq!(fields(fault), ["search", "order", "page", "limit"]);
    let (id, page, limit) = ("nonsense".to_owned(), Some(0), Some(0));
    let request = ListGrievanceHistoryRequest {
        id: id.clone(),
        page,
        limit,
    };
    let fault = told(desk.grievances().list_grievance_history(desk.by(&asha, request)).await).unwrap_err();
    assert_eq!(fields(fault), ["id", "page", "limit"]);
    let request = ListCommentsRequest {
        id: id.clone(),
        page,
        limit,
    };
    let fault = told(desk.comments().list_comments(desk.by(&asha, request)).await).unwrap_err();
    assert_eq!(fields(fault), ["id", "page", "limit"]);
    let request = ListImagesRequest { id, page, limit };
    let fault = told(desk.images().list_images(desk.by(&asha, request)).await).unwrap_err();
    assert_eq!(fields(fault), ["id", "page", "limit"]);
}
