//! The gate: who leaves, who comes back, who should be back.

use chrono::TimeDelta;
use futures_util::future::join_all;
use kit::Fault;
use leave::Config;
use proto::{
    leave::{
        Absence, DepartOnLeaveRequest, GateView, GetGateRequest, Leave, LeaveState, ListActiveLeavesRequest,
        ListActiveLeavesResponse, ReturnFromLeaveRequest,
    },
    options::Role,
};

use crate::hostel::{Hostel, Pupil, reason, told, until};

const DAY: TimeDelta = TimeDelta::days(1);

pub(crate) async fn depart(hostel: &Hostel, id: &str) -> Result<Absence, Fault> {
    let request = DepartOnLeaveRequest { id: id.to_owned() };
    told(hostel.gate().depart_on_leave(hostel.by_guard(request)).await)
}

pub(crate) async fn come_back(hostel: &Hostel, id: &str) -> Result<Absence, Fault> {
    let request = ReturnFromLeaveRequest { id: id.to_owned() };
    told(hostel.gate().return_from_leave(hostel.by_guard(request)).await)
}

pub(crate) async fn view(hostel: &Hostel, block: Option<&str>) -> GateView {
    let request = GetGateRequest {
        block: block.map(str::to_owned),
    };
    told(hostel.gate().get_gate(hostel.by_guard(request)).await).unwrap()
}

async fn active(
    hostel: &Hostel,
    role: Role,
    request: ListActiveLeavesRequest,
) -> Result<ListActiveLeavesResponse, Fault> {
    let id = hostel.world.clock.new_id();
    told(hostel.gate().list_active_leaves(hostel.of(id, role, request)).await)
}

pub(crate) async fn as_warden(hostel: &Hostel, id: &str) -> Leave {
    hostel.get_as(hostel.warden, Role::Warden, id).await.unwrap()
}

fn names(absences: &[Absence]) -> Vec<String> {
    let students = absences.iter().map(|absence| absence.student.clone().unwrap());
    students.map(|student| student.name).collect()
}

async fn quick() -> Hostel {
    Hostel::open_with(Config {
        overdue_every_seconds: 1,
        ..Config::default()
    })
    .await
}

#[tokio::test]
async fn a_student_leaves_and_comes_back_in_time() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let leave = hostel.granted(&asha, 0, 2).await;
    assert_eq!(reason(come_back(&hostel, &leave.id).await), "NOT_DEPARTED");
    let out = depart(&hostel, &leave.id).await.unwrap();
    assert_eq!((out.leave_id.as_str(), out.is_late), (leave.id.as_str(), false));
    assert_eq!((&out.from_date, &out.to_date), (&leave.from_date, &leave.to_date));
    assert_eq!(out.student.clone().unwrap().name, asha.name);
    let again = depart(&hostel, &leave.id).await.unwrap_err();
    assert_eq!(again.reason, "ALREADY_DEPARTED");
    assert!(again.details.contains_key("departed_at"), "{again}");
    assert_eq!(view(&hostel, None).await.out_now, std::slice::from_ref(&out));

    hostel.world.clock.advance(DAY * 2);
    let now = view(&hostel, None).await;
    assert_eq!((names(&now.due_today), now.overdue.len()), (vec![asha.name.clone()], 0));
    let back = come_back(&hostel, &leave.id).await.unwrap();
    assert!(back.returned_at.is_some() && !back.is_late);
    assert_eq!(reason(come_back(&hostel, &leave.id).await), "ALREADY_RETURNED");
    assert_eq!(reason(depart(&hostel, &leave.id).await), "ALREADY_DEPARTED");
    let now = view(&hostel, None).await;
    assert!(now.out_now.is_empty() && now.due_today.is_empty());

    let seen = as_warden(&hostel, &leave.id).await;
    assert_eq!(
        (seen.departed_at, seen.returned_at),
        (out.departed_at, back.returned_at)
    );
    assert_eq!((seen.status(), seen.to_date), (LeaveState::Approved, leave.to_date));
    let departed = hostel.told("leave.departed").await;
    assert_eq!(
        (departed.len(), departed[0]["data"]["leave"]["id"].as_str()),
        (1, Some(leave.id.as_str()))
    );
    assert_eq!(hostel.told("leave.returned").await[0]["data"]["is_late"], false);
    assert!(hostel.told("leave.changed").await.is_empty());
    versions_are_whole(&hostel).await;
}

