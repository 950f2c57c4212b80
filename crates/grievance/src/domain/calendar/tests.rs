use chrono::Days;
use chrono_tz::{Asia, Europe};
use proptest::prelude::*;

use super::*;

const WEEKDAYS: [Weekday; 5] = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];
const ALL_DAYS: [Weekday; 7] = [
    Weekday::Mon,
    Weekday::Tue,
    Weekday::Wed,
    Weekday::Thu,
    Weekday::Fri,
    Weekday::Sat,
    Weekday::Sun,
];

fn around_the_clock(timezone: Tz) -> Calendar {
    Calendar {
        timezone,
        begins: NaiveTime::MIN,
        ends: None,
        days: ALL_DAYS.to_vec(),
        holidays: Vec::new(),
    }
}

/// From nine to five, Monday to Friday.
fn office(timezone: Tz) -> Calendar {
    Calendar {
        begins: time("09:00"),
        ends: Some(time("17:00")),
        days: WEEKDAYS.to_vec(),
        ..around_the_clock(timezone)
    }
}

fn time(text: &str) -> NaiveTime {
    text.parse().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn pause(from: &str, to: &str) -> Pause {
    Pause {
        from: at(from),
        to: Some(at(to)),
    }
}

#[test]
fn around_the_clock_hours_are_plain_hours() {
    // Clocks are put forward and back in these days.
    for start in ["2026-03-28T11:00:00Z", "2026-10-24T11:00:00Z", "2026-02-28T23:59:59Z"] {
        for hours in [1, 24, 72, 168, 10_000] {
            let due = due(at(start), hours, &around_the_clock(Europe::Berlin), &[]);
            assert_eq!(due, at(start) + Duration::hours(hours.into()), "{start} {hours}");
        }
    }
}

#[test]
fn nights_and_weekends_do_not_count() {
    // A Friday, half past four in Kolkata.
    let friday = at("2026-11-20T11:00:00Z");
    let calendar = office(Asia::Kolkata);
    // Half an hour on Friday, half an hour on Monday.
    assert_eq!(due(friday, 1, &calendar, &[]), at("2026-11-23T04:00:00Z"));
    // Raised on Sunday, it is as if it were raised when Monday begins.
    assert_eq!(
        due(at("2026-11-22T11:00:00Z"), 1, &calendar, &[]),
        at("2026-11-23T04:30:00Z")
    );
    // A week of work is forty hours.
    assert_eq!(due(friday, 40, &calendar, &[]), at("2026-11-27T11:00:00Z"));
    // What is over when the day ends is due then, and not when the next one begins.
    assert_eq!(
        due(at("2026-11-20T03:30:00Z"), 8, &calendar, &[]),
        at("2026-11-20T11:30:00Z")
    );
}

#[test]
fn nobody_works_on_holidays() {
    let mut calendar = office(Asia::Kolkata);
    calendar.holidays = vec!["2026-11-23".parse().unwrap(), "2026-11-24".parse().unwrap()];
    assert_eq!(
        due(at("2026-11-20T11:00:00Z"), 1, &calendar, &[]),
        at("2026-11-25T04:00:00Z")
    );
    let whole_weeks = (at("2026-11-16T00:00:00Z"), at("2026-11-30T00:00:00Z"));
    assert_eq!(elapsed(whole_weeks, &calendar, &[]), Duration::hours(8 * 8));
}

#[test]
fn nine_is_nine_before_and_after_clocks_are_changed() {
    let calendar = office(Europe::Berlin);
    // The Friday before clocks are put forward, four in Berlin (15:00 UTC); the Monday after, nine is 07:00 UTC.
    assert_eq!(
        due(at("2026-03-27T15:00:00Z"), 2, &calendar, &[]),
        at("2026-03-30T08:00:00Z")
    );
    // The Friday before they are put back, four is 14:00 UTC; the Monday after, nine is 08:00 UTC.
    assert_eq!(
        due(at("2026-10-23T14:00:00Z"), 2, &calendar, &[]),
        at("2026-10-26T09:00:00Z")
    );
}

#[test]
fn a_night_shift_is_an_hour_shorter_in_spring_and_longer_in_autumn() {
    let mut nights = around_the_clock(Europe::Berlin);
    nights.ends = Some(time("06:00"));
    let (spring, autumn) = (at("2026-03-28T23:00:00Z"), at("2026-10-24T22:00:00Z"));
    let of_day = |from| elapsed((from, from + Duration::hours(20)), &nights, &[]);
    assert_eq!(of_day(spring), Duration::hours(5));
    assert_eq!(of_day(autumn), Duration::hours(7));
    // The sixth hour of that night is the first of the next one.
    assert_eq!(due(spring, 6, &nights, &[]), at("2026-03-29T23:00:00Z"));
    assert_eq!(due(autumn, 7, &nights, &[]), at("2026-10-25T05:00:00Z"));
}

#[test]
fn a_time_that_does_not_exist_is_the_end_of_the_gap() {
    let local = |text: &str| instant(Europe::Berlin, text.parse().unwrap());
    assert_eq!(local("2026-03-29T02:30:00"), at("2026-03-29T01:00:00Z"));
    assert_eq!(local("2026-03-29T03:00:00"), at("2026-03-29T01:00:00Z"));
    assert_eq!(local("2026-10-25T02:30:00"), at("2026-10-25T00:30:00Z"));
    // A working day within the gap has no time at all.
    let mut early = around_the_clock(Europe::Berlin);
    (early.begins, early.ends) = (time("02:15"), Some(time("02:45")));
    let sunday = (at("2026-03-29T00:00:00Z"), at("2026-03-29T20:00:00Z"));
    assert_eq!(elapsed(sunday, &early, &[]), Duration::zero());
}

#[test]
fn waiting_for_the_student_takes_no_working_time() {
    let calendar = office(Asia::Kolkata);
    let start = at("2026-11-16T03:30:00Z");
    assert_eq!(due(start, 4, &calendar, &[]), at("2026-11-16T07:30:00Z"));
    // Two hours in the morning.
    let morning = pause("2026-11-16T04:30:00Z", "2026-11-16T06:30:00Z");
    assert_eq!(due(start, 4, &calendar, &[morning]), at("2026-11-16T09:30:00Z"));
    // From an hour before the end of the day to an hour after the beginning of the next.
    let night = pause("2026-11-16T10:30:00Z", "2026-11-17T04:30:00Z");
    assert_eq!(due(start, 8, &calendar, &[night]), at("2026-11-17T05:30:00Z"));
    // In the night alone it costs nothing.
    let asleep = pause("2026-11-16T13:00:00Z", "2026-11-17T01:00:00Z");
    assert_eq!(due(start, 9, &calendar, &[asleep]), due(start, 9, &calendar, &[]));
    // It waits: until now it took an hour.
    let waits = Pause {
        from: at("2026-11-16T04:30:00Z"),
        to: None,
    };
    assert_eq!(
        elapsed((start, at("2026-11-18T09:00:00Z")), &calendar, &[waits]),
        Duration::hours(1)
    );
}

#[test]
fn a_calendar_without_work_ends_nowhere_and_yet_at_once() {
    let mut never = office(Asia::Kolkata);
    never.days.clear();
    let start = at("2026-11-16T03:30:00Z");
    assert_eq!(due(start, 4, &never, &[]), start);
}

fn calendar() -> impl Strategy<Value = Calendar> {
    let zones = prop::sample::select(vec![
        Europe::Berlin,
        Asia::Kolkata,
        chrono_tz::America::Havana,
        chrono_tz::America::Santiago,
        chrono_tz::Australia::Lord_Howe,
    ]);
    let days = prop::sample::subsequence(ALL_DAYS.to_vec(), 1..=7);
    let holidays = prop::collection::vec(0..730u64, 0..5);
    (zones, days, holidays, 0..20u32, 1..=24u32).prop_map(|(timezone, days, holidays, begins, length)| {
        let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0);
        let first: NaiveDate = "2026-01-01".parse().unwrap();
        Calendar {
            timezone,
            begins: hour(begins).unwrap(),
            // Beyond the day's end is midnight.
            ends: hour(begins + length),
            days,
            holidays: holidays.into_iter().map(|day| first + Days::new(day)).collect(),
        }
    })
}

