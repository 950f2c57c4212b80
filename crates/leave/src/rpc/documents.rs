//! `hostelpulse.leave.v1.Documents`.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _};
use kit::{Fault, access::Caller, files::Incoming, inspect::LONGEST_FILE};
use proto::{
    leave::{DownloadLeaveDocumentRequest, GetLeaveDocumentRequest, LeaveDocument, documents_server},
    types::FileChunk,
};
use tonic::{Request, Response, Status, Streaming};
use tracing::Instrument as _;

use super::{Pieces, convert::id, convert_documents as convert};
use crate::operations::{
    App,
    documents::{add, download, links, read},
};

pub(crate) struct DocumentsRpc(pub Arc<App>);

#[tonic::async_trait]
impl documents_server::Documents for DocumentsRpc {
    async fn add_leave_document(
        &self,
        request: Request<Streaming<FileChunk>>,
    ) -> Result<Response<LeaveDocument>, Status> {
        let (app, caller) = (self.0.clone(), Caller::of(&request)?);
        let (header, file) = Incoming::begin(request.into_inner(), LONGEST_FILE).await?;
        let new = convert::new_document(&header)?;
        // On its own: when the client goes away, what has arrived is still taken back.
        let adding = async move { add::add(&app, &caller, &new, file).await };
        let added = tokio::spawn(adding.in_current_span()).await;
        Ok(Response::new(added.map_err(Fault::internal)??))
    }

    async fn get_leave_document(
        &self,
        request: Request<GetLeaveDocumentRequest>,
    ) -> Result<Response<LeaveDocument>, Status> {
        let (app, caller) = (&self.0, Caller::of(&request)?);
        let document = read::of_leave(app, &caller, id("id", &request.get_ref().id)?).await?;
        let link = links::of(app, document.id);
        Ok(Response::new(convert::with_link(
            convert::without_link(&document),
            &link,
        )))
    }

    type DownloadLeaveDocumentStream = Pieces<FileChunk>;

    async fn download_leave_document(
        &self,
        request: Request<DownloadLeaveDocumentRequest>,
    ) -> Result<Response<Self::DownloadLeaveDocumentStream>, Status> {
        let request = request.into_inner();
        let document = id("id", &request.id)?;
        links::verify(&self.0, document, request.expires(), request.signature())?;
        let download = download::open(&self.0, document).await?;
        let header = tokio_stream::once(Ok(convert::header(&download.document)));
        let data = download.pieces().map_ok(convert::data).map_err(Status::from);
        Ok(Response::new(Box::pin(header.chain(data))))
    }
}
