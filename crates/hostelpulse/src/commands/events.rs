//! `events`: what consumers gave up on, and giving it to them again.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use kit::{
    Db,
    events::{
        outbox,
        parked::{Parked, Shelf, Which},
    },
    service::Host,
};
use uuid::Uuid;

use crate::{SERVICES, Service, cli::Flags, loader};

/// The services of this installation as their databases and consumers, without running anything.
struct Ledgers {
    host: Host,
    services: Vec<(Service, Db)>,
    shelves: Vec<Shelf>,
}

impl Ledgers {
    async fn open(file: Option<PathBuf>, flags: Flags) -> anyhow::Result<Self> {
        let config = loader(file, flags).load()?;
        let names: Vec<&str> = SERVICES.iter().map(|service| service.name()).collect();
        let host = Host::open(config, &names).await?;
        let (mut services, mut shelves) = (Vec::new(), Vec::new());
        for service in SERVICES {
            let (db, consumers) = match service {
                Service::Auth => consumers::<auth::Auth>(&host).await?,
                Service::Students => consumers::<students::Students>(&host).await?,
                Service::Attendance => consumers::<attendance::Attendance>(&host).await?,
                Service::Leave => consumers::<leave::LeaveService>(&host).await?,
                Service::Grievance => consumers::<grievance::Grievances>(&host).await?,
                Service::Audit => consumers::<audit::Audit>(&host).await?,
            };
            services.push((service, db));
            shelves.extend(consumers);
        }
        Ok(Self {
            host,
            services,
            shelves,
        })
    }

    async fn parked(&self, which: &Which) -> anyhow::Result<Vec<Parked>> {
        let mut parked = Vec::new();
        for shelf in &self.shelves {
            parked.extend(self.host.bus.parked(shelf, which).await?);
        }
        Ok(parked)
    }
}

async fn consumers<S: kit::service::Service>(host: &Host) -> anyhow::Result<(Db, Vec<Shelf>)> {
    let (service, db) = host.create::<S>().await?;
    let shelves = service.consumers().iter().map(kit::events::Consumer::shelf).collect();
    Ok((db, shelves))
}

pub(super) async fn parked(file: Option<PathBuf>, flags: Flags) -> anyhow::Result<()> {
    let parked = Ledgers::open(file, flags).await?.parked(&Which::All).await?;
    for one in &parked {
        let last = one.last_failed_at.map(|at| at.to_rfc3339()).unwrap_or_default();
        let waiting = if one.replay_requested { ", given back" } else { "" };
        println!(
            "{} {} {last} after {} tries{waiting}: {}",
            one.id, one.consumer, one.tries, one.error
        );
    }
    println!("{} parked", parked.len());
    Ok(())
}

pub(super) async fn show(file: Option<PathBuf>, flags: Flags, id: Uuid) -> anyhow::Result<()> {
    let parked = Ledgers::open(file, flags)
        .await?
        .parked(&Which::One(id.to_string()))
        .await?;
    anyhow::ensure!(!parked.is_empty(), "no consumer has parked the event {id}");
    for one in parked {
        println!("{}", serde_json::to_string_pretty(&one)?);
    }
    Ok(())
}

/// Gives parked events back, or publishes what the ledgers hold since a time once more.
pub(super) async fn replay(
    file: Option<PathBuf>,
    flags: Flags,
    id: Option<Uuid>,
    since: Option<DateTime<Utc>>,
) -> anyhow::Result<()> {
    let ledgers = Ledgers::open(file, flags).await?;
    if let Some(since) = since {
        for (service, db) in &ledgers.services {
            let events = outbox::replay(db, &ledgers.host.clock, since).await?;
            println!("{service}: {events} events will be published again");
        }
        return Ok(());
    }
    let which = id.map_or(Which::All, |id| Which::One(id.to_string()));
    let mut given_back = 0;
    for shelf in &ledgers.shelves {
        given_back += ledgers.host.bus.replay(shelf, &which).await?;
    }
    anyhow::ensure!(given_back > 0 || id.is_none(), "no consumer has parked this event");
    println!("{given_back} given back to their consumers");
    Ok(())
}
