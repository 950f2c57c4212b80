//! What is held of a student: told to whoever may see it, and forgotten with them.

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use kit::{
    files::{Key, exports},
    testing::contents,
};
use proto::{
    leave::RequestLeaveRequest,
    options::Role,
    students::{StudentErased, StudentExportRequested, StudentRecord, StudentState},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    guardians,
    hostel::{Hostel, Pupil, until},
};

/// A student with a leave of which something was said.
async fn laid_down() -> (Hostel, Pupil, String) {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let request = RequestLeaveRequest {
        extra_details: Some("My sister's wedding".to_owned()),
        ..hostel.home(1, 2)
    };
    let asked = hostel.ask(&asha, request).await.unwrap();
    hostel.reject(&asked.id).await.unwrap();
    (hostel, asha, asked.id)
}

async fn part_of(hostel: &Hostel, student: Uuid) -> Value {
    let export = hostel.world.clock.new_id();
    let until_then = hostel.world.clock.now() + chrono::Duration::minutes(1);
    let wanted = StudentExportRequested {
        student_id: student.to_string(),
        export_id: export.to_string(),
        wanted_until: Some(kit::clock::timestamp(until_then)),
    };
    hostel.hear("student.export_requested", student, 2, &wanted).await;
    let key = exports::part(export, "leave").unwrap();
    let text = until("the part", async || read(hostel, &key).await).await;
    serde_json::from_slice(&text).unwrap()
}

async fn read(hostel: &Hostel, key: &Key) -> Option<Vec<u8>> {
    let files = kit::files::open(&hostel.world.host.stores.files).await.unwrap();
    let object = files.get(key).await.unwrap()?;
    let pieces: Vec<Bytes> = object.body.try_collect().await.unwrap();
    Some(pieces.concat())
}

#[tokio::test]
async fn the_part_of_an_export_holds_all() {
    let (hostel, asha, id) = laid_down().await;
    let part = part_of(&hostel, asha.id).await;
    let leave = &part["leaves"][0];
    assert_eq!((&leave["id"], &leave["place_of_visit"]), (&json!(id), &json!("Pune")));
    assert_eq!(leave["extra_details"], "My sister's wedding");
    assert_eq!(leave["decisions"][0]["comments"], "The examinations begin");
    let nobody = part_of(&hostel, hostel.world.clock.new_id()).await;
    assert_eq!(
        nobody,
        json!({"leaves": [], "documents": [], "guardian": null, "guardian_links": []})
    );
}

#[tokio::test]
async fn the_part_tells_where_the_guardian_was_written_to_and_when() {
    let hostel = guardians::asking().await;
    let (asha, _) = guardians::asked(&hostel).await;
    let part = part_of(&hostel, asha.id).await;
    assert_eq!(part["guardian"]["email"], guardians::PARENT);
    assert!(part["guardian"]["set_at"].is_string(), "{part}");
    let links = part["guardian_links"].as_array().unwrap();
    assert!(
        links.len() == 1 && links[0]["created_at"].is_string() && links[0]["used_at"].is_null(),
        "{part}"
    );
    let token = guardians::token(&hostel, guardians::PARENT, 1).await;
    guardians::answer(&hostel, &token, "approve").await.unwrap();
    let later = part_of(&hostel, asha.id).await;
    assert!(later["guardian_links"][0]["used_at"].is_string(), "{later}");
    assert!(!later.to_string().contains(&token));
}

#[tokio::test]
async fn of_the_erased_only_days_stay() {
    let (hostel, asha, id) = laid_down().await;
    let erased = StudentErased {
        student: Some(StudentRecord {
            id: asha.id.to_string(),
            version: 2,
            registration_no: "ERASED-1".to_owned(),
            name: "Erased student".to_owned(),
            state: StudentState::Erased.into(),
            ..StudentRecord::default()
        }),
    };
    hostel.hear("student.erased", asha.id, 2, &erased).await;
    let forgotten = until("the words go", async || {
        let leave = hostel.get_as(hostel.warden, Role::Warden, &id).await.unwrap();
        let is_named = leave.student.as_ref().unwrap().name == "Student 1";
        (leave.place_of_visit.is_empty() && !is_named).then_some(leave)
    })
    .await;
    assert_eq!((forgotten.parent_phone.as_str(), &forgotten.extra_details), ("", &None));
    assert_eq!(forgotten.decisions[0].comments, None);
    assert_eq!(forgotten.days, 2);
    let held = contents(hostel.world.db.reader()).await.join("\n");
    assert!(!held.contains("Student 1"), "{held}");
}
