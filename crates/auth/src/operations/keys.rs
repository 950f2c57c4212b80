//! The keys that access tokens are signed with: changing them without signing anybody out.

use std::time::Duration as StdDuration;

use chrono::{DateTime, Duration, Utc};
use kit::{access::Caller, events::outbox, ticks::Ticks};
use tokio_util::sync::CancellationToken;

use super::App;
use crate::{Error, events, store::signing_key, tokens};

/// A new key is published for so long before it signs: every process has read it by then, and so has whoever fetched the
/// key set from the gateway, which remembers it for ten seconds.
const PUBLISHED_FIRST: Duration = Duration::seconds(15);
/// Clocks differ: the key before goes on verifying a little longer than its last token lives.
const SLACK: Duration = Duration::minutes(1);
/// How often the keys are read, for one that another process made.
const READ_EVERY: StdDuration = StdDuration::from_secs(2);

/// A key that signs soon.
#[derive(Clone, Debug)]
pub struct Rotation {
    pub key_id: String,
    pub signs_from: DateTime<Utc>,
}

/// Makes the key that signs next. The key before signs until then, and verifies until the last of its tokens has ended.
pub(crate) async fn rotate(app: &App) -> Result<Rotation, Error> {
    if app.signer.uses_secret() {
        return Err(Error::SignsWithSecret);
    }
    let now = app.clock.now();
    let signs_from = now + PUBLISHED_FIRST;
    let life = Duration::minutes(app.config.access_token_minutes.into());
    let (key_id, seed) = tokens::new_key();
    let caller = Caller::service("auth", app.clock.new_id().to_string());

    let txn = app.db.begin().await?;
    signing_key::retire_in_txn(&txn, signs_from + life + SLACK).await?;
    if !signing_key::insert_next_in_txn(&txn, (key_id.clone(), seed), signs_from, now).await? {
        return Err(Error::RotatedMeanwhile);
    }
    outbox::add(&txn, events::key_rotated(&app.clock, &caller, &key_id, signs_from)).await?;
    txn.commit().await?;
    Ok(Rotation { key_id, signs_from })
}

/// Reads the keys again and again until told to stop; without the database it goes on with those of before.
pub(crate) async fn follow(app: &App, stop: &CancellationToken) {
    let mut ticks = Ticks::every(READ_EVERY, stop);
    let mut is_away = false;
    while ticks.next().await {
        let read = app.signer.read(&app.db).await;
        if let (Err(error), false) = (&read, is_away) {
            tracing::warn!(%error, "the signing keys cannot be read, going on with those of before");
        }
        is_away = read.is_err();
    }
}
