//! Keeping what happened: the next link of the chain. Of somebody who was erased it is kept that something happened, and no more.

use kit::{db::Txn, events::Event};

use crate::{
    Error,
    domain::{Details, Fact},
    store,
};

pub(crate) async fn record_in_txn(txn: &Txn, event: &Event) -> Result<(), Error> {
    let actor = &event.actor;
    let fact = Fact {
        id: event.id,
        occurred_at: event.time,
        actor_id: actor.id.clone(),
        actor_role: actor.role.clone(),
        resource_type: Fact::resource_type_of(&event.kind),
        action: event.kind.clone(),
        resource_id: event.subject.clone(),
    };
    let details = Details {
        ip: actor.ip.clone(),
        user_agent: actor.user_agent.clone(),
        request_id: actor.request_id.clone(),
        changes: event.data.clone(),
    };
    let details = serde_json::to_string(&details)?;
    let salt: [u8; 16] = rand::random();
    // Held until the transaction ends, so that nothing is recorded between an erasure and its effect.
    let chain = store::head_in_txn(txn).await?;
    if fact.erases() {
        store::erased::erase_in_txn(txn, &fact.resource_id, fact.occurred_at).await?;
    }
    let is_erased = store::erased::any_is_erased_in_txn(txn, &fact.resource_id, &fact.actor_id).await?;
    let (mut entry, next) = chain.link(fact, details, hex::encode(salt));
    if is_erased {
        entry.forget();
    }
    store::insert_in_txn(txn, entry).await?;
    store::set_head_in_txn(txn, next).await?;
    Ok(())
}
