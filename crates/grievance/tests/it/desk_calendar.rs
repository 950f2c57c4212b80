//! When a grievance is due where nobody works at night: over weekends, holidays, questions, and the nights in which clocks are changed.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Europe;
use grievance::{Config, Workdays};
use kit::testing::TestStores;
use proto::grievance::{Grievance, GrievancePriority, UpdateGrievanceRequest};

use crate::{deeds::at, desk::Desk};

/// A hostel in Berlin that works from nine to five, Monday to Friday; what is urgent is due in two hours.
async fn berlin() -> Desk {
    let days = ["mon", "tue", "wed", "thu", "fri"];
    let config = Config {
        high_hours: 2,
        medium_hours: 16,
        calendar: Workdays {
            begins: "09:00".to_owned(),
            ends: "17:00".to_owned(),
            days: days.map(str::to_owned).to_vec(),
            holidays: vec!["2027-11-01".parse().unwrap()],
        },
        ..Config::default()
    };
    Desk::open_beside(TestStores::in_zone(Europe::Berlin), config, Vec::new()).await
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn due(told: &Grievance) -> DateTime<Utc> {
    at(told.due_at).unwrap()
}

impl Desk {
    fn advance_to(&self, text: &str) {
        let clock = &self.world.clock;
        clock.advance(utc(text) - clock.now());
    }
}

#[tokio::test]
async fn over_the_weekend_in_which_clocks_are_put_forward() {
    let desk = berlin().await;
    let (asha, warden) = (desk.student(1).await, desk.warden_known());
    // A Friday, four in Berlin. On Monday ten is an hour earlier than it would have been.
    desk.advance_to("2027-03-26T15:00:00Z");
    let raised = desk.raise(&asha).await;
    assert_eq!(due(&raised), utc("2027-03-29T08:00:00Z"));
    desk.advance_to("2027-03-29T08:00:00Z");
    assert!(!desk.get(&warden, &raised.id).await.unwrap().overdue);
    desk.world.clock.advance(Duration::seconds(1));
    assert!(desk.get(&warden, &raised.id).await.unwrap().overdue);
}

#[tokio::test]
async fn over_the_weekend_in_which_clocks_are_put_back_and_a_holiday() {
    let desk = berlin().await;
    let asha = desk.student(1).await;
    desk.advance_to("2027-10-29T14:00:00Z");
    let raised = desk.raise(&asha).await;
    // Monday is a holiday.
    assert_eq!(due(&raised), utc("2027-11-02T09:00:00Z"));
}

#[tokio::test]
async fn while_it_waits_only_working_time_is_lost() {
    let desk = berlin().await;
    let (asha, warden) = (desk.student(1).await, desk.warden_known());
    desk.advance_to("2027-03-26T15:00:00Z");
    let raised = desk.raise(&asha).await;
    // From half past four on Friday to half past nine on Monday an hour is worked.
    desk.advance_to("2027-03-26T15:30:00Z");
    desk.ask(&warden, &raised.id, "Are you in?").await.unwrap();
    desk.advance_to("2027-03-29T07:30:00Z");
    desk.say(&asha, &raised.id, "Yes.").await.unwrap();
    let told = desk.get(&asha, &raised.id).await.unwrap();
    assert_eq!(due(&told), utc("2027-03-29T09:00:00Z"));
    // A second question takes the half hour until its answer.
    desk.advance_to("2027-03-29T08:00:00Z");
    desk.ask(&warden, &raised.id, "Sure?").await.unwrap();
    desk.world.clock.advance(Duration::minutes(30));
    desk.say(&asha, &raised.id, "Sure.").await.unwrap();
    let told = desk.get(&asha, &raised.id).await.unwrap();
    assert_eq!(due(&told), utc("2027-03-29T09:30:00Z"));
}

#[tokio::test]
async fn another_priority_is_reckoned_from_the_beginning_and_without_the_waiting() {
    let desk = berlin().await;
    let (asha, warden) = (desk.student(1).await, desk.warden_known());
    desk.advance_to("2027-03-26T15:00:00Z");
    let raised = desk.raise(&asha).await;
    desk.ask(&warden, &raised.id, "Are you in?").await.unwrap();
    desk.advance_to("2027-03-29T08:00:00Z");
    desk.say(&asha, &raised.id, "Yes.").await.unwrap();
    let medium = UpdateGrievanceRequest {
        priority: Some("medium".to_owned()),
        ..UpdateGrievanceRequest::default()
    };
    let changed = desk.change(&warden, &raised.id, medium).await.unwrap();
    assert_eq!(changed.priority(), GrievancePriority::Medium);
    // It waited for two hours; of sixteen there are seven on Monday, eight on Tuesday, one on Wednesday.
    assert_eq!(due(&changed), utc("2027-03-31T08:00:00Z"));
}
