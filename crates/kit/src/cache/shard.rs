//! A bounded map of things that end by themselves: the part of a store that one lock guards.

use std::{borrow::Borrow, collections::HashMap, hash::Hash};

/// Below this many entries it is not worth looking for ended ones.
const FEW: usize = 128;

/// When it is full, what has ended goes first, then what would end soonest.
pub(super) struct Shard<K, V> {
    slots: HashMap<K, Slot<V>>,
    weight: usize,
    limit: usize,
    sweep_at: usize,
}

struct Slot<V> {
    value: V,
    ends: i64,
    weight: usize,
}

impl<K: Eq + Hash, V> Shard<K, V> {
    /// `limit` bounds the sum of all weights.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            slots: HashMap::new(),
            weight: 0,
            limit,
            sweep_at: FEW,
        }
    }

    /// What has not ended yet.
    pub(super) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q, now: i64) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let slot = self.slots.get(key)?;
        (slot.ends > now).then_some(&slot.value)
    }

    /// Keeps a value until `ends`, in place of the one that was there.
    pub(super) fn insert(&mut self, key: K, value: V, ends: i64, weight: usize, now: i64) {
        if let Some(slot) = self.slots.get_mut(&key)
            && slot.weight == weight
        {
            slot.value = value;
            slot.ends = ends;
            return;
        }
        self.remove(&key, now);
        self.make_room(weight, now);
        self.weight += weight;
        self.slots.insert(key, Slot { value, ends, weight });
    }

    /// Removes and tells what had not ended yet.
    pub(super) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q, now: i64) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let slot = self.slots.remove(key)?;
        self.weight -= slot.weight;
        (slot.ends > now).then_some(slot.value)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    fn make_room(&mut self, weight: usize, now: i64) {
        if self.slots.len() < self.sweep_at && self.weight + weight <= self.limit {
            return;
        }
        self.retain(|slot| slot.ends > now);
        // Each turn drops at least one slot, so this ends with an empty map at the latest.
        while self.weight + weight > self.limit && !self.slots.is_empty() {
            self.drop_soonest_eighth();
        }
        // Looking again only when the map has doubled keeps an insert cheap on average.
        self.sweep_at = (self.slots.len() * 2).max(FEW);
        self.slots.shrink_to(self.sweep_at);
    }

    fn drop_soonest_eighth(&mut self) {
        let mut ends: Vec<i64> = self.slots.values().map(|slot| slot.ends).collect();
        let mut surplus = ends.len() / 8 + 1;
        let (_, last, _) = ends.select_nth_unstable(surplus - 1);
        let last = *last;
        self.retain(|slot| {
            let goes = slot.ends <= last && surplus > 0;
            surplus -= usize::from(goes);
            !goes
        });
    }

    fn retain(&mut self, mut stays: impl FnMut(&Slot<V>) -> bool) {
        let mut weight = 0;
        self.slots.retain(|_, slot| {
            let stays = stays(slot);
            weight += if stays { slot.weight } else { 0 };
            stays
        });
        self.weight = weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_outgrows_its_limit_and_keeps_what_lasts_longest() {
        let mut shard = Shard::new(1000);
        for key in 0..10_000_i64 {
            shard.insert(key, (), 100_000 + key, 1, 0);
            assert!(shard.slots.len() <= 1000);
            assert_eq!(shard.weight, shard.slots.len());
        }
        assert!(shard.slots.len() > 800);
        assert!(shard.get(&9_999, 0).is_some());
        assert!(shard.get(&0, 0).is_none());
    }

    #[test]
    fn what_has_ended_makes_room_before_anything_else() {
        let mut shard = Shard::new(1000);
        for key in 0..1000 {
            shard.insert(key, (), if key < 500 { 10 } else { 20 }, 1, 0);
        }
        shard.insert(1000, (), 20, 1, 10);
        assert_eq!(shard.slots.len(), 501);
    }

    #[test]
    fn many_that_end_at_once_do_not_all_go() {
        let mut shard = Shard::new(800);
        for key in 0..801 {
            shard.insert(key, (), 10, 1, 0);
        }
        assert_eq!(shard.slots.len(), 800 - 101 + 1);
    }

    #[test]
    fn weight_follows_every_change() {
        let mut shard = Shard::new(100);
        shard.insert("a", 1, 10, 60, 0);
        shard.insert("a", 2, 10, 30, 0);
        shard.insert("b", 3, 20, 70, 0);
        assert_eq!((shard.weight, shard.slots.len()), (100, 2));
        shard.insert("c", 4, 20, 1, 0);
        assert_eq!((shard.weight, shard.get("a", 0)), (71, None));
        assert_eq!(shard.remove("b", 20), None);
        assert_eq!(shard.weight, 1);
    }
}
