//! Reserving accounts for records to come. The database decides whose an address is, also between those who ask at once.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use kit::{access::Caller, db::Txn, events::outbox};
use proto::options::Role;
use uuid::Uuid;

use super::super::App;
use crate::{
    Error,
    domain::{Email, NewPassword, PersonName, RegistrationNumber, State, User, record::Standing},
    events,
    store::{self, password_history::Remembered, record::Taken},
};

/// An account to reserve.
pub(crate) struct Reservation {
    pub id: Uuid,
    pub email: Email,
    pub registration_no: RegistrationNumber,
    pub name: PersonName,
    pub password: Option<NewPassword>,
}

/// Why an account is not reserved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Refused {
    pub field: &'static str,
    pub error: &'static str,
    pub taken: bool,
}

const EMAIL_TAKEN: Refused = Refused {
    field: "email",
    error: "is taken by another user",
    taken: true,
};
const NUMBER_TAKEN: Refused = Refused {
    field: "registration_no",
    ..EMAIL_TAKEN
};
const FOREIGN: Refused = Refused {
    field: "id",
    error: "is that of an account which is no student's",
    taken: true,
};
const ERASED: Refused = Refused {
    field: "id",
    error: "is that of somebody who was erased",
    taken: false,
};

impl From<Taken> for Refused {
    fn from(taken: Taken) -> Self {
        match taken {
            Taken::Email => EMAIL_TAKEN,
            Taken::RegistrationNo => NUMBER_TAKEN,
        }
    }
}

/// Accounts may come and go between hashing and writing: so often it is begun anew.
const TRIES: usize = 3;

/// Reserves the accounts; which are refused, by their ids. Each id is there once.
pub(crate) async fn reserve(
    app: &App,
    caller: &Caller,
    wanted: &[Reservation],
) -> Result<HashMap<Uuid, Refused>, Error> {
    for _ in 0..TRIES {
        match try_reserve(app, caller, wanted).await {
            Err(Error::ChangedMeanwhile) => {}
            outcome => return outcome,
        }
    }
    Err(Error::ChangedMeanwhile)
}

async fn try_reserve(app: &App, caller: &Caller, wanted: &[Reservation]) -> Result<HashMap<Uuid, Refused>, Error> {
    let ids: Vec<Uuid> = wanted.iter().map(|one| one.id).collect();
    let mut hashes = hashes(app, wanted, &ids).await?;
    let txn = app.db.begin().await?;
    store::record::take_turn_in_txn(&txn).await?;
    let standings = store::record::standings_in_txn(&txn, &ids).await?;
    let mut refused = HashMap::new();
    let mut new = Vec::new();
    for one in wanted {
        let Some(standing) = standings.get(&one.id) else {
            let hash = hashes.remove(&one.id);
            if one.password.is_some() && hash.is_none() {
                // It was there when the passwords were hashed, and was given back since.
                return Err(Error::ChangedMeanwhile);
            }
            new.push((one, hash));
            continue;
        };
        if let Some(why) = readdress_in_txn(app, caller, &txn, one, standing).await? {
            refused.insert(one.id, why);
        }
    }
    refused.extend(add_in_txn(app, &txn, new).await?);
    txn.commit().await?;
    if !standings.is_empty() {
        app.forget_everybody();
    }
    Ok(refused)
}

/// The hashes of the passwords of those who are not there yet: the slow part, done before any transaction is open.
async fn hashes(app: &App, wanted: &[Reservation], ids: &[Uuid]) -> Result<HashMap<Uuid, String>, Error> {
    if wanted.iter().all(|one| one.password.is_none()) {
        return Ok(HashMap::new());
    }
    let known: HashSet<Uuid> = store::record::known(app.db.reader(), ids).await?.into_iter().collect();
    let unknown = wanted.iter().filter(|one| !known.contains(&one.id));
    let (ids, passwords): (Vec<_>, Vec<_>) = unknown.filter_map(|one| Some((one.id, one.password.clone()?))).unzip();
    let hashes = app.hashing.hash_all(passwords).await?;
    Ok(ids.into_iter().zip(hashes).collect())
}

