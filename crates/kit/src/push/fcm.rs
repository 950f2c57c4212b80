//! Push by Firebase Cloud Messaging, HTTP v1.

mod account;
mod token;

use std::time::Duration;

use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use url::Url;

use self::{account::Account, token::Tokens};
use super::{Delivery, Notice, PORT, Push};
use crate::{
    Clock,
    port::{OpenError, Parameters, PortError, within},
};

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// One notice, the fetching of a token included.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// No answer of Google is near as long.
const LONGEST_ANSWER: usize = 64 * 1024;
const GOOGLE: &str = "https://fcm.googleapis.com";

pub(super) struct Fcm {
    http: reqwest::Client,
    send_url: Url,
    tokens: Tokens,
    time_limit: Duration,
}

impl Fcm {
    pub(super) async fn open(url: &Url, clock: Clock) -> Result<Self, OpenError> {
        let given = Parameters::read(PORT, url, &["credentials", "endpoint", "token_uri", "time_limit"])?;
        let account = Account::read(url, &given).await?;
        let http = client().map_err(|error| OpenError::new(PORT, url, error.to_string()))?;
        Ok(Self {
            send_url: send_url(url, &given)?,
            tokens: Tokens::new(account, http.clone(), clock),
            http,
            time_limit: given.duration("time_limit", TIME_LIMIT)?,
        })
    }

    async fn deliver(&self, notice: &Notice) -> Result<Delivery, PortError> {
        let message = message(notice);
        let token = self.tokens.current().await?;
        let answer = self.post(&message, &token).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return verdict(&answer);
        }
        // A token can be taken back before its time. A fresh one must do.
        let token = self.tokens.instead_of(&token).await?;
        verdict(&self.post(&message, &token).await?)
    }

    async fn post(&self, message: &Value, token: &SecretString) -> Result<Answer, PortError> {
        let request = self.http.post(self.send_url.clone());
        let request = request.bearer_auth(token.expose_secret());
        exchange(request.json(message)).await
    }
}

#[async_trait::async_trait]
impl Push for Fcm {
    async fn send(&self, notice: &Notice) -> Result<Delivery, PortError> {
        within(PORT, self.time_limit, self.deliver(notice)).await
    }
}

fn client() -> reqwest::Result<reqwest::Client> {
    // Fails only when a provider is there already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A redirect would carry the token to somebody else.
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_LIMIT)
        .build()
}

fn send_url(url: &Url, given: &Parameters<'_>) -> Result<Url, OpenError> {
    let project = url.host_str().unwrap_or_default();
    let is_project = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if project.is_empty() || !is_project(project) || !matches!(url.path(), "" | "/") {
        return Err(OpenError::new(PORT, url, "expected fcm://project?credentials=…"));
    }
    let endpoint = given.get("endpoint").unwrap_or(GOOGLE).trim_end_matches('/');
    let text = format!("{endpoint}/v1/projects/{project}/messages:send");
    web_url(&text).ok_or_else(|| given.wrong("endpoint", "an http:// or https:// URL"))
}

fn web_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

fn message(notice: &Notice) -> Value {
    let data: Map<String, Value> = notice
        .data
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    json!({ "message": {
        "token": notice.device_token,
        "notification": { "title": notice.title, "body": notice.body },
        "data": data,
    }})
}

/// What a server said, read up to a limit.
struct Answer {
    status: StatusCode,
    body: Value,
}

async fn exchange(request: reqwest::RequestBuilder) -> Result<Answer, PortError> {
    let unavailable = |error: reqwest::Error| PortError::Unavailable {
        port: PORT,
        why: root_cause(&error),
    };
    let mut response = request.send().await.map_err(unavailable)?;
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(unavailable)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > LONGEST_ANSWER {
            let why = format!("the answer is longer than {LONGEST_ANSWER} bytes");
            return Err(PortError::Unavailable { port: PORT, why });
        }
    }
    Ok(Answer {
        status: response.status(),
        // A proxy may answer in HTML; the status is enough then.
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    })
}

/// The cause says what happened ("Connection refused"); the errors around it only say where.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn verdict(answer: &Answer) -> Result<Delivery, PortError> {
    if answer.status.is_success() {
        return Ok(Delivery::Accepted);
    }
    let error = &answer.body["error"];
    let mut details = error["details"].as_array().into_iter().flatten();
    let code = details.find_map(|one| one["errorCode"].as_str());
    let status = error["status"].as_str().unwrap_or_default();
    // Only Google's own word makes a device gone: a 404 of a proxy would cost every user their devices.
    if code == Some("UNREGISTERED") || (answer.status == StatusCode::NOT_FOUND && status == "NOT_FOUND") {
        return Ok(Delivery::DeviceGone);
    }
    let why = format!("{} {status} {}", answer.status.as_u16(), code.unwrap_or_default());
    Err(failure(answer.status, why.trim_end().to_owned()))
}

/// Too many requests and trouble of the server pass; everything else does not.
fn failure(status: StatusCode, why: String) -> PortError {
    if status.is_server_error() || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status) {
        return PortError::Unavailable { port: PORT, why };
    }
    PortError::Refused { port: PORT, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict_on(status: u16, body: Value) -> Result<Delivery, PortError> {
        let status = StatusCode::from_u16(status).unwrap();
        verdict(&Answer { status, body })
    }

    #[test]
    fn only_googles_own_word_makes_a_device_gone() {
        let unregistered = json!({"error": {"status": "NOT_FOUND", "details": [{"errorCode": "UNREGISTERED"}]}});
        assert_eq!(verdict_on(404, unregistered).unwrap(), Delivery::DeviceGone);
        let old = json!({"error": {"status": "NOT_FOUND"}});
        assert_eq!(verdict_on(404, old).unwrap(), Delivery::DeviceGone);
        let proxy = verdict_on(404, Value::Null).unwrap_err();
        assert!(matches!(proxy, PortError::Refused { .. }));
    }

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        for status in [408, 429, 500, 503] {
            let error = verdict_on(status, Value::Null).unwrap_err();
            assert!(matches!(error, PortError::Unavailable { .. }), "{status}");
        }
        let body = json!({"error": {"status": "PERMISSION_DENIED", "message": "token abc", "details": [{"errorCode": "SENDER_ID_MISMATCH"}]}});
        let error = verdict_on(403, body).unwrap_err();
        assert_eq!(
            error.to_string(),
            "push refuses: 403 PERMISSION_DENIED SENDER_ID_MISMATCH"
        );
    }
}
