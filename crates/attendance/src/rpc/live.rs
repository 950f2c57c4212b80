//! `hostelpulse.attendance.v1.Live`.

use std::sync::Arc;

use futures_util::StreamExt as _;
use kit::access::Caller;
use proto::attendance::{Happening, WatchSessionRequest, live_server};
use tonic::{Request, Response, Status};

use super::{Pieces, convert, convert_live};
use crate::operations::{App, live};

pub(crate) struct LiveRpc(pub Arc<App>);

#[tonic::async_trait]
impl live_server::Live for LiveRpc {
    type WatchSessionStream = Pieces<Happening>;

    async fn watch_session(
        &self,
        request: Request<WatchSessionRequest>,
    ) -> Result<Response<Self::WatchSessionStream>, Status> {
        let (app, caller) = (self.0.clone(), Caller::of(&request)?);
        let session = convert::id("session_id", &request.get_ref().session_id)?;
        let told = live::watch(&app, &caller, session).await?;
        let happenings = told.map(move |told| Ok(convert_live::happening(&app, told?)));
        Ok(Response::new(Box::pin(happenings)))
    }
}
