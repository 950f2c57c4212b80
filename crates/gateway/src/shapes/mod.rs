//! The four shapes of an rpc, each served once for all rpcs of its kind.

mod download;
mod socket;
mod stream;
mod unary;
mod upload;
mod watch;

use actix_web::{HttpResponse, http::header, web::Payload};
use bytes::Bytes;

use crate::{
    body,
    refusal::Refusal,
    routes::{Body, Input, Kind},
    visit::Visit,
};

/// Serves a request that was admitted.
pub(crate) async fn serve(visit: &mut Visit<'_>, payload: Payload) -> Result<HttpResponse, Refusal> {
    match &visit.route.kind {
        Kind::Unary { request, success } => unary::serve(visit, request, success, payload).await,
        Kind::Stream { request, message } => stream::serve(visit, request, message, payload).await,
        Kind::Upload { form, success } => upload::serve(visit, form, success, payload).await,
        Kind::Download { request, media_type } => download::serve(visit, request, media_type, payload).await,
    }
}

/// Reads the request message, and spends the limits that look at it.
async fn message(visit: &mut Visit<'_>, input: &Input, payload: Option<Payload>) -> Result<Bytes, Refusal> {
    let config = &visit.face.config;
    let limit = std::time::Duration::from_secs(config.deadlines.body_seconds);
    let headers = visit.request.headers();
    let body = match (payload, &input.body) {
        // Nobody reads it, so nobody says what it should have been.
        (_, Body::Nothing) if body::has_body(headers) => return Err(Refusal::invalid("body", "must be empty")),
        (Some(payload), _) => body::json(headers, payload, config.sizes.json, limit).await?,
        (None, _) => None,
    };
    let (path, query) = (std::mem::take(&mut visit.path), std::mem::take(&mut visit.query));
    let parsed = input.parse(visit.route, path, query, body)?;
    visit.spend_read(&parsed.fields).await?;
    Ok(parsed.wire.into())
}

/// An answer whose body is JSON.
pub(crate) fn json(status: actix_web::http::StatusCode, body: Vec<u8>) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/json"),
        ))
        .body(body)
}
