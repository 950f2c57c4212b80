//! `hostelpulse.attendance.v1.Marks`.

use std::sync::Arc;

use kit::access::Caller;
use proto::{
    attendance::{
        DownloadReportCsvRequest, DownloadReportPdfRequest, GetReportRequest, ListMarkHistoryRequest,
        ListMarkHistoryResponse, ListMarksRequest, ListMarksResponse, ListOwnMarksRequest, ListOwnMarksResponse, Mark,
        MarkByHandRequest, Report, marks_server,
    },
    types::FileChunk,
};
use tonic::{Request, Response, Status};

use super::{Pieces, convert, reports};
use crate::operations::{
    App,
    marks::{by_hand, list},
    report,
};

pub(crate) struct MarksRpc(pub Arc<App>);

#[tonic::async_trait]
impl marks_server::Marks for MarksRpc {
    async fn mark_by_hand(&self, request: Request<MarkByHandRequest>) -> Result<Response<Mark>, Status> {
        let caller = Caller::of(&request)?;
        let word = convert::word(request.get_ref())?;
        let mark = by_hand::mark(&self.0, &caller, request.get_ref(), word).await?;
        Ok(Response::new(mark))
    }

    async fn list_marks(&self, request: Request<ListMarksRequest>) -> Result<Response<ListMarksResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (id, status, paging) = convert::marks_query(request.get_ref())?;
        let (lines, page) = list::of_session(&self.0, &caller, id, status, paging).await?;
        Ok(Response::new(ListMarksResponse {
            marks: lines.iter().map(convert::mark).collect(),
            page: Some(page),
        }))
    }

    async fn list_mark_history(
        &self,
        request: Request<ListMarkHistoryRequest>,
    ) -> Result<Response<ListMarkHistoryResponse>, Status> {
        let (session, student, paging) = convert::history_query(request.get_ref())?;
        let (steps, page) = list::history(&self.0, session, student, paging).await?;
        Ok(Response::new(ListMarkHistoryResponse {
            changes: steps.iter().map(convert::step).collect(),
            page: Some(page),
        }))
    }

    async fn list_own_marks(
        &self,
        request: Request<ListOwnMarksRequest>,
    ) -> Result<Response<ListOwnMarksResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (period, status, paging) = convert::own_query(request.get_ref())?;
        let (lines, page) = list::own(&self.0, &caller, period, status, paging).await?;
        Ok(Response::new(ListOwnMarksResponse {
            marks: lines.iter().map(convert::mark).collect(),
            page: Some(page),
        }))
    }

    async fn get_report(&self, request: Request<GetReportRequest>) -> Result<Response<Report>, Status> {
        let (scope, group_by) = reports::Asked::from(request.get_ref()).read()?;
        let report = report::whole(&self.0, scope, group_by).await?;
        Ok(Response::new(reports::message(&report)))
    }

    type DownloadReportCsvStream = Pieces<FileChunk>;

    async fn download_report_csv(
        &self,
        request: Request<DownloadReportCsvRequest>,
    ) -> Result<Response<Self::DownloadReportCsvStream>, Status> {
        let (scope, group_by) = reports::Asked::from(request.get_ref()).read()?;
        Ok(Response::new(reports::sheet(self.0.clone(), scope, group_by)))
    }

    type DownloadReportPdfStream = Pieces<FileChunk>;

    async fn download_report_pdf(
        &self,
        request: Request<DownloadReportPdfRequest>,
    ) -> Result<Response<Self::DownloadReportPdfStream>, Status> {
        let (scope, group_by) = reports::Asked::from(request.get_ref()).read()?;
        let name = report::file_name(&scope, group_by, "pdf");
        let file = report::print::print(&self.0, scope, group_by).await?;
        Ok(Response::new(reports::paper(name, file)))
    }
}
