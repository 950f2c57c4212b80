//! `hostelpulse.grievance.v1.Comments`.

use std::sync::Arc;

use kit::access::Caller;
use proto::grievance::{
    AddCommentRequest, Grievance, GrievanceComment, ListCommentsRequest, ListCommentsResponse, MergeGrievanceRequest,
    comments_server,
};
use tonic::{Request, Response, Status};

use super::convert_comments;
use crate::operations::{
    App,
    comments::{add, list},
    merge,
};

pub(crate) struct CommentsRpc(pub Arc<App>);

#[tonic::async_trait]
impl comments_server::Comments for CommentsRpc {
    async fn add_comment(&self, request: Request<AddCommentRequest>) -> Result<Response<GrievanceComment>, Status> {
        let caller = Caller::of(&request)?;
        let (_, role) = caller.user()?;
        let (ticket, new) = convert_comments::said(request.get_ref(), role)?;
        let added = add::add(&self.0, &caller, request.get_ref(), ticket, new).await?;
        Ok(Response::new(added))
    }

    async fn list_comments(
        &self,
        request: Request<ListCommentsRequest>,
    ) -> Result<Response<ListCommentsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (ticket, paging) = convert_comments::listed(request.get_ref())?;
        let (comments, page) = list::page(&self.0, &caller, ticket, paging).await?;
        Ok(Response::new(ListCommentsResponse {
            comments,
            page: Some(page),
        }))
    }

    async fn merge_grievance(&self, request: Request<MergeGrievanceRequest>) -> Result<Response<Grievance>, Status> {
        let caller = Caller::of(&request)?;
        let (duplicate, into) = convert_comments::merged(request.get_ref())?;
        Ok(Response::new(merge::merge(&self.0, &caller, duplicate, into).await?))
    }
}
