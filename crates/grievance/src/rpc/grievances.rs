//! `hostelpulse.grievance.v1.Grievances`.

use std::sync::Arc;

use kit::{Fault, access::Caller};
use proto::grievance::{
    GetGrievanceRequest, GetGrievanceStudentRequest, GetGrievanceStudentResponse, Grievance, ListCategoriesRequest,
    ListCategoriesResponse, ListGrievanceHistoryRequest, ListGrievanceHistoryResponse, ListGrievancesRequest,
    ListGrievancesResponse, RaiseGrievanceRequest, RateGrievanceRequest, ReopenGrievanceRequest,
    ResolveGrievanceRequest, UpdateGrievanceRequest, grievances_server,
};
use tonic::{Request, Response, Status};

use super::{convert, convert_requests};
use crate::{
    domain::TicketRef,
    operations::{App, change, raise, rate, read, reopen, resolve},
};

pub(crate) struct GrievancesRpc(pub Arc<App>);

#[tonic::async_trait]
impl grievances_server::Grievances for GrievancesRpc {
    async fn raise_grievance(&self, request: Request<RaiseGrievanceRequest>) -> Result<Response<Grievance>, Status> {
        let caller = Caller::of(&request)?;
        let new = convert_requests::raised(request.get_ref(), &self.0.config)?;
        let raised = raise::raise(&self.0, caller, request.into_inner(), new).await?;
        Ok(Response::new(raised))
    }

    async fn list_grievances(
        &self,
        request: Request<ListGrievancesRequest>,
    ) -> Result<Response<ListGrievancesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let query = convert_requests::query(request.get_ref())?;
        let (grievances, page) = read::page(&self.0, &caller, &query).await?;
        Ok(Response::new(ListGrievancesResponse {
            grievances,
            page: Some(page),
        }))
    }

    async fn list_categories(
        &self,
        _: Request<ListCategoriesRequest>,
    ) -> Result<Response<ListCategoriesResponse>, Status> {
        let categories = convert_requests::categories(&self.0.config);
        Ok(Response::new(ListCategoriesResponse { categories }))
    }

    async fn get_grievance(&self, request: Request<GetGrievanceRequest>) -> Result<Response<Grievance>, Status> {
        let caller = Caller::of(&request)?;
        let ticket = convert::ticket("id", &request.get_ref().id)?;
        Ok(Response::new(read::one(&self.0, &caller, ticket).await?))
    }

    async fn get_grievance_student(
        &self,
        request: Request<GetGrievanceStudentRequest>,
    ) -> Result<Response<GetGrievanceStudentResponse>, Status> {
        let caller = Caller::of(&request)?;
        let id = kit::id::parse(&request.get_ref().id).map_err(|expected| Fault::invalid("id", expected))?;
        let ticket = read::find(&self.0, self.0.db.reader(), &caller, TicketRef::Id(id)).await?;
        Ok(Response::new(GetGrievanceStudentResponse {
            student_id: ticket.student_id.to_string(),
        }))
    }

    async fn update_grievance(&self, request: Request<UpdateGrievanceRequest>) -> Result<Response<Grievance>, Status> {
        let caller = Caller::of(&request)?;
        let (ticket, wish) = convert_requests::wish(request.get_ref())?;
        Ok(Response::new(change::change(&self.0, &caller, ticket, &wish).await?))
    }

    async fn resolve_grievance(
        &self,
        request: Request<ResolveGrievanceRequest>,
    ) -> Result<Response<Grievance>, Status> {
        let caller = Caller::of(&request)?;
        let (ticket, comments) = convert_requests::resolved(request.get_ref())?;
        let resolved = resolve::resolve(&self.0, &caller, ticket, comments).await?;
        Ok(Response::new(resolved))
    }

    async fn reopen_grievance(&self, request: Request<ReopenGrievanceRequest>) -> Result<Response<Grievance>, Status> {
        let caller = Caller::of(&request)?;
        let (ticket, comments) = convert_requests::reopened(request.get_ref())?;
        let reopened = reopen::reopen(&self.0, &caller, ticket, comments).await?;
        Ok(Response::new(reopened))
    }

    async fn rate_grievance(&self, request: Request<RateGrievanceRequest>) -> Result<Response<Grievance>, Status> {
        let caller = Caller::of(&request)?;
        let (ticket, rating) = convert_requests::rated(request.get_ref())?;
        Ok(Response::new(rate::rate(&self.0, &caller, ticket, rating).await?))
    }

    async fn list_grievance_history(
        &self,
        request: Request<ListGrievanceHistoryRequest>,
    ) -> Result<Response<ListGrievanceHistoryResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (ticket, paging) = convert_requests::history(request.get_ref())?;
        let (changes, page) = read::history(&self.0, &caller, ticket, paging).await?;
        Ok(Response::new(ListGrievanceHistoryResponse {
            changes,
            page: Some(page),
        }))
    }
}
