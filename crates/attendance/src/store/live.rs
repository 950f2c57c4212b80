//! What is told of a roll call while it goes on: scans as they came in, what the guard decided, how many are there.

use chrono::{DateTime, Days, NaiveDate, Utc};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement, Value};
use uuid::Uuid;

use super::scan::{self, Kept};
use crate::{Error, domain::Session};

/// No window of time holds more scans than this; the bound is for what should not happen.
const MOST_IDS: i64 = 20_000;
/// Ids a statement takes.
const IDS_A_STATEMENT: usize = 200;

#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

/// What is told of a roll call: a student who was marked already is not told again.
const TOLD: &str = "scan.session_id = $1 AND scan.day BETWEEN $2 AND $3 AND scan.outcome <> 'already_marked'";

/// The scans of a roll call that came in since then; a student who was marked already is not told again.
pub(crate) async fn scans_since(
    db: &impl ConnectionTrait,
    session: &Session,
    since: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbErr> {
    let sql = format!(
        "SELECT id FROM scan WHERE session_id = $1 AND day BETWEEN $2 AND $3 AND outcome <> 'already_marked' \
         AND received_at >= $4 ORDER BY received_at, id LIMIT {MOST_IDS}"
    );
    let values = of_session(session).into_iter().chain([since.into()]);
    ids(db, &sql, values).await
}

/// The scans of a roll call that the guard decided since then.
pub(crate) async fn decided_since(
    db: &impl ConnectionTrait,
    session: Uuid,
    since: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbErr> {
    let sql = format!(
        "SELECT scan_id AS id FROM awaiting WHERE session_id = $1 AND decided_at >= $2 ORDER BY decided_at, scan_id \
         LIMIT {MOST_IDS}"
    );
    ids(db, &sql, [session.into(), since.into()]).await
}

/// These scans, in the order in which they came in.
pub(crate) async fn scans(db: &impl ConnectionTrait, session: &Session, wanted: &[Uuid]) -> Result<Vec<Kept>, Error> {
    let mut found = Vec::with_capacity(wanted.len());
    for some in wanted.chunks(IDS_A_STATEMENT) {
        let places: Vec<String> = (4..4 + some.len()).map(|place| format!("${place}")).collect();
        let these = format!("{TOLD} AND scan.id IN ({})", places.join(", "));
        let values = of_session(session)
            .into_iter()
            .chain(some.iter().map(|id| Value::from(*id)));
        found.append(&mut scan::read(db, &these, values).await?);
    }
    found.sort_by_key(|scan: &Kept| (scan.received_at, scan.id));
    Ok(found)
}

/// The latest scans, the latest first.
pub(crate) async fn recent(db: &impl ConnectionTrait, session: &Session, most: u32) -> Result<Vec<Kept>, Error> {
    let latest = format!("{TOLD} ORDER BY scan.received_at DESC, scan.id DESC LIMIT {most}");
    scan::read(db, &latest, of_session(session)).await
}

/// The scans that wait for the guard's word, the first first.
pub(crate) async fn waiting(db: &impl ConnectionTrait, session: &Session, most: u32) -> Result<Vec<Kept>, Error> {
    let open = format!(
        "{TOLD} AND awaiting.scan_id = scan.id AND awaiting.decided_at IS NULL \
         ORDER BY awaiting.asked_at, scan.id LIMIT {most}"
    );
    scan::read(db, &open, of_session(session)).await
}

/// A scan lies in the month of its roll call, give or take the nights between two days: nothing else is looked through.
fn of_session(session: &Session) -> [Value; 3] {
    let (first, last) = around(session.day);
    [session.id.into(), first.into(), last.into()]
}

fn around(day: NaiveDate) -> (NaiveDate, NaiveDate) {
    let first = day.checked_sub_days(Days::new(1)).unwrap_or(day);
    let last = day.checked_add_days(Days::new(2)).unwrap_or(day);
    (first, last)
}

async fn ids(
    db: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<Uuid>, DbErr> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let found = Id::find_by_statement(statement).all(db).await?;
    Ok(found.into_iter().map(|row| row.id).collect())
}
