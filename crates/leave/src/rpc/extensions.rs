//! `hostelpulse.leave.v1.Extensions`.

use std::sync::Arc;

use kit::access::Caller;
use proto::leave::{ExtendLeaveRequest, Leave, extensions_server};
use tonic::{Request, Response, Status};

use super::convert_gate;
use crate::operations::{App, extend};

pub(crate) struct ExtensionsRpc(pub Arc<App>);

#[tonic::async_trait]
impl extensions_server::Extensions for ExtensionsRpc {
    async fn extend_leave(&self, request: Request<ExtendLeaveRequest>) -> Result<Response<Leave>, Status> {
        let caller = Caller::of(&request)?;
        let more = convert_gate::extension(request.get_ref())?;
        let leave = extend::extend(&self.0, &caller, request.get_ref(), more).await?;
        Ok(Response::new(leave))
    }
}
