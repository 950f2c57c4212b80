//! At the door: what speaks against a sign-in beside the password, and what is remembered of one that failed.

use chrono::Duration;
use kit::{access::Caller, db::Txn, events::outbox};
use uuid::Uuid;

use super::App;
use crate::{
    Error,
    domain::{
        User, device,
        door::{self, LockRule, Refused},
    },
    events,
    store::{self, sign_in::Failures, user::Credentials},
};

/// So many failures on a known device while the account is locked, and the device is known no more.
const MOST_WHILE_LOCKED: i32 = 3;

/// Lets in who was found, given whether the password is theirs; everybody who is refused is refused alike.
pub(super) async fn admit(
    app: &App,
    caller: &Caller,
    found: Option<Credentials>,
    password_matches: bool,
) -> Result<User, Error> {
    let now = app.clock.now();
    let who = found.as_ref().map(|found| found.user.id);
    // Asked after the slow part, so that no guess that waited gets past a lock; and asked for everybody, so that it takes
    // the same time for a name that nobody has.
    let subject = who.unwrap_or_default();
    let is_locked = door::is_locked(store::sign_in::locked_until(app.db.reader(), subject).await?, now);
    let is_known = store::device::is_known(app.db.reader(), subject, &fingerprint(caller)).await?;
    let refused = match &found {
        Some(found) if !found.user.is_active() => Refused::Deactivated,
        Some(_) if password_matches && is_locked && !is_known => Refused::Locked,
        Some(found) if password_matches => {
            let (role, changed_at) = (found.user.role, found.password_changed_at);
            if door::is_past_its_time(role, changed_at, app.config.warden_password_days, now) {
                return Err(Error::PasswordExpired);
            }
            return Ok(found.user.clone());
        }
        _ => Refused::Password,
    };
    refuse(app, caller, who, refused).await?;
    Err(Error::InvalidCredentials)
}

/// Records that somebody was refused, in a transaction of its own.
pub(super) async fn refuse(app: &App, caller: &Caller, who: Option<Uuid>, why: Refused) -> Result<(), Error> {
    let txn = app.db.begin().await?;
    refuse_in_txn(app, caller, &txn, who, why).await?;
    Ok(txn.commit().await?)
}

/// Records that somebody was refused, and locks the account after many in a row.
pub(super) async fn refuse_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    who: Option<Uuid>,
    why: Refused,
) -> Result<(), Error> {
    // A name that nobody has is looked for as well, under an id of its own: the same work, the same time.
    let subject = who.unwrap_or_else(|| app.clock.new_id());
    let failures = store::sign_in::record_failure_in_txn(txn, subject).await?;
    let (version, count) = failures.map_or((1, 0), |failures| (failures.version, failures.count));
    let event = events::sign_in_failed(&app.clock, caller, (subject, version), who, (why, count));
    outbox::add(txn, event).await?;
    if let Some(failures) = failures {
        if door::is_locked(failures.locked_until, app.clock.now()) {
            let device = fingerprint(caller);
            store::device::failed_while_locked_in_txn(txn, subject, &device, MOST_WHILE_LOCKED).await?;
        }
        lock_if_due(app, caller, txn, (subject, failures)).await?;
    }
    Ok(())
}

async fn lock_if_due(app: &App, caller: &Caller, txn: &Txn, (user, failures): (Uuid, Failures)) -> Result<(), Error> {
    let rule = LockRule {
        after: app.config.lock_after_failures,
        lasts: Duration::minutes(app.config.lock_minutes.into()),
    };
    let Some(until) = rule.after_failure(failures.count, failures.locked_until, app.clock.now()) else {
        return Ok(());
    };
    let version = store::sign_in::lock_account_in_txn(txn, user, until).await?;
    outbox::add(txn, events::locked(&app.clock, caller, (user, version), until)).await?;
    Ok(())
}

/// Remembers the device of somebody who signed in; whether the account was used before, but never on this device.
pub(super) async fn remember_device_in_txn(app: &App, caller: &Caller, txn: &Txn, user: &User) -> Result<bool, Error> {
    let never_seen = store::device::seen_in_txn(txn, user.id, &fingerprint(caller), app.clock.now()).await?;
    Ok(never_seen && user.last_login_at.is_some())
}

/// What makes a device known is what it calls itself and the network it is in, after a sign-in that went well. That is no
/// proof: whoever sits in the same network, behind the same address, can call themselves the same. It spares the owner
/// the lock that strangers caused, and is taken away where it serves for guessing.
fn fingerprint(caller: &Caller) -> String {
    device::fingerprint(caller.user_agent.as_deref(), caller.ip.as_deref())
}
