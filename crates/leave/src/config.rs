//! The section `leave` of the configuration.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::domain::{LeaveType, Rules};

/// How leaves are asked for and granted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What each kind of leave asks for.
    pub types: Types,
    /// How far back a leave may begin that is asked for when it has begun, in days.
    pub retroactive_days: u32,
    /// How far ahead a leave may begin, in days.
    pub ahead_days: u32,
    /// So many requests of a student may wait for a decision.
    pub most_pending: u32,
    /// So many letters a student's guardian gets at most on a day.
    pub letters_a_day: u32,
    /// How long a guardian's link is good, in hours.
    pub guardian_hours: u32,
    /// How often it is looked for who is overdue, in seconds.
    pub overdue_every_seconds: u32,
    /// How long a link to a document is good, in minutes.
    pub link_minutes: u32,
    /// How often it is looked for files of uploads that broke off and of documents that are gone, in minutes.
    pub tidy_minutes: u32,
}

/// What each kind of leave asks for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Types {
    pub home: Rules,
    pub medical: Rules,
    pub academic: Rules,
    pub emergency: Rules,
    pub other: Rules,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            types: Types::default(),
            retroactive_days: 366,
            ahead_days: 3653,
            most_pending: 50,
            letters_a_day: 20,
            guardian_hours: 48,
            overdue_every_seconds: 60,
            link_minutes: 60,
            tidy_minutes: 60,
        }
    }
}

impl Config {
    /// Says what makes no sense before anything starts.
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        for leave_type in LeaveType::ALL {
            let checked = self.types.of(leave_type).validate().map_err(anyhow::Error::msg);
            checked.with_context(|| format!("leave.types.{}", leave_type.as_str()))?;
        }
        let ranges = [
            ("retroactive_days", self.retroactive_days, 0, 3660),
            ("ahead_days", self.ahead_days, 0, 3660),
            ("most_pending", self.most_pending, 1, 1000),
            ("letters_a_day", self.letters_a_day, 1, 100),
            ("guardian_hours", self.guardian_hours, 1, 24 * 30),
            ("overdue_every_seconds", self.overdue_every_seconds, 1, 3600),
            ("link_minutes", self.link_minutes, 1, 1440),
            ("tidy_minutes", self.tidy_minutes, 1, 1440),
        ];
        for (name, value, least, most) in ranges {
            anyhow::ensure!(
                (least..=most).contains(&value),
                "leave.{name} must be {least} to {most}"
            );
        }
        Ok(())
    }
}

impl Types {
    /// What this kind of leave asks for.
    pub fn of(&self, leave_type: LeaveType) -> &Rules {
        match leave_type {
            LeaveType::Home => &self.home,
            LeaveType::Medical => &self.medical,
            LeaveType::Academic => &self.academic,
            LeaveType::Emergency => &self.emergency,
            LeaveType::Other => &self.other,
        }
    }
}
