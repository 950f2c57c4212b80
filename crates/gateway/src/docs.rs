//! The OpenAPI document, made once, and the page that shows it, served from the binary.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
};
use bytes::Bytes;
use kit::Fault;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use utoipa_swagger_ui::{Config, serve};

use crate::refusal::Refusal;

/// A page runs its own scripts only; style sheets may be set from them.
pub(crate) const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) struct Docs {
    document: Bytes,
    tag: String,
    page: Arc<Config<'static>>,
}

impl Docs {
    pub(crate) fn new(document: &Value) -> Self {
        let document = Bytes::from(document.to_string());
        let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&document)[..16]));
        let page = Config::new(["/openapi.json"])
            .persist_authorization(false)
            .try_it_out_enabled(true);
        Self {
            document,
            tag,
            page: Arc::new(page),
        }
    }

    pub(crate) fn document(&self, request: &HttpRequest) -> HttpResponse {
        let known = request
            .headers()
            .get(header::IF_NONE_MATCH)
            .and_then(|tags| tags.to_str().ok());
        let known = known.is_some_and(|tags| {
            tags.split(',')
                .any(|tag| tag.trim().trim_start_matches("W/") == self.tag)
        });
        let mut answer = if known {
            HttpResponse::NotModified()
        } else {
            HttpResponse::Ok()
        };
        answer.insert_header((header::ETAG, self.tag.as_str()));
        answer.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache")));
        if known {
            return answer.finish();
        }
        answer.insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")));
        answer.body(self.document.clone())
    }

    /// A file of the page; the empty name is the page itself.
    pub(crate) fn file(&self, name: &str) -> Result<HttpResponse, Refusal> {
        let file = serve(name, self.page.clone()).map_err(Fault::internal)?;
        let file = file.ok_or_else(Refusal::no_such_path)?;
        let mut answer = HttpResponse::Ok();
        answer
            .insert_header((header::CONTENT_TYPE, file.content_type))
            .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache")))
            .insert_header((header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY)));
        if file.gzpipped {
            answer.insert_header((header::CONTENT_ENCODING, HeaderValue::from_static("gzip")));
        }
        Ok(answer.body(file.bytes.into_owned()))
    }
}
