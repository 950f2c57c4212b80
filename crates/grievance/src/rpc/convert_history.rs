//! Changes as messages.

use std::collections::HashMap;

use kit::clock::timestamp;
use proto::grievance::GrievanceChange;
use uuid::Uuid;

use crate::domain::{Change, Sight, Ticket};

/// A change as somebody with this sight of its ticket is told of it.
pub(crate) fn change(change: &Change, ticket: &Ticket, sight: Sight, names: &HashMap<Uuid, String>) -> GrievanceChange {
    let is_hidden = |author: &Uuid| sight == Sight::Anonymous && *author == ticket.student_id;
    let author = change.author.filter(|author| !is_hidden(author));
    GrievanceChange {
        field: change.field.clone(),
        before: change.before.clone(),
        after: change.after.clone(),
        changed_by: author.map(|author| author.to_string()),
        changed_as: change.author_role.clone(),
        changed_by_name: author.and_then(|author| names.get(&author).cloned()),
        changed_at: Some(timestamp(change.changed_at)),
    }
}
