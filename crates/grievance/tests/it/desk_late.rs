//! What is past due is told once, and then to the next ones, each once.

use chrono::Duration;
use grievance::Config;
use proto::grievance::{ListGrievancesRequest, ReopenGrievanceRequest};
use serde_json::Value;

use crate::desk::{Desk, told, until};

const OVERDUE: &str = "grievance.overdue_announced";
const ESCALATED: &str = "grievance.escalated";

/// A desk that looks at its tickets all the time.
async fn watchful(escalate_after_hours: u32) -> Desk {
    let config = Config {
        look_every_seconds: 1,
        escalate_after_hours,
        ..Config::default()
    };
    Desk::open_with(config).await
}

impl Desk {
    /// Waits until so many events of a type were written.
    async fn told_times(&self, kind: &str, times: usize) -> Vec<Value> {
        until(kind, async || {
            let told = self.told(kind).await;
            assert!(told.len() <= times, "{told:?}");
            (told.len() == times).then_some(told)
        })
        .await
    }

    /// Waits until the desk has looked at everything: what was due last is told of.
    async fn has_looked(&self, overdue: usize) {
        self.told_times(OVERDUE, overdue).await;
    }
}

fn of<'a>(told: &'a [Value], id: &str) -> Vec<&'a Value> {
    told.iter().filter(|event| event["subject"] == id).collect()
}

#[tokio::test]
async fn what_is_overdue_is_told_once() {
    let desk = watchful(1000).await;
    let (asha, warden) = (desk.student(1).await, desk.warden_known());
    let first = desk.raise(&asha).await;
    desk.world.clock.advance(Duration::hours(24));
    let second = desk.raise(&asha).await;
    desk.world.clock.advance(Duration::seconds(1));
    let announced = desk.told_times(OVERDUE, 1).await;
    assert_eq!(announced[0]["subject"], first.id.as_str());
    assert_eq!(announced[0]["actor"]["id"], "grievance");
    assert!(desk.get(&warden, &first.id).await.unwrap().overdue);
    let overdue = ListGrievancesRequest {
        overdue: Some(true),
        ..ListGrievancesRequest::default()
    };
    let listed = told(desk.grievances().list_grievances(desk.by_warden(overdue)).await).unwrap();
    assert_eq!(listed.grievances.len(), 1);

    desk.world.clock.advance(Duration::hours(24));
    desk.has_looked(2).await;
    let announced = desk.told(OVERDUE).await;
    assert_eq!(
        (of(&announced, &first.id).len(), of(&announced, &second.id).len()),
        (1, 1)
    );
    assert_eq!(desk.versions_told(&first.id).await, [1, 2]);
    assert_eq!(desk.history(&warden, &first.id).await, ["status", "overdue"]);
    assert!(desk.told(ESCALATED).await.is_empty());
}

#[tokio::test]
async fn after_a_while_the_next_ones_are_told_each_once() {
    let desk = watchful(10).await;
    let (asha, warden) = (desk.student(1).await, desk.warden_known());
    let raised = desk.raise(&asha).await;
    desk.world.clock.advance(Duration::hours(24) + Duration::seconds(1));
    desk.told_times(OVERDUE, 1).await;
    assert_eq!(desk.get(&warden, &raised.id).await.unwrap().escalated_to, None);
    for (times, role) in [(1, "warden"), (2, "admin")] {
        desk.world.clock.advance(Duration::hours(10));
        let escalated = desk.told_times(ESCALATED, times).await;
        assert_eq!(escalated[times - 1]["data"]["to_role"], role);
        let told = desk.get(&warden, &raised.id).await.unwrap();
        assert_eq!(told.escalated_to.as_deref(), Some(role));
    }
    // Nobody is left; another one goes by, so that the desk has looked.
    desk.raise(&asha).await;
    desk.world.clock.advance(Duration::hours(24) + Duration::seconds(1));
    desk.has_looked(2).await;
    assert_eq!(of(&desk.told(ESCALATED).await, &raised.id).len(), 2);
    assert_eq!(desk.versions_told(&raised.id).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn of_what_waits_or_is_resolved_nobody_is_told() {
    let desk = watchful(10).await;
    let (asha, warden) = (desk.student(1).await, desk.warden_known());
    let (waits, done, late) = (
        desk.raise(&asha).await,
        desk.raise(&asha).await,
        desk.raise(&asha).await,
    );
    desk.ask(&warden, &waits.id, "Which one?").await.unwrap();
    desk.resolve(&done.id).await;
    desk.world.clock.advance(Duration::hours(30));
    let announced = desk.told_times(OVERDUE, 1).await;
    assert_eq!(announced[0]["subject"], late.id.as_str());

    // Asked when it was late already: nobody else is told before the answer, and the waiting does not count.
    desk.world.clock.advance(Duration::hours(9));
    desk.ask(&warden, &late.id, "Which one?").await.unwrap();
    desk.world.clock.advance(Duration::hours(100));
    let control = desk.raise(&asha).await;
    desk.world.clock.advance(Duration::hours(25));
    desk.has_looked(2).await;
    assert!(desk.told(ESCALATED).await.is_empty());
    desk.say(&asha, &late.id, "This one.").await.unwrap();
    assert!(desk.get(&asha, &late.id).await.unwrap().overdue);
    desk.world.clock.advance(Duration::hours(1));
    let escalated = desk.told_times(ESCALATED, 1).await;
    assert_eq!(escalated[0]["subject"], late.id.as_str());
    assert_ne!(control.id, late.id);
}

#[tokio::test]
async fn what_has_time_again_is_told_again_when_it_is_over() {
    let desk = watchful(1000).await;
    let asha = desk.student(1).await;
    let raised = desk.raise(&asha).await;
    desk.world.clock.advance(Duration::hours(25));
    desk.told_times(OVERDUE, 1).await;
    desk.resolve(&raised.id).await;
    let request = ReopenGrievanceRequest {
        id: raised.id.clone(),
        comments: None,
    };
    let reopened = told(desk.grievances().reopen_grievance(desk.by(&asha, request)).await).unwrap();
    assert!(!reopened.overdue);
    desk.world.clock.advance(Duration::hours(25));
    desk.told_times(OVERDUE, 2).await;
}
