//! Letters to people: ordered in the transaction of what they tell of, written and sent by [`post`].
//!
//! An order holds no code: it is made when the letter is written, and only its hash is kept.

pub(crate) mod post;
mod text;

use kit::db::Txn;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::App;
use crate::{
    Error,
    store::{self, letter::Letter},
};

/// What a letter is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A code for a new password.
    Reset,
    /// An account was made for somebody, and a code for its first password.
    Invitation,
    /// A spent refresh token was used again, and the session was ended.
    TokenReused(EndedSession),
}

/// The session that a letter tells of.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct EndedSession {
    /// In words: `Firefox on Linux`.
    pub device: String,
    pub ip: Option<String>,
}

/// Whom a letter is for.
#[derive(Clone, Debug)]
pub(crate) enum To {
    User(Uuid),
    /// Whoever is found under it when the letter is written: an e-mail address or registration number as it was typed in.
    Identifier(String),
}

/// Orders a letter. Nothing happens when the same reset or invitation waits already. [`post::Post::wake`] after the commit
/// has it sent at once; otherwise it goes within some seconds.
pub(crate) async fn order_in_txn(app: &App, txn: &Txn, kind: Kind, to: To) -> Result<(), Error> {
    Ok(store::letter::insert_in_txn(txn, letter(app, &kind, to)).await?)
}

/// Orders a letter of this kind for each of them.
pub(crate) async fn order_for_all_in_txn(app: &App, txn: &Txn, kind: &Kind, users: &[Uuid]) -> Result<(), Error> {
    let letters = users.iter().map(|id| letter(app, kind, To::User(*id))).collect();
    Ok(store::letter::insert_many_in_txn(txn, letters).await?)
}

fn letter(app: &App, kind: &Kind, to: To) -> Letter {
    let (user_id, identifier) = match to {
        To::User(id) => (Some(id), None),
        To::Identifier(text) => (None, Some(folded(&text))),
    };
    Letter {
        id: app.clock.new_id(),
        kind: kind.name().to_owned(),
        user_id,
        identifier,
        context: kind.context(),
        tries: 0,
        created_at: app.clock.now(),
    }
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Invitation => "invitation",
            Self::TokenReused(_) => "token_reused",
        }
    }

    fn context(&self) -> String {
        match self {
            Self::Reset | Self::Invitation => String::new(),
            Self::TokenReused(ended) => serde_json::json!(ended).to_string(),
        }
    }

    fn of(letter: &Letter) -> Result<Self, Error> {
        let known = match letter.kind.as_str() {
            "reset" => Some(Self::Reset),
            "invitation" => Some(Self::Invitation),
            "token_reused" => serde_json::from_str(&letter.context).ok().map(Self::TokenReused),
            _ => None,
        };
        known.ok_or_else(|| Error::Inconsistent {
            table: "letter",
            row: letter.id.to_string(),
            what: "unknown kind or context",
        })
    }
}

/// The form by which identifiers are compared: of addresses in lower, of registration numbers in upper case.
fn folded(identifier: &str) -> String {
    if identifier.contains('@') {
        identifier.to_lowercase()
    } else {
        identifier.to_ascii_uppercase()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn kinds_survive_the_table() {
        let ended = EndedSession {
            device: "Firefox on Linux".to_owned(),
            ip: None,
        };
        for kind in [Kind::Reset, Kind::Invitation, Kind::TokenReused(ended)] {
            let letter = Letter {
                id: Uuid::nil(),
                kind: kind.name().to_owned(),
                user_id: None,
                identifier: None,
                context: kind.context(),
                tries: 0,
                created_at: DateTime::UNIX_EPOCH,
            };
            assert_eq!(Kind::of(&letter).unwrap(), kind);
        }
    }

    #[test]
    fn identifiers_that_mean_the_same_are_the_same() {
        assert_eq!(folded("Asha@Hostel.Example"), "asha@hostel.example");
        assert_eq!(folded("reg-2026-001"), "REG-2026-001");
    }
}
