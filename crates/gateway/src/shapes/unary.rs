//! One message in, one out: JSON both ways.

use actix_web::{HttpResponse, http::StatusCode, web::Payload};
use kit::Fault;

use super::{json, message};
use crate::{envelope::Success, refusal::Refusal, routes::Input, visit::Visit};

pub(super) async fn serve(
    visit: &mut Visit<'_>,
    input: &Input,
    success: &Success,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    let message = message(visit, input, Some(payload)).await?;
    let metadata = visit.metadata()?;
    let limit = visit.face.config.deadlines.call();
    let answer = visit.route.rpc.unary(message, metadata, limit).await;
    let answer = answer.map_err(|fault| visit.refused(fault))?;
    let body = success
        .write(&answer, visit.face.clock.now())
        .map_err(Fault::internal)?;
    let status = if visit.route.creates {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(json(status, body))
}
