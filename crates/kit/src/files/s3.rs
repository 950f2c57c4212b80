//! Files in a bucket of an S3 server, by rusoto. Only this file, its upload and the dispatcher know rusoto.

mod failure;
mod settings;
mod upload;

use std::time::Duration;

use chrono::DateTime;
use rusoto_core::{Region, RusotoError};
use rusoto_credential::{AwsCredentials, StaticProvider};
use rusoto_s3::{
    DeleteObjectRequest, GetObjectError, GetObjectRequest, ListObjectsV2Error, ListObjectsV2Output,
    ListObjectsV2Request, Object as ObjectSummary, PutObjectRequest, S3, S3Client,
    util::{PreSignedRequest as _, PreSignedRequestOption},
};
use url::Url;

use self::{
    failure::{is_missing, port_error, why_not_open},
    settings::Settings,
    upload::{PART, Parts, Upload},
};
use super::{
    Body, Files, Key, Listed, Object, PORT, SENDER_LIMIT, attachment, check_content_type, dispatcher::Dispatcher,
    with_stall_limit,
};
use crate::port::{OpenError, PortError, within};

/// The most keys that a server lists at once.
const LIST_PAGE: usize = 1000;
/// S3 signs for a week at most.
const LONGEST_SIGNATURE: Duration = Duration::from_hours(7 * 24);

pub(super) struct S3Store {
    s3: S3Client,
    bucket: String,
    /// As clients outside reach the server: it is part of what is signed.
    public_region: Region,
    credentials: AwsCredentials,
    time_limit: Duration,
}

impl S3Store {
    /// Opens the bucket, and asks for one key to see that the server, the bucket and the credentials are right.
    pub(super) async fn open(url: &Url) -> Result<Self, OpenError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "credentials of the cloud come by its own variables"
        )]
        let settings = Settings::read(url, |name| std::env::var(name).ok())?;
        let dispatcher =
            Dispatcher::new(settings.time_limit).map_err(|error| OpenError::new(PORT, url, error.to_string()))?;
        let credentials = StaticProvider::from(settings.credentials.clone());
        let store = Self {
            s3: S3Client::new_with(dispatcher, credentials, settings.region),
            bucket: settings.bucket,
            public_region: settings.public_region,
            credentials: settings.credentials,
            time_limit: settings.time_limit,
        };
        let asked = tokio::time::timeout(store.time_limit, store.list_page("", None, 1)).await;
        match asked {
            Ok(Ok(_)) => Ok(store),
            Ok(Err(error)) => Err(OpenError::new(PORT, url, why_not_open(error))),
            Err(_) => {
                let why = format!("the server did not answer within {:?}", store.time_limit);
                Err(OpenError::new(PORT, url, why))
            }
        }
    }

    /// Most files are small: one request, and nothing to clean up when it fails.
    async fn put_whole(&self, key: &Key, content_type: &str, bytes: Vec<u8>) -> Result<u64, PortError> {
        let length = bytes.len();
        let request = self.s3.put_object(PutObjectRequest {
            bucket: self.bucket.clone(),
            key: key.to_string(),
            content_type: Some(content_type.to_owned()),
            content_length: i64::try_from(length).ok(),
            body: Some(bytes.into()),
            ..Default::default()
        });
        // It takes as long as the bytes get on: the dispatcher sees to it.
        request.await.map_err(port_error)?;
        Ok(length as u64)
    }

    async fn list_page(
        &self,
        prefix: &str,
        after: Option<String>,
        limit: usize,
    ) -> Result<ListObjectsV2Output, RusotoError<ListObjectsV2Error>> {
        let request = ListObjectsV2Request {
            bucket: self.bucket.clone(),
            prefix: Some(prefix.to_owned()),
            start_after: after,
            max_keys: i64::try_from(limit.min(LIST_PAGE)).ok(),
            ..Default::default()
        };
        self.s3.list_objects_v2(request).await
    }
}

