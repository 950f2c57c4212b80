//! Tickets as messages.

use chrono::{DateTime, Utc};
use kit::clock::timestamp;
use prost_types::Timestamp;
use proto::grievance as message;

use super::convert;
use crate::{
    domain::{Image, Sight, State, Ticket},
    operations::{App, images::links, view::Beside},
};

/// A ticket as somebody with this sight is told of it, without its pictures.
pub(crate) fn grievance(app: &App, ticket: &Ticket, sight: Sight, beside: &Beside) -> message::Grievance {
    let now = app.clock.now();
    let resolution = ticket.state.resolution();
    let closed_at = match ticket.state {
        State::Closed { at, .. } => Some(at),
        _ => None,
    };
    let reopen_until = ticket
        .state
        .reopen_until(app.reopen_within())
        .filter(|until| now <= *until);
    let assignee = ticket.assigned_to.and_then(|id| beside.people.get(&id));
    let escalated_to = app.config.told(ticket).filter(|_| ticket.timing.escalation > 0);
    message::Grievance {
        id: ticket.id.to_string(),
        ticket_id: ticket.number.to_string(),
        version: ticket.version,
        category: ticket.category.clone(),
        sub_category: ticket.sub_category.clone(),
        priority: convert::priority(ticket.priority).into(),
        description: ticket.description.clone(),
        status: convert::status(ticket.status()).into(),
        sensitive: ticket.sensitive,
        student: (sight == Sight::Whole).then(|| student(ticket, beside)),
        assigned_to: ticket.assigned_to.map(|id| id.to_string()),
        assigned_to_name: assignee.map(|person| person.name.clone()),
        due_at: time(ticket.timing.due_at),
        overdue: ticket.is_overdue(now),
        escalated_to: escalated_to.map(str::to_owned),
        resolved_by: resolution.map(|resolution| resolution.by.to_string()),
        resolution_comments: resolution.and_then(|resolution| resolution.comments.clone()),
        resolved_at: time(resolution.map(|resolution| resolution.at)),
        reopen_until: time(reopen_until),
        closed_at: time(closed_at),
        merged_into: target(ticket, beside),
        rating: ticket.rating.as_ref().map(|rating| rating.stars.into()),
        rating_comment: ticket.rating.as_ref().and_then(|rating| rating.comment.clone()),
        images: Vec::new(),
        created_at: Some(timestamp(ticket.created_at)),
        updated_at: Some(timestamp(ticket.updated_at)),
    }
}

/// The same with its pictures, whose links are good from now on.
pub(crate) fn with_images(app: &App, told: message::Grievance, images: &[Image]) -> message::Grievance {
    message::Grievance {
        images: images.iter().map(|one| image(app, one)).collect(),
        ..told
    }
}

/// A picture with a link to it that is good from now on.
pub(crate) fn image(app: &App, image: &Image) -> message::GrievanceImage {
    let link = links::of(app, image.id);
    message::GrievanceImage {
        id: image.id.to_string(),
        content_type: image.kind.media_type().to_owned(),
        size: image.size,
        width: image.width,
        height: image.height,
        url: link.url.to_string(),
        url_expires_at: Some(timestamp(link.expires_at)),
        created_at: Some(timestamp(image.created_at)),
    }
}

/// Of a student whose record was not heard of yet only the id is known.
fn student(ticket: &Ticket, beside: &Beside) -> message::GrievanceStudent {
    let known = beside.students.get(&ticket.student_id);
    message::GrievanceStudent {
        id: ticket.student_id.to_string(),
        name: known.map(|student| student.name.clone()).unwrap_or_default(),
        registration_no: known.map(|student| student.registration_no.clone()).unwrap_or_default(),
        room_no: ticket.place.as_ref().map(|place| place.room_no.clone()),
        block: ticket.place.as_ref().map(|place| place.block.clone()),
    }
}

fn target(ticket: &Ticket, beside: &Beside) -> Option<message::GrievanceTarget> {
    let State::Merged { into, .. } = ticket.state else {
        return None;
    };
    let target = beside.targets.get(&into)?;
    Some(message::GrievanceTarget {
        ticket_id: target.number.to_string(),
        status: convert::status(target.status()).into(),
        due_at: time(target.timing.due_at),
        resolved_at: time(target.state.resolution().map(|resolution| resolution.at)),
    })
}

fn time(at: Option<DateTime<Utc>>) -> Option<Timestamp> {
    at.map(timestamp)
}
