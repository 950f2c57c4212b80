//! Reading one room.

use kit::access::{Caller, Identity};
use proto::options::Role;
use uuid::Uuid;

use crate::{
    Error,
    domain::Room,
    operations::App,
    store::{self, resident::Resident},
};

/// The room, and who lives there where the caller may know.
pub(crate) async fn read(app: &App, caller: &Caller, id: Uuid) -> Result<(Room, Vec<Resident>), Error> {
    let room = store::room::find_visible(app.db.reader(), caller, id)
        .await?
        .ok_or(Error::UnknownRoom)?;
    let residents = if may_know_residents(caller) {
        store::resident::of_room(app.db.reader(), id).await?
    } else {
        Vec::new()
    };
    Ok((room, residents))
}

fn may_know_residents(caller: &Caller) -> bool {
    matches!(
        caller.identity,
        Identity::User {
            role: Role::Admin | Role::Warden,
            ..
        }
    )
}
