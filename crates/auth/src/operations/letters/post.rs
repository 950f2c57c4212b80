//! Sends what was ordered: takes a letter up for a while, writes it, hands it over, and takes it off the queue.
//!
//! The row decides who sends a letter, also between processes. It is sent twice only when a process dies, or its database
//! goes away, between handing it over and taking it off.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use kit::{
    access::Caller,
    events::outbox,
    mail::{self, Mail},
    port::PortError,
    template::Value,
};
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    EndedSession, Kind,
    text::{self, Template},
};
use crate::{
    Error,
    domain::{
        User,
        code::{CODES, Code, LIFE, Purpose, Sealed},
    },
    events,
    operations::App,
    store::{self, letter::Letter, user::Credentials},
};

/// How many letters are sent at once: a slow server holds up so many, and not the rest.
const LANES: usize = 4;
/// How often the queue is looked at when nobody says that there is something in it.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// For so long a letter is taken up; nobody else touches it then.
const LEASE: chrono::Duration = chrono::Duration::seconds(60);
/// Writing and sending one letter ends before its lease does.
const WORK_LIMIT: Duration = Duration::from_secs(45);
/// How long a letter that is on its way is waited for when the process stops; others are to have time, too.
const GRACE: Duration = Duration::from_secs(1);
/// How many times somebody else may be quicker before a lane looks again later.
const CLAIM_TRIES: usize = 10;
const MOST_TRIES: i32 = 5;
/// The waits between tries, together less than [`LONGEST_WAIT`].
const WAITS: [i64; 4] = [10, 30, 90, 270];
/// A letter that is older is of no use any more.
const LONGEST_WAIT: chrono::Duration = chrono::Duration::minutes(10);

/// Where letters are handed over, and the bell of those who do it.
pub(crate) struct Post {
    mail: Arc<dyn Mail>,
    ordered: Notify,
    is_full: AtomicBool,
}

impl Post {
    pub(crate) fn new(mail: Arc<dyn Mail>) -> Self {
        Self {
            mail,
            ordered: Notify::new(),
            is_full: AtomicBool::new(false),
        }
    }

    /// A letter was ordered, and it is committed.
    pub(crate) fn wake(&self) {
        self.ordered.notify_one();
    }

    /// Whether the queue is full is said once, not with every order that is dropped.
    pub(crate) fn note_fullness(&self, is_full: bool) {
        if is_full && !self.is_full.swap(true, Ordering::Relaxed) {
            tracing::warn!("too many letters wait, further requests for a code are dropped");
        }
        if !is_full {
            self.is_full.store(false, Ordering::Relaxed);
        }
    }
}

/// Sends letters until told to stop.
pub(crate) async fn run(app: &App, stop: &CancellationToken) {
    let lanes = (0..LANES).map(|_| lane(app, stop));
    futures_util::future::join_all(lanes).await;
}

