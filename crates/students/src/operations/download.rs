//! Students as a file that an import reads: batch by batch, never whole in memory.

use std::collections::{HashMap, HashSet};

use kit::access::Caller;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::App;
use crate::{
    Error,
    domain::{
        Phone, RoomRef, Student,
        label::{self, Found},
        student::Address,
        table::{Cells, Column, write_header, write_row},
    },
    store::{self, student::list::Filter},
};

/// Students read at once.
const A_BATCH: u64 = 500;

/// Sends the file's bytes, by registration number; ends early when nobody reads any more.
pub(crate) async fn download(
    app: &App,
    caller: &Caller,
    filter: &Filter,
    to: &mpsc::Sender<Vec<u8>>,
) -> Result<(), Error> {
    let mut bytes = Vec::new();
    write_header(&mut bytes);
    let mut labels = HashMap::new();
    let mut last = String::new();
    loop {
        if to.send(bytes).await.is_err() {
            return Ok(());
        }
        let batch = store::download::after(app.db.reader(), &app.private, caller, filter, (&last, A_BATCH)).await?;
        let Some(end) = batch.last() else { return Ok(()) };
        last = end.registration_no.folded();
        learn_labels(app, &batch, &mut labels).await?;
        bytes = Vec::new();
        for student in &batch {
            write_row(&mut bytes, &cells(student, &labels));
        }
    }
}

fn cells(student: &Student, labels: &HashMap<Uuid, String>) -> Cells {
    let private = &student.private;
    let phone = private.phone.as_ref().map(Phone::as_str);
    let parent_phone = private.parent_phone.as_ref().map(Phone::as_str);
    let address = private.address.as_ref().map(Address::as_str);
    let label = student.room.as_ref().and_then(|room| labels.get(&room.id));
    Cells::default()
        .with(Column::Email, student.email.as_str())
        .with(Column::RegistrationNo, student.registration_no.as_str())
        .with(Column::Name, student.name.as_str())
        .with(Column::Phone, phone.unwrap_or_default())
        .with(Column::ParentPhone, parent_phone.unwrap_or_default())
        .with(Column::Address, address.unwrap_or_default())
        .with(Column::Year, student.term.year().to_string())
        .with(Column::Semester, student.term.semester().to_string())
        .with(Column::Room, label.map(String::as_str).unwrap_or_default())
}

/// Labels for rooms that have none yet: each the first that an import would find the room by.
async fn learn_labels(app: &App, students: &[Student], labels: &mut HashMap<Uuid, String>) -> Result<(), Error> {
    let mut seen = HashSet::new();
    let rooms = students.iter().filter_map(|student| student.room.as_ref());
    let new: Vec<(&RoomRef, Vec<String>)> = rooms
        .filter(|room| !labels.contains_key(&room.id) && seen.insert(room.id))
        .map(|room| (room, label::writings(room)))
        .collect();
    let all: Vec<&str> = new
        .iter()
        .flat_map(|(_, writings)| writings)
        .map(String::as_str)
        .collect();
    let found = store::room::by_labels(app.db.reader(), &all).await?;
    for (room, writings) in new {
        let means = |writing: &&String| matches!(found.get(*writing), Some(Found::One(one)) if one.id == room.id);
        // Where none is clear the plainest stands: an import asks which room is meant.
        let label = writings.iter().find(means).or(writings.first());
        labels.insert(room.id, label.cloned().unwrap_or_default());
    }
    Ok(())
}
