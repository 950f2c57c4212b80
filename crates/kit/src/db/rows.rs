//! Many rows, and many ids, in one statement.
//!
//! PostgreSQL gets them as arrays, so that the text of the statement is the same however many there are: it is parsed and
//! planned once a connection instead of once a number, and each time costs one round trip. An array is bound in binary form,
//! unless something in it is missing: the binding of the database library takes no NULL there, and such a column goes as text,
//! which costs PostgreSQL several times as much to read. The text of the statement says which columns those are. SQLite takes
//! each value by itself.

use std::fmt::Write as _;

use chrono::SecondsFormat;
use sea_orm::{DbBackend, DbErr, Statement, Value, sea_query::ArrayType};

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
            let arrays = columns_of(self.values).into_iter().zip(1..);
            let arrays = arrays.map(|(values, place)| array(place, values));
            let (places, arrays): (Vec<String>, Vec<Value>) = arrays.collect::<Result<_, _>>()?;
            let sql = format!(
                "INSERT INTO {table} ({columns}) SELECT * FROM unnest({}) {then}",
                places.join(", ")
            );
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
        let (place, array) = array(taken + 1, these)?;
        return Ok((format!("{column} = ANY ({place})"), vec![array]));
    }
    Ok((format!("{column} IN ({})", places(taken, these.len())), these))
}

/// The values of each column.
fn columns_of<const COLUMNS: usize>(rows: Vec<[Value; COLUMNS]>) -> [Vec<Value>; COLUMNS] {
    let mut columns = std::array::from_fn(|_| Vec::with_capacity(rows.len()));
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    columns
}

/// What stands for these values at their place in a statement, and the one value that they are there.
fn array(place: usize, values: Vec<Value>) -> Result<(String, Value), DbErr> {
    let mut kinds = values.iter().map(Kind::of);
    // Whoever comes here has one value at least; none at all would be texts.
    let kind = kinds.next().unwrap_or(Ok(Kind::TEXT))?;
    let name = kind.name;
    for other in kinds {
        let other = other?.name;
        if other != name {
            return Err(DbErr::Type(format!("a column of several kinds: {name} and {other}")));
        }
    }
    // Two forms of a cast, because a prepared statement is found again by its text, and takes only one kind of value.
    if values.iter().all(Value::is_some) {
        let array = Value::Array(kind.array, Some(Box::new(values)));
        return Ok((format!("${place}::{name}[]"), array));
    }
    Ok((format!("CAST(${place} AS {name}[])"), in_words(&values)?.into()))
}

/// What kind of value it is, to PostgreSQL and to the database library.
struct Kind {
    name: &'static str,
    array: ArrayType,
}

impl Kind {
    const TEXT: Self = Self {
        name: "text",
        array: ArrayType::String,
    };

    fn of(value: &Value) -> Result<Self, DbErr> {
        let (name, array) = match value {
            Value::Uuid(_) => ("uuid", ArrayType::Uuid),
            Value::ChronoDate(_) => ("date", ArrayType::ChronoDate),
            Value::ChronoDateTimeUtc(_) => ("timestamptz", ArrayType::ChronoDateTimeUtc),
            Value::Bool(_) => ("boolean", ArrayType::Bool),
            Value::Int(_) => ("integer", ArrayType::Int),
            Value::BigInt(_) => ("bigint", ArrayType::BigInt),
            Value::Double(_) => ("double precision", ArrayType::Double),
            Value::Bytes(_) => ("bytea", ArrayType::Bytes),
            Value::String(_) => return Ok(Self::TEXT),
            other => return Err(of_no_kind(other)),
        };
        Ok(Self { name, array })
    }
}

fn of_no_kind(value: &Value) -> DbErr {
    DbErr::Type(format!("rows of a kind that no array takes here: {value:?}"))
}

/// The values as PostgreSQL reads an array: `{2026-07-01,NULL}`.
fn in_words(values: &[Value]) -> Result<String, DbErr> {
    let mut text = String::with_capacity(values.len() * 40);
    for value in values {
        text.push(if text.is_empty() { '{' } else { ',' });
        write_element(&mut text, value)?;
    }
    text.push('}');
    Ok(text)
}

