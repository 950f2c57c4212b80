//! Scans that were made while the phone was offline.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Sent,
    judge::{self, Moment},
};
use crate::{Error, group::Stored, operations::App};

/// What came of a late scan.
#[derive(Clone, Debug)]
pub(crate) struct Late {
    pub outcome: LateOutcome,
    pub scanned_at: Option<DateTime<Utc>>,
    pub session_id: Option<Uuid>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum LateOutcome {
    Marked,
    AlreadyMarked,
    Awaiting,
    Refused(&'static str),
}

/// What makes no scan: nothing of it is kept.
pub(crate) const NO_SCAN: &str = "VALIDATION_ERROR";

/// Judges late scans, each by the time at which it was made, in the order of those times: what comes of them does not depend on
/// the order in which they are sent. `None` stands for what is no scan at all. The answers are in the order of the scans.
pub(crate) async fn sync(app: &App, student: Uuid, scans: &[Option<Sent>]) -> Result<Vec<Late>, Error> {
    let mut order: Vec<(usize, &Sent, DateTime<Utc>)> = scans
        .iter()
        .enumerate()
        .filter_map(|(index, sent)| {
            let sent = sent.as_ref()?;
            Some((index, sent, sent.scanned_at?))
        })
        .collect();
    order.sort_by_key(|(index, _, scanned_at)| (*scanned_at, *index));
    let mut results = vec![nothing(); scans.len()];
    let (now, mut waiting) = (app.clock.now(), Vec::new());
    for (index, sent, at) in order {
        let moment = Moment { at, now, offline: true };
        let judged = match judge::judge(app, student, sent, moment).await {
            Ok(judged) => judged,
            Err(Error::Invalid(_)) => continue,
            Err(error) => return Err(error),
        };
        let session = judged.session.as_ref().map(|session| session.id);
        let entry = judged.entry(app, student, sent);
        waiting.push((index, at, session, app.group.submit(entry)?));
    }
    for (index, at, session_id, receipt) in waiting {
        let (outcome, scanned_at) = match receipt.outcome().await? {
            Stored::Marked => (LateOutcome::Marked, at),
            Stored::Again(first) => (LateOutcome::AlreadyMarked, first.scanned_at),
            Stored::Already(first) => (LateOutcome::AlreadyMarked, first),
            Stored::Asked(_) => (LateOutcome::Awaiting, at),
            Stored::Refused(refusal) => (LateOutcome::Refused(refusal.code()), at),
        };
        results[index] = Late {
            outcome,
            scanned_at: Some(scanned_at),
            session_id,
        };
    }
    Ok(results)
}

const fn nothing() -> Late {
    Late {
        outcome: LateOutcome::Refused(NO_SCAN),
        scanned_at: None,
        session_id: None,
    }
}
