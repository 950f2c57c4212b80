//! Where blocks stand, by their copies.

use kit::Db;
use sea_orm::{DbErr, FromQueryResult, Statement};

use crate::domain::{KnownBlock, Place};

#[derive(FromQueryResult)]
struct Row {
    name: String,
    latitude: Option<f64>,
    longitude: Option<f64>,
}

/// A block that is not removed, by its folded name.
pub(crate) async fn of_block(db: &Db, block_folded: &str) -> Result<Option<KnownBlock>, DbErr> {
    let sql = "SELECT name, latitude, longitude FROM block WHERE name_folded = $1 AND NOT removed";
    let statement = Statement::from_sql_and_values(db.backend(), sql, [block_folded.into()]);
    let row = Row::find_by_statement(statement).one(db.reader()).await?;
    Ok(row.map(|row| KnownBlock {
        place: row.latitude.zip(row.longitude).map(Place::of_block),
        name: row.name,
    }))
}
