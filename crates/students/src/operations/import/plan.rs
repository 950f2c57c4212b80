//! What is to be done with each row: its student is there already, is new, or the row is refused.

use std::collections::{HashMap, HashSet};

use kit::fault::Violation;
use uuid::Uuid;

use super::{batch::Fate, row::Parsed};
use crate::{
    Error,
    domain::{Student, label::Found},
    operations::{
        App,
        register::{self, NewStudent},
    },
    store,
};

pub(super) const ROOM_FULL: &str = "has no place left";
pub(super) const NO_ROOM: &str = "must be a room, like A-101: there is none of this name";
const WHICH_ROOM: &str = "must be one room: more than one may be meant, write block and number, like A-101";
const OTHERWISE: &str = "is registered otherwise; change the record instead";
const ANOTHER_STUDENTS: &str = "belongs to another student";
const ANOTHER_ACCOUNTS: &str =
    "belongs to another account, or to a registration that is not over yet; then import the file again in some minutes";

/// A row and where it stands.
pub(super) struct Line {
    /// In the file.
    pub number: u32,
    pub registration_no: String,
    pub standing: Standing,
}

pub(super) enum Standing {
    /// To be registered.
    New(Box<New>),
    /// Registered now, with the id; without one it only would be.
    Created(Option<Uuid>),
    /// There already, just so.
    Unchanged(Uuid),
    Wrong(Vec<Violation>),
    /// Something else was wrong than the row.
    NotStored,
    /// There was no time, or no use in trying.
    NotTried,
}

impl Standing {
    /// Whether importing the file again would find the same.
    pub(super) fn is_final(&self) -> bool {
        !matches!(self, Self::NotStored | Self::NotTried)
    }
}

/// A student who is to be registered.
#[derive(Clone)]
pub(super) struct New {
    /// Where the row stands among all.
    pub place: usize,
    pub student: Student,
    pub room: Option<Uuid>,
    pub password: Option<String>,
}

/// What rows are held against.
struct Known {
    rooms: HashMap<String, Found>,
    /// Places that are left in the rooms.
    free: HashMap<Uuid, u32>,
    /// By their registration numbers, as these are compared.
    students: HashMap<String, Student>,
    emails: HashSet<String>,
}

/// Holds all rows against what is there. Where places in rooms are counted down, rows beyond the last are refused; otherwise
/// only those of rooms that are full already.
pub(super) async fn lines(app: &App, rows: Vec<Parsed>, count_down: bool) -> Result<Vec<Line>, Error> {
    let mut known = known(app, &rows).await?;
    let mut lines = Vec::with_capacity(rows.len());
    for (place, row) in rows.into_iter().enumerate() {
        let standing = known.judge(app, place, row.wanted, row.room.as_deref());
        let room = if let Standing::New(new) = &standing {
            new.room
        } else {
            None
        };
        let free = room.and_then(|room| known.free.get_mut(&room));
        let standing = match free {
            Some(0) => Standing::Wrong(vec![Violation::new("room", ROOM_FULL)]),
            Some(free) if count_down => {
                *free -= 1;
                standing
            }
            _ => standing,
        };
        lines.push(Line {
            number: row.line,
            registration_no: row.registration_no,
            standing,
        });
    }
    Ok(lines)
}

/// Those that are to be registered; until they are, they count as not tried.
pub(super) fn take_new(lines: &mut [Line]) -> Vec<New> {
    let mut all = Vec::new();
    for line in lines {
        match std::mem::replace(&mut line.standing, Standing::NotTried) {
            Standing::New(new) => all.push(*new),
            standing => line.standing = standing,
        }
    }
    all
}

/// Whose address or number was taken after all: another import of the same file may have been quicker.
pub(super) async fn explain_taken(app: &App, lines: &mut [Line], taken: Vec<(New, Fate)>) -> Result<(), Error> {
    let students: Vec<&Student> = taken.iter().map(|(new, _)| &new.student).collect();
    let known = students_like(app, &students).await?;
    for (new, fate) in taken {
        let there = known.get(&new.student.registration_no.folded());
        lines[new.place].standing = match (there, fate) {
            (Some(student), _) => beside(student, &new),
            (None, Fate::Taken(field)) => Standing::Wrong(vec![Violation::new(field, ANOTHER_ACCOUNTS)]),
            (None, _) => Standing::NotStored,
        };
    }
    Ok(())
}

