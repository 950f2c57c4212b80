//! Marks as lists: of a roll call, and one's own.

use proto::{
    attendance::{ListMarksRequest, ListOwnMarksRequest, Mark, MarkSource, MarkStatus},
    options::Role,
    types::Page,
};

use crate::{
    gate::{Gate, Pupil, told},
    records::{Roll, Stage, days_ago, today},
};

fn all(roll: Roll) -> ListMarksRequest {
    ListMarksRequest {
        id: roll.id.to_string(),
        ..ListMarksRequest::default()
    }
}

fn names(marks: &[Mark]) -> Vec<String> {
    let status = |mark: &Mark| {
        mark.status()
            .as_str_name()
            .trim_start_matches("MARK_STATUS_")
            .to_lowercase()
    };
    marks
        .iter()
        .map(|mark| format!("{} {}", mark.student_name, status(mark)))
        .collect()
}

impl Gate {
    async fn list_roll(&self, request: ListMarksRequest) -> (Vec<Mark>, Page) {
        let answer = told(self.marks().list_marks(self.by_guard(request)).await).unwrap();
        (answer.marks, answer.page.unwrap())
    }

    async fn list_own(&self, pupil: &Pupil, request: ListOwnMarksRequest) -> Result<Vec<Mark>, kit::Fault> {
        let request = self.by_student(pupil, request);
        told(self.marks().list_own_marks(request).await).map(|answer| answer.marks)
    }
}

#[tokio::test]
async fn while_a_roll_call_is_open_everybody_of_the_block_and_year_stands_in_it() {
    let gate = Gate::open().await;
    let roll = gate.lay_roll("A", 1, today(), Stage::Open).await;
    let mut pupils = Vec::new();
    for number in 1..=4 {
        pupils.push(gate.student(number, "A", 1).await);
    }
    gate.student(5, "A", 2).await;
    gate.student(6, "B", 1).await;
    gate.lay_mark(roll, &pupils[2], "present", "scan").await;
    let leave = gate.a_leave(&pupils[1], days_ago(1), today());
    gate.hear_of_leave(&leave).await;
    // A second leave of the same day is no second line.
    gate.hear_of_leave(&gate.a_leave(&pupils[1], today(), today())).await;
    gate.heard_of(2).await;

    let (marks, page) = gate.list_roll(all(roll)).await;
    let expected = [
        "Student 1 pending",
        "Student 2 excused",
        "Student 3 present",
        "Student 4 pending",
    ];
    assert_eq!(names(&marks), expected);
    assert_eq!((page.total_items, page.total_pages), (4, 1));
    assert_eq!(marks[0].source(), MarkSource::Unspecified);
    assert_eq!((marks[0].marked_at, marks[0].room_no.as_deref()), (None, Some("A-101")));
    assert_eq!(marks[1].source(), MarkSource::Leave);
    assert!(marks[2].scanned_at.is_some());
    assert_eq!((marks[2].block.as_str(), marks[2].day.as_str()), ("A", "2026-11-18"));

    let pending = ListMarksRequest {
        status: Some(MarkStatus::Pending.into()),
        page: Some(2),
        limit: Some(1),
        ..all(roll)
    };
    let (marks, page) = gate.list_roll(pending).await;
    assert_eq!(names(&marks), ["Student 4 pending"]);
    assert_eq!((page.total_items, page.current_page), (2, 2));
}

#[tokio::test]
async fn once_it_is_closed_only_those_who_were_of_it_stand_in_it() {
    let gate = Gate::open().await;
    let roll = gate.lay_roll("A", 1, days_ago(1), Stage::Closed).await;
    let asha = gate.student(1, "A", 1).await;
    gate.student(2, "A", 1).await;
    gate.lay_mark(roll, &asha, "pending", "settlement").await;
    let (marks, _) = gate.list_roll(all(roll)).await;
    assert_eq!(names(&marks), ["Student 1 pending"]);
    let nowhere = ListMarksRequest {
        id: asha.id.to_string(),
        ..ListMarksRequest::default()
    };
    let refused = told(gate.marks().list_marks(gate.by_guard(nowhere)).await).unwrap_err();
    assert_eq!(refused.reason, "NOT_FOUND");
    let refused = gate.of(asha.id, Role::Student, all(roll));
    assert_eq!(
        told(gate.marks().list_marks(refused).await).unwrap_err().reason,
        "FORBIDDEN"
    );
}

#[tokio::test]
async fn students_see_their_own_marks_the_latest_first() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let ravi = gate.student(2, "A", 1).await;
    for (ago, status) in [(3, "present"), (2, "absent"), (1, "present")] {
        let roll = gate.lay_roll("A", 1, days_ago(ago), Stage::Settled).await;
        gate.lay_mark(roll, &asha, status, "scan").await;
        gate.lay_mark(roll, &ravi, "present", "scan").await;
    }
    let days = |marks: Vec<Mark>| marks.into_iter().map(|mark| mark.day).collect::<Vec<_>>();
    let list = ListOwnMarksRequest::default;
    let mine = gate.list_own(&asha, list()).await.unwrap();
    assert!(mine.iter().all(|mark| mark.student_id == asha.id.to_string()));
    assert_eq!(days(mine), ["2026-11-17", "2026-11-16", "2026-11-15"]);
    let present = ListOwnMarksRequest {
        status: Some(MarkStatus::Present.into()),
        to: Some(days_ago(2).to_string()),
        ..list()
    };
    assert_eq!(days(gate.list_own(&asha, present).await.unwrap()), ["2026-11-15"]);
    let from = ListOwnMarksRequest {
        from: Some(days_ago(1).to_string()),
        ..list()
    };
    assert_eq!(days(gate.list_own(&asha, from).await.unwrap()), ["2026-11-17"]);
    for (from, to, field) in [("soon", "2026-11-18", "from"), ("2026-11-18", "2026-11-17", "to")] {
        let wrong = ListOwnMarksRequest {
            from: Some(from.to_owned()),
            to: Some(to.to_owned()),
            ..list()
        };
        let refused = gate.list_own(&asha, wrong).await.unwrap_err();
        assert_eq!(refused.violations[0].field, field);
    }
}

#[tokio::test]
async fn guards_list_their_own_roll_calls_and_wardens_all() {
    let gate = Gate::open().await;
    let roll = gate.lay_roll("A", 1, today(), Stage::Open).await;
    gate.student(1, "A", 1).await;
    let (marks, _) = gate.list_roll(all(roll)).await;
    assert_eq!(names(&marks), ["Student 1 pending"]);
    let seen = told(gate.marks().list_marks(gate.by_warden(all(roll))).await).unwrap();
    assert_eq!(seen.marks, marks);
    let another = gate.of(gate.world.clock.new_id(), Role::Guard, all(roll));
    let refused = told(gate.marks().list_marks(another).await).unwrap_err();
    assert_eq!((refused.reason.as_ref(), refused.kind.http()), ("NOT_FOUND", 404));
}
