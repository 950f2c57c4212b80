//! Rooms by what people write for them.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};

use super::{Column, Entity, VALUES_A_STATEMENT, from_row};
use crate::{
    Error,
    domain::{
        Room, RoomNumber,
        label::{self, Found},
    },
};

/// Which rooms people mean by labels like "A-101", many at once, in a few statements; every label is answered.
pub(crate) async fn by_labels(db: &impl ConnectionTrait, labels: &[&str]) -> Result<HashMap<String, Found>, Error> {
    let labels: BTreeSet<&str> = labels.iter().copied().collect();
    let mut numbers = BTreeSet::new();
    for label in &labels {
        numbers.extend(RoomNumber::parse(label).ok().map(|number| number.folded()));
        numbers.extend(label::readings(label).into_iter().map(|(_, number)| number));
    }
    let numbers: Vec<String> = numbers.into_iter().collect();
    let mut by_number: HashMap<String, Vec<Room>> = HashMap::new();
    for some in numbers.chunks(VALUES_A_STATEMENT) {
        let rows = Entity::find().filter(Column::RoomNoFolded.is_in(some)).all(db).await?;
        for row in rows {
            by_number
                .entry(row.room_no_folded.clone())
                .or_default()
                .push(from_row(row)?);
        }
    }
    let found = |label: &str| {
        let mut numbers: BTreeSet<String> = label::readings(label).into_iter().map(|(_, number)| number).collect();
        numbers.extend(RoomNumber::parse(label).ok().map(|number| number.folded()));
        let rooms = numbers.iter().filter_map(|number| by_number.get(number)).flatten();
        label::choose(label, rooms)
    };
    Ok(labels
        .into_iter()
        .map(|label| (label.to_owned(), found(label)))
        .collect())
}

#[cfg(test)]
mod tests {
    use kit::testing::World;

    use super::*;
    use crate::{
        Students,
        domain::{Block, BlockName},
        store,
    };

    #[tokio::test]
    async fn labels_of_a_file_are_looked_up_together() {
        let world = World::start::<Students>().await;
        let now = world.clock.now();
        let block = |name: &str| Block::new(world.clock.new_id(), BlockName::parse(name).unwrap(), None, now);
        let blocks = [block("A"), block("B")];
        let room = |block: &Block, number: &str| {
            let room = Room {
                id: world.clock.new_id(),
                room_no: RoomNumber::parse(number).unwrap(),
                block: block.name.clone(),
                floor: 1,
                capacity: 2,
                occupied: 0,
                version: 1,
                created_at: now,
                updated_at: now,
            };
            (block.id, room)
        };
        let mut rooms = vec![room(&blocks[0], "A-101"), room(&blocks[0], "7"), room(&blocks[1], "7")];
        // More than one statement takes.
        rooms.extend((0..700).map(|number| room(&blocks[1], &format!("B{number}"))));
        let txn = world.db.begin().await.unwrap();
        store::block::insert_many_in_txn(&txn, &blocks).await.unwrap();
        store::room::insert_many_in_txn(&txn, &rooms).await.unwrap();
        txn.commit().await.unwrap();

        let db = world.db.reader();
        let many: Vec<String> = (0..700).map(|number| format!("b-b{number}")).collect();
        let labels = many.iter().map(String::as_str).chain(["a-101", "7", "B-7", "C-7", ""]);
        let found = by_labels(db, &labels.collect::<Vec<_>>()).await.unwrap();
        assert_eq!(found.len(), 705);
        assert!(many.iter().all(|label| matches!(found[label], Found::One(_))));
        let Found::One(first) = &found["a-101"] else {
            panic!("{:?}", found["a-101"])
        };
        assert_eq!(first.id, rooms[0].1.id);
        assert_eq!(
            (&found["7"], &found["C-7"], &found[""]),
            (&Found::Several, &Found::None, &Found::None)
        );
        let Found::One(second) = &found["B-7"] else {
            panic!("{:?}", found["B-7"])
        };
        assert_eq!(second.id, rooms[2].1.id);
    }
}
