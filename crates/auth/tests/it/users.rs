//! Accounts.

use proto::{
    auth::{GetUserRequest, ListUsersRequest, UpdateUserRequest},
    options::Role,
};
use tonic::Code;

use crate::hostel::{ADMIN, Hostel, code, somebody};

#[tokio::test]
async fn a_created_user_signs_in() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let user = hostel.create(&admin, "Guard@Hostel.Example", Role::Guard).await;
    assert_eq!(
        (user.email.as_str(), user.role(), user.is_active),
        ("Guard@Hostel.Example", Role::Guard, true)
    );
    let token = hostel.login("guard@hostel.example").await;
    assert_eq!(hostel.me(&token).await.unwrap().id, user.id);
}

#[tokio::test]
async fn a_taken_address_is_a_conflict_also_for_many_at_once() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let tries = (0..10).map(|number| {
        let email = if number % 2 == 0 {
            "same@hostel.example"
        } else {
            "SAME@hostel.example"
        };
        hostel.try_create(&admin, somebody(email, Role::Staff))
    });
    let outcomes = futures_util::future::join_all(tries).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for fault in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(
            (fault.kind.grpc(), fault.details["field"].as_str()),
            (Code::AlreadyExists, Some("email"))
        );
    }
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let mut request = somebody("no address", Role::Unspecified);
    request.name = "\u{7}".to_owned();
    request.password = Some("short".to_owned());
    let fault = hostel.try_create(&admin, request).await.unwrap_err();
    let fields: Vec<_> = fault.violations.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields, ["email", "name", "role", "password"]);
}

#[tokio::test]
async fn nobody_manages_a_role_above_their_own() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    hostel.create(&admin, "warden@hostel.example", Role::Warden).await;
    let warden = hostel.login("warden@hostel.example").await;
    let create = hostel
        .try_create(&warden, somebody("x@hostel.example", Role::Admin))
        .await;
    assert_eq!(code(create).0, Code::PermissionDenied);
    let admin_id = hostel.me(&admin).await.unwrap().id;
    assert_eq!(
        code(hostel.deactivate(&warden, &admin_id).await).0,
        Code::PermissionDenied
    );
    assert!(
        hostel
            .try_create(&warden, somebody("y@hostel.example", Role::Warden))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_deactivated_user_is_out_at_once_and_comes_back_when_let() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let user = hostel.create(&admin, "staff@hostel.example", Role::Staff).await;
    let token = hostel.login("staff@hostel.example").await;
    assert!(hostel.me(&token).await.is_ok());
    assert!(!hostel.deactivate(&admin, &user.id).await.unwrap().is_active);
    assert_eq!(code(hostel.me(&token).await).0, Code::Unauthenticated);
    let back = UpdateUserRequest {
        id: user.id,
        name: None,
        is_active: Some(true),
    };
    assert!(hostel.update(&admin, back).await.unwrap().is_active);
    hostel.login("staff@hostel.example").await;
}

#[tokio::test]
async fn fields_that_are_left_out_stay() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let user = hostel.create(&admin, "a@hostel.example", Role::Teacher).await;
    hostel.world.clock.advance(chrono::Duration::seconds(5));
    let rename = UpdateUserRequest {
        id: user.id.clone(),
        name: Some("New Name".to_owned()),
        is_active: None,
    };
    let renamed = hostel.update(&admin, rename).await.unwrap();
    assert_eq!(
        (renamed.name.as_str(), renamed.is_active, renamed.role()),
        ("New Name", true, Role::Teacher)
    );
    assert_ne!(renamed.updated_at, user.updated_at);
    let nothing = UpdateUserRequest {
        id: user.id,
        name: None,
        is_active: None,
    };
    assert_eq!(hostel.update(&admin, nothing).await.unwrap(), renamed);
}