/// The events of each leave are numbered from 1 without gaps.
pub(crate) async fn versions_are_whole(hostel: &Hostel) {
    let rows = hostel.rows("SELECT event AS text FROM outbox ORDER BY id").await;
    let mut seen = std::collections::BTreeMap::<String, Vec<i64>>::new();
    for row in rows {
        let event: serde_json::Value = serde_json::from_str(&row).unwrap();
        let version = event["version"].as_i64().unwrap();
        seen.entry(event["subject"].as_str().unwrap().to_owned())
            .or_default()
            .push(version);
    }
    for (subject, mut versions) in seen {
        versions.sort_unstable();
        assert!(
            versions.iter().copied().eq(1..=i64::try_from(versions.len()).unwrap()),
            "{subject}: {versions:?}"
        );
    }
}

#[tokio::test]
async fn nobody_leaves_before_the_first_day_or_after_the_last_or_twice_at_once() {
    let hostel = Hostel::open().await;
    let (asha, ravi) = (hostel.student(1, "A").await, hostel.student(2, "A").await);
    let leave = hostel.granted(&asha, 1, 2).await;
    let early = depart(&hostel, &leave.id).await.unwrap_err();
    assert_eq!(
        (early.reason.as_ref(), &early.details["from_date"]),
        ("LEAVE_NOT_BEGUN", &leave.from_date.clone().into())
    );
    hostel.world.clock.advance(DAY * 3);
    assert_eq!(reason(depart(&hostel, &leave.id).await), "LEAVE_ENDED");

    // Permission is one thing: a guard knows of no other leaves than granted ones.
    let pending = hostel.ask(&ravi, hostel.home(0, 1)).await.unwrap();
    assert_eq!(reason(depart(&hostel, &pending.id).await), "NOT_FOUND");
    assert_eq!(
        reason(depart(&hostel, &hostel.world.clock.new_id().to_string()).await),
        "NOT_FOUND"
    );
    assert_eq!(reason(depart(&hostel, "nobody").await), "VALIDATION_ERROR");
    hostel.approve(&pending.id).await.unwrap();

    let both = join_all((0..5).map(|_| depart(&hostel, &pending.id))).await;
    let lost: Vec<_> = both.into_iter().filter(Result::is_err).map(reason).collect();
    assert_eq!(lost, vec!["ALREADY_DEPARTED"; 4]);
    hostel.world.clock.advance(DAY * 2);
    let next = hostel.granted(&ravi, 0, 0).await;
    let other = depart(&hostel, &next.id).await.unwrap_err();
    assert_eq!(
        (other.reason.as_ref(), &other.details["leave_id"]),
        ("OUT_ON_ANOTHER_LEAVE", &pending.id.clone().into())
    );
    let both = join_all((0..5).map(|_| come_back(&hostel, &pending.id))).await;
    assert_eq!(both.iter().filter(|back| back.is_ok()).count(), 1);
    depart(&hostel, &next.id).await.unwrap();
    assert_eq!(hostel.told("leave.departed").await.len(), 2);
    versions_are_whole(&hostel).await;
}

#[tokio::test]
async fn an_early_return_ends_the_leave_and_frees_its_days() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let leave = hostel.granted(&asha, 0, 5).await;
    depart(&hostel, &leave.id).await.unwrap();
    hostel.world.clock.advance(DAY * 2);
    let back = come_back(&hostel, &leave.id).await.unwrap();
    let today = hostel.in_days(0).to_string();
    assert_eq!((back.is_late, back.to_date.as_str()), (false, today.as_str()));
    let seen = as_warden(&hostel, &leave.id).await;
    assert_eq!(
        (seen.status(), &seen.to_date, &seen.asked_to_date),
        (LeaveState::Approved, &today, &leave.to_date)
    );
    let changed = hostel.told("leave.changed").await;
    assert_eq!(
        (changed.len(), changed[0]["data"]["leave"]["to_date"].as_str()),
        (1, Some(today.as_str()))
    );
    // Its last days can be had again.
    hostel.ask(&asha, hostel.home(1, 3)).await.unwrap();
    assert_eq!(reason(hostel.ask(&asha, hostel.home(0, 0)).await), "LEAVE_OVERLAP");
    versions_are_whole(&hostel).await;
}

