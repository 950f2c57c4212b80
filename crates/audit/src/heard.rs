//! What this service does on events: it keeps every one of them.

use std::sync::Arc;

use kit::{
    Clock, Db,
    db::Txn,
    events::{Consumer, Event, Hear, Heard, Subscription},
};

use crate::operations::record;

struct Record;

#[async_trait::async_trait]
impl Hear for Record {
    async fn apply(&self, txn: &Txn, event: &Event) -> Result<(), Heard> {
        record::record_in_txn(txn, event)
            .await
            .map_err(|error| Heard::Retry(error.to_string()))
    }
}

pub(crate) fn consumers(db: &Db, clock: &Clock) -> Vec<Consumer> {
    let everything = Subscription::new("audit", &["#"]);
    vec![Consumer::new(everything, db.clone(), clock.clone(), Arc::new(Record))]
}
