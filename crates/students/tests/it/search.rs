//! Lists: filters, search, sorting, pages.

use proto::students::{ListStudentsRequest, RegisterStudentRequest};

use crate::hostel::{Hostel, code, somebody, told, wrong_fields};

/// A hostel with people of these names, numbered from 1, each in a year of their own as far as there are years.
async fn hostel_of(names: &[&str]) -> Hostel {
    let hostel = Hostel::open().await;
    for (number, name) in (1_u32..).zip(names) {
        let year = (number - 1) % 4 + 1;
        let request = RegisterStudentRequest {
            name: (*name).to_owned(),
            year,
            semester: 2 * year,
            ..somebody(number)
        };
        hostel.try_register(request).await.unwrap();
        hostel.world.clock.advance(chrono::Duration::seconds(1));
    }
    hostel
}

impl Hostel {
    /// The numbers of those whom a search finds.
    async fn found(&self, search: &str) -> Vec<String> {
        let request = ListStudentsRequest {
            search: Some(search.to_owned()),
            sort_by: Some("registration_no".to_owned()),
            ..ListStudentsRequest::default()
        };
        let (numbers, total) = self.list(request).await;
        assert_eq!(numbers.len() as u64, total);
        numbers
    }
}

#[tokio::test]
async fn search_finds_beginnings_of_words() {
    let hostel = hostel_of(&[
        "Asha Verma",
        "Vera Ashford",
        "ÅSA Öberg",
        "प्रिया शर्मा",
        "O'Brien \"Bob\" Lee",
    ])
    .await;
    assert_eq!(hostel.found("ver").await, ["REG-001", "REG-002"]);
    assert_eq!(hostel.found("ASH ver").await, ["REG-001", "REG-002"]);
    assert_eq!(hostel.found("asha verma").await, ["REG-001"]);
    assert_eq!(hostel.found("verma asha").await, ["REG-001"]);
    assert_eq!(hostel.found("asha vera").await, Vec::<String>::new());
    assert_eq!(hostel.found("erma").await, Vec::<String>::new());
    assert_eq!(hostel.found("reg-00").await.len(), 5);
    assert_eq!(hostel.found("Reg-004").await, ["REG-004"]);
    assert_eq!(hostel.found("student3@").await, ["REG-003"]);
    assert_eq!(hostel.found("åsa").await, ["REG-003"]);
    assert_eq!(hostel.found("öb").await, ["REG-003"]);
    assert_eq!(hostel.found("शर").await, ["REG-004"]);
    assert_eq!(hostel.found("o'b \"bob").await, ["REG-005"]);
    assert_eq!(hostel.found("  ").await.len(), 5);
}

#[tokio::test]
async fn no_character_of_a_search_means_anything_but_itself() {
    let hostel = hostel_of(&["Asha Verma", "100% Real", "Under_Score", "Back\\slash"]).await;
    for nothing in [
        "%",
        "_",
        "%a",
        "a%",
        "as_a",
        "'",
        "\"",
        "\\",
        "' OR 1=1 --",
        "*",
        "?",
        "\u{10ffff}",
    ] {
        assert_eq!(hostel.found(nothing).await, Vec::<String>::new(), "{nothing}");
    }
    assert_eq!(hostel.found("100%").await, ["REG-002"]);
    assert_eq!(hostel.found("under_").await, ["REG-003"]);
    assert_eq!(hostel.found("back\\").await, ["REG-004"]);
}

#[tokio::test]
async fn a_search_follows_the_record() {
    let hostel = hostel_of(&["Asha Verma"]).await;
    let id = hostel
        .students()
        .list_students(hostel.warden(ListStudentsRequest::default()))
        .await;
    let id = id.unwrap().into_inner().students[0].id.clone();
    let wish = proto::students::UpdateStudentRequest {
        id,
        name: Some("Meera Nair".to_owned()),
        ..proto::students::UpdateStudentRequest::default()
    };
    hostel.update(wish).await.unwrap();
    assert_eq!(hostel.found("asha").await, Vec::<String>::new());
    assert_eq!(hostel.found("nair").await, ["REG-001"]);
}

