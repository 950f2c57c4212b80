//! Reports: as an answer, as CSV, as PDF.

use proto::{
    attendance::{DownloadReportCsvRequest, DownloadReportPdfRequest, GetReportRequest, Report, ReportCounts},
    options::Role,
    types::FileHeader,
};

use crate::{
    gate::{Gate, told},
    records::{Stage, days_ago, file, today},
};

fn november(group_by: &str) -> GetReportRequest {
    GetReportRequest {
        from: "2026-11-01".to_owned(),
        to: "2026-11-30".to_owned(),
        group_by: Some(group_by.to_owned()),
        ..GetReportRequest::default()
    }
}

fn counts(present: u64, absent: u64, excused: u64, pending: u64, percent_present: Option<f64>) -> ReportCounts {
    ReportCounts {
        present,
        absent,
        excused,
        pending,
        total: present + absent + excused + pending,
        percent_present,
    }
}

impl Gate {
    async fn report(&self, request: GetReportRequest) -> Result<Report, kit::Fault> {
        told(self.marks().get_report(self.by_warden(request)).await)
    }

    async fn report_csv(&self, group_by: &str) -> (FileHeader, String) {
        let request = DownloadReportCsvRequest {
            from: "2026-11-01".to_owned(),
            to: "2026-11-30".to_owned(),
            group_by: Some(group_by.to_owned()),
            format: "csv".to_owned(),
            ..DownloadReportCsvRequest::default()
        };
        let pieces = told(self.marks().download_report_csv(self.by_warden(request)).await).unwrap();
        let (header, bytes) = file(pieces).await;
        (header, String::from_utf8(bytes).unwrap())
    }

    async fn report_pdf(&self, group_by: &str) -> (FileHeader, Vec<u8>) {
        let request = DownloadReportPdfRequest {
            from: "2026-11-01".to_owned(),
            to: "2026-11-30".to_owned(),
            block: Some("A".to_owned()),
            group_by: Some(group_by.to_owned()),
            format: "pdf".to_owned(),
            ..DownloadReportPdfRequest::default()
        };
        let pieces = told(self.marks().download_report_pdf(self.by_warden(request)).await).unwrap();
        file(pieces).await
    }

    /// Two students of block A and one of B, with roll calls of two days, and one of another month.
    async fn a_month(&self) {
        let asha = self.student(1, "A", 1).await;
        let evil = self.student(2, "A", 1).await;
        let ravi = self.student(3, "B", 2).await;
        // Was never at a roll call.
        self.student(4, "B", 2).await;
        self.write(
            "UPDATE student SET name = '=SUM(A1:A9)' WHERE id = $1",
            [evil.id.into()],
        )
        .await;
        let first = self.lay_roll("A", 1, days_ago(2), Stage::Settled).await;
        let second = self.lay_roll("A", 1, days_ago(1), Stage::Closed).await;
        let other = self.lay_roll("B", 2, days_ago(1), Stage::Settled).await;
        let october = self.lay_roll("A", 1, days_ago(30), Stage::Settled).await;
        self.lay_mark(first, &asha, "present", "scan").await;
        self.lay_mark(first, &evil, "absent", "settlement").await;
        self.lay_mark(second, &asha, "pending", "settlement").await;
        self.lay_mark(second, &evil, "excused", "leave").await;
        self.lay_mark(other, &ravi, "present", "manual").await;
        self.lay_mark(october, &asha, "absent", "settlement").await;
        self.lay_roll("B", 1, today(), Stage::Open).await;
    }
}

#[tokio::test]
async fn a_report_counts_by_student_by_day_and_by_roll_call() {
    let gate = Gate::open().await;
    gate.a_month().await;
    let by_student = gate.report(november("student")).await.unwrap();
    let lines: Vec<_> = by_student
        .rows
        .iter()
        .map(|row| (row.registration_no.as_deref().unwrap(), row.counts.unwrap()))
        .collect();
    let expected = [
        ("REG-00001", counts(1, 0, 0, 1, Some(100.0))),
        ("REG-00002", counts(0, 1, 1, 0, Some(0.0))),
        ("REG-00003", counts(1, 0, 0, 0, Some(100.0))),
    ];
    assert_eq!(lines, expected);
    assert_eq!(by_student.totals, Some(counts(2, 1, 1, 1, Some(66.7))));
    assert_eq!(by_student.group_by, "student");

    let by_day = gate.report(november("day")).await.unwrap();
    let days: Vec<_> = by_day.rows.iter().map(|row| (row.day(), row.counts.unwrap())).collect();
    let expected = [
        ("2026-11-16", counts(1, 1, 0, 0, Some(50.0))),
        ("2026-11-17", counts(1, 0, 1, 1, Some(100.0))),
    ];
    assert_eq!(days, expected);

    let by_session = gate.report(november("session")).await.unwrap();
    let sessions: Vec<_> = by_session
        .rows
        .iter()
        .map(|row| (row.day(), row.block(), row.year(), row.counts.unwrap().total))
        .collect();
    let expected = [
        ("2026-11-16", "A", 1, 2),
        ("2026-11-17", "A", 1, 2),
        ("2026-11-17", "B", 2, 1),
        ("2026-11-18", "B", 1, 0),
    ];
    assert_eq!(sessions, expected);
    assert!(by_session.rows.iter().all(|row| row.began_at.is_some()));
    assert_eq!(by_session.totals.unwrap().total, 5);
}

