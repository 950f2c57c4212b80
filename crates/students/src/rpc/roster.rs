//! `hostelpulse.students.v1.Roster`.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use proto::students::{BlockRecord, StreamBlocksRequest, StreamStudentsRequest, StudentRecord, roster_server};
use tonic::{Request, Response, Status};

use super::Pieces;
use crate::{
    events,
    operations::{App, list},
};

pub(crate) struct RosterRpc(pub Arc<App>);

#[tonic::async_trait]
impl roster_server::Roster for RosterRpc {
    type StreamStudentsStream = Pieces<StudentRecord>;

    async fn stream_students(
        &self,
        _request: Request<StreamStudentsRequest>,
    ) -> Result<Response<Self::StreamStudentsStream>, Status> {
        let students = list::everybody(self.0.clone());
        let records = students
            .map_ok(|student| events::record(&student))
            .map_err(Status::from);
        Ok(Response::new(Box::pin(records)))
    }

    type StreamBlocksStream = Pieces<BlockRecord>;

    async fn stream_blocks(
        &self,
        _request: Request<StreamBlocksRequest>,
    ) -> Result<Response<Self::StreamBlocksStream>, Status> {
        let blocks = list::every_block(self.0.clone());
        Ok(Response::new(Box::pin(blocks.map_err(Status::from))))
    }
}
