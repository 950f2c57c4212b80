//! The gate as it is now.

use chrono::NaiveDate;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::{
    Error,
    domain::{Leave, Movement, Student},
    operations::App,
    store::{
        self,
        movement::{Due, Out},
    },
};

/// So many are shown of each kind; of the others it is said how many there are.
const MOST: u64 = 500;

/// A student's absence as a gate sees it.
#[derive(Clone, Debug)]
pub(crate) struct Absence {
    pub student_id: Uuid,
    /// `None` as long as nobody told of the student.
    pub student: Option<Student>,
    pub from: NaiveDate,
    pub movement: Movement,
    /// Back after the last day, or out still.
    pub is_late: bool,
}

/// Who is out now, and who of them should be back today, or should have been before.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub today: NaiveDate,
    pub out_now: Crowd,
    pub due_today: Crowd,
    pub overdue: Crowd,
}

/// Who is out for one reason: the first to be back, and how many in all.
#[derive(Clone, Debug)]
pub(crate) struct Crowd {
    pub first: Vec<Absence>,
    pub total: u64,
}

/// Reads the gate, of one block where it is named.
pub(crate) async fn view(app: &App, block: Option<&str>) -> Result<View, Error> {
    let today = app.today();
    Ok(View {
        today,
        out_now: crowd(app, block, Due::Whenever, today).await?,
        due_today: crowd(app, block, Due::On(today), today).await?,
        overdue: crowd(app, block, Due::Before(today), today).await?,
    })
}

async fn crowd(app: &App, block: Option<&str>, due: Due, today: NaiveDate) -> Result<Crowd, Error> {
    let db = app.db.reader();
    let out = store::movement::out(db, block, due, MOST).await?;
    let shown = out.len() as u64;
    let first = absences(db, out, today).await?;
    // Where all are shown, nobody need be counted.
    let total = if shown < MOST {
        shown
    } else {
        store::movement::count_out(db, block, due).await?.max(shown)
    };
    Ok(Crowd { first, total })
}

/// One absence, of which the first leave is known.
pub(crate) async fn absence(
    db: &impl ConnectionTrait,
    app: &App,
    root: &Leave,
    movement: Movement,
) -> Result<Absence, Error> {
    Ok(Absence {
        student_id: root.student_id,
        student: store::student::find(db, root.student_id).await?,
        from: root.days.from(),
        movement,
        is_late: is_late(&movement, app.today()),
    })
}

async fn absences(db: &impl ConnectionTrait, out: Vec<Out>, today: NaiveDate) -> Result<Vec<Absence>, Error> {
    let students: Vec<Uuid> = out.iter().map(|one| one.student_id).collect();
    let roots: Vec<Uuid> = out.iter().map(|one| one.movement.root_id).collect();
    let students = store::student::these(db, &students).await?;
    let first_days = store::leave::first_days(db, &roots).await?;
    let absences = out.into_iter().map(|Out { student_id, movement }| {
        let from = first_days.get(&movement.root_id).copied();
        Ok(Absence {
            student_id,
            student: students.get(&student_id).cloned(),
            from: from.ok_or(Error::Inconsistent {
                table: "movement",
                row: movement.root_id,
                what: "there is no such leave",
            })?,
            movement,
            is_late: is_late(&movement, today),
        })
    });
    absences.collect()
}

fn is_late(movement: &Movement, today: NaiveDate) -> bool {
    movement
        .returned
        .map_or(movement.out_until < today, |returned| returned.is_late)
}
