//! One transaction: what comes of each try of a batch.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use kit::{Clock, db::Txn};
use sea_orm::DbErr;
use uuid::Uuid;

use super::{First, SAME_ANSWER};
use crate::{
    domain::{MarkChange, MarkSource, MarkStatus, Outcome, Refusal, Scan, Word},
    store::{
        self,
        batch::{self as rows, Locked, NewMark, Place, Question, Standing},
    },
    telling,
};

/// So many wrong digits a student and roll call; then no more are looked at.
const WRONG_DIGITS: i64 = 5;

/// A try about to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub scan: Scan,
    pub wish: Wish,
    /// Tells the code from others.
    pub token: Option<[u8; 8]>,
    /// It rests on digits, which might be guessed.
    pub by_digits: bool,
}

/// What is to become of a try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wish {
    Mark,
    AskTheGuard,
    /// It is refused, and kept.
    Keep(Refusal),
}

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stored {
    Marked,
    /// The same code was answered a moment ago.
    Again(First),
    /// Marked before; when that was.
    Already(DateTime<Utc>),
    /// The guard is asked, by this scan or one before it.
    Asked(First),
    Refused(Refusal),
}

/// What is known of a batch while it is stored.
struct Batch<'a> {
    entries: &'a [Entry],
    now: DateTime<Utc>,
    /// By the place of their entries.
    stored: Vec<Option<Stored>>,
    sessions: HashMap<Uuid, Locked>,
    /// Who is marked by this batch, by which entry, and how they stood before.
    marked: Vec<(usize, Option<MarkStatus>)>,
}

/// When others learn whom a batch marks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Telling {
    /// With the batch.
    Now,
    /// Some time after it: that is left to whoever tells next.
    Later,
}

/// Stores a batch and says what came of each.
pub(super) async fn store_in_txn(
    txn: &Txn,
    clock: &Clock,
    entries: &[Entry],
    telling: Telling,
) -> Result<Vec<Stored>, DbErr> {
    let mut batch = Batch {
        entries,
        now: clock.now(),
        stored: vec![None; entries.len()],
        sessions: rows::lock_in_txn(txn, &sessions_of(entries)).await?,
        marked: Vec::new(),
    };
    batch.refuse(txn).await?;
    batch.mark(txn).await?;
    batch.ask(txn).await?;
    batch.note(txn, clock).await?;
    batch.tell(txn, clock, telling).await?;
    let stored: Option<Vec<Stored>> = batch.stored.into_iter().collect();
    // A mark that was in the way and then was not: somebody writes marks without the lock.
    let stored = stored.ok_or_else(|| DbErr::Custom("a mark went while its roll call was locked".to_owned()))?;
    let kept = entries.iter().zip(&stored).map(|(entry, stored)| {
        let (outcome, code) = stored.kept();
        (&entry.scan, outcome, code)
    });
    rows::keep_in_txn(txn, kept).await?;
    Ok(stored)
}

