//! A large object goes up in parts, of which one at a time is in memory.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt as _;
use rusoto_s3::{
    AbortMultipartUploadRequest, CompleteMultipartUploadRequest, CompletedMultipartUpload, CompletedPart,
    CreateMultipartUploadRequest, S3, S3Client, UploadPartRequest,
};

use super::{
    super::{Body, Key, PORT, broke_off},
    failure::port_error,
};
use crate::port::{PortError, within};

/// The size of each part but the last.
pub(super) const PART: usize = 8 * 1024 * 1024;
/// S3 takes no more parts: 80 GB in all.
const MOST_PARTS: usize = 10_000;

/// Cuts a stream into parts of equal size.
pub(super) struct Parts {
    body: Body,
    rest: Bytes,
}

impl Parts {
    pub(super) fn new(body: Body) -> Self {
        Self {
            body,
            rest: Bytes::new(),
        }
    }

    /// The next part; only the last is shorter than [`PART`].
    pub(super) async fn next(&mut self) -> Result<Vec<u8>, PortError> {
        let mut part = Vec::new();
        while part.len() < PART {
            if self.rest.is_empty() {
                match self.body.next().await {
                    Some(piece) => self.rest = piece.map_err(|error| broke_off(&error))?,
                    None => break,
                }
            }
            let room = PART - part.len();
            let taken = self.rest.split_to(room.min(self.rest.len()));
            part.extend_from_slice(&taken);
        }
        Ok(part)
    }
}

/// An upload that has begun. Dropped before its end (failed, given up on), it is taken back.
///
/// Each request runs in a task of its own that holds the upload. So when the caller goes away in the middle of one, the
/// upload is taken back after it: a part that came in behind the abort would stay in the bucket unseen.
pub(super) struct Upload {
    s3: S3Client,
    bucket: String,
    key: String,
    id: String,
    time_limit: Duration,
    is_done: AtomicBool,
}

impl Upload {
    pub(super) async fn begin(
        s3: &S3Client,
        bucket: &str,
        key: &Key,
        content_type: &str,
        time_limit: Duration,
    ) -> Result<Arc<Self>, PortError> {
        let (s3, bucket, key) = (s3.clone(), bucket.to_owned(), key.to_string());
        let request = CreateMultipartUploadRequest {
            bucket: bucket.clone(),
            key: key.clone(),
            content_type: Some(content_type.to_owned()),
            ..Default::default()
        };
        in_own_task(async move {
            let begun = s3.create_multipart_upload(request);
            let begun = within(PORT, time_limit, async { begun.await.map_err(port_error) }).await?;
            let id = begun.upload_id.ok_or_else(|| PortError::Unavailable {
                port: PORT,
                why: "the server began an upload without naming it".to_owned(),
            })?;
            Ok(Arc::new(Self {
                s3,
                bucket,
                key,
                id,
                time_limit,
                is_done: AtomicBool::new(false),
            }))
        })
        .await
    }

    /// Sends the parts one after the other; the object appears with the last step. Returns its length.
    pub(super) async fn send(self: Arc<Self>, first: Vec<u8>, mut parts: Parts) -> Result<u64, PortError> {
        let mut sent: Vec<CompletedPart> = Vec::new();
        let mut length = 0;
        let mut part = first;
        while !part.is_empty() {
            if sent.len() == MOST_PARTS {
                let why = format!("a file has at most {MOST_PARTS} parts of {PART} bytes");
                return Err(PortError::Refused { port: PORT, why });
            }
            length += part.len() as u64;
            let (upload, number) = (self.clone(), sent.len() + 1);
            sent.push(in_own_task(async move { upload.send_part(number, part).await }).await?);
            part = parts.next().await?;
        }
        in_own_task(async move { self.complete(sent).await }).await?;
        Ok(length)
    }

    async fn send_part(&self, number: usize, part: Vec<u8>) -> Result<CompletedPart, PortError> {
        // Checked before: a number has at most 10,000.
        let part_number = i64::try_from(number).unwrap_or(i64::MAX);
        let request = self.s3.upload_part(UploadPartRequest {
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            upload_id: self.id.clone(),
            part_number,
            content_length: i64::try_from(part.len()).ok(),
            body: Some(part.into()),
            ..Default::default()
        });
        // It takes as long as the bytes get on: the dispatcher sees to it.
        let done = request.await.map_err(port_error)?;
        Ok(CompletedPart {
            e_tag: done.e_tag,
            part_number: Some(part_number),
        })
    }

    async fn complete(&self, parts: Vec<CompletedPart>) -> Result<(), PortError> {
        let request = self.s3.complete_multipart_upload(CompleteMultipartUploadRequest {
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            upload_id: self.id.clone(),
            multipart_upload: Some(CompletedMultipartUpload { parts: Some(parts) }),
            ..Default::default()
        });
        let done = within(PORT, self.time_limit, async { request.await.map_err(port_error) }).await?;
        // S3 may answer 200 at once and write an error into the body later.
        if done.e_tag.is_none() {
            let why = "the server could not put the parts together".to_owned();
            return Err(PortError::Unavailable { port: PORT, why });
        }
        self.is_done.store(true, Ordering::Release);
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.is_done.load(Ordering::Acquire) {
            return;
        }
        let request = AbortMultipartUploadRequest {
            bucket: mem::take(&mut self.bucket),
            key: mem::take(&mut self.key),
            upload_id: mem::take(&mut self.id),
            ..Default::default()
        };
        // Without a runtime nothing can be sent any more; the bucket's rule for unfinished uploads clears it away.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(abort(self.s3.clone(), request, self.time_limit));
        }
    }
}

async fn abort(s3: S3Client, request: AbortMultipartUploadRequest, time_limit: Duration) {
    let upload = request.upload_id.clone();
    let aborting = s3.abort_multipart_upload(request);
    let aborted = within(PORT, time_limit, async { aborting.await.map_err(port_error) }).await;
    if let Err(error) = aborted {
        tracing::warn!(%error, upload, "an unfinished upload could not be taken back");
    }
}

/// Runs a request to its end even when nobody waits for it any more; it has its own time limit.
async fn in_own_task<T: Send + 'static>(
    work: impl Future<Output = Result<T, PortError>> + Send + 'static,
) -> Result<T, PortError> {
    tokio::spawn(work).await.unwrap_or_else(|failed| {
        Err(PortError::Unavailable {
            port: PORT,
            why: failed.to_string(),
        })
    })
}
