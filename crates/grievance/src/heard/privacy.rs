//! Whoever is to see what is held of a student gets this service's part; of an erased student nothing stays that tells who
//! they were.

use std::sync::Arc;

use kit::{
    access::Caller,
    db::Txn,
    events::{Consumer, Event, Hear, Heard, Subscription},
    files::exports::Asked,
};
use proto::students::{StudentErased, StudentExportRequested};
use uuid::Uuid;

use super::{named, read};
use crate::{
    Error,
    operations::{
        App,
        privacy::{erase, export},
    },
};

const ERASED: &str = "hostelpulse.student.erased.v1";
const EXPORT_REQUESTED: &str = "hostelpulse.student.export_requested.v1";

struct Privacy(Arc<App>);

#[async_trait::async_trait]
impl Hear for Privacy {
    async fn apply(&self, txn: &Txn, event: &Event) -> Result<(), Heard> {
        match event.kind.as_str() {
            ERASED => {
                let student = named(read::<StudentErased>(event)?.student, "student")?;
                let id = Uuid::parse_str(&student.id).map_err(|error| Heard::Fail(error.to_string()))?;
                let caller = Caller {
                    traceparent: event.traceparent.clone(),
                    ..Caller::service("grievance", event.id.to_string())
                };
                erase::erase_in_txn(&self.0, &caller, txn, id).await.map_err(again)
            }
            EXPORT_REQUESTED => {
                let wanted = read::<StudentExportRequested>(event)?;
                let asked = Asked::read(&wanted.student_id, &wanted.export_id, wanted.wanted_until);
                let asked = asked.map_err(|why| Heard::Fail(why.to_owned()))?;
                export::store_part(&self.0, &asked).await.map_err(again)
            }
            // Nobody subscribed to it.
            other => Err(Heard::Fail(format!("an event of the type {other} was not expected"))),
        }
    }
}

fn again(error: Error) -> Heard {
    Heard::Retry(error.to_string())
}

pub(super) fn consumer(app: &Arc<App>) -> Consumer {
    Consumer::new(
        Subscription::new("grievance.privacy", &[ERASED, EXPORT_REQUESTED]),
        app.db.clone(),
        app.clock.clone(),
        Arc::new(Privacy(app.clone())),
    )
}
