//! Marks by a warden's hand.

use futures_util::future::join_all;
use proto::{
    attendance::{ListMarkHistoryRequest, Mark, MarkByHandRequest, MarkChange, MarkSource, MarkStatus},
    options::Role,
};
use tonic::Request;
use uuid::Uuid;

use crate::{
    gate::{Gate, Pupil, told},
    records::{Roll, Stage, days_ago, today},
};

fn word(roll: Roll, pupil: &Pupil, status: &str) -> MarkByHandRequest {
    MarkByHandRequest {
        session_id: roll.id.to_string(),
        student_id: pupil.id.to_string(),
        status: status.to_owned(),
        reason: "Was at the infirmary".to_owned(),
    }
}

impl Gate {
    async fn by_hand(&self, request: MarkByHandRequest) -> Result<Mark, kit::Fault> {
        let request = self.by_warden(request);
        told(self.marks().mark_by_hand(request).await)
    }

    async fn history_of(&self, roll: Roll, pupil: &Pupil) -> Vec<MarkChange> {
        let request = self.by_warden(ListMarkHistoryRequest {
            id: roll.id.to_string(),
            student_id: pupil.id.to_string(),
            ..ListMarkHistoryRequest::default()
        });
        told(self.marks().list_mark_history(request).await).unwrap().changes
    }
}

#[tokio::test]
async fn a_word_stands_over_what_was_there_and_another_undoes_it() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let roll = gate.lay_roll("A", 1, days_ago(3), Stage::Settled).await;
    gate.lay_mark(roll, &asha, "absent", "settlement").await;
    let mark = gate.by_hand(word(roll, &asha, "present")).await.unwrap();
    assert_eq!(
        (mark.status(), mark.source()),
        (MarkStatus::Present, MarkSource::Manual)
    );
    assert_eq!(
        (mark.student_name, mark.block, mark.year),
        (asha.name.clone(), "A".to_owned(), 1)
    );
    assert_eq!(gate.how_stands(roll, &asha).await, "present manual");
    gate.by_hand(word(roll, &asha, "absent")).await.unwrap();
    assert_eq!(gate.how_stands(roll, &asha).await, "absent manual");

    let history = gate.history_of(roll, &asha).await;
    let steps: Vec<_> = history.iter().map(|step| (step.before(), step.after())).collect();
    let expected = [
        (MarkStatus::Absent, MarkStatus::Present),
        (MarkStatus::Present, MarkStatus::Absent),
    ];
    assert_eq!(steps, expected);
    assert_eq!(history[0].author, Some(gate.warden.to_string()));
    assert_eq!(history[0].reason.as_deref(), Some("Was at the infirmary"));

    let events = gate.told("attendance.corrected").await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["subject"], roll.id.to_string());
    assert_eq!((&events[0]["version"], &events[1]["version"]), (&2.into(), &3.into()));
    assert_eq!(events[1]["data"]["change"]["before"], "present");
    assert_eq!(events[1]["actor"]["id"], gate.warden.to_string());
}

#[tokio::test]
async fn a_word_may_come_first_and_while_the_roll_call_is_open() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let roll = gate.lay_roll("a", 1, today(), Stage::Open).await;
    gate.by_hand(word(roll, &asha, "excused")).await.unwrap();
    let history = gate.history_of(roll, &asha).await;
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].before, None);
}

#[tokio::test]
async fn a_scan_is_where_the_history_begins() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let roll = gate.lay_roll("A", 1, days_ago(1), Stage::Closed).await;
    gate.lay_mark(roll, &asha, "present", "scan").await;
    gate.write(
        "INSERT INTO scan (id, day, session_id, student_id, outcome, offline, scanned_at, received_at, evidence) \
         VALUES ($1, $2, $3, $4, 'marked', FALSE, $5, $5, '[]')",
        [
            gate.world.clock.new_id().into(),
            roll.day.into(),
            roll.id.into(),
            asha.id.into(),
            (gate.world.clock.now() - chrono::TimeDelta::days(1)).into(),
        ],
    )
    .await;
    gate.by_hand(word(roll, &asha, "absent")).await.unwrap();
    let sources: Vec<_> = gate
        .history_of(roll, &asha)
        .await
        .iter()
        .map(MarkChange::source)
        .collect();
    assert_eq!(sources, [MarkSource::Scan, MarkSource::Manual]);
}