#[tokio::test]
async fn the_hostel_never_loses_its_last_administrator() {
    let hostel = Hostel::open().await;
    let first = hostel.login(ADMIN).await;
    let second_user = hostel.create(&first, "second@hostel.example", Role::Admin).await;
    let second = hostel.login("second@hostel.example").await;
    let first_id = hostel.me(&first).await.unwrap().id;
    assert_eq!(code(hostel.deactivate(&first, &first_id).await).1, "OWN_ACCOUNT");
    // Each deactivates the other at the same moment: one of them stays.
    let (one, other) = tokio::join!(
        hostel.deactivate(&first, &second_user.id),
        hostel.deactivate(&second, &first_id)
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
}

#[tokio::test]
async fn lists_are_sorted_filtered_and_paged() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    for (email, role) in [
        ("c_1@x.example", Role::Guard),
        ("b@x.example", Role::Staff),
        ("c%2@x.example", Role::Guard),
    ] {
        hostel.create(&admin, email, role).await;
    }
    let by_email = ListUsersRequest {
        sort_by: Some("email".to_owned()),
        order: Some("desc".to_owned()),
        ..ListUsersRequest::default()
    };
    let (emails, total) = hostel.list(&admin, by_email).await;
    assert_eq!(
        (emails, total),
        (
            vec![
                "c_1@x.example".into(),
                "c%2@x.example".into(),
                "b@x.example".into(),
                ADMIN.into()
            ],
            4
        )
    );
    let guards = ListUsersRequest {
        role: Some(Role::Guard.into()),
        limit: Some(1),
        page: Some(2),
        ..ListUsersRequest::default()
    };
    let (emails, total) = hostel.list(&admin, guards).await;
    assert_eq!((emails, total), (vec!["c%2@x.example".to_owned()], 2));
    // What a pattern means elsewhere means itself here.
    for (search, found) in [("c_", "c_1@x.example"), ("C%", "c%2@x.example")] {
        let search = ListUsersRequest {
            search: Some(search.to_owned()),
            ..ListUsersRequest::default()
        };
        assert_eq!(hostel.list(&admin, search).await, (vec![found.to_owned()], 1));
    }
    let quote = ListUsersRequest {
        search: Some("'; DROP TABLE user_account; --".to_owned()),
        ..ListUsersRequest::default()
    };
    assert_eq!(hostel.list(&admin, quote).await.1, 0);
}

#[tokio::test]
async fn a_page_out_of_range_is_refused() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    for request in [
        ListUsersRequest {
            limit: Some(101),
            ..ListUsersRequest::default()
        },
        ListUsersRequest {
            page: Some(0),
            ..ListUsersRequest::default()
        },
        ListUsersRequest {
            sort_by: Some("password_hash".to_owned()),
            ..ListUsersRequest::default()
        },
        ListUsersRequest {
            order: Some("up".to_owned()),
            ..ListUsersRequest::default()
        },
    ] {
        let status = hostel
            .users()
            .list_users(hostel.world.request(&admin, request))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn an_unknown_user_is_not_found_and_an_odd_id_is_refused() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    for (id, expected) in [
        ("0192f3a4-0000-7000-8000-000000000000", Code::NotFound),
        ("1 OR 1=1", Code::InvalidArgument),
    ] {
        let request = hostel.world.request(&admin, GetUserRequest { id: id.to_owned() });
        assert_eq!(hostel.users().get_user(request).await.unwrap_err().code(), expected);
    }
}

#[tokio::test]
async fn the_same_request_twice_is_one_user() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let tries = (0..8).map(|_| hostel.create_with_key(&admin, somebody("once@x.example", Role::Guard), "key-1"));
    let outcomes = futures_util::future::join_all(tries).await;
    let users: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    assert!(users.iter().all(|user| *user == users[0]));
    let other = hostel
        .create_with_key(&admin, somebody("other@x.example", Role::Guard), "key-1")
        .await;
    assert_eq!(code(other).1, "IDEMPOTENCY_KEY_REUSED");
    hostel.world.clock.advance(chrono::Duration::hours(25));
    let admin = hostel.login(ADMIN).await;
    assert!(
        hostel
            .create_with_key(&admin, somebody("later@x.example", Role::Guard), "key-1")
            .await
            .is_ok()
    );
}
