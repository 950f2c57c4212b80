//! `hostelpulse.attendance.v1.Review`.

use std::sync::Arc;

use kit::{access::Caller, page::Paging};
use proto::attendance::{Flag, ListFlagsRequest, ListFlagsResponse, ReviewFlagRequest, review_server};
use tonic::{Request, Response, Status};

use super::{convert, convert_flags};
use crate::operations::{
    App,
    flags::{list, review},
};

pub(crate) struct ReviewRpc(pub Arc<App>);

#[tonic::async_trait]
impl review_server::Review for ReviewRpc {
    async fn list_flags(&self, request: Request<ListFlagsRequest>) -> Result<Response<ListFlagsResponse>, Status> {
        let request = request.into_inner();
        let paging = Paging::new(request.page, request.limit)?;
        let (flags, page) = list::list(&self.0, convert_flags::filter(&request)?, paging).await?;
        Ok(Response::new(ListFlagsResponse {
            flags: flags.iter().map(convert_flags::flag).collect(),
            page: Some(page),
        }))
    }

    async fn review_flag(&self, request: Request<ReviewFlagRequest>) -> Result<Response<Flag>, Status> {
        let caller = Caller::of(&request)?;
        let id = convert::id("id", &request.get_ref().id)?;
        let (verdict, note) = convert_flags::review(request.get_ref())?;
        let flag = review::review(&self.0, &caller, id, verdict, note).await?;
        Ok(Response::new(convert_flags::flag(&flag)))
    }
}
