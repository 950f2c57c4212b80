//! The layer before every rpc: how long an answer may take, and what it says to an API key.

use std::{convert::Infallible, future::pending, path::Path, sync::Arc, time::Duration};

use http::{Request, Response};
use kit::access::{Access, AccessLayer, Policies};
use prost_reflect::DescriptorPool;
use proto::options::Role;
use tokio::time::Instant;
use tonic::{Code, Status, body::Body};
use tower::{Layer as _, Service};

use super::Door;

const CONTRACT: &str = r#"
syntax = "proto3";
package hostelpulse.trial.v1;
import "hostelpulse/options/v1/options.proto";
message Piece {}
service Trial {
  rpc Take(stream Piece) returns (Piece) { option (hostelpulse.options.v1.access) = {authenticated: true}; }
  rpc Ask(Piece) returns (Piece) { option (hostelpulse.options.v1.access) = {authenticated: true}; }
  rpc Anybody(Piece) returns (Piece) { option (hostelpulse.options.v1.access) = {public: true}; }
}
"#;

fn policies() -> Policies {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("trial.proto"), CONTRACT).unwrap();
    let product = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let mut compiler = protox::Compiler::new([folder.path(), product.as_path()]).unwrap();
    compiler.include_imports(true);
    compiler.open_files(["trial.proto"]).unwrap();
    let pool = DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap();
    Policies::read(&pool).unwrap()
}

/// A service that never answers.
type Stuck =
    Access<tower::util::ServiceFn<fn(Request<Body>) -> std::future::Pending<Result<Response<Body>, Infallible>>>>;

fn stuck(door: &Door) -> Stuck {
    AccessLayer::new(Arc::new(policies()), door.verifier.clone()).layer(tower::service_fn(|_| pending()))
}

/// What the layer answers on behalf of a service that does not, and after how long.
async fn answer(door: &Door, rpc: &str, bearer: &str) -> (Status, Duration) {
    let request = Request::post(format!("/hostelpulse.trial.v1.Trial/{rpc}"));
    let request = request.header("authorization", format!("Bearer {bearer}"));
    let begun = Instant::now();
    let answer = stuck(door).call(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = Status::from_header_map(answer.headers()).unwrap();
    (status, begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn an_answer_has_half_a_minute_and_a_stream_from_the_caller_a_quarter_of_an_hour() {
    let door = Door::new();
    let _following = door.follow();
    let token = door.keys.token(Role::Student);
    for (rpc, seconds) in [("Ask", 30), ("Take", 15 * 60)] {
        let (status, took) = answer(&door, rpc, &token).await;
        assert_eq!(status.code(), Code::DeadlineExceeded, "{rpc}");
        assert!((seconds..seconds + 2).contains(&took.as_secs()), "{rpc}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_takes_no_api_key() {
    let door = Door::new();
    let _following = door.follow();
    let (key, _) = door.keys.api_key(Role::Admin, None);
    let (status, _) = answer(&door, "Ask", &key).await;
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(
        status.message().contains("Tokens/ExchangeApiKey"),
        "{}",
        status.message()
    );
    assert_eq!(door.keys.exchanges(), 0);
    // Where nobody need be known, a key in the header is passed over.
    let (status, _) = answer(&door, "Anybody", &key).await;
    assert_eq!(status.code(), Code::DeadlineExceeded);
}
