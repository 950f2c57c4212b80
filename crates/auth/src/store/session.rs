//! Queries on sessions.

use chrono::{DateTime, Utc};
use kit::{db::Txn, page::Paging};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    FromQueryResult, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Statement,
    sea_query::Expr,
};
use uuid::Uuid;

use super::entity::session::{ActiveModel, Column, Entity, Model};

/// A session that begins.
#[derive(Debug)]
pub(crate) struct NewSession {
    pub id: Uuid,
    pub user_id: Uuid,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub with_second_factor: bool,
}

/// A session as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub id: Uuid,
    pub user_id: Uuid,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub end_reason: Option<String>,
}

/// What a session must be to go on: not ended, not run out, and used within the idle limit where there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alive {
    pub now: DateTime<Utc>,
    pub used_after: Option<DateTime<Utc>>,
}

impl From<Alive> for Condition {
    fn from(alive: Alive) -> Self {
        let used = alive.used_after.map(|after| Column::LastUsedAt.gt(after));
        Self::all()
            .add(Column::EndedAt.is_null())
            .add(Column::ExpiresAt.gt(alive.now))
            .add_option(used)
    }
}

pub(crate) async fn insert_in_txn(txn: &Txn, session: NewSession) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(session.id),
        user_id: Set(session.user_id),
        ip: Set(session.ip),
        user_agent: Set(session.user_agent),
        created_at: Set(session.created_at),
        last_used_at: Set(session.created_at),
        expires_at: Set(session.expires_at),
        ended_at: Set(None),
        end_reason: Set(None),
        with_second_factor: Set(session.with_second_factor),
    };
    row.insert(&**txn).await.map(drop)
}

pub(crate) async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Session>, DbErr> {
    Ok(Entity::find_by_id(id).one(db).await?.map(from_row))
}

/// Whether a session goes on.
pub(crate) async fn is_alive(db: &impl ConnectionTrait, id: Uuid, alive: Alive) -> Result<bool, DbErr> {
    let found = Entity::find_by_id(id).filter(Condition::from(alive)).count(db).await?;
    Ok(found > 0)
}

/// Those of a user's sessions that go on beyond the so many that were used last, at most a hundred.
pub(crate) async fn beyond(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    alive: Alive,
    most: u64,
) -> Result<Vec<Uuid>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::UserId.eq(user_id))
        .filter(Condition::from(alive))
        .order_by_desc(Column::LastUsedAt)
        .order_by_desc(Column::Id)
        .offset(most)
        .limit(100)
        .into_tuple()
        .all(db)
        .await
}

/// Records that a session was renewed, from where and with what; as it is then, or `None` when it does not go on.
pub(crate) async fn renew_in_txn(
    txn: &Txn,
    id: Uuid,
    alive: Alive,
    (ip, user_agent): (Option<&str>, Option<&str>),
) -> Result<Option<Session>, DbErr> {
    let renewed = Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::val(alive.now))
        .col_expr(Column::Ip, Expr::val(ip))
        .col_expr(Column::UserAgent, Expr::val(user_agent))
        .filter(Column::Id.eq(id))
        .filter(Condition::from(alive))
        .exec_with_returning(&**txn)
        .await?;
    Ok(renewed.into_iter().next().map(from_row))
}

/// One page of a user's sessions that go on, the last used first, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    alive: Alive,
    paging: Paging,
) -> Result<(Vec<Session>, u64), DbErr> {
    let wanted = Entity::find()
        .filter(Column::UserId.eq(user_id))
        .filter(Condition::from(alive));
    let total = wanted.clone().count(db).await?;
    let rows = wanted
        .order_by_desc(Column::LastUsedAt)
        .order_by_desc(Column::Id)
        .offset(paging.offset())
        .limit(paging.limit())
        .all(db)
        .await?;
    Ok((rows.into_iter().map(from_row).collect(), total))
}

/// The last sessions that a user began and that are still kept, ended or not.
pub(crate) async fn last(db: &impl ConnectionTrait, user_id: Uuid, most: u64) -> Result<Vec<Session>, DbErr> {
    let kept = Entity::find().filter(Column::UserId.eq(user_id));
    let rows = kept.order_by_desc(Column::CreatedAt).limit(most).all(db).await?;
    Ok(rows.into_iter().map(from_row).collect())
}

#[derive(FromQueryResult)]
struct Gone {
    id: Uuid,
}

/// The sessions that ended, and the API keys that were revoked, after then: whose access tokens must be refused.
pub(crate) async fn ended_since(db: &impl ConnectionTrait, since: DateTime<Utc>) -> Result<Vec<Uuid>, DbErr> {
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        "SELECT id FROM session WHERE ended_at > $1 UNION ALL SELECT id FROM api_key WHERE revoked_at > $1",
        [since.into()],
    );
    let gone = Gone::find_by_statement(statement).all(db).await?;
    Ok(gone.into_iter().map(|row| row.id).collect())
}

/// Which of a user's sessions end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    All,
    AllBut(Uuid),
    Only(Uuid),
}

/// Ends sessions of a user that have not ended yet; which they were.
pub(crate) async fn end_in_txn(
    txn: &Txn,
    user_id: Uuid,
    which: Which,
    why: &str,
    at: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbErr> {
    let mut ending = Entity::update_many()
        .col_expr(Column::EndedAt, Expr::val(at))
        .col_expr(Column::EndReason, Expr::val(why))
        .filter(Column::UserId.eq(user_id))
        .filter(Column::EndedAt.is_null());
    match which {
        Which::All => {}
        Which::AllBut(id) => ending = ending.filter(Column::Id.ne(id)),
        Which::Only(id) => ending = ending.filter(Column::Id.eq(id)),
    }
    let ended = ending.exec_with_returning(&**txn).await?;
    Ok(ended.into_iter().map(|row| row.id).collect())
}

fn from_row(row: Model) -> Session {
    Session {
        id: row.id,
        user_id: row.user_id,
        ip: row.ip,
        user_agent: row.user_agent,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        expires_at: row.expires_at,
        ended_at: row.ended_at,
        end_reason: row.end_reason,
    }
}
