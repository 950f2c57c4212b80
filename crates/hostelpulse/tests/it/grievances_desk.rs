//! What is said about grievances, which are the same, whose they are, and when they are late: the real binary, over HTTP.

use futures_util::future::join_all;
use kit::testing::TestStores;
use reqwest::{Method, StatusCode};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::binary::{Answer, Running};

const PATH: &str = "/api/v1/grievances";

/// Everybody at the desk of a demo.
struct Desk {
    hostel: Running,
    student: String,
    other: String,
    warden: String,
    staff: String,
}

impl Desk {
    async fn open(stores: &TestStores) -> Self {
        let environment = [
            ("HOSTELPULSE_LIMITS__ENABLED", "false"),
            ("HOSTELPULSE_GRIEVANCE__LOOK_EVERY_SECONDS", "1"),
        ];
        let hostel = Running::up(stores, &["--demo"], &environment);
        let desk = Self {
            student: hostel.login("student@demo.local").await,
            other: hostel.login("student2@demo.local").await,
            warden: hostel.login("warden@demo.local").await,
            staff: hostel.login("staff@demo.local").await,
            hostel,
        };
        // Once the service has its copies of everybody.
        let known = |answer: &Answer| {
            let all = answer.data().as_array().unwrap();
            let is_named = |one: &Value| one["student"]["name"] != "";
            all.iter().all(is_named) && all.iter().any(|one| one["assigned_to_name"] == "Sunita Staff")
        };
        desk.hostel.eventually(PATH, &desk.warden, known).await;
        desk
    }

    async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        let path = format!("{PATH}{path}");
        self.hostel.call(Method::POST, &path, Some(token), Some(body)).await
    }

    async fn read(&self, token: &str, path: &str) -> Answer {
        self.hostel.get(&format!("{PATH}{path}"), token).await
    }

    /// A new grievance's number.
    async fn raise(&self, token: &str, category: &str) -> String {
        let body = json!({
            "category": category,
            "priority": "high",
            "description": "It is out of order since yesterday.",
        });
        let raised = self.post(token, "", body).await;
        assert_eq!(raised.status, StatusCode::CREATED, "{raised:?}");
        raised.data()["ticket_id"].as_str().unwrap().to_owned()
    }

    async fn say(&self, token: &str, ticket: &str, comment: Value) -> Answer {
        self.post(token, &format!("/{ticket}/comments"), comment).await
    }

    /// Gives a grievance to the demo's member of staff.
    async fn assign(&self, ticket: &str) {
        let me = self.hostel.get("/api/v1/auth/me", &self.staff).await;
        let path = format!("{PATH}/{ticket}");
        let body = json!({ "assigned_to": me.data()["id"] });
        let assigned = self
            .hostel
            .call(Method::PUT, &path, Some(&self.warden), Some(body))
            .await;
        assert_eq!(assigned.status, StatusCode::OK, "{assigned:?}");
    }
}

fn code(answer: &Answer) -> (u16, &str) {
    let code = answer.body["error"]["code"].as_str();
    (answer.status.as_u16(), code.unwrap_or_default())
}

