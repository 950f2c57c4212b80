//! Opening roll calls.

use std::{pin::Pin, time::Duration};

use attendance::Config;
use futures_util::future::join_all;
use kit::testing::TestStores;
use proto::{
    attendance::{ClosedBy, Factor, GenerateQrRequest, SessionLocation, SessionStatus},
    options::Role,
    students::{
        BlockRecord, Location, StreamBlocksRequest, StreamStudentsRequest, StudentRecord,
        roster_server::{Roster, RosterServer},
    },
};
use tokio_stream::Stream;
use tonic::{Request, Response, Status, service::Routes};

use crate::{
    gate::{Gate, told},
    roll_call::{asked, asked_without_place, fields, id, somewhere, with_key},
};

#[tokio::test]
async fn a_roll_call_opens_with_its_first_code() {
    let gate = Gate::of_block_a().await;
    let opened = gate.generate(asked()).await;
    assert_eq!((opened.block.as_str(), opened.year), ("A", 1));
    assert_eq!((opened.rotate_seconds, opened.radius_meters), (25, 2.0));
    assert_eq!(opened.require, [Factor::Qr, Factor::Proximity].map(i32::from));
    let seconds = |at: Option<prost_types::Timestamp>| at.unwrap().seconds;
    let now = gate.world.clock.now().timestamp();
    assert_eq!(seconds(opened.valid_from), now);
    assert_eq!(
        (seconds(opened.valid_until), seconds(opened.expires_at)),
        (now + 1800, now + 25)
    );
    let path = format!("/api/v1/attendance/sessions/{}/qr-image", opened.session_id);
    assert!(opened.qr_image_url.starts_with("http") && opened.qr_image_url.ends_with(&path));
    assert_eq!(gate.codes().read(&opened.qr_token).unwrap().slot, 0);
    let digits = gate
        .codes()
        .digits(id(&opened.session_id), gate.world.clock.now(), 60)
        .0;
    assert_eq!(opened.otp, digits);

    let session = gate.session(&opened.session_id).await;
    assert_eq!(session.status(), SessionStatus::Active);
    assert_eq!(
        (session.day, session.opened_by),
        (gate.today().to_string(), gate.guard.to_string())
    );
    assert_eq!(session.location, Some(somewhere()));
    let events = gate.told("roll_call.opened").await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["subject"], &events[0]["version"]),
        (&opened.session_id.into(), &1.into())
    );
    assert_eq!(events[0]["actor"]["id"], gate.guard.to_string());
    assert!(!events[0].to_string().contains(&opened.qr_token));
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let gate = Gate::of_block_a().await;
    let wrong = GenerateQrRequest {
        block: "\u{7}".to_owned(),
        year: 5,
        duration_minutes: 241,
        location: Some(SessionLocation {
            latitude: Some(90.1),
            longitude: None,
            accuracy_meters: Some(f64::NAN),
        }),
        rotate_seconds: Some(301),
        radius_meters: Some(0.0),
        require: vec![Factor::Qr.into(), Factor::Guard.into()],
    };
    let refused = gate.try_generate(wrong).await.unwrap_err();
    let expected = [
        "block",
        "year",
        "duration_minutes",
        "location.latitude",
        "location.longitude",
        "location.accuracy_meters",
        "rotate_seconds",
        "radius_meters",
        "require",
    ];
    assert_eq!(fields(&refused), expected);
    for require in [vec![1, 1], vec![99], vec![0]] {
        let refused = gate.try_generate(GenerateQrRequest { require, ..asked() }).await;
        assert_eq!(fields(&refused.unwrap_err()), ["require"]);
    }
    assert_eq!((gate.count("session").await, gate.count("outbox").await), (0, 0));
}

#[tokio::test]
async fn the_blocks_own_place_is_taken_where_none_is_given() {
    let gate = Gate::of_block_a().await;
    let request = GenerateQrRequest {
        block: " a ".to_owned(),
        location: None,
        rotate_seconds: Some(0),
        radius_meters: Some(30.0),
        ..asked()
    };
    let opened = gate.generate(request).await;
    assert_eq!(opened.block, "A", "as the block is called");
    assert_eq!(opened.expires_at, opened.valid_until, "one code for the whole time");
    let place = gate.session(&opened.session_id).await.location.unwrap();
    assert_eq!((place.latitude, place.longitude), (Some(28.6139), Some(77.2090)));
}

