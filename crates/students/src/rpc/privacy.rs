//! `hostelpulse.students.v1.Privacy`.

use std::sync::Arc;

use bytes::Bytes;
use kit::{Fault, access::Caller};
use proto::{
    students::{DownloadExportRequest, EraseStudentRequest, EraseStudentResponse, privacy_server},
    types::{FileChunk, FileHeader, file_chunk::Part},
};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::{Request, Response, Status};

use super::{Pieces, convert};
use crate::operations::{
    App,
    privacy::{erase, export},
};

pub(crate) struct PrivacyRpc(pub Arc<App>);

#[tonic::async_trait]
impl privacy_server::Privacy for PrivacyRpc {
    type DownloadExportStream = Pieces<FileChunk>;

    async fn download_export(
        &self,
        request: Request<DownloadExportRequest>,
    ) -> Result<Response<Self::DownloadExportStream>, Status> {
        let caller = Caller::of(&request)?;
        let id = convert::id("id", &request.get_ref().id)?;
        let pieces = export::export(self.0.clone(), &caller, id).await?;
        let header = Part::Header(FileHeader {
            file_name: format!("student-{id}.zip"),
            content_type: "application/zip".to_owned(),
            ..FileHeader::default()
        });
        let data = ReceiverStream::new(pieces).map(|piece| match piece {
            Ok(bytes) => Ok(chunk(Part::Data(Bytes::into(bytes)))),
            Err(error) => Err(Fault::internal(error).into()),
        });
        let whole = tokio_stream::once(Ok(chunk(header))).chain(data);
        Ok(Response::new(Box::pin(whole)))
    }

    async fn erase_student(
        &self,
        request: Request<EraseStudentRequest>,
    ) -> Result<Response<EraseStudentResponse>, Status> {
        let caller = Caller::of(&request)?;
        let id = convert::id("id", &request.get_ref().id)?;
        erase::erase(&self.0, &caller, id).await?;
        Ok(Response::new(EraseStudentResponse {
            id: id.to_string(),
            erased: true,
        }))
    }
}

fn chunk(part: Part) -> FileChunk {
    FileChunk { part: Some(part) }
}
