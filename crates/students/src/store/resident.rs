//! Who lives in a room, and who did.

use std::collections::HashMap;

use kit::{
    contact::{PersonName, RegistrationNumber},
    page::Paging,
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
    sea_query::{Expr, ExprTrait as _},
};
use uuid::Uuid;

use super::entity::{stay, student};
use crate::{Error, domain::Stay};

/// Somebody who lives in a room.
pub(crate) struct Resident {
    pub id: Uuid,
    pub name: PersonName,
    pub registration_no: RegistrationNumber,
    pub year: u32,
}

/// A stay, with the student's name today.
pub(crate) type NamedStay = (String, Stay);

/// Who lives in a room, by name. A room holds few people: they are not paged.
pub(crate) async fn of_room(db: &impl ConnectionTrait, room: Uuid) -> Result<Vec<Resident>, Error> {
    let rows: Vec<(Uuid, String, String, i16)> = student::Entity::find()
        .select_only()
        .columns([
            student::Column::Id,
            student::Column::Name,
            student::Column::RegistrationNo,
            student::Column::Year,
        ])
        .filter(student::Column::RoomId.eq(room))
        .order_by_asc(student::Column::NameFolded)
        .order_by_asc(student::Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    rows.into_iter().map(resident).collect()
}

fn resident((id, name, registration_no, year): (Uuid, String, String, i16)) -> Result<Resident, Error> {
    let broken = |what| Error::Inconsistent {
        table: "student",
        row: id,
        what,
    };
    Ok(Resident {
        id,
        name: PersonName::parse(&name).map_err(broken)?,
        registration_no: RegistrationNumber::parse(&registration_no).map_err(broken)?,
        year: u32::try_from(year).map_err(|_| broken("the year is negative"))?,
    })
}

/// One page of the stays in a room, those of people who live there now first, then the latest; and how many there are in all.
pub(crate) async fn stays_in(
    db: &impl ConnectionTrait,
    room: Uuid,
    paging: Paging,
) -> Result<(Vec<NamedStay>, u64), Error> {
    let stays = stay::Entity::find().filter(stay::Column::RoomId.eq(room));
    let total = stays.clone().count(db).await?;
    let rows = stays
        .order_by_asc(Expr::col(stay::Column::MovedOutAt).is_not_null())
        .order_by_desc(stay::Column::MovedInAt)
        .order_by_desc(stay::Column::Id)
        .offset(paging.offset())
        .limit(paging.limit())
        .all(db)
        .await?;
    let names = names_of(db, rows.iter().map(|row| row.student_id).collect()).await?;
    let with_name = |row: stay::Model| {
        let name = names.get(&row.student_id).cloned().unwrap_or_default();
        Ok::<_, Error>((name, super::stay::from_row(row)?))
    };
    let stays = rows.into_iter().map(with_name).collect::<Result<_, _>>()?;
    Ok((stays, total))
}

async fn names_of(db: &impl ConnectionTrait, students: Vec<Uuid>) -> Result<HashMap<Uuid, String>, Error> {
    if students.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Uuid, String)> = student::Entity::find()
        .select_only()
        .columns([student::Column::Id, student::Column::Name])
        .filter(student::Column::Id.is_in(students))
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}
