//! Links to pictures: whoever has one needs no token, for as long as it is good.

use chrono::{DateTime, Duration, SubsecRound as _, Utc};
use url::Url;
use uuid::Uuid;

use super::super::App;
use crate::Error;

/// Most digits of a time that is taken.
const LONGEST_TIME: usize = 12;

/// A link, and until when it is good.
pub(crate) struct Link {
    pub url: Url,
    pub expires_at: DateTime<Utc>,
}

/// A new link to a picture.
pub(crate) fn of(app: &App, image: Uuid) -> Link {
    let life = Duration::minutes(app.config.link_minutes.into());
    let expires_at = (app.clock.now() + life).trunc_subsecs(0);
    let expires = expires_at.timestamp();
    let mut url = app.public_url.clone();
    // The base is an http address (checked when it is read), which always has a path.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty()
            .extend(["api", "v1", "grievance-images", &image.to_string()]);
    }
    let signature = app.links.sign(&signed(image, expires));
    url.query_pairs_mut()
        .append_pair("expires", &expires.to_string())
        .append_pair("signature", &signature);
    Link { url, expires_at }
}

/// Refuses a link that was not given out, or whose time is over.
pub(crate) fn verify(app: &App, image: Uuid, expires: &str, signature: &str) -> Result<(), Error> {
    let is_plain = (1..=LONGEST_TIME).contains(&expires.len()) && expires.bytes().all(|byte| byte.is_ascii_digit());
    let expires: i64 = expires.parse().ok().filter(|_| is_plain).ok_or(Error::LinkRefused)?;
    let is_ours = app.links.verify(&signed(image, expires), signature);
    if is_ours && app.clock.now().timestamp() <= expires {
        Ok(())
    } else {
        Err(Error::LinkRefused)
    }
}

fn signed(image: Uuid, expires: i64) -> Vec<u8> {
    format!("grievance image\n{image}\n{expires}").into_bytes()
}
