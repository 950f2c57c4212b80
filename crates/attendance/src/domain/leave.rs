//! A leave, as far as it excuses a student, and what it makes of a mark.

use chrono::NaiveDate;
use uuid::Uuid;

use super::{MarkSource, MarkStatus};

/// A copy of a leave, as the leave service last told it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Leave {
    pub id: Uuid,
    pub version: i64,
    pub student_id: Uuid,
    pub from: NaiveDate,
    /// Its last day.
    pub to: NaiveDate,
    /// Only an approved leave excuses.
    pub approved: bool,
}

impl Leave {
    pub fn excuses(&self, day: NaiveDate) -> bool {
        self.approved && (self.from..=self.to).contains(&day)
    }
}

/// What a mark becomes where leaves cover its day, or no longer do; `None` where it stays. What was seen, and what a warden said,
/// stands above any leave; what was not known or not there does not.
pub fn excuse(
    (status, source): (MarkStatus, MarkSource),
    is_covered: bool,
    is_settled: bool,
) -> Option<(MarkStatus, MarkSource)> {
    if source == MarkSource::Manual {
        return None;
    }
    match status {
        MarkStatus::Pending | MarkStatus::Absent if is_covered => Some((MarkStatus::Excused, MarkSource::Leave)),
        MarkStatus::Excused if !is_covered && is_settled => Some((MarkStatus::Absent, MarkSource::Settlement)),
        MarkStatus::Excused if !is_covered => Some((MarkStatus::Pending, MarkSource::Settlement)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUSES: [MarkStatus; 4] = [
        MarkStatus::Present,
        MarkStatus::Absent,
        MarkStatus::Excused,
        MarkStatus::Pending,
    ];

    #[test]
    fn presence_and_the_wardens_word_stand_above_leaves() {
        for is_covered in [true, false] {
            for status in STATUSES {
                assert_eq!(excuse((status, MarkSource::Manual), is_covered, true), None);
            }
            assert_eq!(excuse((MarkStatus::Present, MarkSource::Scan), is_covered, true), None);
        }
    }

    #[test]
    fn what_a_leave_excused_is_as_if_it_had_not_been_once_it_is_taken_back() {
        for (before, is_settled) in [(MarkStatus::Pending, false), (MarkStatus::Absent, true)] {
            let excused = excuse((before, MarkSource::Settlement), true, is_settled).unwrap();
            assert_eq!(excused, (MarkStatus::Excused, MarkSource::Leave));
            assert_eq!(excuse(excused, true, is_settled), None);
            assert_eq!(excuse(excused, false, is_settled).unwrap().0, before);
        }
    }

    #[test]
    fn an_excuse_ends_as_absence_where_the_roll_call_was_settled_meanwhile() {
        let excused = (MarkStatus::Excused, MarkSource::Leave);
        assert_eq!(excuse(excused, false, true).unwrap().0, MarkStatus::Absent);
    }

    #[test]
    fn only_an_approved_leave_excuses_and_only_on_its_days() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
        let leave = Leave {
            id: Uuid::nil(),
            version: 1,
            student_id: Uuid::nil(),
            from: day(3),
            to: day(5),
            approved: true,
        };
        let excused: Vec<u32> = (1..8).filter(|one| leave.excuses(day(*one))).collect();
        assert_eq!(excused, [3, 4, 5]);
        let cancelled = Leave {
            approved: false,
            ..leave
        };
        assert!(!cancelled.excuses(day(4)));
    }
}
