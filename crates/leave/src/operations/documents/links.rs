//! Links to documents: whoever has one needs no token, for as long as it is good.

use chrono::{DateTime, Duration, SubsecRound as _, Utc};
use kit::files::link::{Link, Standing, Variant};
use url::Url;
use uuid::Uuid;

use crate::{Error, operations::App};

/// What stands before everything that is signed here.
const PURPOSE: &[u8] = b"hostelpulse.leave.document-link.v1\0";

/// The link to a document, and until when it is good.
pub(crate) struct GoodLink {
    pub url: Url,
    pub expires_at: DateTime<Utc>,
}

pub(crate) fn of(app: &App, document: Uuid) -> GoodLink {
    let life = Duration::minutes(app.config.link_minutes.into());
    let expires_at = (app.clock.now() + life).trunc_subsecs(0);
    let link = Link {
        document,
        variant: Variant::File,
        expires: expires_at.timestamp(),
    };
    let mut url = app.public_url.clone();
    // The base is an http address (checked when it is read), which always has a path.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty()
            .extend(["api", "v1", "leave-documents", &document.to_string()]);
    }
    url.set_query(Some(&link.query(&app.links.sign(&link.signed_bytes(PURPOSE)))));
    GoodLink { url, expires_at }
}

/// Refuses a link that we did not give out, or that is good no more.
pub(crate) fn verify(app: &App, document: Uuid, expires: &str, signature: &str) -> Result<(), Error> {
    let link = Link::parse(document, None, expires).ok_or(Error::LinkRefused)?;
    let is_ours = app.links.verify(&link.signed_bytes(PURPOSE), signature);
    match link.check(app.clock.now().timestamp()) {
        Standing::Good if is_ours => Ok(()),
        Standing::Good | Standing::Expired => Err(Error::LinkRefused),
    }
}
