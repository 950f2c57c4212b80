//! What this service does on events: it keeps every one of them, and tells what it holds of somebody who asks for it.

use std::sync::Arc;

use kit::{
    Clock, Db,
    db::Txn,
    events::{Consumer, Event, Hear, Heard, Subscription},
    files::{Files, exports::Asked},
};
use proto::students::StudentExportRequested;

use crate::operations::{part, record};

struct Record;

#[async_trait::async_trait]
impl Hear for Record {
    async fn apply(&self, txn: &Txn, event: &Event) -> Result<(), Heard> {
        self.apply_all(txn, &[event]).await
    }

    async fn apply_all(&self, txn: &Txn, events: &[&Event]) -> Result<(), Heard> {
        record::record_in_txn(txn, events).await.map_err(Heard::again)
    }
}

struct Tell {
    db: Db,
    files: Arc<dyn Files>,
    clock: Clock,
}

#[async_trait::async_trait]
impl Hear for Tell {
    async fn apply(&self, _: &Txn, event: &Event) -> Result<(), Heard> {
        let wanted: StudentExportRequested = event.read()?;
        let asked = Asked::read(&wanted.student_id, &wanted.export_id, wanted.wanted_until);
        let asked = asked.map_err(Heard::never)?;
        part::store(&self.db, &*self.files, &self.clock, asked)
            .await
            .map_err(Heard::again)
    }
}

pub(crate) fn consumers(db: &Db, files: &Arc<dyn Files>, clock: &Clock) -> Vec<Consumer> {
    let everything = Subscription::new("audit", &["#"]);
    let exports = Subscription::new("audit.exports", &["hostelpulse.student.export_requested.v1"]);
    let tell = Tell {
        db: db.clone(),
        files: files.clone(),
        clock: clock.clone(),
    };
    vec![
        Consumer::new(everything, db.clone(), clock.clone(), Arc::new(Record)).together(),
        Consumer::new(exports, db.clone(), clock.clone(), Arc::new(tell)),
    ]
}
