//! Every leave at once, for services that keep a copy.

use futures_util::TryStreamExt as _;
use proto::leave::{LeaveRecord, LeaveState, StreamLeavesRequest};

use crate::hostel::{Hostel, reason, told};

#[tokio::test]
async fn other_services_are_told_of_all_of_them_and_people_of_none() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let granted = hostel.granted(&asha, 1, 2).await;
    let rejected = hostel.ask(&asha, hostel.home(5, 6)).await.unwrap();
    hostel.reject(&rejected.id).await.unwrap();
    let token = hostel.world.host.tokens("attendance").token().unwrap();
    let request = hostel.world.request(&token, StreamLeavesRequest {});
    let stream = hostel.roster().stream_leaves(request).await.unwrap().into_inner();
    let records: Vec<LeaveRecord> = stream.try_collect().await.unwrap();
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
