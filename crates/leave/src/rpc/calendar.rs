//! `hostelpulse.leave.v1.Calendar`.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use kit::access::Caller;
use proto::{
    leave::{DownloadCalendarRequest, GetCalendarRequest, LeaveCalendar, calendar_server},
    types::{FileChunk, FileHeader, file_chunk::Part},
};
use tonic::{Request, Response, Status};

use super::{Pieces, convert_gate};
use crate::operations::{App, calendar::read};

/// The file goes out in pieces of so many bytes.
const A_PIECE: usize = 64 * 1024;

pub(crate) struct CalendarRpc(pub Arc<App>);

#[tonic::async_trait]
impl calendar_server::Calendar for CalendarRpc {
    async fn get_calendar(&self, request: Request<GetCalendarRequest>) -> Result<Response<LeaveCalendar>, Status> {
        let (caller, asked) = (Caller::of(&request)?, request.get_ref());
        let period = convert_gate::period(&asked.from, &asked.to, asked.block.as_deref())?;
        let entries = read::entries(&self.0, &caller, &period).await?;
        Ok(Response::new(convert_gate::calendar(&period, &entries)))
    }

    type DownloadCalendarStream = Pieces<FileChunk>;

    async fn download_calendar(
        &self,
        request: Request<DownloadCalendarRequest>,
    ) -> Result<Response<Self::DownloadCalendarStream>, Status> {
        let (caller, asked) = (Caller::of(&request)?, request.get_ref());
        let period = convert_gate::period(&asked.from, &asked.to, asked.block.as_deref())?;
        let (name, file) = read::file(&self.0, &caller, &period).await?;
        Ok(Response::new(pieces(name, file)))
    }
}

fn pieces(file_name: String, file: Vec<u8>) -> Pieces<FileChunk> {
    let header = Part::Header(FileHeader {
        file_name,
        content_type: "text/calendar; charset=utf-8".to_owned(),
        size: Some(file.len() as u64),
        ..FileHeader::default()
    });
    let file = Bytes::from(file);
    let begins = (0..file.len()).step_by(A_PIECE);
    let data = begins.map(|begin| file.slice(begin..file.len().min(begin + A_PIECE)));
    let parts = std::iter::once(header).chain(data.map(|bytes| Part::Data(bytes.to_vec())));
    let chunks: Vec<_> = parts.map(|part| Ok(FileChunk { part: Some(part) })).collect();
    Box::pin(stream::iter(chunks))
}