async fn lane(app: &App, stop: &CancellationToken) {
    let mut clockwork = interval(LOOK_EVERY);
    clockwork.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_away = false;
    while !stop.is_cancelled() {
        match next(app).await {
            Ok(Some(letter)) => {
                // There may be more than one.
                app.post.wake();
                tokio::select! {
                    () = handle(app, &letter) => {}
                    () = async { stop.cancelled().await; sleep(GRACE).await; } => {}
                }
                continue;
            }
            Ok(None) => is_away = false,
            Err(error) => {
                if !is_away {
                    tracing::warn!(%error, "letters that wait cannot be read, trying again");
                }
                is_away = true;
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = app.post.ordered.notified() => {}
            _ = clockwork.tick() => {}
        }
    }
}

/// Takes up the letter that is due for the longest time.
async fn next(app: &App) -> Result<Option<Letter>, Error> {
    for _ in 0..CLAIM_TRIES {
        let now = app.clock.now();
        let Some(id) = store::letter::due(app.db.reader(), now).await? else {
            return Ok(None);
        };
        let claimed = store::letter::claim(&app.db, id, now, now + LEASE).await?;
        if claimed.is_some() {
            return Ok(claimed);
        }
    }
    Ok(None)
}

/// Sends a letter that was taken up, and writes down what came of it.
async fn handle(app: &App, letter: &Letter) {
    let (kind, tries) = (letter.kind.as_str(), letter.tries);
    let settled = match timeout(WORK_LIMIT, send(app, letter)).await {
        Ok(Ok(())) => store::letter::delete(&app.db, letter.id).await,
        Ok(Err(error)) if is_final(&error) || tries >= MOST_TRIES => {
            tracing::warn!(kind, tries, %error, "a letter was given up");
            store::letter::delete(&app.db, letter.id).await
        }
        Ok(Err(error)) => {
            tracing::info!(kind, tries, %error, "a letter could not be sent, trying again");
            store::letter::put_off(&app.db, letter, app.clock.now() + wait_after(tries)).await
        }
        // Its lease ends by itself, and then it is due again.
        Err(_) => {
            tracing::warn!(kind, tries, "a letter was not taken in time, trying again");
            Ok(())
        }
    };
    if let Err(error) = settled {
        tracing::warn!(kind, %error, "what came of a letter cannot be written down");
    }
}

/// Whether the same letter would fail again.
fn is_final(error: &Error) -> bool {
    matches!(error, Error::Port(PortError::Refused { .. }))
}

/// The wait after this many tries, up to a fifth longer by chance, so that letters do not come back all at once.
fn wait_after(tries: i32) -> chrono::Duration {
    let place = usize::try_from(tries - 1).unwrap_or_default().min(WAITS.len() - 1);
    let seconds = WAITS[place];
    chrono::Duration::seconds(seconds + rand::random_range(0..=seconds / 5))
}

/// Writes and hands over a letter. One that nobody is to get any more is done with as it is.
async fn send(app: &App, letter: &Letter) -> Result<(), Error> {
    let kind = Kind::of(letter)?;
    if letter.tries > MOST_TRIES || is_too_old(letter, app.clock.now()) {
        tracing::warn!(kind = kind.name(), "a letter waited too long and is not sent");
        return Ok(());
    }
    let Some(found) = receiver(app, letter).await? else {
        return Ok(());
    };
    let written = match kind {
        Kind::Reset => with_code(app, &found.user, Purpose::Reset, &text::RESET).await?,
        // Somebody who has a password by now needs no first one.
        Kind::Invitation if found.password_hash.is_some() => None,
        Kind::Invitation => with_code(app, &found.user, Purpose::Invitation, &text::INVITATION).await?,
        Kind::TokenReused(ended) => Some(notice(app, &found.user, letter.id, &ended)),
    };
    match written {
        Some(written) => Ok(app.post.mail.send(&written).await?),
        None => Ok(()),
    }
}

fn is_too_old(letter: &Letter, now: DateTime<Utc>) -> bool {
    letter.created_at + LONGEST_WAIT < now
}

/// Whom the letter is for, when there is such a person and the account is active.
async fn receiver(app: &App, letter: &Letter) -> Result<Option<Credentials>, Error> {
    let found = match (letter.user_id, &letter.identifier) {
        (Some(id), _) => store::user::credentials(app.db.reader(), id).await?,
        (None, Some(identifier)) => store::user::find_by_identifier(app.db.reader(), identifier).await?,
        (None, None) => None,
    };
    Ok(found.filter(|found| found.user.is_active()))
}

/// A letter with a new code, which is in force from now on; none when the user was sent too many lately.
async fn with_code(
    app: &App,
    user: &User,
    purpose: Purpose,
    template: &Template,
) -> Result<Option<mail::Letter>, Error> {
    let code = Code::from_number(rand::random_range(0..CODES));
    let sealed = Sealed::new(&code, purpose, user.id, rand::random());
    let (now, caller) = (app.clock.now(), Caller::service("auth", app.clock.new_id().to_string()));
    let txn = app.db.begin().await?;
    let version = store::user::next_version_in_txn(&txn, user.id).await?;
    if !store::one_time_code::replace_in_txn(&txn, user.id, &sealed, now).await? {
        tracing::warn!(user = %user.id, "too many codes were sent to this user lately, none is sent now");
        return Ok(None);
    }
    let sent = events::code_sent(&app.clock, &caller, (user.id, version), purpose, now + LIFE);
    outbox::add(&txn, sent).await?;
    txn.commit().await?;
    // With another code it is another letter, also when the order is the same: a mail program that takes the two for one
    // would keep the code that is worthless.
    let minutes = LIFE.num_minutes().to_string();
    let own = [("code", code.expose()), ("minutes", minutes.as_str())];
    Ok(Some(written(app, user, app.clock.new_id(), template, &own)))
}

fn notice(app: &App, user: &User, id: Uuid, ended: &EndedSession) -> mail::Letter {
    let ip = ended.ip.as_deref().unwrap_or("unknown");
    let own = [("device", ended.device.as_str()), ("ip", ip)];
    written(app, user, id, &text::TOKEN_REUSED, &own)
}

fn written(app: &App, user: &User, id: Uuid, template: &Template, own: &[Value<'_>]) -> mail::Letter {
    let place = app.config.public_url.as_ref();
    let place = place.map_or_else(|| "in the app".to_owned(), |url| format!("at {url}"));
    let mut values = vec![
        ("product", app.config.product_name.as_str()),
        ("name", user.name.as_str()),
        ("place", place.as_str()),
    ];
    values.extend_from_slice(own);
    template.write(id, user.email.as_str(), &values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_tries_come_before_a_letter_is_too_old() {
        let longest: i64 = WAITS.iter().map(|seconds| seconds + seconds / 5).sum();
        assert!(chrono::Duration::seconds(longest) < LONGEST_WAIT);
        assert_eq!(WAITS.len() + 1, usize::try_from(MOST_TRIES).unwrap());
        for (tries, seconds) in [(1, 10), (4, 270), (5, 270), (0, 10)] {
            let wait = wait_after(tries).num_seconds();
            assert!((seconds..=seconds + seconds / 5).contains(&wait), "{tries}: {wait}");
        }
    }

    #[test]
    fn the_work_on_a_letter_ends_before_its_lease() {
        assert!(WORK_LIMIT + Duration::from_secs(10) < LEASE.to_std().unwrap());
    }
}
