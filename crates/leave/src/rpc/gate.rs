//! `hostelpulse.leave.v1.Gate`.

use std::sync::Arc;

use kit::access::Caller;
use proto::leave::{
    Absence, DepartOnLeaveRequest, GateView, GetGateRequest, ListActiveLeavesRequest, ListActiveLeavesResponse,
    ReturnFromLeaveRequest, gate_server,
};
use tonic::{Request, Response, Status};

use super::{convert, convert_gate};
use crate::operations::{
    App,
    gate::{active, come_back, depart, view},
};

pub(crate) struct GateRpc(pub Arc<App>);

#[tonic::async_trait]
impl gate_server::Gate for GateRpc {
    async fn depart_on_leave(&self, request: Request<DepartOnLeaveRequest>) -> Result<Response<Absence>, Status> {
        let caller = Caller::of(&request)?;
        let id = convert::id("id", &request.get_ref().id)?;
        let absence = depart::depart(&self.0, &caller, id).await?;
        Ok(Response::new(convert_gate::absence(&absence)))
    }

    async fn return_from_leave(&self, request: Request<ReturnFromLeaveRequest>) -> Result<Response<Absence>, Status> {
        let caller = Caller::of(&request)?;
        let id = convert::id("id", &request.get_ref().id)?;
        let absence = come_back::come_back(&self.0, &caller, id).await?;
        Ok(Response::new(convert_gate::absence(&absence)))
    }

    async fn get_gate(&self, request: Request<GetGateRequest>) -> Result<Response<GateView>, Status> {
        let block = convert_gate::block(request.get_ref().block.as_deref());
        let view = view::view(&self.0, block).await?;
        Ok(Response::new(convert_gate::view(&view)))
    }

    async fn list_active_leaves(
        &self,
        request: Request<ListActiveLeavesRequest>,
    ) -> Result<Response<ListActiveLeavesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let query = convert_gate::active(request.get_ref())?;
        let (leaves, page) = active::active(&self.0, &caller, query).await?;
        Ok(Response::new(ListActiveLeavesResponse {
            leaves,
            page: Some(page),
        }))
    }
}
