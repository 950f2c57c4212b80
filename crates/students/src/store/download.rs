//! Students in the order of their registration numbers, some at a time.

use kit::{access::Caller, keyring::Sealer};
use sea_orm::{ColumnTrait as _, ConnectionTrait, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::{
    entity::student,
    student::{
        from_row,
        list::{Filter, matching},
        with_room,
    },
};
use crate::{Error, domain::Student};

/// The students whom a caller may see and a filter asks for, from behind a registration number on, by number. The number is
/// in the form by which it is compared.
pub(crate) async fn after(
    db: &impl ConnectionTrait,
    sealer: &Sealer,
    caller: &Caller,
    filter: &Filter,
    (number, limit): (&str, u64),
) -> Result<Vec<Student>, Error> {
    let next = matching(caller, filter, db.get_database_backend())
        .filter(student::Column::RegistrationNoFolded.gt(number))
        .order_by_asc(student::Column::RegistrationNoFolded)
        .limit(limit);
    let rows = with_room(next).all(db).await?;
    rows.into_iter().map(|row| from_row(sealer, row)).collect()
}
