//! Whole files, in and out.

use proptest::prelude::*;

use super::{Cells, Column, MOST_ROWS, Problem, Row, Sheet, TableError, WrongColumns, write_header, write_row};

const HEADER: &str = "email,registration_no,name,phone,parent_phone,year,semester";

fn file(rows: &str) -> Vec<u8> {
    format!("{HEADER}\n{rows}").into_bytes()
}

fn asha() -> Cells {
    Cells::default()
        .with(Column::Email, "asha@demo.local")
        .with(Column::RegistrationNo, "REG-1")
        .with(Column::Name, "Verma, Asha")
        .with(Column::Phone, "9876543210")
        .with(Column::ParentPhone, "9876543211")
        .with(Column::Year, "1")
        .with(Column::Semester, "2")
}

fn wrong_columns(header: &str) -> WrongColumns {
    match Sheet::read(header.as_bytes()) {
        Err(TableError::Columns(wrong)) => wrong,
        outcome => panic!("wrong columns expected, got {outcome:?}"),
    }
}

#[test]
fn files_of_every_spreadsheet_are_read() {
    let quoted = "asha@demo.local,REG-1,\"Verma, Asha\",9876543210,9876543211,1,2";
    let other_order = "Semester;YEAR;parent-phone;Phone;Name;Registration No;E-Mail".replace("E-Mail", " email ");
    let files = [
        file(quoted),
        file(&format!("{quoted}\n\n,,,,,,\n")),
        file(quoted)
            .iter()
            .flat_map(|byte| {
                if *byte == b'\n' {
                    vec![b'\r', b'\n']
                } else {
                    vec![*byte]
                }
            })
            .collect(),
        [b"\xef\xbb\xbf".to_vec(), file(quoted)].concat(),
        format!("{other_order}\n2;1;9876543211;9876543210;Verma, Asha;REG-1;asha@demo.local").into_bytes(),
        String::from_utf8(file(quoted))
            .unwrap()
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect(),
        format!(
            "{}\n{}",
            HEADER.replace(',', "\t"),
            quoted
                .replace("\"Verma, Asha\"", "Verma, Asha")
                .replace(',', "\t")
                .replace("Verma\t", "Verma,")
        )
        .into_bytes(),
        format!("{HEADER},,\n{quoted},,").into_bytes(),
        format!("{HEADER}\n{quoted},,,").into_bytes(),
        format!("\"{}\"\n{quoted}", HEADER.replace(',', "\",\"")).into_bytes(),
        format!("\n{HEADER}\r{quoted}").into_bytes(),
    ];
    for file in files {
        let sheet = Sheet::read(&file).unwrap();
        let [row] = sheet.rows.as_slice() else {
            panic!("one row expected, got {sheet:?}")
        };
        assert!(
            row.cells == asha() && row.problems.is_empty(),
            "{}",
            String::from_utf8_lossy(&file)
        );
    }
}

#[test]
fn rows_know_their_lines() {
    let row = "a@b,R-1,\"two\nlines\",1,2,3,4\n";
    let sheet = Sheet::read(&file(&format!("{row}\n{row}{row}"))).unwrap();
    assert_eq!(sheet.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 5, 7]);
}

#[test]
fn all_that_is_wrong_with_a_header_is_told_at_once() {
    let wrong = wrong_columns("email,Phone,PHONE,phone,colour,,name,\u{7}shoe size,year\n");
    assert_eq!(
        wrong.missing,
        [Column::RegistrationNo, Column::ParentPhone, Column::Semester]
    );
    assert_eq!(wrong.unknown, ["colour", "(without a name)", "shoe size"]);
    assert_eq!(wrong.repeated, [Column::Phone]);
    assert_eq!(
        wrong.to_string(),
        "missing columns: registration_no, parent_phone, semester; unknown columns: colour, (without a name), shoe size; \
         columns that are there twice: phone; known columns: email, registration_no, name, phone, parent_phone, address, \
         year, semester, room, password"
    );
    let many = wrong_columns(&"colour,".repeat(1000));
    assert_eq!(many.unknown.len(), 20);
}