#[async_trait::async_trait]
impl Files for S3Store {
    async fn put(&self, key: &Key, content_type: &str, body: Body) -> Result<u64, PortError> {
        check_content_type(content_type)?;
        let mut parts = Parts::new(with_stall_limit(body, SENDER_LIMIT));
        let first = parts.next().await?;
        if first.len() < PART {
            return self.put_whole(key, content_type, first).await;
        }
        let upload = Upload::begin(&self.s3, &self.bucket, key, content_type, self.time_limit).await?;
        upload.send(first, parts).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Object>, PortError> {
        let request = self.s3.get_object(GetObjectRequest {
            bucket: self.bucket.clone(),
            key: key.to_string(),
            ..Default::default()
        });
        let opened = within(PORT, self.time_limit, async {
            match request.await {
                Ok(object) => Ok(Some(object)),
                Err(RusotoError::Service(GetObjectError::NoSuchKey(_))) => Ok(None),
                Err(error) if is_missing(&error) => Ok(None),
                Err(error) => Err(port_error(error)),
            }
        });
        let Some(object) = opened.await? else {
            return Ok(None);
        };
        let length = object.content_length.and_then(|length| u64::try_from(length).ok());
        let (Some(length), Some(body)) = (length, object.body) else {
            let why = "the server sent an object without its length".to_owned();
            return Err(PortError::Unavailable { port: PORT, why });
        };
        let content_type = object.content_type;
        Ok(Some(Object {
            content_type: content_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
            length,
            body: Box::pin(body),
        }))
    }

    async fn delete(&self, key: &Key) -> Result<(), PortError> {
        let request = self.s3.delete_object(DeleteObjectRequest {
            bucket: self.bucket.clone(),
            key: key.to_string(),
            ..Default::default()
        });
        within(PORT, self.time_limit, async {
            match request.await {
                Ok(_) => Ok(()),
                Err(error) if is_missing(&error) => Ok(()),
                Err(error) => Err(port_error(error)),
            }
        })
        .await
    }

    async fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, PortError> {
        let mut found: Vec<Listed> = Vec::new();
        let mut after = after.map(Key::to_string);
        // Ends: each page begins behind the one before, or is the last.
        while found.len() < limit {
            let page = self.list_page(prefix, after.clone(), limit - found.len());
            let page = within(PORT, self.time_limit, async { page.await.map_err(port_error) }).await?;
            let objects = page.contents.unwrap_or_default();
            let last = objects.iter().rev().find_map(|object| object.key.clone());
            for object in objects {
                found.extend(listed(object)?);
            }
            if page.is_truncated != Some(true) || last <= after {
                break;
            }
            after = last;
        }
        Ok(found)
    }

    async fn signed_url(&self, key: &Key, file_name: &str, ttl: Duration) -> Result<Option<Url>, PortError> {
        let request = GetObjectRequest {
            bucket: self.bucket.clone(),
            key: key.to_string(),
            response_content_disposition: Some(attachment(file_name)),
            ..Default::default()
        };
        let expires_in = ttl.clamp(Duration::from_secs(1), LONGEST_SIGNATURE);
        let options = PreSignedRequestOption { expires_in };
        let signed = request.get_presigned_url(&self.public_region, &self.credentials, &options);
        Url::parse(&signed).map(Some).map_err(|error| PortError::Refused {
            port: PORT,
            why: format!("the signed URL is none: {error}"),
        })
    }

    async fn ping(&self) -> Result<(), PortError> {
        let page = self.list_page("", None, 1);
        within(PORT, self.time_limit, async { page.await.map_err(port_error) }).await?;
        Ok(())
    }
}

/// `None` for what was put there by somebody else: its name is no key.
fn listed(object: ObjectSummary) -> Result<Option<Listed>, PortError> {
    let Some(key) = object.key.and_then(|name| Key::parse(name).ok()) else {
        return Ok(None);
    };
    let said = object.last_modified.unwrap_or_default();
    let stored_at = DateTime::parse_from_rfc3339(&said).map_err(|_| PortError::Unavailable {
        port: PORT,
        why: "the server listed an object without the time when it was stored".to_owned(),
    })?;
    Ok(Some(Listed {
        key,
        stored_at: stored_at.to_utc(),
    }))
}
