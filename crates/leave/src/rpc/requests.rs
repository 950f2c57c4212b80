//! `hostelpulse.leave.v1.Requests`.

use std::sync::Arc;

use kit::access::Caller;
use proto::leave::{
    CancelLeaveRequest, GetLeaveRequest, Leave, ListLeavesRequest, ListLeavesResponse, RequestLeaveRequest,
    requests_server,
};
use tonic::{Request, Response, Status};

use super::convert;
use crate::operations::{
    App,
    requests::{ask, cancel, list},
};

pub(crate) struct RequestsRpc(pub Arc<App>);

#[tonic::async_trait]
impl requests_server::Requests for RequestsRpc {
    async fn request_leave(&self, request: Request<RequestLeaveRequest>) -> Result<Response<Leave>, Status> {
        let (app, caller) = (&self.0, Caller::of(&request)?);
        // Days that were right when it was asked first may be past when it is repeated.
        if let Some(leave) = ask::given(app, &caller, request.get_ref()).await? {
            return Ok(Response::new(leave));
        }
        let bounds = convert::Bounds::of(app);
        let new = convert::new_leave(request.get_ref(), bounds)?;
        let leave = ask::ask(app, &caller, request.get_ref(), new).await?;
        Ok(Response::new(leave))
    }

    async fn list_leaves(&self, request: Request<ListLeavesRequest>) -> Result<Response<ListLeavesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let query = convert::query(request.get_ref())?;
        let (leaves, page) = list::list(&self.0, &caller, &query).await?;
        Ok(Response::new(ListLeavesResponse {
            leaves,
            page: Some(page),
        }))
    }

    async fn get_leave(&self, request: Request<GetLeaveRequest>) -> Result<Response<Leave>, Status> {
        let caller = Caller::of(&request)?;
        let id = convert::id("id", &request.get_ref().id)?;
        Ok(Response::new(list::get(&self.0, &caller, id).await?))
    }

    async fn cancel_leave(&self, request: Request<CancelLeaveRequest>) -> Result<Response<Leave>, Status> {
        let caller = Caller::of(&request)?;
        let id = convert::id("id", &request.get_ref().id)?;
        Ok(Response::new(cancel::cancel(&self.0, &caller, id).await?))
    }
}
