//! What reports count. The database counts; a batch of lines at a time comes out.

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Value};
use uuid::Uuid;

use super::statement;
use crate::domain::{About, ReportLine, Scope, Tally, folded};

/// How a tally is counted.
const COUNTS: &str = "COUNT(*) FILTER (WHERE m.status = 'present') AS present, \
                      COUNT(*) FILTER (WHERE m.status = 'absent') AS absent, \
                      COUNT(*) FILTER (WHERE m.status = 'excused') AS excused, \
                      COUNT(*) FILTER (WHERE m.status = 'pending') AS pending";

#[derive(FromQueryResult)]
struct TallyRow {
    present: i64,
    absent: i64,
    excused: i64,
    pending: i64,
}

#[derive(FromQueryResult)]
struct StudentRow {
    id: Uuid,
    registration_no: String,
    name: String,
    room_no: Option<String>,
    #[sea_orm(nested)]
    tally: TallyRow,
}

#[derive(FromQueryResult)]
struct DayRow {
    day: NaiveDate,
    #[sea_orm(nested)]
    tally: TallyRow,
}

#[derive(FromQueryResult)]
struct SessionRow {
    id: Uuid,
    day: NaiveDate,
    valid_from: DateTime<Utc>,
    block: String,
    year: i16,
    #[sea_orm(nested)]
    tally: TallyRow,
}

/// Values of a statement, which name themselves as they are added.
#[derive(Default)]
struct Values(Vec<Value>);

impl Values {
    fn add(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }
}

/// The next students by registration number after one, and how often each was there; fewer than `most` where there are no more.
/// Students of whom the scope knows nothing come with nothing counted.
pub(crate) async fn students(
    db: &impl ConnectionTrait,
    scope: &Scope,
    after: &(String, Uuid),
    most: u64,
) -> Result<Vec<ReportLine>, DbErr> {
    let mut values = Values::default();
    let marks = marks(&mut values, scope);
    let (number, id) = (values.add(after.0.clone()), values.add(after.1));
    let sql = format!(
        "SELECT s.id, s.registration_no, s.name, s.room_no, COALESCE(t.present, 0) AS present, \
         COALESCE(t.absent, 0) AS absent, COALESCE(t.excused, 0) AS excused, COALESCE(t.pending, 0) AS pending \
         FROM (SELECT id, registration_no, name, room_no FROM student WHERE (registration_no, id) > ({number}, {id}) \
         ORDER BY registration_no, id LIMIT {most}) s \
         LEFT JOIN (SELECT m.student_id, {COUNTS} FROM mark m WHERE {marks} GROUP BY m.student_id) t \
         ON t.student_id = s.id ORDER BY s.registration_no, s.id"
    );
    let rows = StudentRow::find_by_statement(statement(db, &sql, values.0))
        .all(db)
        .await?;
    let line = |row: StudentRow| ReportLine {
        about: About::Student {
            id: row.id,
            registration_no: row.registration_no,
            name: row.name,
            room_no: row.room_no,
        },
        tally: row.tally.into(),
    };
    Ok(rows.into_iter().map(line).collect())
}

/// The days on which there are marks; a year has no more of them than fit in memory.
pub(crate) async fn days(db: &impl ConnectionTrait, scope: &Scope) -> Result<Vec<ReportLine>, DbErr> {
    let mut values = Values::default();
    let marks = marks(&mut values, scope);
    let sql = format!("SELECT m.day, {COUNTS} FROM mark m WHERE {marks} GROUP BY m.day ORDER BY m.day");
    let rows = DayRow::find_by_statement(statement(db, &sql, values.0)).all(db).await?;
    let line = |row: DayRow| ReportLine {
        about: About::Day(row.day),
        tally: row.tally.into(),
    };
    Ok(rows.into_iter().map(line).collect())
}

/// The next roll calls by day after one, also those without marks; fewer than `most` where there are no more.
pub(crate) async fn sessions(
    db: &impl ConnectionTrait,
    scope: &Scope,
    after: (NaiveDate, Uuid),
    most: u64,
) -> Result<Vec<ReportLine>, DbErr> {
    let mut values = Values::default();
    let which = roll_calls(&mut values, scope);
    let (day, id) = (values.add(after.0), values.add(after.1));
    let sql = format!(
        "SELECT r.id, r.day, r.valid_from, r.block, r.year, {COUNTS} \
         FROM (SELECT id, day, valid_from, block, year FROM session WHERE {which} AND (day, id) > ({day}, {id}) \
         ORDER BY day, id LIMIT {most}) r \
         LEFT JOIN mark m ON m.day = r.day AND m.session_id = r.id \
         GROUP BY r.id, r.day, r.valid_from, r.block, r.year ORDER BY r.day, r.id"
    );
    let rows = SessionRow::find_by_statement(statement(db, &sql, values.0))
        .all(db)
        .await?;
    let line = |row: SessionRow| ReportLine {
        about: About::Session {
            id: row.id,
            day: row.day,
            began_at: row.valid_from,
            block: row.block,
            year: u8::try_from(row.year).unwrap_or_default(),
        },
        tally: row.tally.into(),
    };
    Ok(rows.into_iter().map(line).collect())
}

/// Which marks count.
fn marks(values: &mut Values, scope: &Scope) -> String {
    let (from, to) = (values.add(scope.period.from), values.add(scope.period.to));
    let mut condition = format!("m.day BETWEEN {from} AND {to}");
    if scope.block.is_some() || scope.year.is_some() {
        let which = roll_calls(values, scope);
        condition = format!("{condition} AND m.session_id IN (SELECT id FROM session WHERE {which})");
    }
    condition
}

fn roll_calls(values: &mut Values, scope: &Scope) -> String {
    let (from, to) = (values.add(scope.period.from), values.add(scope.period.to));
    let mut condition = format!("day BETWEEN {from} AND {to}");
    if let Some(block) = &scope.block {
        let block = values.add(folded(block));
        condition = format!("{condition} AND block_folded = {block}");
    }
    if let Some(year) = scope.year {
        let year = values.add(i16::from(year));
        condition = format!("{condition} AND year = {year}");
    }
    condition
}

impl From<TallyRow> for Tally {
    fn from(row: TallyRow) -> Self {
        let count = |number| u64::try_from(number).unwrap_or_default();
        Self {
            present: count(row.present),
            absent: count(row.absent),
            excused: count(row.excused),
            pending: count(row.pending),
        }
    }
}
