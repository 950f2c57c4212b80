//! Reserving accounts for records to come: nobody else gets their addresses, and nobody can use them yet.

use std::time::Instant;

use auth::Config;
use futures_util::future::join_all;
use proto::{
    auth::{AccountRecordState, ListUsersRequest, Reservation},
    options::Role,
};
use tonic::Code;

use crate::{
    accounts_desk::{invited, record, refusal, student},
    hostel::{ADMIN, Hostel, PASSWORD, code, config, somebody},
    people::told,
};

#[tokio::test]
async fn a_reserved_account_is_there_for_nobody_until_its_record_is() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let asha = student(&hostel, 1);
    hostel.reserve(std::slice::from_ref(&asha)).await;

    for name in [&asha.email, &asha.registration_no] {
        assert_eq!(code(hostel.try_login(name, PASSWORD).await).1, "INVALID_CREDENTIALS");
        hostel.forgot(name).await;
    }
    hostel.no_letter_waits().await;
    assert!(hostel.mails_to(&asha.email).is_empty());
    assert_eq!(code(hostel.user(&admin, &asha.id).await).0, Code::NotFound);
    assert_eq!(code(hostel.invite(&admin, &asha.id).await).0, Code::NotFound);
    assert_eq!(code(hostel.deactivate(&admin, &asha.id).await).0, Code::NotFound);
    let found = ListUsersRequest {
        search: Some("student".to_owned()),
        ..ListUsersRequest::default()
    };
    assert_eq!(hostel.list(&admin, found).await, (Vec::new(), 0));
    assert_eq!(hostel.list(&admin, ListUsersRequest::default()).await.1, 1);
    assert!(hostel.story(&asha.id).await.is_empty());
    let failed = hostel.events("user.sign_in_failed").await;
    assert!(
        failed.iter().all(|event| event["data"]["user_id"].is_null()),
        "{failed:?}"
    );
    let refused = hostel
        .try_create(&admin, somebody("Student1@X.example", Role::Guard))
        .await;
    assert_eq!(code(refused).1, "CONFLICT");

    hostel.conform(&asha, 1, AccountRecordState::Active).await;
    let token = hostel.login(&asha.registration_no).await;
    let me = hostel.me(&token).await.unwrap();
    assert_eq!((me.role(), me.id, me.name), (Role::Student, asha.id.clone(), asha.name));
    assert_eq!(hostel.story(&asha.id).await, ["created", "signed_in"]);
    assert_eq!(
        hostel.events("user.created").await.last().unwrap()["data"]["user"]["is_active"],
        true
    );
}

#[tokio::test]
async fn reserved_accounts_are_no_users_for_the_first_administrator() {
    let nobody = Config {
        admin_email: None,
        admin_password: None,
        ..config()
    };
    let hostel = Hostel::open_with(nobody).await;
    hostel.reserve(&[invited(&hostel, 1)]).await;
    let stores = hostel.world.stop().await;
    let hostel = Hostel {
        world: kit::testing::World::on::<auth::Auth>(stores, config()).await,
    };
    hostel.login(ADMIN).await;
}

#[tokio::test]
async fn what_is_wrong_is_said_of_each_and_stops_no_other() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    hostel.create(&admin, "taken@x.example", Role::Guard).await;
    let with = |number, change: fn(&mut Reservation)| {
        let mut one = invited(&hostel, number);
        change(&mut one);
        one
    };
    let twice = invited(&hostel, 7);
    let all = vec![
        with(1, |one| one.email = "TAKEN@x.example".to_owned()),
        with(2, |one| one.email = "no address".to_owned()),
        with(3, |one| one.registration_no = "REG 3".to_owned()),
        with(4, |one| one.name = " ".to_owned()),
        with(5, |one| one.password = Some("short".to_owned())),
        with(6, |_| ()),
        twice.clone(),
        twice,
        with(8, |one| one.email = "Student6@x.example".to_owned()),
        with(9, |one| one.registration_no = "reg-6".to_owned()),
    ];
    let outcomes = hostel.try_reserve(all.clone()).await.unwrap();
    let expected = [
        Some(("email", true)),
        Some(("email", false)),
        Some(("registration_no", false)),
        Some(("name", false)),
        Some(("password", false)),
        None,
        None,
        Some(("id", false)),
        Some(("email", true)),
        Some(("registration_no", true)),
    ];
    assert_eq!(outcomes.iter().map(refusal).collect::<Vec<_>>(), expected);
    assert!(outcomes.iter().zip(&all).all(|(outcome, one)| outcome.id == one.id));
    assert_eq!(hostel.count("user_account").await, 4);
    assert_eq!(hostel.count("password_history").await, 2);
}

#[tokio::test]
async fn a_request_that_makes_no_sense_changes_nothing() {
    let hostel = Hostel::open().await;
    let mut odd = invited(&hostel, 1);
    odd.id = "1".to_owned();
    let fault = hostel.try_reserve(vec![odd.clone()]).await.unwrap_err();
    assert_eq!(fault.violations[0].field, "reservations[0].id");
    let many = (0..501).map(|number| invited(&hostel, number)).collect();
    assert_eq!(code(hostel.try_reserve(many).await).0, Code::InvalidArgument);
    let unsaid = record(&invited(&hostel, 1), 1, AccountRecordState::Unspecified);
    let fault = hostel.try_conform(vec![unsaid]).await.unwrap_err();
    assert_eq!(fault.violations[0].field, "records[0].state");
    assert_eq!(hostel.count("user_account").await, 1);
    let admin = hostel.login(ADMIN).await;
    let request = proto::auth::ConformAccountsRequest::default();
    let mut people = proto::auth::accounts_client::AccountsClient::new(hostel.world.channel.clone());
    let refused = told(people.conform_accounts(hostel.world.request(&admin, request)).await);
    assert_eq!(code(refused).0, Code::PermissionDenied);
}

