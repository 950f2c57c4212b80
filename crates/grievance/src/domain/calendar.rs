//! Working time: when a ticket is due, by its hours, the hostel's calendar, and the times that it waited for the student.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Datelike as _, Duration, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Utc, Weekday};
use chrono_tz::{GapInfo, Tz};

/// No ticket takes longer: 10,000 hours are so many days even where one hour of one day of the week is worked.
const MOST_DAYS: usize = 100_000;

/// When the hostel works. By default around the clock, so that hours are plain hours.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Calendar {
    pub timezone: Tz,
    /// When a working day begins.
    pub begins: NaiveTime,
    /// When it ends; `None` for midnight.
    pub ends: Option<NaiveTime>,
    pub days: Vec<Weekday>,
    pub holidays: Vec<NaiveDate>,
}

/// A time that a ticket waited for the student.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pause {
    pub from: DateTime<Utc>,
    /// `None` while it waits.
    pub to: Option<DateTime<Utc>>,
}

/// From one moment to another, which is not part of it.
type Span = (DateTime<Utc>, DateTime<Utc>);

/// When so many hours of work from a start on are over: the end of a working day rather than the beginning of the next. One hour is
/// sixty minutes, whatever clocks say. A pause that has not ended has no part in it.
pub fn due(start: DateTime<Utc>, hours: u32, calendar: &Calendar, pauses: &[Pause]) -> DateTime<Utc> {
    let ended = in_order(pauses.iter().filter_map(|pause| Some((pause.from, pause.to?))));
    let mut left = Duration::hours(hours.into());
    let mut last = start;
    for window in calendar.windows(start) {
        for (from, to) in outside(window, &ended) {
            if left <= to - from {
                return from + left;
            }
            left -= to - from;
            last = to;
        }
    }
    last
}

/// How much of a time was worked: without nights, holidays, and the pauses in it, also one that has not ended.
pub fn elapsed((from, to): Span, calendar: &Calendar, pauses: &[Pause]) -> Duration {
    let waited = in_order(pauses.iter().map(|pause| (pause.from, pause.to.unwrap_or(to))));
    let windows = calendar.windows(from).take_while(|(opens, _)| *opens < to);
    let worked = windows.flat_map(|(opens, closes)| outside((opens, closes.min(to)), &waited));
    worked.map(|(from, to)| to - from).sum()
}

/// When a local time is: the first of two where clocks are put back, the end of the gap where they are put forward.
pub fn instant(timezone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    let gap_ends = || GapInfo::new(&local, &timezone).and_then(|gap| gap.end);
    let found = timezone.from_local_datetime(&local).earliest().or_else(gap_ends);
    // Beyond all that is known of the zone.
    found.map_or_else(|| local.and_utc(), |at| at.to_utc())
}

impl Calendar {
    /// The times of work from a moment on, in order; none is empty.
    fn windows(&self, from: DateTime<Utc>) -> impl Iterator<Item = Span> {
        let first = from.with_timezone(&self.timezone).date_naive();
        let days = first.iter_days().take(MOST_DAYS).filter(|day| self.is_worked(*day));
        let windows = days.map(move |day| {
            let (opens, closes) = self.window(day);
            (opens.max(from), closes)
        });
        windows.filter(|(opens, closes)| opens < closes)
    }

    fn is_worked(&self, day: NaiveDate) -> bool {
        self.days.contains(&day.weekday()) && !self.holidays.contains(&day)
    }

    fn window(&self, day: NaiveDate) -> Span {
        let closes = match self.ends {
            Some(ends) => day.and_time(ends),
            None => day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN),
        };
        let opens = day.and_time(self.begins);
        (instant(self.timezone, opens), instant(self.timezone, closes))
    }
}

fn in_order(spans: impl Iterator<Item = Span>) -> Vec<Span> {
    let mut spans: Vec<Span> = spans.filter(|(from, to)| from < to).collect();
    spans.sort_unstable();
    spans
}

/// What is left of a span outside of others, which are in order.
fn outside((from, to): Span, others: &[Span]) -> Vec<Span> {
    let mut left = Vec::new();
    let mut at = from;
    for (begins, ends) in others.iter().filter(|(begins, ends)| *ends > from && *begins < to) {
        if at < *begins {
            left.push((at, *begins));
        }
        at = at.max(*ends);
    }
    if at < to {
        left.push((at, to));
    }
    left
}
