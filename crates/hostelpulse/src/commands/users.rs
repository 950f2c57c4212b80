//! `users`: accounts, from the console of the machine.

use std::{io::Read as _, path::PathBuf};

use kit::service::Host;

use crate::{Service, cli::Flags, loader};

pub(super) async fn create_admin(
    file: Option<PathBuf>,
    flags: Flags,
    email: String,
    name: String,
) -> anyhow::Result<()> {
    let config = loader(file, flags).load()?;
    let mut password = String::new();
    eprintln!("Password for {email} (end with Enter and Ctrl-D):");
    // More than this is no password.
    std::io::stdin().take(4096).read_to_string(&mut password)?;
    let host = Host::open(config, &[Service::Auth.name()]).await?;
    let (auth, db) = host.create::<auth::Auth>().await?;
    auth.create_admin(email.clone(), name, password.trim_end_matches(['\r', '\n']))
        .await?;
    db.close().await?;
    println!("{email} can sign in as administrator");
    Ok(())
}
