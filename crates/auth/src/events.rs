//! The events that this service publishes.

use chrono::{DateTime, Utc};
use kit::{Clock, access::Caller, events::Draft};
use prost_types::Timestamp;
use proto::auth::{User as Message, UserCreated, UserDeactivated, UserSignedIn, UserUpdated};
use uuid::Uuid;

use crate::domain::User;

/// The source of this service's events.
const SOURCE: &str = "auth";

/// An account was created.
pub(crate) fn created(clock: &Clock, caller: &Caller, user: &User) -> Draft {
    let event = UserCreated {
        user: Some(message(user)),
    };
    Draft::new(clock, caller, SOURCE, user.id, user.version, &event)
}

/// An account changed; that it can no longer sign in is an event of its own when nothing else changed.
pub(crate) fn changed(clock: &Clock, caller: &Caller, before: &User, after: &User) -> Draft {
    let user = Some(message(after));
    if before.is_active() && !after.is_active() && before.name == after.name {
        let event = UserDeactivated { user };
        return Draft::new(clock, caller, SOURCE, after.id, after.version, &event);
    }
    let event = UserUpdated {
        user,
        before: Some(message(before)),
    };
    Draft::new(clock, caller, SOURCE, after.id, after.version, &event)
}

/// Somebody signed in; `version` is the account's after it.
pub(crate) fn signed_in(clock: &Clock, caller: &Caller, (user, version): (Uuid, i64), session: Uuid) -> Draft {
    let event = UserSignedIn {
        user_id: user.to_string(),
        session_id: session.to_string(),
        signed_in_at: Some(timestamp(clock.now())),
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

fn timestamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: at.timestamp(),
        nanos: i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default(),
    }
}
