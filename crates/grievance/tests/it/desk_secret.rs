//! Whose a sensitive grievance is nothing tells that others read: no event, no trail of them, no export, nobody who is told that it is late.

use chrono::Duration;
use grievance::Config;
use kit::{access::metadata, fault::Kind};
use proto::{
    grievance::{GetGrievanceStudentRequest, RateGrievanceRequest, ReopenGrievanceRequest, ResolveGrievanceRequest},
    options::Role,
    students::{StudentErased, StudentRecord, StudentState},
};
use serde_json::Value;
use tonic::Request;

use crate::{
    desk::{Desk, Known, told, until},
    desk_sight::theft,
    images::{add, small},
    privacy::part_of,
};

/// A desk where administrators alone are told.
async fn discreet() -> Desk {
    let config = Config {
        sensitive_roles: vec!["admin".to_owned()],
        look_every_seconds: 1,
        escalate_after_hours: 10,
        ..Config::default()
    };
    Desk::open_with(config).await
}

impl Desk {
    fn admin_known(&self) -> Known {
        Known {
            id: self.admin,
            name: "Ravi Kumar".to_owned(),
            role: Role::Admin,
        }
    }

    /// Every event of a ticket, as whoever reads the trail finds it.
    async fn trail_of(&self, id: &str) -> Vec<Value> {
        let rows = self.rows("SELECT event AS text FROM outbox ORDER BY id").await;
        let events = rows.iter().map(|text| serde_json::from_str::<Value>(text).unwrap());
        events.filter(|event| event["subject"] == id).collect()
    }

    /// A request that could be known from elsewhere.
    fn traced<T>(&self, known: &Known, message: T) -> Request<T> {
        let mut request = self.by(known, message);
        let traced = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            .parse()
            .unwrap();
        request.metadata_mut().insert(metadata::TRACEPARENT, traced);
        request
            .metadata_mut()
            .insert(metadata::REQUEST_ID, "known-from-elsewhere".parse().unwrap());
        request
    }
}

/// Everything that a student can do about a grievance, and its id.
async fn lived(desk: &Desk, asha: &Known) -> String {
    let admin = desk.admin_known();
    let raised = told(desk.grievances().raise_grievance(desk.traced(asha, theft())).await).unwrap();
    add(desk, asha, &raised.id, &small()).await.unwrap();
    desk.ask(&admin, &raised.id, "Which colour?").await.unwrap();
    desk.say(asha, &raised.id, "It was blue.").await.unwrap();
    let id = raised.id.clone();
    let resolve = ResolveGrievanceRequest {
        id: id.clone(),
        comments: "It was found.".to_owned(),
    };
    told(desk.grievances().resolve_grievance(desk.by(&admin, resolve)).await).unwrap();
    let rate = RateGrievanceRequest {
        id: id.clone(),
        rating: 2,
        comment: None,
    };
    told(desk.grievances().rate_grievance(desk.traced(asha, rate)).await).unwrap();
    let reopen = ReopenGrievanceRequest {
        id: id.clone(),
        comments: Some("Another one was.".to_owned()),
    };
    told(desk.grievances().reopen_grievance(desk.traced(asha, reopen)).await).unwrap();
    id
}

#[tokio::test]
async fn no_event_of_a_sensitive_one_tells_whose_it_is() {
    let desk = discreet().await;
    let asha = desk.enrolled(1, "Asha").await;
    let id = lived(&desk, &asha).await;
    let trail = desk.trail_of(&id).await;
    let kinds: Vec<&str> = trail
        .iter()
        .filter_map(|event| event["type"].as_str()?.split('.').nth(2))
        .collect();
    let every = [
        "raised",
        "image_added",
        "commented",
        "asked",
        "commented",
        "answered",
        "resolved",
        "rated",
        "reopened",
        "commented",
    ];
    assert_eq!(kinds, every);
    for event in &trail {
        let text = event.to_string();
        for word in [
            &asha.id.to_string(),
            "Asha",
            "REG-00001",
            "A-101",
            "known-from-elsewhere",
            "0af7651916cd",
        ] {
            assert!(!text.contains(word), "{word} in {text}");
        }
        assert_eq!(event["data"]["grievance"]["student_id"], Value::Null);
    }
    // What the hostel does, it does by name.
    assert_eq!(trail[6]["actor"]["id"], desk.admin.to_string());
    // The history tells those who have to know.
    let history = desk.history(&desk.admin_known(), &id).await;
    assert!(history.contains(&"rating".to_owned()));
    // Of what is not sensitive events tell it, as before.
    let fan = desk.raise(&asha).await;
    let plain = &desk.trail_of(&fan.id).await[0];
    assert_eq!(plain["data"]["grievance"]["student_id"], asha.id.to_string());
    assert_eq!(plain["actor"]["id"], asha.id.to_string());
}

