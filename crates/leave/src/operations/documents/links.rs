//! Links to documents.

use chrono::Duration;
use kit::files::link::{GoodLink, Links, Variant};
use uuid::Uuid;

use crate::{Error, operations::App};

/// A new link to a document.
pub(crate) fn of(app: &App, document: Uuid) -> GoodLink {
    let life = Duration::minutes(app.config.link_minutes.into());
    links(app).give(document, Variant::File, life)
}

/// Refuses a link that was not given out, or whose time is over.
pub(crate) fn verify(app: &App, document: Uuid, expires: &str, signature: &str) -> Result<(), Error> {
    let link = links(app).read(document, None, expires, signature);
    link.map(drop).ok_or(Error::LinkRefused)
}

fn links(app: &App) -> Links<'_> {
    Links {
        purpose: b"hostelpulse.leave.document-link.v1\0",
        signer: &app.links,
        base: &app.public_url,
        collection: "leave-documents",
        now: app.clock.now(),
    }
}
