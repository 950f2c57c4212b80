//! Many students from a file, and into one.

use kit::testing::TestStores;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{code, upload, upload_as};
use crate::binary::Running;

#[tokio::test]
async fn a_sheet_goes_in_and_comes_out() {
    let stores = TestStores::default();
    let hostel = Running::demo(&stores);
    let warden = hostel.login("warden@demo.local").await;
    let sheet = "\u{feff}Name;E-Mail;Registration No;phone;parent_phone;year;semester;room\r\n\
                 \"Nair; Meera\";meera@hostel.example;NEW-1;9876543210;9876543211;2;3;A-101\r\n\
                 Ravi;ravi@hostel.example;NEW-2;12345;9876543211;2;7;Z-999\r\n";
    let sheet = sheet.replace("E-Mail", "email");
    let import = async |path: &str| {
        let answer = upload(&hostel, path, &warden, &[], ("students.csv", sheet.as_bytes())).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let of = |name: &str| answer.data()[name].as_u64().unwrap();
        (
            (of("created"), of("unchanged"), of("failed")),
            answer.data()["rows"].clone(),
        )
    };
    let (counts, rows) = import("/api/v1/students/bulk-import?dry_run=true").await;
    assert_eq!(counts, (1, 0, 1));
    let fields: Vec<_> = rows[1]["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["field"])
        .collect();
    assert_eq!(
        (&rows[1]["line"], fields),
        (&json!(3), vec![&json!("phone"), &json!("semester"), &json!("room")]),
        "{rows}"
    );
    assert_eq!(
        hostel.get("/api/v1/students?search=meera", &warden).await.body["pagination"]["total_items"],
        0
    );
    assert_eq!(import("/api/v1/students/bulk-import").await.0, (1, 0, 1));
    assert_eq!(import("/api/v1/students/bulk-import?dry_run=false").await.0, (0, 1, 1));
    let other = sheet.replace("NEW-1", "NEW-9").replace("meera@", "zoe@");
    let other = other.replace("Nair; Meera", "Zoe").replace(";A-101", ";");
    let keyed = async || {
        let request = hostel.request(Method::POST, "/api/v1/students/bulk-import");
        let request = request.bearer_auth(&warden).header("idempotency-key", "sheet-1");
        let answer = upload_as(request, &[], ("students.csv", other.as_bytes())).await;
        answer.data().clone()
    };
    let first = keyed().await;
    assert_eq!(first["created"], 1, "{first}");
    assert_eq!(keyed().await, first, "the same request again is one request");
    let unknown = upload(
        &hostel,
        "/api/v1/students/bulk-import?wet_run=1",
        &warden,
        &[],
        ("a.csv", b"x"),
    )
    .await;
    assert_eq!(code(&unknown), (400, "VALIDATION_ERROR"));

    let request = hostel
        .request(Method::GET, "/api/v1/students?format=csv&search=nair")
        .bearer_auth(&warden);
    let text = request.send().await.unwrap().text().await.unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[1].contains("NEW-1") && lines[1].contains("A-101") && text.contains("Nair; Meera"),
        "{text}"
    );
}
