//! Who is watched, and how a looker is woken.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, broadcast, watch};
use uuid::Uuid;

use super::{looker, watch::Told};
use crate::operations::App;

/// Whoever is so many messages behind begins again with the state of then.
const WAITING: usize = 256;

/// The roll calls that are watched in this process.
#[derive(Default)]
pub(crate) struct Bell {
    rooms: Mutex<HashMap<Uuid, Arc<Room>>>,
}

/// Where one roll call is told of.
pub(super) struct Room {
    pub(super) session: Uuid,
    pub(super) told: broadcast::Sender<Arc<Told>>,
    /// Whether the looker knows what was there before it: from then on it misses nothing.
    pub(super) ready: watch::Sender<bool>,
    pub(super) rung: Notify,
}

impl Bell {
    /// Something was committed that belongs to this roll call. Cheap, and never waits.
    pub(crate) fn ring(&self, session: Uuid) {
        if let Some(room) = self.rooms().get(&session) {
            room.rung.notify_one();
        }
    }

    /// Takes a place in the room of a roll call; the first one brings the looker.
    pub(super) fn join(
        &self,
        app: &Arc<App>,
        session: Uuid,
    ) -> (broadcast::Receiver<Arc<Told>>, watch::Receiver<bool>) {
        let mut rooms = self.rooms();
        let room = rooms.entry(session).or_insert_with(|| {
            let room = Arc::new(Room {
                session,
                told: broadcast::Sender::new(WAITING),
                ready: watch::Sender::new(false),
                rung: Notify::new(),
            });
            tokio::spawn(looker::run(app.clone(), room.clone()));
            room
        });
        (room.told.subscribe(), room.ready.subscribe())
    }

    /// Whether nobody is left in a room; it is gone then. Whoever comes later finds another one.
    pub(super) fn is_left(&self, room: &Arc<Room>) -> bool {
        let mut rooms = self.rooms();
        let is_empty = room.told.receiver_count() == 0;
        if is_empty {
            forget(&mut rooms, room);
        }
        is_empty
    }

    /// Takes a room away: those in it hear what was told, and then that it ended.
    pub(super) fn close(&self, room: &Arc<Room>) {
        forget(&mut self.rooms(), room);
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Room>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget(rooms: &mut HashMap<Uuid, Arc<Room>>, room: &Arc<Room>) {
    // Another room may have been made for the same roll call meanwhile.
    if rooms.get(&room.session).is_some_and(|known| Arc::ptr_eq(known, room)) {
        rooms.remove(&room.session);
    }
}
