//! The section `audit` of the configuration.

use serde::{Deserialize, Serialize};

/// How the audit trail is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How often the head of the chain is written to the log, in minutes: whoever keeps the log can prove later that
    /// nothing was cut from the end.
    pub anchor_minutes: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { anchor_minutes: 60 }
    }
}

impl Config {
    /// Says what makes no sense before anything starts.
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            (1..=1440).contains(&self.anchor_minutes),
            "audit.anchor_minutes must be 1 to 1440"
        );
        Ok(())
    }
}
