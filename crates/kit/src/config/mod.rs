//! Configuration: defaults → `hostelpulse.toml` → `HOSTELPULSE_…` environment → flags. An unknown key is an error that
//! names the nearest known one; any value can also come from a file named by `…_FILE`.

mod base;
mod load;
mod show;

pub use base::{Base, SecretText, Stores};
pub use load::{Config, ConfigError, Loader};
pub use show::Shown;
