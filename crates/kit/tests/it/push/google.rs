//! Google as far as push needs it: a token server that checks assertions, and a send endpoint that checks tokens.

use std::{
    collections::HashMap,
    io::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use kit::Clock;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use wiremock::{
    Mock, MockServer, Request, Respond, ResponseTemplate,
    matchers::{method, path},
};

/// Made for these tests alone; it opens nothing anywhere.
const KEY: &str = include_str!("../fcm-test-key.pem");
const PUBLIC_KEY: &str = include_str!("../fcm-test-key.pub.pem");
pub(super) const EMAIL: &str = "pusher@test-project.iam.example.org";
const TOKEN_LIFE: chrono::Duration = chrono::Duration::hours(1);

pub(super) struct Google {
    pub clock: Clock,
    server: MockServer,
    office: Arc<Office>,
    credentials: NamedTempFile,
}

/// What the two endpoints share.
struct Office {
    clock: Clock,
    token_uri: String,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    given: usize,
    valid_until: HashMap<String, DateTime<Utc>>,
    messages: Vec<Value>,
    sends: usize,
    token_delay: Duration,
    trusts_nobody: bool,
}

impl Google {
    pub(super) async fn start() -> Self {
        let server = MockServer::start().await;
        let clock = Clock::mock(DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        let office = Arc::new(Office {
            clock: clock.clone(),
            token_uri: format!("{}/token", server.uri()),
            books: Mutex::default(),
        });
        let token_server = Mock::given(method("POST")).and(path("/token"));
        token_server
            .respond_with(TokenServer(office.clone()))
            .mount(&server)
            .await;
        let sender = Mock::given(method("POST")).and(path("/v1/projects/test-project/messages:send"));
        sender.respond_with(Sender(office.clone())).mount(&server).await;
        let credentials = key_file(EMAIL);
        Self {
            clock,
            server,
            office,
            credentials,
        }
    }

    pub(super) fn url(&self, more: &str) -> String {
        self.url_with(&self.credentials, more)
    }

    pub(super) fn url_with(&self, credentials: &NamedTempFile, more: &str) -> String {
        let (endpoint, token_uri) = (self.server.uri(), &self.office.token_uri);
        let path = credentials.path().display();
        format!("fcm://test-project?credentials={path}&endpoint={endpoint}&token_uri={token_uri}{more}")
    }

    /// How many tokens were given for good assertions.
    pub(super) fn given(&self) -> usize {
        self.office.books.lock().unwrap().given
    }

    /// How many sends there were, refused ones included.
    pub(super) fn sends(&self) -> usize {
        self.office.books.lock().unwrap().sends
    }

    pub(super) fn messages(&self) -> Vec<Value> {
        self.office.books.lock().unwrap().messages.clone()
    }

    pub(super) fn take_back_all_tokens(&self) {
        self.office.books.lock().unwrap().valid_until.clear();
    }

    pub(super) fn trust_nobody(&self) {
        self.office.books.lock().unwrap().trusts_nobody = true;
    }

    pub(super) fn delay_tokens(&self, by: Duration) {
        self.office.books.lock().unwrap().token_delay = by;
    }
}

/// The file that Google's console would hand out.
pub(super) fn key_file(email: &str) -> NamedTempFile {
    let text = json!({
        "type": "service_account",
        "project_id": "test-project",
        "private_key_id": "test-key-1",
        "private_key": KEY,
        "client_email": email,
        "token_uri": "https://oauth2.example.org/token",
    });
    file_with(&text.to_string())
}

pub(super) fn file_with(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

struct TokenServer(Arc<Office>);

impl Respond for TokenServer {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut books = self.0.books.lock().unwrap();
        let answer = match self.0.check(request) {
            Ok(()) => {
                books.given += 1;
                let token = format!("token-{}", books.given);
                books.valid_until.insert(token.clone(), self.0.clock.now() + TOKEN_LIFE);
                let body = json!({"access_token": token, "expires_in": 3600, "token_type": "Bearer"});
                ResponseTemplate::new(200).set_body_json(body)
            }
            Err(why) => {
                ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_grant", "error_description": why}))
            }
        };
        answer.set_delay(books.token_delay)
    }
}

impl Office {
    /// Holds the assertion against everything that Google asks of one.
    fn check(&self, request: &Request) -> Result<(), String> {
        let form: HashMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        let grant_type = form.get("grant_type").map(String::as_str);
        if grant_type != Some("urn:ietf:params:oauth:grant-type:jwt-bearer") {
            return Err(format!("grant type {grant_type:?}"));
        }
        let assertion = form.get("assertion").ok_or("no assertion")?;
        let header = decode_header(assertion).map_err(|error| error.to_string())?;
        if header.kid.as_deref() != Some("test-key-1") {
            return Err("unknown key id".to_owned());
        }
        let mut rules = Validation::new(Algorithm::RS256);
        rules.validate_exp = false; // held against the clock of the test below
        rules.set_audience(&[&self.token_uri]);
        rules.set_issuer(&[EMAIL]);
        rules.set_required_spec_claims(&["aud", "iss", "exp"]);
        let key = DecodingKey::from_rsa_pem(PUBLIC_KEY.as_bytes()).unwrap();
        let claims = decode::<Value>(assertion, &key, &rules)
            .map_err(|error| error.to_string())?
            .claims;
        let now = self.clock.now().timestamp();
        if claims["iat"] != now || claims["exp"] != now + 3600 {
            return Err(format!("times {} to {}", claims["iat"], claims["exp"]));
        }
        if claims["scope"] != "https://www.googleapis.com/auth/firebase.messaging" {
            return Err(format!("scope {}", claims["scope"]));
        }
        Ok(())
    }
}

struct Sender(Arc<Office>);

impl Respond for Sender {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut books = self.0.books.lock().unwrap();
        books.sends += 1;
        let authorization = request
            .headers
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        let token = authorization.and_then(|text| text.strip_prefix("Bearer "));
        let until = token.and_then(|token| books.valid_until.get(token));
        if books.trusts_nobody || until.is_none_or(|until| *until <= self.0.clock.now()) {
            return google_error(401, "UNAUTHENTICATED", None);
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let device = body["message"]["token"].as_str().unwrap().to_owned();
        books.messages.push(body);
        match &*device {
            "gone" => google_error(404, "NOT_FOUND", Some("UNREGISTERED")),
            "busy" => google_error(503, "UNAVAILABLE", Some("UNAVAILABLE")),
            "too-many" => google_error(429, "RESOURCE_EXHAUSTED", Some("QUOTA_EXCEEDED")),
            "malformed" => google_error(400, "INVALID_ARGUMENT", Some("INVALID_ARGUMENT")),
            "proxy" => ResponseTemplate::new(404).set_body_string("<html>Not found</html>"),
            "flood" => ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 10_000_000]),
            "slow" => ResponseTemplate::new(200).set_delay(Duration::from_mins(1)),
            _ => ResponseTemplate::new(200).set_body_json(json!({"name": "projects/test-project/messages/1"})),
        }
    }
}

fn google_error(status: u16, name: &str, code: Option<&str>) -> ResponseTemplate {
    let detail =
        code.map(|code| json!({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}));
    let body = json!({"error": {"code": status, "message": "as the documentation says", "status": name, "details": detail.into_iter().collect::<Vec<_>>()}});
    ResponseTemplate::new(status).set_body_json(body)
}
