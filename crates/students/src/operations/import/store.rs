//! Committing the records of a batch: rooms, students, events and the end of their intents in one transaction.

use std::collections::{BTreeMap, HashMap};

use kit::{access::Caller, db::Txn, events::outbox, fault::Violation};
use uuid::Uuid;

use super::{
    batch::Fate,
    plan::{NO_ROOM, New, ROOM_FULL},
};
use crate::{
    Error,
    domain::{RoomRef, Student},
    events,
    operations::App,
    store,
};

/// Commits all for whom there is a place, each with the intent that ends with it; what became of each.
pub(super) async fn commit(app: &App, caller: &Caller, granted: Vec<(New, Uuid)>) -> Result<Vec<(New, Fate)>, Error> {
    if granted.is_empty() {
        return Ok(Vec::new());
    }
    let txn = app.db.begin().await?;
    let (housed, mut fates) = house_in_txn(&txn, granted).await?;
    let students: Vec<&Student> = housed.iter().map(|(new, _)| &new.student).collect();
    let added = store::import::add_in_txn(&txn, &app.private, &students).await?;
    let (created, refused): (Vec<_>, Vec<_>) = housed.into_iter().partition(|(new, _)| added.contains(&new.student.id));
    give_back_in_txn(&txn, &refused).await?;
    record_in_txn(app, caller, &txn, &created).await?;
    txn.commit().await?;
    fates.extend(created.into_iter().map(|(new, _)| (new, Fate::Created)));
    fates.extend(
        refused
            .into_iter()
            .map(|(new, _)| (new, Fate::Taken("registration_no"))),
    );
    Ok(fates)
}

/// Those who have a place now, or want none, and those for whom there is none.
async fn house_in_txn(txn: &Txn, granted: Vec<(New, Uuid)>) -> Result<(Vec<(New, Uuid)>, Vec<(New, Fate)>), Error> {
    let wanted = places(granted.iter().filter_map(|(new, _)| new.room));
    let mut rooms: HashMap<Uuid, (RoomRef, u32)> = store::import::occupy_in_txn(txn, &wanted).await?;
    let (mut housed, mut fates) = (Vec::new(), Vec::new());
    for (mut new, intent) in granted {
        let no_place = match new.room.map(|id| rooms.get_mut(&id)) {
            None => None,
            Some(None) => Some(NO_ROOM),
            Some(Some((_, 0))) => Some(ROOM_FULL),
            Some(Some((room, left))) => {
                *left -= 1;
                new.student.room = Some(room.clone());
                None
            }
        };
        match no_place {
            None => housed.push((new, intent)),
            Some(why) => fates.push((new, Fate::Wrong(Violation::new("room", why)))),
        }
    }
    Ok((housed, fates))
}

/// Gives the places back of those who were registered elsewhere in between.
async fn give_back_in_txn(txn: &Txn, refused: &[(New, Uuid)]) -> Result<(), Error> {
    let rooms = refused.iter().filter_map(|(new, _)| new.room);
    store::import::vacate_in_txn(txn, &places(rooms)).await
}

/// What belongs to the records of students who were just added.
async fn record_in_txn(app: &App, caller: &Caller, txn: &Txn, created: &[(New, Uuid)]) -> Result<(), Error> {
    let students = || created.iter().map(|(new, _)| &new.student);
    let stays: Vec<_> = students().map(|student| (app.clock.new_id(), student)).collect();
    store::student::write_words_in_txn(txn, students()).await?;
    store::seed::stays_in_txn(txn, &stays).await?;
    let drafts = students().map(|student| events::registered(&app.clock, caller, student));
    outbox::add_many(txn, drafts).await?;
    let intents: Vec<Uuid> = created.iter().map(|(_, intent)| *intent).collect();
    store::intent::complete_in_txn(txn, &intents).await
}

/// How many places in which room.
fn places(rooms: impl Iterator<Item = Uuid>) -> BTreeMap<Uuid, u32> {
    let mut places = BTreeMap::new();
    for room in rooms {
        *places.entry(room).or_default() += 1;
    }
    places
}
