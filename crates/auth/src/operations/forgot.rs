//! Asking for a code: the same answer in the same time, whoever is asked for.

use super::{
    App,
    letters::{self, Kind, To},
};
use crate::{Error, store};

/// So many letters wait at most before requests of strangers are dropped.
const MOST_WAITING: u64 = 10_000;

/// Only writes down what was asked for; whether anybody goes by that name is looked up when the letter is written.
pub(crate) async fn forgot(app: &App, identifier: String) -> Result<(), Error> {
    let is_full = store::letter::count(app.db.reader()).await? >= MOST_WAITING;
    app.post.note_fullness(is_full);
    if is_full {
        return Ok(());
    }
    let txn = app.db.begin().await?;
    letters::order_in_txn(app, &txn, Kind::Reset, To::Identifier(identifier)).await?;
    txn.commit().await?;
    app.post.wake();
    Ok(())
}
