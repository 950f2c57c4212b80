//! The product as it is measured: the real thing in this process, on embedded stores, with the data of the demo.

use std::net::SocketAddr;

use hostelpulse::{Composed, Gateways, SERVICES, run_services};
use kit::{
    config::Config,
    service::{Host, sections},
    telemetry::Telemetry,
};
use proto::auth::{LoginRequest, auth_client::AuthClient};

/// The password of everybody in the demo.
pub(crate) const PASSWORD: &str = "Demo@1234";

/// The demo on embedded stores; with an address, the gateway calls the services there instead of its own.
pub(crate) async fn product(
    data: std::path::PathBuf,
    grpc: Option<SocketAddr>,
    telemetry: &Telemetry,
) -> anyhow::Result<(Host, SocketAddr)> {
    let mut config: Config = kit::config::Loader::empty(sections());
    config.base.data = data;
    config.base.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.set("limits.enabled", false);
    config.base.grpc_listen = grpc;
    if grpc.is_some() {
        let secret = "a secret for measurements, of enough length".to_owned();
        config.base.service_secret = Some(kit::config::SecretText(secret.into()));
        let keys = "bench:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=".to_owned();
        config.base.master_keys = Some(kit::config::SecretText(keys.into()));
    }
    let demo = Gateways {
        gateway: grpc.is_none(),
        demo: true,
    };
    let Composed {
        host, listens: address, ..
    } = Box::pin(run_services(config.clone(), Some(telemetry), &SERVICES, demo)).await?;
    let Some(grpc) = grpc else {
        return Ok((
            host,
            address.ok_or_else(|| anyhow::anyhow!("the gateway does not listen"))?,
        ));
    };
    config.base.grpc_listen = None;
    for service in SERVICES {
        config
            .base
            .upstreams
            .insert(service.name().to_owned(), format!("http://{grpc}").parse()?);
    }
    let Composed {
        host: front,
        listens: address,
        ..
    } = Box::pin(run_services(
        config,
        Some(telemetry),
        &[],
        Gateways {
            gateway: true,
            demo: false,
        },
    ))
    .await?;
    // Both run until the measurement's process ends.
    tokio::spawn(front.lifecycle.run(std::future::pending()));
    Ok((
        host,
        address.ok_or_else(|| anyhow::anyhow!("the gateway does not listen"))?,
    ))
}

/// An access token of the demo's student.
pub(crate) async fn token(host: &Host) -> anyhow::Result<String> {
    token_of(host, "student@demo.local").await
}

/// An access token of somebody who has everybody's password.
pub(crate) async fn token_of(host: &Host, identifier: &str) -> anyhow::Result<String> {
    let channel = host
        .upstreams
        .channel("auth")
        .ok_or_else(|| anyhow::anyhow!("no channel to auth"))?;
    let request = LoginRequest {
        identifier: identifier.to_owned(),
        password: PASSWORD.to_owned(),
        cookie: false,
    };
    Ok(AuthClient::new(channel)
        .login(request)
        .await?
        .into_inner()
        .access_token()
        .to_owned())
}