#[tokio::test]
async fn whoever_is_overdue_is_told_of_once_and_noted_as_late() {
    let hostel = quick().await;
    let (asha, ravi) = (hostel.student(1, "A").await, hostel.student(2, "B").await);
    let (leave, other) = (hostel.granted(&asha, 0, 0).await, hostel.granted(&ravi, 0, 3).await);
    depart(&hostel, &leave.id).await.unwrap();
    depart(&hostel, &other.id).await.unwrap();
    hostel.world.clock.advance(DAY);
    let overstayed = until("an overdue student", async || {
        hostel.told("leave.overstayed").await.pop()
    })
    .await;
    assert_eq!(overstayed["data"]["leave"]["id"], leave.id);
    assert_eq!(overstayed["data"]["due_date"], leave.to_date);
    let now = view(&hostel, None).await;
    assert_eq!((names(&now.overdue), now.out_now.len()), (vec![asha.name.clone()], 2));
    assert!(now.overdue[0].is_late && !now.out_now[1].is_late);
    assert_eq!(
        names(&view(&hostel, Some("b")).await.out_now),
        std::slice::from_ref(&ravi.name)
    );
    assert!(view(&hostel, Some("b")).await.overdue.is_empty());

    hostel.world.clock.advance(DAY * 3);
    until("the other one", async || {
        (hostel.told("leave.overstayed").await.len() > 1).then_some(())
    })
    .await;
    let back = come_back(&hostel, &leave.id).await.unwrap();
    assert!(back.is_late);
    assert_eq!(hostel.told("leave.returned").await[0]["data"]["is_late"], true);
    // A late return shortens nothing.
    assert_eq!(as_warden(&hostel, &leave.id).await.to_date, leave.to_date);
    let of_asha = hostel.told("leave.overstayed").await;
    let of_asha = of_asha.iter().filter(|event| event["data"]["leave"]["id"] == leave.id);
    assert_eq!(of_asha.count(), 1);
    versions_are_whole(&hostel).await;
}

#[tokio::test]
async fn whoever_is_gone_from_the_hostel_is_not_waited_for() {
    let hostel = quick().await;
    let (asha, ravi) = (hostel.student(1, "A").await, hostel.student(2, "B").await);
    let (leave, other) = (hostel.granted(&asha, 0, 0).await, hostel.granted(&ravi, 0, 0).await);
    depart(&hostel, &leave.id).await.unwrap();
    depart(&hostel, &other.id).await.unwrap();
    hostel
        .write("UPDATE student SET active = FALSE WHERE id = $1", [asha.id.into()])
        .await;
    assert_eq!(
        names(&view(&hostel, None).await.out_now),
        std::slice::from_ref(&ravi.name)
    );
    hostel.world.clock.advance(DAY);
    let overstayed = until("an overdue student", async || {
        hostel.told("leave.overstayed").await.pop()
    })
    .await;
    assert_eq!(overstayed["data"]["leave"]["id"], other.id);
    assert_eq!(names(&view(&hostel, None).await.overdue), [ravi.name]);
    assert_eq!(hostel.told("leave.overstayed").await.len(), 1);
}

#[tokio::test]
async fn who_is_away_on_a_day_is_listed_by_name_for_guards_and_wardens() {
    let hostel = Hostel::open().await;
    let mut pupils: Vec<Pupil> = Vec::new();
    for (number, block) in [(3, "A"), (1, "A"), (2, "B")] {
        pupils.push(hostel.student(number, block).await);
    }
    hostel.granted(&pupils[0], 0, 2).await;
    hostel.granted(&pupils[1], 1, 4).await;
    hostel.granted(&pupils[2], 1, 1).await;
    hostel.ask(&pupils[2], hostel.home(2, 2)).await.unwrap();
    let on = |days: u64| ListActiveLeavesRequest {
        date: Some(hostel.in_days(days).to_string()),
        ..ListActiveLeavesRequest::default()
    };
    let listed = |page: ListActiveLeavesResponse| -> Vec<String> {
        let students = page.leaves.into_iter().map(|leave| leave.student.unwrap());
        students.map(|student| student.name).collect()
    };
    let today = active(&hostel, Role::Guard, ListActiveLeavesRequest::default())
        .await
        .unwrap();
    assert_eq!(listed(today), ["Student 3"]);
    let tomorrow = active(&hostel, Role::Guard, on(1)).await.unwrap();
    assert!(
        tomorrow
            .leaves
            .iter()
            .all(|leave| leave.place_of_visit.is_empty() && leave.leave_type.is_none())
    );
    assert_eq!(listed(tomorrow), ["Student 1", "Student 2", "Student 3"]);
    assert_eq!(
        listed(active(&hostel, Role::Warden, on(2)).await.unwrap()),
        ["Student 1", "Student 3"]
    );
    let of_block = ListActiveLeavesRequest {
        block: Some(" a ".to_owned()),
        limit: Some(1),
        page: Some(2),
        ..on(1)
    };
    let second = active(&hostel, Role::Warden, of_block).await.unwrap();
    assert_eq!(second.page.unwrap().total_items, 2);
    assert_eq!(second.leaves[0].place_of_visit, "Pune");
    assert_eq!(listed(second), ["Student 3"]);
    let wrong = ListActiveLeavesRequest {
        date: Some("tomorrow".to_owned()),
        ..on(0)
    };
    assert_eq!(reason(active(&hostel, Role::Guard, wrong).await), "VALIDATION_ERROR");
}
