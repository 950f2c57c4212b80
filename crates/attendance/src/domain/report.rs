//! What reports say, and of how much they may.

use chrono::{Days, NaiveDate};
use uuid::Uuid;

/// What a line of a report is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GroupBy {
    Student,
    Day,
    Session,
}

/// From a day up to and with another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Period {
    pub from: NaiveDate,
    pub to: NaiveDate,
}

/// Which marks a report counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scope {
    pub period: Period,
    /// Only roll calls of this block, as somebody wrote it.
    pub block: Option<String>,
    /// Only roll calls of this year of study.
    pub year: Option<u8>,
}

/// How often somebody was there, and how often not.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    pub present: u64,
    pub absent: u64,
    pub excused: u64,
    pub pending: u64,
}

/// A line of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportLine {
    pub about: About,
    pub tally: Tally,
}

#[derive(Clone, Debug, PartialEq)]
pub enum About {
    Student {
        id: Uuid,
        registration_no: String,
        name: String,
        room_no: Option<String>,
    },
    Day(NaiveDate),
    Session {
        id: Uuid,
        day: NaiveDate,
        began_at: chrono::DateTime<chrono::Utc>,
        block: String,
        year: u8,
    },
}

impl GroupBy {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::Day => "day",
            Self::Session => "session",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Student, Self::Day, Self::Session]
            .into_iter()
            .find(|group| group.as_str() == text)
    }
}

impl Period {
    /// The most days between the first and the last.
    pub const LONGEST: u64 = 366;

    /// Says of which field what is wrong.
    pub fn new(from: NaiveDate, to: NaiveDate) -> Result<Self, (&'static str, String)> {
        if to < from {
            return Err(("to", "must not be before from".to_owned()));
        }
        if from
            .checked_add_days(Days::new(Self::LONGEST))
            .is_some_and(|last| to > last)
        {
            return Err(("to", format!("must be at most {} days after from", Self::LONGEST)));
        }
        Ok(Self { from, to })
    }
}

impl Tally {
    pub fn total(self) -> u64 {
        self.present + self.absent + self.excused + self.pending
    }

    /// Present of those who had to be there, in percent to one decimal; `None` where nobody had to.
    pub fn percent_present(self) -> Option<f64> {
        let expected = self.present + self.absent;
        if expected == 0 {
            return None;
        }
        let thousandths = (self.present * 2000 + expected) / (expected * 2);
        u32::try_from(thousandths).ok().map(|tenths| f64::from(tenths) / 10.0)
    }

    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            present: self.present + other.present,
            absent: self.absent + other.absent,
            excused: self.excused + other.excused,
            pending: self.pending + other.pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excused_and_pending_count_neither_for_nor_against() {
        let tally = Tally {
            present: 2,
            absent: 1,
            excused: 5,
            pending: 3,
        };
        assert_eq!((tally.total(), tally.percent_present()), (11, Some(66.7)));
        let nobody = Tally {
            excused: 4,
            ..Tally::default()
        };
        assert_eq!(nobody.percent_present(), None);
        let all = Tally {
            present: 7,
            ..Tally::default()
        };
        assert_eq!(all.percent_present(), Some(100.0));
    }

    #[test]
    fn a_period_runs_forward_and_has_an_end() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert!(Period::new(day("2026-11-01"), day("2026-11-01")).is_ok());
        assert!(Period::new(day("2026-01-01"), day("2027-01-02")).is_ok());
        assert_eq!(Period::new(day("2026-01-01"), day("2027-01-03")).unwrap_err().0, "to");
        assert_eq!(Period::new(day("2026-11-02"), day("2026-11-01")).unwrap_err().0, "to");
    }
}
