//! All that is held of a student, to be told or to be forgotten.

use kit::db::Txn;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, ExprTrait as _},
};
use uuid::Uuid;

use super::{
    entity::{
        change, comment,
        ticket::{Column, Entity},
    },
    ticket::row,
};
use crate::{
    Error,
    domain::{Change, Comment, Ticket},
};

/// Of each grievance so many comments and changes are told of, the first ones.
const MOST: u64 = 1000;

/// The last grievances of a student.
pub(crate) async fn tickets(db: &impl ConnectionTrait, student: Uuid, most: u64) -> Result<Vec<Ticket>, Error> {
    let rows = Entity::find()
        .filter(Column::StudentId.eq(student))
        .order_by_desc(Column::CreatedAt)
        .limit(most)
        .all(db)
        .await?;
    rows.into_iter().map(row::ticket).collect()
}

/// What was said about a grievance that is not internal.
pub(crate) async fn comments(db: &impl ConnectionTrait, ticket: Uuid) -> Result<Vec<Comment>, DbErr> {
    let rows = comment::Entity::find()
        .filter(comment::Column::TicketId.eq(ticket))
        .filter(comment::Column::Internal.eq(false))
        .order_by_asc(comment::Column::CreatedAt)
        .limit(MOST)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(super::comment::comment).collect())
}

/// What changed of a grievance that is not internal.
pub(crate) async fn changes(db: &impl ConnectionTrait, ticket: Uuid) -> Result<Vec<Change>, DbErr> {
    let rows = change::Entity::find()
        .filter(change::Column::TicketId.eq(ticket))
        .filter(change::Column::Internal.eq(false))
        .order_by_asc(change::Column::ChangedAt)
        .order_by_asc(change::Column::Id)
        .limit(MOST)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(super::change::change).collect())
}

/// Takes words and places out of what is held of a student; the grievances that it was about, each in its next version, but for sensitive
/// ones, of which nobody is told. Whoever is just changing one finds that it is another by now, and brings nothing back.
pub(crate) async fn forget_in_txn(txn: &Txn, student: Uuid) -> Result<Vec<Ticket>, Error> {
    // In the order in which merging locks several: no two wait for each other.
    Entity::find()
        .filter(Column::StudentId.eq(student))
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .select_only()
        .column(Column::Id)
        .into_tuple::<Uuid>()
        .all(&**txn)
        .await?;
    let nothing = || Expr::val(Option::<String>::None);
    let told = Expr::case(Column::Sensitive.eq(false), 1).finally(0);
    let rows = Entity::update_many()
        .col_expr(Column::Description, Expr::val(""))
        .col_expr(Column::DescriptionFolded, Expr::val(""))
        .col_expr(Column::Block, nothing())
        .col_expr(Column::RoomNo, nothing())
        .col_expr(Column::RoomNoFolded, nothing())
        .col_expr(Column::ResolutionComments, nothing())
        .col_expr(Column::RatingComment, nothing())
        .col_expr(Column::Version, Expr::col(Column::Version).add(told))
        .filter(Column::StudentId.eq(student))
        .exec_with_returning(&**txn)
        .await?;
    for sql in [
        "DELETE FROM comment WHERE ticket_id IN (SELECT id FROM ticket WHERE student_id = $1)",
        "UPDATE change SET before = NULL, after = NULL WHERE field = 'resolution_comments' \
         AND ticket_id IN (SELECT id FROM ticket WHERE student_id = $1)",
    ] {
        super::execute(&**txn, sql, [student.into()]).await?;
    }
    rows.into_iter().map(row::ticket).collect()
}
