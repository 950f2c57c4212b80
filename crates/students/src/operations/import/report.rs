//! What came of an import, row by row, small enough for one answer however much is wrong.

use proto::students::{ImportError, ImportReport, ImportRow, ImportStatus};

use super::plan::{Line, Standing};

/// What the errors of all rows may take together; an answer has at most 4 MiB, and every row takes some of it.
const ERRORS_AT_MOST: usize = 1_500_000;
/// Of what is no registration number so many bytes: as much as helps to find the row.
const LONGEST_NUMBER: usize = 40;

const NOT_STORED: &str = "could not be stored, import the file again";
const NOT_TRIED: &str = "was not tried yet, import the file again";
const TOO_MUCH: &str = "is wrong, too; correct the rows above and import the file again";

pub(super) fn of(lines: Vec<Line>) -> ImportReport {
    let mut report = ImportReport::default();
    let mut room = ERRORS_AT_MOST;
    for line in lines {
        let mut row = row(line);
        if row.status() == ImportStatus::Failed {
            let size: usize = row
                .errors
                .iter()
                .map(|error| error.field.len() + error.error.len())
                .sum();
            if size <= room {
                room -= size;
            } else {
                room = 0;
                row.errors = vec![error("row", TOO_MUCH)];
            }
        }
        match row.status() {
            ImportStatus::Created => report.created += 1,
            ImportStatus::Unchanged => report.unchanged += 1,
            ImportStatus::Failed | ImportStatus::Unspecified => report.failed += 1,
        }
        report.rows.push(row);
    }
    report
}

fn row(line: Line) -> ImportRow {
    let (status, id, errors) = match line.standing {
        Standing::New(_) => (ImportStatus::Created, None, Vec::new()),
        Standing::Created(id) => (ImportStatus::Created, id, Vec::new()),
        Standing::Unchanged(id) => (ImportStatus::Unchanged, Some(id), Vec::new()),
        Standing::Wrong(wrong) => {
            let errors = wrong.into_iter().map(|one| error(&one.field, &one.error));
            (ImportStatus::Failed, None, errors.collect())
        }
        Standing::NotStored => (ImportStatus::Failed, None, vec![error("row", NOT_STORED)]),
        Standing::NotTried => (ImportStatus::Failed, None, vec![error("row", NOT_TRIED)]),
    };
    let mut number = line.registration_no;
    number.truncate(number.floor_char_boundary(LONGEST_NUMBER));
    ImportRow {
        line: line.number,
        status: status.into(),
        registration_no: Some(number).filter(|number| !number.is_empty()),
        student_id: id.map(|id| id.to_string()),
        errors,
    }
}

fn error(field: &str, error: &str) -> ImportError {
    ImportError {
        field: field.to_owned(),
        error: error.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use kit::fault::Violation;
    use prost::Message as _;

    use super::*;
    use crate::domain::table::{Column, MOST_ROWS};

    /// What the gateway takes of a service.
    const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

    #[test]
    fn twenty_thousand_wrong_rows_fit_an_answer() {
        let most = u32::try_from(MOST_ROWS).unwrap();
        let lines = (0..most).map(|line| Line {
            number: line,
            registration_no: "नंबर".repeat(100),
            standing: Standing::Wrong(
                Column::ALL
                    .map(|column| Violation::new(column.name(), "x".repeat(120)))
                    .into(),
            ),
        });
        let report = of(lines.collect());
        assert_eq!((report.failed, report.rows.len()), (most, MOST_ROWS));
        assert!(report.rows.iter().all(|row| !row.errors.is_empty()));
        let size = report.encoded_len();
        assert!(size < LARGEST_ANSWER, "{size} bytes");
    }

    #[test]
    fn twenty_thousand_students_fit_an_answer() {
        let lines = (0..MOST_ROWS).map(|line| Line {
            number: u32::try_from(line).unwrap(),
            registration_no: "R".repeat(20),
            standing: Standing::Created(Some(uuid::Uuid::nil())),
        });
        let size = of(lines.collect()).encoded_len();
        assert!(size < LARGEST_ANSWER, "{size} bytes");
    }
}
