//! The blocks, rooms and students that a demo or a measurement begins with.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kit::{
    access::Caller,
    contact::{Email, PersonName, RegistrationNumber},
    events::outbox,
};
use uuid::Uuid;

use super::App;
use crate::{
    Error,
    domain::{
        Block, BlockName, Location, Phone, Private, Room, RoomNumber, State, Student, Term, place, student::Address,
    },
    events, store,
};

/// Everything that an installation begins with.
#[derive(Clone, Debug, Default)]
pub struct Beginning {
    pub blocks: Vec<NewBlock>,
    pub students: Vec<NewStudent>,
}

/// A block and its rooms.
#[derive(Clone, Debug)]
pub struct NewBlock {
    pub name: String,
    pub latitude: f64,
    pub longitude: f64,
    pub rooms: Vec<NewRoom>,
}

/// A room of a block.
#[derive(Clone, Debug)]
pub struct NewRoom {
    pub room_no: String,
    pub floor: i32,
    pub capacity: u32,
}

/// A student whose account is there already.
#[derive(Clone, Debug)]
pub struct NewStudent {
    /// The account's id.
    pub id: Uuid,
    pub email: String,
    pub registration_no: String,
    pub name: String,
    pub phone: String,
    pub parent_phone: String,
    pub address: String,
    pub year: u32,
    pub semester: u32,
    /// Block and number, of the blocks of the same beginning.
    pub room: Option<(String, String)>,
}

/// Why an installation does not begin with this.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error("{what}: {field} {why}")]
    Invalid {
        what: String,
        field: &'static str,
        why: &'static str,
    },
    #[error("{0} is to live in a room that is not there, or full")]
    NoPlace(String),
    #[error(transparent)]
    Failed(#[from] Error),
}

/// Stores all of it with its events, or nothing. Nothing happens where there are students.
pub(crate) async fn all_or_nothing(app: &App, beginning: Beginning) -> Result<(), SeedError> {
    if store::seed::has_students(app.db.reader()).await.map_err(Error::from)? {
        return Ok(());
    }
    let mut prepared = Prepared::new(app);
    for block in beginning.blocks {
        prepared.add_block(block)?;
    }
    for student in beginning.students {
        prepared.add_student(student)?;
    }
    Ok(prepared.store().await?)
}

/// What is to be stored, in the domain's words.
struct Prepared<'a> {
    app: &'a App,
    now: DateTime<Utc>,
    blocks: Vec<Block>,
    /// Each with the id of its block.
    rooms: Vec<(Uuid, Room)>,
    /// Where a room stands among them, by block and number.
    places: HashMap<(String, String), usize>,
    students: Vec<Student>,
}

impl<'a> Prepared<'a> {
    fn new(app: &'a App) -> Self {
        Self {
            app,
            now: app.clock.now(),
            blocks: Vec::new(),
            rooms: Vec::new(),
            places: HashMap::new(),
            students: Vec::new(),
        }
    }

    fn add_block(&mut self, new: NewBlock) -> Result<(), SeedError> {
        let what = format!("block {}", new.name);
        let name = BlockName::parse(&new.name).map_err(invalid(&what, "name"))?;
        let location = Location::new(new.latitude, new.longitude)
            .map_err(|_| invalid(&what, "location")("must be a place on earth"))?;
        let block = Block::new(self.app.clock.new_id(), name, Some(location), self.now);
        for room in new.rooms {
            let what = format!("room {} of {what}", room.room_no);
            let room = Room {
                id: self.app.clock.new_id(),
                room_no: RoomNumber::parse(&room.room_no).map_err(invalid(&what, "room_no"))?,
                block: block.name.clone(),
                floor: place::floor(room.floor).map_err(invalid(&what, "floor"))?,
                capacity: place::capacity(room.capacity).map_err(invalid(&what, "capacity"))?,
                occupied: 0,
                version: 1,
                created_at: self.now,
                updated_at: self.now,
            };
            self.places
                .insert((block.name.folded(), room.room_no.folded()), self.rooms.len());
            self.rooms.push((block.id, room));
        }
        self.blocks.push(block);
        Ok(())
    }

    fn add_student(&mut self, new: NewStudent) -> Result<(), SeedError> {
        let what = format!("student {}", new.registration_no);
        let phone = |field, text: &str| Phone::parse(text).map_err(invalid(&what, field));
        let private = Private {
            phone: Some(phone("phone", &new.phone)?),
            parent_phone: Some(phone("parent_phone", &new.parent_phone)?),
            address: Address::parse(&new.address).map_err(invalid(&what, "address"))?,
        };
        let term = Term::new(new.year, new.semester)
            .map_err(|_| invalid(&what, "semester")("must be one of the year, which is 1 to 4"))?;
        let mut student = Student {
            id: new.id,
            registration_no: RegistrationNumber::parse(&new.registration_no)
                .map_err(invalid(&what, "registration_no"))?,
            name: PersonName::parse(&new.name).map_err(invalid(&what, "name"))?,
            email: Email::parse(&new.email).map_err(invalid(&what, "email"))?,
            private,
            term,
            room: None,
            state: State::Active,
            version: 1,
            created_at: self.now,
            updated_at: self.now,
        };
        if let Some((block, number)) = new.room {
            let room = self.place(&block, &number).ok_or(SeedError::NoPlace(what))?;
            room.occupied += 1;
            student.room = Some(room.reference());
        }
        self.students.push(student);
        Ok(())
    }

    /// The room, if somebody else can live there.
    fn place(&mut self, block: &str, number: &str) -> Option<&mut Room> {
        let key = (
            BlockName::parse(block).ok()?.folded(),
            RoomNumber::parse(number).ok()?.folded(),
        );
        let (_, room) = self.rooms.get_mut(*self.places.get(&key)?)?;
        (room.occupied < room.capacity).then_some(room)
    }

    async fn store(self) -> Result<(), Error> {
        let clock = &self.app.clock;
        let caller = Caller::service(events::SOURCE, clock.new_id().to_string());
        let blocks = self
            .blocks
            .iter()
            .map(|block| events::place::block_updated(clock, &caller, block));
        let rooms = self
            .rooms
            .iter()
            .map(|(_, room)| events::place::room_added(clock, &caller, room));
        let students = self
            .students
            .iter()
            .map(|student| events::registered(clock, &caller, student));
        // Made before the transaction is open: on SQLite nobody else writes while it is.
        let drafts: Vec<_> = blocks.chain(rooms).chain(students).collect();
        let stays: Vec<_> = self.students.iter().map(|student| (clock.new_id(), student)).collect();
        let txn = self.app.db.begin().await?;
        store::block::insert_many_in_txn(&txn, &self.blocks).await?;
        store::room::insert_many_in_txn(&txn, &self.rooms).await?;
        store::seed::students_in_txn(&txn, &self.app.private, &self.students).await?;
        store::seed::stays_in_txn(&txn, &stays).await?;
        outbox::add_many(&txn, drafts).await?;
        txn.commit().await?;
        Ok(())
    }
}

fn invalid(what: &str, field: &'static str) -> impl Fn(&'static str) -> SeedError {
    let what = what.to_owned();
    move |why| SeedError::Invalid {
        what: what.clone(),
        field,
        why,
    }
}
