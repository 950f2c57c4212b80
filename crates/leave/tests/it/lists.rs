//! Reading leaves: who sees which, and how much of them.

use proto::{
    leave::{LeaveState, ListLeavesRequest},
    options::Role,
};

use crate::hostel::{Hostel, reason, wrong_fields};

#[tokio::test]
async fn each_role_sees_its_own() {
    let hostel = Hostel::open().await;
    let (asha, bilal) = (hostel.student(1, "A").await, hostel.student(2, "B").await);
    let pending = hostel.ask(&asha, hostel.home(1, 2)).await.unwrap();
    let granted = hostel.granted(&asha, 3, 4).await;
    let others = hostel.granted(&bilal, 3, 4).await;
    let ids = async |user, role| {
        let list = hostel.list_as(user, role, ListLeavesRequest::default()).await.unwrap();
        assert_eq!(list.page.unwrap().total_items, list.leaves.len() as u64);
        list.leaves.into_iter().map(|leave| leave.id).collect::<Vec<_>>()
    };
    let latest_first = [&others.id, &granted.id, &pending.id].map(Clone::clone);
    assert_eq!(ids(hostel.warden, Role::Warden).await, latest_first);
    assert_eq!(ids(hostel.admin, Role::Admin).await, latest_first);
    assert_eq!(ids(asha.id, Role::Student).await, latest_first[1..]);
    assert_eq!(ids(hostel.guard, Role::Guard).await, latest_first[..2]);
    assert_eq!(
        reason(hostel.get_as(hostel.guard, Role::Guard, &pending.id).await),
        "NOT_FOUND"
    );
    let unknown = hostel.world.clock.new_id().to_string();
    assert_eq!(
        reason(hostel.get_as(hostel.warden, Role::Warden, &unknown).await),
        "NOT_FOUND"
    );
    assert_eq!(
        wrong_fields(hostel.get_as(hostel.warden, Role::Warden, "nobody").await),
        ["id"]
    );
}

#[tokio::test]
async fn a_guard_is_told_no_more_than_a_gate_needs() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let mut request = hostel.home(1, 2);
    request.leave_type = "medical".to_owned();
    request.extra_details = Some("An operation".to_owned());
    let asked = hostel.ask(&asha, request).await.unwrap();
    hostel.approve(&asked.id).await.unwrap();
    let seen = hostel.get_as(hostel.guard, Role::Guard, &asked.id).await.unwrap();
    assert_eq!((seen.leave_type, seen.extra_details.clone()), (None, None));
    assert_eq!((seen.place_of_visit.as_str(), seen.parent_phone.as_str()), ("", ""));
    assert!(seen.decisions.is_empty() && seen.guardian.is_none());
    assert_eq!(seen.student.unwrap().name, "Student 1");
    assert_eq!((seen.from_date, seen.to_date), (asked.from_date, asked.to_date));
}

#[tokio::test]
async fn filters_and_pages() {
    let hostel = Hostel::open().await;
    let (asha, bilal) = (hostel.student(1, "A").await, hostel.student(2, "B").await);
    let first = hostel.granted(&asha, 1, 5).await.id;
    let second = hostel.ask(&asha, hostel.home(10, 15)).await.unwrap().id;
    let third = hostel.ask(&bilal, hostel.home(4, 11)).await.unwrap().id;
    let wanted = async |request: ListLeavesRequest| {
        let list = hostel.list_as(hostel.warden, Role::Warden, request).await.unwrap();
        list.leaves.into_iter().map(|leave| leave.id).collect::<Vec<_>>()
    };
    let all = ListLeavesRequest::default();
    let pending = ListLeavesRequest {
        status: Some(LeaveState::Pending.into()),
        ..all.clone()
    };
    assert_eq!(wanted(pending).await, [third.clone(), second.clone()]);
    // Those that have a day of the period.
    let period = |from: u64, to: u64| ListLeavesRequest {
        from: Some(hostel.in_days(from).to_string()),
        to: Some(hostel.in_days(to).to_string()),
        ..ListLeavesRequest::default()
    };
    assert_eq!(wanted(period(5, 9)).await, [third.clone(), first.clone()]);
    assert_eq!(wanted(period(12, 30)).await, vec![second.clone()]);
    assert!(wanted(period(16, 30)).await.is_empty());
    let of_bilal = ListLeavesRequest {
        student_id: Some(bilal.id.to_string()),
        ..all.clone()
    };
    assert_eq!(wanted(of_bilal).await, vec![third.clone()]);
    let of_block = ListLeavesRequest {
        block: Some(" a ".to_owned()),
        ..all.clone()
    };
    assert_eq!(wanted(of_block).await, [second.clone(), first.clone()]);
    let by_day = ListLeavesRequest {
        sort_by: Some("from_date".to_owned()),
        order: Some("asc".to_owned()),
        ..all.clone()
    };
    assert_eq!(wanted(by_day).await, [first, third, second.clone()]);
    let page = ListLeavesRequest {
        page: Some(2),
        limit: Some(1),
        ..all.clone()
    };
    assert_eq!(wanted(page).await, [second]);
    let wrong = ListLeavesRequest {
        from: Some("tomorrow".to_owned()),
        sort_by: Some("name".to_owned()),
        student_id: Some("nobody".to_owned()),
        ..all
    };
    let refused = hostel.list_as(hostel.warden, Role::Warden, wrong).await;
    assert_eq!(wrong_fields(refused), ["from", "student_id", "sort_by"]);
}