/// Adds those who are not there yet, all in a few statements; which are refused.
async fn add_in_txn(
    app: &App,
    txn: &Txn,
    new: Vec<(&Reservation, Option<String>)>,
) -> Result<Vec<(Uuid, Refused)>, Error> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let now = app.clock.now();
    let rows: Vec<_> = new
        .iter()
        .map(|(one, hash)| (for_nobody_yet(one, now), hash.clone()))
        .collect();
    let added = store::record::reserve_in_txn(txn, &rows, now).await?;
    let added: HashSet<Uuid> = added.into_iter().collect();
    let first: Vec<_> = new
        .iter()
        .filter(|(one, _)| added.contains(&one.id))
        .filter_map(|(one, hash)| Some((one.id, hash.clone()?)))
        .map(|(user_id, hash)| Remembered {
            id: app.clock.new_id(),
            user_id,
            hash,
            set_at: now,
        })
        .collect();
    store::password_history::add_first_in_txn(txn, first).await?;
    let left: Vec<&Reservation> = new
        .iter()
        .map(|(one, _)| *one)
        .filter(|one| !added.contains(&one.id))
        .collect();
    why_in_txn(txn, &left).await
}

fn for_nobody_yet(one: &Reservation, now: DateTime<Utc>) -> User {
    User {
        id: one.id,
        email: one.email.clone(),
        name: one.name.clone(),
        role: Role::Student,
        registration_no: Some(one.registration_no.clone()),
        state: State::Deactivated,
        // Its first event is that of its first day.
        version: 0,
        created_at: now,
        updated_at: now,
        last_login_at: None,
    }
}

/// What of those who could not be added is another account's.
async fn why_in_txn(txn: &Txn, left: &[&Reservation]) -> Result<Vec<(Uuid, Refused)>, Error> {
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let emails = left.iter().map(|one| one.email.folded()).collect();
    let numbers = left.iter().map(|one| one.registration_no.folded()).collect();
    let taken = store::record::taken_in_txn(txn, emails, numbers).await?;
    let numbers: HashSet<String> = taken.numbers.into_iter().collect();
    let emails: HashSet<String> = taken.emails.into_iter().collect();
    let why = |one: &&Reservation| {
        if emails.contains(&one.email.folded()) {
            return Ok((one.id, EMAIL_TAKEN));
        }
        if numbers.contains(&one.registration_no.folded()) {
            return Ok((one.id, NUMBER_TAKEN));
        }
        // Whoever had it has left since.
        Err(Error::ChangedMeanwhile)
    };
    left.iter().map(why).collect()
}

/// Gives an account that is there another address and number; why not, where it is refused.
async fn readdress_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    wanted: &Reservation,
    standing: &Standing,
) -> Result<Option<Refused>, Error> {
    let before = &standing.user;
    if before.role != Role::Student {
        tracing::warn!(account = %before.id, "an account that is no student's was to be reserved, and stays as it is");
        return Ok(Some(FOREIGN));
    }
    if before.state == State::Erased {
        return Ok(Some(ERASED));
    }
    if before.email == wanted.email && before.registration_no.as_ref() == Some(&wanted.registration_no) {
        return Ok(None);
    }
    let mut after = User {
        email: wanted.email.clone(),
        registration_no: Some(wanted.registration_no.clone()),
        updated_at: app.clock.now(),
        ..before.clone()
    };
    if !standing.is_reserved {
        after.version += 1;
    }
    let address = (&wanted.email, &wanted.registration_no);
    if let Some(taken) = store::record::readdress_in_txn(txn, &after, address).await? {
        return Ok(Some(taken.into()));
    }
    // Nobody was told of what is only reserved.
    if !standing.is_reserved {
        outbox::add(txn, events::changed(&app.clock, caller, before, &after)).await?;
    }
    Ok(None)
}
