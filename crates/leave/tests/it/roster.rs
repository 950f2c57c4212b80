//! Every leave at once, for services that keep a copy.

use futures_util::TryStreamExt as _;
use proto::leave::{LeaveRecord, LeaveState, StreamLeavesRequest};
use uuid::Uuid;

use crate::hostel::{Hostel, reason, told};

/// Every leave, as attendance reads them.
async fn records(hostel: &Hostel) -> Vec<LeaveRecord> {
    let token = hostel.world.host.tokens("attendance").token().unwrap();
    let request = hostel.world.request(&token, StreamLeavesRequest {});
    let stream = hostel.roster().stream_leaves(request).await.unwrap().into_inner();
    stream.try_collect().await.unwrap()
}

#[tokio::test]
async fn other_services_are_told_of_all_of_them_and_people_of_none() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let granted = hostel.granted(&asha, 1, 2).await;
    let rejected = hostel.ask(&asha, hostel.home(5, 6)).await.unwrap();
    hostel.reject(&rejected.id).await.unwrap();
    let records = records(&hostel).await;
    let states: Vec<_> = records
        .iter()
        .map(|one| (one.id.as_str(), one.version, one.state()))
        .collect();
    assert_eq!(
        states,
        [
            (granted.id.as_str(), 2, LeaveState::Approved),
            (rejected.id.as_str(), 2, LeaveState::Rejected)
        ]
    );
    let refused = told(
        hostel
            .roster()
            .stream_leaves(hostel.by_warden(StreamLeavesRequest {}))
            .await,
    );
    assert_eq!(reason(refused.map(drop)), "FORBIDDEN");
}

#[tokio::test]
async fn what_is_not_told_of_a_leave_is_not_opened_for_it() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let damaged = hostel.granted(&asha, 1, 2).await;
    let sound = hostel.granted(&asha, 5, 6).await;
    let row = Uuid::parse_str(&damaged.id).unwrap();
    let spoilt = hostel
        .write(
            "UPDATE leave SET details = $1, chain = 'nobody', leave_type = 'x', decided_by = NULL WHERE id = $2",
            [vec![7_u8; 40].into(), row.into()],
        )
        .await;
    assert_eq!(spoilt, 1);
    let records = records(&hostel).await;
    let told: Vec<_> = records
        .iter()
        .map(|one| (&one.id, &one.student_id, &one.from_date, &one.to_date, one.state()))
        .collect();
    let expected = [&damaged, &sound].map(|leave| {
        let student = &leave.student.as_ref().unwrap().id;
        (
            &leave.id,
            student,
            &leave.from_date,
            &leave.to_date,
            LeaveState::Approved,
        )
    });
    assert_eq!(told, expected);
}
