//! Links to documents.

use chrono::{DateTime, Duration, Utc};
use kit::files::link::{self, Link, Variant};
use url::Url;
use uuid::Uuid;

use super::super::App;
use crate::{Error, domain::document::Document};

/// The links to a document, and until when they are good.
pub(crate) struct Links {
    pub file: Url,
    pub thumbnail: Option<Url>,
    pub expire_at: DateTime<Utc>,
}

pub(crate) fn of(app: &App, document: &Document) -> Links {
    of_id(app, document.id, document.thumbnail.is_some())
}

/// The same, by what is known of a document that may be gone.
pub(crate) fn of_id(app: &App, document: Uuid, has_thumbnail: bool) -> Links {
    let (links, life) = (links(app), Duration::minutes(app.config.link_minutes.into()));
    let file = links.give(document, Variant::File, life);
    Links {
        file: file.url,
        thumbnail: has_thumbnail.then(|| links.give(document, Variant::Thumbnail, life).url),
        expire_at: file.expires_at,
    }
}

/// What a link says, if we gave it out and it is still good.
pub(crate) fn verify(
    app: &App,
    document: Uuid,
    variant: Option<&str>,
    expires: &str,
    signature: &str,
) -> Result<Link, Error> {
    let link = links(app).read(document, variant, expires, signature);
    link.ok_or(Error::LinkRefused)
}

fn links(app: &App) -> link::Links<'_> {
    link::Links {
        purpose: b"hostelpulse.students.document-link.v1\0",
        signer: &app.links,
        base: &app.public_url,
        collection: "documents",
        now: app.clock.now(),
    }
}