/// Any minute of two years.
fn moment() -> impl Strategy<Value = DateTime<Utc>> {
    (0..2 * 365 * 24 * 60i64).prop_map(|minutes| at("2026-01-01T00:00:00Z") + Duration::minutes(minutes))
}

/// Pauses after a start, none over another.
fn pauses(start: DateTime<Utc>, lengths: &[(i64, i64)]) -> Vec<Pause> {
    let mut at = start;
    let pause = |(after, length): &(i64, i64)| {
        let from = at + Duration::minutes(*after);
        at = from + Duration::minutes(*length);
        Pause { from, to: Some(at) }
    };
    lengths.iter().map(pause).collect()
}

fn lengths() -> impl Strategy<Value = Vec<(i64, i64)>> {
    prop::collection::vec((0..3000i64, 0..5000i64), 0..4)
}

proptest! {
    #[test]
    fn what_is_due_took_its_hours(start in moment(), hours in 1..200u32, calendar in calendar(), lengths in lengths()) {
        let pauses = pauses(start, &lengths);
        let due = due(start, hours, &calendar, &pauses);
        prop_assert_eq!(elapsed((start, due), &calendar, &pauses), Duration::hours(hours.into()));
        // And not a moment later than it must be.
        let before = due - Duration::microseconds(1);
        prop_assert!(elapsed((start, before), &calendar, &pauses) < Duration::hours(hours.into()));
    }

    #[test]
    fn more_hours_and_more_waiting_never_make_it_due_earlier(
        start in moment(), hours in 1..100u32, calendar in calendar(), lengths in lengths()
    ) {
        let pauses = pauses(start, &lengths);
        let waited = due(start, hours, &calendar, &pauses);
        prop_assert!(waited < due(start, hours + 1, &calendar, &pauses));
        prop_assert!(waited >= due(start, hours, &calendar, &[]));
    }

    #[test]
    fn time_adds_up(from in moment(), first in 0..20_000i64, then in 0..20_000i64, calendar in calendar(), lengths in lengths()) {
        let pauses = pauses(from, &lengths);
        let middle = from + Duration::minutes(first);
        let to = middle + Duration::minutes(then);
        let sum = elapsed((from, middle), &calendar, &pauses) + elapsed((middle, to), &calendar, &pauses);
        prop_assert_eq!(elapsed((from, to), &calendar, &pauses), sum);
        prop_assert!(sum <= to - from);
    }

    #[test]
    fn around_the_clock_only_waiting_does_not_count(start in moment(), hours in 1..500u32, lengths in lengths()) {
        let calendar = around_the_clock(chrono_tz::America::Havana);
        let pauses = pauses(start, &lengths);
        let due = due(start, hours, &calendar, &pauses);
        let waited: Duration = pauses.iter().map(|pause| pause.to.unwrap().min(due) - pause.from.min(due)).sum();
        prop_assert_eq!(due, start + Duration::hours(hours.into()) + waited);
    }
}