#[tokio::test]
async fn a_report_may_be_of_one_block_or_year() {
    let gate = Gate::open().await;
    gate.a_month().await;
    for group_by in ["student", "day", "session"] {
        let of_block = GetReportRequest {
            block: Some(" a ".to_owned()),
            ..november(group_by)
        };
        assert_eq!(
            gate.report(of_block).await.unwrap().totals,
            Some(counts(1, 1, 1, 1, Some(50.0)))
        );
        let of_year = GetReportRequest {
            year: Some(2),
            ..november(group_by)
        };
        assert_eq!(
            gate.report(of_year).await.unwrap().totals,
            Some(counts(1, 0, 0, 0, Some(100.0)))
        );
    }
    let nothing = GetReportRequest {
        block: Some("Z".to_owned()),
        ..november("student")
    };
    let nothing = gate.report(nothing).await.unwrap();
    assert_eq!(
        (nothing.rows.len(), nothing.totals),
        (0, Some(counts(0, 0, 0, 0, None)))
    );
}

#[tokio::test]
async fn what_makes_no_report_is_named_field_by_field() {
    let gate = Gate::open().await;
    let cases = [
        ("2026-11-31", "2026-11-30", "student", vec!["from"]),
        ("2026-11-02", "2026-11-01", "student", vec!["to"]),
        ("2025-01-01", "2026-11-30", "student", vec!["to"]),
        ("", "tomorrow", "room", vec!["from", "to", "group_by"]),
    ];
    for (from, to, group_by, expected) in cases {
        let wrong = GetReportRequest {
            from: from.to_owned(),
            to: to.to_owned(),
            ..november(group_by)
        };
        let refused = gate.report(wrong).await.unwrap_err();
        let fields: Vec<_> = refused.violations.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, expected);
    }
    for role in [Role::Student, Role::Guard, Role::Teacher] {
        let request = gate.of(gate.guard, role, november("day"));
        let refused = told(gate.marks().get_report(request).await).unwrap_err();
        assert_eq!(refused.reason, "FORBIDDEN");
    }
}

#[tokio::test]
async fn a_sheet_names_its_columns_and_holds_no_formula() {
    let gate = Gate::open().await;
    gate.a_month().await;
    let (header, text) = gate.report_csv("student").await;
    assert_eq!(header.file_name, "attendance-2026-11-01-2026-11-30-by-student.csv");
    assert_eq!(header.content_type, "text/csv; charset=utf-8");
    let expected = "registration_no,student_name,room_no,present,absent,excused,pending,total,percent_present\n\
                    REG-00001,Student 1,A-101,1,0,0,1,2,100.0\n\
                    REG-00002,'=SUM(A1:A9),A-102,0,1,1,0,2,0.0\n\
                    REG-00003,Student 3,B-103,1,0,0,0,1,100.0\n";
    assert_eq!(text, expected);
    let (_, text) = gate.report_csv("day").await;
    let expected = "day,present,absent,excused,pending,total,percent_present\n\
                    2026-11-16,1,1,0,0,2,50.0\n2026-11-17,1,0,1,1,3,100.0\n";
    assert_eq!(text, expected);
    let (header, text) = gate.report_csv("session").await;
    assert_eq!(header.file_name, "attendance-2026-11-01-2026-11-30-by-session.csv");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("day,began_at,block,year,session_id,present"));
    assert!(lines[4].starts_with("2026-11-18,2026-11-18T14:30:00Z,B,1,") && lines[4].ends_with(",0,0,0,0,0,"));
}

#[tokio::test]
async fn a_paper_has_as_many_pages_as_it_takes() {
    let gate = Gate::open().await;
    gate.many_marks(150, 1).await;
    for (group_by, expected) in [("student", 5), ("day", 1), ("session", 1)] {
        let (header, file) = gate.report_pdf(group_by).await;
        assert_eq!(
            header.file_name,
            format!("attendance-2026-11-01-2026-11-30-by-{group_by}.pdf")
        );
        assert_eq!(
            (header.content_type.as_str(), header.size),
            ("application/pdf", Some(file.len() as u64))
        );
        assert!(file.starts_with(b"%PDF-"));
        let text = String::from_utf8_lossy(&file).replace("/Type /Page", "/Type/Page");
        let pages = text.matches("/Type/Page").count() - text.matches("/Type/Pages").count();
        assert_eq!(pages, expected, "{group_by}");
        let (_, again) = gate.report_pdf(group_by).await;
        assert_eq!(file, again, "the same report is the same file");
    }
}

#[tokio::test]
async fn a_report_that_is_too_large_is_refused_and_comes_as_a_sheet() {
    let gate = Gate::open().await;
    gate.many_marks(10_001, 1).await;
    let refused = gate.report(november("student")).await.unwrap_err();
    assert_eq!(refused.reason, "REPORT_TOO_LARGE");
    assert!(refused.message.contains("CSV"));
    let (_, text) = gate.report_csv("student").await;
    assert_eq!(text.lines().count(), 10_002);
    let by_day = gate.report(november("day")).await.unwrap();
    assert_eq!(by_day.totals.unwrap().total, 10_001);
}
