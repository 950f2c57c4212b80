//! Accounts follow their records.

use kit::testing::World;
use proto::{
    auth::{AccountRecordState, ListUsersRequest, Reservation, UpdateUserRequest},
    options::Role,
};
use tonic::Code;

use crate::{
    accounts_desk::{invited, record, student},
    hostel::{ADMIN, Hostel, PASSWORD, code, config},
    key::key,
};

#[tokio::test]
async fn who_has_no_password_is_invited_once_active() {
    let hostel = Hostel::open().await;
    let asha = invited(&hostel, 1);
    hostel.reserve(std::slice::from_ref(&asha)).await;
    assert_eq!(hostel.count("letter").await, 0);
    for _ in 0..2 {
        hostel.conform(&asha, 1, AccountRecordState::Active).await;
    }
    let otp = hostel.mailed_code(&asha.email, 1).await;
    hostel.reset(&asha.email, &otp, PASSWORD).await.unwrap();
    hostel.login(&asha.email).await;
    assert_eq!(hostel.mails_to(&asha.email).len(), 1);
    assert_eq!(hostel.events("user.created").await.len(), 2);
}

#[tokio::test]
async fn a_record_without_an_account_gets_one_without_a_letter() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let (asha, bilal) = (student(&hostel, 1), student(&hostel, 2));
    let records = vec![
        record(&asha, 7, AccountRecordState::Active),
        record(&bilal, 3, AccountRecordState::Deactivated),
    ];
    hostel.try_conform(records).await.unwrap();
    assert!(hostel.user(&admin, &asha.id).await.unwrap().is_active);
    assert!(!hostel.user(&admin, &bilal.id).await.unwrap().is_active);
    hostel.no_letter_waits().await;
    assert!(hostel.mails_to(&asha.email).is_empty());
    hostel.forgot(&asha.registration_no).await;
    let otp = hostel.mailed_code(&asha.email, 1).await;
    hostel.reset(&asha.email, &otp, PASSWORD).await.unwrap();
    hostel.login(&asha.email).await;
}

#[tokio::test]
async fn deactivated_and_back_again() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let asha = student(&hostel, 1);
    hostel.enrol(&asha).await;
    let signed_in = hostel.sign_in(&asha.email).await;
    hostel.conform(&asha, 2, AccountRecordState::Deactivated).await;
    assert_eq!(code(hostel.me(signed_in.access_token()).await).0, Code::Unauthenticated);
    assert!(hostel.refresh(signed_in.refresh_token()).await.is_err());
    assert_eq!(
        code(hostel.try_login(&asha.email, PASSWORD).await).1,
        "INVALID_CREDENTIALS"
    );
    // Too late to matter.
    hostel.conform(&asha, 1, AccountRecordState::Active).await;
    assert!(!hostel.user(&admin, &asha.id).await.unwrap().is_active);

    let renamed = Reservation {
        name: "Asha V.".to_owned(),
        ..asha.clone()
    };
    hostel.conform(&renamed, 3, AccountRecordState::Active).await;
    hostel.login(&asha.email).await;
    assert_eq!(hostel.user(&admin, &asha.id).await.unwrap().name, "Asha V.");
    let story = [
        "created",
        "signed_in",
        "deactivated",
        "sessions_ended",
        "sign_in_failed",
        "updated",
        "signed_in",
    ];
    assert_eq!(hostel.story(&asha.id).await, story);
}

#[tokio::test]
async fn whoever_manages_accounts_is_sent_to_the_record() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let asha = student(&hostel, 1);
    hostel.enrol(&asha).await;
    let before = hostel.user(&admin, &asha.id).await.unwrap();
    let change = |name: Option<&str>, is_active| UpdateUserRequest {
        id: asha.id.clone(),
        name: name.map(str::to_owned),
        is_active,
    };
    for refused in [
        hostel.update(&admin, change(Some("Asha V."), None)).await,
        hostel.update(&admin, change(None, Some(false))).await,
        hostel.deactivate(&admin, &asha.id).await,
    ] {
        let fault = refused.unwrap_err();
        assert_eq!((fault.kind.http(), &*fault.reason), (422, "FOLLOWS_RECORD"));
        assert!(fault.message.contains("change the record"), "{fault}");
    }
    let same = hostel.update(&admin, change(Some(&asha.name), Some(true))).await;
    assert_eq!(same.unwrap(), before, "nothing is asked for");
    assert_eq!(hostel.user(&admin, &asha.id).await.unwrap(), before);
    hostel.conform(&asha, 2, AccountRecordState::Deactivated).await;
    let refused = hostel.update(&admin, change(None, Some(true))).await.unwrap_err();
    assert_eq!(refused.reason, "FOLLOWS_RECORD");
    // An account that stands for no record is managed here, whatever its role.
    let free = hostel.create(&admin, "free@x.example", Role::Student).await;
    assert!(!hostel.deactivate(&admin, &free.id).await.unwrap().is_active);
}

#[tokio::test]
async fn what_is_not_followed_by_a_record_is_given_back() {
    let hostel = Hostel::open().await;
    let (asha, bilal) = (student(&hostel, 1), student(&hostel, 2));
    hostel.reserve(std::slice::from_ref(&asha)).await;
    hostel.enrol(&bilal).await;
    for _ in 0..2 {
        let gone = [&asha, &bilal].map(|one| record(one, 0, AccountRecordState::Gone));
        hostel.try_conform(gone.into()).await.unwrap();
    }
    hostel.login(&bilal.email).await;
    assert_eq!(hostel.count("user_account").await, 2);
    assert_eq!(hostel.count("password_history").await, 2);
    let other = Reservation {
        id: hostel.world.clock.new_id().to_string(),
        ..asha
    };
    hostel.enrol(&other).await;
    hostel.login(&other.email).await;
}

