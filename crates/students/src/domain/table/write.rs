//! Tables that go out: the columns that come in, but for passwords.

use super::{Cells, Column};

/// Adds the line of column names.
pub fn write_header(out: &mut Vec<u8>) {
    write(out, |column| column.name().to_owned());
}

/// Adds a row.
pub fn write_row(out: &mut Vec<u8>, cells: &Cells) {
    write(out, |column| harmless(cells.get(column)));
}

fn write(out: &mut Vec<u8>, cell: impl Fn(Column) -> String) {
    let columns = Column::ALL.into_iter().filter(|column| *column != Column::Password);
    let cells: Vec<_> = columns.map(|column| quoted(cell(column))).collect();
    out.extend_from_slice(cells.join(",").as_bytes());
    out.push(b'\n');
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe before it, and so does one that looks as if it
/// had got one: so that reading it takes off what writing it put there.
fn harmless(cell: &str) -> String {
    if is_formula(cell.trim_start_matches('\'')) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// Takes off the apostrophe that [`harmless`] put before a cell.
pub(super) fn without_apostrophe(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest.trim_start_matches('\'')) => rest,
        _ => cell,
    }
}

fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// Quotation marks hold what would end the cell, and blanks around it, which are not kept without.
fn quoted(cell: String) -> String {
    if cell.contains([',', ';', '"', '\r', '\n', '\t']) || cell.trim() != cell {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (cell, written) in [
            ("=cmd()", "'=cmd()"),
            ("+91 98765", "'+91 98765"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("'=1", "''=1"),
            ("''-", "'''-"),
            ("'s-Gravenhage", "'s-Gravenhage"),
            ("warden", "warden"),
            ("", ""),
            ("a=b", "a=b"),
        ] {
            assert_eq!(harmless(cell), written);
            assert_eq!(without_apostrophe(written), cell);
        }
    }

    #[test]
    fn rows_have_the_columns_of_the_header_and_no_password() {
        let mut out = Vec::new();
        write_header(&mut out);
        let cells = Cells::default()
            .with(Column::Name, "Verma, \"Asha\"")
            .with(Column::Address, "=1\n2")
            .with(Column::Password, "secret");
        write_row(&mut out, &cells);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "email,registration_no,name,phone,parent_phone,address,year,semester,room\n\
             ,,\"Verma, \"\"Asha\"\"\",,,\"'=1\n2\",,,\n"
        );
    }
}
