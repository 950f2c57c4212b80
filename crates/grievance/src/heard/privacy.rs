//! Whoever is to see what is held of a student gets this service's part; of an erased student nothing stays that tells who
//! they were.

use std::sync::Arc;

use kit::{
    db::Txn,
    events::{Consumer, Event, Hear, Heard, Subscription},
    files::exports::Asked,
};
use proto::students::{StudentErased, StudentExportRequested};
use uuid::Uuid;

use crate::operations::{
    App,
    privacy::{erase, export},
};

const ERASED: &str = "hostelpulse.student.erased.v1";
const EXPORT_REQUESTED: &str = "hostelpulse.student.export_requested.v1";

struct Privacy(Arc<App>);

#[async_trait::async_trait]
impl Hear for Privacy {
    async fn apply(&self, txn: &Txn, event: &Event) -> Result<(), Heard> {
        match event.kind.as_str() {
            ERASED => {
                let student = event.read::<StudentErased>()?.student;
                let student = student.ok_or_else(|| Heard::lacks("student"))?;
                let id = Uuid::parse_str(&student.id).map_err(Heard::never)?;
                let caller = event.heard_by("grievance");
                let erased = erase::erase_in_txn(&self.0, &caller, txn, id).await;
                erased.map_err(Heard::again)
            }
            EXPORT_REQUESTED => {
                let wanted: StudentExportRequested = event.read()?;
                let asked = Asked::read(&wanted.student_id, &wanted.export_id, wanted.wanted_until);
                let stored = export::store_part(&self.0, &asked.map_err(Heard::never)?).await;
                stored.map_err(Heard::again)
            }
            _ => Err(Heard::unexpected(event)),
        }
    }
}

pub(super) fn consumer(app: &Arc<App>) -> Consumer {
    Consumer::new(
        Subscription::new("grievance.privacy", &[ERASED, EXPORT_REQUESTED]),
        app.db.clone(),
        app.clock.clone(),
        Arc::new(Privacy(app.clone())),
    )
}
