//! The section `attendance` of the configuration.

use serde::{Deserialize, Serialize};

/// How roll calls are held.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How often the code on display changes where a roll call says nothing, in seconds.
    pub rotate_seconds: u32,
    /// How near is near enough where a roll call says nothing, in metres.
    pub radius_meters: f64,
    /// How long the six digits beside the code hold, in seconds.
    pub otp_seconds: u32,
    /// The worst accuracy of a phone that is taken, in metres.
    pub accuracy_cap_meters: f64,
    /// How old a phone's fix may be, in seconds.
    pub fix_age_seconds: u32,
    /// How long after the end of a roll call scans of phones that were offline are taken, in minutes. Nobody is absent before.
    pub late_sync_minutes: u32,
    /// How long a student's second device waits when no warden approves it, in hours.
    pub device_waiting_hours: u32,
    /// How long coordinates are kept, in days.
    pub keep_coordinates_days: u32,
    /// How long marks and scans are kept, in months.
    pub keep_months: u32,
    /// Faster than this between two scans nobody travels, in kilometres an hour.
    pub travel_kmh: f64,
    /// So many scans of old codes by a student in a roll call look odd.
    pub old_codes: u32,
    /// How often scans are looked through for what is odd, in seconds.
    pub odd_every_seconds: u32,
    /// How often a roll call that somebody watches is looked at for what other replicas did, in milliseconds. What this process
    /// does is told at once.
    pub live_look_milliseconds: u32,
    /// Scans that are stored together at most.
    pub batch: u32,
    /// Scans that wait to be stored at most; more are asked to come back.
    pub queue: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rotate_seconds: 25,
            radius_meters: 2.0,
            otp_seconds: 60,
            accuracy_cap_meters: 100.0,
            fix_age_seconds: 30,
            late_sync_minutes: 24 * 60,
            device_waiting_hours: 24,
            keep_coordinates_days: 7,
            keep_months: 24,
            travel_kmh: 300.0,
            old_codes: 5,
            odd_every_seconds: 10,
            live_look_milliseconds: 500,
            batch: 256,
            queue: 4096,
        }
    }
}

impl Config {
    /// Says what makes no sense before anything starts.
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        let whole = [
            ("rotate_seconds", self.rotate_seconds, 0, 300),
            ("otp_seconds", self.otp_seconds, 15, 600),
            ("fix_age_seconds", self.fix_age_seconds, 1, 3600),
            ("late_sync_minutes", self.late_sync_minutes, 0, 24 * 60),
            ("device_waiting_hours", self.device_waiting_hours, 0, 24 * 30),
            ("keep_coordinates_days", self.keep_coordinates_days, 0, 366),
            ("keep_months", self.keep_months, 1, 240),
            ("old_codes", self.old_codes, 2, 1000),
            ("odd_every_seconds", self.odd_every_seconds, 1, 3600),
            ("live_look_milliseconds", self.live_look_milliseconds, 50, 60_000),
            ("batch", self.batch, 1, 1000),
            ("queue", self.queue, 1, 100_000),
        ];
        for (name, value, least, most) in whole {
            anyhow::ensure!(
                (least..=most).contains(&value),
                "attendance.{name} must be {least} to {most}"
            );
        }
        let real = [
            ("radius_meters", self.radius_meters, 0.1, 1000.0),
            ("accuracy_cap_meters", self.accuracy_cap_meters, 1.0, 10_000.0),
            ("travel_kmh", self.travel_kmh, 10.0, 10_000.0),
        ];
        for (name, value, least, most) in real {
            anyhow::ensure!(
                (least..=most).contains(&value),
                "attendance.{name} must be {least} to {most}"
            );
        }
        Ok(())
    }
}
