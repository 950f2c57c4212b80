//! The number of students is right at any moment, whoever wrote last.

use futures_util::future::join_all;
use kit::testing::patiently;
use proto::{
    options::Role,
    students::{EraseStudentRequest, ListStudentsRequest, RegisterStudentRequest, UpdateStudentRequest},
};

use crate::{
    hostel::{Hostel, somebody, told},
    import::{counts, file, row},
};

/// Kinds of students, as they are and as they are kept count of.
const AS_THEY_ARE: &str = "SELECT state, year, semester, coalesce(block_folded, '') AS block, count(*) AS number \
                           FROM student WHERE state <> 'erased' GROUP BY 1, 2, 3, 4";
const AS_COUNTED: &str = "SELECT state, year, semester, block_folded AS block, CAST(sum(number) AS bigint) AS number \
                          FROM student_tally GROUP BY 1, 2, 3, 4 HAVING sum(number) <> 0";

impl Hostel {
    /// Whether every kind is counted as it is, and how many there are in all as a list says.
    async fn tally(&self) -> u64 {
        for (one, other) in [(AS_THEY_ARE, AS_COUNTED), (AS_COUNTED, AS_THEY_ARE)] {
            let only_in_one =
                format!("(SELECT * FROM ({one}) AS one EXCEPT SELECT * FROM ({other}) AS other) AS wrong");
            assert_eq!(self.count(&only_in_one).await, 0, "{one}");
        }
        self.list(ListStudentsRequest::default()).await.1
    }
}

#[tokio::test]
async fn every_change_of_a_student_is_counted() {
    let hostel = Hostel::open().await;
    let (a, b) = (hostel.room("A", "1", 4).await, hostel.room("B", "1", 4).await);
    assert_eq!(hostel.tally().await, 0);
    let asha = hostel.register_in(1, &a).await;
    hostel.register(2).await;
    assert_eq!(hostel.tally().await, 2);
    hostel.move_to(&asha.id, &b).await.unwrap();
    assert_eq!(hostel.tally().await, 2);
    let second_year = UpdateStudentRequest {
        id: asha.id.clone(),
        year: Some(2),
        semester: Some(3),
        ..UpdateStudentRequest::default()
    };
    hostel.update(second_year).await.unwrap();
    assert_eq!(hostel.tally().await, 2);
    hostel.free_room(&asha.id).await.unwrap();
    hostel.deactivate(&asha.id).await.unwrap();
    assert_eq!(hostel.tally().await, 2);
    let erasing = hostel
        .world
        .by(Role::Admin, EraseStudentRequest { id: asha.id.clone() });
    told(hostel.privacy().erase_student(erasing).await).unwrap();
    assert_eq!(hostel.tally().await, 1);
    assert_eq!(hostel.write("DELETE FROM student_word", []).await, 5);
    assert_eq!(hostel.write("DELETE FROM student WHERE state = 'active'", []).await, 1);
    assert_eq!(hostel.tally().await, 0);
}

#[tokio::test]
async fn students_of_a_file_are_counted_once() {
    let hostel = Hostel::open().await;
    hostel.register(3).await;
    let rows: Vec<String> = (1..=20).map(row).collect();
    // The third is not imported again, in the same statement as the others.
    let clash = [rows, vec![row(1)]].concat();
    let report = hostel.import(file(&clash)).await;
    assert_eq!(counts(&report).0, 19);
    assert_eq!(hostel.tally().await, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_at_once_are_all_counted() {
    let hostel = Hostel::open().await;
    let (a, b) = (hostel.room("A", "1", 30).await, hostel.room("B", "1", 30).await);
    let come_and_go = |number: u32| {
        let (hostel, a, b) = (&hostel, &a, &b);
        async move {
            let request = RegisterStudentRequest {
                room_id: Some(if number.is_multiple_of(2) { a } else { b }.clone()),
                ..somebody(number)
            };
            let student = patiently(async || hostel.try_register(request.clone()).await).await;
            let id = &student.unwrap().id;
            let other = if number.is_multiple_of(2) { b } else { a };
            patiently(async || hostel.move_to(id, other).await).await.unwrap();
            if number.is_multiple_of(3) {
                patiently(async || hostel.deactivate(id).await).await.unwrap();
            }
        }
    };
    join_all((1..=24).map(come_and_go)).await;
    assert_eq!(hostel.tally().await, 24);
    let gone = ListStudentsRequest {
        is_active: Some(false),
        ..ListStudentsRequest::default()
    };
    assert_eq!(hostel.list(gone).await.1, 8);
    // Each change puts together what it finds: rows do not pile up.
    hostel.register(25).await;
    assert!(hostel.count("student_tally").await <= 30);
}
