//! Comments as messages, and requests about them as the domain's words.

use std::collections::HashMap;

use kit::{Fault, clock::timestamp, fault::Fields, page::Paging};
use proto::{
    grievance::{AddCommentRequest, GrievanceComment, ListCommentsRequest, MergeGrievanceRequest},
    options::Role,
};
use uuid::Uuid;

use super::convert::{page_of, text};
use crate::{
    domain::{Comment, Sight, Ticket, TicketRef},
    operations::comments::add::NewComment,
};

const TEXT: (usize, usize) = (1, 2000);

/// A comment as somebody with this sight of its ticket is told of it.
pub(crate) fn comment(
    comment: &Comment,
    ticket: &Ticket,
    sight: Sight,
    names: &HashMap<Uuid, String>,
) -> GrievanceComment {
    let is_hidden = sight == Sight::Anonymous && comment.author == ticket.student_id;
    let author = (!is_hidden).then_some(comment.author);
    GrievanceComment {
        id: comment.id.to_string(),
        author: author.map(|author| author.to_string()),
        author_name: author.and_then(|author| names.get(&author).cloned()),
        author_role: comment.author_role.clone(),
        text: comment.text.clone(),
        internal: comment.internal,
        created_at: Some(timestamp(comment.created_at)),
    }
}

/// What somebody with this role says.
pub(crate) fn said(request: &AddCommentRequest, role: Role) -> Result<(TicketRef, NewComment), Fault> {
    let mut fields = Fields::default();
    let ticket = fields.take("id", TicketRef::parse(&request.id));
    let text = text(&mut fields, "text", &request.text, TEXT);
    let (internal, asks) = (request.internal(), request.asks());
    if role == Role::Student && internal {
        fields.wrong("internal", "must be left out: students write no internal notes");
    }
    if role == Role::Student && asks {
        fields.wrong("asks", "must be left out: students are asked");
    } else if internal && asks {
        fields.wrong(
            "asks",
            "must not go with internal: the student would not see the question",
        );
    }
    match ticket.zip(text) {
        Some((ticket, text)) if fields.is_empty() => Ok((ticket, NewComment { text, internal, asks })),
        _ => Err(fields.fault()),
    }
}

pub(crate) fn listed(request: &ListCommentsRequest) -> Result<(TicketRef, Paging), Fault> {
    page_of(&request.id, request.page, request.limit)
}

/// The one that ends, and the one that goes on.
pub(crate) fn merged(request: &MergeGrievanceRequest) -> Result<(TicketRef, TicketRef), Fault> {
    let mut fields = Fields::default();
    let duplicate = fields.take("id", TicketRef::parse(&request.id));
    let into = fields.take("into", TicketRef::parse(&request.into));
    duplicate.zip(into).ok_or_else(|| fields.fault())
}
