//! Recomputing the chain.

use std::collections::{HashMap, HashSet};

use super::App;
use crate::{
    Error,
    domain::{Chain, Entry},
    store::{self, BATCH},
};

/// What the chain turned out to be.
#[derive(Debug)]
pub(crate) enum Verdict {
    Intact(Chain),
    Broken { entries: u64, first_broken: u64 },
}

/// Entries without details are good only where the chain itself says that whom they tell of was erased.
#[derive(Default)]
struct Erased {
    people: HashSet<String>,
    /// Who did it and whom it is about, and where that stands first.
    empty: HashMap<(String, String), u64>,
}

impl Erased {
    fn note(&mut self, entry: &Entry) {
        let fact = &entry.fact;
        if fact.erases() {
            self.people.insert(fact.resource_id.clone());
        }
        if entry.details.is_none() {
            let about = (fact.actor_id.clone(), fact.resource_id.clone());
            self.empty.entry(about).or_insert(entry.sequence);
        }
    }

    /// The first entry that lost its details without anybody having been erased.
    fn unjustified(&self) -> Option<u64> {
        let without =
            |(actor, resource): &(String, String)| !self.people.contains(actor) && !self.people.contains(resource);
        let places = self.empty.iter().filter(|(about, _)| without(about));
        places.map(|(_, sequence)| *sequence).min()
    }
}

/// Follows the chain from its first entry to the head that was recorded with its last. The head is read first: entries
/// that come while we read do not count.
pub(crate) async fn verify(app: &App) -> Result<Verdict, Error> {
    let db = app.db.reader();
    let recorded = store::head(db).await?;
    let mut chain = Chain::EMPTY;
    let mut erased = Erased::default();
    while chain.entries < recorded.entries {
        let batch = store::after(db, chain.entries, BATCH).await?;
        if batch.is_empty() {
            break; // the end was cut off
        }
        for entry in &batch {
            if chain.entries == recorded.entries {
                break; // it came after we began
            }
            let Some(next) = chain.follow(entry) else {
                return Ok(Verdict::Broken {
                    entries: recorded.entries,
                    first_broken: chain.entries + 1,
                });
            };
            erased.note(entry);
            chain = next;
        }
    }
    if let Some(first_broken) = erased.unjustified().filter(|_| chain == recorded) {
        return Ok(Verdict::Broken {
            entries: recorded.entries,
            first_broken,
        });
    }
    if chain == recorded {
        // Rows beside the chain are forged, too, however well they stand in a list.
        return Ok(match store::outside_the_chain(db).await? {
            Some(sequence) => Verdict::Broken {
                entries: recorded.entries,
                first_broken: sequence,
            },
            None => Verdict::Intact(chain),
        });
    }
    // Followed to the end, yet not where the chain ended: the entry after the last good one is missing or forged.
    let first_broken = if chain.entries < recorded.entries {
        chain.entries + 1
    } else {
        recorded.entries
    };
    Ok(Verdict::Broken {
        entries: recorded.entries,
        first_broken,
    })
}