#[tokio::test]
async fn of_eight_who_want_the_same_address_or_number_one_gets_it() {
    let hostel = Hostel::open().await;
    for (round, field) in ["email", "registration_no"].into_iter().enumerate() {
        let tries = (0..8).map(|number| {
            let mut one = invited(&hostel, 10 * round + number);
            match field {
                "email" => one.email = "Same@x.example".to_owned(),
                _ => one.registration_no = "same-1".to_owned(),
            }
            // Others beside it, in another order each time.
            let mut all: Vec<_> = (0..20)
                .map(|other| invited(&hostel, 1000 * (round + 1) + other))
                .collect();
            all.rotate_left(number);
            all.insert(number, one);
            hostel.try_reserve(all)
        });
        let outcomes: Vec<_> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
        let same = |number: usize| refusal(&outcomes[number][number]);
        let won = (0..8).filter(|number| same(*number).is_none()).count();
        assert_eq!(won, 1, "{field}");
        assert!((0..8).all(|number| same(number).is_none_or(|refused| refused == (field, true))));
        let reserved = outcomes
            .iter()
            .flatten()
            .filter(|outcome| outcome.field.is_none())
            .count();
        assert_eq!(reserved, 21, "everybody else is there once");
    }
}

#[tokio::test]
async fn the_same_reservation_again_takes_the_new_address_and_nothing_else() {
    let hostel = Hostel::open().await;
    let asha = student(&hostel, 1);
    hostel.reserve(&[asha.clone(), invited(&hostel, 2)]).await;
    hostel.reserve(std::slice::from_ref(&asha)).await;
    let mut moved = Reservation {
        email: "asha@x.example".to_owned(),
        registration_no: "REG-100".to_owned(),
        password: Some("Copper#41kettle".to_owned()),
        ..asha.clone()
    };
    hostel.reserve(std::slice::from_ref(&moved)).await;
    // What it had before is anybody's again, and what others have is refused.
    hostel
        .reserve(&[Reservation {
            id: hostel.world.clock.new_id().to_string(),
            ..asha.clone()
        }])
        .await;
    moved.email = "student2@x.example".to_owned();
    let outcomes = hostel.try_reserve(vec![moved.clone()]).await.unwrap();
    assert_eq!(refusal(&outcomes[0]), Some(("email", true)));
    moved.email = "asha@x.example".to_owned();
    moved.registration_no = "reg-2".to_owned();
    let outcomes = hostel.try_reserve(vec![moved.clone()]).await.unwrap();
    assert_eq!(refusal(&outcomes[0]), Some(("registration_no", true)));
    moved.registration_no = "REG-100".to_owned();
    hostel.conform(&moved, 1, AccountRecordState::Active).await;
    hostel.try_login("reg-100", PASSWORD).await.unwrap();
    assert_eq!(hostel.count("password_history").await, 3);
}

#[tokio::test]
async fn somebody_who_is_there_is_given_the_new_address_ahead_of_the_record() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let asha = student(&hostel, 1);
    hostel.enrol(&asha).await;
    let moved = Reservation {
        email: "asha@x.example".to_owned(),
        name: "Not yet".to_owned(),
        ..asha.clone()
    };
    hostel.reserve(std::slice::from_ref(&moved)).await;
    hostel.login("asha@x.example").await;
    assert_eq!(
        code(hostel.try_login(&asha.email, PASSWORD).await).1,
        "INVALID_CREDENTIALS"
    );
    assert_eq!(hostel.user(&admin, &asha.id).await.unwrap().name, asha.name);

    // The record's next version never came: what was is back.
    hostel.conform(&asha, 1, AccountRecordState::Active).await;
    hostel.login(&asha.email).await;
    assert_eq!(
        code(hostel.try_login("asha@x.example", PASSWORD).await).1,
        "INVALID_CREDENTIALS"
    );
    // It came.
    hostel.reserve(std::slice::from_ref(&moved)).await;
    hostel.conform(&moved, 2, AccountRecordState::Active).await;
    assert_eq!(hostel.user(&admin, &asha.id).await.unwrap().name, "Not yet");
    hostel.conform(&asha, 1, AccountRecordState::Active).await;
    hostel.conform(&asha, 2, AccountRecordState::Active).await;
    hostel.login("asha@x.example").await;
    let story = [
        "created",
        "updated",
        "signed_in",
        "updated",
        "signed_in",
        "updated",
        "updated",
        "signed_in",
    ];
    assert_eq!(hostel.story(&asha.id).await, story);
}

#[tokio::test]
async fn five_thousand_are_reserved_and_activated_in_no_time() {
    let hostel = Hostel::open().await;
    let all: Vec<_> = (0..5000).map(|number| invited(&hostel, number)).collect();
    let begun = Instant::now();
    for batch in all.chunks(500) {
        hostel.reserve(batch).await;
    }
    let reserved = begun.elapsed();
    for batch in all.chunks(500) {
        let records = batch.iter().map(|one| record(one, 1, AccountRecordState::Active));
        hostel.try_conform(records.collect()).await.unwrap();
    }
    let conformed = begun.elapsed().checked_sub(reserved).unwrap();
    println!("reserved in {reserved:?}, active in {conformed:?}");
    assert_eq!(hostel.count("user_account WHERE is_active").await, 5001);
    assert_eq!(
        hostel.count("outbox WHERE kind = 'hostelpulse.user.created.v1'").await,
        5001
    );
    // Some seconds, many times over: a statement for each would take longer.
    assert!(reserved.as_secs() < 60 && conformed.as_secs() < 60);
}
