//! A copy of what is held of a student, and forgetting them.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _},
};

use chrono::{DateTime, Duration, Utc};
use futures_util::{StreamExt as _, stream};
use kit::{Fault, files::exports, testing::contents};
use proto::{
    auth::AccountRecordState,
    options::Role,
    students::{
        DownloadExportRequest, EraseStudentRequest, EraseStudentResponse, ListRoomStaysRequest, ListStudentsRequest,
        Student,
    },
    types::file_chunk::Part,
};
use serde_json::Value;
use students::Config;
use tonic::{Code, Request};
use uuid::Uuid;

use crate::{
    documents::{files::pdf, fixture::Upload},
    hostel::{ADDRESS, Hostel, PARENT_PHONE, PHONE, code, somebody, told},
    import::{file, row},
    trail::until,
};

type Files = BTreeMap<String, Vec<u8>>;

impl Hostel {
    async fn erase(&self, role: Role, id: &str) -> Result<EraseStudentResponse, Fault> {
        let request = EraseStudentRequest { id: id.to_owned() };
        told(self.privacy().erase_student(self.world.by(role, request)).await)
    }

    async fn export(&self, request: Request<DownloadExportRequest>) -> Result<Files, Fault> {
        let mut pieces = told(self.privacy().download_export(request).await)?;
        let mut zip = Vec::new();
        while let Some(chunk) = pieces.message().await.map_err(|status| Fault::from_status(&status))? {
            if let Some(Part::Data(mut data)) = chunk.part {
                zip.append(&mut data);
            }
        }
        let mut zip = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
        let mut files = Files::new();
        for place in 0..zip.len() {
            let mut file = zip.by_index(place).unwrap();
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            files.insert(file.name().unwrap().into_owned(), content);
        }
        Ok(files)
    }

    /// Another service adds its part to the next export of a student.
    async fn add_part(&self, service: &str, student: &Student) {
        let asked = until("the export is asked for", async || {
            let events = self.events_of("student.export_requested").await;
            events.into_iter().next_back()
        })
        .await;
        assert_eq!(asked["data"]["student_id"], student.id);
        let export: Uuid = asked["data"]["export_id"].as_str().unwrap().parse().unwrap();
        let body = stream::iter([Ok("{\"held\":1}".into())]).boxed();
        let key = exports::part(export, service).unwrap();
        self.store().await.put(&key, "application/json", body).await.unwrap();
    }

    async fn store(&self) -> std::sync::Arc<dyn kit::files::Files> {
        kit::files::open(&self.world.host.stores.files).await.unwrap()
    }
}

fn request(student: &Student) -> DownloadExportRequest {
    DownloadExportRequest { id: student.id.clone() }
}

fn json(files: &Files, name: &str) -> Value {
    serde_json::from_slice(
        files
            .get(name)
            .unwrap_or_else(|| panic!("no {name} among {:?}", files.keys())),
    )
    .unwrap()
}

fn quick() -> Config {
    Config {
        export_wait_seconds: 1,
        ..Config::default()
    }
}

