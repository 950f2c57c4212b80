//! What scanning needs to know of students and roll calls, held in memory: a scan asks nobody.
//!
//! What changes is seen by its `changed_at` within a second, also what other replicas changed; what is not known is looked up
//! once. Where the database was away, the next look goes as far back as the last one that succeeded.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use kit::{Clock, Db, ticks::Ticks};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Error,
    domain::{Handle, Session, Student},
    store::{self, changed},
};

/// How often it is looked what changed.
const EVERY: Duration = Duration::from_secs(1);
/// Transactions commit later than their rows were stamped, and the clocks of replicas differ.
const OVERLAP: chrono::Duration = chrono::Duration::seconds(30);
/// Students read at once at the start.
const A_BATCH: u64 = 5000;
/// About 300 bytes each; more than this was never planned for.
const MANY: usize = 200_000;

/// Students and roll calls as they were last seen.
pub(crate) struct Memory {
    students: RwLock<HashMap<Uuid, Arc<Student>>>,
    sessions: RwLock<HashMap<Handle, Arc<Session>>>,
    /// When the last look that succeeded began; `None` before the first.
    looked: Mutex<Option<DateTime<Utc>>>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            students: RwLock::default(),
            sessions: RwLock::default(),
            looked: Mutex::new(None),
        }
    }

    /// Follows what changes, until told to stop.
    pub(crate) async fn follow(&self, db: &Db, clock: &Clock, stop: &CancellationToken) {
        let mut ticks = Ticks::every(EVERY, stop);
        while ticks.next().await {
            if let Err(error) = self.look(db, clock).await {
                tracing::warn!(%error, "students and roll calls in memory may be out of date");
            }
        }
    }

    /// Takes in what changed since the last look; everything at the first.
    pub(crate) async fn look(&self, db: &Db, clock: &Clock) -> Result<(), Error> {
        let mut looked = self.looked.lock().await;
        let (begun, since) = (clock.now(), looked.map(|at| at - OVERLAP));
        self.keep_sessions(changed::sessions(db, since).await?);
        match since {
            None => self.read_everybody(db).await?,
            Some(since) => {
                let mut changed = changed::students_since(db, since).await?;
                {
                    let known = self.students.read().unwrap_or_else(PoisonError::into_inner);
                    changed.retain(|(id, version)| known.get(id).is_none_or(|student| student.version < *version));
                }
                let ids: Vec<Uuid> = changed.into_iter().map(|(id, _)| id).collect();
                self.keep_students(changed::students(db, &ids).await?);
            }
        }
        *looked = Some(begun);
        Ok(())
    }

    async fn read_everybody(&self, db: &Db) -> Result<(), Error> {
        let mut after = Uuid::nil();
        loop {
            let batch = changed::students_after(db, after, A_BATCH).await?;
            let Some(last) = batch.last() else { break };
            after = last.id;
            self.keep_students(batch);
        }
        let held = self.students.read().unwrap_or_else(PoisonError::into_inner).len();
        if held > MANY {
            tracing::warn!(held, "more students than were planned for are held in memory");
        }
        Ok(())
    }

    /// Takes in records of students; an older one than is known changes nothing.
    pub(crate) fn keep_students(&self, students: impl IntoIterator<Item = Student>) {
        let mut known = self.students.write().unwrap_or_else(PoisonError::into_inner);
        for student in students {
            if known.get(&student.id).is_none_or(|one| one.version <= student.version) {
                known.insert(student.id, Arc::new(student));
            }
        }
    }

    /// Takes in roll calls; an older state than is known changes nothing, and what is settled is let go.
    pub(crate) fn keep_sessions(&self, sessions: impl IntoIterator<Item = Session>) {
        let mut known = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        for session in sessions {
            if session.is_settled() {
                known.remove(&session.handle);
            } else if known
                .get(&session.handle)
                .is_none_or(|one| one.version <= session.version)
            {
                known.insert(session.handle, Arc::new(session));
            }
        }
    }

    /// A student, looked up once where they are not known.
    pub(crate) async fn student(&self, db: &Db, id: Uuid) -> Result<Option<Arc<Student>>, Error> {
        let known = self.known_student(id);
        match known {
            Some(student) => Ok(Some(student)),
            None => self.student_anew(db, id).await,
        }
    }

    /// A student as the database has them now.
    pub(crate) async fn student_anew(&self, db: &Db, id: Uuid) -> Result<Option<Arc<Student>>, Error> {
        if let Some(student) = store::student::find(db.reader(), id).await? {
            self.keep_students([student]);
        }
        Ok(self.known_student(id))
    }

    fn known_student(&self, id: Uuid) -> Option<Arc<Student>> {
        let students = self.students.read().unwrap_or_else(PoisonError::into_inner);
        students.get(&id).cloned()
    }

    /// The roll call that a code names, looked up where it is not known.
    pub(crate) async fn session(&self, db: &Db, handle: Handle) -> Result<Option<Arc<Session>>, Error> {
        let known = {
            let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
            sessions.get(&handle).cloned()
        };
        if known.is_some() {
            return Ok(known);
        }
        let found = store::session::find_by_handle(db, handle).await?;
        if let Some(session) = &found {
            self.keep_sessions([session.clone()]);
        }
        Ok(found.map(Arc::new))
    }

    /// The latest roll call of a student's block and year whose time this is: for digits, which name none. Only those that are
    /// not settled are known.
    pub(crate) async fn session_at(
        &self,
        db: &Db,
        student: &Student,
        at: DateTime<Utc>,
    ) -> Result<Option<Arc<Session>>, Error> {
        let Some(block) = student.block_folded.as_deref() else {
            return Ok(None);
        };
        let is_theirs = |session: &Session| {
            session.block_folded == block
                && session.year == student.year
                && (session.valid_from..session.valid_until).contains(&at)
        };
        let known = {
            let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
            let theirs = sessions.values().filter(|session| is_theirs(session));
            theirs.max_by_key(|session| session.valid_from).cloned()
        };
        if known.as_ref().is_some_and(|session| session.is_open()) {
            return Ok(known);
        }
        let open = store::session::open_of(db.reader(), block, student.year).await?;
        if let Some(session) = open.filter(is_theirs) {
            self.keep_sessions([session.clone()]);
            return Ok(Some(Arc::new(session)));
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use kit::testing::World;

    use super::*;
    use crate::{
        Attendance,
        domain::{Closed, Closing, Requirement, SessionState},
    };

    const ASHA: Uuid = Uuid::from_u128(1);

    fn student(version: i64, room: &str) -> Student {
        Student {
            id: ASHA,
            version,
            registration_no: "REG-1".to_owned(),
            name: "Asha".to_owned(),
            year: 1,
            block_folded: Some("A".to_owned()),
            room_no: Some(room.to_owned()),
            active: true,
        }
    }

    fn session(version: i64, state: SessionState) -> Session {
        let at = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        Session {
            id: Uuid::nil(),
            handle: [7; 8],
            block: "A".to_owned(),
            block_folded: "A".to_owned(),
            year: 1,
            day: at.date_naive(),
            valid_from: at,
            valid_until: at + chrono::Duration::minutes(30),
            rotate_seconds: 25,
            radius_meters: 2.0,
            require: Requirement::of(&[]).unwrap(),
            place: None,
            opened_by: Uuid::nil(),
            state,
            version,
        }
    }

    #[tokio::test]
    async fn what_is_older_changes_nothing_and_what_is_settled_goes() {
        let world = World::start::<Attendance>().await;
        let (memory, db) = (Memory::new(), &world.db);
        memory.keep_students([student(2, "A-102")]);
        memory.keep_students([student(1, "A-101")]);
        let known = memory.student(db, ASHA).await.unwrap().unwrap();
        assert_eq!(known.room_no.as_deref(), Some("A-102"));
        let closed = Closed {
            at: world.clock.now(),
            by: Closing::Guard,
            settles_at: world.clock.now(),
        };
        memory.keep_sessions([session(5, SessionState::Closed(closed))]);
        memory.keep_sessions([session(4, SessionState::Open)]);
        let known = memory.session(db, [7; 8]).await.unwrap().unwrap();
        assert!(!known.is_open());
        // It is in no database either.
        memory.keep_sessions([session(6, SessionState::Settled(closed))]);
        assert!(memory.session(db, [7; 8]).await.unwrap().is_none());
    }

    /// Rows are stamped before their transactions commit: a look sees what was stamped shortly before the last one.
    #[tokio::test]
    async fn a_look_goes_a_little_further_back_than_the_last() {
        let world = World::start::<Attendance>().await;
        let (memory, db) = (Memory::new(), &world.db);
        let keep = async |version, room, at| {
            let txn = db.begin().await.unwrap();
            let kept = store::student::keep_in_txn(&txn, &[student(version, room)], at).await;
            assert_eq!(kept.unwrap(), 1);
            txn.commit().await.unwrap();
        };
        let room = || memory.known_student(ASHA).unwrap().room_no.clone().unwrap();
        keep(1, "A-101", world.clock.now()).await;
        memory.look(db, &world.clock).await.unwrap();
        assert_eq!(room(), "A-101");
        let stamped = world.clock.now();
        world.clock.advance(OVERLAP);
        memory.look(db, &world.clock).await.unwrap();
        keep(2, "A-102", stamped).await;
        memory.look(db, &world.clock).await.unwrap();
        assert_eq!(room(), "A-102");
    }
}
