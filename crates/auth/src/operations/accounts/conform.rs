//! Making accounts agree with their records. The same code runs when the records' service asks and when its events arrive.

use std::collections::HashMap;

use kit::{
    access::Caller,
    db::Txn,
    events::{Draft, outbox},
};
use proto::auth::SessionEnd;
use uuid::Uuid;

use super::super::{
    App, api_keys,
    letters::{self, Kind},
    sessions::{self, Ended},
};
use crate::{
    Error,
    domain::{
        RegistrationNumber, User,
        record::{Change, ChangeKind, Record, Standing, Step, Teller},
    },
    events,
    store::{self, session::Which},
};

/// What came of it, once it is committed.
#[must_use = "whoever verifies tokens is to be told, and whoever sends letters"]
#[derive(Debug, Default)]
pub(crate) struct Conformed {
    ended: Ended,
    are_letters_ordered: bool,
    /// The accounts that stay as they are, because the address or number of their records is another account's.
    pub taken: Vec<Uuid>,
}

/// Makes accounts agree with their records, in a transaction of its own; the accounts whose records cannot be agreed with.
pub(crate) async fn conform(
    app: &App,
    caller: &Caller,
    records: &[Record],
    teller: Teller<'_>,
) -> Result<Vec<Uuid>, Error> {
    let txn = app.db.begin().await?;
    let conformed = conform_in_txn(app, caller, &txn, records, teller).await?;
    txn.commit().await?;
    app.sessions_ended(&conformed.ended);
    app.forget_everybody();
    if conformed.are_letters_ordered {
        app.post.wake();
    }
    Ok(conformed.taken)
}

/// The same in somebody else's transaction: sessions that end are found within [`super::super::watch`]'s next look at the
/// database, and letters within the post's, as if another process had ended and ordered them.
pub(crate) async fn conform_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    records: &[Record],
    teller: Teller<'_>,
) -> Result<Conformed, Error> {
    let records = newest(records);
    let ids: Vec<Uuid> = records.iter().map(|record| record.id).collect();
    store::record::take_turn_in_txn(txn).await?;
    let standings = store::record::standings_in_txn(txn, &ids).await?;
    let now = app.clock.now();
    let (mut changes, mut given_back) = (Vec::new(), Vec::new());
    for record in records {
        match record.step(standings.get(&record.id), teller, now) {
            Step::Stay => {}
            Step::Foreign => {
                tracing::warn!(account = %record.id, "a record has the id of an account that is no student's, which stays as it is");
            }
            Step::GiveBack => given_back.push(record.id),
            Step::Conform(change) => changes.push((record.agreed_version(), *change)),
        }
    }
    if !given_back.is_empty() {
        store::record::give_back_in_txn(txn, &given_back).await?;
    }
    let (written, taken) = write_in_txn(txn, changes).await?;
    let mut conformed = follow_up_in_txn(app, caller, txn, &written, &standings).await?;
    conformed.taken = taken;
    Ok(conformed)
}

/// Of records that are there more than once the newest.
fn newest(records: &[Record]) -> Vec<&Record> {
    let mut newest: HashMap<Uuid, &Record> = HashMap::with_capacity(records.len());
    for record in records {
        let known = newest.entry(record.id).or_insert(record);
        if record.version > known.version {
            *known = record;
        }
    }
    let mut newest: Vec<&Record> = newest.into_values().collect();
    // Accounts are written in one order, whoever asks.
    newest.sort_unstable_by_key(|record| record.id);
    newest
}

/// Writes all changes in one statement, and one by one where an address or number among them is another account's; those that
/// were written, and whose were not.
async fn write_in_txn(txn: &Txn, changes: Vec<(Option<i64>, Change)>) -> Result<(Vec<Change>, Vec<Uuid>), Error> {
    let all: Vec<_> = changes
        .iter()
        .map(|(version, change)| (&change.after, *version))
        .collect();
    if store::record::conform_in_txn(txn, &all).await?.is_none() {
        return Ok((changes.into_iter().map(|(_, change)| change).collect(), Vec::new()));
    }
    let (mut written, mut taken) = (Vec::new(), Vec::new());
    for (version, change) in changes {
        match store::record::conform_in_txn(txn, &[(&change.after, version)]).await? {
            None => written.push(change),
            Some(field) => {
                let account = change.after.id;
                tracing::error!(%account, ?field, "an account cannot agree with its record: this is another account's");
                taken.push(account);
            }
        }
    }
    Ok((written, taken))
}

/// What follows from the changes: events, letters, the end of sessions and keys, and of what tells who somebody was.
async fn follow_up_in_txn(
    app: &App,
    caller: &Caller,
    txn: &Txn,
    written: &[Change],
    standings: &HashMap<Uuid, Standing>,
) -> Result<Conformed, Error> {
    let told = written.iter().filter_map(|change| event(app, caller, change));
    outbox::add_many(txn, told).await?;
    let is_invited = |change: &&Change| {
        let has_password = standings
            .get(&change.after.id)
            .is_some_and(|standing| standing.has_password);
        change.kind == ChangeKind::Activated && change.after.is_active() && !has_password
    };
    let invited: Vec<Uuid> = written
        .iter()
        .filter(is_invited)
        .map(|change| change.after.id)
        .collect();
    letters::order_for_all_in_txn(app, txn, &Kind::Invitation, &invited).await?;
    let mut ended = Ended::default();
    for change in written {
        let id = change.after.id;
        match &change.kind {
            ChangeKind::Changed(before) if before.is_active() && !change.after.is_active() => {
                ended.0.extend(close_in_txn(app, caller, txn, id).await?.0);
            }
            ChangeKind::Erased => {
                if let Some(standing) = standings.get(&id) {
                    ended.0.extend(close_in_txn(app, caller, txn, id).await?.0);
                    remove_traces_in_txn(txn, &standing.user).await?;
                }
            }
            _ => {}
        }
    }
    Ok(Conformed {
        ended,
        are_letters_ordered: !invited.is_empty(),
        taken: Vec::new(),
    })
}

fn event(app: &App, caller: &Caller, change: &Change) -> Option<Draft> {
    let after = &change.after;
    match &change.kind {
        ChangeKind::Activated | ChangeKind::Created => Some(events::created(&app.clock, caller, after)),
        ChangeKind::Changed(before) => Some(events::changed(&app.clock, caller, before, after)),
        ChangeKind::Noted => None,
        ChangeKind::Erased => Some(events::erased(&app.clock, caller, after)),
    }
}

/// Nobody goes on in an account that is closed, nor does a key of theirs.
async fn close_in_txn(app: &App, caller: &Caller, txn: &Txn, id: Uuid) -> Result<Ended, Error> {
    let mut ended = sessions::end_in_txn(app, txn, caller, (id, Which::All), SessionEnd::Deactivated).await?;
    let keys = api_keys::revoke::revoke_of_owner_in_txn(app, txn, caller, id, &[]).await?;
    ended.0.extend(keys.0);
    Ok(ended)
}

/// `was` is the account before it was erased: letters were asked for by its address and number.
async fn remove_traces_in_txn(txn: &Txn, was: &User) -> Result<(), Error> {
    let number = was.registration_no.as_ref().map(RegistrationNumber::folded);
    let names: Vec<String> = [Some(was.email.folded()), number].into_iter().flatten().collect();
    Ok(store::erasure::remove_traces_in_txn(txn, was.id, &names).await?)
}
