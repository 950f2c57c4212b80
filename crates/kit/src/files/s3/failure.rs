//! What rusoto's errors mean: to the operator when the bucket is opened, to the caller afterwards.

use std::error::Error;

use rusoto_core::{RusotoError, request::BufferedHttpResponse};
use rusoto_s3::ListObjectsV2Error;

use super::super::PORT;
use crate::port::PortError;

/// Whether the server says that there is no such object (and not that there is no such bucket).
pub(super) fn is_missing<E>(error: &RusotoError<E>) -> bool {
    match error {
        RusotoError::Unknown(answer) => {
            answer.status.as_u16() == 404 && code(answer).is_none_or(|code| code == "NoSuchKey")
        }
        _ => false,
    }
}

pub(super) fn port_error<E: Error + 'static>(error: RusotoError<E>) -> PortError {
    let unavailable = |why| PortError::Unavailable { port: PORT, why };
    match error {
        RusotoError::HttpDispatch(failed) => unavailable(failed.to_string()),
        RusotoError::ParseError(why) => unavailable(format!("the answer cannot be read: {why}")),
        RusotoError::Unknown(answer) => {
            let status = answer.status.as_u16();
            let why = format!("{status} {}", code(&answer).unwrap_or_default());
            match status {
                408 | 429 | 500.. => unavailable(why),
                // S3 says so with 400 when a body came too slowly.
                _ if code(&answer).as_deref() == Some("RequestTimeout") => unavailable(why),
                _ => PortError::Refused { port: PORT, why },
            }
        }
        other => PortError::Refused {
            port: PORT,
            why: other.to_string(),
        },
    }
}

/// One sentence for the operator.
pub(super) fn why_not_open(error: RusotoError<ListObjectsV2Error>) -> String {
    let said = match &error {
        RusotoError::Service(ListObjectsV2Error::NoSuchBucket(_)) => "NoSuchBucket".to_owned(),
        RusotoError::Unknown(answer) => code(answer).unwrap_or_default(),
        _ => String::new(),
    };
    match &*said {
        "NoSuchBucket" => "the bucket does not exist".to_owned(),
        "InvalidAccessKeyId" | "NotSignedUp" => "the server does not know the access key".to_owned(),
        "SignatureDoesNotMatch" => "the server refuses the secret key".to_owned(),
        "AccessDenied" => "the access key may not use the bucket".to_owned(),
        "PermanentRedirect" | "AuthorizationHeaderMalformed" => "the bucket is in another region".to_owned(),
        _ => match port_error(error) {
            PortError::Unavailable { why, .. } => format!("the server cannot be reached: {why}"),
            PortError::Refused { why, .. } => format!("the server refuses: {why}"),
            timed_out @ PortError::TimedOut { .. } => timed_out.to_string(),
        },
    }
}

/// The error code in the answer's XML. The rest of it stays out of our logs.
fn code(answer: &BufferedHttpResponse) -> Option<String> {
    let (_, rest) = answer.body_as_str().split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let is_plain = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_plain.then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use rusoto_s3::HeadObjectError;

    use super::*;

    fn answer(status: u16, body: &'static str) -> RusotoError<HeadObjectError> {
        RusotoError::Unknown(BufferedHttpResponse {
            status: http02::StatusCode::from_u16(status).unwrap(),
            body: bytes::Bytes::from_static(body.as_bytes()),
            headers: http02::HeaderMap::default(),
        })
    }

    #[test]
    fn a_missing_key_is_not_a_missing_bucket() {
        assert!(is_missing(&answer(404, "")));
        assert!(is_missing(&answer(404, "<Error><Code>NoSuchKey</Code></Error>")));
        assert!(!is_missing(&answer(404, "<Error><Code>NoSuchBucket</Code></Error>")));
        assert!(!is_missing(&answer(403, "")));
    }

    #[test]
    fn trouble_of_the_server_can_be_tried_again_and_refusals_cannot() {
        for status in [408, 429, 500, 502, 503, 504] {
            let error = port_error(answer(status, "<Code>SlowDown</Code>"));
            assert!(matches!(error, PortError::Unavailable { .. }), "{status}");
        }
        let late = port_error(answer(400, "<Code>RequestTimeout</Code>"));
        assert!(matches!(late, PortError::Unavailable { .. }));
        let refused = port_error(answer(
            403,
            "<Code>AccessDenied</Code><Message>arn:aws:iam::1:user/x</Message>",
        ));
        assert_eq!(refused.to_string(), "files refuses: 403 AccessDenied");
    }
}
