//! Reading roll calls: one with its counts, and pages of them.

use proto::attendance::{Counts, GenerateQrRequest, ListSessionsRequest, Session, SessionStatus};

use crate::{
    gate::{Gate, told},
    roll_call::{asked, fields, id},
};

impl Gate {
    async fn counts(&self, session: &str) -> Counts {
        self.session(session).await.counts.unwrap()
    }

    async fn listed(&self, request: ListSessionsRequest) -> (Vec<Session>, u64) {
        let answer = told(self.sessions().list_sessions(self.by_warden(request)).await).unwrap();
        (answer.sessions, answer.page.unwrap().total_items)
    }

    async fn listed_ids(&self, request: ListSessionsRequest) -> Vec<String> {
        let (sessions, _) = self.listed(request).await;
        sessions.into_iter().map(|session| session.id).collect()
    }
}

#[tokio::test]
async fn the_counts_of_an_open_roll_call() {
    let gate = Gate::of_block_a().await;
    let [asha, bela, chitra, divya, esha] = gate.students("A").await;
    gate.student(10, "B", 1).await;
    let session = gate.roll_call().await;
    let nobody_yet = Counts {
        pending: 5,
        total: 5,
        ..Counts::default()
    };
    assert_eq!(gate.counts(&session).await, nobody_yet);
    gate.leave(&bela, 0, 3, true).await;
    gate.leave(&bela, 0, 0, true).await;
    gate.leave(&chitra, 0, 0, false).await;
    // One who came though on leave, one marked by hand, one who moved away since.
    gate.leave(&asha, 0, 0, true).await;
    gate.mark(&session, &asha, "present").await;
    gate.mark(&session, &divya, "absent").await;
    gate.mark(&session, &esha, "present").await;
    gate.write("UPDATE student SET block_folded = 'B' WHERE id = $1", [esha.id.into()])
        .await;
    gate.write(
        "INSERT INTO awaiting (scan_id, day, session_id, student_id, asked_at) VALUES ($1, $2, $3, $4, $5)",
        [
            gate.world.clock.new_id().into(),
            gate.today().into(),
            id(&session).into(),
            chitra.id.into(),
            gate.world.clock.now().into(),
        ],
    )
    .await;
    let expected = Counts {
        present: 2,
        absent: 1,
        excused: 1,
        pending: 1,
        total: 5,
        awaiting: 1,
    };
    assert_eq!(gate.counts(&session).await, expected);
    let (listed, _) = gate.listed(ListSessionsRequest::default()).await;
    assert_eq!(listed[0], gate.session(&session).await);

    let closed = gate.close(&session).await;
    assert_eq!(closed.counts, Some(expected), "closing changes nobody's standing");
    // Who comes to live there later was not expected then.
    gate.student(11, "A", 1).await;
    gate.leave(&chitra, 0, 0, true).await;
    assert_eq!(gate.counts(&session).await, expected);
}

#[tokio::test]
async fn lists_are_filtered() {
    let gate = Gate::of_block_a().await;
    gate.block("B", 1.0, 2.0).await;
    let of = |block: &str, year: u32, duration_minutes: u32| GenerateQrRequest {
        block: block.to_owned(),
        year,
        duration_minutes,
        ..asked()
    };
    let a1 = gate.generate(of("A", 1, 30)).await.session_id;
    gate.close(&a1).await;
    gate.world.clock.advance(chrono::Duration::days(1));
    let a2 = gate.generate(of("A", 2, 10)).await.session_id;
    let b1 = gate.generate(of("B", 1, 60)).await.session_id;
    gate.world.clock.advance(chrono::Duration::minutes(10));
    crate::gate::until("the first is settled", async || {
        (gate.session(&a1).await.status() == SessionStatus::Settled).then_some(())
    })
    .await;
    let by_status = |status: SessionStatus| ListSessionsRequest {
        status: Some(status.into()),
        ..ListSessionsRequest::default()
    };
    assert_eq!(gate.listed_ids(by_status(SessionStatus::Active)).await, [b1.as_str()]);
    assert_eq!(gate.listed_ids(by_status(SessionStatus::Closed)).await, [a2.as_str()]);
    assert_eq!(gate.listed_ids(by_status(SessionStatus::Settled)).await, [a1.as_str()]);
    let all = ListSessionsRequest::default;
    assert_eq!(
        gate.listed_ids(all()).await,
        [b1.as_str(), &a2, &a1],
        "the latest first"
    );
    let block = ListSessionsRequest {
        block: Some("a".to_owned()),
        ..all()
    };
    assert_eq!(gate.listed_ids(block).await, [a2.as_str(), &a1]);
    let year = ListSessionsRequest { year: Some(1), ..all() };
    assert_eq!(gate.listed_ids(year).await, [b1.as_str(), &a1]);
    let today = gate.today().to_string();
    let from = ListSessionsRequest {
        from: Some(today.clone()),
        ..all()
    };
    assert_eq!(gate.listed_ids(from).await, [b1.as_str(), &a2]);
    let yesterday = (gate.today() - chrono::Duration::days(1)).to_string();
    let to = ListSessionsRequest {
        to: Some(yesterday),
        ..all()
    };
    assert_eq!(gate.listed_ids(to).await, [a1.as_str()]);
    let sorted = ListSessionsRequest {
        sort_by: Some("block".to_owned()),
        order: Some("asc".to_owned()),
        ..all()
    };
    assert_eq!(gate.listed_ids(sorted).await, [a2.as_str(), &a1, &b1]);
    let second_page = ListSessionsRequest {
        page: Some(2),
        limit: Some(2),
        ..all()
    };
    let (page, total) = gate.listed(second_page).await;
    assert_eq!((page.len(), page[0].id.as_str(), total), (1, a1.as_str(), 3));
}

#[tokio::test]
async fn what_makes_no_sense_in_a_filter_is_named() {
    let gate = Gate::of_block_a().await;
    let wrong = ListSessionsRequest {
        sort_by: Some("name".to_owned()),
        year: Some(5),
        status: Some(99),
        from: Some("2026-02-30".to_owned()),
        to: Some("tomorrow".to_owned()),
        ..ListSessionsRequest::default()
    };
    let refused = told(gate.sessions().list_sessions(gate.by_guard(wrong)).await).unwrap_err();
    assert_eq!(fields(&refused), ["sort_by", "year", "status", "from", "to"]);
    let backwards = ListSessionsRequest {
        from: Some("2026-02-02".to_owned()),
        to: Some("2026-02-01".to_owned()),
        ..ListSessionsRequest::default()
    };
    let refused = told(gate.sessions().list_sessions(gate.by_guard(backwards)).await).unwrap_err();
    assert_eq!(fields(&refused), ["to"]);
}
