//! Places for pictures on their way in: some for everybody, few of them for one. Whoever sends slowly keeps others waiting no longer than
//! their own few places do.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use kit::{
    Fault,
    turns::{Turn, Turns},
};
use uuid::Uuid;

/// So many pictures are received at once; others wait.
const AT_ONCE: usize = 16;
/// So many of them from one.
const EACH_AT_ONCE: usize = 2;
const BUSY: &str = "Many pictures are on their way, try again shortly";
const BUSY_WITH_YOURS: &str = "Two of your pictures are on their way, send the next one after them";

/// Where pictures are received.
pub(crate) struct Arriving {
    all: Turns,
    /// Of those who are sending or waiting.
    each: Mutex<HashMap<Uuid, Weak<Turns>>>,
}

/// A place for one picture, until it is dropped.
pub(crate) struct Place {
    _turn: Turn,
    _own_turn: Turn,
    /// While one place is taken, the others of its owner are counted with it.
    _own: Arc<Turns>,
}

impl Arriving {
    pub(crate) fn new() -> Self {
        Self {
            all: Turns::new(AT_ONCE, BUSY),
            each: Mutex::default(),
        }
    }

    /// Waits for a place, though not for ever; while one waits for others of their own, no place of everybody's is taken.
    pub(crate) async fn take(&self, sender: Uuid) -> Result<Place, Fault> {
        let own = self.of(sender);
        let own_turn = own.take().await?;
        Ok(Place {
            _turn: self.all.take().await?,
            _own_turn: own_turn,
            _own: own,
        })
    }

    fn of(&self, sender: Uuid) -> Arc<Turns> {
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        each.retain(|_, turns| turns.strong_count() > 0);
        if let Some(known) = each.get(&sender).and_then(Weak::upgrade) {
            return known;
        }
        let own = Arc::new(Turns::new(EACH_AT_ONCE, BUSY_WITH_YOURS));
        each.insert(sender, Arc::downgrade(&own));
        own
    }
}
