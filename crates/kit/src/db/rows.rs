//! Many rows, and many ids, in one statement.
//!
//! PostgreSQL gets them as arrays, so that the text of the statement is the same however many there are: it is parsed and
//! planned once a connection instead of once a number, and each time costs one round trip. SQLite takes them as values.

use std::fmt::Write as _;

use chrono::SecondsFormat;
use sea_orm::{DbBackend, DbErr, Statement, Value};

/// Rows of a table that are about to be inserted.
pub struct Rows<const COLUMNS: usize> {
    pub table: &'static str,
    pub columns: [&'static str; COLUMNS],
    pub values: Vec<[Value; COLUMNS]>,
}

impl<const COLUMNS: usize> Rows<COLUMNS> {
    /// The statement that inserts them, one at least; `then` is what follows the rows in it.
    pub fn insert(self, backend: DbBackend, then: &str) -> Result<Statement, DbErr> {
        let (table, columns) = (self.table, self.columns.join(", "));
        if backend == DbBackend::Postgres {
            let (mut places, mut arrays) = (Vec::with_capacity(COLUMNS), Vec::with_capacity(COLUMNS));
            for column in 0..COLUMNS {
                let (kind, array) = array(self.values.iter().map(|row| &row[column]))?;
                places.push(format!("CAST(${} AS {kind}[])", column + 1));
                arrays.push(array);
            }
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
}

/// The condition that a column is one of these, and its values; they come after those places that are taken.
pub fn one_of<V: Into<Value>>(
    backend: DbBackend,
    column: &str,
    taken: usize,
    these: impl IntoIterator<Item = V>,
) -> Result<(String, Vec<Value>), DbErr> {
    let these: Vec<Value> = these.into_iter().map(Into::into).collect();
    if these.is_empty() {
        return Ok(("FALSE".to_owned(), these));
    }
    if backend == DbBackend::Postgres {
        let (kind, array) = array(these.iter())?;
        let condition = format!("{column} = ANY (CAST(${} AS {kind}[]))", taken + 1);
        return Ok((condition, vec![array]));
    }
    Ok((format!("{column} IN ({})", places(taken, these.len())), these))
}

/// The type of these values, and the values as PostgreSQL reads an array: `{2026-07-01,2026-07-02}`.
fn array<'a>(values: impl ExactSizeIterator<Item = &'a Value>) -> Result<(&'static str, Value), DbErr> {
    let (mut text, mut kind) = (String::with_capacity(values.len() * 40), "");
    for value in values {
        text.push(if text.is_empty() { '{' } else { ',' });
        kind = write_element(&mut text, value)?;
    }
    text.push('}');
    Ok((kind, text.into()))
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
        Value::Int(number) => ("integer", number.map(|number| write!(array, "{number}"))),
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
pub fn places(taken: usize, count: usize) -> String {
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
    use uuid::Uuid;

    use super::*;
    use chrono::{DateTime, NaiveDate};

    type AllKinds = [Value; 9];

    fn rows(values: Vec<AllKinds>) -> Rows<9> {
        let columns = ["id", "day", "at", "yes", "few", "count", "meters", "token", "said"];
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
            Value::from(4_i32),
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
            None::<i32>.into(),
            None::<i64>.into(),
            Value::from(f64::NAN),
            None::<Vec<u8>>.into(),
            None::<String>.into(),
        ]
    }

    #[test]
    fn each_column_is_an_array_of_its_type() {
        let insert = rows(vec![empty(), full()]).insert(DbBackend::Postgres, "RETURNING id");
        let insert = insert.unwrap();
        assert_eq!(
            insert.sql,
            "INSERT INTO thing (id, day, at, yes, few, count, meters, token, said) SELECT * FROM unnest(\
             CAST($1 AS uuid[]), CAST($2 AS date[]), CAST($3 AS timestamptz[]), CAST($4 AS boolean[]), \
             CAST($5 AS integer[]), CAST($6 AS bigint[]), CAST($7 AS double precision[]), CAST($8 AS bytea[]), \
             CAST($9 AS text[])) RETURNING id"
        );
        let expected = [
            "{NULL,00000000-0000-0000-0000-000000000007}",
            "{NULL,2026-07-01}",
            "{NULL,2026-11-18T11:06:40.123456Z}",
            "{NULL,true}",
            "{NULL,4}",
            "{NULL,-3}",
            "{NaN,1.5}",
            "{NULL,\"\\\\x00ff\"}",
            "{NULL,\"a \\\"b\\\", {NULL} \\\\ \n ü\"}",
        ];
        assert_eq!(insert.values.unwrap().0, expected.map(Value::from));
    }

    #[test]
    fn sqlite_takes_each_value_by_itself() {
        let rows = Rows {
            table: "thing",
            columns: ["few", "said"],
            values: vec![[1_i32.into(), "a".into()], [2_i32.into(), "b".into()]],
        };
        let insert = rows.insert(DbBackend::Sqlite, "RETURNING few").unwrap();
        assert_eq!(
            insert.sql,
            "INSERT INTO thing (few, said) VALUES ($1, $2), ($3, $4) RETURNING few"
        );
        let expected = [1_i32.into(), "a".into(), 2_i32.into(), "b".into()];
        assert_eq!(insert.values.unwrap().0, expected);
    }

    #[test]
    fn one_of_many_is_one_value_for_postgres_and_many_for_sqlite() {
        let these = ["a", "b\"", "c"];
        let (condition, values) = one_of(DbBackend::Postgres, "said", 2, these).unwrap();
        assert_eq!(condition, "said = ANY (CAST($3 AS text[]))");
        assert_eq!(values, [Value::from(r#"{"a","b\"","c"}"#)]);
        let (condition, values) = one_of(DbBackend::Sqlite, "said", 2, these).unwrap();
        assert_eq!(condition, "said IN ($3, $4, $5)");
        assert_eq!(values, these.map(Value::from));
    }

    #[test]
    fn nothing_is_one_of_none() {
        for backend in [DbBackend::Postgres, DbBackend::Sqlite] {
            let (condition, values) = one_of(backend, "id", 0, None::<Uuid>).unwrap();
            assert_eq!((condition.as_str(), values.len()), ("FALSE", 0));
        }
    }

    #[test]
    fn a_kind_that_no_array_takes_is_an_error() {
        let odd = Rows {
            table: "thing",
            columns: ["one"],
            values: vec![[Value::from('c')]],
        };
        assert!(odd.insert(DbBackend::Postgres, "").is_err());
        assert!(one_of(DbBackend::Postgres, "one", 0, ['c']).is_err());
    }
}
