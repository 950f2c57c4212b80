//! What a student says of a leave, sealed where it is kept.

use kit::contact::{Phone, line, text};
use serde::{Deserialize, Serialize};

const LONGEST_PLACE: usize = 200;
const LONGEST_EXTRA: usize = 2000;

/// What a student says of a leave. Empty once the student is erased.
#[derive(Clone, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Details {
    pub place_of_visit: String,
    pub parent_phone: Option<Phone>,
    pub extra: Option<String>,
}

impl Details {
    /// Where the student goes: one line.
    pub fn place(given: &str) -> Result<String, &'static str> {
        line(given, LONGEST_PLACE, "must be at most 200 characters")
    }

    /// What else there is to say.
    pub fn extra(given: &str) -> Result<Option<String>, &'static str> {
        text(given, LONGEST_EXTRA, "must be at most 2000 characters")
    }
}

// What is sealed at rest stays out of logs and of the output of failed tests.
impl std::fmt::Debug for Details {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Details(***)")
    }
}