#[tokio::test]
async fn accounts_of_others_are_never_touched() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let guard = hostel.create(&admin, "guard@x.example", Role::Guard).await;
    let mut odd = student(&hostel, 1);
    odd.id.clone_from(&guard.id);
    let outcomes = hostel.try_reserve(vec![odd.clone()]).await.unwrap();
    assert_eq!(outcomes[0].field(), "id");
    for state in [
        AccountRecordState::Active,
        AccountRecordState::Deactivated,
        AccountRecordState::Erased,
        AccountRecordState::Gone,
    ] {
        hostel.conform(&odd, 9, state).await;
    }
    assert_eq!(hostel.user(&admin, &guard.id).await.unwrap(), guard);
    hostel.login("guard@x.example").await;
}

#[tokio::test]
async fn an_address_of_somebody_else_is_not_taken_away_and_the_others_go_on() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let (asha, bilal) = (student(&hostel, 1), student(&hostel, 2));
    hostel.enrol(&asha).await;
    hostel.enrol(&bilal).await;
    let mut odd = record(&asha, 2, AccountRecordState::Active);
    odd.email.clone_from(&bilal.email);
    let mut good = record(&bilal, 2, AccountRecordState::Active);
    good.name = "Bilal K.".to_owned();
    let fault = hostel.try_conform(vec![odd, good]).await.unwrap_err();
    assert_eq!(
        (fault.reason.as_ref(), fault.details["id"].as_str()),
        ("CONFLICT", Some(&*asha.id))
    );
    assert_eq!(hostel.user(&admin, &asha.id).await.unwrap().email, asha.email);
    assert_eq!(hostel.user(&admin, &bilal.id).await.unwrap().name, "Bilal K.");
}

#[tokio::test]
async fn all_at_once_is_done_once() {
    let hostel = Hostel::open().await;
    let all: Vec<_> = (0..20).map(|number| invited(&hostel, number)).collect();
    hostel.reserve(&all).await;
    let tries = (0..8).map(|rotation| {
        let mut records: Vec<_> = all
            .iter()
            .map(|one| record(one, 1, AccountRecordState::Active))
            .collect();
        records.rotate_left(rotation);
        hostel.try_conform(records)
    });
    for outcome in futures_util::future::join_all(tries).await {
        outcome.unwrap();
    }
    assert_eq!(hostel.events("user.created").await.len(), 21);
    let admin = hostel.login(ADMIN).await;
    assert_eq!(hostel.list(&admin, ListUsersRequest::default()).await.1, 21);
}

#[tokio::test]
async fn keys_end_with_the_account() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let asha = student(&hostel, 1);
    hostel.enrol(&asha).await;
    let refused = hostel.change_role(&admin, &asha.id, Role::Admin).await.unwrap_err();
    assert_eq!(refused.reason, "FOLLOWS_RECORD", "else nobody could erase her");
    // Once she was somebody who may have keys.
    let id: uuid::Uuid = asha.id.parse().unwrap();
    let is_now = async |role: &str| {
        let sql = format!("UPDATE user_account SET role = '{role}' WHERE id = $1");
        assert_eq!(hostel.write(&sql, [id.into()]).await, 1);
    };
    is_now("admin").await;
    let token = hostel.login(&asha.email).await;
    let (secret, _) = hostel.create_key(&token, key(Role::Guard, &[])).await;
    is_now("student").await;
    hostel.conform(&asha, 2, AccountRecordState::Deactivated).await;
    assert!(hostel.exchange(&secret).await.is_err());
    assert_eq!(hostel.count("api_key WHERE revoked_at IS NULL").await, 0);
}

#[tokio::test]
async fn the_schema_goes_back_and_forth() {
    use sea_orm_migration::MigratorTrait as _;

    let hostel = Hostel::open().await;
    hostel.enrol(&student(&hostel, 1)).await;
    hostel.reserve(&[student(&hostel, 2)]).await;
    let stores = hostel.world.stop().await;
    let place = stores.config();
    let db = kit::service::open_database(&place, &place.base.stores().unwrap(), "auth")
        .await
        .unwrap();
    auth::Migrator::down(db.reader(), Some(1)).await.unwrap();
    db.close().await.unwrap();
    let hostel = Hostel {
        world: World::on::<auth::Auth>(stores, config()).await,
    };
    hostel.login("student1@x.example").await;
    assert_eq!(hostel.count("user_account").await, 2);
}

#[tokio::test]
async fn the_demo_says_whose_id_is_which_also_when_it_is_there_already() {
    let nobody = auth::Config {
        admin_email: None,
        admin_password: None,
        ..config()
    };
    let hostel = Hostel::open_with(nobody.clone()).await;
    let (service, _) = hostel.world.host.create_with::<auth::Auth>(nobody).await.unwrap();
    let account = |email: &str, role| auth::NewAccount {
        email: email.to_owned(),
        name: "Some Body".to_owned(),
        role,
        registration_no: None,
    };
    let all = vec![
        account("Admin@demo.example", Role::Admin),
        account("asha@demo.example", Role::Student),
    ];
    let ids = service.seed(all.clone(), PASSWORD).await.unwrap();
    assert_eq!(service.seed(all, PASSWORD).await.unwrap(), ids);
    for (email, id) in ids {
        let token = hostel.login(&email).await;
        assert_eq!(hostel.me(&token).await.unwrap().id, id.to_string());
    }
}
