//! What is sensitive: whose it is only those know who have to.

use grievance::Config;
use kit::fault::Kind;
use proto::{
    grievance::{ListGrievanceHistoryRequest, ListGrievancesRequest, RaiseGrievanceRequest},
    options::Role,
};

use crate::{
    desk::{Desk, Known, fan, told},
    laid::Laid,
};

pub(crate) fn theft() -> RaiseGrievanceRequest {
    RaiseGrievanceRequest {
        category: "security".to_owned(),
        sub_category: Some("theft".to_owned()),
        priority: "high".to_owned(),
        description: "My bicycle was taken from the rack.".to_owned(),
        sensitive: None,
    }
}

#[tokio::test]
async fn staff_work_on_what_is_sensitive_without_knowing_whose_it_is() {
    let desk = Desk::open().await;
    let (asha, ravi) = (desk.enrolled(1, "Student 1").await, desk.staff("Ravi").await);
    let raised = desk.raise_as(&asha, theft()).await;
    assert!(raised.sensitive);
    desk.assign(&raised.id, &ravi).await;
    desk.say(&asha, &raised.id, "It was blue.").await.unwrap();

    let seen = desk.get(&ravi, &raised.id).await.unwrap();
    assert_eq!(
        (seen.student.as_ref(), seen.description.as_str()),
        (None, "My bicycle was taken from the rack.")
    );
    let heard = desk.comments_of(&ravi, &raised.id).await.unwrap();
    assert_eq!((heard[0].author.as_ref(), heard[0].author_name.as_ref()), (None, None));
    assert_eq!(heard[0].author_role, "student");
    let request = ListGrievanceHistoryRequest {
        id: raised.id.clone(),
        ..ListGrievanceHistoryRequest::default()
    };
    let history = told(desk.grievances().list_grievance_history(desk.by(&ravi, request)).await).unwrap();
    // Nothing at all of what staff are told says who it was.
    let all = format!("{seen:?} {heard:?} {history:?} {:?}", listed(&desk, &ravi, None).await);
    for word in [
        asha.id.to_string(),
        asha.name.clone(),
        "REG-00001".to_owned(),
        "A-101".to_owned(),
    ] {
        assert!(!all.contains(&word), "{word} in {all}");
    }
    // Nor does looking for the student find it.
    assert!(listed(&desk, &ravi, Some("Student 1")).await.is_empty());
    assert_eq!(listed(&desk, &ravi, Some("bicycle")).await.len(), 1);

    // Who raised it, and whose role is named, know.
    for known in [&asha, &desk.warden_known()] {
        let seen = desk.get(known, &raised.id).await.unwrap();
        assert_eq!(seen.student.unwrap().name, asha.name);
        assert_eq!(
            desk.comments_of(known, &raised.id).await.unwrap()[0].author,
            Some(asha.id.to_string())
        );
    }
}

#[tokio::test]
async fn a_student_may_ask_for_it_of_anything() {
    let desk = Desk::open().await;
    let (asha, ravi) = (desk.student(1).await, desk.staff("Ravi").await);
    let request = RaiseGrievanceRequest {
        sensitive: Some(true),
        ..fan()
    };
    let (sensitive, plain) = (desk.raise_as(&asha, request).await, desk.raise(&asha).await);
    desk.assign(&sensitive.id, &ravi).await;
    desk.assign(&plain.id, &ravi).await;
    assert_eq!(desk.get(&ravi, &sensitive.id).await.unwrap().student, None);
    assert_eq!(
        desk.get(&ravi, &plain.id).await.unwrap().student.unwrap().name,
        asha.name
    );
}

#[tokio::test]
async fn what_is_sensitive_is_not_there_for_wardens_who_are_not_named() {
    let config = Config {
        sensitive_roles: vec!["admin".to_owned()],
        ..Config::default()
    };
    let desk = Desk::open_with(config).await;
    let (asha, warden) = (desk.student(1).await, desk.warden_known());
    let admin = Known {
        id: desk.admin,
        name: "Ravi Kumar".to_owned(),
        role: Role::Admin,
    };
    let (theft, fan) = (desk.raise_as(&asha, theft()).await, desk.raise(&asha).await);
    assert_eq!(desk.get(&warden, &theft.id).await.unwrap_err().kind, Kind::NotFound);
    assert_eq!(
        desk.say(&warden, &theft.id, "Hello.").await.unwrap_err().kind,
        Kind::NotFound
    );
    assert_eq!(
        desk.comments_of(&warden, &theft.id).await.unwrap_err().kind,
        Kind::NotFound
    );
    assert_eq!(desk.merge(&theft.id, &fan.id).await.unwrap_err().kind, Kind::NotFound);
    assert_eq!(desk.merge(&fan.id, &theft.id).await.unwrap_err().kind, Kind::Validation);
    assert_eq!(listed(&desk, &warden, None).await.len(), 1);
    assert_eq!(listed(&desk, &admin, None).await.len(), 2);
    desk.say(&admin, &theft.id, "We are looking.").await.unwrap();
}

#[tokio::test]
async fn roles_without_a_part_in_it_see_nothing() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let id = Laid::of(&desk, &asha, 1).lay(&desk).await.to_string();
    for role in [Role::Guard, Role::Teacher] {
        let known = Known {
            id: desk.world.clock.new_id(),
            name: String::new(),
            role,
        };
        assert_eq!(desk.get(&known, &id).await.unwrap_err().kind, Kind::Forbidden);
        assert_eq!(desk.comments_of(&known, &id).await.unwrap_err().kind, Kind::Forbidden);
    }
}

async fn listed(desk: &Desk, known: &Known, search: Option<&str>) -> Vec<proto::grievance::Grievance> {
    let request = ListGrievancesRequest {
        search: search.map(str::to_owned),
        ..ListGrievancesRequest::default()
    };
    let listed = desk.grievances().list_grievances(desk.by(known, request)).await;
    told(listed).unwrap().grievances
}
