//! Many rows in one statement.
//!
//! PostgreSQL gets them as one JSON value, so that the text of the statement is the same however many there are: it is parsed
//! and planned once a connection instead of once a number of rows. SQLite takes them as values.

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
            let sql = format!(
                "INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, CAST($1 AS json)) {then}"
            );
            return Ok(Statement::from_sql_and_values(backend, sql, [self.json()?.into()]));
        }
        let rows = rows_of_places(self.values.len(), COLUMNS);
        let sql = format!("INSERT INTO {table} ({columns}) VALUES {rows} {then}");
        Ok(Statement::from_sql_and_values(
            backend,
            sql,
            self.values.into_iter().flatten(),
        ))
    }

    /// `[{"day": "2026-07-01", …}, …]`
    fn json(&self) -> Result<String, DbErr> {
        let mut text = String::with_capacity(self.values.len() * COLUMNS * 32);
        for (index, row) in self.values.iter().enumerate() {
            text.push(if index == 0 { '[' } else { ',' });
            for (place, (column, value)) in self.columns.iter().zip(row).enumerate() {
                let before = if place == 0 { '{' } else { ',' };
                // Writing to a string does not fail.
                let _ = write!(text, "{before}\"{column}\":");
                write_value(&mut text, value)?;
            }
            text.push('}');
        }
        text.push_str(if self.values.is_empty() { "[]" } else { "]" });
        Ok(text)
    }
}

fn write_value(text: &mut String, value: &Value) -> Result<(), DbErr> {
    let written = match value {
        Value::Uuid(Some(id)) => write!(text, "\"{id}\""),
        Value::ChronoDate(Some(day)) => write!(text, "\"{day}\""),
        Value::ChronoDateTimeUtc(Some(at)) => write!(text, "\"{}\"", at.to_rfc3339_opts(SecondsFormat::Micros, true)),
        Value::Bool(Some(yes)) => write!(text, "{yes}"),
        Value::BigInt(Some(number)) => write!(text, "{number}"),
        // What is no number to JSON is one to PostgreSQL.
        Value::Double(Some(number)) if number.is_finite() => write!(text, "{number}"),
        Value::Double(Some(number)) => write!(text, "\"{number}\""),
        Value::Bytes(Some(bytes)) => write!(text, "\"\\\\x{}\"", hex::encode(bytes)),
        Value::String(Some(said)) => {
            let said = serde_json::to_string(said).map_err(|error| DbErr::Json(error.to_string()))?;
            write!(text, "{said}")
        }
        Value::Uuid(None)
        | Value::ChronoDate(None)
        | Value::ChronoDateTimeUtc(None)
        | Value::Bool(None)
        | Value::BigInt(None)
        | Value::Double(None)
        | Value::Bytes(None)
        | Value::String(None) => write!(text, "null"),
        other => {
            return Err(DbErr::Type(format!(
                "rows of a kind that is not written as JSON: {other:?}"
            )));
        }
    };
    written.map_err(|error| DbErr::Custom(error.to_string()))
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

    #[test]
    fn rows_are_written_as_json_that_means_the_same() {
        let at = DateTime::from_timestamp(1_795_000_000, 123_456_789).unwrap();
        let values: Vec<[Value; 8]> = vec![
            [
                Uuid::from_u128(7).into(),
                NaiveDate::from_ymd_opt(2026, 7, 1).unwrap().into(),
                at.into(),
                true.into(),
                Value::from(-3_i64),
                1.5.into(),
                vec![0_u8, 255].into(),
                "a \"b\" \\ \n ü".into(),
            ],
            [
                None::<Uuid>.into(),
                None::<NaiveDate>.into(),
                None::<DateTime<chrono::Utc>>.into(),
                None::<bool>.into(),
                None::<i64>.into(),
                Value::from(f64::NAN),
                None::<Vec<u8>>.into(),
                None::<String>.into(),
            ],
        ];
        let columns = ["id", "day", "at", "yes", "count", "meters", "token", "said"];
        let rows = Rows {
            table: "thing",
            columns,
            values,
        };
        let read: serde_json::Value = serde_json::from_str(&rows.json().unwrap()).unwrap();
        let expected = serde_json::json!([
            {
                "id": "00000000-0000-0000-0000-000000000007", "day": "2026-07-01",
                "at": "2026-11-18T11:06:40.123456Z", "yes": true, "count": -3, "meters": 1.5, "token": "\\x00ff",
                "said": "a \"b\" \\ \n ü",
            },
            {
                "id": null, "day": null, "at": null, "yes": null, "count": null, "meters": "NaN", "token": null,
                "said": null,
            },
        ]);
        assert_eq!(read, expected);
        assert!(
            Rows {
                table: "thing",
                columns: ["one"],
                values: vec![[Value::from('c')]]
            }
            .json()
            .is_err()
        );
    }
}
