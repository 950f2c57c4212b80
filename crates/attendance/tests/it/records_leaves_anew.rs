//! Leaves read anew: what was granted before anybody here could hear of it excuses all the same.

use attendance::{Attendance, Config};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use kit::service::Service as _;
use proto::leave::{
    LeaveRecord, LeaveState, StreamLeavesRequest,
    roster_server::{Roster, RosterServer},
};
use tonic::{Request, Response, Status, service::Routes};

use crate::{
    gate::{Gate, until},
    records::{Stage, days_ago},
};

/// The leave service, as far as it tells of every leave.
#[derive(Clone)]
pub(crate) struct Leaves(pub Vec<LeaveRecord>);

#[tonic::async_trait]
impl Roster for Leaves {
    type StreamLeavesStream = BoxStream<'static, Result<LeaveRecord, Status>>;

    async fn stream_leaves(
        &self,
        request: Request<StreamLeavesRequest>,
    ) -> Result<Response<Self::StreamLeavesStream>, Status> {
        assert!(request.metadata().get("authorization").is_some());
        let all: Vec<_> = self.0.iter().cloned().map(Ok).collect();
        Ok(Response::new(stream::iter(all).boxed()))
    }
}

#[tokio::test]
async fn what_was_never_heard_of_is_read_at_the_start() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let ravi = gate.student(2, "A", 1).await;
    let roll = gate.lay_roll("A", 1, days_ago(2), Stage::Settled).await;
    for pupil in [&asha, &ravi] {
        gate.lay_mark(roll, pupil, "absent", "settlement").await;
    }
    let granted = gate.a_leave(&asha, days_ago(3), days_ago(1));
    let rejected = LeaveRecord {
        state: LeaveState::Rejected.into(),
        ..gate.a_leave(&ravi, days_ago(3), days_ago(1))
    };
    let leaves = Leaves(vec![granted.clone(), rejected]);
    let stores = gate.world.stop().await;
    let routes = Routes::new(RosterServer::new(leaves));
    let gate = Gate::open_beside(stores, Config::default(), vec![("leave", routes)]).await;
    until("the leaves are read", async || {
        (gate.count("copies_filled WHERE one = 2").await == 1).then_some(())
    })
    .await;
    assert_eq!(gate.how_stands(roll, &asha).await, "excused leave");
    assert_eq!(gate.how_stands(roll, &ravi).await, "absent settlement");
    assert_eq!(gate.told("excuse.changed").await.len(), 1);
    // What is heard of it later is nothing new.
    gate.hear_of_leave(&granted).await;
    gate.heard_of(1).await;
    assert_eq!(gate.told("excuse.changed").await.len(), 1);
}

#[test]
fn an_operator_reads_leaves_beside_students() {
    assert_eq!(Attendance::READS, ["students", "leave"]);
}
