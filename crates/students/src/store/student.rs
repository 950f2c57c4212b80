//! Queries on students.

pub(crate) mod list;
pub(crate) mod sealed;

use kit::{
    access::{Caller, Identity},
    contact::{Email, PersonName, RegistrationNumber},
    db::{self, Txn},
    keyring::Sealer,
};
use proto::options::Role;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _, QuerySelect as _, Select,
    sea_query::{Expr, LockType},
};
use uuid::Uuid;

use super::entity::{
    room,
    student::{ActiveModel, Column, Entity, Model},
    student_word,
};
use crate::{
    Error,
    domain::{Private, Room, State, Student, Term, student::words},
};

/// Three values a row; SQLite takes 32,766 of them in a statement.
const WORDS_A_STATEMENT: usize = 5_000;

/// What a caller may see; every read for a caller starts here. Wardens, administrators and services see all, a student
/// their own record, everybody else nothing.
pub(crate) fn visible_to(caller: &Caller) -> Select<Entity> {
    let all = Entity::find();
    match &caller.identity {
        _ if sees_all(caller) => all,
        Identity::User { id, .. } => all.filter(Column::Id.eq(*id)),
        Identity::Service { .. } | Identity::Nobody => all.filter(Expr::val(false)),
    }
}

fn sees_all(caller: &Caller) -> bool {
    matches!(
        caller.identity,
        Identity::Service { .. }
            | Identity::User {
                role: Role::Admin | Role::Warden,
                ..
            }
    )
}

/// Adds a student with the words by which they are found; a taken address or number is an error of its own. The room must
/// have been taken before, by [`super::room::occupy_in_txn`].
pub(crate) async fn insert_in_txn(txn: &Txn, sealer: &Sealer, student: &Student) -> Result<(), Error> {
    let inserted = Entity::insert(active_model(sealer, student))
        .exec_without_returning(&**txn)
        .await;
    match inserted {
        Ok(_) => write_words_in_txn(txn, [student]).await,
        Err(error) => Err(taken(error)),
    }
}

/// Writes a changed record over its former version; `false` when somebody else was quicker.
pub(crate) async fn update_in_txn(txn: &Txn, sealer: &Sealer, student: &Student) -> Result<bool, Error> {
    let changed = Entity::update_many()
        .set(active_model(sealer, student))
        .filter(Column::Id.eq(student.id))
        .filter(Column::Version.eq(student.version - 1))
        .exec(&**txn)
        .await
        .map_err(taken)?;
    if changed.rows_affected == 0 {
        return Ok(false);
    }
    student_word::Entity::delete_many()
        .filter(student_word::Column::StudentId.eq(student.id))
        .exec(&**txn)
        .await?;
    write_words_in_txn(txn, [student]).await?;
    Ok(true)
}

/// A student whom the caller may see.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    sealer: &Sealer,
    caller: &Caller,
    id: Uuid,
) -> Result<Option<Student>, Error> {
    let row = with_room(visible_to(caller)).filter(Column::Id.eq(id)).one(db).await?;
    row.map(|row| from_row(sealer, row)).transpose()
}

/// Students by their ids, whoever asks: for the service's own work.
pub(crate) async fn by_ids(
    db: &impl ConnectionTrait,
    sealer: &Sealer,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Student>, Error> {
    let rows = with_room(Entity::find().filter(Column::Id.is_in(ids))).all(db).await?;
    rows.into_iter().map(|row| from_row(sealer, row)).collect()
}

/// Which of the two, if any, belongs to somebody already.
pub(crate) async fn taken_field(
    db: &impl ConnectionTrait,
    email: &Email,
    registration_no: &RegistrationNumber,
) -> Result<Option<&'static str>, Error> {
    let either = Condition::any()
        .add(Column::EmailFolded.eq(email.folded()))
        .add(Column::RegistrationNoFolded.eq(registration_no.folded()));
    let found = Entity::find().select_only().column(Column::EmailFolded).filter(either);
    let found: Vec<String> = found.into_tuple().all(db).await?;
    Ok(match found.as_slice() {
        [] => None,
        some if some.contains(&email.folded()) => Some("email"),
        _ => Some("registration_no"),
    })
}

