//! What the display of a roll call shows: the code of now, as text and as an image, and six digits.

use chrono::{DateTime, Utc};
use kit::{Fault, access::Caller};
use url::Url;
use uuid::Uuid;

use super::{App, leads, read};
use crate::{Error, domain::Session, picture};

/// What is on display now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Shown {
    pub token: String,
    pub image_url: Url,
    pub expires_at: DateTime<Utc>,
    pub digits: String,
    pub digits_expire_at: DateTime<Utc>,
}

/// A code as an image.
pub(crate) struct Image {
    pub file_name: &'static str,
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

/// How a code is drawn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    Png,
    Svg,
}

impl Shown {
    /// When something of it changes.
    pub(crate) fn holds_until(&self) -> DateTime<Utc> {
        self.expires_at.min(self.digits_expire_at)
    }
}

/// What the display of a roll call shows at this moment; nothing where it is over.
pub(crate) fn of(app: &App, session: &Session) -> Option<Shown> {
    let now = app.clock.now();
    if !session.is_open() || session.is_over(now) {
        return None;
    }
    let (digits, digits_end) = app.codes.digits(session.id, now, app.config.otp_seconds);
    Some(Shown {
        token: app.codes.token(session.handle, session.slot_at(now)),
        image_url: image_url(app, session.id),
        expires_at: session.slot_ends(now),
        digits,
        digits_expire_at: digits_end.min(session.valid_until),
    })
}

/// What the display of a roll call shows that the caller leads.
pub(crate) async fn shown(app: &App, caller: &Caller, id: Uuid) -> Result<Shown, Error> {
    let session = read::one(app, caller, id).await?;
    leads(caller, &session)?;
    of(app, &session).ok_or(Error::SessionClosed)
}

/// The same code as an image. Even the largest is drawn in some milliseconds, so nobody else waits for it.
pub(crate) async fn image(app: &App, caller: &Caller, id: Uuid, format: Format, size: u32) -> Result<Image, Error> {
    let shown = shown(app, caller, id).await?;
    let image = match format {
        Format::Png => picture::png(&shown.token, size).map(|bytes| Image {
            file_name: "roll-call.png",
            media_type: "image/png",
            bytes,
        }),
        Format::Svg => picture::svg(&shown.token, size).map(|text| Image {
            file_name: "roll-call.svg",
            media_type: "image/svg+xml",
            bytes: text.into_bytes(),
        }),
    };
    Ok(image.map_err(Fault::internal)?)
}

fn image_url(app: &App, id: Uuid) -> Url {
    let mut url = app.public_url.clone();
    let id = id.to_string();
    // The base is an http address (checked when it is read), which always has a path.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty()
            .extend(["api", "v1", "attendance", "sessions", &id, "qr-image"]);
    }
    url
}
