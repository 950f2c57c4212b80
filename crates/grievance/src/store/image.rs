//! The pictures of grievances. What becomes of their objects is written down in [`kit::files::kept`].

use chrono::{DateTime, Utc};
use kit::{
    db::Txn,
    files::{Key, kept},
    page::Paging,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select,
};
use uuid::Uuid;

use super::entity::image::{ActiveModel, Column, Entity, Model};
use crate::{
    Error,
    domain::{Image, ImageKind},
};

pub(crate) async fn insert_in_txn(txn: &Txn, image: &Image) -> Result<(), Error> {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let row = ActiveModel {
        id: Set(image.id),
        ticket_id: Set(image.ticket_id),
        key: Set(image.key.to_string()),
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

/// Removes every picture of some tickets, and dooms their objects.
pub(crate) async fn remove_in_txn(txn: &Txn, tickets: &[Uuid], at: DateTime<Utc>) -> Result<(), Error> {
    let theirs = Entity::delete_many().filter(Column::TicketId.is_in(tickets.iter().copied()));
    let removed = theirs.exec_with_returning(&**txn).await?;
    let removed: Vec<Image> = removed.into_iter().map(image).collect::<Result<_, _>>()?;
    let keys: Vec<&Key> = removed.iter().map(|image| &image.key).collect();
    if !keys.is_empty() {
        kept::doom_in_txn(txn, &keys, at).await?;
    }
    Ok(())
}

/// The pictures of a ticket, the first first.
pub(crate) async fn of_ticket(db: &impl ConnectionTrait, ticket: Uuid) -> Result<Vec<Image>, Error> {
    let rows = of(ticket).all(db).await?;
    rows.into_iter().map(image).collect()
}

/// One page of them, and how many there are.
pub(crate) async fn page(db: &impl ConnectionTrait, ticket: Uuid, paging: Paging) -> Result<(Vec<Image>, u64), Error> {
    let total = of(ticket).count(db).await?;
    let rows = of(ticket).limit(paging.limit()).offset(paging.offset()).all(db).await?;
    let images: Result<Vec<Image>, Error> = rows.into_iter().map(image).collect();
    Ok((images?, total))
}

pub(crate) async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Image>, Error> {
    Entity::find_by_id(id).one(db).await?.map(image).transpose()
}

fn of(ticket: Uuid) -> Select<Entity> {
    Entity::find()
        .filter(Column::TicketId.eq(ticket))
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
        key: Key::parse(row.key).map_err(|_| wrong("key"))?,
        kind: ImageKind::parse(&row.media_type).ok_or_else(|| wrong("media_type"))?,
        size: u64::try_from(row.size).map_err(|_| wrong("size"))?,
        width: u32::try_from(row.width).map_err(|_| wrong("width"))?,
        height: u32::try_from(row.height).map_err(|_| wrong("height"))?,
        sha256: row.sha256.as_slice().try_into().map_err(|_| wrong("sha256"))?,
        created_at: row.created_at,
    })
}
