//! Roles that change, and what ends with the former one.

use proto::options::Role;
use serde_json::json;
use tonic::Code;

use crate::hostel::{ADMIN, Hostel, code};

const GUARD: &str = "guard@hostel.example";

#[tokio::test]
async fn another_role_ends_the_sessions_of_the_former() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let guard = hostel.create(&admin, GUARD, Role::Guard).await;
    let token = hostel.login(GUARD).await;
    assert!(hostel.me(&token).await.is_ok());
    let promoted = hostel.change_role(&admin, &guard.id, Role::Warden).await.unwrap();
    assert_eq!(promoted.role(), Role::Warden);
    assert_eq!(code(hostel.me(&token).await).0, Code::Unauthenticated);
    let token = hostel.login(GUARD).await;
    assert_eq!(hostel.me(&token).await.unwrap().role(), Role::Warden);

    let changed = hostel.events("user.role_changed").await;
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0]["data"]["before"], "guard");
    assert_eq!(changed[0]["data"]["user"]["role"], "warden");
    assert_eq!(
        hostel.events("user.sessions_ended").await[0]["data"]["why"],
        json!("role")
    );
    assert!(hostel.events("user.updated").await.is_empty());
}

#[tokio::test]
async fn the_same_role_is_no_change() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let guard = hostel.create(&admin, GUARD, Role::Guard).await;
    let token = hostel.login(GUARD).await;
    let before = hostel.me(&token).await.unwrap();
    assert_eq!(
        hostel.change_role(&admin, &guard.id, Role::Guard).await.unwrap(),
        before
    );
    assert!(hostel.me(&token).await.is_ok());
    assert!(hostel.events("user.role_changed").await.is_empty());
}

#[tokio::test]
async fn who_may_change_a_role() {
    let hostel = Hostel::open().await;
    let admin = hostel.login(ADMIN).await;
    let admin_id = hostel.me(&admin).await.unwrap().id;
    assert_eq!(
        code(hostel.change_role(&admin, &admin_id, Role::Guard).await).1,
        "OWN_ACCOUNT"
    );
    let warden = hostel.create(&admin, "warden@hostel.example", Role::Warden).await;
    let token = hostel.login("warden@hostel.example").await;
    let refused = hostel.change_role(&token, &warden.id, Role::Admin).await;
    assert_eq!(code(refused).0, Code::PermissionDenied);
    let unknown = "0192f3a4-0000-7000-8000-000000000000";
    assert_eq!(
        code(hostel.change_role(&admin, unknown, Role::Guard).await).0,
        Code::NotFound
    );
    let none = hostel.change_role(&admin, &warden.id, Role::Unspecified).await;
    assert_eq!(none.unwrap_err().violations[0].field, "role");
}

#[tokio::test]
async fn two_administrators_do_not_demote_each_other() {
    let hostel = Hostel::open().await;
    let first = hostel.login(ADMIN).await;
    let first_id = hostel.me(&first).await.unwrap().id;
    let second = hostel.create(&first, "second@hostel.example", Role::Admin).await;
    let token = hostel.login("second@hostel.example").await;
    let (one, other) = tokio::join!(
        hostel.change_role(&first, &second.id, Role::Guard),
        hostel.change_role(&token, &first_id, Role::Guard)
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let lost = if one.is_ok() { other } else { one }.unwrap_err();
    // By the rule, or because the winner's change ended their session; never because the database gave up.
    assert!(["LAST_ADMIN", "UNAUTHENTICATED"].contains(&&*lost.reason), "{lost:?}");
}
