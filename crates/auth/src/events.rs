//! The events that this service publishes.

pub(crate) mod api_key;
pub(crate) mod second_factor;

use chrono::{DateTime, Utc};
use kit::{Clock, access::Caller, clock::timestamp, events::Draft};
use proto::auth::{
    SessionEnd, SigningKeyRotated, User as Message, UserCodeSent, UserCreated, UserDeactivated, UserErased, UserLocked,
    UserPasswordChanged, UserRoleChanged, UserSessionsEnded, UserSignInFailed, UserSignedIn, UserTokenReused,
    UserUpdated,
};
use uuid::Uuid;

use crate::domain::{User, code::Purpose, door::Refused};

/// The source of this service's events.
const SOURCE: &str = "auth";

/// An account was created.
pub(crate) fn created(clock: &Clock, caller: &Caller, user: &User) -> Draft {
    let event = UserCreated {
        user: Some(message(user)),
    };
    Draft::new(clock, caller, SOURCE, user.id, user.version, &event)
}

/// An account changed; that it can no longer sign in, or has another role, is an event of its own when nothing else changed.
pub(crate) fn changed(clock: &Clock, caller: &Caller, before: &User, after: &User) -> Draft {
    let user = Some(message(after));
    let is_same_person =
        before.name == after.name && before.email == after.email && before.registration_no == after.registration_no;
    if before.role != after.role && before.state == after.state && is_same_person {
        let before = before.role.into();
        let event = UserRoleChanged { user, before };
        return Draft::new(clock, caller, SOURCE, after.id, after.version, &event);
    }
    if before.is_active() && !after.is_active() && is_same_person && before.role == after.role {
        let event = UserDeactivated { user };
        return Draft::new(clock, caller, SOURCE, after.id, after.version, &event);
    }
    let event = UserUpdated {
        user,
        before: Some(message(before)),
    };
    Draft::new(clock, caller, SOURCE, after.id, after.version, &event)
}

/// Nothing tells any more whose account it was.
pub(crate) fn erased(clock: &Clock, caller: &Caller, user: &User) -> Draft {
    let event = UserErased {
        user_id: user.id.to_string(),
    };
    Draft::new(clock, caller, SOURCE, user.id, user.version, &event)
}

/// How somebody signed in.
pub(crate) struct SignIn {
    pub session: Uuid,
    pub is_new_device: bool,
    /// In words.
    pub device: String,
    pub with_second_factor: bool,
}

/// Somebody signed in; `version` is the account's after it.
pub(crate) fn signed_in(clock: &Clock, caller: &Caller, (user, version): (Uuid, i64), what: SignIn) -> Draft {
    let event = UserSignedIn {
        user_id: user.to_string(),
        session_id: what.session.to_string(),
        signed_in_at: Some(timestamp(clock.now())),
        is_new_device: what.is_new_device,
        device: what.device,
        with_second_factor: what.with_second_factor,
    };
    Draft::new(clock, caller, SOURCE, user, version, &event)
}

/// A sign-in was refused; the subject is the account, or an id of its own where nobody is known by the name.
pub(crate) fn sign_in_failed(
    clock: &Clock,
    caller: &Caller,
    (subject, version): (Uuid, i64),
    user: Option<Uuid>,
    (why, failures): (Refused, u32),
) -> Draft {
    let event = UserSignInFailed {
        user_id: user.map(|user| user.to_string()),
        why: why.name().to_owned(),
        failures,
    };
    Draft::new(clock, caller, SOURCE, subject, version, &event)
}

/// An account is locked for a while.
pub(crate) fn locked(clock: &Clock, caller: &Caller, (user, version): (Uuid, i64), until: DateTime<Utc>) -> Draft {
    let event = UserLocked {
        user_id: user.to_string(),
        until: Some(timestamp(until)),
    };
    Draft::new(clock, caller, SOURCE, user, version, &event)
}

/// A refresh token was copied, and its session ended.
pub(crate) fn token_reused(clock: &Clock, caller: &Caller, (user, version): (Uuid, i64), session: Uuid) -> Draft {
    let event = UserTokenReused {
        user_id: user.to_string(),
        session_id: session.to_string(),
    };
    Draft::new(clock, caller, SOURCE, user, version, &event)
}

/// A new key is about to sign. Keys have no versions: each rotation is a subject of its own.
pub(crate) fn key_rotated(clock: &Clock, caller: &Caller, key_id: &str, signs_from: DateTime<Utc>) -> Draft {
    let event = SigningKeyRotated {
        key_id: key_id.to_owned(),
        signs_from: Some(timestamp(signs_from)),
    };
    Draft::new(clock, caller, SOURCE, clock.new_id(), 1, &event)
}

/// Sessions of a user ended before their time; `version` is the account's after it.
pub(crate) fn sessions_ended(
    clock: &Clock,
    caller: &Caller,
    (user, version): (Uuid, i64),
    sessions: &[Uuid],
    why: SessionEnd,
) -> Draft {
    let event = UserSessionsEnded {
        user_id: user.to_string(),
        session_ids: sessions.iter().map(Uuid::to_string).collect(),
        why: why.into(),
    };
    Draft::new(clock, caller, SOURCE, user, version, &event)
}

/// A one-time code is on its way; `version` is the account's after it.
pub(crate) fn code_sent(
    clock: &Clock,
    caller: &Caller,
    (user, version): (Uuid, i64),
    purpose: Purpose,
    expires_at: DateTime<Utc>,
) -> Draft {
    let event = UserCodeSent {
        user_id: user.to_string(),
        purpose: purpose.name().to_owned(),
        expires_at: Some(timestamp(expires_at)),
    };
    Draft::new(clock, caller, SOURCE, user, version, &event)
}

/// A password was set: `changed`, or with a code by the name of its purpose; `version` is the account's after it.
pub(crate) fn password_changed(clock: &Clock, caller: &Caller, (user, version): (Uuid, i64), how: &str) -> Draft {
    let event = UserPasswordChanged {
        user_id: user.to_string(),
        how: how.to_owned(),
        changed_at: Some(timestamp(clock.now())),
    };
    Draft::new(clock, caller, SOURCE, user, version, &event)
}

/// An account as events and answers show it.
pub(crate) fn message(user: &User) -> Message {
    Message {
        id: user.id.to_string(),
        email: user.email.as_str().to_owned(),
        name: user.name.as_str().to_owned(),
        role: user.role.into(),
        registration_no: user.registration_no.as_ref().map(|number| number.as_str().to_owned()),
        is_active: user.is_active(),
        created_at: Some(timestamp(user.created_at)),
        updated_at: Some(timestamp(user.updated_at)),
        last_login_at: user.last_login_at.map(timestamp),
    }
}
