//! Many students at once who may, or may not, be there already.

use std::collections::{BTreeMap, HashMap, HashSet};

use kit::{db::Txn, keyring::Sealer};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, TryInsertResult,
    sea_query::{Expr, ExprTrait as _, LockType, OnConflict},
};
use uuid::Uuid;

use super::{
    entity::{
        room,
        student::{Column, Entity},
    },
    room as rooms,
    student::{active_model, from_row, with_room},
};
use crate::{
    Error,
    domain::{RoomRef, Student},
};

/// Two values each.
const PAIRS_A_STATEMENT: usize = 250;

/// Students who have one of these registration numbers or e-mail addresses, in the form by which they are compared.
pub(crate) async fn alike(
    db: &impl ConnectionTrait,
    sealer: &Sealer,
    pairs: &[(String, String)],
) -> Result<Vec<Student>, Error> {
    let mut found = HashMap::new();
    for some in pairs.chunks(PAIRS_A_STATEMENT) {
        let numbers = some.iter().map(|(number, _)| number.as_str());
        let emails = some.iter().map(|(_, email)| email.as_str());
        let either = Condition::any()
            .add(Column::RegistrationNoFolded.is_in(numbers))
            .add(Column::EmailFolded.is_in(emails));
        for row in with_room(Entity::find().filter(either)).all(db).await? {
            let student = from_row(sealer, row)?;
            found.insert(student.id, student);
        }
    }
    Ok(found.into_values().collect())
}

/// Takes places in rooms, of each as many as are wanted or left; how many that are. Rooms that are not there any more are left
/// out.
pub(crate) async fn occupy_in_txn(
    txn: &Txn,
    wanted: &BTreeMap<Uuid, u32>,
) -> Result<HashMap<Uuid, (RoomRef, u32)>, Error> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    // In the order of their ids, as whoever moves does. SQLite has one writer at a time and leaves the lock out.
    let held = room::Entity::find()
        .filter(room::Column::Id.is_in(wanted.keys().copied()))
        .order_by_asc(room::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .all(&**txn)
        .await?;
    let (mut taken, mut counts) = (HashMap::new(), BTreeMap::new());
    for row in held {
        let room = rooms::from_row(row)?;
        let left = room.capacity.saturating_sub(room.occupied);
        let count = std::cmp::min(left, wanted.get(&room.id).copied().unwrap_or_default());
        counts.insert(room.id, count);
        taken.insert(room.id, (room.reference(), count));
    }
    for (count, rooms) in by_count(&counts) {
        change_in_txn(txn, rooms, i64::from(count)).await?;
    }
    Ok(taken)
}

/// Gives places back.
pub(crate) async fn vacate_in_txn(txn: &Txn, places: &BTreeMap<Uuid, u32>) -> Result<(), Error> {
    for (count, rooms) in by_count(places) {
        change_in_txn(txn, rooms, -i64::from(count)).await?;
    }
    Ok(())
}

/// Adds students; the ids of those who were added. The others have an address or number that is somebody's. Their words and
/// stays are still to come.
pub(crate) async fn add_in_txn(txn: &Txn, sealer: &Sealer, students: &[&Student]) -> Result<HashSet<Uuid>, Error> {
    if students.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = students.iter().map(|student| active_model(sealer, student));
    let added = Entity::insert_many(rows)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .try_insert()
        .exec_with_returning_many(&**txn)
        .await?;
    Ok(match added {
        TryInsertResult::Inserted(rows) => rows.into_iter().map(|row| row.id).collect(),
        TryInsertResult::Empty | TryInsertResult::Conflicted => HashSet::new(),
    })
}

/// Rooms by how many places are meant: most often that is one statement for all of them.
fn by_count(places: &BTreeMap<Uuid, u32>) -> BTreeMap<u32, Vec<Uuid>> {
    let mut rooms: BTreeMap<u32, Vec<Uuid>> = BTreeMap::new();
    for (room, count) in places.iter().filter(|(_, count)| **count > 0) {
        rooms.entry(*count).or_default().push(*room);
    }
    rooms
}

/// The transaction holds the rooms, and the table refuses more people than they hold.
async fn change_in_txn(txn: &Txn, rooms: Vec<Uuid>, by: i64) -> Result<(), Error> {
    let occupied = Expr::col(room::Column::Occupied);
    room::Entity::update_many()
        .col_expr(room::Column::Occupied, occupied.add(by))
        .filter(room::Column::Id.is_in(rooms))
        .exec(&**txn)
        .await?;
    Ok(())
}
