//! The section `auth` of the configuration.

use kit::config::SecretText;
use serde::{Deserialize, Serialize};

use crate::domain::{Email, NewPassword};

/// How people sign in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long an access token holds.
    pub access_token_minutes: u32,
    /// How long a session can be renewed.
    pub refresh_token_days: u32,
    /// Cost of password hashes: each step doubles the work, for us and for a thief.
    pub bcrypt_cost: u32,
    /// How many passwords are hashed at once; 0 means one a core.
    pub hashing_threads: usize,
    /// How many sign-ins may wait for their turn before further ones are asked to come back.
    pub hashing_queue: usize,
    /// The first administrator, created when there are no users.
    pub admin_email: Option<String>,
    /// The first administrator's password.
    pub admin_password: Option<SecretText>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            access_token_minutes: 15,
            refresh_token_days: 30,
            bcrypt_cost: 12,
            hashing_threads: 0,
            hashing_queue: 256,
            admin_email: None,
            admin_password: None,
        }
    }
}

impl Config {
    /// Says what makes no sense before anything starts.
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            (1..=60).contains(&self.access_token_minutes),
            "auth.access_token_minutes must be 1 to 60"
        );
        anyhow::ensure!(
            (1..=365).contains(&self.refresh_token_days),
            "auth.refresh_token_days must be 1 to 365"
        );
        anyhow::ensure!((4..=16).contains(&self.bcrypt_cost), "auth.bcrypt_cost must be 4 to 16");
        anyhow::ensure!(self.hashing_threads <= 256, "auth.hashing_threads must be at most 256");
        anyhow::ensure!(
            self.admin_email.is_some() == self.admin_password.is_some(),
            "auth.admin_email and auth.admin_password must be given together"
        );
        if let Some(email) = &self.admin_email {
            Email::parse(email).map_err(|why| anyhow::anyhow!("auth.admin_email {why}"))?;
        }
        if let Some(password) = &self.admin_password {
            NewPassword::parse(password.expose()).map_err(|why| anyhow::anyhow!("auth.admin_password {why}"))?;
        }
        Ok(())
    }
}
