//! What each replica holds in memory: all of it at the start, then what changed.

use chrono::{DateTime, Utc};
use kit::Db;
use sea_orm::{
    ColumnTrait as _, Condition, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::entity::{session, student};
use crate::{
    Error,
    domain::{Session, Student},
};

/// Ids in a statement.
const A_STATEMENT: usize = 1000;

/// Students whose ids come after this one.
pub(crate) async fn students_after(db: &Db, after: Uuid, limit: u64) -> Result<Vec<Student>, DbErr> {
    let next = student::Entity::find().filter(student::Column::Id.gt(after));
    let rows = next
        .order_by_asc(student::Column::Id)
        .limit(limit)
        .all(db.reader())
        .await?;
    Ok(rows.into_iter().map(super::student::student).collect())
}

/// Which students changed since then, and their versions.
pub(crate) async fn students_since(db: &Db, since: DateTime<Utc>) -> Result<Vec<(Uuid, i64)>, DbErr> {
    let changed = student::Entity::find().filter(student::Column::ChangedAt.gte(since));
    let only = changed
        .select_only()
        .columns([student::Column::Id, student::Column::Version]);
    only.into_tuple().all(db.reader()).await
}

/// These students.
pub(crate) async fn students(db: &Db, ids: &[Uuid]) -> Result<Vec<Student>, DbErr> {
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(A_STATEMENT) {
        let these = student::Entity::find().filter(student::Column::Id.is_in(some.iter().copied()));
        let rows = these.all(db.reader()).await?;
        found.extend(rows.into_iter().map(super::student::student));
    }
    Ok(found)
}

/// Roll calls that are not settled, and those that changed since then.
pub(crate) async fn sessions(db: &Db, since: Option<DateTime<Utc>>) -> Result<Vec<Session>, Error> {
    let which = match since {
        Some(since) => Condition::all().add(session::Column::ChangedAt.gte(since)),
        None => Condition::all().add(session::Column::SettledAt.is_null()),
    };
    let rows = session::Entity::find().filter(which).all(db.reader()).await?;
    rows.into_iter().map(super::session::session).collect()
}
