//! Asking a guardian whether a student may be away.

use chrono::Duration;
use kit::{Fault, db::Txn};
use serde::{Deserialize, Serialize};

use super::token;
use crate::{
    Error,
    domain::{Leave, beginning},
    operations::App,
    store::{self, guardian_link::NewLink},
};

/// What a letter needs beside the leave; sealed until it is sent.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub to: String,
    pub token: String,
}

/// Makes a one-time link and the letter with it, in the transaction of the leave; its caller holds the student, so that letters
/// are counted one after the other. Refused where nobody said where to write to, and where that was done often enough today.
pub(crate) async fn ask_in_txn(app: &App, txn: &Txn, leave: &Leave) -> Result<(), Error> {
    let address = store::guardian::find(&**txn, &app.private, leave.student_id).await?;
    let address = address.ok_or(Error::GuardianUnknown)?;
    let most = app.config.letters_a_day;
    let midnight = beginning(app.today(), app.timezone);
    if store::guardian_link::count_since(&**txn, leave.student_id, midnight).await? >= most.into() {
        return Err(Error::TooManyLetters { most });
    }
    let (id, now, token) = (app.clock.new_id(), app.clock.now(), token::random());
    let token_hash = token::hash(&token);
    let order = Order {
        to: address.email.as_str().to_owned(),
        token,
    };
    let order = serde_json::to_vec(&order).map_err(Fault::internal)?;
    let link = NewLink {
        id,
        leave_id: leave.id,
        student_id: leave.student_id,
        token_hash,
        letter: app.private.seal(&order, id.as_bytes()),
        created_at: now,
        expires_at: now + Duration::hours(app.config.guardian_hours.into()),
    };
    store::guardian_link::insert_in_txn(txn, link).await?;
    Ok(())
}
