//! What is counted for whoever answers for the hostel.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, Duration, NaiveDate};

/// From a day up to and with another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Period {
    pub from: NaiveDate,
    pub to: NaiveDate,
}

/// How many were raised how long ago.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ages {
    /// Less than a day.
    pub up_to_1_day: u64,
    /// One to three days.
    pub up_to_3_days: u64,
    /// Three to seven days.
    pub up_to_7_days: u64,
    pub older: u64,
}

/// How long something took, each time.
#[derive(Clone, Debug, Default)]
pub struct Taken(Vec<Duration>);

/// A room of which much is heard.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recurring {
    pub block: String,
    pub room_no: String,
    pub count: u64,
    /// What about.
    pub categories: BTreeSet<String>,
}

impl Period {
    /// Days of a period unless somebody says otherwise.
    const USUAL: u64 = 90;
    const LONGEST: i64 = 366;

    /// Up to today, or the day that is said, and from 90 days before it, or the day that is said.
    pub fn new(from: Option<NaiveDate>, to: Option<NaiveDate>, today: NaiveDate) -> Result<Self, &'static str> {
        let to = to.unwrap_or(today);
        let usual = to.checked_sub_days(Days::new(Self::USUAL)).unwrap_or(to);
        let from = from.unwrap_or(usual);
        if to < from {
            return Err("must not be before from");
        }
        if (to - from).num_days() >= Self::LONGEST {
            return Err("must be at most 366 days, the first and the last among them");
        }
        Ok(Self { from, to })
    }
}

impl Ages {
    pub fn total(self) -> u64 {
        self.up_to_1_day + self.up_to_3_days + self.up_to_7_days + self.older
    }

    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            up_to_1_day: self.up_to_1_day + other.up_to_1_day,
            up_to_3_days: self.up_to_3_days + other.up_to_3_days,
            up_to_7_days: self.up_to_7_days + other.up_to_7_days,
            older: self.older + other.older,
        }
    }
}

impl Taken {
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// So many in a hundred took at most so long; `None` where there were none.
    pub fn within(&mut self, percent: usize) -> Option<Duration> {
        let place = (self.0.len() * percent).div_ceil(100).checked_sub(1)?;
        let place = place.min(self.0.len() - 1);
        let (_, time, _) = self.0.select_nth_unstable(place);
        Some(*time)
    }
}

/// The rooms with at least so many, the most first, of counts by block, room and category.
pub fn recurring(counts: impl IntoIterator<Item = ((String, String), String, u64)>, least: u64) -> Vec<Recurring> {
    let mut rooms: BTreeMap<(String, String), (u64, BTreeSet<String>)> = BTreeMap::new();
    for (room, category, count) in counts {
        let (sum, categories) = rooms.entry(room).or_default();
        *sum += count;
        categories.insert(category);
    }
    let room = |((block, room_no), (count, categories))| Recurring {
        block,
        room_no,
        count,
        categories,
    };
    let mut rooms: Vec<Recurring> = rooms.into_iter().map(room).filter(|room| room.count >= least).collect();
    // Rooms of equal counts stay in their order.
    rooms.sort_by_key(|room| std::cmp::Reverse(room.count));
    rooms
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn taken(minutes: impl IntoIterator<Item = i64>) -> Taken {
        Taken(minutes.into_iter().map(Duration::minutes).collect())
    }

    #[test]
    fn half_and_nine_in_ten_are_those_of_their_place() {
        let mut ten = taken((1..=10).rev());
        assert_eq!(ten.within(50), Some(Duration::minutes(5)));
        assert_eq!(ten.within(90), Some(Duration::minutes(9)));
        let mut one = taken([7]);
        assert_eq!(
            (one.within(50), one.within(90)),
            (one.within(100), Some(Duration::minutes(7)))
        );
        let mut three = taken([30, 10, 20]);
        assert_eq!(three.within(50), Some(Duration::minutes(20)));
        assert_eq!(three.within(90), Some(Duration::minutes(30)));
        assert_eq!(taken([]).within(90), None);
    }

    proptest! {
        #[test]
        fn so_many_took_at_most_so_long(minutes in prop::collection::vec(0..500i64, 1..60), percent in 1..=100usize) {
            let within = taken(minutes.iter().copied()).within(percent).unwrap();
            let at_most = minutes.iter().filter(|one| Duration::minutes(**one) <= within).count();
            prop_assert!(at_most * 100 >= minutes.len() * percent);
            // No shorter time would do.
            let less = minutes.iter().filter(|one| Duration::minutes(**one) < within).count();
            prop_assert!(less * 100 < minutes.len() * percent);
        }
    }

    #[test]
    fn rooms_are_counted_over_their_categories() {
        let of = |room: &str, category: &str, count| (("A".to_owned(), room.to_owned()), category.to_owned(), count);
        let counts = [
            of("101", "food", 1),
            of("101", "internet", 2),
            of("102", "food", 2),
            of("103", "plumbing", 4),
        ];
        let rooms = recurring(counts, 3);
        let told: Vec<_> = rooms.iter().map(|room| (room.room_no.as_str(), room.count)).collect();
        assert_eq!(told, [("103", 4), ("101", 3)]);
        assert!(rooms[1].categories.iter().eq(["food", "internet"]));
    }

    #[test]
    fn a_period_is_a_year_at_most_and_ends_today_unless_said() {
        let today = day("2026-11-18");
        let usual = Period::new(None, None, today).unwrap();
        assert_eq!((usual.from, usual.to), (day("2026-08-20"), today));
        assert!(Period::new(Some(day("2026-11-19")), None, today).is_err());
        assert!(Period::new(Some(day("2025-11-18")), None, today).is_ok());
        assert!(Period::new(Some(day("2025-11-17")), None, today).is_err());
    }
}
