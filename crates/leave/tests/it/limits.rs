//! How many requests may wait, how far ahead they may begin, how often a guardian is written to.

use futures_util::future::join_all;
use leave::{Config, domain::Rules};
use proto::leave::{ExtendLeaveRequest, RequestLeaveRequest};

use crate::{
    guardians::{PARENT, set},
    hostel::{Hostel, reason, told, wrong_fields},
};

const MANY: u64 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_requests_at_once_so_many_wait_as_may() {
    let hostel = Hostel::open_with(Config {
        most_pending: 5,
        ..Config::default()
    })
    .await;
    let (asha, ravi) = (hostel.student(1, "A").await, hostel.student(2, "A").await);
    let asking = (0..MANY).map(|number| {
        let (hostel, asha) = (&hostel, &asha);
        async move { hostel.ask(asha, hostel.home(number * 3, number * 3 + 1)).await }
    });
    let answers = join_all(asking).await;
    let (asked, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((asked.len(), refused.len()), (5, 5));
    for refused in refused {
        let refused = refused.unwrap_err();
        assert_eq!(
            (refused.reason.as_ref(), refused.kind.http()),
            ("TOO_MANY_PENDING", 422)
        );
        assert_eq!(refused.details["most"], 5);
    }
    assert_eq!((hostel.count("leave").await, hostel.count("leave_day").await), (5, 10));
    // Another student has places of their own; what is decided or taken back has none.
    hostel.ask(&ravi, hostel.home(0, 1)).await.unwrap();
    let ids: Vec<String> = asked.into_iter().map(|leave| leave.unwrap().id).collect();
    hostel.approve(&ids[0]).await.unwrap();
    hostel.reject(&ids[1]).await.unwrap();
    hostel.cancel(&asha, &ids[2]).await.unwrap();
    for number in 0..3 {
        hostel.ask(&asha, hostel.home(60 + number, 60 + number)).await.unwrap();
    }
    assert_eq!(reason(hostel.ask(&asha, hostel.home(70, 70)).await), "TOO_MANY_PENDING");
}

#[tokio::test]
async fn an_extension_takes_a_place_among_those_that_wait() {
    let hostel = Hostel::open_with(Config {
        most_pending: 1,
        ..Config::default()
    })
    .await;
    let asha = hostel.student(1, "A").await;
    let leave = hostel.granted(&asha, 0, 1).await;
    let other = hostel.ask(&asha, hostel.home(8, 9)).await.unwrap();
    let more = ExtendLeaveRequest {
        id: leave.id.clone(),
        to_date: hostel.in_days(3).to_string(),
        ..ExtendLeaveRequest::default()
    };
    let extend = async || {
        told(
            hostel
                .extensions()
                .extend_leave(hostel.by_student(&asha, more.clone()))
                .await,
        )
    };
    assert_eq!(reason(extend().await), "TOO_MANY_PENDING");
    hostel.cancel(&asha, &other.id).await.unwrap();
    extend().await.unwrap();
    assert_eq!(reason(hostel.ask(&asha, hostel.home(8, 9)).await), "TOO_MANY_PENDING");
}

#[tokio::test]
async fn a_leave_begins_no_further_ahead_than_it_may() {
    let hostel = Hostel::open_with(Config {
        ahead_days: 30,
        ..Config::default()
    })
    .await;
    let asha = hostel.student(1, "A").await;
    for retroactive in [None, Some(true)] {
        let far = RequestLeaveRequest {
            retroactive,
            ..hostel.home(31, 31)
        };
        assert_eq!(wrong_fields(hostel.ask(&asha, far).await), ["from_date"]);
    }
    let last = hostel.ask(&asha, hostel.home(30, 40)).await.unwrap();
    assert_eq!(last.from_date, hostel.in_days(30).to_string());
}

#[tokio::test]
async fn unless_the_installation_says_otherwise_it_is_ten_years() {
    let hostel = Hostel::open().await;
    let asha = hostel.student(1, "A").await;
    assert_eq!(
        wrong_fields(hostel.ask(&asha, hostel.home(3654, 3654)).await),
        ["from_date"]
    );
    hostel.ask(&asha, hostel.home(3653, 3654)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_guardian_gets_so_many_letters_a_day() {
    let mut config = Config {
        letters_a_day: 3,
        ..Config::default()
    };
    config.types.home = Rules {
        guardian: true,
        ..Rules::default()
    };
    let hostel = Hostel::open_with(config).await;
    let (asha, ravi) = (hostel.student(1, "A").await, hostel.student(2, "A").await);
    for pupil in [&asha, &ravi] {
        set(&hostel, pupil.id, PARENT).await.unwrap();
    }
    let asking = (0..5).map(|number| {
        let (hostel, asha) = (&hostel, &asha);
        async move { hostel.ask(asha, hostel.home(number * 3 + 3, number * 3 + 4)).await }
    });
    let answers = join_all(asking).await;
    let (asked, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((asked.len(), refused.len()), (3, 2));
    for refused in refused {
        let refused = refused.unwrap_err();
        assert_eq!(
            (refused.reason.as_ref(), refused.kind.http()),
            ("TOO_MANY_LETTERS", 422)
        );
        assert_eq!(refused.details["most"], 3);
    }
    // Nothing is left of what was refused, nor of another address to ask at.
    assert_eq!(
        (hostel.count("leave").await, hostel.count("guardian_link").await),
        (3, 3)
    );
    assert_eq!(
        reason(set(&hostel, asha.id, "other@family.example").await),
        "TOO_MANY_LETTERS"
    );
    assert_eq!(hostel.told("guardian.changed").await.len(), 2);
    hostel.ask(&ravi, hostel.home(3, 4)).await.unwrap();

    // The hostel's next day is another day.
    let midnight = hostel.in_days(1).and_hms_opt(0, 0, 0).unwrap() - chrono::TimeDelta::minutes(330);
    hostel
        .world
        .clock
        .advance(midnight.and_utc() - hostel.world.clock.now());
    set(&hostel, asha.id, "other@family.example").await.unwrap();
    assert_eq!(hostel.count("guardian_link").await, 3 + 1 + 3);
}
