//! Pictures: announced before their object is stored, kept with it, doomed before it goes. No object is ever forgotten.

use chrono::{DateTime, Utc};
use kit::{db::Txn, page::Paging};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Select, sea_query::Expr,
};
use uuid::Uuid;

use super::entity::image::{ActiveModel, Column, Entity, Model};
use crate::{
    Error,
    domain::{Image, ImageKind},
};

const ARRIVING: &str = "arriving";
const KEPT: &str = "kept";
const DOOMED: &str = "doomed";

/// Notes that an object is about to be stored.
pub(crate) async fn announce_in_txn(txn: &Txn, image: &Image) -> Result<(), Error> {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let row = ActiveModel {
        id: Set(image.id),
        ticket_id: Set(image.ticket_id),
        key: Set(image.key.clone()),
        state: Set(ARRIVING.to_owned()),
        media_type: Set(image.kind.media_type().to_owned()),
        size: Set(i64::try_from(image.size).unwrap_or(i64::MAX)),
        width: Set(number(image.width)),
        height: Set(number(image.height)),
        sha256: Set(image.sha256.to_vec()),
        created_at: Set(image.created_at),
    };
    Entity::insert(row).exec_without_returning(&**txn).await?;
    Ok(())
}

/// Keeps a picture that has arrived; `false` where it took so long that it was given up.
pub(crate) async fn keep_in_txn(txn: &Txn, id: Uuid) -> Result<bool, DbErr> {
    Ok(turn(txn, Column::Id.eq(id), ARRIVING, KEPT).await? == 1)
}

/// Gives up a picture that was not kept.
pub(crate) async fn give_up_in_txn(txn: &Txn, id: Uuid) -> Result<bool, DbErr> {
    Ok(turn(txn, Column::Id.eq(id), ARRIVING, DOOMED).await? == 1)
}

/// Gives up what was announced before then and never kept.
pub(crate) async fn give_up_older_in_txn(txn: &Txn, before: DateTime<Utc>) -> Result<u64, DbErr> {
    turn(txn, Column::CreatedAt.lt(before), ARRIVING, DOOMED).await
}

/// Dooms every picture of some tickets.
pub(crate) async fn doom_in_txn(txn: &Txn, tickets: &[Uuid]) -> Result<u64, DbErr> {
    if tickets.is_empty() {
        return Ok(0);
    }
    turn(txn, Column::TicketId.is_in(tickets.iter().copied()), KEPT, DOOMED).await
}

async fn turn(txn: &Txn, which: sea_orm::sea_query::SimpleExpr, from: &str, to: &str) -> Result<u64, DbErr> {
    let result = Entity::update_many()
        .col_expr(Column::State, Expr::val(to))
        .filter(Condition::all().add(which).add(Column::State.eq(from)))
        .exec(&**txn)
        .await?;
    Ok(result.rows_affected)
}

/// Some that are to go, with their keys, in order of their ids.
pub(crate) async fn doomed(db: &impl ConnectionTrait, after: Uuid, most: u64) -> Result<Vec<(Uuid, String)>, DbErr> {
    Entity::find()
        .filter(Column::State.eq(DOOMED))
        .filter(Column::Id.gt(after))
        .order_by_asc(Column::Id)
        .limit(most)
        .select_only()
        .columns([Column::Id, Column::Key])
        .into_tuple()
        .all(db)
        .await
}

/// Forgets one whose object is gone.
pub(crate) async fn forget_in_txn(txn: &Txn, id: Uuid) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::Id.eq(id))
        .filter(Column::State.eq(DOOMED))
        .exec(&**txn)
        .await
        .map(drop)
}

/// The pictures of a ticket, the first first.
pub(crate) async fn of_ticket(db: &impl ConnectionTrait, ticket: Uuid) -> Result<Vec<Image>, Error> {
    let rows = kept(ticket).all(db).await?;
    rows.into_iter().map(image).collect()
}

/// One page of them, and how many there are.
pub(crate) async fn page(db: &impl ConnectionTrait, ticket: Uuid, paging: Paging) -> Result<(Vec<Image>, u64), Error> {
    let total = kept(ticket).count(db).await?;
    let rows = kept(ticket)
        .limit(paging.limit())
        .offset(paging.offset())
        .all(db)
        .await?;
    let images: Result<Vec<Image>, Error> = rows.into_iter().map(image).collect();
    Ok((images?, total))
}

/// One that was kept.
pub(crate) async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Image>, Error> {
    let row = Entity::find_by_id(id).filter(Column::State.eq(KEPT)).one(db).await?;
    row.map(image).transpose()
}

fn kept(ticket: Uuid) -> Select<Entity> {
    Entity::find()
        .filter(Column::TicketId.eq(ticket))
        .filter(Column::State.eq(KEPT))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
}

fn image(row: Model) -> Result<Image, Error> {
    let wrong = |what| Error::Inconsistent {
        table: "image",
        row: row.id,
        what,
    };
    Ok(Image {
        id: row.id,
        ticket_id: row.ticket_id,
        key: row.key.clone(),
        kind: ImageKind::parse(&row.media_type).ok_or_else(|| wrong("media_type"))?,
        size: u64::try_from(row.size).map_err(|_| wrong("size"))?,
        width: u32::try_from(row.width).map_err(|_| wrong("width"))?,
        height: u32::try_from(row.height).map_err(|_| wrong("height"))?,
        sha256: row.sha256.as_slice().try_into().map_err(|_| wrong("sha256"))?,
        created_at: row.created_at,
    })
}
