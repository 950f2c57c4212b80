//! Recomputing the chain.

use super::App;
use crate::{
    Error,
    domain::Chain,
    store::{self, BATCH},
};

/// What the chain turned out to be.
#[derive(Debug)]
pub(crate) enum Verdict {
    Intact(Chain),
    Broken { entries: u64, first_broken: u64 },
}

/// Follows the chain from its first entry to the head that was recorded with its last. The head is read first: entries
/// that come while we read do not count.
pub(crate) async fn verify(app: &App) -> Result<Verdict, Error> {
    let db = app.db.reader();
    let recorded = store::head(db).await?;
    let mut chain = Chain::EMPTY;
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
            chain = next;
        }
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
