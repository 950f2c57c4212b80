//! Marks and scans lie by month on PostgreSQL, so that old ones go in one piece; SQLite keeps one table of each.

use chrono::{Datelike as _, Months, NaiveDate};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult, Statement};

/// The tables that lie by month.
pub(crate) const TABLES: [&str; 2] = ["mark", "scan"];

/// Whoever makes room holds this until they have committed: two at once would both find that there is none.
const MAKING_ROOM: i64 = 0x6d61_726b;

#[derive(FromQueryResult)]
struct Found {
    name: String,
}

/// The first day of the month of a day.
pub(crate) fn month_of(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

/// Makes room for the month of this day, where it is not there, in the caller's transaction. Nothing happens on SQLite.
pub(crate) async fn make_room(db: &impl ConnectionTrait, day: NaiveDate) -> Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let begin = month_of(day);
    if is_there(db, begin).await? {
        return Ok(());
    }
    db.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MAKING_ROOM})"))
        .await?;
    if is_there(db, begin).await? {
        return Ok(());
    }
    let end = begin + Months::new(1);
    for table in TABLES {
        let name = name(table, begin);
        // Attaching waits for nobody who reads or writes, as making it within the table would.
        let sql = format!(
            "CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS); \
             ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{begin}') TO ('{end}')"
        );
        db.execute_unprepared(&sql).await?;
    }
    Ok(())
}

/// The parts of a table that lie before the month of this day.
pub(crate) async fn older(db: &impl ConnectionTrait, table: &str, before: NaiveDate) -> Result<Vec<String>, DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(Vec::new());
    }
    let sql = "SELECT part.relname::text AS name FROM pg_inherits \
               JOIN pg_class part ON part.oid = pg_inherits.inhrelid \
               JOIN pg_class whole ON whole.oid = pg_inherits.inhparent \
               JOIN pg_namespace room ON room.oid = whole.relnamespace \
               WHERE whole.relname = $1 AND room.nspname = current_schema() AND part.relname < $2 ORDER BY part.relname";
    // Names of parts sort as their months do.
    let values = [table.into(), name(table, month_of(before)).into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let found = Found::find_by_statement(statement).all(db).await?;
    Ok(found.into_iter().map(|part| part.name).collect())
}

/// Takes a part out of its table, with everything in it.
pub(crate) async fn drop_in_txn(db: &impl ConnectionTrait, table: &str, part: &str) -> Result<(), DbErr> {
    let sql = format!("ALTER TABLE {table} DETACH PARTITION {part}; DROP TABLE {part}");
    db.execute_unprepared(&sql).await.map(drop)
}

fn name(table: &str, begin: NaiveDate) -> String {
    format!("{table}_{}", begin.format("%Y_%m"))
}

async fn is_there(db: &impl ConnectionTrait, begin: NaiveDate) -> Result<bool, DbErr> {
    let sql = "SELECT 1 AS one WHERE to_regclass($1) IS NOT NULL AND to_regclass($2) IS NOT NULL";
    let values = TABLES.map(|table| name(table, begin).into());
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(db.query_one_raw(statement).await?.is_some())
}
