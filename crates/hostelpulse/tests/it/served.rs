//! The services apart from the gateway, as in containers.

use futures_util::StreamExt as _;
use kit::testing::TestStores;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tonic::{Request, transport::Channel};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::apart::{Apart, EVERY_SERVICE};

/// Every service in one process, and a gateway of another before them.
fn split() -> Apart {
    Apart::start(TestStores::default(), &[&EVERY_SERVICE], &[])
}

#[tokio::test]
async fn a_gateway_of_its_own_reaches_services_over_the_network() {
    let Apart { services, gateway } = split();
    let admin = gateway.login("head@hostel.example").await;
    let new = json!({ "email": "new@hostel.example", "name": "New", "role": "staff", "password": "Gate#2026x" });
    let created = gateway
        .call(Method::POST, "/api/v1/users", Some(&admin), Some(new))
        .await;
    assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
    let id = created.data()["id"].as_str().unwrap();
    let path = format!("/api/v1/audit?resource_id={id}");
    let trail = gateway
        .eventually(&path, &admin, |answer| answer.body["pagination"]["total_items"] == 1)
        .await;
    assert_eq!(
        trail.data()[0]["actor"]["ip"],
        "127.0.0.1",
        "the services believe their gateway about the client"
    );
    assert!(gateway.terminate().success());
    services.terminate();
}

#[tokio::test]
async fn a_gateway_with_another_secret_is_not_believed_about_the_client() {
    let Apart { services, gateway } = split();
    let admin = gateway.login("head@hostel.example").await;
    let stranger = services.front("a secret that somebody else made up themselves");
    // Nobody tells a stranger which sessions have ended, so it lets nobody in who is signed in.
    let unsure = stranger.get("/api/v1/auth/me", &admin).await;
    assert_eq!(unsure.status, StatusCode::SERVICE_UNAVAILABLE, "{unsure:?}");
    let me = gateway.get("/api/v1/auth/me", &admin).await;
    let id = me.data()["id"].as_str().unwrap().to_owned();
    stranger.login("head@hostel.example").await;
    let path = format!("/api/v1/audit?resource_id={id}&action=hostelpulse.user.signed_in.v1");
    let trail = gateway
        .eventually(&path, &admin, |answer| answer.body["pagination"]["total_items"] == 2)
        .await;
    let addresses: Vec<_> = trail
        .data()
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["actor"]["ip"])
        .collect();
    assert_eq!(addresses, ["", "127.0.0.1"]);
}

#[tokio::test]
async fn a_served_service_lists_what_it_offers() {
    let Apart { services, .. } = split();
    let channel = Channel::from_shared(services.url_of("auth"))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let listing = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let request = Request::new(futures_util::stream::iter([listing]));
    let answer = ServerReflectionClient::new(channel)
        .server_reflection_info(request)
        .await
        .unwrap();
    let first = answer.into_inner().next().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(listing)) = first.message_response else {
        panic!("{first:?}")
    };
    let mut names: Vec<_> = listing.service.into_iter().map(|service| service.name).collect();
    names.sort_unstable();
    let own: Vec<_> = names.iter().filter(|name| name.starts_with("hostelpulse.")).collect();
    assert_eq!(
        own,
        [
            "hostelpulse.attendance.v1.AccessPoints",
            "hostelpulse.attendance.v1.Devices",
            "hostelpulse.attendance.v1.Live",
            "hostelpulse.attendance.v1.Marks",
            "hostelpulse.attendance.v1.Review",
            "hostelpulse.attendance.v1.Scans",
            "hostelpulse.attendance.v1.Sessions",
            "hostelpulse.audit.v1.Audit",
            "hostelpulse.auth.v1.Accounts",
            "hostelpulse.auth.v1.ApiKeys",
            "hostelpulse.auth.v1.Auth",
            "hostelpulse.auth.v1.Passwords",
            "hostelpulse.auth.v1.People",
            "hostelpulse.auth.v1.SecondFactor",
            "hostelpulse.auth.v1.Sessions",
            "hostelpulse.auth.v1.Tokens",
            "hostelpulse.auth.v1.Users",
            "hostelpulse.grievance.v1.Comments",
            "hostelpulse.grievance.v1.Figures",
            "hostelpulse.grievance.v1.Grievances",
            "hostelpulse.grievance.v1.Images",
            "hostelpulse.leave.v1.Calendar",
            "hostelpulse.leave.v1.Decisions",
            "hostelpulse.leave.v1.Documents",
            "hostelpulse.leave.v1.Extensions",
            "hostelpulse.leave.v1.Gate",
            "hostelpulse.leave.v1.Guardians",
            "hostelpulse.leave.v1.Requests",
            "hostelpulse.leave.v1.Roster",
            "hostelpulse.students.v1.Documents",
            "hostelpulse.students.v1.Privacy",
            "hostelpulse.students.v1.Rooms",
            "hostelpulse.students.v1.Roster",
            "hostelpulse.students.v1.Students"
        ]
    );
}

#[test]
fn services_of_several_processes_need_a_shared_secret() {
    let mut command = crate::binary::hostelpulse(&["serve", "gateway", "--listen", "127.0.0.1:0"]);
    command.env("HOSTELPULSE_UPSTREAMS__AUTH", "http://127.0.0.1:1");
    let said = crate::binary::refused(command);
    assert!(said.contains("service_secret is needed"), "{said}");
}

#[test]
fn services_of_several_processes_need_the_same_master_keys() {
    let mut command = crate::binary::hostelpulse(&[&["serve"], &EVERY_SERVICE[..]].concat());
    command.envs([
        (
            "HOSTELPULSE_SERVICE_SECRET",
            "the secret of the services of one installation",
        ),
        ("HOSTELPULSE_GRPC_LISTEN", "127.0.0.1:0"),
    ]);
    let said = crate::binary::refused(command);
    assert!(said.contains("master_keys is needed"), "{said}");
}
