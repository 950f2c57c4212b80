//! What the display of a roll call shows at a time.

use chrono::{DateTime, Utc};

use crate::{domain::Session, operations::App};

/// The code on display, and the digits beside it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Shown {
    pub token: String,
    pub expires_at: DateTime<Utc>,
    pub otp: String,
    pub otp_expires_at: DateTime<Utc>,
}

impl Shown {
    /// What is on display now; nothing where the roll call is over.
    pub(super) fn of(app: &App, session: &Session) -> Option<Self> {
        let now = app.clock.now();
        if !session.is_open() || now >= session.valid_until {
            return None;
        }
        let (otp, otp_expires_at) = app.codes.digits(session.id, now, app.config.otp_seconds);
        Some(Self {
            token: app.codes.token(session.handle, session.slot_at(now)),
            expires_at: session.slot_ends(now),
            otp,
            otp_expires_at,
        })
    }

    /// When something of it changes.
    pub(super) fn holds_until(&self) -> DateTime<Utc> {
        self.expires_at.min(self.otp_expires_at)
    }
}
