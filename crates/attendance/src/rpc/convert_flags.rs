//! Flags as messages.

use kit::{Fault, clock::timestamp};
use proto::attendance::{self as message, FlagKind, FlagVerdict, ListFlagsRequest, ReviewFlagRequest};

use super::convert;
use crate::{
    domain::{Flag, OddityKind, Verdict},
    store::flag::Filter,
};

/// Most characters of a note.
const LONGEST_NOTE: usize = 500;

pub(super) fn filter(request: &ListFlagsRequest) -> Result<Filter, Fault> {
    let kind = match request.kind.map(|_| request.kind()) {
        None | Some(FlagKind::Unspecified) => None,
        Some(FlagKind::SharedDevice) => Some(OddityKind::SharedDevice),
        Some(FlagKind::ImpossibleTravel) => Some(OddityKind::ImpossibleTravel),
        Some(FlagKind::IdenticalCoordinates) => Some(OddityKind::IdenticalCoordinates),
        Some(FlagKind::OldCodes) => Some(OddityKind::OldCodes),
        Some(FlagKind::CounterFork) => Some(OddityKind::CounterFork),
    };
    let session = request.session_id.as_deref();
    Ok(Filter {
        kind,
        session: session.map(|id| convert::id("session_id", id)).transpose()?,
        reviewed: request.reviewed,
    })
}

pub(super) fn review(request: &ReviewFlagRequest) -> Result<(Verdict, Option<String>), Fault> {
    let verdict = Verdict::parse(&request.verdict)
        .ok_or_else(|| Fault::invalid("verdict", "must be one of: harmless, confirmed"))?;
    let note = request.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
    if note.is_some_and(|note| note.chars().count() > LONGEST_NOTE) {
        return Err(Fault::invalid("note", "must be at most 500 characters"));
    }
    Ok((verdict, note.map(str::to_owned)))
}

pub(crate) fn flag(flag: &Flag) -> message::Flag {
    let kind = match flag.kind {
        OddityKind::SharedDevice => FlagKind::SharedDevice,
        OddityKind::ImpossibleTravel => FlagKind::ImpossibleTravel,
        OddityKind::IdenticalCoordinates => FlagKind::IdenticalCoordinates,
        OddityKind::OldCodes => FlagKind::OldCodes,
        OddityKind::CounterFork => FlagKind::CounterFork,
    };
    let review = flag.review.as_ref();
    let verdict = review.map_or(FlagVerdict::Unspecified, |review| match review.verdict {
        Verdict::Harmless => FlagVerdict::Harmless,
        Verdict::Confirmed => FlagVerdict::Confirmed,
    });
    message::Flag {
        id: flag.id.to_string(),
        kind: kind.into(),
        session_id: flag.session_id.to_string(),
        student_ids: flag.students.iter().map(ToString::to_string).collect(),
        detail: flag.detail.clone(),
        raised_at: Some(timestamp(flag.raised_at)),
        verdict: verdict.into(),
        note: review.and_then(|review| review.note.clone()),
        reviewed_by: review.map(|review| review.by.to_string()),
        reviewed_at: review.map(|review| timestamp(review.at)),
    }
}
