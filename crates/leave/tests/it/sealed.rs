//! Nothing that somebody wrote can be read in a stolen database.

use kit::testing::contents;
use proto::leave::RequestLeaveRequest;

use crate::hostel::Hostel;

#[tokio::test]
async fn places_phones_and_words_are_sealed() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let request = RequestLeaveRequest {
        place_of_visit: "Nowhereville".to_owned(),
        extra_details: Some("An operation".to_owned()),
        ..hostel.home(1, 2)
    };
    let asked = hostel.ask(&asha, request).await.unwrap();
    assert_eq!(asked.place_of_visit, "Nowhereville");
    hostel.reject(&asked.id).await.unwrap();
    let held = contents(hostel.world.db.reader()).await.join("\n");
    assert!(held.contains(&asked.id), "the rows are looked at");
    for word in ["Nowhereville", "operation", "9876543210", "examinations"] {
        assert!(!held.contains(word), "{word}: {held}");
    }
}
