//! `hostelpulse.attendance.v1.Scans`.

use std::sync::Arc;

use kit::{Fault, access::Caller, page::Paging};
use proto::attendance::{
    ConfirmScanRequest, GetScanRequest, ListAwaitingRequest, ListAwaitingResponse, ListScansRequest, ListScansResponse,
    RefuseScanRequest, ScanAnswer, ScanRecord, ScanRequest, ScanStatus, SyncScansRequest, SyncScansResponse,
    scans_server,
};
use tonic::{Request, Response, Status};

use super::{convert, convert_scans};
use crate::{
    domain::Word,
    operations::{
        App,
        scan::{self, decide, read, sync},
    },
    store::scan::Which,
};

/// Scans in one sending.
const A_SENDING: usize = 50;

pub(crate) struct ScansRpc(pub Arc<App>);

#[tonic::async_trait]
impl scans_server::Scans for ScansRpc {
    async fn scan(&self, request: Request<ScanRequest>) -> Result<Response<ScanAnswer>, Status> {
        let (student, _) = Caller::of(&request)?.user()?;
        let sent = convert_scans::sent(request.into_inner())?;
        let answer = scan::scan(&self.0, student, &sent).await?;
        Ok(Response::new(convert_scans::answer(&answer)))
    }

    async fn sync_scans(&self, request: Request<SyncScansRequest>) -> Result<Response<SyncScansResponse>, Status> {
        let (student, _) = Caller::of(&request)?.user()?;
        let scans = request.into_inner().scans;
        convert_scans::too_many(scans.len(), A_SENDING)?;
        // One that is no scan stands in nobody's way.
        let scans: Vec<_> = scans.into_iter().map(|scan| convert_scans::sent(scan).ok()).collect();
        let late = sync::sync(&self.0, student, &scans).await?.into_iter().enumerate();
        let results = late.map(|(index, late)| convert_scans::late(index, late)).collect();
        Ok(Response::new(SyncScansResponse { results }))
    }

    async fn get_scan(&self, request: Request<GetScanRequest>) -> Result<Response<ScanRecord>, Status> {
        let caller = Caller::of(&request)?;
        let id = convert::id("id", &request.into_inner().id)?;
        let scan = read::get(&self.0, &caller, id).await?;
        Ok(Response::new(convert_scans::record(scan)))
    }

    async fn list_awaiting(
        &self,
        request: Request<ListAwaitingRequest>,
    ) -> Result<Response<ListAwaitingResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let session = convert::id("id", &request.id)?;
        let paging = Paging::new(request.page, request.limit)?;
        let (scans, page) = read::list(&self.0, &caller, session, Which::Awaiting, paging).await?;
        Ok(Response::new(ListAwaitingResponse {
            scans: scans.into_iter().map(convert_scans::record).collect(),
            page: Some(page),
        }))
    }

    async fn confirm_scan(&self, request: Request<ConfirmScanRequest>) -> Result<Response<ScanRecord>, Status> {
        let caller = Caller::of(&request)?;
        let id = convert::id("id", &request.into_inner().id)?;
        let scan = decide::decide(&self.0, &caller, id, Word::Confirmed).await?;
        Ok(Response::new(convert_scans::record(scan)))
    }

    async fn refuse_scan(&self, request: Request<RefuseScanRequest>) -> Result<Response<ScanRecord>, Status> {
        let caller = Caller::of(&request)?;
        let id = convert::id("id", &request.into_inner().id)?;
        let scan = decide::decide(&self.0, &caller, id, Word::Refused).await?;
        Ok(Response::new(convert_scans::record(scan)))
    }

    async fn list_scans(&self, request: Request<ListScansRequest>) -> Result<Response<ListScansResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let session = convert::id("id", &request.id)?;
        let which = which(request.status)?;
        let paging = Paging::new(request.page, request.limit)?;
        let (scans, page) = read::list(&self.0, &caller, session, which, paging).await?;
        Ok(Response::new(ListScansResponse {
            scans: scans.into_iter().map(convert_scans::record).collect(),
            page: Some(page),
        }))
    }
}

fn which(status: Option<i32>) -> Result<Which, Fault> {
    match status.map(ScanStatus::try_from) {
        None => Ok(Which::All),
        Some(Ok(ScanStatus::Present)) => Ok(Which::Present),
        Some(Ok(ScanStatus::AwaitingConfirmation)) => Ok(Which::Awaiting),
        Some(Ok(ScanStatus::Refused)) => Ok(Which::Refused),
        Some(Ok(ScanStatus::Unspecified) | Err(_)) => Err(Fault::invalid(
            "status",
            "must be one of: present, awaiting_confirmation, refused",
        )),
    }
}