#[tokio::test]
async fn without_a_place_there_is_no_proximity() {
    let gate = Gate::of_block_a().await;
    gate.write("UPDATE block SET latitude = NULL, longitude = NULL", [])
        .await;
    let nowhere = GenerateQrRequest {
        location: None,
        ..asked()
    };
    let refused = gate.try_generate(nowhere).await.unwrap_err();
    assert_eq!(fields(&refused), ["location"]);
    assert!(
        refused.violations[0].error.contains("set the block's own location"),
        "{refused:?}"
    );
    let opened = gate.generate(asked_without_place()).await;
    assert_eq!(gate.session(&opened.session_id).await.location, None);

    let unknown = GenerateQrRequest {
        block: "Z".to_owned(),
        ..asked()
    };
    let refused = gate.try_generate(unknown).await.unwrap_err();
    assert_eq!(fields(&refused), ["block"]);
    gate.write("UPDATE block SET removed = TRUE", []).await;
    let removed = GenerateQrRequest { year: 2, ..asked() };
    assert_eq!(fields(&gate.try_generate(removed).await.unwrap_err()), ["block"]);
}

/// Students, as far as a roll call asks it.
#[derive(Clone)]
enum Students {
    Knows(Vec<BlockRecord>),
    Refuses,
    Silent,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Roster for Students {
    type StreamStudentsStream = Answers<StudentRecord>;
    type StreamBlocksStream = Answers<BlockRecord>;

    async fn stream_students(
        &self,
        _: Request<StreamStudentsRequest>,
    ) -> Result<Response<Self::StreamStudentsStream>, Status> {
        Ok(Response::new(Box::pin(tokio_stream::empty())))
    }

    async fn stream_blocks(
        &self,
        request: Request<StreamBlocksRequest>,
    ) -> Result<Response<Self::StreamBlocksStream>, Status> {
        assert!(
            request.metadata().contains_key("authorization"),
            "services show who they are"
        );
        match self {
            Self::Knows(blocks) => Ok(Response::new(Box::pin(tokio_stream::iter(
                blocks.clone().into_iter().map(Ok),
            )))),
            Self::Refuses => Err(Status::unavailable("away")),
            Self::Silent => Ok(Response::new(Box::pin(tokio_stream::pending()))),
        }
    }
}

async fn beside(students: Students) -> Gate {
    let routes = Routes::new(RosterServer::new(students));
    Gate::open_beside(TestStores::default(), Config::default(), vec![("students", routes)]).await
}

#[tokio::test]
async fn what_the_copies_do_not_know_yet_students_does() {
    let record = |name: &str, location: Option<Location>| BlockRecord {
        block: name.to_owned(),
        version: 1,
        location,
        id: uuid::Uuid::nil().to_string(),
    };
    let place = Location {
        latitude: 1.5,
        longitude: 2.5,
    };
    let gate = beside(Students::Knows(vec![
        record("B", None),
        record("New Wing", Some(place)),
    ]))
    .await;
    let request = GenerateQrRequest {
        block: "new wing".to_owned(),
        location: None,
        ..asked()
    };
    let opened = gate.generate(request).await;
    assert_eq!(opened.block, "New Wing");
    let place = gate.session(&opened.session_id).await.location.unwrap();
    assert_eq!((place.latitude, place.longitude), (Some(1.5), Some(2.5)));
    for (block, field) in [("B", "location"), ("C", "block")] {
        let request = GenerateQrRequest {
            block: block.to_owned(),
            location: None,
            ..asked()
        };
        assert_eq!(fields(&gate.try_generate(request).await.unwrap_err()), [field]);
    }
}

#[tokio::test]
async fn what_students_cannot_be_asked_for_is_not_known() {
    for students in [Students::Refuses, Students::Silent] {
        let gate = beside(students).await;
        let asking = tokio::time::timeout(Duration::from_secs(20), gate.try_generate(asked()));
        let refused = asking.await.expect("students is not waited for").unwrap_err();
        assert_eq!(fields(&refused), ["block"]);
        // What the copies know is enough.
        gate.block("A", 1.0, 2.0).await;
        gate.generate(asked()).await;
    }
}

#[tokio::test]
async fn a_block_and_year_have_one_open_roll_call() {
    let gate = Gate::of_block_a().await;
    gate.block("B", 1.0, 2.0).await;
    let first = gate.generate(asked()).await;
    let by_warden = gate.by_warden(GenerateQrRequest {
        block: "a".to_owned(),
        ..asked()
    });
    let refused = told(gate.sessions().generate_qr(by_warden).await).unwrap_err();
    assert_eq!(refused.reason, "SESSION_ACTIVE");
    assert_eq!(refused.details["session_id"], first.session_id);
    gate.generate(GenerateQrRequest { year: 2, ..asked() }).await;
    gate.generate(GenerateQrRequest {
        block: "B".to_owned(),
        ..asked()
    })
    .await;
    gate.close(&first.session_id).await;
    let second = gate.generate(asked()).await;
    assert_ne!(second.session_id, first.session_id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_eight_at_once_one_opens() {
    let gate = Gate::of_block_a().await;
    let outcomes = join_all((0..8).map(|_| gate.try_generate(asked()))).await;
    let (opened, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(opened.len(), 1, "{refused:?}");
    let session_id = &opened[0].as_ref().unwrap().session_id;
    for refusal in refused {
        let refusal = refusal.unwrap_err();
        assert_eq!(
            (&*refusal.reason, &refusal.details["session_id"]),
            ("SESSION_ACTIVE", &session_id.as_str().into())
        );
    }
    assert_eq!(gate.count("session").await, 1);
    assert_eq!(gate.told("roll_call.opened").await.len(), 1);
}

#[tokio::test]
async fn one_whose_time_is_over_is_not_in_the_way() {
    let gate = Gate::of_block_a().await;
    let [asha] = gate.students("A").await;
    let first = gate.generate(asked()).await;
    gate.world.clock.advance(chrono::Duration::minutes(31));
    gate.generate(asked()).await;
    let before = gate.session(&first.session_id).await;
    assert_eq!(
        (before.status(), before.closed_by()),
        (SessionStatus::Closed, ClosedBy::Time)
    );
    assert_eq!(before.closed_at, before.valid_until);
    assert_eq!(gate.standing(&[&asha]).await, ["pending settlement"]);
    let closed = gate.told("roll_call.closed").await;
    assert_eq!(closed.len(), 1);
    assert_eq!(
        (&closed[0]["subject"], &closed[0]["version"]),
        (&first.session_id.into(), &2.into())
    );
    assert_eq!(closed[0]["data"]["session"]["closed_by"], "time");
}

#[tokio::test]
async fn the_same_request_twice_is_one_roll_call() {
    let gate = Gate::of_block_a().await;
    let send = async |key: &str, request: GenerateQrRequest| {
        told(gate.sessions().generate_qr(with_key(gate.by_guard(request), key)).await)
    };
    let first = send("key-1", asked()).await.unwrap();
    gate.world.clock.advance(chrono::Duration::seconds(30));
    assert_eq!(send("key-1", asked()).await.unwrap(), first);
    let other = send("key-1", GenerateQrRequest { year: 2, ..asked() })
        .await
        .unwrap_err();
    assert_eq!(other.reason, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(send("key-2", asked()).await.unwrap_err().reason, "SESSION_ACTIVE");
    assert_eq!((gate.count("session").await, gate.count("idempotency").await), (1, 1));
    let hex = match gate.world.db.backend() {
        sea_orm::DbBackend::Postgres => "encode(answer, 'hex')",
        _ => "LOWER(HEX(answer))",
    };
    let kept = gate.rows(&format!("SELECT {hex} AS text FROM idempotency")).await;
    assert!(kept[0].len() > 2 * first.qr_token.len());
    assert!(
        !kept[0].contains(&hex::encode(&first.qr_token)),
        "codes are kept sealed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_times_the_same_request_at_once_is_one_roll_call() {
    let gate = Gate::of_block_a().await;
    let request = || with_key(gate.of(gate.guard, Role::Guard, asked()), "key-1");
    let tries = (0..8).map(|_| {
        let (mut sessions, request) = (gate.sessions(), request());
        async move { told(sessions.generate_qr(request).await) }
    });
    let answers: Vec<_> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(gate.count("session").await, 1);
}
