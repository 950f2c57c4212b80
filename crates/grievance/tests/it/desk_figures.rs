//! Numbers for whoever answers for the hostel.

use chrono::{DateTime, Duration, Utc};
use grievance::{Config, Workdays};
use kit::{Fault, fault::Kind};
use proto::grievance::{GetGrievanceFiguresRequest, GrievanceFigures, OpenByAge};

use crate::{
    desk::{Desk, Known, told},
    laid::Laid,
};

impl Desk {
    async fn figures_for(
        &self,
        known: &Known,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<GrievanceFigures, Fault> {
        let request = GetGrievanceFiguresRequest {
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        };
        told(self.figures().get_grievance_figures(self.by(known, request)).await)
    }

    async fn figures_of_warden(&self) -> GrievanceFigures {
        self.figures_for(&self.warden_known(), None, None).await.unwrap()
    }

    fn ago(&self, ago: Duration) -> DateTime<Utc> {
        self.world.clock.now() - ago
    }
}

fn ages(counts: [u64; 4]) -> OpenByAge {
    let [up_to_1_day, up_to_3_days, up_to_7_days, older] = counts;
    OpenByAge {
        up_to_1_day,
        up_to_3_days,
        up_to_7_days,
        older,
        total: counts.iter().sum(),
    }
}

#[tokio::test]
async fn a_hostel_without_grievances_has_no_times() {
    let desk = Desk::open().await;
    let figures = desk.figures_of_warden().await;
    assert_eq!(
        (figures.from.as_str(), figures.to.as_str()),
        ("2026-08-20", "2026-11-18")
    );
    assert_eq!(figures.open_by_age, Some(ages([0; 4])));
    let taken = figures.first_response.unwrap();
    assert_eq!((taken.count, taken.median_minutes, taken.p90_minutes), (0, None, None));
    assert!(figures.recurring_rooms.is_empty() && figures.open_by_category.is_empty());
}

#[tokio::test]
async fn what_is_open_is_counted_by_age_and_category() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let day = Duration::days(1);
    let moment = Duration::microseconds(1);
    let open = [
        ("electrical", Duration::zero()),
        ("electrical", day - moment),
        ("electrical", day),
        ("plumbing", day * 3 - moment),
        ("plumbing", day * 3),
        ("plumbing", day * 7 - moment),
        ("plumbing", day * 7),
        ("food", day * 400),
    ];
    for (number, (category, ago)) in (1..).zip(open) {
        let laid = Laid {
            category,
            raised_at: desk.ago(ago),
            due_at: (number % 2 == 0).then_some(desk.ago(moment)),
            ..Laid::of(&desk, &asha, number)
        };
        laid.lay(&desk).await;
    }
    let done = Laid {
        status: "resolved",
        resolved: Some((desk.warden, desk.world.clock.now())),
        due_at: None,
        ..Laid::of(&desk, &asha, 20)
    };
    done.lay(&desk).await;

    let figures = desk.figures_of_warden().await;
    assert_eq!(figures.open_by_age, Some(ages([2, 2, 2, 2])));
    let categories: Vec<_> = figures
        .open_by_category
        .iter()
        .map(|one| (one.category.as_str(), one.open.unwrap()))
        .collect();
    assert_eq!(
        categories,
        [
            ("electrical", ages([2, 1, 0, 0])),
            ("food", ages([0, 0, 0, 1])),
            ("plumbing", ages([0, 1, 2, 1])),
        ]
    );
    assert_eq!(figures.overdue, 4);
}

#[tokio::test]
async fn half_and_nine_in_ten_of_the_times() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    for number in 1..=10 {
        let raised_at = desk.ago(Duration::days(number));
        let laid = Laid {
            status: "resolved",
            raised_at,
            due_at: None,
            first_response_at: Some(raised_at + Duration::minutes(number)),
            resolved: Some((desk.warden, raised_at + Duration::minutes(number * 10))),
            ..Laid::of(&desk, &asha, number)
        };
        let id = laid.lay(&desk).await;
        // It waited for the student for half of the time.
        desk.write(
            "INSERT INTO pause (id, ticket_id, began_at, ended_at) VALUES ($1, $2, $3, $4)",
            [
                desk.world.clock.new_id().into(),
                id.into(),
                (raised_at + Duration::minutes(number * 5)).into(),
                (raised_at + Duration::minutes(number * 10)).into(),
            ],
        )
        .await;
    }
    // Nobody said anything about this one yet.
    Laid::of(&desk, &asha, 11).lay(&desk).await;
    let figures = desk.figures_of_warden().await;
    let (response, resolution) = (figures.first_response.unwrap(), figures.resolution.unwrap());
    assert_eq!(
        (response.count, response.median_minutes, response.p90_minutes),
        (10, Some(5.0), Some(9.0))
    );
    assert_eq!(
        (resolution.count, resolution.median_minutes, resolution.p90_minutes),
        (10, Some(25.0), Some(45.0))
    );
}

