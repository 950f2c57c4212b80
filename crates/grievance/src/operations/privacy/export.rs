//! What this service holds of a student, as a file, for those who are to see it all. Internal notes are not among it, nor is what is
//! sensitive where a role that may ask for an export may not know whose that is.

use kit::{
    clock::text,
    files::exports::{self, Asked},
};
use proto::options::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Error,
    domain::{Change, Comment, Image, State, Ticket},
    operations::App,
    store,
};

/// So many grievances are told of, the last ones.
const MOST: u64 = 10_000;
/// Who may ask for an export, beside its student. Who asked for this one is not known here.
const ASKING: [Role; 2] = [Role::Warden, Role::Admin];
const LEFT_OUT: &str = "Sensitive grievances are in no export: their student reads them under /api/v1/grievances";

/// Stores this service's part of an export; of somebody who is unknown an empty one, so that nobody waits for it.
pub(crate) async fn store_part(app: &App, asked: &Asked) -> Result<(), Error> {
    let part = part(app, asked.of).await?;
    exports::store_json(&*app.files, &app.clock, asked.export, "grievance", &part).await?;
    Ok(())
}

async fn part(app: &App, student: Uuid) -> Result<Value, Error> {
    let db = app.db.reader();
    let all_may_know = ASKING.iter().all(|role| app.named.contains(role));
    let mut told = Vec::new();
    for one in store::privacy::tickets(db, student, MOST).await? {
        if one.sensitive && !all_may_know {
            continue;
        }
        let images = store::image::of_ticket(db, one.id).await?;
        let comments = store::privacy::comments(db, one.id).await?;
        let changes = store::privacy::changes(db, one.id).await?;
        told.push(ticket(&one, &images, &comments, &changes));
    }
    let mut part = json!({ "grievances": told });
    if !all_may_know {
        // The same words for everybody: they do not say whether there is one.
        part["left_out"] = json!(LEFT_OUT);
    }
    Ok(part)
}

fn ticket(ticket: &Ticket, images: &[Image], comments: &[Comment], changes: &[Change]) -> Value {
    let resolution = ticket.state.resolution();
    json!({
        "id": ticket.id,
        "ticket_id": ticket.number.to_string(),
        "category": ticket.category,
        "sub_category": ticket.sub_category,
        "priority": ticket.priority.as_str(),
        "description": ticket.description,
        "sensitive": ticket.sensitive,
        "status": ticket.status().as_str(),
        "block": ticket.place.as_ref().map(|place| &place.block),
        "room_no": ticket.place.as_ref().map(|place| &place.room_no),
        "assigned_to": ticket.assigned_to,
        "resolved_at": resolution.map(|resolution| text(resolution.at)),
        "resolution_comments": resolution.and_then(|resolution| resolution.comments.as_ref()),
        "merged": matches!(ticket.state, State::Merged { .. }),
        "rating": ticket.rating.as_ref().map(|rating| rating.stars),
        "rating_comment": ticket.rating.as_ref().and_then(|rating| rating.comment.as_ref()),
        "created_at": text(ticket.created_at),
        "updated_at": text(ticket.updated_at),
        "images": images.iter().map(image).collect::<Vec<_>>(),
        "comments": comments.iter().map(comment).collect::<Vec<_>>(),
        "history": changes.iter().map(change).collect::<Vec<_>>(),
    })
}

fn image(image: &Image) -> Value {
    json!({
        "id": image.id,
        "content_type": image.kind.media_type(),
        "size": image.size,
        "sha256": hex::encode(image.sha256),
        "created_at": text(image.created_at),
    })
}

fn comment(comment: &Comment) -> Value {
    json!({
        "author_role": comment.author_role,
        "text": comment.text,
        "created_at": text(comment.created_at),
    })
}

fn change(change: &Change) -> Value {
    json!({
        "field": change.field,
        "before": change.before,
        "after": change.after,
        "changed_as": change.author_role,
        "changed_at": text(change.changed_at),
    })
}
