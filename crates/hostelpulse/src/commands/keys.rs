//! `keys`: what access tokens are signed with, from the console of the machine.

use std::path::PathBuf;

use chrono::SecondsFormat;
use kit::service::Host;

use crate::{Service, cli::Flags, loader};

pub(super) async fn rotate(file: Option<PathBuf>, flags: Flags) -> anyhow::Result<()> {
    let config = loader(file, flags).load()?;
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
