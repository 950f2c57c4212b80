//! A report as it is printed.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use kit::paper::{Column, Paper};

use super::Report;
use crate::domain::{About, GroupBy, ReportLine, Scope, Tally};

const COUNTS: [(&str, f32); 6] = [
    ("Present", 1.15),
    ("Absent", 1.1),
    ("Excused", 1.1),
    ("Pending", 1.1),
    ("Total", 1.2),
    ("Present %", 1.35),
];

pub(super) fn paper(report: &Report, timezone: Tz, now: DateTime<Utc>) -> Paper {
    let about = match report.group_by {
        GroupBy::Student => vec![
            Column::left("Reg. no.", 1.9),
            Column::left("Name", 2.9),
            Column::left("Room", 1.1),
        ],
        GroupBy::Day => vec![Column::left("Day", 2.6)],
        GroupBy::Session => vec![
            Column::left("Day", 1.9),
            Column::left("Began", 0.9),
            Column::left("Block", 1.3),
            Column::right("Year", 0.7),
        ],
    };
    let mut totals = vec![String::new(); about.len()];
    "Total".clone_into(&mut totals[0]);
    totals.extend(counts(report.totals));
    let made_at = now.with_timezone(&timezone);
    let counted = COUNTS.iter().map(|(name, share)| Column::right(name, *share));
    Paper {
        title: match report.group_by {
            GroupBy::Student => "Attendance by student".to_owned(),
            GroupBy::Day => "Attendance by day".to_owned(),
            GroupBy::Session => "Attendance by roll call".to_owned(),
        },
        subtitle: vec![subtitle(&report.scope)],
        columns: about.into_iter().chain(counted).collect(),
        rows: report.lines.iter().map(|line| row(line, timezone)).collect(),
        totals: Some(totals),
        if_empty: "No roll calls in this period".to_owned(),
        note: format!(
            "Made {}, {} ({timezone})",
            day(made_at.date_naive()),
            made_at.format("%H:%M")
        ),
        made_at: made_at.fixed_offset(),
    }
}

/// The period, and of whom.
fn subtitle(scope: &Scope) -> String {
    let period = if scope.period.from == scope.period.to {
        day(scope.period.from)
    } else {
        format!("{} to {}", day(scope.period.from), day(scope.period.to))
    };
    let block = scope
        .block
        .as_ref()
        .map_or("all blocks".to_owned(), |block| format!("block {block}"));
    let year = scope.year.map_or("all years".to_owned(), |year| format!("year {year}"));
    format!("{period}, {block}, {year}")
}

fn row(line: &ReportLine, timezone: Tz) -> Vec<String> {
    let mut row = match &line.about {
        About::Student {
            registration_no,
            name,
            room_no,
            ..
        } => vec![
            registration_no.clone(),
            name.clone(),
            room_no.clone().unwrap_or_default(),
        ],
        About::Day(on) => vec![day(*on)],
        About::Session {
            day: on,
            began_at,
            block,
            year,
            ..
        } => vec![
            day(*on),
            began_at.with_timezone(&timezone).format("%H:%M").to_string(),
            block.clone(),
            year.to_string(),
        ],
    };
    row.extend(counts(line.tally));
    row
}

fn counts(tally: Tally) -> [String; 6] {
    let percent = tally.percent_present().map(|percent| format!("{percent:.1}"));
    [
        tally.present.to_string(),
        tally.absent.to_string(),
        tally.excused.to_string(),
        tally.pending.to_string(),
        tally.total().to_string(),
        percent.unwrap_or_else(|| "–".to_owned()),
    ]
}

fn day(day: NaiveDate) -> String {
    day.format("%-d %b %Y").to_string()
}
