//! One message in, one out: JSON both ways.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web::Payload,
};
use kit::Fault;

use super::{json, read_body, read_message};
use crate::{cookie::Jar, envelope::Success, refusal::Refusal, routes::Input, visit::Visit};

pub(super) async fn serve(
    visit: &mut Visit<'_>,
    input: &Input,
    success: &Success,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    let config = &visit.face.config;
    let mut body = read_body(visit, input, Some(payload)).await?;
    let rule = visit.route.cookie.as_ref();
    let jar = Jar::open(rule, visit.request, &visit.face.origins, &mut body)?;
    let request = read_message(visit, input, body).await?;
    let metadata = visit.metadata()?;
    let limit = config.deadlines.call();
    // The largest part of a request's task.
    let answer = Box::pin(visit.route.rpc.unary(request.wire.into(), metadata, limit)).await;
    let answer = answer.map_err(|fault| jar.refused(visit.refused(fault)))?;
    let (answer, cookie) = jar.close(&request.fields, answer, config.cookie_seconds)?;
    let body = success
        .write(&answer, visit.face.clock.now())
        .map_err(Fault::internal)?;
    let status = if visit.route.creates {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let mut answer = json(status, body);
    if let Some(cookie) = cookie {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}
