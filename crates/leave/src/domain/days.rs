//! The days of a leave, from the first to the last.

use chrono::NaiveDate;

/// So many days a leave has at most.
pub const MOST_DAYS: u32 = 90;

/// Days from a first to a last one, both of them among it: at least one, at most [`MOST_DAYS`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub struct Days {
    from: NaiveDate,
    to: NaiveDate,
}

impl Days {
    /// The days, or what is wrong with the last one.
    pub fn new(from: NaiveDate, to: NaiveDate) -> Result<Self, &'static str> {
        if to < from {
            return Err("must not be before from_date");
        }
        let days = Self { from, to };
        if days.count() > MOST_DAYS {
            return Err("must be at most 90 days in all");
        }
        Ok(days)
    }

    pub fn from(self) -> NaiveDate {
        self.from
    }

    pub fn to(self) -> NaiveDate {
        self.to
    }

    pub fn count(self) -> u32 {
        let between = (self.to - self.from).num_days();
        u32::try_from(between).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Each of them.
    pub fn each(self) -> impl Iterator<Item = NaiveDate> {
        self.from.iter_days().take_while(move |day| *day <= self.to)
    }

    pub fn contains(self, day: NaiveDate) -> bool {
        (self.from..=self.to).contains(&day)
    }

    /// The same up to this day, at least the first one; longer they do not become.
    #[must_use]
    pub fn until(self, day: NaiveDate) -> Self {
        Self {
            to: self.to.min(day).max(self.from),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 12, 1).unwrap() + chrono::Days::new(number.into())
    }

    #[test]
    fn one_to_ninety() {
        assert_eq!(Days::new(day(0), day(0)).unwrap().count(), 1);
        assert_eq!(Days::new(day(0), day(89)).unwrap().count(), 90);
        assert!(Days::new(day(0), day(90)).is_err());
        assert!(Days::new(day(1), day(0)).is_err());
        assert!(Days::new(NaiveDate::MIN, NaiveDate::MAX).is_err());
    }

    proptest! {
        #[test]
        fn each_day_is_one_of_them(from in 0_u32..100, length in 0_u32..90, other in 0_u32..200) {
            let days = Days::new(day(from), day(from + length)).unwrap();
            let all: Vec<_> = days.each().collect();
            prop_assert_eq!(all.len(), days.count() as usize);
            prop_assert_eq!(all.contains(&day(other)), days.contains(day(other)));
        }

        #[test]
        fn they_become_shorter_and_never_none(from in 0_u32..100, length in 0_u32..90, until in 0_u32..200) {
            let days = Days::new(day(from), day(from + length)).unwrap();
            let shorter = days.until(day(until));
            prop_assert!(shorter.count() >= 1 && shorter.count() <= days.count());
            prop_assert_eq!(shorter.from(), days.from());
            prop_assert!(shorter.each().all(|one| days.contains(one)));
        }
    }
}
