//! An approver's word on a leave.

use kit::{access::Caller, db::Txn, events::outbox};
use proto::leave as message;
use uuid::Uuid;

use crate::{
    Error,
    domain::{Decided, Decision, Leave, Refusal, Seen, Verdict, Word},
    events,
    operations::{App, chain, shown},
    store,
};

/// What an approver says.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub leave: Uuid,
    pub verdict: Verdict,
    pub comments: Option<String>,
    pub without_guardian: bool,
}

/// Takes the step at hand, if nobody else was there first.
pub(crate) async fn decide(app: &App, caller: &Caller, said: Said) -> Result<message::Leave, Error> {
    let (by, role) = caller.user()?;
    let word = Word {
        by,
        role,
        at: app.clock.now(),
    };
    let txn = app.db.begin().await?;
    let before = store::leave::held_in_txn(&txn, &app.private, caller, said.leave).await?;
    let step = before.state.step().unwrap_or_default();
    // Only that is remembered as passing somebody over which does so.
    let passes_over = said.without_guardian && !before.guardian.allows();
    let after = transition_in_txn(app, &txn, &before, word, &said).await?;
    let after = after.map_err(Error::Refused)?;
    let after = store::leave::change_in_txn(&txn, &before, after).await?;
    let after = after.ok_or(Error::ChangedMeanwhile)?;
    chain::put_off_in_txn(app, &txn, &after).await?;
    if !after.holds_days() {
        store::day::give_back_in_txn(&txn, &after).await?;
    }
    let decision = Decision {
        id: app.clock.new_id(),
        leave_id: after.id,
        step,
        verdict: said.verdict,
        by,
        role,
        comments: said.comments,
        without_guardian: passes_over && said.verdict == Verdict::Approved,
        at: word.at,
    };
    store::decision::insert_in_txn(&txn, &app.private, &decision).await?;
    outbox::add(&txn, events::decided(&app.clock, caller, &after)).await?;
    let answer = shown::one(app, &*txn, caller, after).await?;
    txn.commit().await?;
    Ok(answer)
}

/// What the word makes of the leave, with what was said of it before.
async fn transition_in_txn(
    app: &App,
    txn: &Txn,
    before: &Leave,
    word: Word,
    said: &Said,
) -> Result<Result<Leave, Refusal>, Error> {
    let mut earlier = store::decision::of(&**txn, &app.private, &[before.id]).await?;
    let earlier = earlier.remove(&before.id).unwrap_or_default();
    let earlier: Vec<Decided> = earlier.iter().map(Decision::decided).collect();
    if said.verdict == Verdict::Rejected {
        return Ok(before.clone().reject(word, &earlier));
    }
    let seen = Seen {
        has_document: store::document::among(&**txn, &[before.id]).await?.contains(&before.id),
        earlier: &earlier,
        without_guardian: said.without_guardian,
    };
    Ok(before.clone().approve(word, seen))
}
