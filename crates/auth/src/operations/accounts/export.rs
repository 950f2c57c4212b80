//! What this service holds of somebody, as a file, for those who are to see it all. No secrets and no hashes.

use chrono::{DateTime, Utc};
use kit::{
    clock::text,
    files::exports::{self, Asked},
    json,
};
use proto::auth::{ApiKey, User};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::App;
use crate::{
    Error,
    domain::device,
    events,
    store::{self, session::Session},
};

/// So many sessions, devices, keys and letters are told of, the last ones.
const MOST: u64 = 10_000;

/// Stores this service's part of an export; of somebody who is unknown an empty one, so that nobody waits for it.
pub(crate) async fn store_part(app: &App, asked: &Asked) -> Result<(), Error> {
    let part = part(app, asked.of).await?;
    exports::store_json(&*app.files, &app.clock, asked.export, "auth", &part).await?;
    Ok(())
}

async fn part(app: &App, id: Uuid) -> Result<Value, Error> {
    let db = app.db.reader();
    let Some(account) = store::user::credentials(db, id).await? else {
        return Ok(json!({}));
    };
    let factor = store::second_factor::find(db, id).await?;
    let sessions = store::session::last(db, id, MOST).await?;
    let devices = store::device::last(db, id, MOST).await?;
    let keys = store::api_key::last_of_owner(db, id, MOST).await?;
    let letters = store::letter::waiting_for(db, id, MOST).await?;
    let device = |(first, last): &(DateTime<Utc>, DateTime<Utc>)| json!({"first_seen_at": text(*first), "last_seen_at": text(*last)});
    let key = |key| json::to_value::<ApiKey>(&events::api_key::message(key));
    let letter = |(kind, at): &(String, DateTime<Utc>)| json!({"kind": kind, "ordered_at": text(*at)});
    Ok(json!({
        "account": json::to_value::<User>(&events::message(&account.user)),
        "has_password": account.password_hash.is_some(),
        "password_changed_at": account.password_changed_at.map(text),
        "locked_until": store::sign_in::locked_until(db, id).await?.map(text),
        "second_factor": {
            "enabled_at": factor.in_use.as_ref().map(|in_use| text(in_use.since)),
            "recovery_codes_left": store::recovery_code::count(db, id).await?,
        },
        "sessions": sessions.iter().map(session).collect::<Vec<_>>(),
        "devices": devices.iter().map(device).collect::<Vec<_>>(),
        "api_keys": keys.iter().map(key).collect::<Vec<_>>(),
        "waiting_letters": letters.iter().map(letter).collect::<Vec<_>>(),
    }))
}

fn session(session: &Session) -> Value {
    json!({
        "id": session.id,
        "device": device::words(session.user_agent.as_deref()),
        "user_agent": session.user_agent,
        "ip": session.ip,
        "created_at": text(session.created_at),
        "last_used_at": text(session.last_used_at),
        "expires_at": text(session.expires_at),
        "ended_at": session.ended_at.map(text),
        "end_reason": session.end_reason,
    })
}
