//! Links to pictures.

use chrono::Duration;
use kit::files::link::{GoodLink, Links, Variant};
use uuid::Uuid;

use super::super::App;
use crate::Error;

/// A new link to a picture.
pub(crate) fn of(app: &App, image: Uuid) -> GoodLink {
    let life = Duration::minutes(app.config.link_minutes.into());
    links(app).give(image, Variant::File, life)
}

/// Refuses a link that was not given out, or whose time is over.
pub(crate) fn verify(app: &App, image: Uuid, expires: &str, signature: &str) -> Result<(), Error> {
    let link = links(app).read(image, None, expires, signature);
    link.map(drop).ok_or(Error::LinkRefused)
}

fn links(app: &App) -> Links<'_> {
    Links {
        purpose: b"hostelpulse.grievance.image-link.v1\0",
        signer: &app.links,
        base: &app.public_url,
        collection: "grievance-images",
        now: app.clock.now(),
    }
}
