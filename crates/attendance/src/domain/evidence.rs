//! What speaks for a scan, and how strongly.
//!
//! A strength, from 0 to 1, is how much a factor proves by itself that this student was there, as a rule of thumb for whoever
//! looks at a mark; nothing is decided by it.
//!
//! | factor | strength | why |
//! |---|---|---|
//! | qr | 0.8 | read off a display that changes; a picture of it is old within seconds |
//! | qr, the one before | 0.7 | the same, a change later: time to send a picture on |
//! | qr that never changes | 0.4 | a picture of it serves all day |
//! | proximity, with accuracy | 0.6 | phones can be lied to, and this one says how well it knows |
//! | proximity, without | 0.5 | the phone may have guessed |
//! | otp | 0.4 | six digits are quickly told to a friend |
//! | device | 0.9 | the key does not leave the student's own phone |
//! | access point | as strong as its match | names of access points are no secret |
//! | guard, manual | 1 | somebody looked |

use serde::{Deserialize, Serialize};

use super::Factor;

pub const QR_ON_DISPLAY: f64 = 0.8;
pub const QR_JUST_BEFORE: f64 = 0.7;
pub const QR_UNCHANGING: f64 = 0.4;
pub const PROXIMITY_WITH_ACCURACY: f64 = 0.6;
pub const PROXIMITY_ALONE: f64 = 0.5;
pub const OTP: f64 = 0.4;
pub const DEVICE: f64 = 0.9;
pub const GUARD: f64 = 1.0;

/// A factor that held.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Held {
    pub factor: Factor,
    pub strength: f64,
}

/// The factors that held, in the order in which they were looked at.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Evidence(Vec<Held>);

impl Evidence {
    pub fn add(&mut self, factor: Factor, strength: f64) {
        self.0.push(Held { factor, strength });
    }

    pub fn held(&self) -> &[Held] {
        &self.0
    }

    /// As it is kept with a scan.
    pub fn to_text(&self) -> String {
        // Factors and finite numbers: nothing here can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What was kept; nothing where it cannot be read.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_survives_being_kept() {
        let mut evidence = Evidence::default();
        evidence.add(Factor::Qr, QR_ON_DISPLAY);
        evidence.add(Factor::AccessPoint, 0.35);
        let text = evidence.to_text();
        assert_eq!(
            text,
            r#"[{"factor":"qr","strength":0.8},{"factor":"access_point","strength":0.35}]"#
        );
        assert_eq!(Evidence::parse(&text), Some(evidence));
        assert_eq!(Evidence::parse("?"), None);
    }
}
