//! `hostelpulse.students.v1.Documents`.

pub(crate) mod convert;

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _};
use kit::{Fault, access::Caller, files::Incoming, inspect::LONGEST_FILE, page::Paging};
use proto::{
    students::{
        DeleteDocumentRequest, Document, DownloadDocumentRequest, ListDocumentsRequest, ListDocumentsResponse,
        documents_server,
    },
    types::{FileChunk, Nothing},
};
use tonic::{Request, Response, Status, Streaming};
use tracing::Instrument as _;

use super::{Pieces, convert::id};
use crate::operations::{
    App,
    documents::{add, delete, download, links, list},
};

pub(crate) struct DocumentsRpc(pub Arc<App>);

#[tonic::async_trait]
impl documents_server::Documents for DocumentsRpc {
    async fn add_document(&self, request: Request<Streaming<FileChunk>>) -> Result<Response<Document>, Status> {
        let (app, caller) = (self.0.clone(), Caller::of(&request)?);
        let (header, file) = Incoming::begin(request.into_inner(), LONGEST_FILE).await?;
        let new = convert::new_document(&header)?;
        // On its own: when the client goes away, what has arrived is still taken back.
        let adding = async move { add::add(&app, &caller, &new, file).await };
        let added = tokio::spawn(adding.in_current_span()).await;
        Ok(Response::new(added.map_err(Fault::internal)??))
    }

    async fn list_documents(
        &self,
        request: Request<ListDocumentsRequest>,
    ) -> Result<Response<ListDocumentsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let paging = Paging::new(request.page, request.limit)?;
        let (documents, page) = list::list(&self.0, &caller, id("id", &request.id)?, paging).await?;
        let message = |document| convert::document(document, &links::of(&self.0, document));
        Ok(Response::new(ListDocumentsResponse {
            documents: documents.iter().map(message).collect(),
            page: Some(page),
        }))
    }

    async fn delete_document(&self, request: Request<DeleteDocumentRequest>) -> Result<Response<Nothing>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let (student, document) = (id("id", &request.id)?, id("document_id", &request.document_id)?);
        delete::delete(&self.0, &caller, student, document).await?;
        Ok(Response::new(Nothing {}))
    }

    type DownloadDocumentStream = Pieces<FileChunk>;

    async fn download_document(
        &self,
        request: Request<DownloadDocumentRequest>,
    ) -> Result<Response<Self::DownloadDocumentStream>, Status> {
        let request = request.into_inner();
        let (expires, signature) = (request.expires(), request.signature());
        let document = id("id", &request.id)?;
        let link = links::verify(&self.0, document, request.variant.as_deref(), expires, signature)?;
        let download = download::open(&self.0, &link).await?;
        let header = tokio_stream::once(Ok(convert::header(&download)));
        let data = download.pieces().map_ok(convert::data).map_err(Status::from);
        Ok(Response::new(Box::pin(header.chain(data))))
    }
}
