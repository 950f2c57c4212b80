//! `hostelpulse.attendance.v1.Sessions`.

use std::sync::Arc;

use kit::access::Caller;
use proto::{
    attendance::{
        CloseSessionRequest, DownloadQrImageRequest, GenerateQrRequest, GetQrRequest, GetSessionRequest,
        ListSessionsRequest, ListSessionsResponse, OpenedSession, QrCode, Session, sessions_server,
    },
    types::FileChunk,
};
use tonic::{Request, Response, Status};

use super::{Pieces, convert, convert_sessions};
use crate::operations::{
    App,
    sessions::{close, code, open, read},
};

pub(crate) struct SessionsRpc(pub Arc<App>);

#[tonic::async_trait]
impl sessions_server::Sessions for SessionsRpc {
    async fn generate_qr(&self, request: Request<GenerateQrRequest>) -> Result<Response<OpenedSession>, Status> {
        let caller = Caller::of(&request)?;
        let new = convert_sessions::new_session(request.get_ref(), &self.0.config)?;
        let opened = open::open(&self.0, &caller, request.get_ref(), new).await?;
        Ok(Response::new(opened))
    }

    async fn get_qr(&self, request: Request<GetQrRequest>) -> Result<Response<QrCode>, Status> {
        let caller = Caller::of(&request)?;
        let shown = code::shown(&self.0, &caller, convert::id("id", &request.get_ref().id)?).await?;
        Ok(Response::new(convert_sessions::code(shown)))
    }

    type DownloadQrImageStream = Pieces<FileChunk>;

    async fn download_qr_image(
        &self,
        request: Request<DownloadQrImageRequest>,
    ) -> Result<Response<Self::DownloadQrImageStream>, Status> {
        let caller = Caller::of(&request)?;
        let (format, size) = convert_sessions::picture(request.get_ref())?;
        let id = convert::id("id", &request.get_ref().id)?;
        let image = code::image(&self.0, &caller, id, format, size).await?;
        let pieces = convert_sessions::pieces(&image);
        Ok(Response::new(Box::pin(tokio_stream::iter(pieces.into_iter().map(Ok)))))
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let query = convert_sessions::query(request.get_ref())?;
        let (counted, page) = read::page(&self.0, &caller, &query).await?;
        let now = self.0.clock.now();
        let sessions = counted
            .iter()
            .map(|(session, counts)| convert::session(session, now, Some(convert_sessions::counts(*counts))));
        Ok(Response::new(ListSessionsResponse {
            sessions: sessions.collect(),
            page: Some(page),
        }))
    }

    async fn get_session(&self, request: Request<GetSessionRequest>) -> Result<Response<Session>, Status> {
        let caller = Caller::of(&request)?;
        let session = read::one(&self.0, &caller, convert::id("id", &request.get_ref().id)?).await?;
        Ok(Response::new(self.counted(&session).await?))
    }

    async fn close_session(&self, request: Request<CloseSessionRequest>) -> Result<Response<Session>, Status> {
        let caller = Caller::of(&request)?;
        let session = close::close(&self.0, &caller, convert::id("id", &request.get_ref().id)?).await?;
        Ok(Response::new(self.counted(&session).await?))
    }
}

impl SessionsRpc {
    async fn counted(&self, session: &crate::domain::Session) -> Result<Session, Status> {
        let counts = read::counts(&self.0, session).await?;
        let counts = convert_sessions::counts(counts);
        Ok(convert::session(session, self.0.clock.now(), Some(counts)))
    }
}
