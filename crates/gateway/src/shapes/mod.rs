//! The shapes of an rpc, each served once for all rpcs of its kind.

mod download;
mod page;
mod socket;
mod stream;
mod unary;
mod upload;
mod watch;

pub(crate) use page::refused as refused_page;

use actix_web::{
    HttpResponse,
    http::{Method, header},
    web::Payload,
};
use bytes::Bytes;
use serde_json::Value;

use crate::{
    body, cookie,
    input::Parsed,
    refusal::Refusal,
    routes::{Body, Input, Kind},
    visit::Visit,
};

/// Serves a request that was admitted. The task of each request is as large as the largest of what it may wait for, and moved a
/// few times before it runs: what is large is held elsewhere.
pub(crate) async fn serve(visit: &mut Visit<'_>, payload: Payload) -> Result<HttpResponse, Refusal> {
    match &visit.route.kind {
        Kind::Unary { request, success } => unary::serve(visit, request, success, payload).await,
        Kind::Stream { request, message } => Box::pin(stream::serve(visit, request, message, payload)).await,
        Kind::Upload { form, success } => Box::pin(upload::serve(visit, form, success, payload)).await,
        Kind::Download { request, media_type } => Box::pin(download::serve(visit, request, media_type, payload)).await,
        Kind::Page { request } => Box::pin(page::serve(visit, request, payload)).await,
    }
}

/// Reads the request message, and spends the limits that look at it.
async fn message(visit: &mut Visit<'_>, input: &Input, payload: Option<Payload>) -> Result<Bytes, Refusal> {
    let body = read_body(visit, input, payload).await?;
    Ok(read_message(visit, input, body).await?.wire.into())
}

async fn read_body(visit: &Visit<'_>, input: &Input, payload: Option<Payload>) -> Result<Option<Value>, Refusal> {
    let config = &visit.face.config;
    let limit = std::time::Duration::from_secs(config.deadlines.body_seconds);
    let headers = visit.request.headers();
    let cookie = visit.route.cookie.as_ref();
    match (payload, &input.body) {
        (Some(payload), Body::Nothing) if visit.request.method() != Method::GET => {
            body::nothing(headers, payload, limit).await.map(|()| None)
        }
        // Nobody reads it, so nobody says what it should have been.
        (_, Body::Nothing) if body::has_body(headers) => Err(body::not_empty()),
        // Beside a cookie there may be nothing to say, and then nothing to say of its kind.
        (Some(payload), _)
            if cookie.is_some_and(cookie::Rule::takes) && !headers.contains_key(header::CONTENT_TYPE) =>
        {
            body::untyped_json(headers, payload, config.sizes.json, limit).await
        }
        (Some(payload), _) => body::json(headers, payload, config.sizes.json, limit).await,
        (None, _) => Ok(None),
    }
}

async fn read_message(visit: &mut Visit<'_>, input: &Input, body: Option<Value>) -> Result<Parsed, Refusal> {
    let (path, mut query) = (std::mem::take(&mut visit.path), std::mem::take(&mut visit.query));
    if let Some(accept) = &visit.route.accept {
        accept.apply(visit.request.headers(), &mut query);
    }
    let parsed = input.parse(visit.route, path, query, body)?;
    visit.spend_read(&parsed.fields).await?;
    Ok(parsed)
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
