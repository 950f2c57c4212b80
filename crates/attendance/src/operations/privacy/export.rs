//! What this service holds of a student, as a file, for those who are to see it all.

use kit::{
    clock::text,
    files::exports::{self, Asked},
    json,
};
use proto::attendance::Device;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Error,
    operations::App,
    rpc::convert_devices,
    store::{
        self,
        privacy::{HeldChange, HeldFlag, HeldMark, HeldScan},
    },
};

/// So many of each are told of, the last ones.
const MOST: u32 = 10_000;

/// Stores this service's part of an export; of somebody who is unknown an empty one, so that nobody waits for it.
pub(crate) async fn store_part(app: &App, asked: &Asked) -> Result<(), Error> {
    let part = part(app, asked.of).await?;
    exports::store_json(&*app.files, &app.clock, asked.export, "attendance", &part).await?;
    Ok(())
}

async fn part(app: &App, student: Uuid) -> Result<Value, Error> {
    let (db, now) = (app.db.reader(), app.clock.now());
    let devices = store::device::of_student(db, student).await?;
    let devices = devices
        .iter()
        .map(|one| json::to_value::<Device>(&convert_devices::device(one, now)));
    let scans = store::privacy::scans(db, student, MOST).await?;
    let marks = store::privacy::marks(db, student, MOST).await?;
    let changes = store::privacy::changes(db, student, MOST).await?;
    let flags = store::privacy::flags(db, student, MOST).await?;
    Ok(json!({
        "devices": devices.collect::<Vec<_>>(),
        "scans": scans.iter().map(scan).collect::<Vec<_>>(),
        "marks": marks.iter().map(mark).collect::<Vec<_>>(),
        "mark_changes": changes.iter().map(change).collect::<Vec<_>>(),
        "flags": flags.iter().map(flag).collect::<Vec<_>>(),
    }))
}

fn scan(scan: &HeldScan) -> Value {
    let place = scan.latitude.zip(scan.longitude);
    json!({
        "id": scan.id,
        "session_id": scan.session_id,
        "outcome": scan.outcome,
        "code": scan.code,
        "offline": scan.offline,
        "scanned_at": text(scan.scanned_at),
        "received_at": text(scan.received_at),
        "distance_meters": scan.distance_meters,
        "accuracy_meters": scan.accuracy_meters,
        "location": place.map(|(latitude, longitude)| json!({"latitude": latitude, "longitude": longitude})),
        "evidence": serde_json::from_str::<Value>(&scan.evidence).unwrap_or_default(),
        "device_id": scan.device_id,
    })
}

fn mark(mark: &HeldMark) -> Value {
    json!({
        "day": mark.day,
        "session_id": mark.session_id,
        "status": mark.status,
        "source": mark.source,
        "scanned_at": mark.scanned_at.map(text),
        "distance_meters": mark.distance_meters,
        "marked_at": text(mark.marked_at),
    })
}

fn change(change: &HeldChange) -> Value {
    json!({
        "day": change.day,
        "session_id": change.session_id,
        "before": change.before,
        "after": change.after,
        "source": change.source,
        "reason": change.reason,
        "changed_at": text(change.changed_at),
    })
}

/// Without the others that a flag is about.
fn flag(flag: &HeldFlag) -> Value {
    json!({
        "kind": flag.kind,
        "session_id": flag.session_id,
        "detail": flag.detail,
        "raised_at": text(flag.raised_at),
        "verdict": flag.verdict,
        "note": flag.note,
        "reviewed_at": flag.reviewed_at.map(text),
    })
}
