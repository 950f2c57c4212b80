//! Queries on rooms.

mod label;

use kit::{
    access::{Caller, Identity},
    db::{self, Txn},
    page::{Order, Paging},
};
use proto::options::Role;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, DbBackend, EntityTrait as _, Order as Direction, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Select,
    sea_query::{Expr, ExprTrait as _, Func, LikeExpr, SimpleExpr},
};
use uuid::Uuid;

use super::entity::{
    room::{ActiveModel, Column, Entity, Model},
    student,
};
use crate::{
    Error,
    domain::{BlockName, Room, RoomNumber, RoomRef},
};

pub(crate) use label::by_labels;

/// How many values a statement takes at most.
const VALUES_A_STATEMENT: usize = 500;

/// Which rooms to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// In the form by which names are compared.
    pub block: Option<String>,
    pub floor: Option<i32>,
    pub has_space: Option<bool>,
    /// Beginning of the number.
    pub search: Option<String>,
}

/// What a list of rooms is sorted by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SortBy {
    /// By block first.
    Number,
    Floor,
    Capacity,
    Occupied,
}

/// What a caller may see; every read for a caller starts here. A student sees the room that they live in.
fn visible_to(caller: &Caller) -> Select<Entity> {
    let all = Entity::find();
    match &caller.identity {
        Identity::User {
            role: Role::Admin | Role::Warden | Role::Guard | Role::Staff,
            ..
        }
        | Identity::Service { .. } => all,
        Identity::User {
            id,
            role: Role::Student,
            ..
        } => {
            let own = student::Entity::find_by_id(*id)
                .select_only()
                .column(student::Column::RoomId)
                .filter(student::Column::RoomId.is_not_null());
            all.filter(Column::Id.in_subquery(own.into_query()))
        }
        Identity::User { .. } | Identity::Nobody => all.filter(Expr::val(false)),
    }
}

/// A room that the caller may see.
pub(crate) async fn find_visible(db: &impl ConnectionTrait, caller: &Caller, id: Uuid) -> Result<Option<Room>, Error> {
    let row = visible_to(caller).filter(Column::Id.eq(id)).one(db).await?;
    row.map(from_row).transpose()
}

/// One page of the rooms that the caller may see, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    caller: &Caller,
    filter: &Filter,
    sort: (SortBy, Order),
    paging: Paging,
) -> Result<(Vec<Room>, u64), Error> {
    let mut rooms = visible_to(caller);
    if let Some(block) = &filter.block {
        // The names of blocks are plain ASCII.
        rooms = rooms.filter(Expr::expr(Func::upper(Expr::col(Column::Block))).eq(block.as_str()));
    }
    if let Some(floor) = filter.floor {
        rooms = rooms.filter(Column::Floor.eq(floor));
    }
    if let Some(has_space) = filter.has_space {
        let (occupied, capacity) = (Expr::col(Column::Occupied), Expr::col(Column::Capacity));
        rooms = rooms.filter(if has_space {
            occupied.lt(capacity)
        } else {
            occupied.gte(capacity)
        });
    }
    if let Some(search) = &filter.search {
        rooms = rooms.filter(begins_with(search));
    }
    let total = rooms.clone().count(db).await?;
    let rows = sorted(rooms, db.get_database_backend(), sort)
        .offset(paging.offset())
        .limit(paging.limit())
        .all(db)
        .await?;
    let rooms = rows.into_iter().map(from_row).collect::<Result<_, _>>()?;
    Ok((rooms, total))
}

/// Rooms that are alike in what they are sorted by stand by block and number.
fn sorted(rooms: Select<Entity>, backend: DbBackend, (by, order): (SortBy, Order)) -> Select<Entity> {
    let direction = match order {
        Order::Ascending => Direction::Asc,
        Order::Descending => Direction::Desc,
    };
    let (rooms, then) = match by {
        SortBy::Number => (rooms, direction),
        SortBy::Floor => (rooms.order_by(Column::Floor, direction), Direction::Asc),
        SortBy::Capacity => (rooms.order_by(Column::Capacity, direction), Direction::Asc),
        SortBy::Occupied => (rooms.order_by(Column::Occupied, direction), Direction::Asc),
    };
    let collation = by_bytes(backend);
    rooms
        .order_by(plain_sql(format!("UPPER(room.block){collation}")), then.clone())
        .order_by(plain_sql(format!("room.room_no_folded{collation}")), then.clone())
        .order_by(Column::Id, then)
}

/// Texts in the order of their bytes, also where the database knows the alphabets of people: the order is the same everywhere.
pub(crate) fn by_bytes(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => " COLLATE \"C\"",
        _ => "",
    }
}

fn plain_sql(text: String) -> SimpleExpr {
    Expr::cust(text)
}

/// The number begins with the text; `%` and `_` stand for themselves.
fn begins_with(text: &str) -> SimpleExpr {
    let escaped = text
        .to_uppercase()
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    Expr::col(Column::RoomNoFolded).like(LikeExpr::new(format!("{escaped}%")).escape('\\'))
}

