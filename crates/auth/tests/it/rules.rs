//! Requests that this service checks itself: what breaks a rule of their fields is refused, with everything else that is wrong.

use kit::testing::{broken, checked_by_service, wrong_fields};
use proto::{
    auth::{CheckPasswordRequest, CreateFirstAdminRequest, CreateUserRequest, UpdateUserRequest},
    options::Role,
};

use crate::{
    hostel::{ADMIN, Hostel, PASSWORD, somebody},
    people::told,
};

#[tokio::test]
async fn no_account_breaks_a_rule_of_its_fields() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let new = somebody("guard@hostel.example", Role::Guard);
    for one in broken(&new) {
        let fields = wrong_fields(hostel.try_create(&admin, one.request.clone()).await);
        assert_eq!(fields, [one.field.as_str()], "{one:?}");
    }
    let guard = hostel.try_create(&admin, new).await.unwrap();
    let valid = UpdateUserRequest {
        id: guard.id.clone(),
        name: Some(guard.name.clone()),
        is_active: Some(true),
    };
    for one in broken(&valid) {
        let fields = wrong_fields(hostel.update(&admin, one.request.clone()).await);
        assert_eq!(fields, [one.field.as_str()], "{one:?}");
    }
    assert_eq!(hostel.update(&admin, valid).await.unwrap(), guard);
}

#[tokio::test]
async fn no_first_administrator_breaks_a_rule_of_their_fields() {
    let hostel = Hostel::open().await;
    let valid = CreateFirstAdminRequest {
        setup_token: "a token".to_owned(),
        email: "head@hostel.example".to_owned(),
        name: "Anita Rao".to_owned(),
        password: PASSWORD.to_owned(),
    };
    let mut users = hostel.users();
    for one in broken(&valid) {
        let fields = wrong_fields(told(users.create_first_admin(one.request.clone()).await));
        assert_eq!(fields, [one.field.as_str()], "{one:?}");
    }
    let refused = told(users.create_first_admin(valid).await).unwrap_err();
    assert_ne!(refused.reason, "VALIDATION_ERROR");
}

/// Whoever adds one adds a test like those above.
#[test]
fn every_request_that_this_service_checks_is_tested() {
    let mut checked = checked_by_service("hostelpulse.auth.v1");
    checked.sort();
    assert_eq!(
        checked,
        ["CreateFirstAdminRequest", "CreateUserRequest", "UpdateUserRequest"]
    );
}

#[tokio::test]
async fn a_weak_password_is_named_beside_other_fields() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let request = CreateUserRequest {
        name: "\u{7}".to_owned(),
        password: Some("weak".to_owned()),
        ..somebody("guard", Role::Guard)
    };
    let fields = wrong_fields(hostel.try_create(&admin, request).await);
    assert_eq!(fields, ["email", "name", "password"]);
}

#[tokio::test]
async fn another_service_asks_whether_a_password_is_good() {
    let hostel = Hostel::open().await;
    let check = async |password: &str| {
        let password = password.to_owned();
        let request = hostel.world.request(
            &hostel.world.host.tokens("students").token().unwrap(),
            CheckPasswordRequest { password },
        );
        told(hostel.accounts().check_password(request).await).unwrap().error
    };
    assert_eq!(check(PASSWORD).await, None);
    for weak in ["", "weak", "Passw0rd!", "Gate#2026x\0"] {
        assert!(check(weak).await.is_some(), "{weak:?}");
    }
}
