//! Tickets as rows and back.

use sea_orm::ActiveValue::Set;

use super::super::entity::ticket::{ActiveModel, Model};
use crate::{
    Error,
    domain::{Place, Priority, Rating, Resolution, State, Status, Ticket, TicketNumber, Timing, Work, folded},
};

pub(super) fn model(ticket: &Ticket) -> ActiveModel {
    let (waiting_since, resumes) = match ticket.state {
        State::Waiting { since, resumes } => (Some(since), Some(resumes.as_str().to_owned())),
        _ => (None, None),
    };
    let resolution = ticket.state.resolution();
    let closed_at = match ticket.state {
        State::Closed { at, .. } => Some(at),
        _ => None,
    };
    let (merged_into, merged_at) = match ticket.state {
        State::Merged { into, at } => (Some(into), Some(at)),
        _ => (None, None),
    };
    let Timing {
        clock_from,
        due_at,
        overdue_at,
        escalation,
        escalated_at,
        first_response_at,
    } = ticket.timing;
    ActiveModel {
        id: Set(ticket.id),
        year: Set(ticket.number.year),
        number: Set(ticket.number.number),
        version: Set(ticket.version),
        student_id: Set(ticket.student_id),
        block: Set(ticket.place.as_ref().map(|place| place.block.clone())),
        room_no: Set(ticket.place.as_ref().map(|place| place.room_no.clone())),
        category: Set(ticket.category.clone()),
        sub_category: Set(ticket.sub_category.clone()),
        priority: Set(ticket.priority.rank()),
        description: Set(ticket.description.clone()),
        number_folded: Set(folded(&ticket.number.to_string())),
        description_folded: Set(folded(&ticket.description)),
        room_no_folded: Set(ticket.place.as_ref().map(|place| folded(&place.room_no))),
        sensitive: Set(ticket.sensitive),
        status: Set(ticket.status().as_str().to_owned()),
        waiting_since: Set(waiting_since),
        resumes: Set(resumes),
        resolved_by: Set(resolution.map(|resolution| resolution.by)),
        resolved_at: Set(resolution.map(|resolution| resolution.at)),
        resolution_comments: Set(resolution.and_then(|resolution| resolution.comments.clone())),
        closed_at: Set(closed_at),
        merged_into: Set(merged_into),
        merged_at: Set(merged_at),
        assigned_to: Set(ticket.assigned_to),
        clock_from: Set(clock_from),
        due_at: Set(due_at),
        overdue_at: Set(overdue_at),
        escalation: Set(escalation.into()),
        escalated_at: Set(escalated_at),
        first_response_at: Set(first_response_at),
        rating: Set(ticket.rating.as_ref().map(|rating| rating.stars.into())),
        rating_comment: Set(ticket.rating.as_ref().and_then(|rating| rating.comment.clone())),
        rated_at: Set(ticket.rating.as_ref().map(|rating| rating.at)),
        created_at: Set(ticket.created_at),
        updated_at: Set(ticket.updated_at),
    }
}

pub(in crate::store) fn ticket(row: Model) -> Result<Ticket, Error> {
    let id = row.id;
    let wrong = move |what| Error::Inconsistent {
        table: "ticket",
        row: id,
        what,
    };
    let state = state(&row).ok_or_else(|| wrong("status"))?;
    let place = row.block.zip(row.room_no);
    let rating = row.rating.zip(row.rated_at);
    Ok(Ticket {
        id,
        number: TicketNumber {
            year: row.year,
            number: row.number,
        },
        version: row.version,
        student_id: row.student_id,
        place: place.map(|(block, room_no)| Place { block, room_no }),
        category: row.category,
        sub_category: row.sub_category,
        priority: Priority::of_rank(row.priority).ok_or_else(|| wrong("priority"))?,
        description: row.description,
        sensitive: row.sensitive,
        state,
        assigned_to: row.assigned_to,
        timing: Timing {
            clock_from: row.clock_from,
            due_at: row.due_at,
            overdue_at: row.overdue_at,
            escalation: u8::try_from(row.escalation).map_err(|_| wrong("escalation"))?,
            escalated_at: row.escalated_at,
            first_response_at: row.first_response_at,
        },
        rating: match rating {
            None => None,
            Some((stars, at)) => Some(Rating {
                stars: u8::try_from(stars).map_err(|_| wrong("rating"))?,
                comment: row.rating_comment,
                at,
            }),
        },
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// `None` where the columns do not agree with each other.
fn state(row: &Model) -> Option<State> {
    let resolution = || {
        Some(Resolution {
            by: row.resolved_by?,
            at: row.resolved_at?,
            comments: row.resolution_comments.clone(),
        })
    };
    match Status::parse(&row.status)? {
        Status::Open => Some(State::Open),
        Status::InProgress => Some(State::InProgress),
        Status::Waiting => Some(State::Waiting {
            since: row.waiting_since?,
            resumes: Work::parse(row.resumes.as_deref()?)?,
        }),
        Status::Resolved => resolution().map(State::Resolved),
        Status::Closed => Some(State::Closed {
            resolution: resolution()?,
            at: row.closed_at?,
        }),
        Status::Merged => Some(State::Merged {
            into: row.merged_into?,
            at: row.merged_at?,
        }),
    }
}
