//! `hostelpulse.leave.v1.Roster`.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use proto::leave::{LeaveRecord, StreamLeavesRequest, roster_server};
use tonic::{Request, Response, Status};

use super::Pieces;
use crate::{
    events,
    operations::{App, requests::list},
};

pub(crate) struct RosterRpc(pub Arc<App>);

#[tonic::async_trait]
impl roster_server::Roster for RosterRpc {
    type StreamLeavesStream = Pieces<LeaveRecord>;

    async fn stream_leaves(
        &self,
        _: Request<StreamLeavesRequest>,
    ) -> Result<Response<Self::StreamLeavesStream>, Status> {
        let leaves = list::every(self.0.clone());
        let records = leaves.map_ok(|leave| events::record(&leave)).map_err(Status::from);
        Ok(Response::new(Box::pin(records)))
    }
}