#[test]
fn a_wrong_row_does_not_stop_the_others() {
    let sheet = Sheet::read(&file(
        "a@b,R-1,Asha,9876543210,9876543211,1\n\
         a@b,R-2,Asha,9876543210,9876543211,1,2,3\n\
         a@b,R-3,Asha,9.87654E+09,\"9,87654e+09\",1,2\n\
         a@b,R-4,As\u{0}ha,9876543210,9876543211,1,2\n\
         a@b,R-5,Asha,'+919876543210,9876543211,1,2\n",
    ))
    .unwrap();
    let problems: Vec<_> = sheet.rows.iter().map(|row| row.problems.clone()).collect();
    assert_eq!(
        problems,
        [
            vec![Problem::CellCount { expected: 7, found: 6 }],
            vec![Problem::CellCount { expected: 7, found: 8 }],
            vec![
                Problem::PhoneAsNumber(Column::Phone),
                Problem::PhoneAsNumber(Column::ParentPhone)
            ],
            vec![Problem::ControlCharacter(Column::Name)],
            vec![],
        ]
    );
    let fields: Vec<_> = problems.iter().flatten().map(Problem::field).collect();
    assert_eq!(fields, ["row", "row", "phone", "parent_phone", "name"]);
    assert_eq!(sheet.rows[2].cells.get(Column::RegistrationNo), "R-3");
    assert_eq!(sheet.rows[4].cells.get(Column::Phone), "+919876543210");
}

#[test]
fn files_beyond_measure_are_refused() {
    let rows = "a,b,c,d,e,f,g\n".repeat(MOST_ROWS);
    assert_eq!(Sheet::read(&file(&rows)).unwrap().rows.len(), MOST_ROWS);
    assert_eq!(
        Sheet::read(&file(&format!("{rows}a,b,c,d,e,f,g"))).unwrap_err(),
        TableError::TooManyRows
    );
    assert_eq!(
        Sheet::read(&file("a,\"b")).unwrap_err(),
        TableError::OpenQuote { line: 2 }
    );
    assert_eq!(Sheet::read(b"").unwrap_err(), TableError::Empty);
}

#[test]
fn what_stands_in_cells_is_not_shown_in_logs() {
    let shown = format!("{:?}", asha().with(Column::Password, "secret"));
    assert!(shown.contains("Password") && !shown.contains("secret") && !shown.contains("Asha"));
}

fn any_cells() -> impl Strategy<Value = Cells> {
    let cell = prop_oneof![
        "[ -~]{0,12}",
        "['=+@\"\t\r\n,; -]{0,6}[a-c ]{0,3}",
        "\\PC{0,12}",
        Just("आशा वर्मा".to_owned()),
    ];
    prop::collection::vec(cell, 9).prop_map(|texts| {
        let columns = Column::ALL.into_iter().filter(|column| *column != Column::Password);
        columns
            .zip(texts)
            .fold(Cells::default(), |cells, (column, text)| cells.with(column, text))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(rows in prop::collection::vec(any_cells(), 0..6)) {
        let mut written = Vec::new();
        write_header(&mut written);
        for cells in &rows {
            write_row(&mut written, cells);
        }
        let read = Sheet::read(&written).unwrap();
        let is_blank = |cells: &Cells| Column::ALL.into_iter().all(|column| cells.get(column).trim().is_empty());
        let expected: Vec<_> = rows.into_iter().filter(|cells| !is_blank(cells)).collect();
        let has_its_cells = |row: &Row| row.problems.iter().all(|problem| problem.field() != "row");
        prop_assert!(read.rows.iter().all(has_its_cells));
        prop_assert!(read.rows.into_iter().map(|row| row.cells).eq(expected));
    }

    #[test]
    fn no_file_is_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,200}|[a-c,;\"'\t\r\n=]{0,200}") {
        let _ = Sheet::read(&bytes);
        let _ = Sheet::read(text.as_bytes());
        let sheet = Sheet::read(format!("{HEADER}\n{text}").as_bytes());
        let is_fair = matches!(sheet, Ok(_) | Err(TableError::OpenQuote { .. }));
        prop_assert!(is_fair);
    }
}
