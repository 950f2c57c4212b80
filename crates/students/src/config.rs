//! The section `students` of the configuration.

use serde::{Deserialize, Serialize};

/// Whoever holds something of students, one a line.
const PARTS: [&str; 5] = ["auth", "audit", "attendance", "leave", "grievance"];

/// How students' records are kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long a link to a document is good, in minutes.
    pub link_minutes: u32,
    /// The services that add to a student's export; it is waited for them.
    pub export_parts: Vec<String>,
    /// How long it is waited for them, in seconds.
    pub export_wait_seconds: u32,
    /// How often stored files and documents are compared, in minutes.
    pub reconcile_minutes: u32,
    /// How old a file must be to be deleted when no document is known that it belongs to, in hours.
    pub orphan_hours: u32,
    /// How long a registration may take before what it left in auth is given back, in seconds.
    pub registration_seconds: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            link_minutes: 60,
            export_parts: PARTS.map(str::to_owned).to_vec(),
            export_wait_seconds: 5,
            reconcile_minutes: 60,
            orphan_hours: 24,
            registration_seconds: 120,
        }
    }
}

impl Config {
    /// Says what makes no sense before anything starts.
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        let ranges = [
            ("link_minutes", self.link_minutes, 1, 1440),
            ("export_wait_seconds", self.export_wait_seconds, 0, 8),
            ("reconcile_minutes", self.reconcile_minutes, 1, 1440),
            ("orphan_hours", self.orphan_hours, 1, 8760),
            ("registration_seconds", self.registration_seconds, 10, 3600),
        ];
        for (name, value, least, most) in ranges {
            anyhow::ensure!(
                (least..=most).contains(&value),
                "students.{name} must be {least} to {most}"
            );
        }
        let plain = |name: &String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
        anyhow::ensure!(
            self.export_parts.iter().all(plain),
            "students.export_parts must be names of services, like [\"auth\", \"audit\"]"
        );
        Ok(())
    }
}
