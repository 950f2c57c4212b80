//! What is held of a student: told to whoever may see it, and forgotten with them.

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use kit::files::{Key, exports};
use proto::students::{StudentErased, StudentExportRequested, StudentRecord, StudentState};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    gate::{Gate, Pupil, until},
    roll_call::RollCall,
    tries::{Try, day},
};

/// A student of whom there is something of everything.
async fn laid_down() -> (Gate, Uuid, Pupil) {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let session = RollCall::open(&gate).await.id;
    let (id, now) = (gate.world.clock.new_id(), gate.world.clock.now());
    gate.write(
        "INSERT INTO device (id, student_id, name, public_key, active_from, counter, version, created_at, changed_at) \
         VALUES ($1, $2, 'Asha''s phone', $3, $4, 7, 1, $4, $4)",
        [id.into(), asha.id.into(), key().into(), now.into()],
    )
    .await;
    Try::of(session, &asha)
        .marked()
        .at(28.6139, 77.209)
        .by(id, 7)
        .lay(&gate)
        .await;
    gate.write(
        "INSERT INTO mark_change (id, day, session_id, student_id, after, source, reason, author, changed_at) \
         VALUES ($1, $2, $3, $4, 'present', 'manual', 'Was at the infirmary', $5, $6)",
        [
            gate.world.clock.new_id().into(),
            day(&gate).into(),
            session.into(),
            asha.id.into(),
            gate.warden.into(),
            now.into(),
        ],
    )
    .await;
    let other = gate.world.clock.new_id();
    gate.write(
        "INSERT INTO flag (id, kind, session_id, about, student_ids, detail, raised_at, verdict, note, reviewed_by, \
         reviewed_at, version) VALUES ($1, 'shared_device', $2, 'x', $3, 'One device', $4, 'harmless', 'Her sister', $5, $4, 2)",
        [
            gate.world.clock.new_id().into(),
            session.into(),
            json!([asha.id, other]).to_string().into(),
            now.into(),
            gate.warden.into(),
        ],
    )
    .await;
    (gate, session, asha)
}

fn key() -> Vec<u8> {
    let key = ed25519_dalek::SigningKey::from_bytes(&[3; 32]);
    key.verifying_key().to_bytes().to_vec()
}

async fn part_of(gate: &Gate, student: Uuid) -> Value {
    let export = gate.world.clock.new_id();
    let until_then = gate.world.clock.now() + chrono::Duration::minutes(1);
    let wanted = StudentExportRequested {
        student_id: student.to_string(),
        export_id: export.to_string(),
        wanted_until: Some(kit::clock::timestamp(until_then)),
    };
    gate.hear("student.export_requested", student, 2, &wanted).await;
    let key = exports::part(export, "attendance").unwrap();
    let text = until("the part", async || read(gate, &key).await).await;
    serde_json::from_slice(&text).unwrap()
}

async fn read(gate: &Gate, key: &Key) -> Option<Vec<u8>> {
    let files = kit::files::open(&gate.world.host.stores.files).await.unwrap();
    let object = files.get(key).await.unwrap()?;
    let pieces: Vec<Bytes> = object.body.try_collect().await.unwrap();
    Some(pieces.concat())
}

#[tokio::test]
async fn the_part_of_an_export_holds_all() {
    let (gate, session, asha) = laid_down().await;
    let part = part_of(&gate, asha.id).await;
    assert_eq!(part["devices"][0]["name"], "Asha's phone");
    assert_eq!(
        part["scans"][0]["location"],
        json!({"latitude": 28.6139, "longitude": 77.209})
    );
    assert_eq!(part["scans"][0]["session_id"], session.to_string());
    assert_eq!(
        (&part["marks"][0]["status"], &part["marks"][0]["source"]),
        (&json!("present"), &json!("scan"))
    );
    assert_eq!(part["mark_changes"][0]["reason"], "Was at the infirmary");
    assert_eq!(
        (&part["flags"][0]["note"], &part["flags"][0]["kind"]),
        (&json!("Her sister"), &json!("shared_device"))
    );
    assert!(part["flags"][0].get("student_ids").is_none(), "of nobody else");
    let nobody = part_of(&gate, gate.world.clock.new_id()).await;
    let empty = json!({"devices": [], "scans": [], "marks": [], "mark_changes": [], "flags": []});
    assert_eq!(nobody, empty);
}

#[tokio::test]
async fn of_the_erased_only_numbers_stay() {
    let (gate, session, asha) = laid_down().await;
    let other = gate.student(2, "A", 1).await;
    Try::of(session, &other).marked().at(28.6139, 77.209).lay(&gate).await;
    let erased = StudentErased {
        student: Some(StudentRecord {
            id: asha.id.to_string(),
            state: StudentState::Erased.into(),
            version: 3,
            ..StudentRecord::default()
        }),
    };
    gate.hear("student.erased", asha.id, 3, &erased).await;
    until("the devices go", async || {
        (gate.count("device").await == 0).then_some(())
    })
    .await;
    let placed = gate
        .rows("SELECT outcome AS text FROM scan WHERE latitude IS NOT NULL")
        .await;
    assert_eq!(placed.len(), 1, "the other's place stays");
    assert_eq!(gate.count("scan").await, 2);
    assert_eq!(gate.count("mark").await, 2);
    assert_eq!(
        gate.rows("SELECT COALESCE(reason, '-') AS text FROM mark_change").await,
        ["-"]
    );
    assert_eq!(
        gate.rows("SELECT detail || COALESCE(note, '-') AS text FROM flag")
            .await,
        ["-"]
    );
}