#[tokio::test]
async fn filters_narrow_a_list() {
    let hostel = hostel_of(&["A", "B", "C", "D", "E"]).await;
    let (a, b) = (
        hostel.room("North", "101", 4).await,
        hostel.room("South", "101", 4).await,
    );
    let first = hostel.register_in(6, &a).await;
    hostel.register_in(7, &a).await;
    let left = hostel.register_in(8, &b).await;
    hostel.deactivate(&left.id).await.unwrap();
    let all = ListStudentsRequest::default;
    let number = |filter: ListStudentsRequest| async { hostel.list(filter).await.1 };
    assert_eq!(number(all()).await, 8);
    let block = Some("north".to_owned());
    assert_eq!(
        number(ListStudentsRequest {
            block: block.clone(),
            ..all()
        })
        .await,
        2
    );
    let nowhere = Some("West".to_owned());
    assert_eq!(
        number(ListStudentsRequest {
            block: nowhere,
            ..all()
        })
        .await,
        0
    );
    assert_eq!(
        number(ListStudentsRequest {
            room_id: Some(b),
            ..all()
        })
        .await,
        0
    );
    assert_eq!(
        number(ListStudentsRequest {
            room_id: Some(a),
            ..all()
        })
        .await,
        2
    );
    assert_eq!(number(ListStudentsRequest { year: Some(1), ..all() }).await, 5);
    assert_eq!(
        number(ListStudentsRequest {
            semester: Some(4),
            ..all()
        })
        .await,
        1
    );
    assert_eq!(
        number(ListStudentsRequest {
            is_active: Some(false),
            ..all()
        })
        .await,
        1
    );
    assert_eq!(
        number(ListStudentsRequest {
            is_active: Some(true),
            ..all()
        })
        .await,
        7
    );
    let several = ListStudentsRequest {
        block,
        year: Some(1),
        search: Some("some body 6".to_owned()),
        ..all()
    };
    assert_eq!(hostel.list(several).await, (vec![first.registration_no], 1));
}

#[tokio::test]
async fn a_list_is_sorted_and_paged() {
    let hostel = hostel_of(&["Dara", "asha", "Chitra", "asha", "Bela"]).await;
    let sorted = |by: &str, order: &str| ListStudentsRequest {
        sort_by: Some(by.to_owned()),
        order: Some(order.to_owned()),
        ..ListStudentsRequest::default()
    };
    let numbers = async |request| {
        let (numbers, _) = hostel.list(request).await;
        numbers.join(" ").replace("REG-00", "")
    };
    assert_eq!(numbers(ListStudentsRequest::default()).await, "2 4 5 3 1");
    assert_eq!(numbers(sorted("name", "desc")).await, "1 3 5 4 2");
    assert_eq!(numbers(sorted("registration_no", "desc")).await, "5 4 3 2 1");
    assert_eq!(numbers(sorted("created_at", "asc")).await, "1 2 3 4 5");
    let page = |page, limit| ListStudentsRequest {
        page: Some(page),
        limit: Some(limit),
        ..ListStudentsRequest::default()
    };
    assert_eq!(numbers(page(1, 2)).await, "2 4");
    assert_eq!(numbers(page(3, 2)).await, "1");
    assert_eq!(hostel.list(page(4, 2)).await, (vec![], 5));
}

#[tokio::test]
async fn what_cannot_be_listed_is_told() {
    let hostel = Hostel::open().await;
    let refused = async |request| told(hostel.students().list_students(hostel.warden(request)).await);
    let request = ListStudentsRequest {
        sort_by: Some("phone".to_owned()),
        room_id: Some("A-101".to_owned()),
        search: Some("a b c d e f g h i j k".to_owned()),
        ..ListStudentsRequest::default()
    };
    assert_eq!(wrong_fields(refused(request).await), ["sort_by", "room_id", "search"]);
    let request = ListStudentsRequest {
        page: Some(0),
        limit: Some(101),
        ..ListStudentsRequest::default()
    };
    assert_eq!(wrong_fields(refused(request).await), ["page", "limit"]);
    let request = ListStudentsRequest {
        order: Some("up".to_owned()),
        ..ListStudentsRequest::default()
    };
    assert_eq!(code(refused(request).await).1, "VALIDATION_ERROR");
}
