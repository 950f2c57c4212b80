//! The chain of hashes: each entry's hash covers its content, its place and the hash before it.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::entry::{Entry, Fact};

/// SHA-256 of an entry and everything before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hash([u8; 32]);

/// SHA-256 of an entry's details, salted so that erased details cannot be guessed from it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Digest([u8; 32]);

/// The end of the chain: what the next entry is linked to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Chain {
    pub entries: u64,
    pub head: Hash,
}

impl Chain {
    /// A chain without entries.
    pub const EMPTY: Self = Self {
        entries: 0,
        head: Hash([0; 32]),
    };

    /// The entry that a fact becomes, and the chain after it.
    pub fn link(self, fact: Fact, details: String, salt: String) -> (Entry, Self) {
        let digest = Digest::of(&salt, &details);
        let sequence = self.entries + 1;
        let hash = hash(self.head, sequence, &fact, digest);
        let entry = Entry {
            sequence,
            fact,
            details: Some(details),
            salt,
            digest,
            hash,
        };
        (
            entry,
            Self {
                entries: sequence,
                head: hash,
            },
        )
    }

    /// The chain after an entry that was read back, `None` when the entry is not what was written.
    pub fn follow(self, entry: &Entry) -> Option<Self> {
        let details_fit = entry
            .details
            .as_ref()
            .is_none_or(|details| Digest::of(&entry.salt, details) == entry.digest);
        let fits = details_fit
            && entry.sequence == self.entries + 1
            && entry.hash == hash(self.head, entry.sequence, &entry.fact, entry.digest);
        fits.then_some(Self {
            entries: entry.sequence,
            head: entry.hash,
        })
    }
}

/// Every part goes in with its length, so that no two different entries are the same bytes.
fn hash(before: Hash, sequence: u64, fact: &Fact, details: Digest) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(before.0);
    hasher.update(sequence.to_be_bytes());
    hasher.update(fact.id.as_bytes());
    hasher.update(fact.occurred_at.timestamp_micros().to_be_bytes());
    for text in [
        &fact.actor_id,
        &fact.actor_role,
        &fact.action,
        &fact.resource_type,
        &fact.resource_id,
    ] {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.update(details.0);
    Hash(hasher.finalize().into())
}

impl Digest {
    /// Of nothing that was ever written.
    pub const NONE: Self = Self([0; 32]);

    fn of(salt: &str, details: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update((salt.len() as u64).to_be_bytes());
        hasher.update(salt);
        hasher.update(details);
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&hex::encode(self.0))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&hex::encode(self.0))
    }
}

impl Hash {
    pub fn parse(text: &str) -> Option<Self> {
        parse(text).map(Self)
    }
}

impl Digest {
    pub fn parse(text: &str) -> Option<Self> {
        parse(text).map(Self)
    }
}

fn parse(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn fact(number: u128) -> Fact {
        Fact {
            id: Uuid::from_u128(number),
            occurred_at: DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
            actor_id: "a".to_owned(),
            actor_role: "admin".to_owned(),
            action: "hostelpulse.user.created.v1".to_owned(),
            resource_type: "user".to_owned(),
            resource_id: number.to_string(),
        }
    }

    fn chain(length: u128) -> Vec<Entry> {
        let mut chain = Chain::EMPTY;
        let mut entries = Vec::new();
        for number in 0..length {
            let (entry, next) = chain.link(fact(number), format!("{{\"n\":{number}}}"), format!("salt{number}"));
            entries.push(entry);
            chain = next;
        }
        entries
    }

    fn first_broken(entries: &[Entry]) -> Option<usize> {
        let mut chain = Chain::EMPTY;
        for (place, entry) in entries.iter().enumerate() {
            match chain.follow(entry) {
                Some(next) => chain = next,
                None => return Some(place),
            }
        }
        None
    }

    #[test]
    fn what_was_written_verifies_also_after_details_are_erased() {
        let mut entries = chain(10);
        assert_eq!(first_broken(&entries), None);
        entries[4].details = None;
        assert_eq!(first_broken(&entries), None);
    }

    #[test]
    fn two_texts_cannot_trade_a_letter() {
        let mut moved = fact(1);
        (moved.actor_id, moved.actor_role) = ("aa".to_owned(), "dmin".to_owned());
        let (one, _) = Chain::EMPTY.link(fact(1), String::new(), String::new());
        let (other, _) = Chain::EMPTY.link(moved, String::new(), String::new());
        assert_ne!(one.hash, other.hash);
    }

    proptest! {
        #[test]
        fn every_tampering_is_found_at_its_place(place in 0_usize..20, how in 0_usize..7) {
            let mut entries = chain(20);
            let entry = &mut entries[place];
            match how {
                0 => entry.fact.actor_id.push('x'),
                1 => entry.fact.resource_id = "other".to_owned(),
                2 => entry.details = Some("{}".to_owned()),
                3 => entry.fact.occurred_at += chrono::Duration::microseconds(1),
                4 => entry.fact.action = "hostelpulse.user.updated.v1".to_owned(),
                5 => entry.salt.push('x'),
                _ => { entries.remove(place); }
            }
            // A removed last entry is found through the recorded head, not by following.
            let expected = if how > 5 && place == 19 { None } else { Some(place) };
            prop_assert_eq!(first_broken(&entries), expected);
        }

        #[test]
        fn swapped_entries_are_found(place in 0_usize..19) {
            let mut entries = chain(20);
            entries.swap(place, place + 1);
            prop_assert_eq!(first_broken(&entries), Some(place));
        }
    }
}
