//! Accounts follow the students' events and, when asked to, the whole roster; exports get this service's part.

use std::sync::{Arc, Mutex};

use auth::Auth;
use bytes::Bytes;
use chrono::DateTime;
use futures_util::{
    TryStreamExt as _,
    stream::{self, BoxStream, StreamExt as _},
};
use kit::{
    files::Key,
    service::{Rebuilt, Service as _},
    testing::World,
};
use prost_types::Timestamp;
use proto::{
    auth::{AccountRecordState, UpdateUserRequest},
    students::{
        BlockRecord, StreamBlocksRequest, StreamStudentsRequest, StudentDeactivated, StudentErased,
        StudentExportRequested, StudentRecord, StudentRegistered, StudentState, StudentUpdated,
        roster_server::{Roster, RosterServer},
    },
};
use serde_json::{Value, json};
use tonic::{Code, Request, Response, Status, service::Routes};

use crate::{
    accounts_desk::{invited, record, roster_record, student},
    hostel::{ADMIN, Hostel, PASSWORD, code, config},
    mails::until,
    people::DESK,
};

#[tokio::test]
async fn events_say_the_same_once_more() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let asha = student(&hostel, 1);
    let told = |version, state| Some(roster_record(&asha, version, state));
    hostel.reserve(std::slice::from_ref(&asha)).await;
    let registered = StudentRegistered {
        student: told(1, StudentState::Active),
    };
    hostel.hear("registered", &asha.id, 1, &registered).await;
    let token = until("the activation", async || {
        hostel.try_login(&asha.email, PASSWORD).await.ok()
    })
    .await;
    let mut renamed = told(2, StudentState::Active);
    renamed.as_mut().unwrap().name = "Asha V.".to_owned();
    let updated = StudentUpdated {
        student: renamed,
        changed: vec!["name".to_owned()],
    };
    hostel.hear("updated", &asha.id, 2, &updated).await;
    until("the new name", async || {
        (hostel.user(&admin, &asha.id).await.unwrap().name == "Asha V.").then_some(())
    })
    .await;
    let deactivated = StudentDeactivated {
        student: told(3, StudentState::Deactivated),
        before: None,
    };
    hostel.hear("deactivated", &asha.id, 3, &deactivated).await;
    // Nobody announces it: it is found in the database, within a second.
    until("the end of the session", async || {
        hostel.me(token.access_token()).await.err()
    })
    .await;
    hostel.hear("registered", &asha.id, 1, &registered).await;
    let erased = StudentErased {
        student: Some(StudentRecord {
            id: asha.id.clone(),
            version: 4,
            state: StudentState::Erased.into(),
            ..StudentRecord::default()
        }),
    };
    hostel.hear("erased", &asha.id, 4, &erased).await;
    until("the erasure", async || {
        (hostel.user(&admin, &asha.id).await.unwrap().name == "Erased student").then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_is_invited_by_an_event_gets_the_letter() {
    let hostel = Hostel::open().await;
    let asha = invited(&hostel, 1);
    hostel.reserve(std::slice::from_ref(&asha)).await;
    let registered = StudentRegistered {
        student: Some(roster_record(&asha, 1, StudentState::Active)),
    };
    hostel.hear("registered", &asha.id, 1, &registered).await;
    hostel.mail(&asha.email, 1).await;
}

/// The students' service, as far as it tells of all students.
#[derive(Clone, Default)]
struct Students(Arc<Mutex<Vec<Result<StudentRecord, Status>>>>);

#[tonic::async_trait]
impl Roster for Students {
    type StreamStudentsStream = BoxStream<'static, Result<StudentRecord, Status>>;
    type StreamBlocksStream = BoxStream<'static, Result<BlockRecord, Status>>;

    async fn stream_students(
        &self,
        request: Request<StreamStudentsRequest>,
    ) -> Result<Response<Self::StreamStudentsStream>, Status> {
        let bearer = request.metadata().get("authorization").unwrap().to_str().unwrap();
        assert!(bearer.starts_with("Bearer "));
        Ok(Response::new(stream::iter(self.0.lock().unwrap().clone()).boxed()))
    }

    async fn stream_blocks(
        &self,
        _: Request<StreamBlocksRequest>,
    ) -> Result<Response<Self::StreamBlocksStream>, Status> {
        Ok(Response::new(stream::empty().boxed()))
    }
}

/// What a service says of itself after it was made anew on the stores of a running one.
async fn rebuilt(hostel: &Hostel) -> anyhow::Result<Rebuilt> {
    let (service, _) = hostel.world.host.create_with::<Auth>(config()).await?;
    Ok(service.rebuild().await?.unwrap())
}

fn read(records: u64, notes: &[String]) -> Rebuilt {
    Rebuilt {
        records,
        notes: notes.to_vec(),
    }
}

async fn beside(roster: Vec<Result<StudentRecord, Status>>) -> Hostel {
    let students = Students::default();
    *students.0.lock().unwrap() = roster;
    beside_changing(&students).await
}

/// Beside students whose records may be others at the next look.
async fn beside_changing(students: &Students) -> Hostel {
    let students = Routes::new(RosterServer::new(students.clone()));
    Hostel {
        world: World::start_beside::<Auth>(config(), vec![("students", students)]).await,
    }
}

#[tokio::test]
async fn an_empty_database_is_filled_from_the_roster() {
    let place = Hostel::open().await;
    let all: Vec<_> = (0..1203).map(|number| invited(&place, number)).collect();
    let roster = all.iter().enumerate().map(|(number, one)| {
        let state = [StudentState::Active, StudentState::Deactivated, StudentState::Erased][number % 3];
        Ok(roster_record(one, 4, state))
    });
    let hostel = beside(roster.collect()).await;
    for _ in 0..2 {
        assert_eq!(rebuilt(&hostel).await.unwrap(), read(1203, &[]));
    }
    assert_eq!(hostel.count("user_account").await, 1204);
    assert_eq!(
        hostel.count("user_account WHERE is_active AND role = 'student'").await,
        401
    );
    assert_eq!(hostel.count("user_account WHERE erased_at IS NOT NULL").await, 401);
    assert_eq!(hostel.events("user.created").await.len(), 803);
    hostel.no_letter_waits().await;
    hostel.forgot(&all[0].registration_no).await;
    hostel.mail(&all[0].email, 1).await;
}

#[tokio::test]
async fn records_of_an_older_day_are_agreed_with_at_an_operators_word() {
    let students = Students::default();
    let hostel = beside_changing(&students).await;
    let admin = hostel.login(ADMIN).await;
    let [asha, bilal, chitra, dev, esha] = [1, 2, 3, 4, 5].map(|number| student(&hostel, number));
    for one in [&asha, &bilal, &chitra, &dev, &esha] {
        hostel.enrol(one).await;
    }
    // What was heard since the day that the records are restored to. The addresses of Asha and Bilal moved on by one.
    let mut later = [&asha, &bilal, &chitra].map(|one| record(one, 5, AccountRecordState::Active));
    later[1].email = "bilal.new@x.example".to_owned();
    later[0].email.clone_from(&bilal.email);
    later[0].name = "Asha V.".to_owned();
    let first = later[1].clone();
    hostel.try_conform(vec![first]).await.unwrap();
    hostel.try_conform(later.into()).await.unwrap();
    hostel.conform(&chitra, 6, AccountRecordState::Deactivated).await;
    let token = hostel.login(&dev.email).await;
    hostel.conform(&esha, 5, AccountRecordState::Erased).await;

    let restored = |one, version| Ok(roster_record(one, version, StudentState::Active));
    *students.0.lock().unwrap() = [&asha, &bilal, &chitra, &esha].map(|one| restored(one, 2)).into();
    let notes = [
        format!("account {} was erased and stays so: erase its record again", esha.id),
        format!("account {} has no record any more: it is deactivated", dev.id),
    ];
    assert_eq!(rebuilt(&hostel).await.unwrap(), read(4, &notes));
    for one in [&asha, &bilal, &chitra] {
        let account = hostel.user(&admin, &one.id).await.unwrap();
        assert_eq!(
            (&account.email, &account.name, account.is_active),
            (&one.email, &one.name, true)
        );
        hostel.login(&one.email).await;
    }
    let gone = hostel.user(&admin, &dev.id).await.unwrap();
    assert_eq!((&gone.email, gone.is_active), (&dev.email, false));
    assert_eq!(code(hostel.me(&token).await).0, Code::Unauthenticated);
    assert_eq!(
        hostel
            .story(&dev.id)
            .await
            .iter()
            .filter(|kind| *kind == "deactivated")
            .count(),
        1
    );

    // The same again changes nothing, and the records' next changes are followed as ever.
    let events = hostel.events("user.updated").await.len();
    assert_eq!(rebuilt(&hostel).await.unwrap(), read(4, &notes[..1]));
    assert_eq!(hostel.events("user.updated").await.len(), events);
    hostel.conform(&chitra, 3, AccountRecordState::Deactivated).await;
    assert!(!hostel.user(&admin, &chitra.id).await.unwrap().is_active);
    // Whose record is gone follows none.
    let back = UpdateUserRequest {
        id: dev.id.clone(),
        name: None,
        is_active: Some(true),
    };
    assert!(hostel.update(&admin, back).await.unwrap().is_active);
}

#[tokio::test]
async fn students_without_any_record_are_taken_for_a_mistake() {
    let hostel = beside(Vec::new()).await;
    assert_eq!(rebuilt(&hostel).await.unwrap(), read(0, &[]));
    let asha = student(&hostel, 1);
    hostel.enrol(&asha).await;
    let said = rebuilt(&hostel).await.unwrap_err().to_string();
    assert!(said.contains("no records and 1 accounts"), "{said}");
    hostel.login(&asha.email).await;
}

#[tokio::test]
async fn a_rebuilding_that_fails_says_why() {
    let place = Hostel::open().await;
    let asha = invited(&place, 1);
    let lost = Err(Status::unavailable("it stopped"));
    let hostel = beside(vec![Ok(roster_record(&asha, 1, StudentState::Active)), lost]).await;
    assert!(rebuilt(&hostel).await.unwrap_err().to_string().contains("it stopped"));
    let mut twin = roster_record(&invited(&place, 2), 1, StudentState::Active);
    twin.email.clone_from(&asha.email);
    let hostel = beside(vec![
        Ok(roster_record(&asha, 1, StudentState::Active)),
        Ok(twin.clone()),
    ])
    .await;
    let said = rebuilt(&hostel).await.unwrap_err().to_string();
    assert!(said.contains("of 1 of them") && said.contains("2 records"), "{said}");
    assert_eq!(hostel.count("user_account").await, 2);
    let said = rebuilt(&place).await.unwrap_err().to_string();
    assert!(said.contains("upstreams.students"), "{said}");
}

impl Hostel {
    /// This service's part of an export, where there is one.
    async fn part_of(&self, export: &str) -> Option<Value> {
        let files = kit::files::open(&self.world.host.stores.files).await.unwrap();
        let key = Key::parse(format!("exports/{export}/auth.json")).unwrap();
        let object = files.get(&key).await.unwrap()?;
        assert_eq!(object.content_type, "application/json");
        let pieces: Vec<Bytes> = object.body.try_collect().await.unwrap();
        Some(serde_json::from_slice(&pieces.concat()).unwrap())
    }

    async fn part(&self, export: &str) -> Value {
        until("the part of the export", async || self.part_of(export).await).await
    }

    /// Asks for an export; its id.
    async fn ask_for_export(&self, student: &str, wanted_until: Timestamp) -> String {
        let export = self.world.clock.new_id().to_string();
        let request = StudentExportRequested {
            student_id: student.to_owned(),
            export_id: export.clone(),
            wanted_until: Some(wanted_until),
        };
        self.hear("export_requested", student, 9, &request).await;
        export
    }
}

fn timestamp(at: DateTime<chrono::Utc>) -> Timestamp {
    Timestamp {
        seconds: at.timestamp(),
        nanos: 0,
    }
}

#[tokio::test]
async fn an_export_gets_what_is_held_and_no_secrets() {
    let hostel = Hostel::open().await;
    let asha = student(&hostel, 1);
    hostel.enrol(&asha).await;
    hostel.try_login_on(DESK, &asha.email, PASSWORD).await.unwrap();
    let now = hostel.world.clock.now();
    let soon = timestamp(now + chrono::Duration::minutes(5));
    let late = hostel.ask_for_export(&asha.id, timestamp(now)).await;
    let export = hostel.ask_for_export(&asha.id, soon).await;
    let part = hostel.part(&export).await;
    assert_eq!(part["account"]["email"], json!(asha.email));
    assert_eq!(part["account"]["registration_no"], json!(asha.registration_no));
    assert_eq!(part["has_password"], true);
    let session = &part["sessions"][0];
    assert_eq!(
        (&session["ip"], &session["device"]),
        (&json!(DESK.1), &json!("Firefox on Linux"))
    );
    assert_eq!(part["devices"].as_array().unwrap().len(), 1);
    let text = part.to_string();
    assert!(!text.contains("$2b$") && !text.contains("hash"), "{text}");

    let nobody = hostel.world.clock.new_id().to_string();
    let export = hostel.ask_for_export(&nobody, soon).await;
    assert_eq!(hostel.part(&export).await, json!({}));
    // Events of one subject come in their order, and this one was before the first that was waited for.
    assert_eq!(hostel.part_of(&late).await, None);
}
