//! Making all accounts agree with the students' records at once: after one of the two databases was lost, or restored.

use std::{
    collections::{HashMap, HashSet},
    mem,
};

use kit::{
    access::Caller,
    copies::{self, Records},
    service::Rebuilt,
};
use proto::students::{StreamStudentsRequest, roster_client::RosterClient};
use uuid::Uuid;

use super::{super::App, MOST, conform};
use crate::{
    Error,
    domain::record::{Record, RecordState, Teller},
    store,
};

/// Whose records the students' accounts stand for.
pub(crate) const STUDENTS: &str = "students";

/// Reads every record and makes its account agree with it, whatever the account heard before; an account whose record is gone is
/// deactivated. What cannot agree stays as it is, and is named at the end.
pub(crate) async fn rebuild(app: &App) -> anyhow::Result<Rebuilt> {
    // Before the roster is asked for: what an account hears from here on is newer than the roster.
    let mut agreement = Agreement::begin(app).await?;
    let mut roster = RosterClient::new(copies::way(&app.upstreams, STUDENTS)?);
    let request = app.tokens.request(StreamStudentsRequest {})?;
    let mut students = Records::of(STUDENTS, roster.stream_students(request)).await?;
    while let Some(student) = students.next().await? {
        let record = crate::heard::record(&student);
        let record = record.map_err(|why| anyhow::anyhow!("the record {}: {why}", student.id))?;
        agreement.take(record).await?;
    }
    agreement.end().await
}

/// Accounts on their way to agree with all records.
struct Agreement<'a> {
    app: &'a App,
    caller: Caller,
    /// The versions that the accounts agreed with before.
    noted: HashMap<Uuid, i64>,
    erased: HashSet<Uuid>,
    /// Accounts whose record did not come yet.
    missed: HashSet<Uuid>,
    batch: Vec<Record>,
    /// Records whose address or number was another account's when their turn came.
    waiting: Vec<Record>,
    done: Rebuilt,
}

impl<'a> Agreement<'a> {
    async fn begin(app: &'a App) -> Result<Self, Error> {
        let (mut noted, mut erased) = (HashMap::new(), HashSet::new());
        for account in store::record::noted(app.db.reader()).await? {
            if account.is_erased {
                erased.insert(account.id);
            } else {
                noted.insert(account.id, account.version);
            }
        }
        Ok(Self {
            app,
            caller: Caller::service("auth", app.clock.new_id().to_string()),
            missed: noted.keys().copied().collect(),
            noted,
            erased,
            batch: Vec::with_capacity(MOST),
            waiting: Vec::new(),
            done: Rebuilt::default(),
        })
    }

    async fn take(&mut self, record: Record) -> Result<(), Error> {
        self.done.records += 1;
        self.missed.remove(&record.id);
        if self.erased.contains(&record.id) && record.state != RecordState::Erased {
            let note = format!("account {} was erased and stays so: erase its record again", record.id);
            self.done.notes.push(note);
        }
        self.batch.push(record);
        if self.batch.len() == MOST {
            self.conform().await?;
        }
        Ok(())
    }

    /// Makes the accounts of a batch agree; what cannot yet waits.
    async fn conform(&mut self) -> Result<(), Error> {
        let batch = mem::take(&mut self.batch);
        let teller = Teller::Roster(&self.noted);
        let taken = conform::conform(self.app, &self.caller, &batch, teller).await?;
        self.waiting
            .extend(batch.into_iter().filter(|record| taken.contains(&record.id)));
        Ok(())
    }

    async fn end(mut self) -> anyhow::Result<Rebuilt> {
        self.conform().await?;
        self.try_again().await?;
        anyhow::ensure!(
            self.done.records > 0 || self.missed.is_empty(),
            "students has no records and {} accounts follow one: rather the wrong database than nobody left; nothing was changed",
            self.missed.len()
        );
        self.close_missed().await?;
        let taken: Vec<Uuid> = self.waiting.iter().map(|record| record.id).collect();
        anyhow::ensure!(
            taken.is_empty(),
            "{} records were read; the addresses or numbers of {} of them are other accounts': {taken:?}\n{}",
            self.done.records,
            taken.len(),
            self.done.notes.join("\n")
        );
        Ok(self.done)
    }

    /// An address that was another account's may be free by now. Ends: each round has fewer records than the one before.
    async fn try_again(&mut self) -> Result<(), Error> {
        loop {
            let waiting = mem::take(&mut self.waiting);
            let before = waiting.len();
            for part in waiting.chunks(MOST) {
                self.batch = part.to_vec();
                self.conform().await?;
            }
            if self.waiting.is_empty() || self.waiting.len() == before {
                return Ok(());
            }
        }
    }

    async fn close_missed(&mut self) -> Result<(), Error> {
        let mut missed: Vec<Uuid> = self.missed.drain().collect();
        missed.sort_unstable();
        let gone = |id: &Uuid| Record {
            id: *id,
            version: 0,
            state: RecordState::Gone,
        };
        for part in missed.chunks(MOST) {
            let records: Vec<Record> = part.iter().map(gone).collect();
            let teller = Teller::Roster(&self.noted);
            conform::conform(self.app, &self.caller, &records, teller).await?;
        }
        let note = |id: Uuid| format!("account {id} has no record any more: it is deactivated");
        self.done.notes.extend(missed.into_iter().map(note));
        Ok(())
    }
}
