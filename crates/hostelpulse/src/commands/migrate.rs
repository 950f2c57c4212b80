//! `migrate`: databases brought up to date, without running anything.

use std::path::PathBuf;

use kit::{
    config::{Config, Stores},
    service::open_database,
};

use crate::{SERVICES, Service, cli::Flags, loader};

pub(super) async fn migrate(file: Option<PathBuf>, flags: Flags, services: Vec<Service>) -> anyhow::Result<()> {
    let config = loader(file, flags).load()?;
    let stores = config.base.stores().map_err(anyhow::Error::msg)?;
    let services = if services.is_empty() {
        SERVICES.to_vec()
    } else {
        services
    };
    for service in services {
        let applied = match service {
            Service::Auth => one::<auth::Auth>(&config, &stores).await?,
            Service::Students => one::<students::Students>(&config, &stores).await?,
            Service::Attendance => one::<attendance::Attendance>(&config, &stores).await?,
            Service::Leave => one::<leave::LeaveService>(&config, &stores).await?,
            Service::Grievance => one::<grievance::Grievances>(&config, &stores).await?,
            Service::Audit => one::<audit::Audit>(&config, &stores).await?,
        };
        match applied {
            0 => println!("{service}: up to date"),
            applied => println!("{service}: {applied} migrations applied"),
        }
    }
    Ok(())
}

async fn one<S: kit::service::Service>(config: &Config, stores: &Stores) -> anyhow::Result<usize> {
    let db = open_database(config, stores, S::NAME).await?;
    let applied = db.migrate::<S::Migrator>().await?;
    db.close().await?;
    Ok(applied)
}