async fn known(app: &App, rows: &[Parsed]) -> Result<Known, Error> {
    let labels: Vec<&str> = rows.iter().filter_map(|row| row.room.as_deref()).collect();
    let rooms = store::room::by_labels(app.db.reader(), &labels).await?;
    let free = rooms.values().filter_map(|found| match found {
        Found::One(room) => Some((room.id, room.capacity.saturating_sub(room.occupied))),
        Found::None | Found::Several => None,
    });
    let wanted = rows.iter().filter_map(|row| row.wanted.as_ref().ok());
    let pairs = wanted.map(|one| (one.registration_no.folded(), one.email.folded()));
    let students = store::import::alike(app.db.reader(), &app.private, &pairs.collect::<Vec<_>>()).await?;
    let emails = students.iter().map(|student| student.email.folded()).collect();
    Ok(Known {
        free: free.collect(),
        rooms,
        students: by_number(students),
        emails,
    })
}

async fn students_like(app: &App, students: &[&Student]) -> Result<HashMap<String, Student>, Error> {
    let pairs = students
        .iter()
        .map(|student| (student.registration_no.folded(), student.email.folded()));
    let found = store::import::alike(app.db.reader(), &app.private, &pairs.collect::<Vec<_>>()).await?;
    Ok(by_number(found))
}

fn by_number(students: Vec<Student>) -> HashMap<String, Student> {
    let keyed = students
        .into_iter()
        .map(|student| (student.registration_no.folded(), student));
    keyed.collect()
}

impl Known {
    /// The room that a label stands for.
    fn room(&self, label: &str) -> Result<Uuid, Violation> {
        match self.rooms.get(label) {
            Some(Found::One(room)) => Ok(room.id),
            Some(Found::Several) => Err(Violation::new("room", WHICH_ROOM)),
            Some(Found::None) | None => Err(Violation::new("room", NO_ROOM)),
        }
    }

    fn judge(
        &self,
        app: &App,
        place: usize,
        wanted: Result<NewStudent, Vec<Violation>>,
        label: Option<&str>,
    ) -> Standing {
        let (room, mut wrong) = match label.map(|label| self.room(label)).transpose() {
            Ok(room) => (room, Vec::new()),
            Err(violation) => (None, vec![violation]),
        };
        let mut registration = match wanted {
            Ok(registration) => registration,
            Err(others) => return Standing::Wrong([others, wrong].concat()),
        };
        let password = registration.password.take();
        let new = New {
            place,
            student: register::record(app, registration),
            room,
            password,
        };
        let there = self.students.get(&new.student.registration_no.folded());
        if there.is_none() && self.emails.contains(&new.student.email.folded()) {
            wrong.push(Violation::new("email", ANOTHER_STUDENTS));
        }
        match there {
            _ if !wrong.is_empty() => Standing::Wrong(wrong),
            Some(student) => beside(student, &new),
            None => Standing::New(Box::new(new)),
        }
    }
}

/// What a row means whose number is registered already.
fn beside(known: &Student, new: &New) -> Standing {
    let wanted = &new.student;
    let address = wanted.private.address.is_some();
    // What a row leaves out it does not contradict.
    let differs = [
        ("email", known.email.folded() != wanted.email.folded()),
        ("name", known.name != wanted.name),
        ("phone", known.private.phone != wanted.private.phone),
        (
            "parent_phone",
            known.private.parent_phone != wanted.private.parent_phone,
        ),
        ("address", address && known.private.address != wanted.private.address),
        ("year", known.term.year() != wanted.term.year()),
        ("semester", known.term.semester() != wanted.term.semester()),
        (
            "room",
            new.room.is_some() && known.room.as_ref().map(|room| room.id) != new.room,
        ),
    ];
    let differs = differs.into_iter().filter(|(_, differs)| *differs);
    let wrong: Vec<_> = differs.map(|(field, _)| Violation::new(field, OTHERWISE)).collect();
    if wrong.is_empty() {
        Standing::Unchanged(known.id)
    } else {
        Standing::Wrong(wrong)
    }
}
