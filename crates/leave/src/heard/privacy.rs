//! Whoever is to see what is held of a student gets this service's part; of an erased student nothing stays that tells who
//! they were.

use std::sync::Arc;

use chrono::DateTime;
use kit::{
    db::Txn,
    events::{Consumer, Event, Hear, Heard, Subscription},
    files::exports::Export,
    json::{self, Mismatch},
};
use proto::students::{StudentErased, StudentExportRequested};
use uuid::Uuid;

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
                let student = read::<StudentErased>(event)?.student;
                let student = student.ok_or_else(|| Heard::Fail("the event names no student".to_owned()))?;
                erase::erase_in_txn(&self.0, txn, id(&student.id)?).await.map_err(again)
            }
            EXPORT_REQUESTED => {
                let wanted = read::<StudentExportRequested>(event)?;
                let until = wanted.wanted_until.unwrap_or_default();
                let nanos = u32::try_from(until.nanos).unwrap_or_default();
                let export = Export {
                    id: id(&wanted.export_id)?,
                    wanted_until: DateTime::from_timestamp(until.seconds, nanos).unwrap_or_default(),
                };
                export::store_part(&self.0, id(&wanted.student_id)?, export)
                    .await
                    .map_err(again)
            }
            // Nobody subscribed to it.
            other => Err(Heard::Fail(format!("an event of the type {other} was not expected"))),
        }
    }
}

fn read<M: prost::Message + prost::Name + Default + 'static>(event: &Event) -> Result<M, Heard> {
    json::from_value(&event.data).map_err(|mismatch: Mismatch| Heard::Fail(mismatch.to_string()))
}

fn id(text: &str) -> Result<Uuid, Heard> {
    Uuid::parse_str(text).map_err(|error| Heard::Fail(error.to_string()))
}

fn again(error: Error) -> Heard {
    Heard::Retry(error.to_string())
}

pub(super) fn consumer(app: &Arc<App>) -> Consumer {
    Consumer::new(
        Subscription::new("leave.privacy", &[ERASED, EXPORT_REQUESTED]),
        app.db.clone(),
        app.clock.clone(),
        Arc::new(Privacy(app.clone())),
    )
}
