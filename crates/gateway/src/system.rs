//! What belongs to no rpc: health, metrics, the documentation, and texts that other systems expect bare.

use std::time::{Duration, Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use bytes::Bytes;
use http::uri::PathAndQuery;
use kit::{Fault, access::MethodPolicy, contract, json::Shape, upstream::Upstreams};
use prost_reflect::DescriptorPool;
use serde_json::json;
use tokio::sync::Mutex;
use tonic::metadata::MetadataMap;

use crate::{Error, call::Rpc, docs::PAGE_POLICY, envelope, face::Face, refusal::Refusal, shapes};

/// A bare text is asked for at most this often.
const REMEMBERED: Duration = Duration::from_secs(10);

/// One field of an rpc's answer, served without the envelope: `/.well-known/jwks.json`.
#[derive(Clone, Debug)]
pub struct Raw {
    /// Where it is served.
    pub path: String,
    /// Full name of a public rpc that asks for nothing, `hostelpulse.auth.v1.Tokens.Jwks`.
    pub rpc: String,
    /// The field of its answer.
    pub field: String,
}

/// A file of a page that the gateway serves from the binary.
#[derive(Clone, Copy, Debug)]
pub struct StaticFile {
    /// Where it is served.
    pub path: &'static str,
    pub media_type: &'static str,
    pub content: &'static str,
}

impl StaticFile {
    fn serve(self) -> HttpResponse {
        HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, HeaderValue::from_static(self.media_type)))
            .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache")))
            .insert_header((header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY)))
            .body(self.content)
    }
}

/// A page that belongs to no rpc.
pub(crate) enum Page {
    Live,
    Ready,
    Metrics,
    Document,
    /// Where the documentation really is.
    DocsElsewhere,
    DocsIndex,
    DocsFile,
    Raw(Box<RawPage>),
    File(StaticFile),
}

pub(crate) struct RawPage {
    rpc: Rpc,
    shape: Shape,
    field: String,
    seen: Mutex<Option<(Instant, Bytes)>>,
}

impl Page {
    /// The pages that every gateway has.
    pub(crate) fn standing() -> [(&'static str, Self); 7] {
        [
            ("/health/live", Self::Live),
            ("/health/ready", Self::Ready),
            ("/metrics", Self::Metrics),
            ("/openapi.json", Self::Document),
            ("/docs", Self::DocsElsewhere),
            ("/docs/", Self::DocsIndex),
            ("/docs/{file}", Self::DocsFile),
        ]
    }

    pub(crate) async fn serve(
        &self,
        face: &Face,
        request: &HttpRequest,
        parameters: &[&str],
    ) -> Result<HttpResponse, Refusal> {
        match self {
            // Touches nothing: a restart would not bring a dependency back.
            Self::Live => Ok(data(face, StatusCode::OK, &json!({"status": "live"}))),
            Self::Ready => {
                let (ready, report) = face.health.ready().await;
                let status = if ready {
                    StatusCode::OK
                } else {
                    StatusCode::SERVICE_UNAVAILABLE
                };
                Ok(data(face, status, &report))
            }
            Self::Metrics => {
                let text = face.metrics.as_ref().ok_or_else(Refusal::no_such_path)?;
                Ok(HttpResponse::Ok()
                    .content_type("text/plain; version=0.0.4; charset=utf-8")
                    .body(text()))
            }
            Self::Document => Ok(face.docs.document(request)),
            Self::DocsElsewhere => Ok(HttpResponse::PermanentRedirect()
                .insert_header((header::LOCATION, HeaderValue::from_static("/docs/")))
                .finish()),
            Self::DocsIndex => face.docs.file(""),
            Self::DocsFile => face.docs.file(parameters.first().copied().unwrap_or_default()),
            Self::Raw(raw) => raw.serve(face).await,
            Self::File(file) => Ok(file.serve()),
        }
    }
}

fn data(face: &Face, status: StatusCode, data: &serde_json::Value) -> HttpResponse {
    shapes::json(status, envelope::plain(data, face.clock.now()))
}

impl RawPage {
    pub(crate) fn read(raw: &Raw, pool: &DescriptorPool, upstreams: &Upstreams) -> Result<Self, Error> {
        let wrong = |why: &str| Error::rule(&raw.rpc, format!("cannot be served at {}: {why}", raw.path));
        let mut methods = pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>());
        let method = methods
            .find(|method| method.full_name() == raw.rpc)
            .ok_or_else(|| wrong("it does not exist"))?;
        let policy = MethodPolicy::read(&method).map_err(|error| Error::rule(&error.rpc, error.why))?;
        if !policy.public || method.is_client_streaming() || method.is_server_streaming() {
            return Err(wrong("it is not public, or a stream"));
        }
        let shape = Shape::of(&method.output()).map_err(|error| wrong(&error.to_string()))?;
        if shape.descriptor().get_field_by_name(&raw.field).is_none() {
            return Err(wrong("its answer has no such field"));
        }
        let channel = contract::owner(&method).and_then(|service| upstreams.channel(&service));
        let path = PathAndQuery::try_from(contract::grpc_path(&method)).map_err(|error| wrong(&error.to_string()))?;
        Ok(Self {
            rpc: Rpc {
                channel: channel.ok_or_else(|| wrong("no way to its service is configured"))?,
                path,
            },
            shape,
            field: raw.field.clone(),
            seen: Mutex::default(),
        })
    }

    async fn serve(&self, face: &Face) -> Result<HttpResponse, Refusal> {
        let mut seen = self.seen.lock().await;
        let known = seen.as_ref().filter(|(when, _)| when.elapsed() < REMEMBERED);
        let text = if let Some((_, text)) = known {
            text.clone()
        } else {
            let wire = self
                .rpc
                .unary(Bytes::new(), MetadataMap::new(), face.config.deadlines.call())
                .await?;
            let mut text = Vec::new();
            self.shape
                .write_field(&self.field, &wire, &mut text)
                .map_err(Fault::internal)?;
            let text = Bytes::from(text);
            *seen = Some((Instant::now(), text.clone()));
            text
        };
        Ok(HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
            .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60")))
            .body(text))
    }
}
