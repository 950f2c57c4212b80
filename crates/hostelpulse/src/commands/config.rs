//! `config`: what is configured, and whether it makes sense.

use std::path::PathBuf;

use kit::keyring::MasterKeys;

use crate::{cli::Flags, compose::sections, loader};

pub(super) fn show(file: Option<PathBuf>, flags: Flags) -> anyhow::Result<()> {
    let config = loader(file, flags).load()?;
    for shown in config.show(&sections(&config)?) {
        println!("{} = {}    # {}", shown.key, shown.value, shown.source);
    }
    Ok(())
}

pub(super) fn check(file: Option<PathBuf>, flags: Flags) -> anyhow::Result<()> {
    let config = loader(file, flags).load()?;
    sections(&config)?;
    config.base.stores().map_err(anyhow::Error::msg)?.check()?;
    config.base.token_secret().map_err(anyhow::Error::msg)?;
    if config.base.master_keys.is_some() {
        MasterKeys::of(&config.base)?;
    }
    println!("the configuration is valid");
    Ok(())
}
