//! `hostelpulse.auth.v1.Sessions`.

use std::sync::Arc;

use kit::{access::Caller, page::Paging};
use proto::{
    auth::{EndOtherSessionsResponse, EndSessionRequest, ListSessionsRequest, ListSessionsResponse, sessions_server},
    types::Nothing,
};
use tonic::{Request, Response, Status};

use super::convert;
use crate::operations::{App, sessions};

pub(crate) struct SessionsRpc(pub Arc<App>);

#[tonic::async_trait]
impl sessions_server::Sessions for SessionsRpc {
    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let listing = sessions::list(&self.0, &caller, Paging::new(request.page, request.limit)?).await?;
        Ok(Response::new(convert::listing(listing)))
    }

    async fn end_session(&self, request: Request<EndSessionRequest>) -> Result<Response<Nothing>, Status> {
        let caller = Caller::of(&request)?;
        sessions::end(&self.0, &caller, convert::id(&request.get_ref().id)?).await?;
        Ok(Response::new(Nothing {}))
    }

    async fn end_other_sessions(
        &self,
        request: Request<Nothing>,
    ) -> Result<Response<EndOtherSessionsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let ended = sessions::end_others(&self.0, &caller).await?;
        Ok(Response::new(EndOtherSessionsResponse {
            ended: u32::try_from(ended).unwrap_or(u32::MAX),
        }))
    }
}