/// Adds a room to a block; a taken number is an error of its own.
pub(crate) async fn insert_in_txn(txn: &Txn, block: Uuid, room: &Room) -> Result<(), Error> {
    Entity::insert(active_model(block, room)?)
        .exec_without_returning(&**txn)
        .await
        .map_err(taken)?;
    Ok(())
}

/// Adds rooms that are known to be new, each with the id of its block.
pub(crate) async fn insert_many_in_txn(txn: &Txn, rooms: &[(Uuid, Room)]) -> Result<(), Error> {
    for some in rooms.chunks(VALUES_A_STATEMENT) {
        let rows: Vec<_> = some
            .iter()
            .map(|(block, room)| active_model(*block, room))
            .collect::<Result<_, _>>()?;
        Entity::insert_many(rows).exec_without_returning(&**txn).await?;
    }
    Ok(())
}

/// Writes a changed room over its former version; the room as it is then. `None` when somebody else was quicker, or more
/// people live there than it is to hold: who moves in at the same moment either comes first, or finds it full.
pub(crate) async fn update_in_txn(txn: &Txn, room: &Room) -> Result<Option<Room>, Error> {
    let capacity = stored(room.capacity, room.id)?;
    let changed = Entity::update_many()
        .col_expr(Column::RoomNo, Expr::val(room.room_no.as_str()))
        .col_expr(Column::RoomNoFolded, Expr::val(room.room_no.folded()))
        .col_expr(Column::Floor, Expr::val(room.floor))
        .col_expr(Column::Capacity, Expr::val(capacity))
        .col_expr(Column::Version, Expr::val(room.version))
        .col_expr(Column::UpdatedAt, Expr::val(room.updated_at))
        .filter(Column::Id.eq(room.id))
        .filter(Column::Version.eq(room.version - 1))
        .filter(Column::Occupied.lte(capacity))
        .exec_with_returning(&**txn)
        .await
        .map_err(taken)?;
    changed.into_iter().next().map(from_row).transpose()
}

/// Removes a room that nobody lives in; the room as it was. `None` where there is no such room, or people live in it.
pub(crate) async fn remove_in_txn(txn: &Txn, id: Uuid) -> Result<Option<Room>, Error> {
    let removed = Entity::delete_many()
        .filter(Column::Id.eq(id))
        .filter(Column::Occupied.eq(0))
        .exec_with_returning(&**txn)
        .await?;
    removed.into_iter().next().map(from_row).transpose()
}

/// Takes a place in a room: of many at once as many succeed as there are places.
pub(crate) async fn occupy_in_txn(txn: &Txn, id: Uuid) -> Result<RoomRef, Error> {
    let taken = Entity::update_many()
        .col_expr(Column::Occupied, Expr::col(Column::Occupied).add(1))
        .filter(Column::Id.eq(id))
        .filter(Expr::col(Column::Occupied).lt(Expr::col(Column::Capacity)))
        .exec_with_returning(&**txn)
        .await?;
    match taken.into_iter().next() {
        Some(row) => Ok(from_row(row)?.reference()),
        None if find(&**txn, id).await?.is_some() => Err(Error::RoomFull),
        None => Err(Error::UnknownRoom),
    }
}

/// Gives a place back.
pub(crate) async fn vacate_in_txn(txn: &Txn, id: Uuid) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Occupied, Expr::col(Column::Occupied).sub(1))
        .filter(Column::Id.eq(id))
        .exec(&**txn)
        .await?;
    Ok(())
}

pub(crate) async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Room>, Error> {
    Entity::find_by_id(id).one(db).await?.map(from_row).transpose()
}

pub(crate) fn from_row(row: Model) -> Result<Room, Error> {
    let broken = |what| Error::Inconsistent {
        table: "room",
        row: row.id,
        what,
    };
    let number = |value: i32| u32::try_from(value).map_err(|_| broken("a number is negative"));
    Ok(Room {
        id: row.id,
        room_no: RoomNumber::parse(&row.room_no).map_err(broken)?,
        block: BlockName::parse(&row.block).map_err(broken)?,
        floor: row.floor,
        capacity: number(row.capacity)?,
        occupied: number(row.occupied)?,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// The only unique value of a room beside its id is its number in the block.
fn taken(error: sea_orm::DbErr) -> Error {
    if db::unique_violation(&error).is_some() {
        Error::RoomTaken
    } else {
        error.into()
    }
}

fn active_model(block: Uuid, room: &Room) -> Result<ActiveModel, Error> {
    Ok(ActiveModel {
        id: Set(room.id),
        block_id: Set(block),
        block: Set(room.block.as_str().to_owned()),
        room_no: Set(room.room_no.as_str().to_owned()),
        room_no_folded: Set(room.room_no.folded()),
        floor: Set(room.floor),
        capacity: Set(stored(room.capacity, room.id)?),
        occupied: Set(stored(room.occupied, room.id)?),
        version: Set(room.version),
        created_at: Set(room.created_at),
        updated_at: Set(room.updated_at),
    })
}

fn stored(number: u32, row: Uuid) -> Result<i32, Error> {
    i32::try_from(number).map_err(|_| Error::Inconsistent {
        table: "room",
        row,
        what: "a number is too large to be kept",
    })
}
