//! What a kind of leave asks for.

use chrono::{DateTime, Duration, NaiveDate, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{Approver, Days, LONGEST_CHAIN, MOST_DAYS};

/// What a kind of leave asks for.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// So many days at most, 90 and no more.
    pub max_days: u32,
    /// So long before its first day begins it must be asked for, in hours.
    pub notice_hours: u32,
    /// It is not granted without a document.
    pub document_required: bool,
    /// It may be asked for when it has begun.
    pub retroactive: bool,
    /// The student's guardian is asked.
    pub guardian: bool,
    /// Who has to approve it, one after the other.
    pub approvers: Vec<Approver>,
}

/// A rule that a leave breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Broken {
    TooLong { max_days: u32 },
    NoticeTooShort { notice_hours: u32 },
    NotRetroactive,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            max_days: MOST_DAYS,
            notice_hours: 0,
            document_required: false,
            retroactive: true,
            guardian: false,
            approvers: vec![Approver::Warden],
        }
    }
}

impl Rules {
    /// Says what makes no sense.
    pub fn validate(&self) -> Result<(), String> {
        if !(1..=MOST_DAYS).contains(&self.max_days) {
            return Err(format!("max_days must be 1 to {MOST_DAYS}"));
        }
        if self.notice_hours > 24 * MOST_DAYS {
            return Err(format!("notice_hours must be 0 to {}", 24 * MOST_DAYS));
        }
        if !(1..=LONGEST_CHAIN).contains(&self.approvers.len()) {
            return Err(format!(
                "approvers must name 1 to {LONGEST_CHAIN} roles, like [\"warden\"]"
            ));
        }
        Ok(())
    }

    /// Holds a leave that is asked for now against the rules. Notice is not asked of one that has begun.
    pub fn check(&self, days: Days, is_retroactive: bool, now: DateTime<Utc>, timezone: Tz) -> Result<(), Broken> {
        if days.count() > self.max_days {
            return Err(Broken::TooLong {
                max_days: self.max_days,
            });
        }
        if is_retroactive {
            return if self.retroactive {
                Ok(())
            } else {
                Err(Broken::NotRetroactive)
            };
        }
        let notice = Duration::hours(self.notice_hours.into());
        if self.notice_hours > 0 && beginning(days.from(), timezone) < now + notice {
            return Err(Broken::NoticeTooShort {
                notice_hours: self.notice_hours,
            });
        }
        Ok(())
    }
}

/// When a day of the hostel begins. Where the clock is put forward at midnight, the day begins at the first hour that there is.
pub fn beginning(day: NaiveDate, timezone: Tz) -> DateTime<Utc> {
    let hours = (0..24).filter_map(|hour| day.and_hms_opt(hour, 0, 0));
    let first = hours.filter_map(|time| timezone.from_local_datetime(&time).earliest());
    let mut first = first.map(|time| time.with_timezone(&Utc));
    first
        .next()
        .unwrap_or_else(|| day.and_time(chrono::NaiveTime::MIN).and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    const INDIA: Tz = chrono_tz::Asia::Kolkata;

    #[test]
    fn what_nobody_configured_asks_for_nothing() {
        let rules = Rules::default();
        let today = Days::new(day("2026-12-18"), day("2026-12-18")).unwrap();
        assert_eq!(rules.check(today, false, at("2026-12-18T18:00:00Z"), INDIA), Ok(()));
        assert_eq!(rules.check(today, true, at("2026-12-28T18:00:00Z"), INDIA), Ok(()));
        assert_eq!(rules.validate(), Ok(()));
    }

    #[test]
    fn notice_is_counted_to_the_beginning_of_the_hostels_day() {
        let rules = Rules {
            notice_hours: 24,
            ..Rules::default()
        };
        let days = Days::new(day("2026-12-18"), day("2026-12-20")).unwrap();
        // Midnight in India is half past six in the evening of the day before.
        assert_eq!(rules.check(days, false, at("2026-12-16T18:30:00Z"), INDIA), Ok(()));
        let late = rules.check(days, false, at("2026-12-16T18:30:01Z"), INDIA);
        assert_eq!(late, Err(Broken::NoticeTooShort { notice_hours: 24 }));
        assert_eq!(rules.check(days, true, at("2026-12-26T18:30:01Z"), INDIA), Ok(()));
    }

    #[test]
    fn length_and_the_past_are_refused_where_a_kind_says_so() {
        let rules = Rules {
            max_days: 2,
            retroactive: false,
            ..Rules::default()
        };
        let now = at("2026-12-01T00:00:00Z");
        let three = Days::new(day("2026-12-18"), day("2026-12-20")).unwrap();
        assert_eq!(
            rules.check(three, false, now, INDIA),
            Err(Broken::TooLong { max_days: 2 })
        );
        let two = Days::new(day("2026-12-18"), day("2026-12-19")).unwrap();
        assert_eq!(rules.check(two, false, now, INDIA), Ok(()));
        assert_eq!(rules.check(two, true, now, INDIA), Err(Broken::NotRetroactive));
    }

    #[test]
    fn a_day_without_a_midnight_begins_an_hour_later() {
        // Lebanon puts its clocks forward at midnight.
        let begins = beginning(day("2026-03-29"), chrono_tz::Asia::Beirut);
        assert_eq!(begins, at("2026-03-28T22:00:00Z"));
    }
}
