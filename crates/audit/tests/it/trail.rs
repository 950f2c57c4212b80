//! What stands in the trail, and what is found when somebody rewrites it.

use kit::testing::TestStores;
use proto::{
    audit::{ExportEntriesRequest, ListEntriesRequest},
    options::Role,
    types::file_chunk::Part,
};
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;

use crate::Trail;

#[tokio::test]
async fn everything_that_happens_is_an_entry_of_an_intact_chain() {
    let trail = Trail::begin().await;
    let empty = trail.verify().await;
    assert!(empty.intact && empty.entries == 0);
    let users = trail.happen(5).await;
    let (entries, total) = trail.list(ListEntriesRequest::default()).await;
    assert_eq!(total, 5);
    let newest = &entries[0];
    assert_eq!(newest.resource_id, users[4].to_string());
    assert_eq!(
        (newest.action.as_str(), newest.resource_type.as_str()),
        ("hostelpulse.user.created.v1", "user")
    );
    assert_eq!(newest.actor.as_ref().unwrap().role, "service");
    let changes: serde_json::Value = serde_json::from_str(&newest.changes).unwrap();
    assert_eq!(changes["user"]["id"], users[4].to_string());
    let verdict = trail.verify().await;
    assert!(verdict.intact, "{verdict:?}");
    assert_eq!(verdict.entries, 5);
    assert!(entries.iter().any(|entry| Some(&entry.hash) == verdict.head.as_ref()));
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let trail = Trail::begin().await;
    let users = trail.happen(4).await;
    let second = Some(users[1].to_string());
    let by_thing = ListEntriesRequest {
        resource_id: second,
        ..ListEntriesRequest::default()
    };
    let (entries, total) = trail.list(by_thing).await;
    assert_eq!((entries[0].resource_id.clone(), total), (users[1].to_string(), 1));
    let oldest_first = ListEntriesRequest {
        order: Some("asc".to_owned()),
        ..ListEntriesRequest::default()
    };
    let (entries, _) = trail.list(oldest_first).await;
    assert_eq!(entries[0].resource_id, users[0].to_string());
    let since = ListEntriesRequest {
        from: entries[2].occurred_at,
        ..ListEntriesRequest::default()
    };
    assert_eq!(trail.list(since).await.1, 2);
    let before = ListEntriesRequest {
        to: entries[2].occurred_at,
        ..ListEntriesRequest::default()
    };
    assert_eq!(trail.list(before).await.1, 2);
    let other = ListEntriesRequest {
        action: Some("hostelpulse.user.updated.v1".to_owned()),
        ..ListEntriesRequest::default()
    };
    assert_eq!(trail.list(other).await.1, 0);
}

/// An entry that nobody heard of, at a place of the forger's choice.
fn inserted(sequence: i64) -> String {
    // SQLite keeps ids as bytes.
    let id = if TestStores::on_servers() {
        "'00000000-0000-7000-8000-000000000000'"
    } else {
        "zeroblob(16)"
    };
    format!(
        "INSERT INTO entry SELECT {sequence}, {id}, occurred_at, actor_id, actor_role, action, \
         resource_type, resource_id, details, salt, digest, hash FROM entry WHERE sequence = 3"
    )
}

#[tokio::test]
async fn every_tampering_is_found_at_its_place() {
    for (sql, first_broken) in [
        ("UPDATE entry SET actor_id = 'somebody else' WHERE sequence = 3", 3),
        ("UPDATE entry SET details = '{}' WHERE sequence = 2", 2),
        ("UPDATE entry SET hash = 'no hash' WHERE sequence = 4", 4),
        ("UPDATE entry SET details = 'nonsense' WHERE sequence = 2", 2),
        (&inserted(0), 0),
        (&inserted(-5), 0),
        (&inserted(1000), 1000),
        ("DELETE FROM entry WHERE sequence = 1", 1),
        ("DELETE FROM entry WHERE sequence = 6", 6),
        ("UPDATE entry SET sequence = 60 WHERE sequence = 6", 6),
        (
            "UPDATE chain_head SET hash = (SELECT hash FROM entry WHERE sequence = 5)",
            6,
        ),
    ] {
        let trail = Trail::begin().await;
        trail.happen(6).await;
        trail.tamper(sql).await;
        // What is forged is shown, never an error.
        assert!(trail.list(ListEntriesRequest::default()).await.1 >= 5);
        let verdict = trail.verify().await;
        assert!(!verdict.intact, "{sql}");
        assert_eq!(verdict.first_broken, Some(first_broken), "{sql}");
    }
}

#[tokio::test]
async fn the_export_holds_every_entry_and_no_formula() {
    let trail = Trail::begin().await;
    trail.happen(600).await;
    let request = ExportEntriesRequest {
        format: "csv".to_owned(),
        ..ExportEntriesRequest::default()
    };
    let mut stream = trail
        .audit()
        .export_entries(trail.world.by(Role::Warden, request))
        .await
        .unwrap()
        .into_inner();
    let Some(Part::Header(header)) = stream.message().await.unwrap().unwrap().part else {
        panic!("no header")
    };
    assert_eq!(header.content_type, "text/csv; charset=utf-8");
    let mut text = Vec::new();
    while let Some(chunk) = stream.message().await.unwrap() {
        if let Some(Part::Data(mut data)) = chunk.part {
            text.append(&mut data);
        }
    }
    let mut rows = csv::Reader::from_reader(text.as_slice());
    let rows: Vec<_> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 600);
    assert_eq!(&rows[0][0], "1");
    assert_eq!(&rows[599][0], "600");
    assert_eq!(&rows[0][3], "'=tests");
}

#[tokio::test]
async fn a_service_whose_database_is_gone_says_that_it_takes_no_calls() {
    let trail = Trail::begin().await;
    for name in ["", "hostelpulse.audit.v1.Audit"] {
        trail.until_health_is(name, ServingStatus::Serving).await;
    }
    trail.world.db.clone().close().await.unwrap();
    for name in ["", "hostelpulse.audit.v1.Audit"] {
        trail.until_health_is(name, ServingStatus::NotServing).await;
    }
    let request = trail.world.by(Role::Warden, ListEntriesRequest::default());
    let status = trail.audit().list_entries(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}

#[tokio::test]
async fn only_those_who_run_the_hostel_read_the_trail() {
    let trail = Trail::begin().await;
    for role in [Role::Student, Role::Guard, Role::Staff, Role::Teacher] {
        let request = trail.world.by(role, ListEntriesRequest::default());
        assert_eq!(
            trail.audit().list_entries(request).await.unwrap_err().code(),
            Code::PermissionDenied
        );
    }
    let nobody = trail.audit().list_entries(ListEntriesRequest::default()).await;
    assert_eq!(nobody.unwrap_err().code(), Code::Unauthenticated);
}
