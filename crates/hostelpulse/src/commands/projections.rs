//! `projections`: what services keep of each other's records, read anew.

use std::path::PathBuf;

use kit::{
    Db,
    config::Base,
    service::{Host, Rebuilt},
};

use crate::{SERVICES, Service, cli::Flags, compose::sections, loader};

/// Everybody's access tokens are verified with its keys, those between services too.
const KEYS: Service = Service::Auth;

pub(super) async fn rebuild(file: Option<PathBuf>, flags: Flags, service: Service) -> anyhow::Result<()> {
    let config = loader(file, flags).load()?;
    sections(&config)?;
    let beside = beside(service, &config.base);
    let names: Vec<&str> = beside.iter().chain([&service]).map(|one| one.name()).collect();
    let mut host = Host::open(config, &names).await?;
    let mut open = Vec::new();
    for one in beside {
        open.push(match one {
            Service::Auth => offer::<auth::Auth>(&mut host).await?.1,
            Service::Students => offer::<students::Students>(&mut host).await?.1,
            Service::Attendance => offer::<attendance::Attendance>(&mut host).await?.1,
            Service::Leave => offer::<leave::LeaveService>(&mut host).await?.1,
            Service::Grievance => offer::<grievance::Grievances>(&mut host).await?.1,
            Service::Audit => offer::<audit::Audit>(&mut host).await?.1,
        });
    }
    let rebuilt = match service {
        Service::Auth => anew::<auth::Auth>(&mut host).await?,
        Service::Students => anew::<students::Students>(&mut host).await?,
        Service::Attendance => anew::<attendance::Attendance>(&mut host).await?,
        Service::Leave => anew::<leave::LeaveService>(&mut host).await?,
        Service::Grievance => anew::<grievance::Grievances>(&mut host).await?,
        Service::Audit => anew::<audit::Audit>(&mut host).await?,
    };
    for db in open {
        db.close().await?;
    }
    match rebuilt {
        Some(Rebuilt { records, notes }) => {
            println!("{service}: {records} records were read anew");
            for note in notes {
                println!("{note}");
            }
        }
        None => println!("{service} keeps nothing of other services"),
    }
    Ok(())
}

/// The services that are needed in this process beside the one that is rebuilt: no address leads to them elsewhere.
fn beside(service: Service, base: &Base) -> Vec<Service> {
    let is_needed = |one: &Service| *one == KEYS || service.reads().contains(&one.name());
    let is_elsewhere = |one: &Service| base.upstreams.contains_key(one.name());
    let others = SERVICES.into_iter().filter(|one| *one != service);
    others.filter(|one| is_needed(one) && !is_elsewhere(one)).collect()
}

async fn offer<S: kit::service::Service>(host: &mut Host) -> anyhow::Result<(S, Db)> {
    let (service, db) = host.create::<S>().await?;
    host.offer(&service, db.clone())?;
    Ok((service, db))
}

async fn anew<S: kit::service::Service>(host: &mut Host) -> anyhow::Result<Option<Rebuilt>> {
    let (service, db) = offer::<S>(host).await?;
    let rebuilt = service.rebuild().await;
    db.close().await?;
    rebuilt
}