#[tokio::test]
async fn times_are_working_time() {
    let config = Config {
        calendar: Workdays {
            begins: "09:00".to_owned(),
            ends: "17:00".to_owned(),
            ..Workdays::default()
        },
        ..Config::default()
    };
    let desk = Desk::open_with(config).await;
    let asha = desk.student(1).await;
    // Raised at four in the afternoon, resolved at ten the next morning.
    let raised_at: DateTime<Utc> = "2026-11-16T10:30:00Z".parse().unwrap();
    let laid = Laid {
        status: "resolved",
        raised_at,
        due_at: None,
        resolved: Some((desk.warden, raised_at + Duration::hours(18))),
        ..Laid::of(&desk, &asha, 1)
    };
    laid.lay(&desk).await;
    let resolution = desk.figures_of_warden().await.resolution.unwrap();
    assert_eq!(resolution.median_minutes, Some(120.0));
}

#[tokio::test]
async fn a_day_is_the_hostels_day() {
    let desk = Desk::open().await;
    let (asha, warden) = (desk.student(1).await, desk.warden_known());
    // The first moment of the 10th in Kolkata, and the last.
    for (number, raised_at) in (1..).zip(["2026-11-09T18:30:00Z", "2026-11-10T18:29:59Z"]) {
        let raised_at: DateTime<Utc> = raised_at.parse().unwrap();
        let laid = Laid {
            raised_at,
            first_response_at: Some(raised_at + Duration::minutes(1)),
            ..Laid::of(&desk, &asha, number)
        };
        laid.lay(&desk).await;
    }
    for (from, to, count) in [
        ("2026-11-10", "2026-11-10", 2),
        ("2026-11-01", "2026-11-09", 0),
        ("2026-11-11", "2026-11-18", 0),
    ] {
        let figures = desk.figures_for(&warden, Some(from), Some(to)).await.unwrap();
        assert_eq!(figures.first_response.unwrap().count, count, "{from} {to}");
    }
}

#[tokio::test]
async fn rooms_of_which_much_is_heard_are_named() {
    let desk = Desk::open().await;
    let asha = desk.student(1).await;
    let laid = [
        ("A-101", "electrical", 0),
        ("A-101", "plumbing", 10),
        ("A-101", "plumbing", 90),
        ("A-102", "food", 0),
        ("A-102", "food", 1),
        // Too long ago.
        ("A-102", "food", 91),
        ("A-103", "internet", 1),
        ("A-103", "internet", 2),
        ("A-103", "internet", 3),
        ("A-103", "internet", 4),
    ];
    for (number, (room_no, category, days)) in (1..).zip(laid) {
        let laid = Laid {
            room_no,
            category,
            raised_at: desk.ago(Duration::days(days)),
            ..Laid::of(&desk, &asha, number)
        };
        laid.lay(&desk).await;
    }
    let rooms = desk.figures_of_warden().await.recurring_rooms;
    let rooms: Vec<_> = rooms
        .iter()
        .map(|room| (room.room_no.as_str(), room.count, room.categories.join(" ")))
        .collect();
    assert_eq!(
        rooms,
        [
            ("A-103", 4, "internet".to_owned()),
            ("A-101", 3, "electrical plumbing".to_owned()),
        ]
    );
    // The same thing twice is one.
    desk.merge("GRV-2026-00001", "GRV-2026-00002").await.unwrap();
    assert_eq!(desk.figures_of_warden().await.recurring_rooms.len(), 1);
}

#[tokio::test]
async fn what_a_warden_may_not_see_is_not_counted_for_them() {
    let config = Config {
        sensitive_roles: vec!["admin".to_owned()],
        recurring_count: 2,
        ..Config::default()
    };
    let desk = Desk::open_with(config).await;
    let (asha, warden) = (desk.student(1).await, desk.warden_known());
    for number in 1..=2 {
        let laid = Laid {
            sensitive: true,
            due_at: Some(desk.ago(Duration::hours(1))),
            first_response_at: Some(desk.world.clock.now()),
            ..Laid::of(&desk, &asha, number)
        };
        laid.lay(&desk).await;
    }
    let admin = Known {
        id: desk.admin,
        role: proto::options::Role::Admin,
        ..warden.clone()
    };
    for (known, count) in [(&warden, 0), (&admin, 2)] {
        let figures = desk.figures_for(known, None, None).await.unwrap();
        assert_eq!(figures.open_by_age.unwrap().total, count);
        assert_eq!(figures.first_response.unwrap().count, count);
        assert_eq!(
            (figures.overdue, figures.recurring_rooms.len() as u64),
            (count, count / 2)
        );
    }
}

#[tokio::test]
async fn who_asks_for_a_strange_time_or_has_no_part_in_it_is_refused() {
    let desk = Desk::open().await;
    let warden = desk.warden_known();
    for (from, to, fields) in [
        (Some("yesterday"), Some("2026-13-01"), vec!["from", "to"]),
        (Some("2026-11-02"), Some("2026-11-01"), vec!["to"]),
        (Some("2020-01-01"), None, vec!["to"]),
        (None, Some("0000-01-01"), vec!["to"]),
    ] {
        let refused = desk.figures_for(&warden, from, to).await.unwrap_err();
        let wrong: Vec<_> = refused.violations.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(wrong, fields, "{refused:?}");
    }
    let (asha, ravi) = (desk.student(1).await, desk.staff("Ravi").await);
    for known in [&asha, &ravi] {
        let refused = desk.figures_for(known, None, None).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Forbidden);
    }
}