#[tokio::test]
async fn services_that_tell_the_student_ask_whose_it_is_and_people_cannot() {
    let desk = discreet().await;
    let asha = desk.student(1).await;
    let id = desk.raise_as(&asha, theft()).await.id;
    let token = desk.world.host.tokens("notification").token().unwrap();
    let whose = |id: &str| GetGrievanceStudentRequest { id: id.to_owned() };
    let answer = desk
        .grievances()
        .get_grievance_student(desk.world.request(&token, whose(&id)))
        .await;
    assert_eq!(told(answer).unwrap().student_id, asha.id.to_string());
    let unknown = desk.world.clock.new_id().to_string();
    for (asked, kind) in [(unknown.as_str(), Kind::NotFound), ("x", Kind::Validation)] {
        let request = desk.world.request(&token, whose(asked));
        let fault = told(desk.grievances().get_grievance_student(request).await).unwrap_err();
        assert_eq!(fault.kind, kind);
    }
    for known in [&asha, &desk.warden_known(), &desk.admin_known()] {
        let request = desk.by(known, whose(&id));
        let fault = told(desk.grievances().get_grievance_student(request).await).unwrap_err();
        assert_eq!(fault.kind, Kind::Forbidden);
    }
}

#[tokio::test]
async fn that_it_is_late_those_are_told_who_may_see_it() {
    let desk = discreet().await;
    let (asha, ravi) = (desk.student(1).await, desk.staff("Ravi").await);
    let (secret, plain) = (desk.raise_as(&asha, theft()).await, desk.raise(&asha).await);
    let assigned = proto::grievance::UpdateGrievanceRequest {
        assigned_to: Some(ravi.id.to_string()),
        ..proto::grievance::UpdateGrievanceRequest::default()
    };
    desk.change(&desk.admin_known(), &secret.id, assigned).await.unwrap();
    let roles = async |kind: &str, id: &str| -> Vec<Value> {
        let told = desk.told(kind).await.into_iter();
        let of_it = told.filter(|event| event["subject"] == id);
        of_it.map(|event| event["data"]["to_role"].clone()).collect()
    };
    desk.world.clock.advance(Duration::hours(24) + Duration::seconds(1));
    for id in [&secret.id, &plain.id] {
        until("it is announced", async || {
            (roles("grievance.overdue_announced", id).await == ["staff"]).then_some(())
        })
        .await;
    }
    desk.world.clock.advance(Duration::hours(10));
    until("the plain one is escalated", async || {
        (roles("grievance.escalated", &plain.id).await == ["warden"]).then_some(())
    })
    .await;
    until("the secret one is escalated", async || {
        (roles("grievance.escalated", &secret.id).await == ["admin"]).then_some(())
    })
    .await;
    let seen = desk.get(&desk.admin_known(), &secret.id).await.unwrap();
    assert_eq!(seen.escalated_to.as_deref(), Some("admin"));
    // Nobody is left to be told of the one when the other one goes on.
    desk.world.clock.advance(Duration::hours(10));
    until("the plain one goes on", async || {
        (roles("grievance.escalated", &plain.id).await == ["warden", "admin"]).then_some(())
    })
    .await;
    assert_eq!(roles("grievance.escalated", &secret.id).await, ["admin"]);
}

#[tokio::test]
async fn an_export_that_a_warden_may_ask_for_does_not_hold_it() {
    let desk = discreet().await;
    let asha = desk.student(1).await;
    desk.raise_as(&asha, theft()).await;
    desk.raise(&asha).await;
    let part = part_of(&desk, asha.id).await;
    assert_eq!(part["grievances"].as_array().unwrap().len(), 1);
    assert!(!part.to_string().contains("bicycle"));
    // Whoever has none is told the same.
    assert_eq!(
        part["left_out"],
        part_of(&desk, desk.world.clock.new_id()).await["left_out"]
    );

    let open = Desk::open().await;
    let asha = open.student(1).await;
    open.raise_as(&asha, theft()).await;
    let part = part_of(&open, asha.id).await;
    assert_eq!(part["grievances"][0]["sensitive"], true);
    assert_eq!(part["left_out"], Value::Null);
}

#[tokio::test]
async fn nothing_is_told_of_it_behind_the_news_that_its_student_was_erased() {
    let desk = discreet().await;
    let asha = desk.student(1).await;
    let (secret, plain) = (desk.raise_as(&asha, theft()).await, desk.raise(&asha).await);
    let student = StudentRecord {
        id: asha.id.to_string(),
        name: "Erased student".to_owned(),
        state: StudentState::Erased.into(),
        version: 3,
        ..StudentRecord::default()
    };
    let student = Some(student);
    desk.hear("student.erased", asha.id, 3, &StudentErased { student })
        .await;
    let left = "ticket WHERE description <> '' OR description_folded <> '' OR room_no_folded IS NOT NULL";
    until("the words go", async || (desk.count(left).await == 0).then_some(())).await;
    let versions = desk
        .rows("SELECT CAST(version AS text) AS text FROM ticket ORDER BY number")
        .await;
    assert_eq!(versions, ["1", "2"]);
    let told_of = |trail: Vec<Value>| trail.iter().any(|event| event["version"] == 2);
    assert!(told_of(desk.trail_of(&plain.id).await));
    assert!(!told_of(desk.trail_of(&secret.id).await));
    // Who was erased is not named by what is told of it from now on.
    let resolve = ResolveGrievanceRequest {
        id: secret.id.clone(),
        comments: "It was found.".to_owned(),
    };
    let resolved = desk
        .grievances()
        .resolve_grievance(desk.by(&desk.admin_known(), resolve))
        .await;
    assert_eq!(told(resolved).unwrap().version, 2);
}
