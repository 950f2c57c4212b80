//! `up` and `serve`: run until told to stop.

use std::path::PathBuf;

use kit::{config::Config, port, service::told_to_stop, telemetry};

use crate::{
    Composed, Gateways, SERVICES, Service,
    cli::{Flags, Served, Up},
    demo, loader, run_services,
};

/// Every service in this process.
pub(super) async fn up(file: Option<PathBuf>, up: Up) -> anyhow::Result<()> {
    let config = loader(file, up.flags).load()?;
    let with = Gateways {
        gateway: true,
        demo: up.demo,
    };
    run(config, &SERVICES, with).await
}

/// Some of them, for a container.
pub(super) async fn serve(file: Option<PathBuf>, flags: Flags, served: &[Served]) -> anyhow::Result<()> {
    let mut config = loader(file, flags).load()?;
    let services: Vec<Service> = served
        .iter()
        .filter_map(|served| match served {
            Served::Service(service) => Some(*service),
            Served::Gateway => None,
        })
        .collect();
    if !services.is_empty() {
        config.base.grpc_listen.get_or_insert(kit::service::SERVED);
    }
    let with = Gateways {
        gateway: served.contains(&Served::Gateway),
        demo: false,
    };
    run(config, &services, with).await
}

async fn run(config: Config, services: &[Service], with: Gateways) -> anyhow::Result<()> {
    let base = &config.base;
    let telemetry = telemetry::init("hostelpulse", &base.log, base.otlp_endpoint.as_deref())?;
    let composed = Box::pin(run_services(config, Some(&telemetry), services, with)).await?;
    println!("{}", ready(&composed, services, with));
    composed.host.lifecycle.run(told_to_stop()).await
}

/// The one line that says what runs where.
fn ready(composed: &Composed, services: &[Service], with: Gateways) -> String {
    let stores = &composed.host.stores;
    let used = [
        &stores.database,
        &stores.cache,
        &stores.bus,
        &stores.files,
        &stores.mail,
        &stores.push,
    ];
    let used = used.map(port::masked).join(" ");
    let names = services
        .iter()
        .map(|service| service.name())
        .collect::<Vec<_>>()
        .join(", ");
    let at = match composed.listens {
        Some(address) => format!("http://{address} with {names}"),
        None => names,
    };
    let accounts = if with.demo {
        let password = demo::PASSWORD;
        format!(
            " | demo: admin@, warden@, guard@, staff@, teacher@, student@ and student2@demo.local, password {password}"
        )
    } else if let (Some(address), Some(token)) = (composed.listens, &composed.setup) {
        format!(" | nobody can sign in yet, begin at http://{address}/setup#{token}")
    } else {
        String::new()
    };
    format!("HostelPulse is ready: {at} | stores: {used}{accounts}")
}
