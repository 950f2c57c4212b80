//! Many rows in one statement.
//!
//! PostgreSQL gets them as an array a column, so that the text of the statement is the same however many there are: it is
//! parsed and planned once a connection instead of once a number of rows. SQLite takes them as values.

use std::fmt::Write as _;

use chrono::SecondsFormat;
use kit::db::Txn;
use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, Statement, Value};

/// Rows of a table that are about to be inserted.
pub(super) struct Rows<const COLUMNS: usize> {
    pub table: &'static str,
    pub columns: [&'static str; COLUMNS],
    pub values: Vec<[Value; COLUMNS]>,
}

impl<const COLUMNS: usize> Rows<COLUMNS> {
    /// The statement that inserts them; `then` is what follows the rows in it.
    pub(super) fn insert(self, txn: &Txn, then: &str) -> Result<Statement, DbErr> {
        let (table, columns) = (self.table, self.columns.join(", "));
        let backend = txn.get_database_backend();
        if backend == DbBackend::Postgres {
            let (types, arrays) = self.arrays()?;
            let places = types
                .iter()
                .zip(1..)
                .map(|(kind, place)| format!("CAST(${place} AS {kind}[])"));
            let places: Vec<String> = places.collect();
            let rows = places.join(", ");
            let sql = format!("INSERT INTO {table} ({columns}) SELECT * FROM unnest({rows}) {then}");
            return Ok(Statement::from_sql_and_values(backend, sql, arrays));
        }
        let rows = rows_of_places(self.values.len(), COLUMNS);
        let sql = format!("INSERT INTO {table} ({columns}) VALUES {rows} {then}");
        Ok(Statement::from_sql_and_values(
            backend,
            sql,
            self.values.into_iter().flatten(),
        ))
    }

    /// For each column the type of its values, and these as PostgreSQL reads an array: `{2026-07-01,2026-07-02}`.
    fn arrays(&self) -> Result<([&'static str; COLUMNS], [Value; COLUMNS]), DbErr> {
        let mut types = [""; COLUMNS];
        let mut arrays: [String; COLUMNS] = std::array::from_fn(|_| String::with_capacity(self.values.len() * 40));
        for row in &self.values {
            for ((value, kind), array) in row.iter().zip(&mut types).zip(&mut arrays) {
                array.push(if array.is_empty() { '{' } else { ',' });
                *kind = write_element(array, value)?;
            }
        }
        for array in &mut arrays {
            array.push('}');
        }
        Ok((types, arrays.map(Value::from)))
    }
}

/// Writes a value as an element of an array, and says which type it has.
fn write_element(array: &mut String, value: &Value) -> Result<&'static str, DbErr> {
    let (kind, written) = match value {
        Value::Uuid(id) => ("uuid", id.map(|id| write!(array, "{id}"))),
        Value::ChronoDate(day) => ("date", day.map(|day| write!(array, "{day}"))),
        Value::ChronoDateTimeUtc(at) => {
            let at = at.map(|at| write!(array, "{}", at.to_rfc3339_opts(SecondsFormat::Micros, true)));
            ("timestamptz", at)
        }
        Value::Bool(yes) => ("boolean", yes.map(|yes| write!(array, "{yes}"))),
        Value::BigInt(number) => ("bigint", number.map(|number| write!(array, "{number}"))),
        Value::Double(number) => ("double precision", number.map(|number| write!(array, "{number}"))),
        Value::Bytes(bytes) => {
            let bytes = bytes.as_ref();
            (
                "bytea",
                bytes.map(|bytes| write!(array, "\"\\\\x{}\"", hex::encode(bytes))),
            )
        }
        Value::String(said) => ("text", said.as_ref().map(|said| write_quoted(array, said))),
        other => {
            return Err(DbErr::Type(format!(
                "rows of a kind that no array takes here: {other:?}"
            )));
        }
    };
    let written = written.unwrap_or_else(|| array.write_str("NULL"));
    written.map_err(|error| DbErr::Custom(error.to_string()))?;
    Ok(kind)
}

/// In quotes, with what would end or change the text taken by its word.
fn write_quoted(array: &mut String, said: &str) -> std::fmt::Result {
    array.write_char('"')?;
    for letter in said.chars() {
        if matches!(letter, '"' | '\\') {
            array.write_char('\\')?;
        }
        array.write_char(letter)?;
    }
    array.write_char('"')
}

/// `($1, $2), ($3, $4)`
fn rows_of_places(rows: usize, columns: usize) -> String {
    let mut text = String::with_capacity(rows * columns * 6);
    for row in 0..rows {
        if row > 0 {
            text.push_str(", ");
        }
        text.push('(');
        text.push_str(&places(row * columns, columns));
        text.push(')');
    }
    text
}

/// `$3, $4, $5`: so many places after those that are taken.
pub(super) fn places(taken: usize, count: usize) -> String {
    let mut text = String::with_capacity(count * 6);
    for place in taken + 1..=taken + count {
        if place > taken + 1 {
            text.push_str(", ");
        }
        text.push('$');
        text.push_str(&place.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate};
    use uuid::Uuid;

    use super::*;

    type AllKinds = [Value; 8];

    fn rows(values: Vec<AllKinds>) -> Rows<8> {
        let columns = ["id", "day", "at", "yes", "count", "meters", "token", "said"];
        Rows {
            table: "thing",
            columns,
            values,
        }
    }

    fn full() -> AllKinds {
        let at = DateTime::from_timestamp(1_795_000_000, 123_456_789).unwrap();
        [
            Uuid::from_u128(7).into(),
            NaiveDate::from_ymd_opt(2026, 7, 1).unwrap().into(),
            at.into(),
            true.into(),
            Value::from(-3_i64),
            1.5.into(),
            vec![0_u8, 255].into(),
            "a \"b\", {NULL} \\ \n ü".into(),
        ]
    }

    fn empty() -> AllKinds {
        [
            None::<Uuid>.into(),
            None::<NaiveDate>.into(),
            None::<DateTime<chrono::Utc>>.into(),
            None::<bool>.into(),
            None::<i64>.into(),
            Value::from(f64::NAN),
            None::<Vec<u8>>.into(),
            None::<String>.into(),
        ]
    }

    #[test]
    fn each_column_is_an_array_of_its_type() {
        let (types, arrays) = rows(vec![empty(), full()]).arrays().unwrap();
        let expected = [
            "uuid",
            "date",
            "timestamptz",
            "boolean",
            "bigint",
            "double precision",
            "bytea",
            "text",
        ];
        assert_eq!(types, expected);
        let expected = [
            "{NULL,00000000-0000-0000-0000-000000000007}",
            "{NULL,2026-07-01}",
            "{NULL,2026-11-18T11:06:40.123456Z}",
            "{NULL,true}",
            "{NULL,-3}",
            "{NaN,1.5}",
            "{NULL,\"\\\\x00ff\"}",
            "{NULL,\"a \\\"b\\\", {NULL} \\\\ \n ü\"}",
        ];
        assert_eq!(arrays, expected.map(Value::from));
    }

    #[test]
    fn a_kind_that_no_array_takes_is_an_error() {
        let odd = Rows {
            table: "thing",
            columns: ["one"],
            values: vec![[Value::from('c')]],
        };
        assert!(odd.arrays().is_err());
    }
}