#[tokio::test]
async fn only_wardens_say_and_only_of_those_who_belong_there() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let other_year = gate.student(2, "A", 2).await;
    let moved = gate.student(3, "B", 1).await;
    let roll = gate.lay_roll("A", 1, days_ago(1), Stage::Closed).await;
    gate.lay_mark(roll, &moved, "pending", "settlement").await;
    for role in [Role::Student, Role::Guard, Role::Admin] {
        let request = gate.of(asha.id, role, word(roll, &asha, "present"));
        let refused = told(gate.marks().mark_by_hand(request).await).unwrap_err();
        assert_eq!(refused.reason, "FORBIDDEN");
    }
    let refused = gate.by_hand(word(roll, &other_year, "present")).await.unwrap_err();
    assert_eq!(refused.reason, "NOT_IN_SESSION");
    // Was one of theirs when it was held.
    gate.by_hand(word(roll, &moved, "present")).await.unwrap();
    let nowhere = Roll {
        id: gate.world.clock.new_id(),
        ..roll
    };
    let nobody = Pupil {
        id: Uuid::max(),
        ..asha.clone()
    };
    for (roll, pupil) in [(nowhere, &asha), (roll, &nobody)] {
        let refused = gate.by_hand(word(roll, pupil, "present")).await.unwrap_err();
        assert_eq!(refused.reason, "NOT_FOUND");
    }
    let wrong = MarkByHandRequest {
        session_id: "x".to_owned(),
        student_id: String::new(),
        status: "pending".to_owned(),
        reason: " ".to_owned(),
    };
    let refused = gate.by_hand(wrong).await.unwrap_err();
    let fields: Vec<_> = refused.violations.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields, ["session_id", "student_id", "status", "reason"]);
    assert_eq!(gate.count("mark_change").await, 1);
}

#[tokio::test]
async fn the_same_word_sent_twice_is_one() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let roll = gate.lay_roll("A", 1, days_ago(1), Stage::Closed).await;
    let request = || -> Request<MarkByHandRequest> {
        let mut request = gate.by_warden(word(roll, &asha, "present"));
        request.metadata_mut().insert("idempotency-key", "one".parse().unwrap());
        request
    };
    let first = told(gate.marks().mark_by_hand(request()).await).unwrap();
    let second = told(gate.marks().mark_by_hand(request()).await).unwrap();
    assert_eq!(first, second);
    assert_eq!(gate.count("mark_change").await, 1);
}

#[tokio::test]
async fn many_words_at_once_follow_one_another() {
    let gate = Gate::open().await;
    let asha = gate.student(1, "A", 1).await;
    let roll = gate.lay_roll("A", 1, days_ago(1), Stage::Closed).await;
    let words = (0..12).map(|at| {
        let status = ["present", "absent", "excused"][at % 3];
        gate.by_hand(word(roll, &asha, status))
    });
    for outcome in join_all(words).await {
        outcome.unwrap();
    }
    let events = gate.told("attendance.corrected").await;
    let mut steps: Vec<_> = events
        .iter()
        .map(|event| {
            let change = &event["data"]["change"];
            let text = |name: &str| change[name].as_str().map(str::to_owned);
            (event["version"].as_i64().unwrap(), text("before"), text("after"))
        })
        .collect();
    steps.sort();
    let versions: Vec<i64> = steps.iter().map(|step| step.0).collect();
    assert_eq!(versions, (2..14).collect::<Vec<_>>());
    assert_eq!(steps[0].1, None);
    for pair in steps.windows(2) {
        assert_eq!(pair[0].2, pair[1].1, "each begins where the one before ended");
    }
}
