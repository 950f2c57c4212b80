//! Many at once: one wins, the others are told.

use futures_util::future::join_all;
use proto::{
    leave::{ApproveLeaveRequest, RejectLeaveRequest},
    options::Role,
};

use crate::hostel::{Hostel, told};

const MANY: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_wardens_at_once_one_decides() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    for round in 0..5 {
        let asked = hostel.ask(&asha, hostel.home(round * 3, round * 3 + 2)).await.unwrap();
        let deciding = (0..MANY).map(|number| {
            let (hostel, id) = (&hostel, asked.id.clone());
            async move {
                let warden = hostel.world.clock.new_id();
                if number % 2 == 0 {
                    let approval = ApproveLeaveRequest {
                        id,
                        ..ApproveLeaveRequest::default()
                    };
                    let request = hostel.of(warden, Role::Warden, approval);
                    (warden, told(hostel.decisions().approve_leave(request).await))
                } else {
                    let comments = "No".to_owned();
                    let request = hostel.of(warden, Role::Warden, RejectLeaveRequest { id, comments });
                    (warden, told(hostel.decisions().reject_leave(request).await))
                }
            }
        });
        let answers = join_all(deciding).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.is_ok());
        assert_eq!((won.len(), lost.len()), (1, MANY - 1), "{lost:?}");
        let (winner, leave) = &won[0];
        let status = leave.as_ref().unwrap().status();
        for (_, answer) in lost {
            let refused = answer.unwrap_err();
            assert_eq!(refused.reason, "ALREADY_DECIDED", "{refused}");
            assert_eq!(refused.details["decided_by"], winner.to_string());
            let said = refused.details["status"].as_str().unwrap().to_uppercase();
            assert!(status.as_str_name().ends_with(&said), "{refused}");
        }
    }
    assert_eq!(hostel.count("decision").await, 5);
    let told = hostel.told("leave.approved").await.len() + hostel.told("leave.rejected").await.len();
    assert_eq!(told, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_warden_who_says_it_many_times_at_once_decides_once() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    for round in 0..5 {
        let asked = hostel.ask(&asha, hostel.home(round * 3, round * 3 + 2)).await.unwrap();
        let answers = join_all((0..MANY).map(|_| hostel.approve(&asked.id))).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, MANY - 1), "{lost:?}");
        for refused in lost {
            let refused = refused.unwrap_err();
            assert_eq!((refused.reason.as_ref(), refused.kind.http()), ("ALREADY_DECIDED", 409));
            assert_eq!(refused.details["status"], "approved");
            assert_eq!(refused.details["decided_by"], hostel.warden.to_string());
        }
    }
    assert_eq!(hostel.count("decision").await, 5);
    assert_eq!(hostel.told("leave.approved").await.len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_requests_for_the_same_days_one_has_them() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    let asking = (0..MANY as u64).map(|number| {
        let (hostel, asha) = (&hostel, &asha);
        // Each has the tenth day, and none the same days as another.
        async move { hostel.ask(asha, hostel.home(10 - number, 10 + number % 3)).await }
    });
    let answers = join_all(asking).await;
    let won: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(won.len(), 1);
    for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(refused.reason, "LEAVE_OVERLAP", "{refused}");
        assert_eq!(refused.details["leave_id"], won[0].id);
    }
    assert_eq!(hostel.count("leave").await, 1);
    assert_eq!(hostel.count("leave_day").await, i64::from(won[0].days));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_leave_that_is_granted_and_taken_back_at_once_is_taken_back() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    for round in 0..10 {
        let asked = hostel
            .ask(&asha, hostel.home(round * 2 + 1, round * 2 + 2))
            .await
            .unwrap();
        let (granted, cancelled) = tokio::join!(hostel.approve(&asked.id), hostel.cancel(&asha, &asked.id));
        assert!(cancelled.is_ok(), "{cancelled:?}");
        if let Err(refused) = granted {
            assert_eq!(refused.details["status"], "cancelled", "{refused}");
        }
    }
    assert_eq!(hostel.count("leave_day").await, 0);
    assert_eq!(hostel.told("leave.cancelled").await.len(), 10);
}
