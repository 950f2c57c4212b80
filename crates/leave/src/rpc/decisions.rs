//! `hostelpulse.leave.v1.Decisions`.

use std::sync::Arc;

use kit::access::Caller;
use proto::leave::{ApproveLeaveRequest, Leave, RejectLeaveRequest, decisions_server};
use tonic::{Request, Response, Status};

use super::convert;
use crate::operations::{App, decisions::decide};

pub(crate) struct DecisionsRpc(pub Arc<App>);

#[tonic::async_trait]
impl decisions_server::Decisions for DecisionsRpc {
    async fn approve_leave(&self, request: Request<ApproveLeaveRequest>) -> Result<Response<Leave>, Status> {
        let caller = Caller::of(&request)?;
        let said = convert::approval(request.get_ref())?;
        Ok(Response::new(decide::decide(&self.0, &caller, said).await?))
    }

    async fn reject_leave(&self, request: Request<RejectLeaveRequest>) -> Result<Response<Leave>, Status> {
        let caller = Caller::of(&request)?;
        let said = convert::rejection(request.get_ref())?;
        Ok(Response::new(decide::decide(&self.0, &caller, said).await?))
    }
}
