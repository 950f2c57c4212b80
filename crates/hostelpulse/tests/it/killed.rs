//! Something is killed in the midst of scans: whatever was answered is there, each event was applied once, and the product
//! serves again by itself.

use std::time::{Duration, Instant};

use kit::testing::{Server, TestStores};
use reqwest::{Method, StatusCode};

use crate::{
    apart::{ADMIN, Apart, EVERY_SERVICE},
    binary::Running,
    crowd::Crowd,
};

/// From when what died is there again until everybody has their answer.
const BACK_WITHIN: Duration = Duration::from_secs(30);
/// Everybody scans at once, and that is not worth a line each.
const BUSY: [(&str, &str); 2] = [("HOSTELPULSE_LIMITS__ENABLED", "false"), ("HOSTELPULSE_LOG", "warn")];

/// One process of every service, for a test that kills what it stands on.
fn up(stores: &TestStores) -> Running {
    Running::up(stores, &[], &[ADMIN, BUSY].concat())
}

/// Waits until every dependency answers, within a bound.
async fn is_ready(hostel: &Running) {
    let end = Instant::now() + BACK_WITHIN;
    while hostel.call(Method::GET, "/health/ready", None, None).await.status != StatusCode::OK {
        assert!(Instant::now() < end, "not ready within {BACK_WITHIN:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Where there is a broker attendance dies alone; elsewhere its process holds the others as well.
#[tokio::test]
async fn a_service_that_dies_amid_scans_loses_nothing() {
    let groups: &[&'static [&'static str]] = if TestStores::on_servers() {
        &[&["auth", "students", "leave", "grievance", "audit"], &["attendance"]]
    } else {
        &[&EVERY_SERVICE]
    };
    let Apart { mut services, gateway } = Apart::start(TestStores::default(), groups, &BUSY);
    let crowd = Crowd::gather(&gateway).await;
    let dying = async {
        crowd.are_at_it().await;
        services.kill("attendance");
        services.start_again("attendance").await;
        Instant::now()
    };
    let ((), there_again) = tokio::join!(crowd.scan(&gateway), dying);
    assert!(there_again.elapsed() < BACK_WITHIN, "{:?}", there_again.elapsed());
    assert!(crowd.tries_in_vain() > 0, "it died too late");
    crowd.is_marked_once_each(&gateway, services.stores()).await;
    services.terminate();
}

#[tokio::test]
async fn a_database_server_that_dies_amid_scans_loses_nothing() {
    if !TestStores::on_servers() {
        return;
    }
    let mut server = Server::postgres().await;
    let stores = TestStores::default().on_database(server.url());
    let hostel = up(&stores);
    let crowd = Crowd::gather(&hostel).await;
    let dying = async {
        crowd.are_at_it().await;
        server.kill();
        server.start_again().await;
        Instant::now()
    };
    let ((), there_again) = tokio::join!(crowd.scan(&hostel), dying);
    assert!(there_again.elapsed() < BACK_WITHIN, "{:?}", there_again.elapsed());
    assert!(crowd.tries_in_vain() > 0, "it died too late");
    is_ready(&hostel).await;
    crowd.is_marked_once_each(&hostel, &stores).await;
    assert!(hostel.terminate().success());
}

/// Marking needs no broker: nobody notices, and the others hear of it when it is there again.
#[tokio::test]
async fn a_broker_that_dies_amid_scans_holds_nobody_up() {
    if !TestStores::on_servers() {
        return;
    }
    let mut server = Server::rabbitmq().await;
    let stores = TestStores::default().on_bus(server.url());
    let hostel = up(&stores);
    let crowd = Crowd::gather(&hostel).await;
    let dying = async {
        crowd.are_at_it().await;
        server.kill();
    };
    tokio::join!(crowd.scan(&hostel), dying);
    assert_eq!(crowd.tries_in_vain(), 0);
    server.start_again().await;
    is_ready(&hostel).await;
    crowd.is_marked_once_each(&hostel, &stores).await;
    assert!(hostel.terminate().success());
}
