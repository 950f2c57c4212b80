//! Everything that a database holds, so that a test can say what it does not.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};

/// Every row of every table as a line of text, `table: value|value`. What is text within bytes is readable.
///
/// # Panics
/// When the database does not answer.
pub async fn contents(db: &impl ConnectionTrait) -> Vec<String> {
    let tables = match db.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT CAST(table_name AS text) AS text FROM information_schema.tables WHERE table_schema = 'public'"
        }
        _ => "SELECT name AS text FROM sqlite_master WHERE type = 'table'",
    };
    let mut lines = Vec::new();
    for table in texts(db, tables).await {
        let columns = columns(db, &table).await.join(" || '|' || ");
        let rows = match db.get_database_backend() {
            DbBackend::Postgres => format!("SELECT {columns} AS text FROM \"{table}\""),
            // Ids are bytes that are no text.
            _ => format!("SELECT CAST({columns} AS blob) AS text FROM \"{table}\""),
        };
        let rows = texts(db, &rows).await;
        lines.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
    }
    lines
}

/// The columns of a table, each as an expression that is never null.
async fn columns(db: &impl ConnectionTrait, table: &str) -> Vec<String> {
    let is_postgres = db.get_database_backend() == DbBackend::Postgres;
    let sql = if is_postgres {
        format!(
            "SELECT column_name || ' ' || data_type AS text FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = '{table}'"
        )
    } else {
        format!("SELECT name || ' ' || type AS text FROM pragma_table_info('{table}')")
    };
    let expression = |column: String| {
        let (name, kind) = column.split_once(' ').unwrap_or((&column, ""));
        match kind {
            "bytea" => format!("COALESCE(encode(\"{name}\", 'escape'), '')"),
            _ => format!("COALESCE(CAST(\"{name}\" AS text), '')"),
        }
    };
    texts(db, &sql).await.into_iter().map(expression).collect()
}

async fn texts(db: &impl ConnectionTrait, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.expect("the database answers");
    rows.iter().map(text).collect()
}

fn text(row: &QueryResult) -> String {
    row.try_get("", "text").unwrap_or_else(|_| {
        let bytes: Vec<u8> = row.try_get("", "text").expect("text or bytes");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
