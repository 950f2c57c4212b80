//! Queries on blocks.

use chrono::{DateTime, Utc};
use kit::db::Txn;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, FromQueryResult, QueryFilter as _,
    QuerySelect as _, SqlErr, Statement,
    sea_query::{Expr, ExprTrait as _, LockType, OnConflict},
};
use uuid::Uuid;

use super::entity::block::{ActiveModel, Column, Entity, Model};
use crate::{
    Error,
    domain::{Block, BlockName, Fill, Location},
};

/// So often a block may vanish between the moment when it is there and the moment when it is held.
const TRIES: usize = 3;

/// What became of a block that was wanted.
pub(crate) enum Had {
    New(Block),
    Known(Block),
}

/// The block of `wanted`'s name, which comes to be where there is none. It stays while the transaction lasts.
pub(crate) async fn have_in_txn(txn: &Txn, wanted: &Block) -> Result<Had, Error> {
    for _ in 0..TRIES {
        if insert_unless_known_in_txn(txn, wanted).await? {
            return Ok(Had::New(wanted.clone()));
        }
        let known = Entity::find()
            .filter(Column::NameFolded.eq(wanted.name.folded()))
            .lock(LockType::KeyShare)
            .one(&**txn)
            .await?;
        if let Some(row) = known {
            return Ok(Had::Known(from_row(row)?));
        }
    }
    Err(Error::ChangedMeanwhile)
}

/// Says where a block stands. The block as it is then, or `None` where that was known already.
pub(crate) async fn locate_in_txn(
    txn: &Txn,
    id: Uuid,
    location: Location,
    at: DateTime<Utc>,
) -> Result<Option<Block>, Error> {
    let elsewhere = Condition::any()
        .add(Column::Latitude.is_null())
        .add(Column::Longitude.is_null())
        .add(Column::Latitude.ne(location.latitude()))
        .add(Column::Longitude.ne(location.longitude()));
    let changed = Entity::update_many()
        .col_expr(Column::Latitude, Expr::val(location.latitude()))
        .col_expr(Column::Longitude, Expr::val(location.longitude()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::UpdatedAt, Expr::val(at))
        .filter(Column::Id.eq(id))
        .filter(elsewhere)
        .exec_with_returning(&**txn)
        .await?;
    changed.into_iter().next().map(from_row).transpose()
}

/// Removes a block; the block as it was. That it has rooms is for the database to say.
pub(crate) async fn remove_in_txn(txn: &Txn, name: &BlockName) -> Result<Option<Block>, Error> {
    let removed = Entity::delete_many()
        .filter(Column::NameFolded.eq(name.folded()))
        .exec_with_returning(&**txn)
        .await;
    match removed {
        Ok(rows) => rows.into_iter().next().map(from_row).transpose(),
        Err(error) if matches!(error.sql_err(), Some(SqlErr::ForeignKeyConstraintViolation(_))) => {
            Err(Error::BlockHasRooms)
        }
        Err(error) => Err(error.into()),
    }
}

/// Adds blocks that are known to be new.
pub(crate) async fn insert_many_in_txn(txn: &Txn, blocks: &[Block]) -> Result<(), Error> {
    Entity::insert_many(blocks.iter().map(active_model))
        .exec_without_returning(&**txn)
        .await?;
    Ok(())
}

/// Every block and how full it is, by name, in one statement.
pub(crate) async fn all_with_fill(db: &impl ConnectionTrait) -> Result<Vec<(Block, Fill)>, Error> {
    filled(db, "", []).await
}

/// How full one block is.
pub(crate) async fn fill(db: &impl ConnectionTrait, id: Uuid) -> Result<Fill, Error> {
    let found = filled(db, "WHERE block.id = $1", [id.into()]).await?;
    Ok(found.into_iter().next().map(|(_, fill)| fill).unwrap_or_default())
}

#[derive(FromQueryResult)]
struct Counted {
    rooms: i64,
    capacity: i64,
    occupied: i64,
}

async fn filled<const N: usize>(
    db: &impl ConnectionTrait,
    which: &str,
    values: [sea_orm::Value; N],
) -> Result<Vec<(Block, Fill)>, Error> {
    let backend = db.get_database_backend();
    let by_bytes = super::room::by_bytes(backend);
    let sql = format!(
        "SELECT block.*, COUNT(room.id) AS rooms, COALESCE(SUM(room.capacity), 0) AS capacity, \
         COALESCE(SUM(room.occupied), 0) AS occupied FROM block LEFT JOIN room ON room.block_id = block.id \
         {which} GROUP BY block.id ORDER BY block.name_folded{by_bytes}"
    );
    let rows = db
        .query_all_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    let counts = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    rows.iter()
        .map(|row| {
            let block = from_row(Model::from_query_result(row, "")?)?;
            let counted = Counted::from_query_result(row, "")?;
            let fill = Fill {
                rooms: counts(counted.rooms),
                capacity: counts(counted.capacity),
                occupied: counts(counted.occupied),
            };
            Ok((block, fill))
        })
        .collect()
}

/// Of several at once the database lets one in; on PostgreSQL the others wait here until it has committed.
async fn insert_unless_known_in_txn(txn: &Txn, block: &Block) -> Result<bool, Error> {
    let unless_known = OnConflict::column(Column::NameFolded).do_nothing().to_owned();
    let inserted = Entity::insert(active_model(block))
        .on_conflict(unless_known)
        .exec_without_returning(&**txn)
        .await?;
    Ok(inserted == 1)
}

fn active_model(block: &Block) -> ActiveModel {
    ActiveModel {
        id: Set(block.id),
        name: Set(block.name.as_str().to_owned()),
        name_folded: Set(block.name.folded()),
        latitude: Set(block.location.map(Location::latitude)),
        longitude: Set(block.location.map(Location::longitude)),
        version: Set(block.version),
        created_at: Set(block.created_at),
        updated_at: Set(block.updated_at),
    }
}

pub(crate) fn from_row(row: Model) -> Result<Block, Error> {
    let broken = |what| Error::Inconsistent {
        table: "block",
        row: row.id,
        what,
    };
    let location = row.latitude.zip(row.longitude);
    let location = location.map(|(latitude, longitude)| Location::new(latitude, longitude));
    Ok(Block {
        id: row.id,
        name: BlockName::parse(&row.name).map_err(broken)?,
        location: location.transpose().map_err(|_| broken("it stands nowhere on earth"))?,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
