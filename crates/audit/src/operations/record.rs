//! Keeping what happened: the next link of the chain. Of somebody who was erased it is kept that something happened, and no more.

use std::collections::HashSet;

use kit::{db::Txn, events::Event};

use crate::{
    Error,
    domain::{Details, Fact},
    store,
};

pub(crate) async fn record_in_txn(txn: &Txn, events: &[&Event]) -> Result<(), Error> {
    // Held until the transaction ends, so that nothing is recorded between an erasure and its effect.
    let mut chain = store::head_in_txn(txn).await?;
    let mut erased = who_is_erased(txn, events).await?;
    let mut entries = Vec::with_capacity(events.len());
    for event in events {
        let fact = fact(event);
        if fact.erases() {
            // What goes before it loses its details, too.
            store::insert_in_txn(txn, std::mem::take(&mut entries)).await?;
            store::erased::erase_in_txn(txn, &fact.resource_id, fact.occurred_at).await?;
            erased.insert(fact.resource_id.clone());
        }
        let is_erased = erased.contains(&fact.resource_id) || erased.contains(&fact.actor_id);
        let salt: [u8; 16] = rand::random();
        let (mut entry, next) = chain.link(fact, details(event)?, hex::encode(salt));
        if is_erased {
            entry.forget();
        }
        entries.push(entry);
        chain = next;
    }
    store::insert_in_txn(txn, entries).await?;
    store::set_head_in_txn(txn, chain).await
}

async fn who_is_erased(txn: &Txn, events: &[&Event]) -> Result<HashSet<String>, Error> {
    let people = events
        .iter()
        .flat_map(|event| [event.subject.as_str(), event.actor.id.as_str()]);
    Ok(store::erased::among_in_txn(txn, &people.collect()).await?)
}

fn fact(event: &Event) -> Fact {
    let actor = &event.actor;
    Fact {
        id: event.id,
        occurred_at: event.time,
        actor_id: actor.id.clone(),
        actor_role: actor.role.clone(),
        resource_type: Fact::resource_type_of(&event.kind),
        action: event.kind.clone(),
        resource_id: event.subject.clone(),
    }
}

fn details(event: &Event) -> Result<String, Error> {
    let actor = &event.actor;
    let details = Details {
        ip: actor.ip.clone(),
        user_agent: actor.user_agent.clone(),
        request_id: actor.request_id.clone(),
        changes: event.data.clone(),
    };
    Ok(serde_json::to_string(&details)?)
}
