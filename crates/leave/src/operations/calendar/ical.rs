//! Leaves as iCalendar (RFC 5545): days without a time, the same id for ever, a sequence that grows with each change.

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::read::Entry;
use crate::domain::{LeaveType, Student};

/// A line has so many octets at most, its end not among them.
const LONGEST_LINE: usize = 75;

/// The whole file.
pub(super) fn calendar(entries: &[Entry]) -> String {
    let mut out = String::new();
    for line in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//HostelPulse//Leaves//EN",
        "CALSCALE:GREGORIAN",
        "NAME:Leaves",
        "X-WR-CALNAME:Leaves",
    ] {
        push(&mut out, line);
    }
    for entry in entries {
        event(&mut out, entry);
    }
    push(&mut out, "END:VCALENDAR");
    out
}

fn event(out: &mut String, entry: &Entry) {
    let leave = &entry.leave;
    let status = if leave.is_granted() { "CONFIRMED" } else { "CANCELLED" };
    let end = leave.days.to().checked_add_days(Days::new(1));
    push(out, "BEGIN:VEVENT");
    push(out, &format!("UID:{}", leave.id));
    push(out, &format!("DTSTAMP:{}", moment(leave.changed_at)));
    push(out, &format!("LAST-MODIFIED:{}", moment(leave.changed_at)));
    push(out, &format!("CREATED:{}", moment(leave.asked_at)));
    push(out, &format!("SEQUENCE:{}", leave.version - 1));
    push(out, &format!("DTSTART;VALUE=DATE:{}", day(leave.days.from())));
    // The first day that is no part of it.
    push(out, &format!("DTEND;VALUE=DATE:{}", day(end.unwrap_or(NaiveDate::MAX))));
    push(
        out,
        &format!(
            "SUMMARY:{}",
            escaped(&summary(entry.student.as_ref(), leave.leave_type))
        ),
    );
    push(out, &format!("CATEGORIES:{}", leave.leave_type.as_str().to_uppercase()));
    push(out, &format!("STATUS:{status}"));
    push(out, "TRANSP:TRANSPARENT");
    push(out, "END:VEVENT");
}

/// Who is away: `Asha Verma, home`.
fn summary(student: Option<&Student>, leave_type: LeaveType) -> String {
    let name = student.map_or("A student", |student| student.name.as_str());
    let room = student.and_then(|student| student.room_no.as_deref());
    let room = room.map(|room_no| format!(" ({room_no})"));
    format!("{name}{}, {}", room.unwrap_or_default(), leave_type.as_str())
}

fn day(day: NaiveDate) -> String {
    day.format("%Y%m%d").to_string()
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

/// Text as it may stand in a value.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            // Nothing else ends a line, or has a place in text.
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// Adds a line with its end, folded where it is too long: never within a letter.
fn push(out: &mut String, line: &str) {
    let mut length = 0;
    for c in line.chars() {
        if length + c.len_utf8() > LONGEST_LINE {
            out.push_str("\r\n ");
            length = 1;
        }
        out.push(c);
        length += c.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::{Approver, Days as LeaveDays, Decided, Details, Guardian, Leave, State};

    fn entry(name: &str, state: State) -> Entry {
        let id = Uuid::from_u128(1);
        let at = "2026-12-01T06:30:15Z".parse().unwrap();
        let day = |text: &str| text.parse().unwrap();
        Entry {
            leave: Leave {
                id,
                version: 3,
                student_id: Uuid::from_u128(2),
                leave_type: LeaveType::Home,
                days: LeaveDays::new(day("2026-12-30"), day("2026-12-31")).unwrap(),
                asked_to: day("2026-12-31"),
                details: Details::default(),
                retroactive: false,
                extends: None,
                root_id: id,
                chain: vec![Approver::Warden],
                state,
                guardian: Guardian::NONE,
                document_required: false,
                asked_at: at,
                changed_at: at,
            },
            student: Some(Student {
                id: Uuid::from_u128(2),
                version: 1,
                registration_no: "REG-1".to_owned(),
                name: name.to_owned(),
                year: 1,
                block: Some("A".to_owned()),
                room_no: Some("A-101".to_owned()),
                active: true,
            }),
        }
    }

    fn decided() -> Decided {
        Decided {
            by: Uuid::from_u128(3),
            at: "2026-12-01T06:30:15Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_whole_calendar() {
        let written = calendar(&[entry("Verma, Asha", State::Approved(decided()))]);
        let expected = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//HostelPulse//Leaves//EN\r\nCALSCALE:GREGORIAN\r\n\
            NAME:Leaves\r\nX-WR-CALNAME:Leaves\r\n\
            BEGIN:VEVENT\r\nUID:00000000-0000-0000-0000-000000000001\r\nDTSTAMP:20261201T063015Z\r\n\
            LAST-MODIFIED:20261201T063015Z\r\nCREATED:20261201T063015Z\r\nSEQUENCE:2\r\n\
            DTSTART;VALUE=DATE:20261230\r\nDTEND;VALUE=DATE:20270101\r\nSUMMARY:Verma\\, Asha (A-101)\\, home\r\n\
            CATEGORIES:HOME\r\nSTATUS:CONFIRMED\r\nTRANSP:TRANSPARENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        assert_eq!(written, expected);
        let cancelled = State::Cancelled {
            by: Uuid::from_u128(2),
            at: decided().at,
            granted: Some(decided()),
        };
        assert!(calendar(&[entry("Asha", cancelled)]).contains("\r\nSTATUS:CANCELLED\r\n"));
        assert!(calendar(&[]).ends_with("X-WR-CALNAME:Leaves\r\nEND:VCALENDAR\r\n"));
    }

    /// What a reader makes of a value.
    fn read(text: &str) -> String {
        let mut out = String::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '\\' => match rest.next().unwrap() {
                    'n' => out.push('\n'),
                    other => out.push(other),
                },
                c => out.push(c),
            }
        }
        out
    }

    proptest! {
        #[test]
        fn no_name_makes_a_line_too_long_or_another_line(name in any::<String>()) {
            let written = calendar(&[entry(&name, State::Approved(decided()))]);
            prop_assert!(written.split("\r\n").all(|line| line.len() <= LONGEST_LINE));
            prop_assert!(!written.replace("\r\n", "").contains(['\r', '\n']));
            let unfolded = written.replace("\r\n ", "");
            let summary = unfolded.split("\r\n").find_map(|line| line.strip_prefix("SUMMARY:")).unwrap();
            let kept: String = name.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
            prop_assert_eq!(read(summary), format!("{kept} (A-101), home"));
            prop_assert_eq!(unfolded.split("\r\n").count(), calendar(&[entry("x", State::Approved(decided()))]).split("\r\n").count());
        }
    }
}
