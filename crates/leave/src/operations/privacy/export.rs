//! What this service holds of a student, as a file, for those who are to see it all.

use kit::{
    access::Caller,
    clock::text,
    files::exports::{self, Asked},
    json,
    page::{Order, Paging},
};
use proto::leave::{Leave, LeaveDocument};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Error,
    operations::{App, shown},
    rpc::convert_documents,
    store::{
        self,
        leave::{Filter, SortBy},
    },
};

/// Leaves that are read at a time.
const A_PAGE: u32 = 100;
/// So many pages are told of, the latest first.
const MOST_PAGES: u32 = 100;

/// Stores this service's part of an export; of somebody who is unknown an empty one, so that nobody waits for it.
pub(crate) async fn store_part(app: &App, asked: &Asked) -> Result<(), Error> {
    let part = part(app, asked.of).await?;
    exports::store_json(&*app.files, &app.clock, asked.export, "leave", &part).await?;
    Ok(())
}

async fn part(app: &App, student: Uuid) -> Result<Value, Error> {
    let db = app.db.reader();
    let documents = store::document::of_student(db, student).await?;
    let documents = documents
        .iter()
        .map(|document| json::to_value::<LeaveDocument>(&convert_documents::without_link(document)));
    let guardian = store::guardian::find(db, &app.private, student).await?;
    let guardian = guardian.map(|address| json!({"email": address.email.as_str(), "set_at": text(address.set_at)}));
    let links = store::guardian_link::of_student(db, student).await?;
    let links = links
        .into_iter()
        .map(|link| json!({"created_at": text(link.created_at), "used_at": link.used_at.map(text)}));
    Ok(json!({
        "leaves": leaves(app, student).await?,
        "documents": documents.collect::<Vec<_>>(),
        "guardian": guardian,
        "guardian_links": links.collect::<Vec<_>>(),
    }))
}

async fn leaves(app: &App, student: Uuid) -> Result<Vec<Value>, Error> {
    let db = app.db.reader();
    // Nobody is asked for by name: what is held is told as it is.
    let caller = Caller::service("leave", app.clock.new_id().to_string());
    let filter = Filter {
        student: Some(student),
        ..Filter::default()
    };
    let sort = (SortBy::CreatedAt, Order::Descending);
    let mut all = Vec::new();
    for page in 1..=MOST_PAGES {
        let paging = Paging::new(Some(page), Some(A_PAGE))?;
        let (leaves, total) = store::leave::list(db, &app.private, &caller, &filter, sort, paging).await?;
        let is_last = leaves.is_empty();
        let shown = shown::all(app, db, &caller, leaves).await?;
        all.extend(shown.iter().map(json::to_value::<Leave>));
        if is_last || all.len() as u64 >= total {
            break;
        }
    }
    Ok(all)
}
