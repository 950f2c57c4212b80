//! Moving into rooms, on, and out.

use futures_util::future::join_all;
use proto::students::{ListStaysRequest, Stay};
use tonic::Code;

use crate::hostel::{Hostel, code, told, wrong_fields};

impl Hostel {
    async fn stays(&self, id: &str) -> Vec<Stay> {
        let request = ListStaysRequest {
            id: id.to_owned(),
            ..ListStaysRequest::default()
        };
        let answer = told(self.students().list_stays(self.warden(request)).await).unwrap();
        assert_eq!(answer.page.unwrap().total_items, answer.stays.len() as u64);
        answer.stays
    }

    fn a_day_passes(&self) {
        self.world.clock.advance(chrono::Duration::minutes(5));
    }
}

#[tokio::test]
async fn who_lived_where_stays_known() {
    let hostel = Hostel::open().await;
    let (a, b) = (hostel.room("A", "A-101", 1).await, hostel.room("B", "B-201", 1).await);
    let student = hostel.register_in(1, &a).await;
    hostel.a_day_passes();
    let moved = hostel.move_to(&student.id, &b).await.unwrap();
    assert_eq!(moved.room.as_ref().unwrap().room_no, "B-201");
    assert_eq!(hostel.move_to(&student.id, &b).await.unwrap(), moved);
    let stays = hostel.stays(&student.id).await;
    let rooms: Vec<_> = stays.iter().map(|stay| &*stay.room.as_ref().unwrap().room_no).collect();
    assert_eq!(rooms, ["B-201", "A-101"]);
    assert_eq!(stays[0].student_name, "Some Body 1");
    assert_eq!(stays[0].moved_out_at, None);
    assert_eq!(stays[1].moved_out_at, stays[0].moved_in_at);
    assert_eq!(
        (hostel.occupancy(&a).await, hostel.occupancy(&b).await),
        ((0, 0), (1, 1))
    );

    hostel.a_day_passes();
    let freed = hostel.free_room(&student.id).await.unwrap();
    assert_eq!(freed.room, None);
    assert_eq!(hostel.free_room(&student.id).await.unwrap(), freed);
    assert_eq!(hostel.occupancy(&b).await, (0, 0));
    assert!(
        hostel
            .stays(&student.id)
            .await
            .iter()
            .all(|stay| stay.moved_out_at.is_some())
    );
    let kinds: Vec<_> = hostel.history(&student.id).await;
    let kinds: Vec<_> = kinds.iter().map(|(kind, version)| (kind.as_str(), *version)).collect();
    assert_eq!(
        kinds,
        [("student.registered", 1), ("student.moved", 2), ("student.moved", 3)]
    );
}

#[tokio::test]
async fn what_cannot_be_moved_into() {
    let hostel = Hostel::open().await;
    let room = hostel.room("A", "A-101", 1).await;
    hostel.register_in(1, &room).await;
    let student = hostel.register(2).await;
    assert_eq!(code(hostel.move_to(&student.id, &room).await).1, "ROOM_FULL");
    let nowhere = hostel.world.clock.new_id().to_string();
    assert_eq!(wrong_fields(hostel.move_to(&student.id, &nowhere).await), ["room_id"]);
    assert_eq!(wrong_fields(hostel.move_to(&student.id, "A-101").await), ["room_id"]);
    assert_eq!(code(hostel.move_to(&nowhere, &room).await).0, Code::NotFound);
    hostel.deactivate(&student.id).await.unwrap();
    assert_eq!(code(hostel.move_to(&student.id, &room).await).1, "DEACTIVATED");
    assert!(hostel.stays(&student.id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_move_at_once_into_two_beds() {
    let hostel = Hostel::open().await;
    let (from, to) = (hostel.room("A", "A-101", 8).await, hostel.room("A", "A-102", 2).await);
    let people = join_all((1..=8).map(|number| hostel.register_in(number, &from))).await;
    let moves = join_all(people.iter().map(|student| hostel.move_to(&student.id, &to))).await;
    assert_eq!(moves.iter().filter(|outcome| outcome.is_ok()).count(), 2);
    for refused in moves.into_iter().filter(Result::is_err) {
        assert_eq!(code(refused).1, "ROOM_FULL");
    }
    assert_eq!(
        (hostel.occupancy(&from).await, hostel.occupancy(&to).await),
        ((6, 6), (2, 2))
    );
    assert_eq!(hostel.count("stay WHERE moved_out_at IS NULL").await, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_change_places_do_not_wait_for_each_other() {
    let hostel = Hostel::open().await;
    let (a, b) = (hostel.room("A", "A-101", 2).await, hostel.room("A", "A-102", 2).await);
    let (one, two) = (hostel.register_in(1, &a).await, hostel.register_in(2, &b).await);
    for _ in 0..10 {
        let (there, back) = tokio::join!(hostel.move_to(&one.id, &b), hostel.move_to(&two.id, &a));
        there.unwrap();
        back.unwrap();
        let (there, back) = tokio::join!(hostel.move_to(&one.id, &a), hostel.move_to(&two.id, &b));
        there.unwrap();
        back.unwrap();
    }
    assert_eq!(
        (hostel.occupancy(&a).await, hostel.occupancy(&b).await),
        ((1, 1), (1, 1))
    );
}