#[tokio::test]
async fn an_export_holds_what_is_held_here_and_what_others_add() {
    let hostel = Hostel::open().await;
    let (first, second) = (hostel.room("A", "A-101", 2).await, hostel.room("A", "A-102", 2).await);
    let asha = hostel.register_in(1, &first).await;
    hostel.move_to(&asha.id, &second).await.unwrap();
    let asked = hostel.student(&asha.id, request(&asha));
    let (files, ()) = tokio::join!(hostel.export(asked), async {
        hostel.add_part("auth", &asha).await;
        hostel.add_part("audit", &asha).await;
        hostel.add_part("attendance", &asha).await;
        hostel.add_part("grievance", &asha).await;
        hostel.add_part("leave", &asha).await;
    });
    let files = files.unwrap();
    let student = json(&files, "student.json");
    assert_eq!(
        (&student["phone"], &student["address"]),
        (&PHONE.into(), &ADDRESS.into())
    );
    assert_eq!(student["room"]["room_no"], "A-102");
    let stays = json(&files, "stays.json");
    assert_eq!(stays.as_array().unwrap().len(), 2, "{stays}");
    assert_eq!(json(&files, "auth.json")["held"], 1);
    let manifest = json(&files, "manifest.json");
    assert_eq!(
        (&manifest["complete"], &manifest["missing"]),
        (&true.into(), &Value::Array(Vec::new()))
    );
    let store = hostel.store().await;
    until("the parts are deleted", async || {
        store
            .list(exports::FOLDER, None, 10)
            .await
            .unwrap()
            .is_empty()
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_export_names_who_did_not_answer_and_does_not_wait_for_ever() {
    let hostel = Hostel::open_with(quick()).await;
    let asha = hostel.register(1).await;
    let files = hostel.export(hostel.warden(request(&asha))).await.unwrap();
    let manifest = json(&files, "manifest.json");
    assert_eq!(manifest["complete"], false);
    assert_eq!(
        manifest["missing"],
        serde_json::json!(["attendance", "audit", "auth", "grievance", "leave"])
    );
}

#[tokio::test]
async fn nobody_gets_the_copy_of_somebody_else() {
    let hostel = Hostel::open_with(quick()).await;
    let (asha, other) = (hostel.register(1).await, hostel.register(2).await);
    let asked = hostel.student(&other.id, request(&asha));
    assert_eq!(
        code(hostel.export(asked).await),
        (Code::NotFound, "NOT_FOUND".to_owned())
    );
    let asked = hostel.world.by(Role::Guard, request(&asha));
    assert_eq!(code(hostel.export(asked).await).0, Code::PermissionDenied);
    assert!(hostel.events_of("student.export_requested").await.is_empty());
}

#[tokio::test]
async fn an_erased_student_is_nobody_and_history_keeps_its_counts() {
    let hostel = Hostel::open_with(quick()).await;
    let room = hostel.room("A", "A-101", 2).await;
    let (asha, other) = (hostel.register_in(1, &room).await, hostel.register_in(2, &room).await);
    assert_eq!(
        code(hostel.erase(Role::Warden, &asha.id).await).0,
        Code::PermissionDenied
    );

    let erased = hostel.erase(Role::Admin, &asha.id).await.unwrap();
    assert!(erased.erased);
    assert_eq!(hostel.occupancy(&room).await.0, 1);
    let now = hostel.get(&asha.id).await.unwrap();
    assert_eq!(
        (now.name.as_str(), now.is_active, now.room),
        ("Erased student", false, None)
    );
    assert_eq!((now.phone.as_str(), now.address), ("", None));
    assert_eq!(
        hostel.list(ListStudentsRequest::default()).await,
        (vec!["REG-002".to_owned()], 1)
    );
    let stays = hostel.warden(ListRoomStaysRequest {
        id: room.clone(),
        ..ListRoomStaysRequest::default()
    });
    let stays = told(hostel.rooms().list_room_stays(stays).await).unwrap().stays;
    assert_eq!(stays.len(), 2, "who lived there counts on: {stays:?}");

    let account = hostel
        .auth
        .told()
        .into_iter()
        .rfind(|record| record.id == asha.id)
        .unwrap();
    assert_eq!(account.state(), AccountRecordState::Erased);
    assert_eq!((account.email.as_str(), account.name.as_str()), ("", ""));
    let last = hostel.history(&asha.id).await.into_iter().next_back().unwrap();
    assert_eq!(last.0, "student.erased");

    // Again is the same, and changes nothing.
    hostel.erase(Role::Admin, &asha.id).await.unwrap();
    assert_eq!(hostel.history(&asha.id).await.into_iter().next_back().unwrap(), last);
    assert_eq!(code(hostel.move_to(&asha.id, &room).await).1, "ERASED");
    assert!(hostel.get(&other.id).await.unwrap().is_active);
}

#[tokio::test]
async fn nothing_in_the_database_tells_who_was_erased() {
    let hostel = Hostel::open_with(quick()).await;
    let room = hostel.room("A", "A-101", 2).await;
    let warden = hostel.world.keys.token(Role::Warden);
    let asha = hostel.register_with_key(&warden, "k-1", somebody(77)).await.unwrap();
    hostel.move_to(&asha.id, &room).await.unwrap();
    let paper = Upload::new(&asha.id, "pan", "card of verma.pdf", pdf()).with_key("k-2");
    hostel.add_as(&warden, &paper).await.unwrap();
    hostel.import(file(&[row(78)])).await;
    hostel.export(hostel.warden(request(&asha))).await.unwrap();
    let lines_with = async |word: &str| {
        let mut lines = contents(hostel.world.db.reader()).await;
        lines.retain(|line| line.to_lowercase().contains(&word.to_lowercase()));
        lines
    };
    let plain = ["student77@", "REG-077", "Some Body 77", "card of verma"];
    for word in plain {
        assert!(
            !lines_with(word).await.is_empty(),
            "{word}: else this test finds nothing"
        );
    }
    let private = [PHONE, PARENT_PHONE, ADDRESS];
    for word in private {
        let lines = lines_with(word).await;
        assert!(lines.is_empty(), "{word} is sealed at rest: {lines:?}");
    }
    // What is not published yet goes out first, and a broker takes nothing that nobody listens to.
    hostel.write("UPDATE outbox SET published_at = occurred_at", []).await;
    hostel.erase(Role::Admin, &asha.id).await.unwrap();
    for word in plain {
        let lines = lines_with(word).await;
        assert!(lines.is_empty(), "{word} is left in {lines:?}");
    }
    assert!(!lines_with("student78@").await.is_empty(), "everybody else is there");
}

#[tokio::test]
async fn old_parts_are_swept() {
    let hostel = Hostel::open_with(quick()).await;
    let now = hostel.world.clock.now();
    // An id of version 7: when it was made, then what sets it apart.
    let made_at = |at: DateTime<Utc>| u128::try_from(at.timestamp_millis()).unwrap() << 80;
    let id = |at| Uuid::from_u128(made_at(at) | 7 << 76 | 2 << 62);
    let part_of = |asked_at| exports::part(id(asked_at), "auth").unwrap();
    let (old, young) = (part_of(now - Duration::hours(2)), part_of(now));
    let store = hostel.store().await;
    for key in [&old, &young] {
        let body = stream::iter([Ok("{}".into())]).boxed();
        store.put(key, "application/json", body).await.unwrap();
    }
    let stores = hostel.world.stop().await;
    let _again = Hostel::open_on(stores, hostel.auth, quick()).await;
    until("the old part is gone", async || {
        store.get(&old).await.unwrap().is_none().then_some(())
    })
    .await;
    let left = store.list(exports::FOLDER, None, 10).await.unwrap();
    assert_eq!(left.into_iter().map(|part| part.key).collect::<Vec<_>>(), [young]);
}
