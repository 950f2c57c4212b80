//! What is held of a student: told to whoever may see it, and forgotten with them.

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use kit::files::{Key, exports};
use proto::{
    grievance::{GetGrievanceRequest, RateGrievanceRequest, ResolveGrievanceRequest},
    students::{StudentErased, StudentExportRequested, StudentRecord, StudentState},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::{Desk, Known, told, until};

/// A student of whom there is something of everything.
async fn laid_down() -> (Desk, Known, Uuid) {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let raised = desk.raise(&asha).await;
    let id: Uuid = raised.id.parse().unwrap();
    for (author, role, text, internal) in [
        (asha.id, "student", "I am in my room on Monday", false),
        (desk.warden, "warden", "She complains a lot", true),
    ] {
        desk.write(
            "INSERT INTO comment (id, ticket_id, author, author_role, text, internal, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            [
                desk.world.clock.new_id().into(),
                id.into(),
                author.into(),
                role.into(),
                text.into(),
                internal.into(),
                desk.world.clock.now().into(),
            ],
        )
        .await;
    }
    desk.write(
        "INSERT INTO change (id, ticket_id, field, after, author, author_role, internal, changed_at) \
         VALUES ($1, $2, 'comments', 'a hidden word', $3, 'warden', TRUE, $4)",
        [
            desk.world.clock.new_id().into(),
            id.into(),
            desk.warden.into(),
            desk.world.clock.now().into(),
        ],
    )
    .await;
    let resolve = ResolveGrievanceRequest {
        id: raised.ticket_id.clone(),
        comments: "Asha's capacitor was replaced".to_owned(),
    };
    told(desk.grievances().resolve_grievance(desk.by_warden(resolve)).await).unwrap();
    let rate = RateGrievanceRequest {
        id: raised.ticket_id,
        rating: 4,
        comment: Some("Thanks, says Asha".to_owned()),
    };
    told(desk.grievances().rate_grievance(desk.by(&asha, rate)).await).unwrap();
    (desk, asha, id)
}

pub(crate) async fn part_of(desk: &Desk, student: Uuid) -> Value {
    let export = desk.world.clock.new_id();
    let until_then = desk.world.clock.now() + chrono::Duration::minutes(1);
    let wanted = StudentExportRequested {
        student_id: student.to_string(),
        export_id: export.to_string(),
        wanted_until: Some(kit::clock::timestamp(until_then)),
    };
    desk.hear("student.export_requested", student, 2, &wanted).await;
    let key = exports::part(export, "grievance").unwrap();
    let text = until("the part", async || read(desk, &key).await).await;
    serde_json::from_slice(&text).unwrap()
}

async fn read(desk: &Desk, key: &Key) -> Option<Vec<u8>> {
    let files = kit::files::open(&desk.world.host.stores.files).await.unwrap();
    let object = files.get(key).await.unwrap()?;
    let pieces: Vec<Bytes> = object.body.try_collect().await.unwrap();
    Some(pieces.concat())
}

#[tokio::test]
async fn the_part_of_an_export_holds_all_but_internal_notes() {
    let (desk, asha, _) = laid_down().await;
    let part = part_of(&desk, asha.id).await;
    let one = &part["grievances"][0];
    assert_eq!(one["ticket_id"], "GRV-2026-00001");
    assert_eq!(one["description"], "The ceiling fan makes a loud noise.");
    assert_eq!((&one["status"], &one["rating"]), (&json!("resolved"), &json!(4)));
    assert_eq!(one["comments"].as_array().unwrap().len(), 1);
    assert_eq!(one["comments"][0]["text"], "I am in my room on Monday");
    let text = part.to_string();
    assert!(
        !text.contains("complains a lot") && !text.contains("hidden word"),
        "{text}"
    );
    assert!(text.contains("Thanks, says Asha"));
    let nobody = part_of(&desk, desk.world.clock.new_id()).await;
    assert_eq!(nobody, json!({ "grievances": [] }));
}

#[tokio::test]
async fn of_the_erased_only_numbers_stay() {
    let (desk, asha, id) = laid_down().await;
    let other = desk.student(2).await;
    desk.raise(&other).await;
    let erased = StudentErased {
        student: Some(StudentRecord {
            id: asha.id.to_string(),
            registration_no: "ERASED-1".to_owned(),
            name: "Erased student".to_owned(),
            state: StudentState::Erased.into(),
            version: 3,
            ..StudentRecord::default()
        }),
    };
    let version = desk
        .rows("SELECT CAST(version AS text) AS text FROM ticket ORDER BY number")
        .await;
    desk.hear("student.erased", asha.id, 3, &erased).await;
    until("the words go", async || {
        (desk.count("comment").await == 0).then_some(())
    })
    .await;
    let left = "SELECT description || '|' || COALESCE(resolution_comments, '-') || '|' || COALESCE(rating_comment, '-') || '|' || \
                COALESCE(room_no, '-') || '|' || status AS text FROM ticket ORDER BY number";
    assert_eq!(
        desk.rows(left).await,
        ["|-|-|-|resolved", "The ceiling fan makes a loud noise.|-|-|A-102|open"]
    );
    let words =
        "SELECT COALESCE(before, '') || COALESCE(after, '') AS text FROM change WHERE field = 'resolution_comments'";
    assert_eq!(desk.rows(words).await, [""]);
    // Whoever was just about to change it finds that it is another by now.
    let after = desk
        .rows("SELECT CAST(version AS text) AS text FROM ticket ORDER BY number")
        .await;
    assert_eq!(
        (version[0].as_str(), after[0].as_str(), after[1].as_str()),
        ("3", "4", "1")
    );
    until("the name goes", async || {
        let request = GetGrievanceRequest { id: id.to_string() };
        let read = told(desk.grievances().get_grievance(desk.by_warden(request)).await).unwrap();
        (read.student.unwrap().name == "Erased student").then_some(())
    })
    .await;
}
