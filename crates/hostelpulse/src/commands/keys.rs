//! `keys`: what access tokens are signed with and values are sealed with, from the console of the machine.

use std::path::PathBuf;

use chrono::SecondsFormat;
use kit::{
    Keyring,
    config::Config,
    keyring::{MasterKeys, Rotated as Ring},
    service::Host,
};

use crate::{
    Service,
    cli::{Flags, Rotated},
    loader,
};

pub(super) async fn rotate(file: Option<PathBuf>, flags: Flags, what: Option<Rotated>) -> anyhow::Result<()> {
    let config = loader(file, flags).load()?;
    // Whatever is wrong with the master keys is said before anything is changed.
    let master_keys = MasterKeys::of(&config.base)?;
    if what != Some(Rotated::Data) {
        tokens(config).await?;
    }
    if what != Some(Rotated::Tokens) {
        data(master_keys)?;
    }
    Ok(())
}

async fn tokens(config: Config) -> anyhow::Result<()> {
    let host = Host::open(config, &[Service::Auth.name()]).await?;
    let (auth, db) = host.create::<auth::Auth>().await?;
    let next = auth.rotate_keys().await?;
    db.close().await?;
    println!(
        "{} signs from {}; what the key before it signed is good until it ends",
        next.key_id,
        next.signs_from.to_rfc3339_opts(SecondsFormat::Secs, true)
    );
    Ok(())
}

fn data(master_keys: MasterKeys) -> anyhow::Result<()> {
    match Keyring::open(master_keys)?.rotate()? {
        Ring::Done { key_id, file } => println!(
            "{key_id} seals from now on; what other keys sealed stays readable, and services seal it anew in the \
             background. {} must be kept: sealed values are lost without it",
            file.display()
        ),
        Ring::ToConfigure { key_id, first, then } => println!(
            "{key_id} is a new master key, in use when it is configured, in two steps. This is shown once.\n\
             1. Give every service this value and restart it, so that all of them know the key:\n\
             HOSTELPULSE_MASTER_KEYS={}\n\
             2. When all of them run with it, give them this one; services then seal anew in the background:\n\
             HOSTELPULSE_MASTER_KEYS={}",
            first.expose(),
            then.expose()
        ),
    }
    Ok(())
}
