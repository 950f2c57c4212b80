//! `hostelpulse.grievance.v1.Images`.

use std::sync::Arc;

use bytes::Bytes;
use kit::{Fault, access::Caller, files::Incoming, turns::Turn};
use proto::{
    grievance::{DownloadImageRequest, GrievanceImage, ListImagesRequest, ListImagesResponse, images_server},
    types::{FileChunk, FileHeader, file_chunk::Part},
};
use tonic::{Request, Response, Status, Streaming};
use tracing::Instrument as _;

use super::{Pieces, convert};
use crate::{
    operations::{
        App,
        images::{
            add,
            download::{self, Download},
            links, list,
        },
    },
    picture::LONGEST,
};

/// Largest piece handed on at once.
const PIECE: usize = 64 * 1024;

pub(crate) struct ImagesRpc(pub Arc<App>);

#[tonic::async_trait]
impl images_server::Images for ImagesRpc {
    async fn add_image(&self, request: Request<Streaming<FileChunk>>) -> Result<Response<GrievanceImage>, Status> {
        let (app, caller) = (self.0.clone(), Caller::of(&request)?);
        let (header, file) = Incoming::begin(request.into_inner(), LONGEST).await?;
        let named = header.fields.get("id").map(String::as_str).unwrap_or_default();
        let ticket = convert::ticket("id", named)?;
        // On its own: when the client goes away, what has arrived is still taken back.
        let adding = async move { add::add(&app, &caller, ticket, file).await };
        let added = tokio::spawn(adding.in_current_span()).await;
        Ok(Response::new(added.map_err(Fault::internal)??))
    }

    async fn list_images(&self, request: Request<ListImagesRequest>) -> Result<Response<ListImagesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let (ticket, paging) = convert::page_of(&request.id, request.page, request.limit)?;
        let (images, page) = list::list(&self.0, &caller, ticket, paging).await?;
        Ok(Response::new(ListImagesResponse {
            images,
            page: Some(page),
        }))
    }

    type DownloadImageStream = Pieces<FileChunk>;

    async fn download_image(
        &self,
        request: Request<DownloadImageRequest>,
    ) -> Result<Response<Self::DownloadImageStream>, Status> {
        let request = request.get_ref();
        let id = kit::id::parse(&request.id).map_err(|expected| Fault::invalid("id", expected))?;
        links::verify(&self.0, id, request.expires(), request.signature())?;
        let download = download::open(&self.0, id).await?;
        Ok(Response::new(Box::pin(tokio_stream::iter(pieces(download)))))
    }
}

/// A picture's pieces, each cut when it is asked for.
struct Cut {
    rest: Bytes,
    /// Over with the last piece, or when nobody wants one any more.
    _turn: Turn,
}

impl Iterator for Cut {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        if self.rest.is_empty() {
            return None;
        }
        let length = self.rest.len().min(PIECE);
        Some(Part::Data(self.rest.split_to(length).to_vec()))
    }
}

fn pieces(download: Download) -> impl Iterator<Item = Result<FileChunk, Status>> {
    let Download { image, bytes, turn } = download;
    let header = FileHeader {
        file_name: format!("{}.{}", image.id, image.kind.ending()),
        content_type: image.kind.media_type().to_owned(),
        size: Some(image.size),
        ..FileHeader::default()
    };
    let data = Cut {
        rest: bytes,
        _turn: turn,
    };
    std::iter::once(Part::Header(header))
        .chain(data)
        .map(|part| Ok(FileChunk { part: Some(part) }))
}
