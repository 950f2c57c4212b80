//! Who is erased is gone from every table, for good.

use auth::Auth;
use kit::testing::{World, contents};
use proto::{
    auth::{AccountRecordState, UpdateUserRequest},
    options::Role,
};

use crate::{
    accounts_desk::{refusal, student},
    factor::Phone,
    hostel::{ADMIN, Hostel, PASSWORD, code, config},
    mails::until,
    people::{Device, FIREFOX},
};

const AT_HOME: Device = Device(FIREFOX, "203.0.113.77");

impl Hostel {
    /// Everything that is in the database, as text, a line a row.
    async fn everything(&self) -> String {
        contents(self.world.db.reader()).await.join("\n")
    }

    /// As the relay notes it; a broker that nobody listens to takes nothing.
    async fn everything_is_published(&self) {
        let sql = "UPDATE outbox SET published_at = $1 WHERE published_at IS NULL";
        self.write(sql, [self.world.clock.now().into()]).await;
    }
}

#[tokio::test]
async fn nothing_tells_who_it_was() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let mut asha = student(&hostel, 1);
    asha.name = "Asha Verma".to_owned();
    hostel.enrol(&asha).await;
    let signed_in = hostel.try_login_on(AT_HOME, &asha.email, PASSWORD).await.unwrap();
    assert!(hostel.try_login_on(AT_HOME, &asha.email, "Wrong#2026x").await.is_err());
    let enrolment = hostel.set_up(signed_in.access_token(), PASSWORD, None).await.unwrap();
    let phone = Phone::scan(&enrolment);
    hostel
        .confirm(signed_in.access_token(), &phone.code(&hostel))
        .await
        .unwrap();
    hostel.forgot(&asha.email).await;
    hostel.mailed_code(&asha.email, 1).await;
    hostel.no_letter_waits().await;
    hostel.everything_is_published().await;
    let traces = ["Verma", "student1@x.example", "REG-1", "203.0.113.77", "Firefox"];
    let before = hostel.everything().await;
    for trace in traces {
        assert!(before.contains(trace), "{trace} was never there");
    }

    hostel.conform(&asha, 2, AccountRecordState::Erased).await;
    let after = hostel.everything().await;
    for trace in traces {
        let left: Vec<_> = after
            .lines()
            .filter(|line| line.to_lowercase().contains(&trace.to_lowercase()))
            .collect();
        assert!(left.is_empty(), "{trace} is left in {left:?}");
    }
    for table in [
        "device",
        "one_time_code",
        "second_factor",
        "recovery_code",
        "login_challenge",
        "letter",
    ] {
        assert_eq!(hostel.count(table).await, i64::from(table == "device"), "{table}");
    }
    assert_eq!(hostel.count("password_history").await, 1);
    let erased = hostel.user(&admin, &asha.id).await.unwrap();
    assert_eq!((erased.name.as_str(), erased.role()), ("Erased student", Role::Student));
    assert_eq!(erased.email, format!("erased-{}@erased.invalid", asha.id));
    assert_eq!(
        (erased.registration_no, erased.is_active, erased.last_login_at),
        (None, false, None)
    );
    assert!(hostel.me(signed_in.access_token()).await.is_err());
    assert!(hostel.refresh(signed_in.refresh_token()).await.is_err());
    let told = hostel.events("user.erased").await;
    assert_eq!(told[0]["data"], serde_json::json!({"user_id": asha.id}));
}

#[tokio::test]
async fn nothing_brings_somebody_back() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let asha = student(&hostel, 1);
    hostel.enrol(&asha).await;
    hostel.conform(&asha, 5, AccountRecordState::Erased).await;
    let erased = hostel.user(&admin, &asha.id).await.unwrap();
    for (version, state) in [
        (4, AccountRecordState::Active),
        (6, AccountRecordState::Active),
        (7, AccountRecordState::Deactivated),
        (0, AccountRecordState::Gone),
        (8, AccountRecordState::Erased),
    ] {
        hostel.conform(&asha, version, state).await;
    }
    let outcomes = hostel.try_reserve(vec![asha.clone()]).await.unwrap();
    assert_eq!(refusal(&outcomes[0]), Some(("id", false)));
    let back = UpdateUserRequest {
        id: asha.id.clone(),
        is_active: Some(true),
        ..UpdateUserRequest::default()
    };
    assert_eq!(code(hostel.update(&admin, back).await).1, "ERASED");
    assert_eq!(
        code(hostel.change_role(&admin, &asha.id, Role::Guard).await).1,
        "ERASED"
    );
    assert_eq!(hostel.user(&admin, &asha.id).await.unwrap(), erased);
    // The address and the number are anybody's.
    let mut other = student(&hostel, 1);
    other.name = "Another".to_owned();
    hostel.enrol(&other).await;
    hostel.login(&other.email).await;
}

#[tokio::test]
async fn who_was_erased_before_there_was_an_account_never_gets_one() {
    let hostel = Hostel::open().await;
    let (unknown, reserved) = (student(&hostel, 1), student(&hostel, 2));
    hostel.reserve(std::slice::from_ref(&reserved)).await;
    for one in [&unknown, &reserved] {
        hostel.conform(one, 2, AccountRecordState::Erased).await;
        hostel.conform(one, 1, AccountRecordState::Active).await;
        assert!(hostel.try_login(&one.email, PASSWORD).await.is_err());
    }
    assert_eq!(hostel.count("password_history").await, 1);
    assert_eq!(hostel.count("user_account WHERE erased_at IS NOT NULL").await, 2);
}

#[tokio::test]
async fn what_was_told_too_late_is_forgotten_within_the_hour() {
    let hostel = Hostel::open().await;
    let asha = student(&hostel, 1);
    hostel.enrol(&asha).await;
    hostel.login(&asha.email).await;
    hostel.conform(&asha, 2, AccountRecordState::Erased).await;
    hostel.everything_is_published().await;
    assert!(hostel.story(&asha.id).await.len() > 1);
    let (id, before): (uuid::Uuid, _) = (
        asha.id.parse().unwrap(),
        hostel.world.clock.now() - chrono::Duration::hours(1),
    );
    let sql = "UPDATE user_account SET erased_at = $1 WHERE id = $2";
    assert_eq!(hostel.write(sql, [before.into(), id.into()]).await, 1);
    // It tidies up when it starts.
    let stores = hostel.world.stop().await;
    let hostel = Hostel {
        world: World::on::<Auth>(stores, config()).await,
    };
    until("a short story", async || {
        (hostel.story(&asha.id).await == ["erased"]).then_some(())
    })
    .await;
}
