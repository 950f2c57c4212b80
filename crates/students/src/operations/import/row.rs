//! From the rows of a sheet to students who are to be registered, by the rules of every registration.

use std::collections::HashMap;

use kit::fault::Violation;
use proto::students::RegisterStudentRequest;

use crate::{
    domain::table::{Cells, Column, Problem, Row, Sheet, TableError},
    operations::register::NewStudent,
    rpc::convert,
};

/// A row as it was read.
pub(super) struct Parsed {
    pub line: u32,
    /// Whom it says that it is about.
    pub registration_no: String,
    /// The room's label.
    pub room: Option<String>,
    pub wanted: Result<NewStudent, Vec<Violation>>,
}

/// Who was seen in which line.
#[derive(Default)]
struct Seen {
    emails: HashMap<String, u32>,
    numbers: HashMap<String, u32>,
}

pub(super) fn read(file: &[u8]) -> Result<Vec<Parsed>, TableError> {
    let mut seen = Seen::default();
    let rows = Sheet::read(file)?.rows;
    Ok(rows.into_iter().map(|row| parse(row, &mut seen)).collect())
}

fn parse(row: Row, seen: &mut Seen) -> Parsed {
    let Row { line, cells, problems } = row;
    let mut wrong: Vec<_> = problems
        .iter()
        .map(|problem| Violation::new(problem.field(), problem.to_string()))
        .collect();
    let has_cells = !problems
        .iter()
        .any(|problem| matches!(problem, Problem::CellCount { .. }));
    let registration = if has_cells {
        wrong.extend(seen.before(&cells, line));
        convert::registration(&request(&cells), Ok(None)).map_err(|fault| fault.violations)
    } else {
        Err(Vec::new())
    };
    let wanted = match registration {
        Ok(registration) if wrong.is_empty() => Ok(registration),
        Ok(_) => Err(wrong),
        Err(violations) => {
            // What the sheet says of a cell says more than that it does not parse.
            let is_news = |one: &Violation| wrong.iter().all(|known| known.field != one.field);
            let news: Vec<_> = violations.into_iter().filter(is_news).collect();
            wrong.extend(news);
            Err(wrong)
        }
    };
    Parsed {
        line,
        registration_no: cells.get(Column::RegistrationNo).trim().to_owned(),
        room: Some(cells.get(Column::Room).trim().to_owned()).filter(|label| !label.is_empty()),
        wanted,
    }
}

fn request(cells: &Cells) -> RegisterStudentRequest {
    let text = |column| cells.get(column).trim().to_owned();
    // What is no number is no year either.
    let number = |column| cells.get(column).trim().parse().unwrap_or_default();
    RegisterStudentRequest {
        email: text(Column::Email),
        registration_no: text(Column::RegistrationNo),
        name: text(Column::Name),
        phone: text(Column::Phone),
        parent_phone: text(Column::ParentPhone),
        address: Some(text(Column::Address)),
        year: number(Column::Year),
        semester: number(Column::Semester),
        room_id: None,
        password: Some(cells.get(Column::Password).to_owned()).filter(|password| !password.is_empty()),
    }
}

impl Seen {
    /// What of a row stood in an earlier one.
    fn before(&mut self, cells: &Cells, line: u32) -> Vec<Violation> {
        let email = cells.get(Column::Email).trim().to_lowercase();
        let number = cells.get(Column::RegistrationNo).trim().to_ascii_uppercase();
        let email = first(&mut self.emails, email, line).map(|first| again(Column::Email, first));
        let number = first(&mut self.numbers, number, line).map(|first| again(Column::RegistrationNo, first));
        email.into_iter().chain(number).collect()
    }
}

/// The line where this stood first, if that was an earlier one.
fn first(seen: &mut HashMap<String, u32>, key: String, line: u32) -> Option<u32> {
    if key.is_empty() {
        return None;
    }
    let first = *seen.entry(key).or_insert(line);
    (first != line).then_some(first)
}

fn again(column: Column, first: u32) -> Violation {
    Violation::new(column.name(), format!("stands in line {first} already"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "registration_no,email,name,phone,parent_phone,year,semester,room";

    /// What is wrong with each row: its line and the fields.
    fn wrong(rows: &[&str]) -> Vec<(u32, Vec<String>)> {
        let file = [&[HEADER], rows].concat().join("\n");
        let parsed = read(file.as_bytes()).unwrap();
        let wrong = parsed.into_iter().filter_map(|row| Some((row.line, row.wanted.err()?)));
        wrong
            .map(|(line, wrong)| (line, wrong.into_iter().map(|one| one.field).collect()))
            .collect()
    }

    #[test]
    fn every_wrong_field_is_named_once() {
        let rows = [
            "R-1,a@b.example,Asha,9876543210,9876543211,1,1,",
            ",x,,1,9.87654E+09,one,2,",
            "R-3,c@b.example,Asha,9876543210,9876543211,1,3,A-1",
            "R-4",
        ];
        let all = ["parent_phone", "email", "registration_no", "name", "phone", "year"];
        assert_eq!(
            wrong(&rows),
            [
                (3, all.map(str::to_owned).to_vec()),
                (4, vec!["semester".to_owned()]),
                (5, vec!["row".to_owned()])
            ]
        );
    }

    #[test]
    fn a_row_names_the_line_where_its_student_stood_first() {
        let rows = [
            "R-1,a@b.example,Asha,1,9876543211,1,1,",
            "r-1,A@B.example,Asha,9876543210,9876543211,1,1,",
        ];
        let both = vec!["email".to_owned(), "registration_no".to_owned()];
        assert_eq!(wrong(&rows), [(2, vec!["phone".to_owned()]), (3, both)]);
    }
}
