//! A student scans the code on display.

pub(crate) mod decide;
pub(crate) mod device;
mod judge;
pub(crate) mod read;
pub(crate) mod sync;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use kit::fault::Violation;
use uuid::Uuid;

use self::judge::{Judged, Moment};
use super::App;
use crate::{
    Error,
    domain::{Fix, Refusal, Scan, SeenPoint, Session, Student},
    group::{Entry, First, SAME_ANSWER, Stored, Wish},
    store,
};

/// What a phone sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    /// What the code said; empty where digits were typed instead.
    pub token: String,
    pub fix: Option<Fix>,
    /// By the phone's clock.
    pub scanned_at: Option<DateTime<Utc>>,
    pub digits: Option<String>,
    pub access_points: Vec<SeenPoint>,
    pub device_id: Option<Uuid>,
    pub counter: Option<u64>,
    /// The device's signature, base64.
    pub signature: Option<String>,
    /// The last time of the server that the phone learned.
    pub server_time: Option<DateTime<Utc>>,
}

/// What a student is told of their scan.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Or the guard is asked.
    pub marked: bool,
    pub session: Arc<Session>,
    pub student: Arc<Student>,
    pub scan: First,
}

pub(crate) async fn scan(app: &App, student: Uuid, sent: &Sent) -> Result<Answer, Error> {
    let now = app.clock.now();
    let moment = Moment {
        at: now,
        now,
        offline: false,
    };
    let judged = judge::judge(app, student, sent, moment).await?;
    let entry = judged.entry(app, student, sent);
    let scan = First::of_scan(&entry.scan);
    let stored = app.group.store(entry).await?;
    if let Stored::Refused(refusal) = stored
        && let Some(answer) = answered_before(app, &judged, refusal, now).await?
    {
        return Ok(answer);
    }
    let (Some(session), Some(student)) = (judged.session, judged.student) else {
        return Err(Error::Refused(refusal_of(stored)));
    };
    let (marked, scan) = match stored {
        Stored::Marked => (true, scan),
        Stored::Again(first) => (true, first),
        Stored::Asked(first) => (false, first),
        Stored::Already(at) => return Err(Error::AlreadyMarked(at)),
        Stored::Refused(refusal) => return Err(Error::Refused(refusal)),
    };
    Ok(Answer {
        marked,
        session,
        student,
        scan,
    })
}

/// Nothing but a refusal comes of a try that names no roll call or no student.
fn refusal_of(stored: Stored) -> Refusal {
    match stored {
        Stored::Refused(refusal) => refusal,
        _ => Refusal::NotInSession,
    }
}

/// The answer that the same code got a moment ago: a phone that lost it asks again, when the code may be off display already.
async fn answered_before(
    app: &App,
    judged: &Judged,
    refusal: Refusal,
    now: DateTime<Utc>,
) -> Result<Option<Answer>, Error> {
    let (Some(session), Some(student), Some(code)) = (&judged.session, &judged.student, &judged.code) else {
        return Ok(None);
    };
    let since = now - SAME_ANSWER;
    let db = app.db.reader();
    let mut found = store::scan::mark_by_code(db, session, student.id, code.digest, since).await?;
    let marked = found.is_some();
    // A place that is wrong now is no question of a moment ago; a signed scan that comes again has spent its counter.
    let may_be_a_question = matches!(
        refusal,
        Refusal::QrExpired | Refusal::SessionClosed | Refusal::DeviceMismatch(_)
    );
    if !marked && may_be_a_question {
        found = store::scan::question_by_slot(db, session, student.id, code.slot, since).await?;
    }
    Ok(found.map(|scan| Answer {
        marked,
        session: session.clone(),
        student: student.clone(),
        scan,
    }))
}

/// What is missing of a scan, whatever comes of it.
fn missing(sent: &Sent, session: Option<&Session>) -> Result<(), Error> {
    let mut wrong = Vec::new();
    if sent.token.is_empty() && sent.digits.is_none() {
        wrong.push(Violation::new("qr_token", "is needed, or otp instead"));
    }
    let near = session.is_none_or(|session| session.require.asks_for(crate::domain::Factor::Proximity));
    if near && sent.fix.is_none() {
        wrong.push(Violation::new("location", "is needed"));
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(wrong))
    }
}

impl Judged {
    /// The try as it is stored.
    fn entry(&self, app: &App, student: Uuid, sent: &Sent) -> Entry {
        let today = || self.moment.now.with_timezone(&app.timezone).date_naive();
        let scan = Scan {
            id: app.clock.new_id(),
            day: self.session.as_ref().map_or_else(today, |session| session.day),
            session_id: self.session.as_ref().map(|session| session.id),
            student_id: student,
            offline: self.moment.offline,
            scanned_at: self.moment.at,
            received_at: self.moment.now,
            distance_meters: self.distance_meters,
            accuracy_meters: sent.fix.and_then(|fix| fix.accuracy_meters),
            point: sent.fix.map(|fix| (fix.latitude, fix.longitude)),
            evidence: self.evidence.clone(),
            // Also of one that did not hold: what is odd about a device is found among the tries.
            device: self
                .device
                .map(|proof| (proof.device_id, proof.counter))
                .or_else(|| sent.device_id.zip(sent.counter)),
            slot: self.code.map(|code| code.slot),
        };
        Entry {
            scan,
            wish: self.wish,
            token: self.code.map(|code| code.digest),
            by_digits: sent.digits.is_some()
                && matches!(
                    self.wish,
                    Wish::Mark | Wish::AskTheGuard | Wish::Keep(Refusal::OtpInvalid)
                ),
        }
    }
}
