//! Links to documents: whoever has one needs no token, for as long as it is good.

use chrono::{DateTime, Duration, SubsecRound as _, Utc};
use kit::files::link::{Link, Standing, Variant};
use url::Url;
use uuid::Uuid;

use super::super::App;
use crate::{Error, domain::document::Document};

/// What stands before everything that is signed here.
const PURPOSE: &[u8] = b"hostelpulse.students.document-link.v1\0";

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
    let life = Duration::minutes(app.config.link_minutes.into());
    let expire_at = (app.clock.now() + life).trunc_subsecs(0);
    let link = |variant| {
        let link = Link {
            document,
            variant,
            expires: expire_at.timestamp(),
        };
        address(app, &link)
    };
    Links {
        file: link(Variant::File),
        thumbnail: has_thumbnail.then(|| link(Variant::Thumbnail)),
        expire_at,
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
    let link = Link::parse(document, variant, expires).ok_or(Error::LinkRefused)?;
    if !app.links.verify(&link.signed_bytes(PURPOSE), signature) {
        return Err(Error::LinkRefused);
    }
    match link.check(app.clock.now().timestamp()) {
        Standing::Good => Ok(link),
        Standing::Expired => Err(Error::LinkRefused),
    }
}

fn address(app: &App, link: &Link) -> Url {
    let mut url = app.public_url.clone();
    let id = link.document.to_string();
    // The base is an http address (checked when it is read), which always has a path.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["api", "v1", "documents", &id]);
    }
    url.set_query(Some(&link.query(&app.links.sign(&link.signed_bytes(PURPOSE)))));
    url
}
