//! The gRPC face: convert, one operation, convert back.

mod convert;

use std::sync::Arc;

use kit::access::Caller;
use proto::{
    audit::{
        ExportEntriesRequest, ListEntriesRequest, ListEntriesResponse, VerifyChainRequest, VerifyChainResponse,
        audit_server,
    },
    types::FileChunk,
};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::{Request, Response, Status};

use crate::operations::{App, export, list, verify};

/// Pieces of a file that may wait for a slow reader.
const PIECES_WAITING: usize = 4;

pub(crate) struct AuditRpc(pub Arc<App>);

#[tonic::async_trait]
impl audit_server::Audit for AuditRpc {
    async fn list_entries(
        &self,
        request: Request<ListEntriesRequest>,
    ) -> Result<Response<ListEntriesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (filter, order, paging) = convert::query(request.into_inner())?;
        let (entries, page) = list::list(&self.0, &caller, &filter, order, paging).await?;
        let entries = entries.into_iter().map(convert::entry).collect();
        Ok(Response::new(ListEntriesResponse {
            entries,
            page: Some(page),
        }))
    }

    type ExportEntriesStream = std::pin::Pin<Box<dyn tokio_stream::Stream<Item = Result<FileChunk, Status>> + Send>>;

    async fn export_entries(
        &self,
        request: Request<ExportEntriesRequest>,
    ) -> Result<Response<Self::ExportEntriesStream>, Status> {
        let caller = Caller::of(&request)?;
        let filter = convert::export_filter(request.into_inner())?;
        let (sender, pieces) = mpsc::channel(PIECES_WAITING);
        let app = self.0.clone();
        let work = tokio::spawn(async move { export::export(&app, &caller, &filter, &sender).await });
        let header = tokio_stream::once(Ok(convert::csv_header("audit.csv")));
        let data = ReceiverStream::new(pieces).map(|bytes| Ok(convert::data(bytes)));
        let ending = convert::failure_of(work);
        Ok(Response::new(Box::pin(header.chain(data).chain(ending))))
    }

    async fn verify_chain(&self, _: Request<VerifyChainRequest>) -> Result<Response<VerifyChainResponse>, Status> {
        let verdict = verify::verify(&self.0).await?;
        Ok(Response::new(convert::verdict(&verdict)))
    }
}