fn fields(answer: &Answer) -> Vec<&str> {
    let details = answer.body["error"]["details"].as_array().unwrap().iter();
    details.map(|one| one["field"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn to_and_fro_with_notes_that_the_student_never_sees() {
    let stores = TestStores::default();
    let desk = Desk::open(&stores).await;
    let ticket = desk.raise(&desk.student, "plumbing").await;
    desk.assign(&ticket).await;
    let question = json!({ "text": "Are you in your room on Monday?", "asks": true });
    let asked = desk.say(&desk.staff, &ticket, question).await;
    assert_eq!(asked.status, StatusCode::CREATED, "{asked:?}");
    assert_eq!(
        (&asked.data()["author_role"], &asked.data()["author_name"]),
        (&json!("staff"), &json!("Sunita Staff"))
    );
    let waiting = desk.read(&desk.student, &format!("/{ticket}")).await;
    assert_eq!(
        (&waiting.data()["status"], &waiting.data()["due_at"]),
        (&json!("waiting"), &Value::Null)
    );

    let note = json!({ "text": "The third time this month.", "internal": true });
    assert_eq!(
        desk.say(&desk.staff, &ticket, note.clone()).await.status,
        StatusCode::CREATED
    );
    let answered = desk.say(&desk.student, &ticket, json!({ "text": "After four." })).await;
    assert_eq!(answered.status, StatusCode::CREATED, "{answered:?}");
    let goes_on = desk.read(&desk.student, &format!("/{ticket}")).await;
    assert_eq!(goes_on.data()["status"], "open");
    assert!(goes_on.data()["due_at"].is_string());

    for (token, count) in [(&desk.student, 2), (&desk.staff, 3), (&desk.warden, 3)] {
        let listed = desk.read(token, &format!("/{ticket}/comments?limit=1")).await;
        assert_eq!(listed.body["pagination"]["total_items"], count, "{listed:?}");
        assert_eq!(listed.data().as_array().unwrap().len(), 1);
    }
    for path in ["", "/comments", "/history"] {
        let own = desk.read(&desk.student, &format!("/{ticket}{path}")).await;
        assert!(!own.body.to_string().contains("third time"), "{own:?}");
    }
    refused_words(&desk, &ticket, note).await;
    // The trail knows that something was said, and not what.
    let id = goes_on.data()["id"].as_str().unwrap();
    let whole = |answer: &Answer| answer.body["pagination"]["total_items"] == 6;
    let trail = desk
        .hostel
        .eventually(&format!("/api/v1/audit?resource_id={id}"), &desk.warden, whole)
        .await;
    assert!(!trail.body.to_string().contains("four"), "{trail:?}");
}

async fn refused_words(desk: &Desk, ticket: &str, note: Value) {
    let students = desk.say(&desk.student, ticket, note).await;
    assert_eq!(
        (code(&students), fields(&students)),
        ((400, "VALIDATION_ERROR"), vec!["internal"])
    );
    let wrong = desk
        .say(
            &desk.warden,
            ticket,
            json!({ "text": " ", "internal": true, "asks": true }),
        )
        .await;
    assert_eq!(
        (code(&wrong), fields(&wrong)),
        ((400, "VALIDATION_ERROR"), vec!["text", "asks"])
    );
    let theirs = desk.say(&desk.other, ticket, json!({ "text": "And mine?" })).await;
    assert_eq!(code(&theirs), (404, "NOT_FOUND"));
    assert_eq!(
        code(&desk.read(&desk.other, &format!("/{ticket}/comments")).await),
        (404, "NOT_FOUND")
    );
}

#[tokio::test]
async fn a_sensitive_one_is_worked_on_without_a_name() {
    let stores = TestStores::default();
    let desk = Desk::open(&stores).await;
    let ticket = desk.raise(&desk.student, "security").await;
    desk.assign(&ticket).await;
    desk.say(&desk.student, &ticket, json!({ "text": "It was on Sunday." }))
        .await;
    let whose = desk.read(&desk.warden, &format!("/{ticket}")).await;
    let student = &whose.data()["student"];
    for path in ["", "/comments", "/history"] {
        let seen = desk.read(&desk.staff, &format!("/{ticket}{path}")).await;
        assert_eq!(seen.status, StatusCode::OK, "{seen:?}");
        let text = seen.body.to_string();
        for secret in [
            &student["id"],
            &student["name"],
            &student["room_no"],
            &student["registration_no"],
        ] {
            assert!(!text.contains(secret.as_str().unwrap()), "{secret} in {text}");
        }
    }
    // More people read the trail than have to know, and it is kept for longer.
    let id = whose.data()["id"].as_str().unwrap();
    let is_all = |answer: &Answer| answer.body["pagination"]["total_items"] == 3;
    let trail = desk
        .hostel
        .eventually(&format!("/api/v1/audit?resource_id={id}"), &desk.warden, is_all)
        .await;
    assert!(
        !trail.body.to_string().contains(student["id"].as_str().unwrap()),
        "{trail:?}"
    );
    let name = student["name"].as_str().unwrap();
    let found = desk
        .read(&desk.staff, &format!("?search={}", name.replace(' ', "%20")))
        .await;
    assert!(!found.body.to_string().contains(&ticket), "{found:?}");
}

#[tokio::test]
async fn of_two_that_are_the_same_one_goes_on() {
    let stores = TestStores::default();
    let desk = Desk::open(&stores).await;
    let (first, second) = (
        desk.raise(&desk.student, "internet").await,
        desk.raise(&desk.other, "internet").await,
    );
    let merges = [(&first, &second), (&second, &first)];
    let merges = merges.map(|(one, into)| desk.post_merge(&desk.warden, one, into));
    let outcomes = join_all(merges).await;
    let winner = outcomes
        .iter()
        .position(|answer| answer.status == StatusCode::OK)
        .unwrap();
    assert_eq!(code(&outcomes[1 - winner]), (422, "CANNOT_MERGE"), "{outcomes:?}");
    let (duplicate, target, follower) = match winner {
        0 => (&first, &second, &desk.student),
        _ => (&second, &first, &desk.other),
    };
    let again = desk.post_merge(&desk.warden, duplicate, target).await;
    assert_eq!(code(&again), (409, "CONFLICT"), "{again:?}");
    assert_eq!(
        code(&desk.post_merge(&desk.staff, target, duplicate).await),
        (403, "FORBIDDEN")
    );

    let path = format!("{PATH}/{target}/resolve");
    let body = json!({ "comments": "A new router." });
    desk.hostel
        .call(Method::PUT, &path, Some(&desk.warden), Some(body))
        .await;
    let follows = desk.read(follower, &format!("/{duplicate}")).await;
    assert_eq!(follows.data()["status"], "merged", "{follows:?}");
    assert_eq!(follows.data()["merged_into"]["ticket_id"], target.as_str());
    assert_eq!(follows.data()["merged_into"]["status"], "resolved");
    assert_eq!(
        code(&desk.read(follower, &format!("/{target}")).await),
        (404, "NOT_FOUND")
    );
}

impl Desk {
    async fn post_merge(&self, token: &str, duplicate: &str, into: &str) -> Answer {
        self.post(token, &format!("/{duplicate}/merge"), json!({ "into": into }))
            .await
    }
}

#[tokio::test]
async fn what_is_late_is_told_and_counted() {
    let stores = TestStores::default();
    let desk = Desk::open(&stores).await;
    let before = desk.read(&desk.warden, "/figures").await;
    assert_eq!(before.status, StatusCode::OK, "{before:?}");
    let total = before.data()["open_by_age"]["total"].as_u64().unwrap();
    let ticket = desk.raise(&desk.student, "plumbing").await;
    desk.say(&desk.warden, &ticket, json!({ "text": "We are coming." }))
        .await;
    // A day goes by.
    let number: u64 = ticket.rsplit('-').next().unwrap().parse().unwrap();
    let config = stores.config();
    let found = config.base.stores().unwrap();
    let db = kit::service::open_database(&config, &found, "grievance").await.unwrap();
    let txn = db.begin().await.unwrap();
    let late = format!("UPDATE ticket SET due_at = created_at WHERE number = {number}");
    txn.execute_unprepared(&late).await.unwrap();
    txn.commit().await.unwrap();

    let told = |answer: &Answer| answer.body["pagination"]["total_items"] == 1;
    let action = "/api/v1/audit?action=hostelpulse.grievance.overdue_announced.v1";
    desk.hostel.eventually(action, &desk.warden, told).await;
    let listed = desk.read(&desk.warden, "?overdue=true").await;
    assert_eq!(listed.data()[0]["ticket_id"], ticket.as_str(), "{listed:?}");
    let figures = desk.read(&desk.warden, "/figures").await;
    assert_eq!(
        (&figures.data()["overdue"], &figures.data()["open_by_age"]["total"]),
        (&json!(1), &json!(total + 1))
    );
    let response = &figures.data()["first_response"];
    assert!(
        response["count"].as_u64() >= Some(1) && response["median_minutes"].is_number(),
        "{figures:?}"
    );
    assert_eq!(code(&desk.read(&desk.student, "/figures").await), (403, "FORBIDDEN"));
    let wrong = desk.read(&desk.warden, "/figures?from=2026-11-02&to=2026-11-01").await;
    assert_eq!((code(&wrong), fields(&wrong)), ((400, "VALIDATION_ERROR"), vec!["to"]));
}