/// A student, for a change: nobody else changes the record before this transaction ends. Whoever also takes or frees a
/// place in a room does so after this.
pub(crate) async fn lock_in_txn(txn: &Txn, sealer: &Sealer, id: Uuid) -> Result<Option<Student>, Error> {
    let held = Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(&**txn).await?;
    if held.is_none() {
        return Ok(None);
    }
    let row = with_room(Entity::find_by_id(id)).one(&**txn).await?;
    row.map(|row| from_row(sealer, row)).transpose()
}

/// Students with their rooms, in one statement.
pub(crate) fn with_room(students: Select<Entity>) -> sea_orm::SelectTwo<Entity, room::Entity> {
    students.find_also_related(room::Entity)
}

/// Adds the words by which students are found.
pub(crate) async fn write_words_in_txn<'a>(
    txn: &Txn,
    students: impl IntoIterator<Item = &'a Student>,
) -> Result<(), Error> {
    let rows = students.into_iter().flat_map(|student| {
        let row = |(word, shared)| student_word::ActiveModel {
            word: Set(word),
            student_id: Set(student.id),
            shared: Set(i16::try_from(shared).unwrap_or(i16::MAX)),
        };
        words(student).into_iter().map(row)
    });
    let rows: Vec<_> = rows.collect();
    for some in rows.chunks(WORDS_A_STATEMENT) {
        student_word::Entity::insert_many(some.to_vec())
            .exec_without_returning(&**txn)
            .await?;
    }
    Ok(())
}

/// Which unique value was taken, if that is what the error says.
pub(crate) fn taken(error: sea_orm::DbErr) -> Error {
    match db::unique_violation(&error) {
        Some(text) if text.contains("email") => Error::Taken("email"),
        Some(text) if text.contains("registration_no") => Error::Taken("registration_no"),
        _ => error.into(),
    }
}

pub(crate) fn active_model(sealer: &Sealer, student: &Student) -> ActiveModel {
    ActiveModel {
        id: Set(student.id),
        registration_no: Set(student.registration_no.as_str().to_owned()),
        registration_no_folded: Set(student.registration_no.folded()),
        email: Set(student.email.as_str().to_owned()),
        email_folded: Set(student.email.folded()),
        name: Set(student.name.as_str().to_owned()),
        name_folded: Set(student.name.as_str().to_lowercase()),
        private: Set(seal(sealer, student.id, &student.private)),
        year: Set(i16::try_from(student.term.year()).unwrap_or_default()),
        semester: Set(i16::try_from(student.term.semester()).unwrap_or_default()),
        room_id: Set(student.room.as_ref().map(|room| room.id)),
        block_folded: Set(student.room.as_ref().map(|room| room.block.folded())),
        state: Set(state_name(student.state).to_owned()),
        version: Set(student.version),
        created_at: Set(student.created_at),
        updated_at: Set(student.updated_at),
    }
}

/// What is sealed belongs to one student: in another's row it does not open.
pub(crate) fn seal(sealer: &Sealer, id: Uuid, private: &Private) -> Vec<u8> {
    // Three optional texts: there is nothing in it that JSON cannot say.
    let plain = serde_json::to_vec(private).unwrap_or_default();
    sealer.seal(&plain, id.as_bytes())
}

pub(crate) fn from_row(sealer: &Sealer, (row, room): (Model, Option<room::Model>)) -> Result<Student, Error> {
    let id = row.id;
    let broken = |what| Error::Inconsistent {
        table: "student",
        row: id,
        what,
    };
    let plain = sealer.open(&row.private, id.as_bytes())?;
    let private = serde_json::from_slice(&plain).map_err(|_| broken("what was sealed is not what it should be"))?;
    let room = room.map(super::room::from_row).transpose()?;
    let number = |value: i16| u32::try_from(value).unwrap_or_default();
    Ok(Student {
        id,
        registration_no: RegistrationNumber::parse(&row.registration_no).map_err(broken)?,
        name: PersonName::parse(&row.name).map_err(broken)?,
        email: Email::parse(&row.email).map_err(broken)?,
        private,
        term: Term::new(number(row.year), number(row.semester))
            .map_err(|_| broken("year and semester do not agree"))?,
        room: room.as_ref().map(Room::reference),
        state: state_of(&row.state).ok_or_else(|| broken("unknown state"))?,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

pub(crate) fn state_name(state: State) -> &'static str {
    match state {
        State::Active => "active",
        State::Deactivated => "deactivated",
        State::Erased => "erased",
    }
}

fn state_of(name: &str) -> Option<State> {
    [State::Active, State::Deactivated, State::Erased]
        .into_iter()
        .find(|state| state_name(*state) == name)
}
