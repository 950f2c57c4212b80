//! A page for a person's browser: what its form sends comes in, HTML goes out, also where the request is refused.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web::Payload,
};
use kit::{Fault, template};
use prost::Message as _;
use proto::types::WebPage;

use super::{read_body, read_message};
use crate::{
    body,
    refusal::Refusal,
    routes::{Body, Input},
    visit::Visit,
};

/// Nothing in the page runs or is loaded, and its forms come back to us alone.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);
const REFUSED: &str = include_str!("../../pages/refused.html");

pub(super) async fn serve(visit: &mut Visit<'_>, input: &Input, payload: Payload) -> Result<HttpResponse, Refusal> {
    let config = &visit.face.config;
    let body = match input.body {
        Body::Nothing => read_body(visit, input, None).await?,
        Body::Whole | Body::Field(_) => {
            let limit = Duration::from_secs(config.deadlines.body_seconds);
            body::form(visit.request.headers(), payload, config.sizes.json, limit).await?
        }
    };
    let request = read_message(visit, input, body).await?;
    let metadata = visit.metadata()?;
    let answer = visit
        .route
        .rpc
        .unary(request.wire.into(), metadata, config.deadlines.call())
        .await;
    let answer = answer.map_err(|fault| visit.refused(fault))?;
    let page = WebPage::decode(answer).map_err(Fault::internal)?;
    Ok(html(StatusCode::OK, page.html))
}

/// Why there is no page, as one.
pub(crate) fn refused(refusal: &Refusal) -> HttpResponse {
    html(
        refusal.status,
        template::html(REFUSED, &[("message", &refusal.message)]),
    )
}

fn html(status: StatusCode, document: String) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(document)
}