/// The roll calls that have to stand still, in their order.
fn sessions_of(entries: &[Entry]) -> Vec<Uuid> {
    let waiting = entries
        .iter()
        .filter(|entry| entry.by_digits || !matches!(entry.wish, Wish::Keep(_)));
    let mut ids: Vec<Uuid> = waiting.filter_map(|entry| entry.scan.session_id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

impl<'a> Batch<'a> {
    /// Those that are refused already, whose roll call is over, or who guess digits.
    async fn refuse(&mut self, txn: &Txn) -> Result<(), DbErr> {
        let guessers: HashSet<Place> = self
            .entries
            .iter()
            .filter(|entry| entry.by_digits && !matches!(entry.wish, Wish::Keep(_)))
            .filter_map(Entry::place)
            .collect();
        let mut wrong = rows::wrong_digits_in_txn(txn, &guessers).await?;
        for (index, entry) in self.entries.iter().enumerate() {
            let refusal = match entry.wish {
                Wish::Keep(refusal) => Some(refusal),
                Wish::Mark | Wish::AskTheGuard => self.is_over(entry).then_some(Refusal::SessionClosed),
            };
            let tries = entry.place().map(|place| wrong.entry(place).or_default());
            let too_many = entry.by_digits && tries.as_ref().is_some_and(|tries| **tries >= WRONG_DIGITS);
            let refusal = refusal.or(too_many.then_some(Refusal::OtpInvalid));
            if let (Some(Refusal::OtpInvalid), Some(tries)) = (refusal, tries) {
                *tries += 1;
            }
            self.stored[index] = refusal.map(Stored::Refused);
        }
        Ok(())
    }

    fn is_over(&self, entry: &Entry) -> bool {
        let session = entry.scan.session_id.and_then(|id| self.sessions.get(&id));
        // Late scans are of the time when it was open; that was looked at.
        session.is_none_or(|session| session.closed_at.is_some() && !entry.scan.offline)
    }

    /// The first of each student is marked, unless there is a mark; the others learn of it.
    async fn mark(&mut self, txn: &Txn) -> Result<(), DbErr> {
        let mut firsts: HashMap<Place, usize> = HashMap::new();
        let mut new = Vec::new();
        for (index, place) in self.open(Wish::Mark) {
            firsts.entry(place).or_insert_with(|| {
                new.push(self.new_mark(index, place.0));
                index
            });
        }
        let inserted = rows::mark_in_txn(txn, &new).await?;
        for (place, index) in &firsts {
            if inserted.contains(place) {
                self.stored[*index] = Some(Stored::Marked);
                self.marked.push((*index, None));
            }
        }
        self.marked.sort_unstable_by_key(|(index, _)| *index);
        self.meet_those_marked(txn).await
    }

    /// Those who have a mark: it stands, or, where it says that they were not there, is turned.
    async fn meet_those_marked(&mut self, txn: &Txn) -> Result<(), DbErr> {
        let rest: Vec<(usize, Place)> = self.open(Wish::Mark).chain(self.open(Wish::AskTheGuard)).collect();
        let asked: Vec<(NaiveDate, Uuid, Uuid)> = rest
            .iter()
            .map(|(index, place)| (self.entries[*index].scan.day, place.0, place.1))
            .collect::<HashSet<_>>()
            .into_iter()
            .collect();
        let mut standing = rows::standing_in_txn(txn, &asked).await?;
        for (index, place) in rest {
            let Some(mark) = standing.get(&place) else { continue };
            let entry = &self.entries[index];
            if mark.stands() {
                self.stored[index] = Some(meet(entry, mark, self.now));
            } else if entry.wish == Wish::Mark {
                let new = NewMark {
                    retracts_absence: mark.status == MarkStatus::Absent,
                    ..self.new_mark(index, place.0)
                };
                rows::turn_in_txn(txn, &new).await?;
                self.marked.push((index, Some(mark.status)));
                self.stored[index] = Some(Stored::Marked);
                standing.insert(place, Standing::of(&new));
            }
        }
        Ok(())
    }

    /// The guard is asked once of each student at a time.
    async fn ask(&mut self, txn: &Txn) -> Result<(), DbErr> {
        let rest: Vec<(usize, Place)> = self.open(Wish::AskTheGuard).collect();
        let asked: HashSet<Place> = rest.iter().map(|(_, place)| *place).collect();
        let questions = rows::questions_in_txn(txn, &asked).await?;
        let mut open: HashMap<Place, First> = HashMap::new();
        for question in questions.iter().filter(|question| question.decided_at.is_none()) {
            open.insert((question.session_id, question.student_id), First::of(question));
        }
        let mut new = Vec::new();
        for (index, place) in rest {
            let scan = &self.entries[index].scan;
            let was_refused = questions.iter().any(|question| {
                (question.session_id, question.student_id) == place
                    && scan.offline
                    && question.scanned_at == scan.scanned_at
                    && question.verdict.as_deref() == Some(Word::Refused.as_str())
            });
            self.stored[index] = Some(if was_refused {
                Stored::Refused(Refusal::ByGuard)
            } else {
                Stored::Asked(*open.entry(place).or_insert_with(|| {
                    new.push(scan);
                    First::of_scan(scan)
                }))
            });
        }
        rows::ask_in_txn(txn, &new).await
    }

    /// Late marks change what was said of the roll call before: that is noted.
    async fn note(&self, txn: &Txn, clock: &Clock) -> Result<(), DbErr> {
        let late = self
            .marked
            .iter()
            .filter(|(index, before)| before.is_some() || self.entries[*index].scan.offline);
        let changes: Vec<MarkChange> = late
            .filter_map(|(index, before)| {
                let scan = &self.entries[*index].scan;
                Some(MarkChange {
                    id: clock.new_id(),
                    day: scan.day,
                    session_id: scan.session_id?,
                    student_id: scan.student_id,
                    before: *before,
                    after: MarkStatus::Present,
                    source: source_of(scan),
                    reason: None,
                    author: Some(scan.student_id),
                    changed_at: self.now,
                })
            })
            .collect();
        store::mark::note_in_txn(txn, &changes).await
    }

    /// The roll calls move on, and others are told now or later.
    async fn tell(&self, txn: &Txn, clock: &Clock, telling: Telling) -> Result<(), DbErr> {
        let marked = self.marked.iter().map(|(index, _)| *index);
        let marked: HashSet<Uuid> = marked.filter_map(|index| self.entries[index].scan.session_id).collect();
        let marked: Vec<Uuid> = marked.into_iter().collect();
        rows::take_versions_in_txn(txn, &marked, 1).await?;
        match telling {
            Telling::Now => telling::tell_in_txn(txn, clock, &marked).await,
            Telling::Later => Ok(()),
        }
    }

    /// Those with this wish of whom it is not known yet what comes.
    fn open(&self, wish: Wish) -> impl Iterator<Item = (usize, Place)> {
        let open = self.entries.iter().enumerate().zip(&self.stored);
        let open = open.filter(move |((_, entry), stored)| entry.wish == wish && stored.is_none());
        open.filter_map(|((index, entry), _)| Some((index, entry.place()?)))
    }

    fn new_mark(&self, index: usize, session: Uuid) -> NewMark<'a> {
        let entry = &self.entries[index];
        NewMark {
            scan: &entry.scan,
            session,
            source: source_of(&entry.scan),
            token: entry.token,
            retracts_absence: false,
            // Somebody holds the roll call of every mark: it is this batch.
            version: self.sessions.get(&session).map_or(0, |session| session.version + 1),
            now: self.now,
        }
    }
}

/// What a scan hears that meets a mark.
fn meet(entry: &Entry, mark: &Standing, now: DateTime<Utc>) -> Stored {
    let same_code = entry.token.is_some() && mark.token.as_deref() == entry.token.as_ref().map(|token| &token[..]);
    let since = mark.scanned_at.unwrap_or(mark.marked_at);
    if entry.scan.offline {
        // The very scan that made the mark has the same result each time.
        let same = same_code && mark.source == MarkSource::Offline && since == entry.scan.scanned_at;
        return if same { Stored::Marked } else { Stored::Already(since) };
    }
    match mark.scan_id {
        Some(scan_id) if same_code && now - mark.marked_at < SAME_ANSWER => Stored::Again(First {
            scan_id,
            scanned_at: since,
            distance_meters: mark.distance_meters,
        }),
        _ => Stored::Already(since),
    }
}

const fn source_of(scan: &Scan) -> MarkSource {
    if scan.offline {
        MarkSource::Offline
    } else {
        MarkSource::Scan
    }
}

impl Entry {
    fn place(&self) -> Option<Place> {
        Some((self.scan.session_id?, self.scan.student_id))
    }
}

impl Standing {
    /// Presence stands, and so does a warden's word, whatever it is.
    pub(crate) fn stands(&self) -> bool {
        self.status == MarkStatus::Present || self.source == MarkSource::Manual
    }

    fn of(mark: &NewMark<'_>) -> Self {
        Self {
            status: MarkStatus::Present,
            source: mark.source,
            scan_id: Some(mark.scan.id),
            scanned_at: Some(mark.scan.scanned_at),
            distance_meters: mark.scan.distance_meters,
            token: mark.token.map(|token| token.to_vec()),
            marked_at: mark.now,
        }
    }
}

impl First {
    pub(super) fn of(question: &Question) -> Self {
        Self {
            scan_id: question.scan_id,
            scanned_at: question.scanned_at,
            distance_meters: question.distance_meters,
        }
    }

    pub(crate) fn of_scan(scan: &Scan) -> Self {
        Self {
            scan_id: scan.id,
            scanned_at: scan.scanned_at,
            distance_meters: scan.distance_meters,
        }
    }
}

impl Stored {
    /// How it is kept.
    pub(super) fn kept(&self) -> (Outcome, Option<&'static str>) {
        match self {
            Self::Marked => (Outcome::Marked, None),
            Self::Again(_) | Self::Already(_) => (Outcome::AlreadyMarked, None),
            Self::Asked(_) => (Outcome::Awaiting, None),
            Self::Refused(refusal) => (Outcome::Refused, Some(refusal.kept_code())),
        }
    }
}
