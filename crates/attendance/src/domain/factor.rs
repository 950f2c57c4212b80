//! What a mark may rest on, and what a roll call asks for.

use serde::{Deserialize, Serialize};

/// Something that speaks for a student's presence.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    Qr,
    Proximity,
    Otp,
    AccessPoint,
    Device,
    Guard,
    Manual,
}

/// What every mark of a roll call must rest on. Kept sorted, each once.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Requirement(Vec<Factor>);

impl Requirement {
    /// What was asked for; where nothing was, the display and proximity. Only what a phone can show may be asked for.
    pub fn of(asked: &[Factor]) -> Result<Self, &'static str> {
        if asked
            .iter()
            .any(|factor| matches!(factor, Factor::Guard | Factor::Manual))
        {
            return Err("may hold qr, proximity, otp, access_point and device");
        }
        let mut factors = asked.to_vec();
        factors.sort_unstable();
        factors.dedup();
        if factors.len() < asked.len() {
            return Err("must name each factor once");
        }
        if factors.is_empty() {
            factors = vec![Factor::Qr, Factor::Proximity];
        }
        Ok(Self(factors))
    }

    pub fn factors(&self) -> &[Factor] {
        &self.0
    }

    pub fn asks_for(&self, factor: Factor) -> bool {
        self.0.contains(&factor)
    }
}
