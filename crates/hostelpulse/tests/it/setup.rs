//! A new installation: from the link that the program prints to the first administrator.

use kit::testing::TestStores;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::binary::{Answer, Running};

/// What stands behind the `#` of the link in the line that says the program is ready.
fn token_of(hostel: &Running) -> &str {
    let link = hostel.ready.split_whitespace().find(|word| word.contains("/setup#"));
    link.and_then(|link| link.split_once('#')).unwrap().1
}

async fn set_up(hostel: &Running, token: &str, email: &str, password: &str) -> Answer {
    let body = json!({ "setup_token": token, "email": email, "name": "First Admin", "password": password });
    hostel.call(Method::POST, "/api/v1/setup", None, Some(body)).await
}

fn code(answer: &Answer) -> &Value {
    &answer.body["error"]["code"]
}

#[tokio::test]
async fn the_link_makes_one_administrator_and_no_second() {
    let stores = TestStores::default();
    let hostel = Running::up(&stores, &[], &[]);
    let token = token_of(&hostel).to_owned();
    let page = hostel.call(Method::GET, "/setup", None, None).await;
    assert!(page.body.as_str().unwrap().contains("first administrator"), "{page:?}");

    let guessed = set_up(&hostel, "guessed", "a@hostel.example", "Demo@1234").await;
    assert_eq!(
        (guessed.status, code(&guessed)),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("SETUP_LINK_INVALID"))
    );
    let weak = set_up(&hostel, &token, "a@hostel.example", "weak").await;
    assert_eq!(
        (weak.status, &weak.body["error"]["details"][0]["field"]),
        (StatusCode::BAD_REQUEST, &json!("password"))
    );

    let (one, other) = tokio::join!(
        set_up(&hostel, &token, "one@hostel.example", "Demo@1234"),
        set_up(&hostel, &token, "other@hostel.example", "Demo@1234"),
    );
    let (won, lost) = if one.status == StatusCode::CREATED {
        (one, other)
    } else {
        (other, one)
    };
    assert_eq!(won.status, StatusCode::CREATED, "{won:?}");
    assert_eq!(code(&lost), "SETUP_LINK_INVALID", "{lost:?}");
    let admin = hostel.login(won.data()["email"].as_str().unwrap()).await;
    assert_eq!(hostel.get("/api/v1/auth/me", &admin).await.data()["role"], "admin");
    assert_eq!(
        hostel.get("/api/v1/users", &admin).await.body["pagination"]["total_items"],
        1
    );
}

#[tokio::test]
async fn each_start_prints_a_new_link_while_there_is_nobody() {
    let stores = TestStores::default();
    let hostel = Running::up(&stores, &[], &[]);
    let first = token_of(&hostel).to_owned();
    assert!(hostel.terminate().success());
    let hostel = Running::up(&stores, &[], &[]);
    let second = token_of(&hostel).to_owned();
    let old = set_up(&hostel, &first, "a@hostel.example", "Demo@1234").await;
    assert_eq!(code(&old), "SETUP_LINK_INVALID");
    let done = set_up(&hostel, &second, "a@hostel.example", "Demo@1234").await;
    assert_eq!(done.status, StatusCode::CREATED, "{done:?}");
    assert!(hostel.terminate().success());
    let hostel = Running::up(&stores, &[], &[]);
    assert!(!hostel.ready.contains("/setup#"), "{}", hostel.ready);
}