/// Writes a value as an element of an array.
fn write_element(array: &mut String, value: &Value) -> Result<(), DbErr> {
    let written = match value {
        Value::Uuid(id) => id.map(|id| write!(array, "{id}")),
        Value::ChronoDate(day) => day.map(|day| write!(array, "{day}")),
        Value::ChronoDateTimeUtc(at) => {
            at.map(|at| write!(array, "{}", at.to_rfc3339_opts(SecondsFormat::Micros, true)))
        }
        Value::Bool(yes) => yes.map(|yes| write!(array, "{yes}")),
        Value::Int(number) => number.map(|number| write!(array, "{number}")),
        Value::BigInt(number) => number.map(|number| write!(array, "{number}")),
        Value::Double(number) => number.map(|number| write!(array, "{number}")),
        Value::Bytes(bytes) => {
            let bytes = bytes.as_ref();
            bytes.map(|bytes| write!(array, "\"\\\\x{}\"", hex::encode(bytes)))
        }
        Value::String(said) => said.as_ref().map(|said| write_quoted(array, said)),
        other => return Err(of_no_kind(other)),
    };
    let written = written.unwrap_or_else(|| array.write_str("NULL"));
    written.map_err(|error| DbErr::Custom(error.to_string()))
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
            None::<f64>.into(),
            None::<Vec<u8>>.into(),
            None::<String>.into(),
        ]
    }

    const INTO_THING: &str =
        "INSERT INTO thing (id, day, at, yes, few, count, meters, token, said) SELECT * FROM unnest(";

    #[test]
    fn each_column_is_an_array_of_its_type() {
        let insert = rows(vec![full(), full()]).insert(DbBackend::Postgres, "RETURNING id");
        let insert = insert.unwrap();
        let places = "$1::uuid[], $2::date[], $3::timestamptz[], $4::boolean[], $5::integer[], $6::bigint[], \
                      $7::double precision[], $8::bytea[], $9::text[]) RETURNING id";
        assert_eq!(insert.sql, format!("{INTO_THING}{places}"));
        let kinds = [
            ArrayType::Uuid,
            ArrayType::ChronoDate,
            ArrayType::ChronoDateTimeUtc,
            ArrayType::Bool,
            ArrayType::Int,
            ArrayType::BigInt,
            ArrayType::Double,
            ArrayType::Bytes,
            ArrayType::String,
        ];
        let columns = kinds.into_iter().zip(full());
        let expected = columns.map(|(kind, value)| Value::Array(kind, Some(Box::new(vec![value.clone(), value]))));
        assert_eq!(insert.values.unwrap().0, expected.collect::<Vec<_>>());
    }

    #[test]
    fn a_column_where_something_is_missing_goes_in_words() {
        let insert = rows(vec![empty(), full()]).insert(DbBackend::Postgres, "RETURNING id");
        let insert = insert.unwrap();
        let places = "CAST($1 AS uuid[]), CAST($2 AS date[]), CAST($3 AS timestamptz[]), CAST($4 AS boolean[]), \
                      CAST($5 AS integer[]), CAST($6 AS bigint[]), CAST($7 AS double precision[]), CAST($8 AS bytea[]), \
                      CAST($9 AS text[])) RETURNING id";
        assert_eq!(insert.sql, format!("{INTO_THING}{places}"));
        let expected = [
            "{NULL,00000000-0000-0000-0000-000000000007}",
            "{NULL,2026-07-01}",
            "{NULL,2026-11-18T11:06:40.123456Z}",
            "{NULL,true}",
            "{NULL,4}",
            "{NULL,-3}",
            "{NULL,1.5}",
            "{NULL,\"\\\\x00ff\"}",
            "{NULL,\"a \\\"b\\\", {NULL} \\\\ \n ü\"}",
        ];
        assert_eq!(insert.values.unwrap().0, expected.map(Value::from));
    }

    #[test]
    fn what_is_no_number_has_a_word() {
        let these = [Value::from(f64::NAN), None::<f64>.into()];
        assert_eq!(in_words(&these).unwrap(), "{NaN,NULL}");
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
        assert_eq!(condition, "said = ANY ($3::text[])");
        let array = Value::Array(ArrayType::String, Some(Box::new(these.map(Value::from).to_vec())));
        assert_eq!(values, [array]);
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

    #[test]
    fn a_column_of_two_kinds_is_an_error() {
        let these: [Value; 2] = [1_i32.into(), 1_i64.into()];
        assert!(one_of(DbBackend::Postgres, "one", 0, these).is_err());
    }
}
